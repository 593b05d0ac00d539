import math

import pytest
import torch
from torch.optim import SGD, Adam

from course_lib.surfaces import (
    Beale,
    Cliff,
    LocalMinima,
    Misleading,
    Noisy,
    PathologicalCurvature,
    Plateau,
    Quadratic,
    Rosenbrock,
    Saddle,
    SteepOptima,
    walk,
)

SURFACES = [
    Quadratic(),
    Quadratic((1, 50), angle=0.6),
    PathologicalCurvature(),
    SteepOptima(),
    Beale(),
    Saddle(),
    Rosenbrock(),
    Cliff(),
    Plateau(),
    LocalMinima(),
    Misleading(),
    Noisy(),
]
on_every_surface = pytest.mark.parametrize("surface", SURFACES, ids=lambda s: s.name)


def tensor(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def gradient(loss, w):
    w = w.clone().requires_grad_()
    return torch.autograd.grad(loss(w), w)[0]


def hessian_eigenvalues(surface, w):
    return torch.linalg.eigvalsh(torch.autograd.functional.hessian(surface, w))


def recurrent_loss(w1, w2):
    x = 0.5
    for _ in range(50):
        x = w1 / (1 + math.exp(-x)) + w2
    return (1 / (1 + math.exp(-x)) - 0.7) ** 2


@pytest.mark.parametrize(
    ("surface", "w", "loss"),
    [
        (Quadratic((2, 8)), (1, 1), 5),
        (Quadratic((2, 8), angle=math.pi / 2), (1, 2), 8),
        (PathologicalCurvature(), (0, 0), 0.5),
        (PathologicalCurvature(), (-1, 2), math.tanh(1) ** 2 + 0.01 + 1 / (1 + math.exp(-2))),
        (SteepOptima(), (-0.5, -0.8), -1 / (2 * math.pi * 0.04)),
        (SteepOptima(), (1, -0.3), -math.exp(-0.5) / (2 * math.pi * 0.04)),
        (SteepOptima(), (-1.2, 0.5), -math.exp(-0.5) / (2 * math.pi * 0.04)),
        (Beale(), (0, 0), 1.5**2 + 2.25**2 + 2.625**2),
        (Beale(), (1, 2), 2.5**2 + 5.25**2 + 9.625**2),
        (Saddle(), (2, 1), 3),
        (Rosenbrock(), (-1.2, 1), 24.2),
        (Cliff(), (5, -2.2), recurrent_loss(5, -2.2)),
        (Plateau(), (1, -1), 1 - math.exp(-1)),
        (LocalMinima(), (math.pi / 3, 0), math.pi**2 / 90 + 1),
        (Misleading(), (1.5, 0), 2.25 / 20 - math.exp(-4.5) - 2),
        (Misleading(), (1.5, 0.4), 2.41 / 20 - math.exp(-4.58) - 2 * math.exp(-0.5)),
        (Noisy(Quadratic((2, 8)), std=9), (1, 1), 5),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_loss_is_that_of_the_formula(surface, w, loss):
    assert surface(tensor(*w)).item() == pytest.approx(loss, rel=1e-9)


@on_every_surface
def test_a_batch_of_weights_gives_one_loss_for_each(surface):
    w = torch.randn(3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    losses = surface(w)
    assert losses.shape == (3, 4)
    one_by_one = torch.stack([surface(pair) for pair in w.view(-1, 2)]).view(3, 4)
    torch.testing.assert_close(losses, one_by_one, rtol=0, atol=1e-12)


@on_every_surface
def test_the_start_lies_in_the_domain_and_is_no_minimum(surface):
    (low1, high1), (low2, high2) = surface.domain
    assert low1 < surface.start[0] < high1
    assert low2 < surface.start[1] < high2
    assert gradient(surface, tensor(*surface.start)).norm() > 1e-6


@pytest.mark.parametrize(
    ("surface", "minimum"),
    [(surface, minimum) for surface in SURFACES for minimum in surface.minima],
    ids=lambda value: getattr(value, "name", None),
)
def test_minima_are_minima(surface, minimum):
    w = tensor(*minimum)
    assert gradient(surface, w).norm() < 1e-7
    assert (hessian_eigenvalues(surface, w) > 0).all()
    assert surface(w) <= surface.grid(300)[2].min() + 1e-9


@on_every_surface
def test_the_grid_covers_the_domain(surface):
    w1, w2, loss = surface.grid(30)
    assert w1.shape == w2.shape == loss.shape == (30, 30)
    assert ((w1.min(), w1.max()), (w2.min(), w2.max())) == surface.domain
    assert loss[3, 7] == surface(torch.stack([w1[3, 7], w2[3, 7]]))


def test_a_turned_bowl_keeps_its_curvatures_along_its_axes():
    h, angle = (1.0, 50.0), 0.6
    surface = Quadratic(h, angle)
    along = tensor(math.cos(angle), math.sin(angle))
    assert surface(along).item() == pytest.approx(h[0] / 2)
    assert surface(tensor(-along[1], along[0])).item() == pytest.approx(h[1] / 2)
    assert surface.condition_number == 50


def test_the_saddle_goes_up_one_way_and_down_the_other():
    origin = tensor(0, 0)
    assert gradient(Saddle(), origin).tolist() == [0, 0]
    assert hessian_eigenvalues(Saddle(), origin).sign().tolist() == [-1, 1]


def test_the_plateau_hides_its_minimum():
    assert gradient(Plateau(), tensor(*Plateau().start)).norm() < 0.02
    assert gradient(Plateau(), tensor(1, 0)).norm() > 0.5


def test_local_minima_catch_gradient_descent():
    end = walk(LocalMinima(), lambda p: SGD(p, lr=0.05), steps=200)[-1]
    assert gradient(LocalMinima(), end).norm() < 1e-3
    assert LocalMinima()(end) > 1


def test_the_misleading_slope_leads_away_from_the_better_basin():
    surface = Misleading()
    start, best = tensor(*surface.start), tensor(*surface.minima[0])
    assert torch.dot(-gradient(surface, start), best - start) < 0
    end = walk(surface, lambda p: SGD(p, lr=0.1), steps=300)[-1]
    assert surface(end) > surface(best) + 0.5


@pytest.mark.slow
def test_the_cliff_throws_sgd_away_and_clipping_saves_it():
    surface = Cliff()
    _, _, loss = surface.grid(300)
    assert loss.diff(dim=1).abs().max() > 0.3  # the wall, between two points of the grid
    assert gradient(surface, tensor(*surface.start)).norm() < 1

    def clip(parameters):
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)

    # Near a wall every rounding counts, so this has to hold around the start as well.
    for shift in (-0.02, 0.0, 0.02):
        start = (surface.start[0] + shift, surface.start[1])
        thrown = walk(surface, lambda p: SGD(p, lr=0.1), start, 200)
        clipped = walk(surface, lambda p: SGD(p, lr=0.1), start, 200, clip=clip)
        assert thrown.diff(dim=0).norm(dim=1).max() > 0.5
        assert clipped.diff(dim=0).norm(dim=1).max() < 0.11
        assert surface(thrown[-1]) > 0.02 > surface(clipped[-1])


class Averaged(torch.optim.Optimizer):
    """Momentum as an exponential moving average of the gradients."""

    def __init__(self, params, lr, mu):
        super().__init__(params, {"lr": lr, "mu": mu})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                m = self.state[w].get("m", torch.zeros_like(w))
                self.state[w]["m"] = group["mu"] * m + (1 - group["mu"]) * w.grad
                w -= group["lr"] * self.state[w]["m"]


@pytest.mark.parametrize(
    ("make_optimizer", "finds_the_centre"),
    [
        (lambda p: SGD(p, lr=10), False),
        (lambda p: Averaged(p, lr=10, mu=0.9), True),
        (lambda p: Adam(p, lr=1), True),
    ],
    ids=["SGD", "Momentum", "Adam"],
)
def test_on_pathological_curvature_plain_sgd_alone_misses_the_centre(
    make_optimizer, finds_the_centre
):
    path = walk(PathologicalCurvature(), make_optimizer, (5.0, 5.0), 100)
    assert (path[-1, 0].abs() < 0.1) == finds_the_centre
    assert (PathologicalCurvature()(path[-1]) < 0.01) == finds_the_centre


@pytest.mark.parametrize(
    ("make_optimizer", "reaches_an_optimum"),
    [
        (lambda p: SGD(p, lr=0.5), False),
        (lambda p: Averaged(p, lr=1, mu=0.9), False),
        (lambda p: Adam(p, lr=0.2), True),
    ],
    ids=["SGD", "Momentum", "Adam"],
)
def test_among_steep_optima_adam_alone_reaches_one(make_optimizer, reaches_an_optimum):
    end = walk(SteepOptima(), make_optimizer, (0.0, 0.0), 100)[-1]
    nearest = min((end - torch.tensor(c)).norm() for c in SteepOptima().minima)
    assert (nearest < 0.01) == reaches_an_optimum


def test_the_noise_of_a_step_is_its_tilt_and_nothing_else():
    noisy = Noisy(Beale(), std=2.0, seed=3)
    w = tensor(0.3, -0.4)
    for t in (0, 1, 17):
        xi = gradient(noisy.at_step(t), w) - gradient(Beale(), w)
        torch.testing.assert_close(xi, tensor(*noisy.tilt(t)))


def test_the_noise_is_the_same_everywhere_and_differs_from_step_to_step_and_seed_to_seed():
    # Recorded, since other programs that show this surface must see the same numbers.
    assert Noisy(seed=0).tilt(0) == pytest.approx(
        (-0.631856075568636, 1.600836015788814), abs=1e-12
    )
    assert Noisy(seed=7).tilt(100) == pytest.approx(
        (1.321593889912392, -0.911574960629611), abs=1e-12
    )
    tilts = {Noisy(seed=seed).tilt(t) for seed in range(20) for t in range(50)}
    assert len(tilts) == 1000


def test_every_step_of_a_walk_meets_the_noise_of_that_step():
    noisy = Noisy(Quadratic((1, 1)), std=2.0, seed=3)
    path = walk(noisy, lambda p: SGD(p, lr=1.0), tensor(0.3, -0.4), 5)
    for t in range(5):  # from w, a rate of 1 lands on w - (w + ξ)
        torch.testing.assert_close(path[t + 1], -tensor(*noisy.tilt(t)))


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_the_noise_has_mean_zero_and_its_standard_deviation_and_no_memory(seed):
    n = 10_000
    noisy = Noisy(std=2.0, seed=seed)
    xi = tensor(*(noisy.tilt(t) for t in range(n))) / 2
    assert xi.mean(0).abs().max() < 4 / math.sqrt(n)
    assert xi.std(0).sub(1).abs().max() < 4 * math.sqrt(0.2 / n)  # uniform: kurtosis 1.8
    assert xi.abs().max() <= math.sqrt(3)
    for a, b in ((xi[:, 0], xi[:, 1]), (xi[1:, 0], xi[:-1, 0]), (xi[1:, 0], xi[:-1, 1])):
        assert (a * b).mean().abs() < 4 / math.sqrt(n)
