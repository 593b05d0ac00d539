"""Names of the course lead from a chapter's code to the reference, and nothing else does."""

import code_links
import pytest

CELLS = [
    "from course_lib.optim import SGD, Adam as OurAdam\nimport torch",
    "from torch.optim import Adam\n",
    "%matplotlib inline",
    "def later():\n    from course_lib.training import train",
]


def test_what_is_imported_from_the_course_is_known_by_the_name_that_it_has_here():
    assert code_links.imported(CELLS) == {
        "SGD": ("course_lib.optim", "SGD"),
        "OurAdam": ("course_lib.optim", "Adam"),
        "train": ("course_lib.training", "train"),
    }


DOCUMENTED = [
    "course_lib.optim.sgd.SGD",
    "course_lib.training.train",
    "course_lib.training.Steps.train",
    "course_lib.many.training.train",
]


@pytest.mark.parametrize(
    ("module", "name", "found"),
    [
        ("course_lib.optim", "SGD", "course_lib.optim.sgd.SGD"),
        ("course_lib.training", "train", "course_lib.training.train"),
        ("course_lib.many", "train", "course_lib.many.training.train"),
        ("course_lib.optim", "train", None),
        ("course_lib.optim", "GD", None),
    ],
)
def test_a_package_shows_what_its_modules_define(module, name, found):
    assert code_links.described(module, name, DOCUMENTED) == found


def code(*tokens):
    return "".join(f'<span class="{kind}">{text}</span>' for kind, text in tokens)


CALL = code(("n", "SGD"), ("p", "("), ("n", "w"), ("p", ")"))


def test_a_name_is_a_link_and_says_the_same():
    html = code_links.linked(CALL, {"SGD": "optimizers.html#sgd"}.get)
    assert html == CALL.replace(
        '<span class="n">SGD</span>', '<a class="code-link" href="optimizers.html#sgd">SGD</a>'
    )


@pytest.mark.parametrize(
    "tokens",
    [
        [("n", "data"), ("o", "."), ("n", "train")],  # of something else
        [("n", "train"), ("o", "="), ("mi", "3")],  # an argument
        [("n", "retrain")],
        [("s2", '"train"')],
    ],
)
def test_what_only_looks_like_it_is_none(tokens):
    assert code_links.linked(code(*tokens), {"train": "there"}.get) == code(*tokens)
