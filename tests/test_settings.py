import random

import numpy as np
import pytest
import torch

from course_lib import settings


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
        ("COURSE_DEVICE", "cuda:1", settings.device, "auto, cpu, cuda"),
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


def set_or_unset(monkeypatch, variable, value):
    if value is None:
        monkeypatch.delenv(variable, raising=False)
    else:
        monkeypatch.setenv(variable, value)
