"""Puts a script behind a formula, where nobody looks for HTML."""

from tests.attacks.notebooks import saved


def hand_in(notebook):
    answer = next(one for one in notebook.cells if one.source.startswith("*Your answer here"))
    answer.source = (
        r"The rate $\href{javascript:owned()}{\eta}$ and $$\require{html}"
        r"\style{position:fixed;inset:0}{\cssId{owned}{\class{owned}{x}}}$$"
        "\n\n$<img src=x onerror=owned()>$ $$<script>owned()</script>$$ "
        "\\\\(<script>owned()</script>\\\\) \\begin{equation}<script>owned()</script>\\end{equation}"
    )
    return saved(notebook)
