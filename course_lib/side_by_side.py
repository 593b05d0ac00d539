"""Small networks trained side by side, each with its own penalty, dropout and examples."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.arguments import require
from course_lib.copies import Copies
from course_lib.models import ACTIVATIONS, MLP
from course_lib.optim import SGD
from course_lib.settings import seeded_generator

momentum = partial(SGD, momentum=0.9)


class DropoutCopies(Copies):
    r"""K networks as one module, with dropout on the inputs and on the hidden units.

    In training a unit is switched off with probability p and the others are scaled by
    :math:`1/(1-p)`; in evaluation mode nothing is dropped. The masks come from torch's global
    generator of the device.

    Args:
        models: K networks with the same widths and activation; their weights are copied.
        hidden: p of the hidden units: one number, or one for each network. Default 0.
        inputs: p of the inputs, likewise. Default 0.

    Raises:
        ValueError: a probability is outside [0, 1), or there is not one for each network.

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", 2014.

    Example:
        >>> copies = DropoutCopies([MLP(hidden=(5,), inputs=4)] * 3, hidden=[0.0, 0.2, 0.5])
        >>> copies(torch.zeros(3, 20, 4)).shape
        torch.Size([3, 20, 10])
    """

    hidden: Tensor
    inputs: Tensor

    def __init__(
        self,
        models: Sequence[MLP],
        hidden: float | Sequence[float] = 0.0,
        inputs: float | Sequence[float] = 0.0,
    ) -> None:
        super().__init__(models)
        where = self.W[0].device
        self.register_buffer("hidden", _one_each("hidden", hidden, len(models)).to(where))
        self.register_buffer("inputs", _one_each("inputs", inputs, len(models)).to(where))

    def forward(self, x: Tensor) -> Tensor:
        """The scores (K, B, classes) of K minibatches of images (K, B, ...)."""
        x = self._dropped(x.flatten(start_dim=2), self.inputs)
        for layer, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            if layer:
                x = self._dropped(self.activation(x), self.hidden)
            x = torch.baddbmm(b, x, W)
        return x

    def _dropped(self, x: Tensor, p: Tensor) -> Tensor:
        if not self.training or not p.any():
            return x
        return x * (torch.rand_like(x) >= p) / (1 - p)


def _one_each(name: str, values: float | Sequence[float], networks: int) -> Tensor:
    values = [values] * networks if isinstance(values, int | float) else list(values)
    if len(values) != networks:
        raise ValueError(f"{name} has {len(values)} numbers for {networks} networks.")
    for value in values:
        require(name, value, "[0, 1)")
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1)


def fit_copies(
    copies: Copies,
    images: Tensor,
    targets: Tensor,
    *,
    steps: int,
    batch_size: int,
    lr: float = 0.1,
    make_optimizer: Callable[..., torch.optim.Optimizer] = momentum,
    schedule: Callable[[int], float] | None = None,
    weight_decay: float | Sequence[float] = 0.0,
    indices: Tensor | None = None,
    change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
    look: Callable[[int], None] | None = None,
    every: int = 1,
    seed: int = 0,
) -> Copies:
    r"""Train all networks of a :class:`Copies` at once, by cross-entropy plus an L2 penalty.

    Network k pays :math:`\frac{\lambda_k}{2} \lVert W \rVert^2` for its matrices; biases are
    free. The minibatches are drawn with replacement, one sequence for each network.

    Args:
        copies: the K networks; changed, and left in evaluation mode.
        images: what they are trained on, (N, ...).
        targets: labels (N,), or probabilities (N, classes).
        steps: how many steps each takes.
        batch_size: B, images in a minibatch of one network.
        lr: the rate :math:`\eta` of all of them. Default 0.1.
        make_optimizer: makes a method that treats each weight alone, from parameters and
            ``lr``. Default: SGD with momentum 0.9.
        schedule: a factor of the rate, as a function of the steps already taken. Default: 1.
        weight_decay: :math:`\lambda`, one number or one for each network. Default 0.
        indices: which examples each network may see, (K, M), with repetitions if it likes.
            Default: all.
        change: called with the images (K, B, ...) and the targets (K, B) or (K, B, classes) of
            each minibatch, returns what to train on in their place. Default: as they are.
        look: called with 0, ``every``, 2 ``every`` and so on: the steps taken so far, the
            networks in evaluation mode.
        every: steps between two looks. Default 1.
        seed: of the minibatches. Default 0.

    Returns:
        ``copies``.

    Raises:
        ValueError: a decay is negative, or there is not one for each network.

    Example:
        >>> copies = Copies([MLP(hidden=(3,), inputs=4, classes=2) for _ in range(2)])
        >>> images, labels = torch.randn(20, 4), torch.arange(20) % 2
        >>> copies = fit_copies(copies, images, labels, steps=5, batch_size=4)
        >>> copies(images.expand(2, 20, 4)).shape
        torch.Size([2, 20, 2])
    """
    where, K = images.device, len(copies.W[0])
    decay = torch.as_tensor(weight_decay, dtype=torch.float32, device=where)
    if decay.numel() not in (1, K) or (decay < 0).any():
        raise ValueError(f"weight_decay is {weight_decay!r}: give 0 or more, one or {K} of them.")
    decay = decay.view(-1, 1, 1)
    optimizer = make_optimizer(copies.parameters(), lr=lr)
    generator = seeded_generator(seed)
    indices = torch.arange(len(targets)).expand(K, -1) if indices is None else indices.cpu()
    for t in range(steps):
        if look is not None and t % every == 0:
            copies.eval()
            look(t)
        copies.train()
        drawn = torch.randint(indices.shape[1], (K, batch_size), generator=generator)
        batch = indices.gather(1, drawn).to(where)
        x, y = images[batch], targets[batch]
        if change is not None:
            x, y = change(x, y)
        scores = copies(x)
        target = y if y.ndim == 2 else y.mT
        losses = F.cross_entropy(scores.mT, target, reduction="none").mean(dim=1)
        optimizer.zero_grad()
        losses.sum().backward()
        if decay.any():
            for W in copies.W:
                W.grad.add_(decay * W.detach())
        for group in optimizer.param_groups:
            group["lr"] = lr * (schedule(t) if schedule else 1)
        optimizer.step()
    copies.eval()
    if look is not None and steps % every == 0:
        look(steps)
    return copies


def network_of(copies: Copies, k: int) -> MLP:
    """One of the networks on its own, with weights that are copied.

    Args:
        copies: the networks.
        k: which of them, from 0.

    Example:
        >>> models = [MLP(hidden=(5,), inputs=4) for _ in range(3)]
        >>> copies = Copies(models)
        >>> network_of(copies, 2)(torch.ones(1, 4)).allclose(models[2](torch.ones(1, 4)))
        True
    """
    widths = [W.shape[1] for W in copies.W]
    activation = next(
        name for name, kind in ACTIVATIONS.items() if isinstance(copies.activation, kind)
    )
    classes = copies.W[-1].shape[2]
    model = MLP(hidden=widths[1:], activation=activation, inputs=widths[0], classes=classes)
    values = [p[k] for pair in zip(copies.W, copies.b, strict=True) for p in pair]
    with torch.no_grad():
        for p, value in zip(model.to(copies.W[0].device).parameters(), values, strict=True):
            p.copy_(value.T if p.ndim == 2 else value[0])
    return model
