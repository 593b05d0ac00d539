"""Fashion-MNIST as tensors: the subset that ships with the course, and the full set.

Both sizes are the four files of the original, in its IDX format, and both are read by the
same lines. The images of a split are one tensor on the device, so that a batch is a slice
of a permutation: ``split.images[order[:256]]``.
"""

import functools
import gzip
import hashlib
import http.client
import os
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from course_lib import settings

MEAN = 0.2861
"""Mean of the pixels of the 60,000 training images, scaled to [0, 1]: .28604, as usually quoted."""

STD = 0.3530
"""Standard deviation of the same pixels."""

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
"""What the labels 0 to 9 stand for."""

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
"""The files of a set, each gzipped (``.gz``) or not."""

# Of the content after decompression: distributions compress the files anew.
SHA256 = {
    "small": (
        "6d9108cd96daa180eec7fb5cf567b914fa03251b99835f286cfcaa5f2f29cab0",
        "e18e6fe44bbeb980f85a745210a0a269a8bb7b98201e0f223576115fd7d5dc6c",
        "c3db0aba26bbee2c4e140eeb7cc0c0aa8c78ca8883cb55c705307f1e83f145c9",
        "66e4c6deb5f2a061f7d8cd5ec53025fdb9dabb08265e449acb8cf64b8cd36cac",
    ),
    "full": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
VALIDATION = {"small": 1_000, "full": 10_000}

SHIPPED = Path(__file__).parent / "_data"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


@dataclass(frozen=True)
class Split:
    """Images and their labels, in the same order.

    Args:
        images: float32, (N, 1, 28, 28).
        labels: int64 from 0 to 9, (N,), or probabilities of the classes, (N, 10).
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor | Sequence[int] | slice) -> "Split":
        """The images and labels at these indices, in this order."""
        return Split(self.images[indices], self.labels[indices])

    def pooled(self, size: int) -> "Split":
        """Smaller images: each pixel the mean of ``size`` times ``size``."""
        return Split(avg_pool2d(self.images, size), self.labels)


@dataclass(frozen=True)
class FashionMNIST:
    """The three splits, and what they are.

    Args:
        train: what the gradients see.
        val: taken out of the training images; what choices are made on.
        test: looked at once, at the end.
        size: ``"small"`` or ``"full"``.
        source: where the files were found, in words.
        checksum: SHA-256 over the checksums of the four files.
    """

    train: Split
    val: Split
    test: Split
    size: str
    source: str
    checksum: str


def load_fashion_mnist(
    size: str | None = None, device: torch.device | None = None, normalize: bool = True
) -> FashionMNIST:
    """Load Fashion-MNIST into tensors on a device.

    The full set is looked for in ``$FASHION_MNIST_DIR``, where Debian's package
    ``dataset-fashion-mnist`` puts it, in torchvision's cache (``$TORCH_HOME/datasets``), and
    is then downloaded into that cache. The validation images are drawn from the training
    images by a fixed permutation, so they are the same in every run. The files are read and
    verified once in a process; calling again costs a copy.

    Args:
        size: ``"small"`` (4,000 training, 1,000 validation and 1,000 test images, shipped
            with the course) or ``"full"`` (50,000, 10,000 and 10,000). Default: what
            ``COURSE_DATA`` says.
        device: where the tensors live. Default: what ``COURSE_DEVICE`` says.
        normalize: subtract :data:`MEAN` and divide by :data:`STD`; otherwise the pixels
            are in [0, 1]. Default True.

    Returns:
        The three splits, and what they are.

    Raises:
        ValueError: ``size`` is unknown, or a file is damaged.
        FileNotFoundError: the full set was nowhere to be had, or not in the directory that
            ``FASHION_MNIST_DIR`` names.
        ImportError: the download needs torchvision, which does not fit torch here.

    Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
    Machine Learning Algorithms", 2017.

    Example:
        >>> data = load_fashion_mnist("small")
        >>> data.train.images.shape, CLASSES[data.train.labels[0]]
        (torch.Size([4000, 1, 28, 28]), 'Bag')
    """
    size = settings.data_size() if size is None else size
    if size not in SHA256:
        raise ValueError(
            f"size is {size!r}, which is neither 'small' nor 'full': pass one of them."
        )
    device = settings.device() if device is None else device
    directory, source = SHIPPED, "the subset shipped with the course"
    if size == "full":
        directory, source = find_full_set()
    train_images, train_labels, test_images, test_labels = _read(directory, size)

    def split(pixels: Tensor, labels: Tensor) -> Split:
        images = pixels.to(device).unsqueeze(1).float().div_(255)
        if normalize:
            images.sub_(MEAN).div_(STD)
        return Split(images, labels.to(device).long())

    # RandomState's numbers are frozen, whatever the version of NumPy.
    shuffle = np.random.RandomState(settings.shifted(0)).permutation
    order = torch.from_numpy(shuffle(len(train_labels)))
    train, val = order[: -VALIDATION[size]], order[-VALIDATION[size] :]
    return FashionMNIST(
        train=split(train_images[train], train_labels[train]),
        val=split(train_images[val], train_labels[val]),
        test=split(test_images, test_labels),
        size=size,
        source=source,
        checksum=hashlib.sha256("".join(SHA256[size]).encode()).hexdigest(),
    )


def balanced_indices(labels: Tensor, per_class: int) -> Tensor:
    """The first ``per_class`` indices of each class, interleaved class by class.

    This is the rule by which the shipped subset was taken from the full set, with 500
    training and 100 test images of each class.

    Args:
        labels: the class of each example, (N,).
        per_class: how many of each class.

    Returns:
        Indices into ``labels``, (classes * per_class,).

    Raises:
        ValueError: a class has fewer than ``per_class`` examples.

    Example:
        >>> balanced_indices(torch.tensor([1, 1, 0, 0, 1, 0]), per_class=2).tolist()
        [2, 0, 3, 1]
    """
    if per_class < 1:
        raise ValueError(f"per_class is {per_class!r}: pass 1 or more.")
    columns = [torch.nonzero(labels == label).flatten() for label in labels.unique()]
    fewest = min(map(len, columns), default=0)
    if fewest < per_class:
        raise ValueError(
            f"per_class is {per_class} and the smallest class has {fewest} examples: "
            "pass at most that many."
        )
    return torch.stack([column[:per_class] for column in columns], dim=1).flatten()


@functools.cache
def _read(directory: Path, size: str) -> tuple[Tensor, ...]:
    """The four arrays of a set as uint8: images (N, 28, 28) and labels (N,)."""
    arrays = []
    for name, sha256 in zip(FILES, SHA256[size], strict=True):
        content = bytearray(_verified(_path(directory, name), sha256))
        if "images" in name:  # 16 bytes of header: magic number, N, rows, columns
            arrays.append(torch.frombuffer(content, dtype=torch.uint8, offset=16).view(-1, 28, 28))
        else:  # 8 bytes: magic number, N
            arrays.append(torch.frombuffer(content, dtype=torch.uint8, offset=8))
    return tuple(arrays)


def _path(directory: Path, name: str) -> Path:
    plain = directory / name
    return plain if plain.exists() else directory / f"{name}.gz"


def _verified(path: Path, sha256: str) -> bytes:
    """The content of a file, decompressed, if it is the original's."""
    if path.parent == SHIPPED:
        advice = "get the course's files again, for example with `git checkout course_lib/_data`."
    else:
        advice = "delete it and fetch it again, or set COURSE_DATA=small to use the shipped subset."
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read ({_last_line(error)}): {advice}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{path} is not the original Fashion-MNIST file: the SHA-256 of its content is "
            f"{found[:8]}…, not {sha256[:8]}…; {advice}"
        )
    return content


