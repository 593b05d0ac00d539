import json
from html.parser import HTMLParser

import pytest

from grading.report import Score, report
from grading.report.similarity import Pair, Similarity
from grading.results import Status
from tests.grading.report.made_up import HOSTILE, STRANGE, finding, item, result

pytestmark = pytest.mark.slow

ALLOWED = {
    *["html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "nav", "a", "p", "img"],
    *["table", "caption", "tr", "th", "td", "div", "details", "summary", "bdi"],
}
FILES = ["canvas.csv", "gradescope.csv", "index.html", "items.csv", "moodle.csv"]


class Page(HTMLParser):
    """What a browser makes of a page: its tags, its attributes, its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data


def written(folder, results, *more, **others):
    """The page of a report."""
    path = report(results, folder / "made" / "anew", *more, **others)
    assert sorted(each.name for each in path.parent.iterdir()) == FILES
    page = Page(path.read_text())
    assert page.open == [] and set(page.tags) <= ALLOWED
    for name, value in page.attributes:
        assert not name.startswith("on") and name != "style"
        assert name != "src" or value.startswith("data:image/svg+xml;base64,")
        assert name != "href" or value.startswith("#")
    assert page.tags.count("img") == len([name for name, _ in page.attributes if name == "alt"])
    return page


def whole_class():
    results = [
        result(f"s{n}", [item("f", earned=n % 2), item("g", earned=n % 3 > 0)], seconds=n)
        for n in range(12)
    ]
    for n, status in enumerate(set(Status) - {Status.GRADED}):
        results.append(result(f"t{n}", status=status, reason=f"It ended as {status}."))
    results.append(result("u", findings=[finding("Replaced.", suspicious=True), finding()]))
    return results


def test_a_class(tmp_path):
    page = written(
        tmp_path,
        whole_class(),
        similarity=Similarity((Pair("f", "s1", "s2", 0.875, False),), ("f",), ("g",)),
    )
    for expected in (
        "Suspicious in 1 of 21 hand-ins",
        "It ended as crashed.",
        "6 lost points; 6 of them with none of the known misconceptions.",
        "Compared: f. Too short: g.",
        "88 %",
        "This is no verdict.",
        "21 hand-ins have points, of 2",
    ):
        assert expected in page.text
    assert page.tags.count("img") == 3


def test_who_interfered_comes_first(tmp_path):
    text = written(tmp_path, whole_class()).text
    places = [text.index(f"It ended as {status}.") for status in ("tampered", "missing", "timeout")]
    assert places == sorted(places)
    assert text.index("Replaced.") < text.index("A cell was added")


@pytest.mark.parametrize(
    "results",
    [
        [],
        [result()],
        [result("a", [item()])],
        [result("a", [item(earned=0.0, points=0.0)], seconds=0.0)],
        [result(f"s{n}", [item("f"), item("g")]) for n in range(20)],
        [result(f"s{n}", [item("f", earned=-1.0)], seconds=-1.0) for n in range(20)],
        [result("a", status=Status.UNREADABLE, notebook=None)],
        [result("a", [item("f")]), result("b", [item("g")])],
        [result("same", [item()]), result("same", [item()])],
        [result("a", [item(f"f{n}") for n in range(300)])],
    ],
    ids=["none", "no items", "one", "worth nothing", "all equal", "below 0", "unreadable",
         "different items", "the same student", "many items"],
)  # fmt: skip
def test_any_number_of_any_results(tmp_path, results):
    written(tmp_path, results)


def test_hostile_texts_are_only_shown(tmp_path):
    results, scores, pairs = [], {}, []
    for text in HOSTILE.values():
        wrong = item(text, text, earned=0.0, cell=text, message=text, misconception=text)
        results.append(result(text, [wrong], [finding(text, True), finding(text)], reason=text))
        results.append(result(text, status=Status.TAMPERED, reason=text))
        scores[text] = Score(text, 1.0, 2.0, text, text, text, text)
        pairs.append(Pair(text, text, text, 1.0, True))
    names = tuple(HOSTILE.values())
    page = written(
        tmp_path, results, scores, Similarity(tuple(pairs), names, names), HOSTILE["a template"]
    )
    assert len(page.text) < 60_000
    for text in ("a script", "an end", "a template", "an attribute", "mathematics", "emoji"):
        assert page.text.count(HOSTILE[text]) > 5


def test_no_value_stops_the_report(tmp_path):
    results = []
    for value in STRANGE:
        bad = item(value, value, value, value, cell=value, message=value, misconception=value)
        found = [finding(value, value)]
        results.append(
            result(value, [bad, bad], found, reason=value, seconds=value, notebook=value)
        )
    scores = {str(n): Score(*[value] * 7) for n, value in enumerate(STRANGE)}
    written(tmp_path, results, scores)
    written(tmp_path, results * 2)


def test_one_hand_in_cannot_crowd_out_the_others(tmp_path):
    flood = result("flood", findings=[finding("Again.", True)] * 5_000)
    page = written(tmp_path, [flood, result("quiet", findings=[finding("Once.", True)])])
    assert page.text.count("Again.") == 5 and "and 4995 more" in page.text
    assert "Once." in page.text


def test_the_gradebook_has_the_last_word(tmp_path):
    scores = {"jane": Score("jane", 9.0, 10.0), "kai": Score("kai", None, 10.0)}
    page = written(tmp_path, [result("jane", [item()])], scores)
    assert "1 hand-ins have points, of 10: the median is 9" in page.text
    assert '"kai"' in (tmp_path / "made" / "anew" / "canvas.csv").read_text()


def test_the_same_results_give_the_same_files(tmp_path):
    for folder in ("a", "b"):
        written(tmp_path / folder, whole_class())
    one, other = (tmp_path / folder / "made" / "anew" for folder in ("a", "b"))
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in FILES)


def test_results_that_were_kept_as_json(tmp_path):
    kept = [type(each).from_json(each.to_json()) for each in whole_class()]
    assert json.loads(kept[0].to_json())
    written(tmp_path, kept)
