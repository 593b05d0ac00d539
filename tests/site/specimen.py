"""A small book with one of each kind of thing, rendered as the whole one is."""

import re
import subprocess
import sys
from pathlib import Path
from shutil import copy, copytree

import execute
import torch
import yaml
from nbformat import v4, write

from course_lib.plotting.contours import animate_paths
from course_lib.surfaces import Quadratic

ROOT = Path(__file__).resolve().parents[2]

TEXT = r"""
# Specimen

:::{admonition} In this chapter
**You will be able to**
- read $w_t = w_{t-1} - \eta\, g_t$ and see {eq}`eq-rows`;
- check off *one* objective, and then the other.
:::

## Formulas

$$
v_t &= \mu\, v_{t-1} + \begin{cases}
  g_t & \text{if } \norm{g_t} \le 1, \\
  0 & \text{else,}
\end{cases} \\
w_t &= w_{t-1} - \eta\, \sqrt{\frac{v_t}{1 - \beta^t}}
$$ (eq-rows)

$$
\boxed{\E \Big( \sum_{i=1}^n x_i \Big)^2 = \begin{pmatrix} 1 & 0 \\ 0 & \kappa \end{pmatrix}}
$$

$$
S = a_1 + a_2 + a_3 + a_4 + a_5 + a_6 + a_7 + a_8 + a_9 + b_1 + b_2 + b_3 + b_4 + b_5 + b_6 + b_7
  + b_8 + b_9 + c_1 + c_2 + c_3 + c_4 + c_5 + c_6 + c_7 + c_8 + c_9
$$

:::{margin} Velocity
The vector $v$ that momentum remembers.
:::

The **velocity** is a vector of the size of the weights, and it is defined in the margin.

## Tables

|  | Rate | Loss |
|---|---|---|
| SGD | `a_long_name_of_an_argument_that_does_not_end` | 0.5 |

```{exercise} A question
:label: ex-question
What is $1 + 1$?
```

```{solution} ex-question
:class: dropdown
$2$, as {cite}`kingma2015` knows.
```

## Asked first

**What do you expect?** Which of the two ways is shorter?

(a) The first, of length $1$. (b) The second. (c) Neither: both are as long.

The answer is (b). By {eq}`eq-way` it takes half as long.

$$
1 > \tfrac12
$$ (eq-way)

**What do you expect?** And of the three?

(a) The first. (b) The second. (c) The third.

The answer is (c). It is a straight line.

### Below what was asked

This is another matter.
"""

CODE = """def step(w, g, lr=0.1):
    \"\"\"One step of descent.\"\"\"
    return w - lr * g  # against the slope
"""


NAMED = """from course_lib.optim.schedules import cosine

rates = [cosine(0.1, total_steps=10)(t) for t in range(10)]
"""


def drawing() -> str:
    """A drawing of one line, as Matplotlib writes it for the book."""
    import io

    from matplotlib.figure import Figure

    fig = Figure(figsize=(4, 2))
    fig.subplots().plot([1.0, 0.5, 0.25])
    text = io.StringIO()
    fig.savefig(text, format="svg")
    return text.getvalue()


def chapter() -> v4.new_notebook:
    """A page with formulas, tables, code as it is and folded, a figure and a film."""
    paths = {"SGD": torch.tensor([[1.0, 1.0], [0.5, 0.5], [0.0, 0.0]])}
    film = animate_paths(Quadratic(), paths, "A path to the minimum.", frames=3).data

    def shown(output, name, **metadata):
        figure = {"name": name, "caption": f"A caption of {name}."}
        output = v4.new_output("display_data", data=output)
        return v4.new_code_cell(
            CODE,
            outputs=[output],
            metadata={"tags": ["hide-input"], "mystnb": {"figure": figure, **metadata}},
        )

    return v4.new_notebook(
        cells=[
            v4.new_markdown_cell(TEXT),
            v4.new_code_cell(CODE),
            v4.new_code_cell(NAMED),
            v4.new_markdown_cell("## A figure and a film"),
            shown({"image/svg+xml": drawing()}, "fig-line", image={"alt": "A line that falls."}),
            shown({"text/html": film}, "fig-film"),
        ],
        metadata=execute.METADATA,
    )


def landing() -> str:
    """The first page down to its map, with links to the one chapter that is here."""
    text = (ROOT / "book/index.md").read_text(encoding="utf-8")
    text = text[: text.index("## Three doors")]
    text = re.sub(r"\]\(\w+\.(?:ipynb|md)\)", "](specimen.ipynb)", text)
    return text.replace("playground.html#play-network", "specimen.html")


def build(folder: Path) -> Path:
    """Render it with the settings, the styles and the extensions of the book.

    Args:
        folder: an empty folder.

    Returns:
        The folder of the pages.
    """
    settings = yaml.safe_load((ROOT / "_config.yml").read_text())
    settings["execute"] = {"execute_notebooks": "off"}
    (folder / "_config.yml").write_text(yaml.safe_dump(settings))
    book = folder / "book"
    book.mkdir()
    for name in ("_static", "_templates", "editions", "fonts"):
        copytree(ROOT / "book" / name, book / name)
    for module in (ROOT / "book").glob("*.py"):  # the settings name the extensions among them
        copy(module, book)
    for file in ("notation.md", "bibliography.md", "references.bib"):
        copy(ROOT / "book" / file, book / file)
    (book / "reference").mkdir()
    for file in ("schedules.md", "pictures.md"):
        copy(ROOT / "book/reference" / file, book / "reference")
    (book / "moved.json").write_text('{"specimen": {"notation": ["learning"]}}')
    (book / "index.md").write_text(landing(), encoding="utf-8")
    write(chapter(), book / "specimen.ipynb")
    names = ("specimen", "notation", "reference/schedules", "reference/pictures", "bibliography")
    pages = [f"book/{name}" for name in names]
    (folder / "_toc.yml").write_text(
        yaml.safe_dump(
            {"format": "jb-book", "root": "book/index", "chapters": [{"file": p} for p in pages]}
        )
    )
    command = [Path(sys.executable).with_name("jupyter-book"), "build", folder, "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "_build" / "html"
