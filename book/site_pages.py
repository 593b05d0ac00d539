"""What the theme puts into every page and no page of this book needs."""

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx, which finds this file by ``_config.yml``.

    Cells of this book are not run in the browser. Jupyter Book loads the
    script that would do it twice, and then every page logs an error.
    """
    for listeners in app.events.listeners.values():
        listeners[:] = [
            each
            for each in listeners
            if not each.handler.__module__.startswith("sphinx_thebe")
        ]
    return {"parallel_read_safe": True, "parallel_write_safe": True}
