"""A Sphinx extension: the same pages, in less time.

Pages are written on all cores. They are read by one process: sphinx_proof
promises that several may, and then fails. And what is installed is looked
up once, where pybtex looks at every citation.
"""

import os
from functools import cache

from pybtex import plugin
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

SILENT = "sphinx_jupyterbook_latex", "sphinx_multitoc_numbering"
"""Extensions that do not say whether pages may be written at once, so that
Sphinx would not. They may: both have done their work by then."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    plugin.entry_points = cache(plugin.entry_points)
    app.connect("env-check-consistency", begin)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def begin(app: Sphinx, env: BuildEnvironment) -> None:
    """All is read: from here on, all cores."""
    app.parallel = os.cpu_count() or 1
    for name in SILENT:
        app.extensions[name].parallel_write_safe = True
