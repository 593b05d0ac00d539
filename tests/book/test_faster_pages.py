"""Pages are written on all cores, with every extension's word that they may be."""

from types import SimpleNamespace

import faster_pages
from pybtex import plugin


def test_writing_begins_on_all_cores(monkeypatch):
    monkeypatch.setattr(faster_pages.os, "cpu_count", lambda: 3)
    silent = {name: SimpleNamespace(parallel_write_safe=None) for name in faster_pages.SILENT}
    app = SimpleNamespace(parallel=1, extensions=silent)
    faster_pages.begin(app, None)
    assert app.parallel == 3
    assert all(extension.parallel_write_safe for extension in silent.values())


def test_pages_are_read_by_one_process():
    events = []
    app = SimpleNamespace(parallel=1, connect=lambda event, does: events.append((event, does)))
    faster_pages.setup(app)
    assert app.parallel == 1
    assert events == [("env-check-consistency", faster_pages.begin)]


def test_a_style_is_looked_up_once(monkeypatch):
    asked = []
    monkeypatch.setattr(plugin, "entry_points", lambda **what: asked.append(what) or [])
    faster_pages.setup(SimpleNamespace(connect=lambda *_: None))
    for _ in range(3):
        plugin.entry_points(group="pybtex.style.labels", name="alpha")
    assert len(asked) == 1
