import platform

import pytest
import torch

from course_lib.evidence import conditions
from course_lib.evidence.conditions import CONDITIONS, DRAWS, REQUIRED, choose


def named(name):
    (condition,) = choose([name])
    return condition


def test_what_is_varied():
    assert [c.name for c in CONDITIONS] == [
        "base",
        "kernels-default",
        "kernels-avx2",
        "threads-2",
        "seeds-1",
        "seeds-2",
        "seeds-3",
        "seeds-4",
        "nudge-1",
        "nudge-2",
        "data-full",
        "device-cuda",
        "device-mps",
    ]
    assert len({tuple(c.env.items()) for c in CONDITIONS}) == len(CONDITIONS)


def test_only_gpus_are_not_required_and_only_seeds_and_nudges_are_draws():
    assert set(REQUIRED) == {c.name for c in CONDITIONS} - {"device-cuda", "device-mps"}
    assert DRAWS == ("seeds-1", "seeds-2", "seeds-3", "seeds-4", "nudge-1", "nudge-2")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["nudge"], ["nudge-1", "nudge-2"]),
        (["seeds-3", "base"], ["base", "seeds-3"]),
        (["nudge", "nudge-2"], ["nudge-1", "nudge-2"]),
    ],
)
def test_conditions_are_chosen_by_name_or_family(words, names):
    assert [c.name for c in choose(words)] == names


def test_no_word_means_all():
    assert choose([]) == list(CONDITIONS)


@pytest.mark.parametrize("word", ["seed", "seeds-9", "kernels-sse", ""])
def test_an_unknown_condition_is_refused_with_the_known_ones(word):
    with pytest.raises(ValueError, match=f"'{word}' is not a condition: use some of base, kernels"):
        choose([word])


@pytest.mark.parametrize(
    ("name", "patched", "words"),
    [
        ("kernels-avx2", ("get_cpu_capability", "DEFAULT"), "no AVX2"),
        ("device-cuda", ("cuda", False), "torch sees no CUDA device"),
        ("device-mps", ("mps", False), "torch sees no Apple GPU"),
        ("kernels-default", ("machine", "arm64"), "not to be had on arm64"),
        ("data-full", ("data", None), "the full data are not here: nowhere"),
    ],
)
def test_what_a_machine_cannot_do_is_said(monkeypatch, name, patched, words):
    def missing():
        raise FileNotFoundError("nowhere")

    what, value = patched
    monkeypatch.setattr(platform, "machine", lambda: value if what == "machine" else "x86_64")
    monkeypatch.setattr(
        torch.backends.cpu, "get_cpu_capability", lambda: value if "cpu" in what else "AVX512"
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(conditions, "find_full_set", missing)
    assert words in named(name).obstacle()


@pytest.mark.parametrize("name", ["base", "threads-2", "seeds-1", "nudge-1"])
def test_some_conditions_are_possible_everywhere(name):
    assert named(name).obstacle() is None
