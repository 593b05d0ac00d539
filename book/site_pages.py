"""How the pages of the book are served: small, at once, and from a folder.

Sphinx finds this file by ``_config.yml``. The theme and the extensions
bring a style sheet of half a megabyte, eleven scripts and 1.5 MB of icons
to each page. Here each page is made lean (``markup.py``), and all of them
share one style sheet of what they use (``styles.py``) and one script.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable
from html import unescape
from pathlib import Path
from textwrap import shorten
from typing import Any

import code_links
import formulas
import markup
import styles
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from course_lib.files import replacing

HERE = Path(__file__).parent
STYLES = "basic.css", "styles/pydata-sphinx-theme.css"
"""What the theme loads before the style sheets that it tells Sphinx of."""
THEME = "scripts/pydata-sphinx-theme.js"
MEASURED = re.compile(r'\["pre",[^]]*\](?=\.join\(", "\)\)\.forEach)')
"""The boxes that the theme measures at once, all of them, which lays out
the whole page; ``book.js`` does it when they come near."""
SCRIPTS = "scripts/bootstrap.js", THEME
"""What it loads after all scripts."""
MOVED = HERE / "moved.json"
"""What stood in one chapter and stands in another: for each old page and
each new one the ids, which addresses from outside may name."""
ICONS = "vendor/fontawesome/webfonts/fa-solid-900.woff2"
WHOLE = "whole.css"
"""The style sheet before it was pruned, beside the doctrees: the tests
compare the two."""
KEPT = {"site.css", "formulas.css", "site.js", "STIX-OFL.txt"}
"""What pages load by another way than by its name in them."""

LEFT_OUT = re.compile(r"sphinx-thebe|design-tabs|mathjax")
"""Scripts and styles for what no page of this book has."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    # Cells of this book are not run in the browser, and Jupyter Book loads
    # the script that would do it twice: every page would log an error.
    for listeners in app.events.listeners.values():
        listeners[:] = [
            each
            for each in listeners
            if not each.handler.__module__.startswith("sphinx_thebe")
        ]
    # Sphinx writes all pages anew when this value changes.
    app.add_config_value("written_by", written_by(), "html")
    app.connect("html-page-context", write_lean, priority=900)
    app.connect(
        "build-finished", join, priority=900
    )  # the theme's come first
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def written_by() -> str:
    """The digest of the code that makes a page of what was read."""
    code = [*HERE.rglob("*.py"), *HERE.rglob("_templates/**/*.html")]
    files = [*code, MOVED]
    digests = [
        hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(files)
    ]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def write_lean(
    app: Sphinx,
    page: str,
    template: str,
    context: dict[str, Any],
    tree: nodes.document | None,
) -> None:
    """Make a page's body lean, and leave it the files of all pages."""
    if app.builder.name != "html":
        return
    if "body" in context:
        source = {name: file for file, name in app.builder.images.items()}
        context["body"] = markup.lean(
            context["body"],
            drawing=lambda name: Path(app.srcdir, source[name]),
            films=Path(app.outdir, "_static", "films"),
            address=context["content_root"] + "_static/films",
            described=reference(app, page, tree),
        )
        context["description"] = description(context["body"])
    context["has_landing"] = "landing-figure" in context.get("body", "")
    moved = json.loads(MOVED.read_text(encoding="utf-8"))
    context["moved"] = moved.get(page.removeprefix("book/"))
    context["has_formulas"] = "<math" in context.get("body", "")
    app.builder.asked_for = (  # the same for every page
        names_of(context["css_files"]),
        names_of(context["script_files"]),
    )
    context["css_files"] = []
    context["collapse_index"] = False  # its script would run before ours
    context["script_files"] = [
        script for script in context["script_files"] if not script.filename
    ]
    for script in context["script_files"]:
        if script.attributes["body"].startswith("DOCUMENTATION_OPTIONS."):
            script.attributes["type"] = "module"  # after the joined script


