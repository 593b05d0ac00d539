"""What is handed to an answer in the sandbox stays what it is there."""

import pytest
import torch

from grading.definitions import load
from grading.judging.answer import Answer
from grading.sandbox.outcomes import Returned
from grading.sandbox.wire import Handle


class Obliging:
    """A room whose worker keeps what it is given, and answers 0."""

    def __init__(self):
        self.kept = []

    def ask(self, question):
        return question(self)

    def keep(self, value):
        self.kept.append(value)
        return Returned(Handle(len(self.kept)))

    def call(self, *_, **__):
        return Returned(0, ())


@pytest.fixture
def answer():
    return Answer(Obliging(), load("regularization")["dropout_forward"])


def test_a_generator_is_handed_over_once_and_goes_on_there(answer):
    generator = torch.Generator().manual_seed(1)
    answer.ask((generator,), {})
    answer.ask((generator,), {})
    answer.ask((torch.Generator().manual_seed(1),), {})
    assert len(answer.room.kept) == 2


@pytest.mark.parametrize(
    "moved",
    [
        lambda rng: rng.manual_seed(1),
        lambda rng: rng.manual_seed(2),
        lambda rng: torch.rand(1, generator=rng),
    ],
    ids=["seeded alike", "seeded anew", "drawn from"],
)
def test_a_generator_that_was_moved_here_is_refused(answer, moved):
    generator = torch.Generator().manual_seed(1)
    answer.ask((generator,), {})
    moved(generator)
    with pytest.raises(ValueError, match="was seeded or drawn from here: .* make a new one"):
        answer.ask((generator,), {})
