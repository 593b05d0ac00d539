"""Fixtures that several test files share."""

import pytest
import torch

from course_lib.data import FashionMNIST, load_fashion_mnist


def pytest_terminal_summary(terminalreporter):
    """Print the mutation score of each assignment, also when workers ran the tests."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "mutation score" and report.when == "call":
                    terminalreporter.write_line(f"{name}, {value}")


def devices():
    """The devices of this machine, each marked with its name: `-m cuda` runs the GPU's cases."""
    yield pytest.param(torch.device("cpu"), marks=pytest.mark.cpu, id="cpu")
    if torch.cuda.is_available():
        yield pytest.param(torch.device("cuda", 0), marks=pytest.mark.cuda, id="cuda")


@pytest.fixture(params=devices())
def device(request):
    """Each device that a test shall run on."""
    return request.param


def first_images(device):
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
    return first_images(torch.device("cpu"))


@pytest.fixture
def data(device):
    """The same images on each device."""
    return first_images(device)
