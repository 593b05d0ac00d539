"""Fixtures that several test files share."""

import pytest


def pytest_ignore_collect(collection_path, config):
    """Of files that are slow as a whole, the fast tests import none: a sixth of their time."""
    if config.option.markexpr != "not slow" or not collection_path.match("test_*.py"):
        return None
    return "\npytestmark = pytest.mark.slow\n" in collection_path.read_text() or None


def pytest_terminal_summary(terminalreporter):
    """Print the mutation score of each assignment, also when workers ran the tests."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "mutation score" and report.when == "call":
                    terminalreporter.write_line(f"{name}, {value}")


def pytest_generate_tests(metafunc):
    """A test that asks for a device runs on each that this machine has."""
    if "device" in metafunc.fixturenames:
        metafunc.parametrize("device", [*devices()], indirect=True)


def devices():
    """The devices of this machine, each marked with its name: `-m cuda` runs the GPU's cases."""
    # Here and below, and not above: whoever only hands tests out to others need not wait for it.
    import torch

    yield pytest.param(torch.device("cpu"), marks=pytest.mark.cpu, id="cpu")
    if torch.cuda.is_available():
        yield pytest.param(torch.device("cuda", 0), marks=pytest.mark.cuda, id="cuda")


@pytest.fixture
def device(request):
    """Each device that a test shall run on."""
    return request.param


def first_images(device):
    from course_lib.data import FashionMNIST, load_fashion_mnist

    data = load_fashion_mnist("small", device=device)
    return FashionMNIST(
        train=data.train.subset(slice(300)),
        val=data.val.subset(slice(100)),
        test=data.test.subset(slice(100)),
        size=data.size,
        source=data.source,
        checksum=data.checksum,
    )


@pytest.fixture
def tiny():
    """300 training, 100 validation and 100 test images, on the CPU."""
    return first_images("cpu")


@pytest.fixture
def data(device):
    """The same images on each device."""
    return first_images(device)
