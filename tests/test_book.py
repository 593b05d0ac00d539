"""Every chapter keeps the rules of the book, as far as they can be read off its file."""

import ast
import functools
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
import yaml
from pybtex.database import parse_file

from course_lib.evidence import records, sources

ROOT = Path(__file__).resolve().parent.parent
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [TOC["root"], *(page["file"] for part in TOC["parts"] for page in part["chapters"])]
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
NAMES = "|".join(path.stem.replace("_", "-") for path in CHAPTERS)
BIBLIOGRAPHY = parse_file(str(ROOT / "book/references.bib")).entries

LONGEST_FUNCTION = 16  # lines; what is longer is a helper, and belongs in course_lib
WIDEST_FIGURE = 7.2  # inches; wider ones have letters too small for a phone
FEWEST_FIGURES = 6


def text_of(path):
    """What an author wrote on a page for readers: all of it, or a notebook's text cells."""
    if path.suffix == ".md":
        return path.read_text()
    cells = nbformat.read(path, as_version=4).cells
    captions = (
        cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "") for cell in cells
    )
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    return "\n\n".join([*texts, *captions])


BOOK_PAGES = [
    path
    for page in PAGES
    for path in (ROOT / f"{page}.ipynb", ROOT / f"{page}.md")
    if page.startswith("book/") and path.exists()
]
ALL_TEXT = "\n\n".join(text_of(path) for path in BOOK_PAGES)


class Chapter:
    """A notebook, taken apart."""

    def __init__(self, path):
        self.name = path.stem
        self.text = text_of(path)
        self.cells = nbformat.read(path, as_version=4).cells
        self.code = [cell for cell in self.cells if cell.cell_type == "code"]
        # A cell tagged `script` shows a program as a reader would write it, with all its imports.
        self.scripts = [c for c in self.code if "script" in c.metadata.get("tags", [])]
        self.trees = [ast.parse(c.source) for c in self.code if c not in self.scripts]
        self.figures = [cell for cell in self.code if "mystnb" in cell.metadata]


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    return Chapter(request.param)


def calls(source, pattern):
    """How often a cell calls a function whose name matches."""
    names = (
        node.func.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
    return sum(re.fullmatch(pattern, name) is not None for name in names)


# The table of contents and the links


@pytest.mark.parametrize("page", PAGES)
def test_what_the_table_of_contents_names_exists(page):
    assert list(ROOT.glob(page + ".*")), f"_toc.yml lists {page}, and there is no such file."


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_is_in_the_table_of_contents(path):
    assert f"book/{path.stem}" in PAGES


@pytest.mark.slow
@pytest.mark.parametrize("path", BOOK_PAGES, ids=lambda path: path.stem)
def test_internal_links_lead_somewhere(path):
    labels = re.findall(
        r"^\(([\w-]+)\)=$|^:(?:label|name): ([\w-]+)$|\$\$ \(([\w-]+)\)", ALL_TEXT, re.M
    )
    known = {label for group in labels for label in group} | figure_names()
    links = re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text_of(path))
    roles = re.findall(r"\{(?:eq|ref|numref|prf:ref)\}`(?:[^`<]*<)?([\w-]+)>?`", text_of(path))
    for target in [*links, *roles]:
        if target.removeprefix("#") in known:
            continue
        file = (path.parent / target).resolve()
        assert file.is_file(), (
            f"{path.name} links to {target}, which is neither a file nor a label."
        )
        if file.suffix in (".md", ".ipynb"):
            page = str(file.relative_to(ROOT).with_suffix(""))
            assert page in PAGES, f"{path.name} links to {page}, which is not in _toc.yml."


@functools.cache
def figure_names():
    return {cell.metadata.mystnb.figure.name for path in CHAPTERS for cell in Chapter(path).figures}


