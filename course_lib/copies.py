"""Many small networks trained side by side: a grid of rates and seeds in the time of one."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.data import Split
from course_lib.models import ACTIVATIONS, MLP
from course_lib.optim.sgd import SGD
from course_lib.settings import seeded_generator


class Copies(nn.Module):
    r"""K networks of one shape as one module, each with weights of its own.

    Layer :math:`l` multiplies K minibatches by K matrices in one call. No network sees
    another, so the gradient of a sum of their losses is each one's own gradient, and a
    method that treats every weight alone trains them all at once.

    Args:
        models: K networks with the same widths and activation; their weights are copied.

    Raises:
        ValueError: there are none, or they differ in shape.

    Example:
        >>> copies = Copies([MLP(hidden=(5,), inputs=4) for _ in range(3)])
        >>> copies(torch.zeros(3, 20, 4)).shape
        torch.Size([3, 20, 10])
    """

    def __init__(self, models: Sequence[MLP]) -> None:
        super().__init__()
        configs = [model.config for model in models]
        if not configs or any(config != configs[0] for config in configs):
            raise ValueError(
                f"Copies got networks of different shapes, or none: {configs!r}. "
                "Build all of them with the same arguments."
            )
        weights = zip(*(model.parameters() for model in models), strict=True)
        stacked = [torch.stack(copies) for copies in weights]
        self.W = nn.ParameterList(W.mT.contiguous() for W in stacked[0::2])
        self.b = nn.ParameterList(b.unsqueeze(1) for b in stacked[1::2])
        self.activation = ACTIVATIONS[configs[0]["activation"]]()

    def forward(self, x: Tensor) -> Tensor:
        """The scores (K, B, classes) of K minibatches of images (K, B, ...)."""
        x = x.flatten(start_dim=2)
        for layer, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            x = torch.baddbmm(b, self.activation(x) if layer else x, W)
        return x


@torch.no_grad()
def scores_of(copies: Copies, images: Tensor) -> Tensor:
    """The scores (K, N, classes) that each network gives the same images (N, ...).

    Args:
        copies: the K networks, in the mode they are in.
        images: (N, ...).
    """
    K = len(copies.W[0])
    pieces = [copies(x.expand(K, *x.shape)) for x in images.split(1000)]
    return torch.cat(pieces, dim=1)


def accuracies(copies: Copies, images: Tensor, labels: Tensor) -> Tensor:
    """The share of the images that each network classifies right, (K,), on the CPU.

    Args:
        copies: the K networks, in the mode they are in.
        images: (N, ...).
        labels: (N,), or (K, N) if every network has labels of its own.

    Example:
        >>> copies = Copies([MLP(hidden=(5,), inputs=4) for _ in range(3)])
        >>> accuracies(copies, torch.zeros(20, 4), torch.zeros(20)).shape
        torch.Size([3])
    """
    return (scores_of(copies, images).argmax(dim=2) == labels).float().mean(dim=1).cpu()


def steps_to_reach(
    target: float,
    models: Sequence[MLP],
    split: Split,
    *,
    lrs: Sequence[float],
    batch_size: int,
    max_steps: int,
    patience: float = 2.0,
    every: int = 5,
    seed: int = 0,
) -> Tensor:
    r"""How many steps of SGD the loss needs to fall to a target, for each rate and each model.

    Every model is trained from where it is with every rate. The minibatches are drawn with
    replacement, one sequence for each model, so that rates are compared on the same images.

    Args:
        target: the cross-entropy of the whole split to reach.
        models: networks of one shape, such as one for each of several seeds; not changed.
        split: what they are trained and judged on.
        lrs: the rates :math:`\eta` to try.
        batch_size: B, images in a minibatch.
        max_steps: when to give up.
        patience: how many times the steps of the fastest rate, at which half of the models
            arrived, the others get. Default 2.
        every: steps between two looks at the loss. Default 5.
        seed: of the minibatches. Default 0.

    Returns:
        Steps, a multiple of ``every``, (rates, models); infinity where the target was not
        reached.
    """
    lr = torch.tensor(lrs, device=split.labels.device).repeat_interleave(len(models))
    copies = Copies([model for _ in lrs for model in models])
    optimizer = SGD(copies.parameters(), lr=1.0)  # the rates are factors of the losses
    generator = seeded_generator(seed)
    everything = torch.arange(len(split)).repeat(len(models), 1)

    def losses(batch: Tensor) -> Tensor:
        batch = batch.repeat(len(lrs), 1).to(split.labels.device)
        scores = copies(split.images[batch])
        loss = F.cross_entropy(scores.mT, split.labels[batch], reduction="none")
        return loss.mean(dim=1)

    steps = torch.full((len(lrs), len(models)), math.inf)
    for step in range(1, max_steps + 1):
        batch = torch.randint(len(split), (len(models), batch_size), generator=generator)
        optimizer.zero_grad()
        (lr * losses(batch)).sum().backward()
        optimizer.step()
        if step % every == 0:
            with torch.no_grad():
                reached = (losses(everything) <= target).cpu().view_as(steps)
            steps[reached & steps.isinf()] = step
            if step >= patience * steps.median(dim=1).values.min():
                break
    return steps
