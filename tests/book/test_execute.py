import re

import execute
import nbformat
import pytest
from jupyter_cache.executors.base import ExecutorRunResult

from course_lib import settings
from course_lib.evidence import sources


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A folder for chapters, and an empty cache."""
    monkeypatch.setattr(sources, "BOOK", tmp_path)
    monkeypatch.setattr(execute, "MEASURED", tmp_path / "measured")
    monkeypatch.setattr(execute, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(execute, "DOCTREES", tmp_path / "doctrees")
    for variable in ("COURSE_DATA", "COURSE_DEVICE", *execute.SWITCHES):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def write(book, name, *code, tags=()):
    cells = [nbformat.v4.new_code_cell(c, id=f"{name}-{k}") for k, c in enumerate(code)]
    for cell in cells[:1]:
        cell.metadata.tags = list(tags)
    path = book / f"{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=execute.METADATA), path)
    return path


CLAIM = 'from course_lib.claims import claim\nclaim("a-b", "it is {}", %s, ">", 3)'


@pytest.mark.slow
def test_chapters_are_executed_once_and_what_failed_fails_until_it_is_mended(book, capsys):
    good = write(book, "good", "print(1 + 1)")
    bad = write(book, "bad", CLAIM % "2")
    page = book / "doctrees" / "book" / "good.doctree"
    page.parent.mkdir(parents=True)
    page.write_text("a page of the old chapter")

    words = "ClaimError: The claim a-b does not hold: it is 2 (claimed: more than 3)."
    assert execute.execute([good, bad]) == {bad: words}
    assert not page.exists()
    printed = capsys.readouterr().out
    assert "Executing good, bad" in printed
    assert re.search(r"^good: \d+ s \(. left\)$", printed, re.MULTILINE)
    assert re.search(r"^bad: \d+ s, failed \(. left\)$", printed, re.MULTILINE)

    assert execute.execute([good, bad]) == {bad: words}
    assert "Executing bad," in capsys.readouterr().out

    write(book, "bad", CLAIM % "4")
    assert execute.execute([good, bad]) == {}
    assert execute.execute([good, bad]) == {}
    assert capsys.readouterr().out.count("Executing") == 1


@pytest.mark.parametrize("comes_up", [True, False])
def test_a_kernel_that_does_not_come_up_is_tried_once_more(book, monkeypatch, comes_up):
    chapter, calls = write(book, "chapter", "1"), []

    class Executor:
        def run_and_cache(self, filter_uris, timeout):
            calls.append(filter_uris)
            result = ExecutorRunResult()
            fine = comes_up and len(calls) > 1
            (result.succeeded if fine else result.errored).extend(filter_uris)
            return result

    monkeypatch.setattr(execute, "load_executor", lambda *_: Executor())
    _, fine = execute.run(chapter, execute.CACHE)
    assert fine == comes_up
    assert calls == [[str(chapter)]] * 2


@pytest.mark.parametrize(
    ("threads", "at_once"),
    [(None, 4), ("1", 4), ("2", 2), ("3", 1), ("4", 1), ("9", 1), ("2,1", 2), ("0", 4), ("x", 4)],
)
def test_threads_and_chapters_share_the_cores(monkeypatch, threads, at_once):
    monkeypatch.setattr(execute.os, "cpu_count", lambda: 4)
    if threads is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert execute.workers() == at_once


@pytest.mark.slow
def test_only_what_the_tests_compare_is_kept_of_the_outputs(book):
    chapter = write(book, "chapter", "print(1 + 1)", "print(2)\n3", tags=["nbval-check-output"])
    assert execute.execute([chapter]) == {}
    execute.keep_outputs(chapter)
    compared, other = nbformat.read(chapter, as_version=4).cells
    assert [output.text for output in compared.outputs] == ["2\n"]
    assert other.outputs == []
    assert compared.execution_count is None


# What a chapter's outputs depend on


@pytest.fixture
def chapter(book):
    return write(book, "chapter", "from course_lib.models import MLP")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("COURSE_DATA", "full"),
        ("ATEN_CPU_CAPABILITY", "default"),
        ("MKL_ENABLE_INSTRUCTIONS", "AVX2"),
        ("ONEDNN_MAX_CPU_ISA", "AVX2"),
        ("COURSE_SEED_SHIFT", "1"),
        ("COURSE_NUDGE", "1"),
    ],
)
def test_the_environment_counts(chapter, monkeypatch, variable, value):
    before = execute.fingerprint(chapter)
    monkeypatch.setenv(variable, value)
    assert execute.fingerprint(chapter) != before


def test_the_device_counts_and_its_variable_does_not(chapter, monkeypatch):
    before = execute.fingerprint(chapter)
    monkeypatch.setattr(settings, "device", lambda: execute.torch.device("mps"))
    assert execute.fingerprint(chapter) != before


@pytest.mark.parametrize("where", ["get_cpu_capability", "__version__"])
def test_the_kernels_count(chapter, monkeypatch, where):
    before = execute.fingerprint(chapter)
    if where == "__version__":
        monkeypatch.setattr(execute.torch, "__version__", "1.0")
    else:
        monkeypatch.setattr(execute.torch.backends.cpu, where, lambda: "SVE256")
    assert execute.fingerprint(chapter) != before


def test_code_modules_and_records_count(book, chapter, monkeypatch):
    before = execute.fingerprint(chapter)
    (book / "measured").mkdir()
    (book / "measured" / "chapter.json").write_text("{}")
    recorded = execute.fingerprint(chapter)
    monkeypatch.setattr(sources, "_module_digest", lambda path: "changed")
    moved = execute.fingerprint(chapter)
    other = execute.fingerprint(write(book, "chapter", "from course_lib.models import MLP as M"))
    assert len({before, recorded, moved, other}) == 4