def test_no_two_figures_share_a_name():
    names = [
        cell.metadata.mystnb.figure.name for path in CHAPTERS for cell in Chapter(path).figures
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", BOOK_PAGES, ids=lambda path: path.stem)
def test_library_code_that_is_shown_exists(path):
    blocks = re.findall(r"```\{literalinclude\} (\S+)\n((?::.*\n)*)", text_of(path))
    for target, options in blocks:
        file = path.parent / target
        assert file.is_file(), f"{path.name} includes {target}, which does not exist."
        options = dict(re.findall(r"^:([\w-]+): (.+)$", options, re.M))
        names = {
            f"{parent.name}.{node.name}" if isinstance(parent, ast.ClassDef) else node.name
            for parent in ast.walk(ast.parse(file.read_text()))
            for node in ast.iter_child_nodes(parent)
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        assert options.get("pyobject") in {*names, None}  # without, all of it is shown
        assert options.get("start-at", "") in file.read_text()


# The bibliography


def cited():
    return {
        key.strip()
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", ALL_TEXT)
        for key in keys.split(",")
    }


def test_every_citation_is_in_the_bibliography():
    assert cited() <= set(BIBLIOGRAPHY)


@pytest.mark.parametrize("key", BIBLIOGRAPHY)
def test_every_entry_of_the_bibliography_is_cited_and_can_be_found(key):
    assert key in cited()
    assert BIBLIOGRAPHY[key].fields.keys() & {"doi", "eprint", "url"}


# What every chapter has


def test_a_chapter_says_what_it_is_for(chapter):
    opening = chapter.cells[0].source
    assert opening.startswith("# ")
    for promise in ("You will be able to", "You need", "Time"):
        assert f"**{promise}**" in opening


OPTIONS = re.compile(r"\(a\) (.+) \(b\) (.+) \(c\) (.+)")


def test_a_question_ends_its_cell_with_three_options_and_is_answered_by_the_next(chapter):
    said = [cell.source for cell in chapter.cells if cell.cell_type == "markdown"]
    answers = []
    for text, after in pairwise(said):
        assert text.count("**What do you expect") <= 1, text[-300:]
        if "**What do you expect" in text:
            *_, question, options = text.split("\n\n")
            assert question.startswith("**What do you expect"), options
            assert OPTIONS.fullmatch(options), options
            plain = re.sub(r"\$.*?\$", "", options)  # without its formulas
            assert not set("[{") & set(plain), "a link in an option"
            answers += re.findall(r"\AThe answer is \(([abc])\)[.:,]", after) or [after[:80]]
    assert set(answers) == {"a", "b", "c"}


def test_a_chapter_ends_with_what_to_remember_and_what_to_read(chapter):
    sections = re.findall(r"^## (.+)$", chapter.text, re.M)
    assert sections[-2:] == ["What to remember", "Further reading"]
    assert "This page took" in chapter.code[-1].source


def test_a_chapter_asks_before_it_answers(chapter):
    assert (
        chapter.text.count("**What do you expect?**") + chapter.text.count("**What do you expect**")
        >= 3
    )


def test_a_chapter_links_to_its_assignment(chapter):
    assignment = f"exercises/{chapter.name}/{chapter.name}"
    assert assignment not in PAGES or f"](../{assignment}.ipynb)" in chapter.text


def test_a_chapter_defines_its_terms_in_the_margin(chapter):
    notes = re.findall(r"^:::\{margin\} (.+)\n(.+)\n:::$", chapter.text, re.MULTILINE)
    assert 3 <= len(notes) == chapter.text.count("{margin}") <= 8
    assert all(4 <= len(sentence.split()) <= 35 for _, sentence in notes)
    assert len(dict(notes)) == len(notes)


def test_exercises_have_solutions(chapter):
    exercises = re.findall(r"```\{exercise\}.*\n:label: (\S+)", chapter.text)
    solutions = re.findall(r"```\{solution\} (\S+)\n:class: dropdown", chapter.text)
    assert len(exercises) >= 3
    assert exercises == solutions


# Its code


def test_the_first_cell_imports_and_seeds(chapter):
    def imports(tree):
        return any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree))

    first, *others = chapter.trees
    assert imports(first)
    assert not any(imports(tree) for tree in others)
    for call in ("seed_everything", "use_book_style", "device"):
        assert calls(chapter.code[0].source, call), f"The first cell does not call {call}()."


def test_helpers_are_in_the_library(chapter):
    for tree in chapter.trees:
        for node in ast.walk(tree):
            assert not isinstance(node, ast.ClassDef), f"Move {node.name} to course_lib."
            if isinstance(node, ast.FunctionDef):
                length = node.end_lineno - node.lineno + 1
                assert length <= LONGEST_FUNCTION, f"Move {node.name} to course_lib."


def test_every_section_with_an_experiment_makes_a_claim(chapter):
    claims, experiments = {}, []
    section = None
    for cell in chapter.cells[2:-1]:  # after the setup, before the time
        if cell.cell_type == "markdown":
            section = (re.findall(r"^###? (.+)$", cell.source, re.M) or [section])[-1]
        else:
            experiments.append(section)
            claims[section] = claims.get(section, 0) + calls(cell.source, "claim")
    assert all(claims[section] for section in experiments), claims


def test_the_first_script_is_short_and_needs_nothing_of_ours():
    *_, last = Chapter(ROOT / "book/first_steps.ipynb").scripts
    script = last.source
    assert len([line for line in script.splitlines() if line.strip()]) <= 20
    assert "course_lib" not in script


# Its figures


def test_a_chapter_has_figures_enough(chapter):
    assert len(chapter.figures) >= FEWEST_FIGURES


