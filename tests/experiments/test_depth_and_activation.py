"""A network of sigmoids started as tanh computes what the tanh network does."""

from copy import deepcopy

import pytest
import torch

from course_lib.experiments.depth_and_activation import disguise_
from course_lib.models import MLP


@pytest.mark.parametrize("hidden", [(), (5,), (7, 6, 5)])
def test_the_disguise_changes_no_output(hidden):
    torch.manual_seed(0)
    tanh = MLP(hidden=hidden, inputs=9, activation="tanh").double()
    sigmoid = MLP(hidden=hidden, inputs=9, activation="sigmoid").double()
    sigmoid.load_state_dict(deepcopy(tanh.state_dict()))
    x = torch.randn(20, 9, dtype=torch.float64)
    torch.testing.assert_close(disguise_(sigmoid)(x), tanh(x))
