import pytest

from grading.handins.needed import MAX_CELL, MAX_NOTEBOOK, Reader, needed


def read(source):
    return Reader().read(source)


IPYTHON = {
    "plain": ("x = 1\n", "x = 1\n"),
    "a line magic": ("%matplotlib inline\nx = 1", "pass\nx = 1"),
    "in a block": ("if True:\n    %time f()\nx = 1", "if True:\n    pass\nx = 1"),
    "a command": ("!pip install torch\nx = 1", "pass\nx = 1"),
    "a command that goes on": ("!pip install \\\n  torch\nx = 1", "pass\n\nx = 1"),
    "a quote in a command": ("!echo it's\nx = 1", "pass\nx = 1"),
    "pip without a sign": ("pip install torch\nx = 1", "pass\nx = 1"),
    "a command that gives a value": ("files = !ls\nx = 1", "files = None\nx = 1"),
    "a magic that gives a value": ("    a, b = %time f()", None),
    "a question": ("torch.randn?\nx = 1", "pass\nx = 1"),
    "a question before": ("?torch.randn\nx = 1", "pass\nx = 1"),
    "a cell magic": ("%%time\nx = 1", "\nx = 1"),
    "a cell magic below blank lines": ("\n%%capture out\nx = 1", "\n\nx = 1"),
    "a cell of another language": ("%%bash\nls -l\nx = 1", "\n\n"),
    "a percent sign in a string": ('x = """\n%d of\n!!\n"""', 'x = """\n%d of\n!!\n"""'),
    "a remainder over two lines": ("x = (7\n% 2)", "x = (7\n% 2)"),
    "no Python": ("def f(:", None),
    "a zero": ("x = '\0'", None),
    "half a character": ("x = '\ud800'", None),
}


@pytest.mark.parametrize(("source", "python"), IPYTHON.values(), ids=IPYTHON)
def test_lines_of_ipython_give_way_to_python_with_as_many_lines(source, python):
    code = read(source)
    assert (code and code.text) == python


PROMPTS = {
    "indented as a whole": "    def f(x):\n        return x",
    "indented by tabs": "\tdef f(x):\n\t\treturn x",
    "with prompts of Python": ">>> def f(x):\n...     return x",
    "with prompts of IPython": "In [1]: def f(x):\n   ...:     return x",
}


@pytest.mark.parametrize("source", PROMPTS.values(), ids=PROMPTS)
def test_what_ipython_takes_as_it_is_pasted_is_read(source):
    code = Reader().read_as_ipython(source)
    assert code.binds == {"f"}
    assert code.text.count("\n") == source.count("\n")


USES = {
    "y = x": {"x"},
    "def f(a):\n    b = a + c\n    return b": {"c"},
    "def f(a=d) -> E:\n    return a": {"d", "E"},
    "@g\ndef f():\n    pass": {"g"},
    "class A(B):\n    x = y\n    def f(self):\n        return x": {"B", "y", "x"},
    "def f():\n    def g():\n        return h\n    return g": {"h"},
    "def f():\n    return [a for a in b]": {"b"},
    "def f():\n    global n\n    n += 1": {"n"},
    "total += 1": {"total"},
    "x = lambda a: a + b": {"b"},
    "def f():\n    import numpy as np\n    return np.pi": set(),
    "x = 1\ny = x": set(),
}


@pytest.mark.parametrize(("source", "uses"), USES.items(), ids=USES)
def test_names_of_the_notebook_are_told_from_local_ones(source, uses):
    assert read(source).uses - {"total", "n"} == uses - {"total", "n"}
    assert {"total", "n"} & uses <= frozenset().union(*(s.uses for s in read(source).statements))