def find_full_set() -> tuple[Path, str]:
    """The directory that holds the full set, and in words which one it is."""
    named = os.environ.get("FASHION_MNIST_DIR")
    if named:
        missing = _missing(Path(named))
        if missing:
            raise FileNotFoundError(
                f"FASHION_MNIST_DIR is {named!r}, which lacks {', '.join(missing)}: "
                "set it to the directory that holds the four files, or unset it."
            )
        return Path(named), "the directory named by FASHION_MNIST_DIR"
    cache = Path(torch.hub.get_dir()).parent / "datasets"  # $TORCH_HOME, or ~/.cache/torch
    downloaded = cache / "FashionMNIST" / "raw"  # as torchvision lays it out
    if not _missing(DEBIAN):
        return DEBIAN, "Debian's package dataset-fashion-mnist"
    if not _missing(downloaded):
        return downloaded, "torchvision's cache"
    _download(downloaded)
    return downloaded, "torchvision's download"


def _missing(directory: Path) -> list[str]:
    return [f"{name}.gz" for name in FILES if not _path(directory, name).exists()]


def _download(directory: Path) -> None:
    """Let torchvision download the set, and move its files into place when all are there."""
    datasets = _import_torchvision_datasets()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory) as root:
            datasets.FashionMNIST(root, download=True)
            for name in FILES:
                Path(root, "FashionMNIST", "raw", name).replace(directory / name)
    except (RuntimeError, OSError, http.client.HTTPException) as error:
        raise FileNotFoundError(
            "The full Fashion-MNIST is not on this machine and could not be downloaded "
            f"({_last_line(error)}): set FASHION_MNIST_DIR to the directory of its four files, "
            "or run `apt install dataset-fashion-mnist`, or connect to the network, "
            "or set COURSE_DATA=small to use the subset that ships with the course."
        ) from None


def _import_torchvision_datasets() -> ModuleType:
    """``torchvision.datasets``, or one sentence when torchvision was built for another torch."""
    try:
        from torchvision import datasets  # only here: the shipped subset needs no torchvision
    except (ImportError, RuntimeError) as error:
        raise ImportError(
            f"torchvision does not work with torch {torch.__version__} ({_last_line(error)}): "
            "install the two together, so that their builds match, by running "
            "`pip install --force-reinstall torch torchvision`."
        ) from None
    return datasets


def _last_line(error: Exception) -> str:
    """What an error says in the end, on one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1]
