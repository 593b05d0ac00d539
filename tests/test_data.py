import gzip
import hashlib
import re
import runpy
import shutil
import sys
import threading
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from course_lib import data
from course_lib.data import CLASSES, FILES, MEAN, STD, balanced_indices, load_fashion_mnist

CPU = torch.device("cpu")


# What is loaded


def test_the_shipped_subset(device):
    loaded = load_fashion_mnist("small", device=device)
    assert (len(loaded.train), len(loaded.val), len(loaded.test)) == (4000, 1000, 1000)
    assert (loaded.size, loaded.source) == ("small", "the subset shipped with the course")
    assert re.fullmatch("[0-9a-f]{64}", loaded.checksum)
    for split in loaded.train, loaded.val, loaded.test:
        assert split.images.shape == (len(split), 1, 28, 28)
        assert (split.images.dtype, split.labels.dtype) == (torch.float32, torch.int64)
        assert split.images.device == split.labels.device == device
        assert split.images.is_contiguous()


def test_classes_are_balanced():
    loaded = load_fashion_mnist("small", device=CPU)
    training_labels = torch.cat([loaded.train.labels, loaded.val.labels])
    assert training_labels.bincount().tolist() == [500] * 10
    assert loaded.test.labels.bincount().tolist() == [100] * 10
    assert len(CLASSES) == 10


def test_training_and_validation_images_are_the_training_files_divided():
    loaded = load_fashion_mnist("small", device=CPU, normalize=False)
    images, labels, *_ = data._read(data.SHIPPED, "small")
    parts = torch.cat([loaded.train.images, loaded.val.images])[:, 0]
    part_labels = torch.cat([loaded.train.labels, loaded.val.labels])
    pairs = zip((parts * 255).round().byte(), part_labels, strict=True)
    assert Counter((x.numpy().tobytes(), int(y)) for x, y in pairs) == Counter(
        (x.numpy().tobytes(), int(y)) for x, y in zip(images, labels, strict=True)
    )


def test_the_validation_images_are_the_same_in_every_run_and_release():
    val = load_fashion_mnist("small", device=CPU).val
    assert val.labels[:12].tolist() == [4, 4, 6, 4, 7, 3, 9, 9, 2, 8, 9, 5]


def test_normalize_subtracts_the_mean_and_divides_by_the_deviation():
    raw = load_fashion_mnist("small", device=CPU, normalize=False).train.images
    assert (raw.min(), raw.max()) == (0, 1)
    normalized = load_fashion_mnist("small", device=CPU).train.images
    torch.testing.assert_close(normalized, (raw - MEAN) / STD)


def test_changing_what_was_loaded_does_not_change_what_is_loaded_next():
    load_fashion_mnist("small", device=CPU).test.images.zero_()
    assert load_fashion_mnist("small", device=CPU).test.images.any()


def test_the_environment_chooses_and_an_argument_overrides_it(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "small")
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert load_fashion_mnist().size == "small"
    assert load_fashion_mnist().train.images.device == CPU
    monkeypatch.setenv("COURSE_DATA", "tiny")
    with pytest.raises(ValueError, match="COURSE_DATA is 'tiny'"):
        load_fashion_mnist()
    assert load_fashion_mnist("small").size == "small"
    with pytest.raises(ValueError, match="size is 'tiny', which is neither 'small' nor 'full'"):
        load_fashion_mnist("tiny")


@pytest.mark.parametrize("indices", [[2, 0], torch.tensor([2, 0]), slice(1, 3)])
def test_a_subset_holds_the_chosen_images_with_their_labels(indices):
    split = load_fashion_mnist("small", device=CPU).test
    part = split.subset(indices)
    assert len(part) == 2
    assert torch.equal(part.images, split.images[indices])
    assert torch.equal(part.labels, split.labels[indices])


def test_pooled_pixels_are_means():
    split = data.Split(torch.arange(16.0).view(1, 1, 4, 4), torch.zeros(1))
    assert split.pooled(2).images.tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]
    assert split.pooled(2).labels is split.labels


# The rule of the subset


@pytest.mark.parametrize(
    ("labels", "per_class", "expected"),
    [
        ([1, 1, 0, 0, 1, 0], 1, [2, 0]),
        ([1, 1, 0, 0, 1, 0], 3, [2, 0, 3, 1, 5, 4]),
        ([7, 3, 7], 1, [1, 0]),
    ],
)
def test_balanced_indices(labels, per_class, expected):
    assert balanced_indices(torch.tensor(labels), per_class).tolist() == expected


