"""Results as no grading gave them."""

from grading.results import Finding, Item, Result, Status

# What a student may be called, or write where a text is expected.
HOSTILE = {
    "a comma": "Doe, Jane",
    "quotes": 'Jane "J" O\'Doe',
    "a new line": 'Jane\r\n"x",99,=1+1',
    "a link": '=HYPERLINK("http://example.org?"&A1,"points")',
    "a command": "=cmd|' /C calc'!A0",
    "a plus": "+1+1",
    "a minus": "-2+3",
    "an at sign": "@SUM(A1:A9)",
    "white space before": " \t\u00a0=1+1",
    "a second cell": "Jane;=1+1",
    "a second cell in quotes": 'Jane;"=1+1"',
    "full width": "＝1+1",
    "a tab": "\t=1+1",
    "a zero": "Jane\0Doe",
    "turned round": "Jane\u202eenaJ\u2066",
    "emoji": "👩🏽‍💻 Zoë",
    "half a pair": "Jane\udc80",
    "a script": "<script>alert(1)</script>",
    "an end": "</style></td></table></body><img src=x onerror=alert(1)>",
    "an attribute": "\" onmouseover='alert(1)",
    "a template": "{{ 7 * 7 }}{% raw %}",
    "mathematics": "$\\frac$ _^{}",
    "long": "x" * 500_000,
    "long and bad": "<b>\udc80\n" * 100_000,
    "empty": "",
    "the row above": "Points Possible",
}
# What is no text and no number, where one of both is expected.
STRANGE = [None, True, 10**400, float("nan"), float("inf"), -1e308, [], {"a": [1]}, "x", b"x"]


def item(function="f", part="all", points=1.0, earned=1.0, **more):
    more.setdefault("cell", f"check_{function}_{part}")
    more.setdefault("message", "as it should be")
    return Item(function=function, part=part, points=points, earned=earned, **more)


def notebook(**sources):
    """A canonical notebook that has these solution cells."""
    return {
        "nbformat": 4,
        "cells": [
            {
                "cell_type": "code",
                "id": name,
                "source": source,
                "metadata": {"nbgrader": {"grade_id": name, "solution": True, "grade": False}},
            }
            for name, source in sources.items()
        ],
    }


def result(student="jane", items=(), findings=(), status=Status.GRADED, **more):
    more = {"notebook": notebook(), "seconds": 1.0} | more
    return Result(
        student,
        "sgd",
        "a" * 64,
        "b" * 64,
        1,
        status,
        items=tuple(items),
        findings=tuple(findings),
        **more,
    )


def finding(sentence="A cell was added, and left out.", suspicious=False):
    return Finding("added", "cell-7", sentence, suspicious)
