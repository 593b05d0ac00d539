import json
import subprocess
import sys
import threading

import pytest

from course_lib.evidence import measure, records, robust, sources
from course_lib.evidence.conditions import choose

from .conftest import CELLS, write_chapter

COUNTED = threading.Lock()


@pytest.fixture
def child(monkeypatch, tmp_path):
    """Run the chapter in the place of a process; count the runs, and let a test change values."""
    calls = []

    def run(command, env, **_):
        name, log = command[-2:]
        (path,) = sources.chapters(name)
        calls.append({k: v for k, v in env.items() if k.startswith(("COURSE", "ATEN", "OMP"))})
        code = "\n".join(source for _, source in sources.code_cells(path))
        with COUNTED:
            monkeypatch.setenv("COURSE_CLAIMS_LOG", log)
            for variable in ("COURSE_SEED_SHIFT", "COURSE_NUDGE"):
                monkeypatch.setenv(variable, env.get(variable, ""))
            try:
                exec(code, {})
            except Exception as error:
                return subprocess.CompletedProcess(command, 1, stderr=f"Traceback\ncell: {error}")
        return subprocess.CompletedProcess(command, 0, stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def run(chapter, words="base seeds nudge threads kernels-default", again=False):
    return robust.robust([chapter], choose(words.split()), workers=2, again=again)


def record_of(chapter):
    return records.read(records.path_of(chapter.stem))


def test_a_chapter_is_run_once_under_each_condition(chapter, child):
    run(chapter, "base seeds nudge")
    assert len(child) == 7
    assert sorted(env.get("COURSE_SEED_SHIFT", "0") for env in child) == list("0001234")
    assert {env["OMP_NUM_THREADS"] for env in child} == {"1"}


def test_switches_of_the_caller_do_not_reach_a_run(chapter, child, monkeypatch):
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    monkeypatch.setenv("COURSE_DATA", "full")
    run(chapter, "base")
    assert child[0]["COURSE_DATA"] == "small"
    assert "ATEN_CPU_CAPABILITY" not in child[0]


def test_the_record_holds_every_claim_under_every_condition(chapter, child, capsys):
    assert run(chapter) == 1  # the full data and other kernels are missing
    record = record_of(chapter)
    assert list(record.claims) == ["one", "two"]
    assert record.claims["two"].values["seeds-3"] == (1.0, 2.0)
    assert record.claims["two"].count == 2
    assert record.measurement == sources.measurement_digest(chapter)
    assert "not measured under kernels-avx2, data-full" in capsys.readouterr().out


def test_what_is_done_is_not_done_again_unless_asked(chapter, child):
    run(chapter, "base nudge")
    run(chapter, "base nudge seeds-1")
    assert len(child) == 4
    run(chapter, "base", again=True)
    assert len(child) == 5


def test_a_record_made_elsewhere_is_added_to(chapter, child):
    run(chapter, "base nudge")
    for path in robust.RUNS.rglob("*.json"):
        path.unlink()  # another machine
    run(chapter, "seeds-1")
    assert set(record_of(chapter).runs) == {"base", "nudge-1", "nudge-2", "seeds-1"}


def test_other_code_is_measured_anew_and_what_was_measured_of_the_old_goes(book, chapter, child):
    run(chapter, "base nudge")
    write_chapter(chapter, [cell.replace("4.0", "4.5") for cell in CELLS])
    run(chapter, "base")
    assert set(record_of(chapter).runs) == {"base"}
    assert record_of(chapter).claims["one"].values == {"base": (4.5, 4.5)}


def test_for_another_wording_only_the_base_is_run_anew(book, chapter, child):
    run(chapter, "base nudge")
    write_chapter(chapter, [cell.replace("it is {}", "it was {}") for cell in CELLS])
    run(chapter, "base nudge")
    assert len(child) == 4
    record = record_of(chapter)
    assert record.claims["one"].sentence == "it was {}"
    assert record.wording == sources.wording_digest(chapter)
    assert set(record.runs) == {"base", "nudge-1", "nudge-2"}


def test_a_chapter_that_raises_keeps_its_old_record(book, chapter, child, capsys):
    run(chapter, "base")
    before = records.path_of("chapter").read_bytes()
    write_chapter(chapter, [*CELLS, "1 / 0"])
    assert run(chapter, "base") == 1
    assert records.path_of("chapter").read_bytes() == before
    assert "chapter, base: cell: division by zero. Its record stays" in capsys.readouterr().out


def test_what_failed_is_tried_again(book, chapter, child):
    write_chapter(chapter, [*CELLS, "1 / 0"])
    run(chapter, "base")
    run(chapter, "base")
    assert len(child) == 2


def test_a_claim_made_twice_is_refused(book, chapter, child, capsys):
    write_chapter(chapter, [*CELLS, CELLS[1]])
    assert run(chapter, "base") == 1
    assert "one is claimed twice: collect its values" in capsys.readouterr().out
    assert not records.path_of("chapter").exists()


def test_a_claim_that_fails_under_one_condition_is_recorded_and_named(book, chapter, child, capsys):
    cells = [*CELLS, "import os\nvalue = 2 if os.environ['COURSE_SEED_SHIFT'] == '2' else 4"]
    write_chapter(chapter, [*cells, 'claim("three", "it is {}", value, ">", 3)'])
    assert run(chapter) == 1
    assert "three does not hold: 2 under seeds-2" in capsys.readouterr().out
    assert record_of(chapter).claims["three"].values["seeds-2"] == (2, 2)


def test_a_damaged_record_is_named_and_made_anew(chapter, child, capsys):
    records.path_of("chapter").write_text("{")
    run(chapter, "base")
    assert "The record chapter.json is damaged" in capsys.readouterr().out
    assert list(record_of(chapter).claims) == ["one", "two"]


def test_a_damaged_run_is_done_again(chapter, child):
    run(chapter, "base")
    (robust.RUNS / "chapter" / "base.json").write_text('{"claims": [')
    records.path_of("chapter").unlink()
    run(chapter, "base")
    assert len(child) == 2


def test_without_the_base_there_is_nothing_to_add_to(chapter, child, capsys):
    assert run(chapter, "nudge") == 1
    assert "the base is not measured yet" in capsys.readouterr().out


def test_what_this_machine_cannot_do_is_left_out_and_said(chapter, child, capsys, monkeypatch):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    run(chapter, "base device-mps")
    assert "device-mps is left out: torch sees no Apple GPU" in capsys.readouterr().out
    assert len(child) == 1


def test_progress_says_how_much_is_left(chapter, child, capsys):
    run(chapter, "base nudge")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    assert [line[:5] for line in lines] == ["[1/3]", "[2/3]", "[3/3]"]
    assert all("2 of 2 claims hold; about 0 min left" in line for line in lines)


# A run, and the command line


def test_a_run_logs_every_claim_and_stops_at_none(book, chapter, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setenv("COURSE_CLAIMS_LOG", "")
    write_chapter(chapter, [*CELLS, 'claim("three", "it is {}", 1, ">", 3)'])
    measure.run(chapter, tmp_path / "log")
    lines = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert {line["name"]: line["held"] for line in lines} == {
        "one": True,
        "two": True,
        "three": False,
    }


def test_a_cell_that_raises_is_named(book, chapter, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setenv("COURSE_CLAIMS_LOG", "")
    write_chapter(chapter, [*CELLS, "1 / 0"])
    with pytest.raises(measure.ChapterError, match="cell cell-3 raised ZeroDivisionError"):
        measure.run(chapter, tmp_path / "log")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--chapters", "sdg"], "'sdg' is not a chapter: use some of adam_family"),
        (["--conditions", "seed"], "'seed' is not a condition: use some of base"),
    ],
)
def test_what_is_unknown_is_said_in_one_sentence(arguments, words, monkeypatch, capsys):
    from course_lib.evidence.__main__ import main

    monkeypatch.setattr(sys, "argv", ["evidence", "robust", *arguments])
    assert main() == 1
    said = capsys.readouterr().err
    assert said.startswith(words)
    assert said.count("\n") == 1