@pytest.mark.parametrize(("labels", "per_class"), [([0, 0, 1], 2), ([0, 1], 0), ([], 1)])
def test_balanced_indices_refuses_more_than_there_are(labels, per_class):
    with pytest.raises(ValueError, match=rf"per_class is {per_class}.*: pass"):
        balanced_indices(torch.tensor(labels), per_class)


@pytest.fixture
def full_directory(monkeypatch):
    """Where the full set is on this machine; nothing is downloaded to find out."""
    monkeypatch.setattr(data, "_download", lambda directory: pytest.skip("needs the full set"))
    return data.find_full_set()[0]


@pytest.mark.slow
def test_the_readme_beside_the_subset_makes_it_from_the_full_set(
    full_directory, tmp_path, monkeypatch
):
    (tmp_path / "full").mkdir()
    for name in FILES:
        content = plain(full_directory, name)
        (tmp_path / "full" / f"{name}.gz").write_bytes(gzip.compress(content, 1))
    readme = (data.SHIPPED / "README.md").read_text()
    (tmp_path / "make.py").write_text(re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1])
    monkeypatch.chdir(tmp_path)
    runpy.run_path("make.py")
    for name in FILES:
        assert plain(tmp_path, name) == plain(data.SHIPPED, name)


@pytest.mark.slow
def test_the_full_set(full_directory):
    loaded = load_fashion_mnist("full", device=CPU, normalize=False)
    assert (len(loaded.train), len(loaded.val), len(loaded.test)) == (50_000, 10_000, 10_000)
    pixels = torch.cat([loaded.train.images, loaded.val.images])
    assert pixels.mean(dtype=torch.float64).item() == pytest.approx(MEAN, abs=1e-4)
    assert pixels.std().item() == pytest.approx(STD, abs=1e-4)


