"""Learning-rate schedules: pure functions from the step, counted from 0, to a factor of the rate.

Each function here returns a :data:`Schedule`, which can be plotted, tested and combined without
an optimizer. Its first argument is the rate to begin with, 1 by default. So
``cosine(total_steps=100)`` is the factor that every loop of the course takes as ``schedule``,
and ``cosine(0.1, 100)`` gives the rates themselves, as torch does; :class:`ScheduleLR` sets
these. What a schedule cannot do without, such as its length, is then given by name. A step may
be an update or an epoch: whatever calls it, counts.

Reducing the rate on a plateau depends on the losses seen, not on the step alone, so it is no
such function: use ``torch.optim.lr_scheduler.ReduceLROnPlateau``. With ``patience=2`` it
reduces the rate after the third bad epoch in a row.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, Literal

import torch

from course_lib.arguments import require, require_whole

Schedule = Callable[[int], float]
"""From the number of steps taken to the factor of the rate, or to the rate."""


def _counts_from_zero(schedule: Schedule) -> Schedule:
    @functools.wraps(schedule)
    def checked(step: int) -> float:
        if not step >= 0:
            raise ValueError(f"The step is {step!r}: schedules count steps from 0.")
        return schedule(step)

    return checked


def _half_cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def constant(lr: float = 1.0) -> Schedule:
    r"""The same rate at every step: :math:`\eta_t = \eta`.

    Args:
        lr: the rate :math:`\eta`. Default 1: a factor.

    Returns:
        The schedule.

    Raises:
        ValueError: the rate is negative or NaN.
    """
    require("lr", lr, "[0, inf)")
    return _counts_from_zero(lambda step: lr)


def linear_decay(lr: float = 1.0, total_steps: int = 0, min_lr: float = 0.0) -> Schedule:
    r"""Straight down to the last rate at step τ, and constant from there on.

    .. math::
        \eta_t = \Bigl(1 - \frac{t}{\tau}\Bigr)\,\eta_0 + \frac{t}{\tau}\,\eta_\tau,
        \qquad t \le \tau

    Args:
        lr: the rate at step 0, :math:`\eta_0`. Default 1: a factor.
        total_steps: :math:`\tau`, at least 1.
        min_lr: the rate from step τ on, :math:`\eta_\tau`. Default 0.

    Returns:
        The schedule.

    Raises:
        ValueError: there are no steps, or a rate is negative or NaN.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 8.3.1.

    Example:
        >>> schedule = linear_decay(lr=1.0, total_steps=4)
        >>> [schedule(step) for step in range(6)]
        [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    require("lr", lr, "[0, inf)")
    require("min_lr", min_lr, "[0, inf)")
    require_whole("total_steps", total_steps)

    @_counts_from_zero
    def schedule(step: int) -> float:
        progress = min(step / total_steps, 1)
        return (1 - progress) * lr + progress * min_lr

    return schedule


def step_decay(lr: float = 1.0, step_size: int = 0, gamma: float = 0.1) -> Schedule:
    r"""Drop the rate by a factor every so many steps; ``gamma=0.5`` halves it.

    .. math::
        \eta_t = \eta_0\, \gamma^{\lfloor t / s \rfloor}

    Args:
        lr: the rate at step 0, :math:`\eta_0`. Default 1: a factor.
        step_size: the steps between drops, :math:`s`, at least 1.
        gamma: :math:`\gamma`. Default 0.1, as in torch.

    Returns:
        The schedule.

    Raises:
        ValueError: there are no steps, or a rate or ``gamma`` is out of range.

    Example:
        >>> halving = step_decay(lr=8.0, step_size=2, gamma=0.5)
        >>> [halving(step) for step in range(6)]
        [8.0, 8.0, 4.0, 4.0, 2.0, 2.0]
    """
    require("lr", lr, "[0, inf)")
    require("gamma", gamma, "[0, inf)")
    require_whole("step_size", step_size)
    return _counts_from_zero(lambda step: lr * gamma ** (step // step_size))


def exponential_decay(lr: float = 1.0, gamma: float = math.nan) -> Schedule:
    r"""Multiply the rate by the same factor at every step.

    .. math::
        \eta_t = \eta_0\, \gamma^t = \eta_0\, e^{-kt} \quad\text{with}\quad k = -\ln \gamma

    Args:
        lr: the rate at step 0, :math:`\eta_0`. Default 1: a factor.
        gamma: :math:`\gamma`, slightly below 1.

    Returns:
        The schedule.

    Raises:
        ValueError: a rate or ``gamma`` is out of range.
    """
    require("lr", lr, "[0, inf)")
    require("gamma", gamma, "[0, inf)")
    return _counts_from_zero(lambda step: lr * gamma**step)


def inverse_time_decay(lr: float = 1.0, decay: float = math.nan) -> Schedule:
    r"""Divide the rate by a number that grows with the step: the 1/t of stochastic approximation.

    .. math::
        \eta_t = \frac{\eta_0}{1 + k t}

    The rates add up to infinity and their squares do not, which is what the convergence proof
    of stochastic gradient descent asks for.

    Args:
        lr: the rate at step 0, :math:`\eta_0`. Default 1: a factor.
        decay: :math:`k`, per step: the rate is halved after 1/k steps.

    Returns:
        The schedule.

    Raises:
        ValueError: a rate or the decay is negative or NaN.

    Source: Robbins and Monro, "A Stochastic Approximation Method", 1951.
    """
    require("lr", lr, "[0, inf)")
    require("decay", decay, "[0, inf)")
    return _counts_from_zero(lambda step: lr / (1 + decay * step))


def cosine(lr: float = 1.0, total_steps: int = 0, min_lr: float = 0.0) -> Schedule:
    r"""Half a cosine wave from the first rate down to the last, and constant from there on.

    .. math::
        \eta_t = \eta_T + (\eta_0 - \eta_T)\, \frac{1 + \cos(\pi t / T)}{2}, \qquad t \le T

    ``torch.optim.lr_scheduler.CosineAnnealingLR`` agrees up to step T. After it, torch's
    rate rises again; this one stays at ``min_lr``.

    Args:
        lr: the rate at step 0, :math:`\eta_0`. Default 1: a factor.
        total_steps: :math:`T`, at least 1. The last of T steps is number T-1, so the rate
            ``min_lr`` itself is only used when training goes on.
        min_lr: the rate from step T on, :math:`\eta_T`. Default 0.

    Returns:
        The schedule.

    Raises:
        ValueError: there are no steps, or a rate is negative or NaN.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.

    Example:
        >>> schedule = cosine(lr=1.0, total_steps=4)
        >>> [round(schedule(step), 3) for step in range(6)]
        [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    require("lr", lr, "[0, inf)")
    require("min_lr", min_lr, "[0, inf)")
    require_whole("total_steps", total_steps)
    return _counts_from_zero(lambda step: _half_cosine(lr, min_lr, min(step / total_steps, 1)))


def cosine_restarts(
    lr: float = 1.0, cycle: int = 0, growth: int = 1, min_lr: float = 0.0
) -> Schedule:
    r"""Cosine decay that jumps back to the first rate, each cycle as long as the last or longer.

    .. math::
        \eta_t = \eta_{\min} + (\eta_0 - \eta_{\min})\, \frac{1 + \cos(\pi t_i / T_i)}{2},
        \qquad T_{i+1} = m\, T_i

    where :math:`t_i` counts the steps since the last restart.

    Args:
        lr: the rate at the start of every cycle, :math:`\eta_0`. Default 1: a factor.
        cycle: the length of the first cycle, :math:`T_0`, at least 1.
        growth: :math:`m`, at least 1. Default 1, as in torch; the paper also uses 2.
        min_lr: the rate that a cycle falls towards, :math:`\eta_{\min}`. Default 0.

    Returns:
        The schedule.

    Raises:
        ValueError: there are no steps, or a rate is negative or NaN.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """
    require("lr", lr, "[0, inf)")
    require("min_lr", min_lr, "[0, inf)")
    require_whole("cycle", cycle)
    require_whole("growth", growth)

    @_counts_from_zero
    def schedule(step: int) -> float:
        length = cycle
        while step >= length:
            step -= length
            length *= growth
        return _half_cosine(lr, min_lr, step / length)

    return schedule


def triangular(
    lr: float = 1.0, half_cycle: int = 0, min_lr: float = 0.0, decay: float = 1.0
) -> Schedule:
    r"""Up and down between two rates along straight lines, over and over.

    .. math::
        \eta_t = \eta_{\min} + (\eta_{\max} - \eta_{\min})\, d^{\,c}
        \Bigl(1 - \Bigl| \frac{t}{s} - 2c - 1 \Bigr|\Bigr),
        \qquad c = \Bigl\lfloor \frac{t}{2s} \Bigr\rfloor

    Smith's ``triangular`` keeps its height; with ``decay=0.5`` the height is halved after each
    cycle, which he calls ``triangular2``.

    Args:
        lr: the highest rate, :math:`\eta_{\max}`, first reached at step s. Default 1: a factor.
        half_cycle: the steps of one climb or one descent, :math:`s`, at least 1.
        min_lr: the rate at step 0 and at the end of each cycle. Default 0.
        decay: what the height is multiplied by after each cycle, :math:`d`. Default 1.

    Returns:
        The schedule.

    Raises:
        ValueError: there are no steps, or a rate or the decay is out of range.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", 2017.

    Example:
        >>> schedule = triangular(lr=1.0, half_cycle=2, decay=0.5)
        >>> [schedule(step) for step in range(9)]
        [0.0, 0.5, 1.0, 0.5, 0.0, 0.25, 0.5, 0.25, 0.0]
    """
    require("lr", lr, "[0, inf)")
    require("min_lr", min_lr, "[0, inf)")
    require("decay", decay, "[0, 1]")
    require_whole("half_cycle", half_cycle)

    @_counts_from_zero
    def schedule(step: int) -> float:
        cycle = step // (2 * half_cycle)
        height = 1 - abs(step / half_cycle - 2 * cycle - 1)
        return min_lr + (lr - min_lr) * decay**cycle * height

    return schedule


def one_cycle(
    lr: float = 1.0,
    total_steps: int = 0,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    r"""Half a cosine up to a high rate, then a longer one down to almost nothing.

    .. math::
        \frac{\eta_{\max}}{d} \;\longrightarrow\; \eta_{\max}
        \;\longrightarrow\; \frac{\eta_{\max}}{d\,f}

    As in torch the peak is at step :math:`pT - 1`, and the lowest rate at the last step,
    :math:`T - 1`. torch refuses to step further; this rate stays where it is.

    Args:
        lr: the highest rate, :math:`\eta_{\max}`. Default 1: a factor.
        total_steps: :math:`T`, at least 1.
        pct_start: the share of the steps that go up, :math:`p`. Default 0.3, as in torch.
        div_factor: :math:`d`, the highest rate over the first. Default 25, as in torch.
        final_div_factor: :math:`f`, the first rate over the last. Default 1e4, as in torch.

    Returns:
        The schedule.

    Raises:
        ValueError: there are no steps, or an argument is out of range.

    Source: Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using
    Large Learning Rates", 2018.

    Example:
        >>> schedule = one_cycle(lr=1.0, total_steps=100)
        >>> [round(schedule(step), 6) for step in (0, 29, 99)]
        [0.04, 1.0, 4e-06]
    """
    require("lr", lr, "[0, inf)")
    require("pct_start", pct_start, "[0, 1)")
    require("div_factor", div_factor, "(0, inf)")
    require("final_div_factor", final_div_factor, "(0, inf)")
    require_whole("total_steps", total_steps)
    first = lr / div_factor
    last = first / final_div_factor
    peak = pct_start * total_steps - 1
    end = total_steps - 1

    @_counts_from_zero
    def schedule(step: int) -> float:
        if step < peak:
            return _half_cosine(first, lr, step / peak)
        return _half_cosine(lr, last, min((step - peak) / (end - peak), 1))

    return schedule


def warmup(
    schedule: Schedule,
    steps: int,
    start: float = 0.0,
    kind: Literal["gradual", "constant"] = "gradual",
) -> Schedule:
    r"""Put a warm-up of lower rates in front of any schedule.

    .. math::
        \eta_t =
        \begin{cases}
        a + \bigl(\eta(0) - a\bigr)\, t / W & t < W,\ \text{gradual} \\
        a & t < W,\ \text{constant} \\
        \eta(t - W) & t \ge W
        \end{cases}

    The schedule's own clock starts when the warm-up ends, so nothing of it is lost, and a
    schedule over ``total_steps`` ends ``steps`` later.

    Args:
        schedule: what follows, :math:`\eta`.
        steps: the length of the warm-up, :math:`W`; 0 leaves the schedule as it is.
        start: :math:`a`, the rate at step 0. With the default 0, the first step of a gradual
            warm-up changes nothing but the optimizer's state.
        kind: ``"gradual"`` climbs along a straight line (Goyal et al.); ``"constant"`` stays
            at ``start`` and then jumps (He et al.).

    Returns:
        The schedule.

    Raises:
        ValueError: ``steps`` or ``start`` is negative, a constant warm-up has rate 0, or
            ``kind`` is neither.

    Source: Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017;
    He et al., "Deep Residual Learning for Image Recognition", 2016.

    Example:
        >>> schedule = warmup(cosine(lr=1.0, total_steps=2), steps=4)
        >>> [round(schedule(step), 3) for step in range(7)]
        [0.0, 0.25, 0.5, 0.75, 1.0, 0.5, 0.0]
    """
    require_whole("steps", steps, least=0)
    require("start", start, "[0, inf)")
    if kind not in ("gradual", "constant"):
        raise ValueError(f"kind is {kind!r}: pass 'gradual' or 'constant'.")
    if kind == "constant" and steps and not start:
        raise ValueError("A constant warm-up at rate 0 trains nothing: pass start > 0.")

    @_counts_from_zero
    def warmed_up(step: int) -> float:
        if step >= steps:
            return schedule(step - steps)
        if kind == "constant":
            return start
        return start + (schedule(0) - start) * step / steps

    return warmed_up


def warmup_stable_decay(
    lr: float = 1.0,
    total_steps: int = 0,
    warmup_steps: int = 0,
    decay_steps: int = 0,
    min_lr: float = 0.0,
) -> Schedule:
    r"""Climb, stay, and fall along a straight line at the end.

    .. math::
        \eta_t =
        \begin{cases}
        \eta\, t / W & t < W \\
        \eta & W \le t < T - D \\
        \eta_T + (\eta - \eta_T)\, (T - t) / D & T - D \le t \le T
        \end{cases}

    Unlike under cosine decay, the length of training can be chosen late: only the last D steps
    depend on it.

    Args:
        lr: the rate of the stable phase, :math:`\eta`. Default 1: a factor.
        total_steps: :math:`T`, at least 1.
        warmup_steps: :math:`W`, 0 or more.
        decay_steps: :math:`D`, at least 1.
        min_lr: the rate from step T on, :math:`\eta_T`. Default 0.

    Returns:
        The schedule.

    Raises:
        ValueError: there are no steps, a rate is negative or NaN, or warm-up and decay
            together are longer than training.

    Source: Hu et al., "MiniCPM", 2024; Hägele et al., "Scaling Laws and Compute-Optimal
    Training Beyond Fixed Training Durations", 2024.

    Example:
        >>> schedule = warmup_stable_decay(1.0, total_steps=8, warmup_steps=2, decay_steps=4)
        >>> [schedule(step) for step in range(9)]
        [0.0, 0.5, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    require_whole("total_steps", total_steps)
    require_whole("warmup_steps", warmup_steps, least=0)
    require_whole("decay_steps", decay_steps)
    stable_steps = total_steps - warmup_steps - decay_steps
    if stable_steps < 0:
        raise ValueError(
            f"{warmup_steps} steps of warm-up and {decay_steps} of decay do not fit into "
            f"{total_steps} steps: shorten them or train longer."
        )
    decay = linear_decay(lr, decay_steps, min_lr)
    return warmup(lambda step: decay(max(step - stable_steps, 0)), warmup_steps)


class ScheduleLR(torch.optim.lr_scheduler.LRScheduler):
    r"""A schedule as a ``torch.optim.lr_scheduler``.

    The first parameter group gets the rate :math:`\eta(t)` itself, whatever rate its
    optimizer was made with. The other groups keep their ratio to the first: a group made
    with a tenth of its rate gets :math:`\eta(t)/10`.

    Args:
        optimizer: the optimizer whose rates to set.
        schedule: a function from the step to the rate.
        last_epoch: the step before the next one, as in torch. Default -1: from the start.
            To resume, leave it there, and load the ``state_dict`` of both the optimizer and
            this object; the schedule itself is code, and is not saved.

    Raises:
        ValueError: the first of several groups has rate 0, so that there are no ratios.

    Example:
        >>> optimizer = torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.1)
        >>> scheduler = ScheduleLR(optimizer, linear_decay(lr=0.1, total_steps=2))
        >>> for _ in range(3):
        ...     print(optimizer.param_groups[0]["lr"])
        ...     optimizer.step()
        ...     scheduler.step()
        0.1
        0.05
        0.0
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, schedule: Schedule, last_epoch: int = -1
    ) -> None:
        self.schedule = schedule
        _ratios(optimizer)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float | torch.Tensor]:
        """The rate of every group at the current step."""
        lr = self.schedule(self.last_epoch)
        return [lr * ratio for ratio in _ratios(self.optimizer)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and the schedule."""
        return {k: v for k, v in super().state_dict().items() if k != "schedule"}


def _ratios(optimizer: torch.optim.Optimizer) -> list[float]:
    """The rate that each group was made with, over that of the first."""
    first, *others = (g.get("initial_lr", g["lr"]) for g in optimizer.param_groups)
    if others and first == 0:
        raise ValueError(
            "The first parameter group has learning rate 0, so the other groups have no "
            "ratio to it: put a group with a positive rate first."
        )
    return [1.0, *(base / first for base in others)]
