"""The zip that students get, and the first cell of their notebooks, on Colab and elsewhere."""

import ast
import io
import sys
import types
import zipfile
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

from grading import student
from grading.definitions import EXERCISES, SOLUTIONS, names

TOP = "optimization-course"


@pytest.fixture(scope="module")
def handout(tmp_path_factory):
    target = tmp_path_factory.mktemp("handout") / "optimization-course.zip"
    student.build(target)
    return target


def first_code_cell(name):
    notebook = nbformat.read(EXERCISES / name / f"{name}.ipynb", as_version=4)
    return next(cell.source for cell in notebook.cells if cell.cell_type == "code")


@pytest.fixture
def colab(tmp_path, monkeypatch):
    """Run the first cell of sgd as Colab does, where a student chooses these files."""

    def run(chosen=None, name="sgd"):
        def upload():
            assert chosen is not None, "it asks for a file"
            return chosen

        files = types.SimpleNamespace(upload=upload)
        monkeypatch.setitem(sys.modules, "google.colab", types.SimpleNamespace(files=files))
        exec(first_code_cell(name), {})

    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    return run


def zipped(files):
    """The bytes of a zip with these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unzipped(handout):
    """The files of the course's zip by name, without what has no part in these tests."""
    with zipfile.ZipFile(handout) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def assert_set_up(name, folder):
    """The notebook runs in its own folder, and finds the course."""
    assert Path.cwd() == folder / TOP / "exercises" / name
    assert Path("cases.json").is_file()
    assert sys.path.count(str(folder / TOP)) == 1
    assert (folder / TOP / "course_lib" / "checks").is_dir()


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("root", [SOLUTIONS, EXERCISES], ids=["solution", "exercise"])
def test_all_notebooks_begin_alike(root, name):
    def first(stem):
        notebook = nbformat.read(root / stem / f"{stem}.ipynb", as_version=4)
        cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
        return cell.source, cell.metadata

    source, metadata = first("sgd")
    assert first(name) == (source.replace('"sgd"', f'"{name}"'), metadata)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_the_first_cell_sets_a_notebook_up_on_colab(name, handout, tmp_path, colab):
    colab({"zip (1).zip": handout.read_bytes()}, name)
    assert_set_up(name, tmp_path)


def with_prefix(files, prefix):
    return {f"{prefix}{name}": content for name, content in files.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "remade",
    [
        lambda files: with_prefix(files, "Downloads/"),
        lambda files: {name.removeprefix(f"{TOP}/"): files[name] for name in files},
        lambda files: files | with_prefix(dict.fromkeys(files, b""), f"{TOP}/old/"),
        lambda files: files | {f"__MACOSX/{TOP}/._contents.txt": b""},
        lambda files: files | {f"{TOP}/notes.md": b"mine"},
    ],
    ids=["a folder more", "no folder", "an older one inside", "made on a Mac", "a file more"],
)
def test_a_zip_made_by_hand_will_do_on_colab(remade, handout, tmp_path, colab):
    colab({"course.zip": zipped(remade(unzipped(handout)))})
    assert_set_up("sgd", tmp_path)
    assert Path("cases.json").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [TOP]


def without(*ends):
    return lambda files: {name: files[name] for name in files if not name.endswith(ends)}


