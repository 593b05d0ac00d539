import functools
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import optim
from course_lib.checks import INPUTS, Call, Function
from course_lib.checks.calls import written
from course_lib.checks.recording import visible
from course_lib.checks.situations import Fault
from course_lib.checks.verdict import judge
from course_lib.optim import SGD as Renamed  # noqa: N811
from course_lib.optim import schedules
from course_lib.regularization import dropout_backward

X = torch.tensor([[1.0, -2.0], [3.0, 0.5]])
NUMPY_SVD = ("numpy.linalg._linalg.svd", "numpy.linalg.linalg.svd")
AUTOGRAD = ("torch.autograd.backward", "torch.autograd.grad", "torch._functorch")


def imports_inside(x: Tensor) -> Tensor:
    from torch.optim import SGD as Copied  # noqa: N811

    w = nn.Parameter(x.clone())
    w.grad = x
    Copied([w], lr=0.1).step()
    return w.detach()


def through_a_helper(x: Tensor) -> list[float]:
    return list(map(schedules.cosine, range(3), [3] * 3))


def backward(x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    x.square().sum().backward()
    return x.grad


@pytest.mark.parametrize(
    ("answer", "no_answer", "named"),
    [
        (lambda x: Renamed([nn.Parameter(x)], lr=0.1), (), "course_lib.optim"),
        (lambda x: dropout_backward(x, x > 0), (), "course_lib.regularization.dropout_backward"),
        (lambda x: getattr(optim, "Adam").update, (), None),  # noqa: B009
        (lambda x: getattr(optim, "SGD")([nn.Parameter(x)], lr=1.0), (), "course_lib.optim"),  # noqa: B009
        (imports_inside, (), "torch.optim.SGD"),
        (through_a_helper, (), "course_lib.optim.schedules.cosine"),
        (lambda x: x.softmax(1), (), None),
        (lambda x: x.softmax(1), ("torch.softmax",), "torch.Tensor.softmax"),
        (lambda x: torch.softmax(x, 1), ("torch.softmax",), "torch.softmax"),
        (lambda x: F.softmax(x, 1), ("torch.softmax",), "torch.nn.functional.softmax"),
        (
            lambda x: torch.ops.aten.softshrink(x),
            ("torch.softshrink",),
            "torch.ops.aten.softshrink",
        ),
        (
            lambda x: torch.ops.aten.softshrink.default(x),
            ("torch.softshrink",),
            "torch.ops.aten.softshrink.default",
        ),
        (lambda x: torch.ops.aten.abs.default(x), ("torch.softshrink",), None),
        (lambda x: F.softshrink(x, 0.1), ("torch.softshrink",), "torch.nn.functional.softshrink"),
        (lambda x: torch.linalg.svd(x), ("torch.linalg_svd",), "torch.linalg.svd"),
        (lambda x: np.linalg.svd(x.numpy()), NUMPY_SVD, "numpy.linalg.svd"),
        (lambda x: np.linalg.norm(x.numpy()), NUMPY_SVD, None),
        (lambda x: F.layer_norm(x, (2,)), ("torch.layer_norm",), "torch.nn.functional.layer_norm"),
        (lambda x: nn.Dropout()(x), ("torch.dropout",), "torch.nn.Dropout"),
        (
            lambda x: nn.utils.clip_grad_norm_([nn.Parameter(x)], 1.0),
            ("torch.nn.utils.clip_grad",),
            "torch.nn.utils.clip_grad_norm_",
        ),
        (
            functools.partial(F.layer_norm, normalized_shape=(2,)),
            ("torch.nn.functional.layer_norm",),
            "torch.nn.functional.layer_norm",
        ),
        (nn.LayerNorm(2), ("torch.layer_norm",), "torch.nn.LayerNorm"),
        (backward, AUTOGRAD, "torch.Tensor.backward"),
        (torch.func.grad(lambda x: x.sum()), AUTOGRAD, "torch.func.grad"),
        (torch.no_grad()(lambda x: x + 1), AUTOGRAD, None),
        # Only whole names: soft is no part of softmax.
        (lambda x: x.softmax(1), ("torch.soft",), None),
    ],
)
def test_a_call_is_seen_and_told_by_the_name_that_was_written(answer, no_answer, named):
    if named is None:
        written(answer, no_answer)(X)
        return
    with pytest.raises(Fault, match=f"It calls {named}.*write the rule itself"):
        written(answer, no_answer)(X)


def test_a_call_that_fails_or_is_caught_is_still_a_call():
    def answer(x):
        try:
            return F.layer_norm(x, (5,))
        except Exception:
            return x

    with pytest.raises(Fault, match="layer_norm"):
        written(answer, ("torch.nn.functional.layer_norm",))(X)


def test_an_import_is_no_call():
    def answer(x):
        sys.modules.pop("course_lib.files", None)
        import course_lib.files  # noqa: F401

        return x

    assert written(answer, ())(X) is X


def test_who_looks_already_goes_on_looking():
    seen = []
    sys.setprofile(lambda frame, event, argument: seen.append(event))
    before = sys.getprofile()
    written(lambda x: x, ())(X)
    after = sys.getprofile()
    sys.setprofile(None)
    assert after is before


def test_the_verdict_and_the_recorded_cases_know_it(tmp_path):
    def softmax(z: Tensor) -> Tensor:
        return z.exp() / z.exp().sum(1, keepdim=True)

    function = Function(
        oracle=softmax,
        visible=lambda rng: [Call("a matrix", (X,), part=INPUTS)],
        hidden=lambda rng: [],
        returns=("p",),
        points={INPUTS: 1},
        misconceptions=(),
        variants=(),
        no_answer=("torch.softmax",),
    )
    recorded = visible(function)
    right = judge("softmax", softmax, recorded.trials, recorded.returns, "", recorded.no_answer)
    called = judge("softmax", torch.softmax, recorded.trials, ("p",), "", recorded.no_answer)
    assert right.passed
    assert not called.passed

    def copied(z: Tensor) -> Tensor:
        return F.softmax(z, 1)

    assert not judge("softmax", copied, recorded.trials, ("p",), "", recorded.no_answer).passed
    assert judge("softmax", copied, recorded.trials, ("p",)).passed