def test_every_figure_has_a_name_a_caption_and_a_description(chapter):
    for cell in chapter.figures:
        figure = cell.metadata.mystnb.figure
        assert re.match(rf"fig-({NAMES})-", figure.name)  # it keeps its name where it moves
        assert len(figure.caption.split()) >= 10
        assert len(cell.metadata.mystnb.image.alt.split()) >= 15


def test_whatever_draws_is_a_figure_and_prints_nothing(chapter):
    for cell in chapter.code:
        draws = calls(cell.source, "Figure|plot_.*|animate_.*")
        is_figure = cell in chapter.figures
        assert bool(draws) == is_figure, cell.id
        if is_figure:
            assert not calls(cell.source, "claim|print"), cell.id


def test_figures_fit_on_a_phone(chapter):
    for tree in chapter.trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "figsize":
                assert ast.literal_eval(node.value)[0] <= WIDEST_FIGURE


# Its claims, and what `make robust` recorded of them


def claims_of(chapter):
    return [call for tree in chapter.trees for call in sources.claims_in(tree)]


def names_of(chapter):
    return [ast.literal_eval(call.args[0]) for call in claims_of(chapter)]


@pytest.fixture(scope="module")
def record(chapter):
    return records.read(records.path_of(chapter.name))


def test_claims_name_the_long_runs_that_their_chapter_reads(chapter):
    nodes = [node for tree in chapter.trees for node in ast.walk(tree)]
    named = {
        ast.literal_eval(keyword.value)
        for call in claims_of(chapter)
        for keyword in call.keywords
        if keyword.arg == "long_run"
    }
    read = {
        ast.literal_eval(node.args[0])
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "results_of"
    }
    assert named == read


def test_no_two_claims_share_a_name():
    names = [name for path in CHAPTERS for name in names_of(Chapter(path))]
    assert sorted(names) == sorted(set(names))


def test_the_code_of_a_claim_is_not_shown(chapter):
    for cell in chapter.code:
        if calls(cell.source, "claim"):
            assert "remove-input" in cell.metadata.get("tags", []), cell.id


def test_a_claim_is_made_once_a_run(chapter):
    for tree in chapter.trees:
        for statement in tree.body:
            made = [call.args[0].value for call in sources.claims_in(statement)]
            alone = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
            assert alone or not made, f"Collect the values of {made}, and claim once."


def test_every_claim_has_its_record_and_every_record_its_claim(chapter, record):
    assert names_of(chapter) == list(record.claims)


def test_the_record_is_of_the_code_that_stands_there(chapter, record):
    found = sources.digests(ROOT / "book" / f"{chapter.name}.ipynb")
    again = f"run `make robust CHAPTER={chapter.name}`."
    assert record.measurement == found.measurement, f"Code has changed: {again}"
    assert record.wording == found.wording, f"Sentences have changed: {again}"


def test_every_claim_held_under_every_condition_and_beyond_its_spread(record):
    assert list(record.complaints()) == []


def test_the_page_of_all_claims_has_every_chapter():
    page = (ROOT / "book/reference/evidence.md").read_text()
    listed = re.findall(r"^```\{claims\} (\w+)$", page, re.M)
    assert [f"book/{name}" for name in listed] == [
        page for page in PAGES if (ROOT / f"{page}.ipynb").exists() and page.startswith("book/")
    ]


# Its outputs, as `make outputs` leaves them


def test_what_is_committed_of_the_outputs_is_what_the_tests_compare(chapter):
    for cell in chapter.code:
        assert cell.execution_count is None, "Run `make outputs`."
        compared = "nbval-check-output" in cell.metadata.get("tags", [])
        assert bool(cell.outputs) == compared, f"{cell.id}: run `make outputs`."
        for output in cell.outputs:
            assert (output.output_type, output.name) == ("stream", "stdout"), cell.id


def test_what_is_compared_is_the_same_on_every_machine(chapter):
    compared = [c for c in chapter.code if "nbval-check-output" in c.metadata.get("tags", [])]
    assert compared
    for cell in compared:
        printed = "".join(output.get("text", "") for output in cell.outputs)
        assert printed
        assert not calls(cell.source, "claim"), f"{cell.id}: a claim is HTML in a kernel."
        assert not re.search(r"\d\.\d{4,}|0x[0-9a-f]{4}|\bseconds?\b|\bms\b", printed), cell.id


def test_no_two_cells_share_an_id():
    ids = [cell.id for path in CHAPTERS for cell in Chapter(path).cells]
    assert sorted(ids) == sorted(set(ids))


def test_ids_keep_their_form_and_the_metadata_hold_nothing_of_one_machine(chapter):
    for cell in chapter.cells:
        assert re.fullmatch(rf"({NAMES})-\d{{3}}", cell.id)  # it keeps its id where it moves
        assert set(cell.metadata) <= {"tags", "mystnb"}, cell.id
