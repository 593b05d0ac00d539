"""One epoch of 50,000 images: the course's loop against the one most tutorials use.

Both train the same network from the same weights with Adam at the same rate on the same
images in minibatches of 256. The tutorial's loop draws from a ``DataLoader`` over torchvision's
dataset, which decodes and normalizes the images one by one, updates with an optimizer that
makes new tensors at each step, and reads loss and accuracy from the device at each step.

No loop over this network is faster than forward and backward alone, on minibatches that lie
ready. That limit and the course's loop take turns, and the share that is reached is the median
of the ratios in each turn. The last line compares with the tutorial's loop.

    COURSE_DATA=full python benchmarks/epoch.py    # the real 50,000 images
    python benchmarks/epoch.py                     # the shipped ones, repeated up to 50,000
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from course_lib import optim, settings
from course_lib.data import MEAN, STD, load_fashion_mnist
from course_lib.models import MLP
from course_lib.training import train_epoch

IMAGES, BATCH_SIZE, LR, REPETITIONS, TURNS = 50_000, 256, 1e-3, 3, 3


class TutorialAdam:
    """Adam as it is usually first written: each line makes a new tensor."""

    def __init__(self, params, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        self.params, self.lr = list(params), lr
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.t = 0
        self.m = [torch.zeros_like(w) for w in self.params]
        self.v = [torch.zeros_like(w) for w in self.params]

    def zero_grad(self):
        """Set the gradients to zero."""
        for w in self.params:
            if w.grad is not None:
                w.grad.zero_()

    @torch.no_grad()
    def step(self):
        """Update every parameter once."""
        self.t += 1
        for i, w in enumerate(self.params):
            g = w.grad
            self.m[i] = self.beta1 * self.m[i] + (1 - self.beta1) * g
            self.v[i] = self.beta2 * self.v[i] + (1 - self.beta2) * g**2
            m_hat = self.m[i] / (1 - self.beta1**self.t)
            v_hat = self.v[i] / (1 - self.beta2**self.t)
            w -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


def tutorial_epoch(model: nn.Module, loader: DataLoader, optimizer: TutorialAdam) -> float:
    device = next(model.parameters()).device
    model.train()
    losses, correct = [], 0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        scores = model(images)
        loss = cross_entropy(scores, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        correct += (scores.argmax(dim=1) == labels).sum().item()
    return sum(losses) / len(losses)


def forward_and_backward(model: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> None:
    model.train()
    for images, labels in batches:
        model.zero_grad()
        cross_entropy(model(images), labels).backward()


def torchvision_dataset(root: Path, pixels: Tensor, labels: Tensor) -> datasets.FashionMNIST:
    """Torchvision's dataset over these images, written where it looks for them."""
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, magic, items in ("images-idx3", 2051, pixels), ("labels-idx1", 2049, labels):
        header = b"".join(n.to_bytes(4, "big") for n in (magic, *items.shape))
        (raw / f"train-{name}-ubyte").write_bytes(header + items.cpu().numpy().tobytes())
        (raw / f"t10k-{name}-ubyte").touch()  # it must be there, and is not read
    normalize = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
    return datasets.FashionMNIST(root, train=True, transform=normalize)


def seconds(run: Callable[[], object], device: torch.device) -> tuple[float, object]:
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    start = time.perf_counter()
    result = run()
    wait()
    return time.perf_counter() - start, result


def main() -> None:
    device = settings.device()
    data = load_fashion_mnist(device=device)
    repeated = torch.arange(IMAGES, device=device) % len(data.train)
    split = data.train.subset(repeated)
    pixels = ((split.images[:, 0] * STD + MEAN) * 255).round().byte()

    A, B = torch.randn(2, 2048, 2048, device=device)
    weights = [w.numel() for w in MLP().parameters() if w.ndim == 2]
    # A product with W costs 2 operations a weight, forward, and for each of the gradients of
    # the weights and of the inputs; nobody asks for the gradient of the images.
    operations = IMAGES * (6 * sum(weights) - 2 * weights[0])

    def ours(start: dict[str, Tensor]) -> float:
        model = MLP().to(device)
        model.load_state_dict(start)
        optimizer = optim.Adam(model.parameters(), lr=LR)
        return train_epoch(model, split, optimizer, batch_size=BATCH_SIZE)[0]

    def tutorial(start: dict[str, Tensor], loader: DataLoader) -> float:
        model = MLP().to(device)
        model.load_state_dict(start)
        return tutorial_epoch(model, loader, TutorialAdam(model.parameters(), lr=LR))

    def alone(start: dict[str, Tensor]) -> None:
        model = MLP().to(device)
        model.load_state_dict(start)
        forward_and_backward(model, ready)

    ready = list(zip(split.images.split(BATCH_SIZE), split.labels.split(BATCH_SIZE), strict=True))
    slow, fast, limit, peak = [], [], [], []
    with TemporaryDirectory() as root:
        dataset = torchvision_dataset(Path(root), pixels, split.labels.byte())
        torch.testing.assert_close(dataset[-1][0], split.images[-1].cpu())
        loader = DataLoader(dataset, batch_size=BATCH_SIZE, shuffle=True)
        for seed in range(REPETITIONS):  # in turns, so that a busy machine is unfair to neither
            torch.manual_seed(seed)
            start = MLP().state_dict()
            peak += [2 * 2048**3 / seconds(lambda: A @ B, device)[0] for _ in range(5)]
            for _ in range(TURNS):
                limit.append(seconds(lambda: alone(start), device))  # noqa: B023
                fast.append(seconds(lambda: ours(start), device))  # noqa: B023
            slow.append(seconds(lambda: tutorial(start, loader), device))  # noqa: B023

    threads = "" if device.type == "cuda" else f" with {torch.get_num_threads()} threads"
    print(f"{IMAGES:,} images ({data.source}), batch {BATCH_SIZE}, Adam, {device}{threads}")
    print(f"{'':22}{'median':>9}{'best':>9}{'loss':>8}{'GFLOP/s':>9}{'of peak':>9}")
    medians = []
    rows = {"tutorial loop": slow, "course_lib.training": fast, "forward and backward": limit}
    for name, runs in rows.items():
        times = [run[0] for run in runs]
        medians.append(statistics.median(times))
        speed = operations / medians[-1]
        loss = "" if runs[0][1] is None else f"{runs[0][1]:.3f}"
        print(
            f"{name:22}{medians[-1]:8.2f}s{min(times):8.2f}s{loss:>8}"
            f"{speed / 1e9:9.0f}{speed / max(peak):9.0%}"
        )
    print(f"{'A @ B, 2048 x 2048':22}{'':26}{max(peak) / 1e9:9.0f}{1:9.0%}")
    print("operations = images * (6 * weights - 2 * weights of the first layer)")
    shares = [below[0] / above[0] for below, above in zip(limit, fast, strict=True)]
    print(f"Of the speed of forward and backward alone we reach {statistics.median(shares):.0%}.")
    print(f"ratio: {medians[0] / medians[1]:.1f}")


if __name__ == "__main__":
    main()
