"""The kernels' imports are made beforehand, and none that fails stops the others."""

import importlib

import pytest

from course_lib.evidence import warm


@pytest.mark.parametrize("name", warm.MODULES)
def test_what_is_imported_is_there(name):
    assert importlib.import_module(name)


def test_what_is_broken_is_left_to_the_chapter(monkeypatch):
    tried = []

    def broken(name):
        tried.append(name)
        raise SyntaxError("a module that somebody is writing")

    monkeypatch.setattr(importlib, "import_module", broken)
    importlib.reload(warm)
    assert tried == list(warm.MODULES)