def reference(
    app: Sphinx, page: str, tree: nodes.document | None
) -> Callable[[str], str | None]:
    """Where the reference describes what the code of a page imports."""
    blocks = tree.findall(nodes.literal_block) if tree else ()
    names = code_links.imported(block.astext() for block in blocks)
    known = app.env.domaindata["py"]["objects"]
    documented = [
        name
        for name, entry in known.items()
        if entry.objtype in ("class", "function", "exception")
    ]

    def address(name: str) -> str | None:
        if name not in names:
            return None
        full = code_links.described(*names[name], documented)
        if full is None:
            return None
        there = app.builder.get_relative_uri(page, known[full].docname)
        return f"{there}#{known[full].node_id}"

    return address


def description(html: str) -> str:
    """What a page is about, for a list of pages: its first words."""
    found = re.search(r"<p>(.*?)</p>", html, re.DOTALL)
    text = re.sub("<[^>]*>", "", found[1] if found else "")
    return shorten(unescape(text), 155, placeholder=" …")


def names_of(files: Iterable[Any]) -> list[str]:
    """The names of style sheets or scripts, as they lie in ``_static``."""
    names = [str(file.filename) for file in files if file.filename]
    names = [name.removeprefix("_static/") for name in names]
    return [name for name in names if not LEFT_OUT.search(name)]


def join(app: Sphinx, error: Exception | None) -> None:
    """Write the style sheets and the script of all pages."""
    if error or app.builder.name != "html":
        return
    out = Path(app.outdir)
    static = out / "_static"
    sheets, scripts = app.builder.asked_for
    pages = [
        file.read_text(encoding="utf-8")
        for file in out.rglob("*.html")
        if static not in file.parents
    ]
    script = joined(static, [*scripts, *SCRIPTS])
    sheet = "".join(
        (static / name).read_text(encoding="utf-8")
        for name in [*STYLES, *sheets]
    )
    known = styles.words(pages, [script])
    inline = "".join(re.findall(r'style="[^"]*"', "".join(pages)))
    lean = styles.pruned(sheet, known, script + inline)
    icons = styles.icons(static / ICONS, lean)
    write(static / "site.css", icons + lean)
    write(Path(app.doctreedir, WHOLE), icons + styles.without_fonts(sheet))
    write(static / "site.js", script)
    signs = [
        found for page in pages for found in formulas.MATH.findall(page)
    ]
    if signs:
        font = formulas.font_of(signs)
        write(static / "formulas.css", styles.face("STIX Two Math", font))
    for image in (out / "_images").glob("*.svg"):
        text = image.read_text(encoding="utf-8")
        if (smaller := markup.rounded(text)) != text:
            write(image, smaller)
    write(static / "STIX-OFL.txt", formulas.LICENCE.read_text())
    tidy(static, "".join(pages))


def joined(static: Path, names: list[str]) -> str:
    """One script of several, in their order."""
    parts = []
    for name in dict.fromkeys(names):
        text = (static / name).read_text(encoding="utf-8")
        text = re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.M)
        if name == THEME:
            text, found = MEASURED.subn('["no-box"]', text)
            if found != 1:
                raise ExtensionError(
                    f"{THEME} has another list of boxes that scroll: see "
                    "MEASURED in book/site_pages.py."
                )
        parts.append(text)
    return ";".join(["", *parts])  # "use strict" of one is not for all


def tidy(static: Path, pages: str) -> None:
    """Drop what no page loads."""
    for folder in ("styles", "scripts", "vendor", "locales"):
        shutil.rmtree(static / folder, ignore_errors=True)
    for file in static.rglob("*"):
        name = file.name
        if file.is_file() and name not in KEPT and f"/{name}" not in pages:
            file.unlink()
    for folder in sorted(static.rglob("*/"), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def write(file: Path, text: str) -> None:
    """Write a file of the site, whole or not at all."""
    with replacing(file) as opened:
        opened.write(text.encode())
