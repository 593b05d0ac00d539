import shutil
import subprocess

import playground
import pytest


@pytest.fixture
def modules(tmp_path):
    """Writes modules and joins them."""

    def join(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.js").write_text(text)
        return playground.joined(tmp_path)

    return join


SCRIPTS = pytest.mark.parametrize("first", playground.SCRIPTS)


@SCRIPTS
def test_a_committed_script_is_made_of_its_parts(first):
    made = playground.SCRIPTS[first].read_text(encoding="utf-8")
    assert made == playground.joined(first=first), "Run `python book/playground.py join`."


def test_every_module_is_in_a_script_and_in_none_twice():
    scripts = [playground.joined(first=first) for first in playground.SCRIPTS]
    for module in playground.MODULES.glob("*.js"):
        found = [script.count(f"// {module.name}\n") for script in scripts]
        assert max(found) == 1, module.name


def test_what_is_needed_comes_first_and_once(modules):
    made = modules(
        main='import { b } from "./b.js";\nimport { a } from "./a.js";\nwindow.x = a + b;\n',
        b='import { a } from "./a.js";\nexport const b = a;\n',
        a="export const a = 1;\n",
    )
    assert "import" not in made and "export" not in made
    assert [made.count(part) for part in ("const a = 1;", "const b = a;")] == [1, 1]
    assert made.index("const a") < made.index("const b") < made.index("window.x")


NEED_A = 'import { a } from "./a.js";\n'
BAD = [
    ("each other: main → a → main", NEED_A, 'import { b } from "./main.js";\n'),
    ("imports a, which a.js does not export", NEED_A, "const a = 1;\n"),
    ("c is declared in a.js and in main.js", f"{NEED_A}let c = 1;\n", "export let a;\nlet c;\n"),
    ("main.js says 'import a", 'import a from "./a.js";\n', ""),
    ("main.js says 'export default 1;'", "export default 1;\n", ""),
]


@pytest.mark.parametrize(("words", "main", "a"), BAD)
def test_what_cannot_be_joined_is_said(modules, words, main, a):
    with pytest.raises(ValueError, match=words):
        modules(main=main, a=a)


@pytest.mark.skipif(not shutil.which("node"), reason="there is no Node to parse the script")
@SCRIPTS
def test_a_script_parses(first):
    subprocess.run(["node", "--check", playground.SCRIPTS[first]], check=True)


def test_the_slice_is_as_its_module_says():
    measured = playground.read_slice()
    rows = measured["losses"]
    assert len(rows) == 25 and {len(row) for row in rows} == {25}
    (low, high), other = measured["domain"]
    assert low == -high and other == [low, high]
    assert all(low < c < high for corner in measured["corners"] for c in corner)
