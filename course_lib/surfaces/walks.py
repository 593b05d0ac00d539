"""The paths that optimizers take on a surface."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from course_lib.arguments import require
from course_lib.optim.schedules import Schedule
from course_lib.settings import nudge_
from course_lib.surfaces.losses import Point, Surface


def walk(
    surface: Surface,
    make_optimizer: Callable[[list[Tensor]], torch.optim.Optimizer],
    start: Tensor | Point | None = None,
    steps: int = 100,
    *,
    noise: float = 0.0,
    generator: torch.Generator | None = None,
    clip: Callable[[list[Tensor]], Any] | None = None,
    schedule: Schedule | None = None,
) -> Tensor:
    """Take an optimizer for a walk from one start, or from thousands at once.

    All starts are one parameter and their losses are summed, so each start gets its own
    gradient. With a method that treats every weight alone (all but LARS, LAMB, Muon, SWATS
    and clipping by norm, which measure the whole parameter) a walk from many starts is the
    same as many walks; for the others give one start at a time.

    A start that diverges keeps its infinities and NaNs in the path and leaves the other
    starts alone: ``path[-1].isfinite().all(-1)`` tells them apart.

    Args:
        surface: where to walk.
        make_optimizer: makes the optimizer, as in ``lambda params: SGD(params, lr=0.1)``.
        start: weights of shape ``(..., 2)``, in any dtype and on any device, or a pair of
            numbers. Default: the surface's start.
        steps: how many updates. Default 100.
        noise: standard deviation of the normal noise added to each component of each
            gradient, independently for every start and step. Default 0.
        generator: draws the noise; lives on the device of ``start``. Default torch's own.
        clip: changes the gradients in place before each step, as in
            ``lambda params: clip_by_norm(params, 1.0)``. Default: leave them.
        schedule: a factor of the rate, as a function of the steps already taken. Default: 1.

    Returns:
        The path, shape ``(steps + 1, ..., 2)``, the start included.

    Raises:
        ValueError: ``steps`` is negative, or ``start`` does not end in a dimension of size 2.

    Example:
        >>> from course_lib.surfaces import Quadratic
        >>> path = walk(Quadratic((1, 1)), lambda p: torch.optim.SGD(p, lr=0.5), (4.0, 0.0), 3)
        >>> path[:, 0].tolist()
        [4.0, 2.0, 1.0, 0.5]
    """
    require("steps", steps, "[0, inf)")
    if not isinstance(start, Tensor):
        start = torch.tensor(start or surface.start, dtype=torch.get_default_dtype())
    w = nudge_(start.detach().clone()).requires_grad_()
    optimizer = make_optimizer([w])
    rates = [(group, group["lr"]) for group in optimizer.param_groups]
    path = [w.detach().clone()]
    for t in range(steps):
        optimizer.zero_grad()
        surface.at_step(t)(w).sum().backward()
        if noise:
            xi = torch.empty_like(w).normal_(std=noise, generator=generator)
            assert w.grad is not None  # backward has filled it
            w.grad.add_(xi)
        if clip:
            clip([w])
        if schedule:
            for group, lr in rates:
                group["lr"] = lr * schedule(t)
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path)


def walk_rates(
    surface: Surface,
    make_optimizer: Callable[..., torch.optim.Optimizer],
    lrs: Sequence[float],
    start: Tensor | None = None,
    steps: int = 100,
) -> Tensor:
    """Walk from the same start or starts once for each rate.

    A step of a proportional method is its rate times its step at rate 1, so all rates walk at
    once, each as far as its own rate says. Other methods walk once for each rate.

    Args:
        surface: where to walk; without noise.
        make_optimizer: makes the optimizer from parameters and ``lr``, as
            ``partial(Momentum, momentum=0.9)`` does.
        lrs: the rates.
        start: weights of shape ``(..., 2)``. Default: the surface's start, in double precision.
        steps: how many updates. Default 100.

    Returns:
        The paths, shape ``(steps + 1, R, ..., 2)`` for R rates.

    Example:
        >>> from course_lib.optim import SGD
        >>> from course_lib.surfaces import Quadratic
        >>> paths = walk_rates(Quadratic((1, 1)), SGD, [0.5, 1.0], torch.tensor([4.0, 0.0]), 2)
        >>> paths[:, :, 0].tolist()
        [[4.0, 4.0], [2.0, 0.0], [1.0, 0.0]]
    """
    if start is None:
        start = torch.tensor(surface.start, dtype=torch.float64)
    if not getattr(make_optimizer([start.clone()], lr=1.0), "proportional", False):
        walks = [walk(surface, partial(make_optimizer, lr=lr), start, steps) for lr in lrs]
        return torch.stack(walks, dim=1)
    lr = torch.tensor(lrs, dtype=start.dtype, device=start.device)
    lr = lr.view(-1, *[1] * start.ndim)
    w = nudge_(start.clone()).expand(len(lrs), *start.shape).clone().requires_grad_()
    optimizer = make_optimizer([w], lr=1.0)
    path = [w.detach().clone()]
    for t in range(steps):
        optimizer.zero_grad()
        surface.at_step(t)(w).sum().backward()
        optimizer.step()
        with torch.no_grad():
            w.copy_(torch.lerp(path[-1], w, lr))
        path.append(w.detach().clone())
    return torch.stack(path)