def damaged(files):
    content = bytearray(zipped(files))
    content[content.index(b"def check(") + 3] ^= 1
    return bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (lambda files: {}, "You chose no file: run this cell again and choose"),
        (
            lambda files: {"a.zip": zipped(files), "b.txt": b""},
            r"You chose a\.zip, b\.txt: run this cell again and choose optimization-course\.zip",
        ),
        (lambda files: {"a.pdf": b"%PDF"}, r"'a\.pdf' cannot be read as a zip \(File is not a zip"),
        (lambda files: {"a.zip": b""}, r"'a\.zip' cannot be read as a zip"),
        (
            lambda files: {"a.zip": zipped(files)[:-100]},
            r"'a\.zip' cannot be read as a zip \(File is not a zip file\): run this cell again",
        ),
        (
            lambda files: {"a.zip": damaged(files)},
            r"'a\.zip' is damaged, in 'optimization-course/course_lib/checks/student\.py': run",
        ),
        (
            lambda files: {"a.zip": zipped({"other/README.md": b"another course"})},
            r"'a\.zip' is no zip of this course, it has no contents\.txt: run this cell again",
        ),
        (
            lambda files: {"a.zip": zipped({"other/contents.txt": b"README.md"})},
            r"'a\.zip' lacks 'exercises/sgd/cases\.json': run this cell again",
        ),
        (
            lambda files: {"a.zip": zipped(without("augmentation.py")(files))},
            r"'a\.zip' lacks 'course_lib/augmentation\.py': run this cell again and choose optim",
        ),
    ],
    ids=["none", "two", "a PDF", "empty", "cut off", "a bit", "a course", "another", "a file less"],
)
def test_colab_says_in_a_sentence_what_is_wrong_with_a_file(
    chosen, sentence, handout, tmp_path, colab
):
    files = unzipped(handout)
    with pytest.raises(Exception, match=f"^{sentence}.*\\.$") as raised:
        colab(chosen(files))
    assert raised.type.__name__ == "SetupError"
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []
    colab({"optimization-course.zip": zipped(files)})
    assert_set_up("sgd", tmp_path)


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a restart"])
def test_the_first_cell_run_twice_on_colab_asks_once_and_keeps_what_was_written(
    restarted, handout, tmp_path, colab, monkeypatch
):
    colab({"course.zip": handout.read_bytes()})
    Path("sgd.ipynb").write_text("my own work")
    if restarted:
        monkeypatch.chdir(tmp_path)
    colab()
    assert_set_up("sgd", tmp_path)
    assert Path("sgd.ipynb").read_text() == "my own work"


def test_half_a_course_on_colab_gives_way_and_is_kept(handout, tmp_path, colab):
    (tmp_path / TOP).mkdir()
    (tmp_path / TOP / "sgd.ipynb").write_text("my own work")
    colab({"course.zip": handout.read_bytes()})
    assert_set_up("sgd", tmp_path)
    (kept,) = tmp_path.glob(f"{TOP}-before-*/sgd.ipynb")
    assert kept.read_text() == "my own work"


@pytest.mark.parametrize("name", names())
def test_the_first_cell_does_nothing_elsewhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    exec(first_code_cell(name), {})
    assert Path.cwd() == tmp_path
    assert sys.path == path
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_a_notebook_alone_says_where_to_get_the_rest(monkeypatch, shell, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    shell.run_cell(first_code_cell("sgd"))
    assert capsys.readouterr().out.splitlines() == [
        "This notebook needs the files of the course, and there is no course_lib here: unpack "
        "optimization-course.zip, which your instructor gives you, run start.py in its folder, "
        "and open exercises/sgd/sgd.ipynb from there."
    ]


def test_the_zip_lists_its_files(handout):
    files = unzipped(handout)
    listed = files.pop(f"{TOP}/contents.txt").decode().splitlines()
    assert sorted(f"{TOP}/{name}" for name in listed) == sorted(files)


@pytest.mark.parametrize("name", names())
def test_a_notebook_imports_nothing_that_the_zip_lacks(name, handout):
    inside = {Path(path).as_posix() for path in zipfile.ZipFile(handout).namelist()}
    notebook = nbformat.read(EXERCISES / name / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            module = getattr(node, "module", None) or ""
            if isinstance(node, ast.ImportFrom) and module.startswith("course_lib"):
                stem = f"optimization-course/{module.replace('.', '/')}"
                assert {f"{stem}.py", f"{stem}/__init__.py"} & inside, module
            assert not module.startswith(("grading", "course_lib.optim")), module


def test_no_long_runs_are_handed_out(handout):
    assert not [p for p in zipfile.ZipFile(handout).namelist() if "experiments" in p]