# What is wanted, the cells, and what is left of them.
NEEDED = {
    "a function": ("f", ["def f():\n    return 1\nprint(2)"], ["def f():\n    return 1"]),
    "what it needs": (
        "f",
        ["def g():\n    pass\n\nprint(1)", "def f():\n    return g()"],
        ["def g():\n    pass", "def f():\n    return g()"],
    ),
    "what needs it, in turn": ("f", ["def f():\n    g()\ndef g():\n    f()"], None),
    "lines stay": (
        "f",
        ["a = 1\n\n@cache\ndef f():\n    pass"],
        ["\n\n@cache\ndef f():\n    pass"],
    ),
    "two on one line": ("x", ["x = 1; y = 2\nz = 3"], ["x = 1; y = 2"]),
    "in a block": ("x", ["if True:\n    x = 1\nelse:\n    x = 2"], None),
    "with a resource": ("x", ["with open('a') as f:\n    x = 1"], None),
    "by an attempt": (
        "np",
        ["try:\n    import numpy as np\nexcept ImportError:\n    np = None"],
        None,
    ),
    "all values, in order": ("x", ["x = 1", "y = 2", "x = 3"], ["x = 1", "", "x = 3"]),
    "a table that is filled later": (
        "t",
        ["t = {}\nfor k in range(3):\n    t[k] = k", "t['a'] = 1\nt.pop(0)\nprint(t)"],
        ["t = {}\nfor k in range(3):\n    t[k] = k", "t['a'] = 1\nt.pop(0)"],
    ),
    "a list that grows": ("x", ["x = []\nfor i in y:\n    x.append(i)", "y = [1]"], None),
    "no call of a module": (
        "np",
        ["import numpy as np\nnp.seterr()\nnp.x = 1"],
        ["import numpy as np"],
    ),
    "of imports, one": ("np", ["import numpy as np, pandas as pd"], ["import numpy as np"]),
    "of a module, one": ("a", ["from m import (\n    a,\n    b,\n)\nx = 1"], ["from m import a"]),
    "all of a module, for the unknown": ("sqrt", ["from math import *"], None),
    "nothing for what Python has": ("sum", ["from math import *"], [""]),
    "nothing for the unknown": ("x", ["y = 1"], [""]),
}


@pytest.mark.parametrize(("wanted", "sources", "left"), NEEDED.values(), ids=NEEDED)
def test_needed_definitions_are_left_and_no_others(wanted, sources, left):
    codes = [read(source) for source in sources]
    chosen, names = needed({wanted}, [code.statements for code in codes])
    for code, statements, text in zip(codes, chosen, left or sources):
        assert code.only(statements, names | {wanted}).rstrip() == text


def test_names_that_have_their_value_from_elsewhere_are_not_looked_for():
    code = read("def f():\n    return g()\ndef g():\n    return h()\ndef h():\n    pass")
    (chosen,), _ = needed({"f"}, [code.statements], without={"g"})
    assert [statement.binds for statement in chosen] == [{"f"}]


BOMBS = {
    "brackets": "x = " + "(" * 50_000 + ")" * 50_000,
    "lists": "x = " + "[" * 90 + "]" * 90,
    "minus": "x = " + "-" * 90_000 + "1",
    "sums": "x = " + "1+" * 90_000 + "1",
    "attributes": "x = a" + ".a" * 90_000,
    "calls": "x = a" + "()" * 90_000,
    "lambdas": "x = " + "lambda: " * 20_000 + "1",
    "blocks": "\n".join(" " * n + "if x:" for n in range(90)) + "\n" + " " * 90 + "pass",
    "elifs": "if x:\n pass\n" + "elif x:\n pass\n" * 10_000,
    "lines": "x = 1\n" * 1_000_000,
    "magics": "%time\n" * 10_000,
    "questions": "? " * 90_000,
    "an assignment of spaces": "x" + " " * 90_000 + "!",
    "decorators": "@f\n" * 50_000 + "def g(): pass",
    "an f-string": "f'{" * 1000 + "}'" * 1000,
    "a long number": "x = " + "9" * 100_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_code_that_breaks_the_parser_is_no_code(source):
    reader = Reader()
    code = reader.read_as_ipython(source)
    if code is not None:
        assert isinstance(code.key, str)
        assert code.uses is not None
        needed({"x"}, [code.statements])


def test_a_notebook_of_endless_code_is_not_read_to_its_end():
    reader = Reader()
    sources = [f"x = {n}\n" + "#" * (MAX_CELL // 2) for n in range(MAX_NOTEBOOK // MAX_CELL * 3)]
    codes = [reader.read(source) for source in sources]
    assert codes[0] is not None
    assert codes[-1] is None