# Where the full set is looked for. The shipped files play its part.


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine without the full set and without a network; returns its three places."""
    monkeypatch.setitem(data.SHA256, "full", data.SHA256["small"])
    monkeypatch.setitem(data.VALIDATION, "full", data.VALIDATION["small"])
    monkeypatch.delenv("FASHION_MNIST_DIR", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(data, "DEBIAN", tmp_path / "debian")
    use_mirror(monkeypatch, "http://127.0.0.1:9/")  # the discard port: nobody listens
    places = {
        "named": tmp_path / "named",
        "debian": tmp_path / "debian",
        "cache": tmp_path / "torch" / "datasets" / "FashionMNIST" / "raw",
    }
    return places


def use_mirror(monkeypatch, address):
    from torchvision.datasets import FashionMNIST

    md5 = [
        (f"{name}.gz", hashlib.md5((data.SHIPPED / f"{name}.gz").read_bytes()).hexdigest())
        for name in FILES
    ]
    monkeypatch.setattr(FashionMNIST, "mirrors", [address])
    monkeypatch.setattr(FashionMNIST, "resources", md5)
    monkeypatch.setenv("no_proxy", "*")


def put_files(directory):
    directory.mkdir(parents=True)
    for name in FILES:
        shutil.copy(data.SHIPPED / f"{name}.gz", directory)


def plain(directory, name):
    path = data._path(directory, name)
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.parametrize(
    ("holding", "source"),
    [
        (["named", "debian", "cache"], "the directory named by FASHION_MNIST_DIR"),
        (["debian", "cache"], "Debian's package dataset-fashion-mnist"),
        (["cache"], "torchvision's cache"),
    ],
)
def test_the_first_place_that_has_the_files_is_taken(machine, monkeypatch, holding, source):
    for place in holding:
        put_files(machine[place])
    if "named" in holding:
        monkeypatch.setenv("FASHION_MNIST_DIR", str(machine["named"]))
    loaded = load_fashion_mnist("full", device=CPU)
    assert loaded.source == source
    assert len(loaded.train) == 4000


def test_a_named_directory_without_the_files_is_an_error_and_not_passed_over(machine, monkeypatch):
    put_files(machine["debian"])
    put_files(machine["named"])
    (machine["named"] / "t10k-labels-idx1-ubyte.gz").unlink()
    monkeypatch.setenv("FASHION_MNIST_DIR", str(machine["named"]))
    with pytest.raises(FileNotFoundError, match=r"named', which lacks t10k-labels-idx1-ubyte\.gz:"):
        load_fashion_mnist("full")


def test_files_may_be_uncompressed(machine, monkeypatch):
    machine["named"].mkdir()
    for name in FILES:
        (machine["named"] / name).write_bytes(plain(data.SHIPPED, name))
    monkeypatch.setenv("FASHION_MNIST_DIR", str(machine["named"]))
    small = load_fashion_mnist("small", device=CPU)
    assert torch.equal(load_fashion_mnist("full", device=CPU).test.images, small.test.images)


def flip_a_bit(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[:-7], id="truncated"),
        pytest.param(lambda content: content + b"more", id="longer"),
        pytest.param(flip_a_bit, id="one bit flipped"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: b"<html>404</html>", id="a web page"),
    ],
)
def test_a_damaged_file_is_refused_by_name(machine, monkeypatch, name, suffix, damage):
    put_files(machine["named"])
    monkeypatch.setenv("FASHION_MNIST_DIR", str(machine["named"]))
    content = plain(machine["named"], name)
    (machine["named"] / f"{name}.gz").unlink()
    broken = machine["named"] / f"{name}{suffix}"
    broken.write_bytes(damage(gzip.compress(content, 1) if suffix else content))
    with pytest.raises(ValueError, match=re.escape(str(broken))) as caught:
        load_fashion_mnist("full")
    assert "\n" not in str(caught.value)
    assert "COURSE_DATA=small" in str(caught.value)


def test_a_damaged_file_of_the_course_itself_is_to_be_restored(monkeypatch, tmp_path):
    put_files(tmp_path / "shipped")
    monkeypatch.setattr(data, "SHIPPED", tmp_path / "shipped")
    (tmp_path / "shipped" / "train-labels-idx1-ubyte.gz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"train-labels-idx1-ubyte\.gz .* `git checkout") as caught:
        load_fashion_mnist("small")
    assert "COURSE_DATA" not in str(caught.value)


def test_the_files_of_another_size_are_refused(monkeypatch):
    monkeypatch.setenv("FASHION_MNIST_DIR", str(data.SHIPPED))
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is not the original"):
        load_fashion_mnist("full")


# Downloading


@pytest.fixture
def mirror(machine, monkeypatch, tmp_path):
    """A web server that offers the files in the directory it returns."""
    offered = tmp_path / "mirror"
    put_files(offered)
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=offered)) as server:
        threading.Thread(target=server.serve_forever, args=[0.02]).start()
        use_mirror(monkeypatch, f"http://127.0.0.1:{server.server_port}/")
        yield offered
        server.shutdown()


def test_the_full_set_is_downloaded_once(machine, mirror):
    assert load_fashion_mnist("full", device=CPU).source == "torchvision's download"
    assert sorted(path.name for path in machine["cache"].iterdir()) == sorted(FILES)
    assert load_fashion_mnist("full", device=CPU).source == "torchvision's cache"


def assert_one_sentence_with_every_way_out(error):
    assert "\n" not in str(error)
    for way_out in (
        "FASHION_MNIST_DIR",
        "apt install dataset-fashion-mnist",
        "connect to the network",
        "COURSE_DATA=small",
    ):
        assert way_out in str(error)


def test_without_a_network_the_error_names_every_way_out(machine):
    with pytest.raises(FileNotFoundError, match="refused") as caught:
        load_fashion_mnist("full")
    assert_one_sentence_with_every_way_out(caught.value)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "break_file",
    [
        pytest.param(Path.unlink, id="missing on the server"),
        pytest.param(lambda path: path.write_bytes(flip_a_bit(path.read_bytes())), id="corrupt"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-9]), id="cut short"),
    ],
)
def test_a_download_that_fails_leaves_no_file_behind(machine, mirror, name, break_file):
    break_file(mirror / f"{name}.gz")
    with pytest.raises(FileNotFoundError, match="could not be downloaded") as caught:
        load_fashion_mnist("full")
    assert_one_sentence_with_every_way_out(caught.value)
    assert not list(machine["cache"].iterdir())


def test_a_cache_that_cannot_be_written_is_said(machine, mirror):
    machine["cache"].parent.mkdir(parents=True)
    machine["cache"].write_bytes(b"a file where the directory should be")
    with pytest.raises(FileNotFoundError, match="File exists") as caught:
        load_fashion_mnist("full")
    assert_one_sentence_with_every_way_out(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "raise RuntimeError('operator torchvision::nms does not exist')",
        "raise ImportError('libcudart.so.12: cannot open shared object file')",
    ],
)
def test_a_torchvision_built_for_another_torch_is_one_sentence(
    machine, monkeypatch, tmp_path, line
):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(line)
    for module in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"running `pip install .* torch torchvision`") as caught:
        load_fashion_mnist("full")
    assert "\n" not in str(caught.value)
    assert torch.__version__ in str(caught.value)
    assert load_fashion_mnist("small").size == "small"  # which needs no torchvision
