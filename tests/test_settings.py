import random
from functools import partial

import numpy as np
import pytest
import torch

from course_lib import settings
from course_lib.initialization import normal_, orthogonal_, uniform_
from course_lib.models import MLP
from course_lib.optim import SGD
from course_lib.surfaces import Quadratic, walk, walk_rates


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "small"), ("", "small"), ("small", "small"), ("full", "full")]
)
def test_course_data_names_the_size(monkeypatch, value, expected):
    set_or_unset(monkeypatch, "COURSE_DATA", value)
    assert settings.data_size() == expected


@pytest.mark.parametrize(
    ("value", "gpu", "expected"),
    [
        (None, False, "cpu"),
        (None, True, "cuda"),
        ("auto", False, "cpu"),
        ("auto", True, "cuda"),
        ("cpu", True, "cpu"),
        ("cuda", True, "cuda"),
    ],
)
def test_course_device_names_the_device(monkeypatch, value, gpu, expected):
    set_or_unset(monkeypatch, "COURSE_DEVICE", value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert settings.device() == torch.device(expected)


@pytest.mark.parametrize(
    ("variable", "value", "read", "allowed"),
    [
        ("COURSE_DATA", "ful", settings.data_size, "small, full"),
        ("COURSE_DATA", "FULL", settings.data_size, "small, full"),
        ("COURSE_DEVICE", "gpu", settings.device, "auto, cpu, cuda"),
        ("COURSE_DEVICE", "cuda:1", settings.device, "auto, cpu, cuda, mps"),
    ],
)
def test_an_unknown_value_is_refused_with_the_allowed_ones(
    monkeypatch, variable, value, read, allowed
):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=f"^{variable} is '{value}'.* {allowed}") as caught:
        read()
    assert "\n" not in str(caught.value)


def test_cuda_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="'cuda' and torch sees no CUDA device: set it to 'cpu'"):
        settings.device()


def test_mps_without_an_apple_gpu_is_refused(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="'mps' and torch sees no Apple GPU: set it to 'cpu'"):
        settings.device()


def test_one_seed_seeds_every_generator(device):
    def draw():
        return random.random(), np.random.rand(), torch.rand(1, device=device).item()

    settings.seed_everything(5)
    first = draw()
    settings.seed_everything(6)
    other = draw()
    settings.seed_everything(5)
    assert draw() == first
    assert all(a != b for a, b in zip(first, other, strict=True))


# The two doors


def drawn(seed):
    settings.seed_everything(seed)
    return random.random(), np.random.rand(), torch.rand(1).item()


def drawn_apart(seed):
    return torch.rand(3, generator=settings.seeded_generator(seed)).tolist()


@pytest.mark.parametrize("draw", [drawn, drawn_apart, settings.shifted])
def test_a_shift_reaches_every_seed(monkeypatch, draw):
    monkeypatch.delenv("COURSE_SEED_SHIFT", raising=False)
    found = [draw(5)]
    for shift in ("1", "2"):
        monkeypatch.setenv("COURSE_SEED_SHIFT", shift)
        found.append(draw(5))
        assert draw(5) == found[-1]
    assert found[0] != found[1] != found[2] != found[0]


@pytest.mark.parametrize("shift", [None, "", "0"])
def test_without_a_shift_a_seed_is_what_the_book_says(monkeypatch, shift):
    set_or_unset(monkeypatch, "COURSE_SEED_SHIFT", shift)
    assert settings.shifted(5) == 5
    assert drawn_apart(5) == torch.rand(3, generator=torch.Generator().manual_seed(5)).tolist()


@pytest.mark.parametrize("nudge", [None, "", "0"])
def test_without_a_nudge_weights_pass_as_they_are(monkeypatch, nudge):
    set_or_unset(monkeypatch, "COURSE_NUDGE", nudge)
    w = torch.randn(4, 3)
    before = w.clone()
    assert settings.nudge_(w) is w
    assert torch.equal(w, before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_nudge_moves_weights_by_a_millionth(monkeypatch, dtype, device):
    monkeypatch.setenv("COURSE_NUDGE", "1")
    w = torch.randn(100, 100, dtype=dtype, device=device)
    moved = settings.nudge_(w.clone()) / w - 1
    assert 0.9e-6 < moved.std().item() < 1.1e-6


def test_networks_that_start_equal_still_do_and_no_generator_is_used(monkeypatch):
    monkeypatch.setenv("COURSE_NUDGE", "1")
    torch.manual_seed(0)
    state = torch.get_rng_state()
    w = torch.ones(5, 5)
    once, again = settings.nudge_(w.clone()), settings.nudge_(w.clone())
    assert torch.equal(once, again)
    assert torch.equal(torch.get_rng_state(), state)
    monkeypatch.setenv("COURSE_NUDGE", "2")
    assert not torch.equal(settings.nudge_(w.clone()), once)


STARTS = {
    "a network": lambda: MLP(hidden=(4,)).layers[0].weight,
    "normal": lambda: normal_(torch.empty(4, 4), 1.0),
    "uniform": lambda: uniform_(torch.empty(4, 4), 1.0),
    "orthogonal": lambda: orthogonal_(torch.empty(4, 4)),
    "a walk": lambda: walk(Quadratic(), partial(SGD, lr=0.1), steps=0),
    "walks": lambda: walk_rates(Quadratic(), SGD, [0.1], steps=0),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_nudge_reaches_every_start(monkeypatch, start):
    settings.seed_everything(0)
    plain = start().detach().clone()
    monkeypatch.setenv("COURSE_NUDGE", "1")
    settings.seed_everything(0)
    moved = (start() / plain - 1).abs()
    assert 0 < moved.max() < 1e-5


@pytest.mark.parametrize("variable", ["COURSE_SEED_SHIFT", "COURSE_NUDGE"])
@pytest.mark.parametrize("value", ["-1", "1.5", "one", "1000"])
def test_what_is_no_whole_number_is_refused(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=f"^{variable} is '{value}': set it to a whole number"):
        settings.shifted(0) if variable == "COURSE_SEED_SHIFT" else settings.nudge_(torch.ones(1))


def set_or_unset(monkeypatch, variable, value):
    if value is None:
        monkeypatch.delenv(variable, raising=False)
    else:
        monkeypatch.setenv(variable, value)
