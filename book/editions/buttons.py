"""Buttons of a chapter: its slides, what it needs, Colab and Binder.

Sphinx finds this file by ``_config.yml``. The last two need a published
copy, whose repository the workflow names; without one they are not there.
"""

import os
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

from course_lib.evidence import sources

from . import notebooks, pages

REPOSITORY = "COURSE_REPOSITORY"
"""The variable with the owner and name of the repository on GitHub."""
NAME = "optimization-for-training-deep-networks"
PDF = f"downloads/{NAME}.pdf"
EPUB = f"downloads/{NAME}.epub"
"""Where a published book has its other forms."""
BRANCH = "notebooks"
"""The branch with the chapters that set themselves up."""


def launch(app: Sphinx, config: Config) -> None:
    """Tell pages their address, and where Colab and Binder find notebooks.

    Without a published copy there is none of these.

    Raises:
        ConfigError: the variable is no owner and name.
    """
    if address := pages.site():
        config.html_baseurl = address
    repository = os.environ.get(REPOSITORY, "").strip()
    if not repository:
        return
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ConfigError(
            f"{REPOSITORY} is {repository!r}, which is no repository of "
            "GitHub: set it to OWNER/NAME, or unset it."
        )
    config.html_theme_options |= {
        "repository_url": f"https://github.com/{repository}",
        "repository_branch": BRANCH,
        "launch_buttons": {
            "colab_url": "https://colab.research.google.com",
            "binderhub_url": "https://mybinder.org",
            "notebook_interface": "jupyterlab",
        },
    }


def add(
    app: Sphinx,
    page: str,
    template: str,
    context: dict[str, Any],
    tree: nodes.document | None,
) -> None:
    """Offer the slides of a chapter, and the zip with all that it needs."""
    root = context["content_root"]
    chapters = {f"book/{path.stem}" for path in sources.chapters()}
    offered = []
    if page in chapters:
        offered.append((notebooks.ZIP, "all chapters with their code"))
    if pages.site():
        offered += [(PDF, "the whole book, .pdf"), (EPUB, ".epub")]
    for group in context.get("header_buttons", ()):
        if group["label"] == "download-buttons":
            group["buttons"] += [
                {
                    "type": "link",
                    "url": root + address,
                    "text": text,
                    "tooltip": f"Download {text}",
                    "icon": "fas fa-file-arrow-down",
                    "label": "download-more-button",
                }
                for address, text in offered
            ]
    if page in chapters:
        context["header_buttons"].insert(
            0,
            {
                "type": "link",
                "url": f"{root}slides/{page.removeprefix('book/')}.html",
                "tooltip": "Slides of this chapter",
                "icon": "fas fa-person-chalkboard",
                "label": "slides-button",
            },
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("config-inited", launch)
    app.connect("html-page-context", add, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
