"""One loop that trains many networks, at one rate or each at a rate of its own."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from course_lib.arguments import one_each
from course_lib.data import Split
from course_lib.many.networks import Many, Networks, cross_entropies
from course_lib.models import MLP
from course_lib.optim import SGD, Optimizer

Made = torch.optim.Optimizer | list[torch.optim.Optimizer]
Method = Callable[..., Made]
"""Makes an optimizer, or several, from parameters and ``lr``: a class, or a partial of one."""


def train(
    many: Networks,
    split: Split,
    batches: Iterable[Tensor],
    lr: float | Sequence[float] | Tensor,
    method: Method = SGD,
    *,
    schedule: Callable[[int], float] | None = None,
    decay: float | Sequence[float] | Tensor = 0.0,
    change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
    masks: Sequence[Tensor] = (),
    look: Callable[[int], object] | None = None,
) -> Tensor:
    r"""Train all networks at once, by cross-entropy plus an L2 penalty.

    Each is trained as if it were alone. Network k pays
    :math:`\frac{\lambda_k}{2} \lVert W \rVert^2` for its matrices; biases are free.

    Args:
        many: the K networks; changed, and left in evaluation mode.
        split: images (N, ...), and labels (N,) or probabilities (N, classes).
        batches: for each step the indices of its minibatch: (B,) or (1, B) for all networks,
            (K, B) for each its own, or (S, B) if network k sees row k modulo S. See
            :mod:`course_lib.many.batches`.
        lr: the rate :math:`\eta`, one for all or one for each network.
        method: makes the optimizer from parameters and ``lr``, as ``partial(Adam, eps=0.1)``
            does, or a list of optimizers that share the parameters. Default SGD.
        schedule: a factor of all rates, as a function of the steps already taken. Default: 1.
        decay: :math:`\lambda`, one number or one for each network. Default 0.
        change: called with the images (K, B, ...) and the targets (K, B) or (K, B, classes) of
            each minibatch, returns what to train on in their place. Default: as they are.
        masks: for each matrix a tensor of ones and zeros of its shape: weights where it is 0
            are kept at 0. Default: none.
        look: called after each step with the number of steps taken, the networks in training
            mode; if it returns True, training ends. Default: nothing.

    Returns:
        The loss of each minibatch before its step, without the penalty, (T, K), on the CPU.

    Raises:
        ValueError: a rate or a decay is negative, there is not one for each network, or not a
            mask for each matrix.

    Example:
        >>> from course_lib.many import Draws
        >>> many = Many([MLP(hidden=(3,), inputs=4, classes=2) for _ in range(2)])
        >>> split = Split(torch.randn(20, 4), torch.arange(20) % 2)
        >>> train(many, split, Draws(20, batch_size=4, steps=5), lr=0.1).shape
        torch.Size([5, 2])
    """
    K, where = len(many), split.labels.device
    if masks and len(masks) != len(many.matrices):
        raise ValueError(f"{len(masks)} masks for {len(many.matrices)} layers: pass one for each.")
    steps = _Steps(many, one_each("lr", lr, K, "[0, inf)"), method)
    penalties = steps.factor * one_each("decay", decay, K, "[0, inf)").to(steps.factor)
    decays, curve = bool(penalties.any()), []
    many.train()
    _apply_masks(many, masks)
    for t, batch in enumerate(batches):
        x, y = _minibatches(split, batch.to(where), K)
        if change is not None:
            x, y = change(x, y)
        losses = cross_entropies(many(x), y)
        steps.zero_grad()
        (steps.factor * losses).sum().backward()
        for W in many.matrices if decays else ():
            if W.grad is not None:
                W.grad.add_(_column(penalties, W) * W.detach())
        steps.take(schedule(t) if schedule else 1.0)
        _apply_masks(many, masks)
        curve.append(losses.detach())
        if look is not None:
            if steps.looked(look, t + 1):
                break
            many.train()  # whatever mode it was looked at in
    steps.show("eval")
    many.eval()
    return torch.stack(curve).cpu() if curve else torch.empty(0, K)


def _minibatches(split: Split, batch: Tensor, K: int) -> tuple[Tensor, Tensor]:
    if batch.ndim == 1 or len(batch) == 1:
        x, y = split.images[batch.flatten()], split.labels[batch.flatten()]
        return x.expand(K, *x.shape), y.expand(K, *y.shape)
    if K % len(batch):
        raise ValueError(f"{len(batch)} sequences of minibatches do not go around {K} networks.")
    batch = batch.repeat(K // len(batch), 1)
    return split.images[batch], split.labels[batch]


def _column(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.ndim - 1))


@torch.no_grad()
def _apply_masks(many: Networks, masks: Sequence[Tensor]) -> None:
    for W, mask in zip(many.matrices, masks):
        W.mul_(mask)


class _Steps:
    """Steps of one method, each network at a rate of its own.

    A proportional method steps all networks together. Any other gets an optimizer for each
    network, over its share of the parameters.
    """

    def __init__(self, many: Networks, rates: Tensor, method: Method) -> None:
        self.params = list(many.parameters())
        lr = rates.to(self.params[0])
        self.factor = torch.ones_like(lr)  # of the losses
        self.length: Tensor | None = None  # of each network's step, in steps at rate 1
        self.apart = False
        alike = bool((rates == rates[0]).all())
        probe = method([nn.Parameter(p.detach()[0]) for p in self.params], lr=1.0)
        if not _steps_together(probe, alike, len(self.params)):
            self.apart, self.optimizers = True, _for_each(many, rates.tolist(), method)
        elif alike:
            self.optimizers = _listed(method(self.params, lr=rates[0].item()))
        else:
            self.optimizers = _listed(method(self.params, lr=1.0))
            if probe.linear and not any(g.get("weight_decay") for g in probe.param_groups):
                self.factor = lr  # the gradient of ηL is ηg
            else:
                self.length = lr
        self.groups = [(g, g["lr"]) for o in self.optimizers for g in o.param_groups]

    def zero_grad(self) -> None:
        for p in self.params:
            if not self.apart:
                p.grad = None
            elif p.grad is not None:
                p.grad.zero_()  # in place: the networks hold views of it

    @torch.no_grad()
    def take(self, scale: float) -> None:
        before = [p.clone() for p in self.params if self.length is not None]
        for group, lr in self.groups:
            group["lr"] = lr * scale
        for optimizer in self.optimizers:
            optimizer.step()
        for p, old in zip(self.params, before):
            assert self.length is not None
            torch.lerp(old, p, _column(self.length, p), out=p)

    def looked(self, look: Callable[[int], object], t: int) -> bool:
        self.show("eval")
        done = look(t) is True
        self.show("train")
        return done

    def show(self, mode: str) -> None:
        for optimizer in self.optimizers:  # schedule-free methods keep their result aside
            if hasattr(optimizer, mode):
                getattr(optimizer, mode)()


def _steps_together(probe: Made, alike: bool, count: int) -> TypeGuard[Optimizer]:
    # A method that sorts parameters by their shape would sort those of K networks otherwise, and
    # at rates that differ, a rate that the method chose itself would be scaled too.
    if not (isinstance(probe, Optimizer) and probe.proportional):
        return False
    first, *others = probe.param_groups
    return not others and len(first["params"]) == count and (alike or first["lr"] == 1)


def _for_each(many: Networks, lrs: list[float], method: Method) -> list[torch.optim.Optimizer]:
    for p in many.parameters():
        p.grad = torch.zeros_like(p) if p.requires_grad else None  # for the networks to share
    made = (method(list(many.network(k).parameters()), lr=lr) for k, lr in enumerate(lrs))
    return [optimizer for each in made for optimizer in _listed(each)]


def _listed(made: Made) -> list[torch.optim.Optimizer]:
    return made if isinstance(made, list) else [made]


@dataclass(frozen=True)
class Trial:
    """What :func:`try_rates` found; R rates, S models, T steps.

    Attributes:
        many: the trained networks, R times S of them, all models at the first rate first.
        curve: the loss of each minibatch before its step, (T, R, S).
    """

    many: Networks
    curve: Tensor

    @property
    def late(self) -> Tensor:
        """The mean loss of the last tenth of the steps, (R, S); infinite where it diverged."""
        last = self.curve[-max(1, len(self.curve) // 10) :]
        return last.mean(dim=0).nan_to_num(nan=math.inf)

    @property
    def best(self) -> int:
        """The rate at which the mean over the models of ``late`` is lowest, as an index."""
        return int(self.late.mean(dim=1).argmin())

    def loss(self, split: Split) -> Tensor:
        """The loss of each network on all of a split, (R, S); NaN where it diverged."""
        loss = self.many.losses(split.images, split.labels).view(self.curve.shape[1:])
        return loss.where(loss.isfinite(), math.nan)

    def accuracy(self, split: Split) -> Tensor:
        """The share of a split that each network classifies right, (R, S)."""
        return self.many.accuracies(split.images, split.labels).view(self.curve.shape[1:])


def try_rates(
    models: Sequence[MLP],
    lrs: Sequence[float],
    split: Split,
    batches: Iterable[Tensor],
    method: Method = SGD,
    *,
    build: Callable[[list[MLP]], Networks] = Many,
    masks: Sequence[Tensor] = (),
    **how: Any,
) -> Trial:
    """Train a copy of every model at every rate.

    Args:
        models: S networks of one shape, such as one for each of several seeds; not changed.
        lrs: the rates.
        split: what they are trained on.
        batches: as :func:`train` takes them; with (S, B) each model has minibatches of its own,
            the same at every rate.
        method: as :func:`train` takes it. Default SGD.
        build: makes one module of the networks. Default: :class:`~course_lib.many.networks.Many`.
        masks: for each layer a tensor of ones and zeros, (S, inputs, outputs): weights where it
            is 0 are kept at 0. Default: none.
        **how: further arguments of :func:`train`.

    Returns:
        The networks and their losses; see :class:`Trial`.

    Example:
        >>> from course_lib.many import Draws
        >>> split = Split(torch.randn(20, 4), torch.arange(20) % 2)
        >>> model = MLP(hidden=(3,), inputs=4, classes=2)
        >>> try_rates([model], [0.1, 1.0], split, Draws(20, batch_size=4, steps=5)).late.shape
        torch.Size([2, 1])
    """
    R, S = len(lrs), len(models)
    many = build([*models] * R)
    rates = torch.tensor(lrs, dtype=torch.float64).repeat_interleave(S)
    repeated = [mask.repeat(R, 1, 1) for mask in masks]
    curve = train(many, split, batches, rates, method, masks=repeated, **how)
    return Trial(many, curve.view(-1, R, S))


def steps_to_reach(
    target: float,
    models: Sequence[MLP],
    lrs: Sequence[float],
    split: Split,
    batches: Iterable[Tensor],
    *,
    patience: float = 2.0,
    every: int = 5,
) -> Tensor:
    """How many steps of SGD the loss needs to fall to a target, for each rate and each model.

    Args:
        target: the cross-entropy of the whole split to reach.
        models: S networks of one shape, such as one for each of several seeds; not changed.
        lrs: the rates to try.
        split: what they are trained and judged on.
        batches: as :func:`try_rates` takes them; when they end, it gives up.
        patience: how many times the steps of the fastest rate, at which half of the models
            arrived, the others get. Default 2.
        every: steps between two looks at the loss. Default 5.

    Returns:
        Steps, a multiple of ``every``, (rates, models); infinity where the target was not
        reached.
    """
    many = Many([*models] * len(lrs))
    rates = torch.tensor(lrs, dtype=torch.float64).repeat_interleave(len(models))
    steps = torch.full((len(lrs), len(models)), math.inf)

    def look(t: int) -> bool:
        if t % every:
            return False
        reached = (many.losses(split.images, split.labels) <= target).view_as(steps)
        steps[reached & steps.isinf()] = t
        return bool(t >= patience * steps.median(dim=1).values.min())

    train(many, split, batches, rates, look=look)
    return steps
