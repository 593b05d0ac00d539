import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import build
import pytest


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A book without chapters; Sphinx is a function that writes one page."""
    zipped = []
    for name in ("_config.yml", "_toc.yml", "requirements.lock", "book/index.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "BUILD", tmp_path / "_build")
    monkeypatch.setattr(build, "FINISHED", tmp_path / "_build" / ".finished")
    monkeypatch.setattr(build, "HANDOUT", tmp_path / "_build" / "handout.zip")
    monkeypatch.setattr(build.student, "contents", lambda root: {})
    monkeypatch.setattr(build.student, "build", lambda target, root: zipped.append(target))
    monkeypatch.setattr(build.execute, "DOCTREES", tmp_path / "_build" / ".doctrees")
    monkeypatch.setattr(build.sources, "chapters", list)
    monkeypatch.setattr(build.slides, "make", lambda folder: [])
    monkeypatch.setattr(build.notebooks, "make", lambda folder: None)
    monkeypatch.setattr(build.execute, "execute", lambda chapters: {})
    return tmp_path


@pytest.fixture
def sphinx(tree, monkeypatch):
    """What Sphinx found when it was called, and the code that it returns next."""
    calls = []

    def run(command):
        html = tree / "_build" / "html"
        calls.append(sorted(path.name for path in html.glob("*")))
        html.mkdir(parents=True, exist_ok=True)
        (html / f"page-{len(calls)}.html").write_text("half" if run.code else "whole")
        return subprocess.CompletedProcess(command, run.code)

    run.code = 0
    run.calls = calls
    monkeypatch.setattr(subprocess, "run", run)
    return run


def test_a_book_is_rendered_once(sphinx):
    assert (build.main(), build.main()) == (0, 0)
    assert len(sphinx.calls) == 1


@pytest.mark.parametrize("name", ["book/index.md", "_toc.yml", "_config.yml", "book/new.md"])
def test_a_changed_page_is_rendered_and_the_others_are_kept(tree, sphinx, name):
    build.main()
    (tree / name).write_text("b")
    assert build.main() == 0
    assert sphinx.calls == [[], ["page-1.html"]]


def test_what_lies_around_the_files_counts(sphinx, monkeypatch):
    build.main()
    monkeypatch.setattr(build.execute, "surroundings", lambda: ["other kernels"])
    assert (build.main(), build.main()) == (0, 0)
    assert len(sphinx.calls) == 2


def test_nothing_is_executed_where_nothing_has_changed(sphinx, monkeypatch):
    build.main()
    monkeypatch.setattr(build.execute, "execute", None)
    assert build.main() == 0


def test_pages_that_were_thrown_away_are_rendered_anew(tree, sphinx):
    build.main()
    shutil.rmtree(tree / "_build" / "html")
    assert build.main() == 0
    assert (tree / "_build" / "html" / "page-2.html").exists()


def test_a_failed_chapter_keeps_the_last_whole_book_and_says_so(tree, sphinx, monkeypatch, capsys):
    build.main()
    (tree / "book" / "index.md").write_text("b")
    failed = {Path("sgd.ipynb"): "ClaimError: The claim a does not hold."}
    monkeypatch.setattr(build.execute, "execute", lambda chapters: failed)
    for _ in range(2):
        assert build.main() == 1
        said = capsys.readouterr().err
        assert "The chapter sgd failed: ClaimError: The claim a does not hold." in said
        assert "_build/html is the last whole one" in said
    assert len(sphinx.calls) == 1
    assert (tree / "_build" / "html" / "page-1.html").read_text() == "whole"


def test_a_warning_fails_again_and_no_half_made_page_survives(tree, sphinx, capsys):
    sphinx.code = 1
    assert (build.main(), build.main()) == (1, 1)
    assert "The book is not whole" in capsys.readouterr().err
    sphinx.code = 0
    assert build.main() == 0
    assert sphinx.calls == [[], [], []]  # every page was made anew each time
    assert [p.read_text() for p in (tree / "_build" / "html").iterdir()] == ["whole"]


def test_a_build_that_was_broken_off_is_not_trusted(tree, sphinx, monkeypatch):
    build.main()
    (tree / "book" / "index.md").write_text("b")

    def killed(command):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(subprocess, "run", killed)
        build.main()
    build.main()
    assert sphinx.calls == [[], []]


def test_a_handout_that_would_leak_is_no_book(sphinx, monkeypatch, capsys):
    def leaks(target, root):
        raise ValueError("The students' zip was not written, because it would leak.")

    monkeypatch.setattr(build.student, "build", leaks)
    assert build.main() == 1
    assert "would leak" in capsys.readouterr().err
    assert sphinx.calls == []


def test_a_changed_handout_makes_a_new_book(tree, sphinx, monkeypatch):
    build.main()
    (tree / "start.py").write_text("new")
    monkeypatch.setattr(build.student, "contents", lambda root: {"start.py": tree / "start.py"})
    assert (build.main(), build.main()) == (0, 0)
    assert len(sphinx.calls) == 2


@pytest.mark.slow
def test_the_first_page_offers_the_handout_that_the_build_makes(tmp_path):
    index = (build.ROOT / "book" / "index.md").read_text()
    (link,) = re.findall(r"\{download\}`[^`]+`", index)
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "index.md").write_text(f"# All of it\n\n{link}\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    (tmp_path / "_config.yml").write_text("title: A book\n")
    build.student.build(tmp_path / build.HANDOUT.relative_to(build.ROOT))
    command = Path(sys.executable).with_name("jupyter-book")
    subprocess.run([command, "build", tmp_path, "-W", "-q"], check=True)
    html = tmp_path / "_build" / "html"
    (address,) = re.findall(r'href="([^"]+\.zip)"', (html / "book" / "index.html").read_text())
    offered = zipfile.ZipFile(html / "book" / address)
    assert "optimization-course/start.py" in offered.namelist()
