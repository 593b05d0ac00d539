import re
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from course_lib import checkpoints
from course_lib.checkpoints import read, write

CONTENT = {"numbers": [1, 2.5], "weights": {"w": torch.arange(3000.0)}}


def test_a_write_replaces_the_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "file.pt"
    write(path, "model", {"version": 1})
    write(path, "model", {"version": 2})
    assert read(path, "model") == {"version": 2}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("interruption", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, interruption):
    path = tmp_path / "file.pt"
    write(path, "model", {"version": 1})

    def save_a_part(content, file):
        file.write(b"a part")
        raise interruption

    monkeypatch.setattr(torch, "save", save_a_part)
    with pytest.raises(type(interruption)):
        write(path, "model", {"version": 2})
    assert read(path, "model") == {"version": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no model at .*model\.pt: check"):
        read(tmp_path / "model.pt", "model")


class Malicious:
    """Unpickling it runs a command."""

    def __reduce__(self):
        return exec, ("raise SystemExit('code ran')",)


DAMAGED = "damaged, or not a checkpoint of this course"
OTHER = "whole, but something else and not a checkpoint of this course"
MODEL = "whole, but a model and not a checkpoint of this course"


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(lambda path: path.write_bytes(b""), DAMAGED, id="empty"),
        pytest.param(lambda path: path.write_bytes(b"\0" * 5000), DAMAGED, id="zeros"),
        pytest.param(lambda path: path.write_text("weights: 3"), DAMAGED, id="text"),
        pytest.param(
            lambda path: path.write_bytes(path.read_bytes()[:-1]), DAMAGED, id="last byte gone"
        ),
        pytest.param(
            lambda path: path.write_bytes(path.read_bytes()[:900]), DAMAGED, id="cut short"
        ),
        pytest.param(lambda path: torch.save(torch.zeros(3), path), OTHER, id="a tensor"),
        pytest.param(lambda path: torch.save({"w": 3}, path), OTHER, id="another program's dict"),
        pytest.param(lambda path: torch.save({"kind": Malicious()}, path), OTHER, id="code"),
        pytest.param(lambda path: write(path, "model", CONTENT), MODEL, id="another kind"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused_by_name_and_left_alone(tmp_path, spoil, why):
    path = tmp_path / "run.pt"
    write(path, "checkpoint", CONTENT)
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=re.escape(f"{path} is {why}")) as caught:
        read(path, "checkpoint")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_no_flipped_bit_changes_what_is_read(tmp_path):
    path = tmp_path / "run.pt"
    write(path, "checkpoint", CONTENT)
    sound = path.read_bytes()
    refused = 0
    for position in range(0, len(sound), 37):
        path.write_bytes(sound[:position] + bytes([sound[position] ^ 0x10]) + sound[position + 1 :])
        try:
            content = read(path, "checkpoint")
        except ValueError:
            refused += 1
        else:  # the bit was one of those that fill the gaps of the file
            assert content["numbers"] == CONTENT["numbers"]
            assert torch.equal(content["weights"]["w"], CONTENT["weights"]["w"])
    assert refused > 0.8 * len(range(0, len(sound), 37))


def test_reading_runs_on_the_cpu(tmp_path, device):
    write(tmp_path / "run.pt", "checkpoint", {"w": torch.ones(2, device=device)})
    assert checkpoints.read(tmp_path / "run.pt", "checkpoint")["w"].device.type == "cpu"


def test_numbers_of_numpy_are_written_as_plain_ones(tmp_path):
    weights = nn.BatchNorm1d(2).state_dict()
    milestones = Counter({np.int64(3): 2})
    content = {"a": np.float64(0.5), "b": [np.int64(2), (np.bool_(True),)], "c": milestones}
    write(tmp_path / "run.pt", "checkpoint", {**content, "weights": weights})
    found = read(tmp_path / "run.pt", "checkpoint")
    restored = found.pop("weights")
    assert found == {"a": 0.5, "b": [2, (True,)], "c": Counter({3: 2})}
    assert (type(found["a"]), type(found["c"])) == (float, Counter)
    assert restored._metadata == weights._metadata
    assert [*restored] == [*weights]
    assert type(content["a"]) is np.float64  # what was written is left as it was
