"""What becomes of a page's HTML before it is written.

Sphinx, MyST-NB and Matplotlib write for all pages of the world. Here the
markup of this book's pages is made smaller and easier to use; each
function takes HTML and returns HTML that looks the same.
"""

import base64
import hashlib
import io
import re
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path

from code_links import linked
from PIL import Image

from course_lib.files import replacing

LABELS = {
    "code cell source": "the code",
    "code cell outputs": "what it prints",
    "code cell content": "the code and what it prints",
}
"""What a fold is said to hold, by MyST-NB and by this book."""
CLAIM = '<div class="claim"'
"""What begins the box of a claim."""
PLAIN = frozenset({"n", "nn", "p", "w"})
"""Parts of code that have the colour of the code around them."""

_TOKEN = re.compile(r'<span class="(\w+)">([^<]*)</span>')
_CODE = re.compile(r"(<pre>)(.*?)(</pre>)", re.DOTALL)
_FOLDED = re.compile(
    r'<details class="admonition hide [\w-]+">.*?</details>', re.DOTALL
)
_PLAYER = re.compile(
    r"<style>\.animation,.*?frames\[\d+\] = .*?</script>", re.DOTALL
)
_FRAME = re.compile(r'frames\[\d+\] = "data:image/png;base64,([^"]+)"')
_FORMULA = re.compile(
    r'([(\[“]?)(<span class="math notranslate[^>]*>)(<math\b.*?</math>)'
    r"</span>([.,;:!?)\]”]*)",
    re.DOTALL,
)
_OBJECTIVES = re.compile(
    r"(<p><strong>You will be able to</strong></p>\s*<ul) class=\"simple\">"
    r"(.*?)</ul>",
    re.DOTALL,
)
_QUESTION = re.compile(
    r"(<p><strong>What do you expect(?:(?!</p>).)*</p>\s*)"
    r"<p>\(a\) ((?:(?!</p>).)*) \(b\) ((?:(?!</p>).)*) "
    r"\(c\) ((?:(?!</p>).)*)</p>",
    re.DOTALL,
)
_ANSWER = re.compile(r"<p>The answer is \(([abc])\)")
_UNIT = re.compile(
    r"(<(pre|code)\b.*?</\2>|<[^>]*>)|(?<=\d) (?=%)", re.DOTALL
)
_IMAGE = re.compile(r'<img alt="[^"]*" src="([^"]+\.svg)" />')


def lean(
    html: str,
    drawing: Callable[[str], Path],
    films: Path,
    address: str,
    described: Callable[[str], str | None] = lambda name: None,
) -> str:
    """All of the steps below.

    Args:
        html: the body of a page.
        drawing: where the SVG is that the page knows by a name.
        films: the folder for films; they are written to it.
        address: the address of that folder, seen from the page.
        described: where the reference describes a name of the page's code,
            if it does. Default: nowhere.
    """
    html = with_films(html, films, address)
    html = with_sizes(html, drawing)
    html = _FOLDED.sub(lambda found: folded(found[0]), html)
    html = _CODE.sub(
        lambda found: (
            found[1] + lean_code(linked(found[2], described)) + found[3]
        ),
        html,
    )
    html = with_objectives(with_plain_tables(html))
    html = with_questions(html)
    html = with_held_units(with_held_signs(html))
    return with_listed_papers(html)


def lean_code(html: str) -> str:
    """Coloured code without elements that colour nothing."""
    kept = _TOKEN.sub(
        lambda found: found[2] if found[1] in PLAIN else found[0], html
    )
    twins = re.compile(
        r'(<span class="(\w+)">[^<]*)</span><span class="\2">'
    )
    found = 1
    while found:
        kept, found = twins.subn(r"\1", kept)
    return kept.replace("<span></span>", "")


def folded(html: str) -> str:
    """A folded cell: its code is coloured when somebody unfolds it.

    The fold says what is in it; one with claims has the class ``claims``.

    Its colours are kept as runs, such as ``k:6 :1 nb:5`` for six letters
    of a keyword, one without a colour, and five of a builtin's name.
    """

    def plain(found: re.Match[str]) -> str:
        runs, text, end = [], "", 0
        code = lean_code(found[2])
        for token in _TOKEN.finditer(code):
            between = unescape(code[end : token.start()])
            word = unescape(token[2])
            runs += [f":{len(between)}"] * bool(between)
            runs.append(f"{token[1]}:{len(word)}")
            text, end = text + between + word, token.end()
        rest = unescape(code[end:])
        if "<span" in rest or "</" in rest:
            return found[0]  # a line stands out, or the code has links
        colours = " ".join(runs)
        code = escape(text + rest, quote=False)
        return f'<pre data-runs="{colours}">{code}</pre>'

    # The label would hide from screen readers what is written there.
    html = html.replace(' aria-label="Toggle hidden content"', "")
    if claims := html.count(CLAIM):
        said = f"{claims} measured claim{'s' * (claims > 1)}"
        html = re.sub(r"(?:Show|Hide) code cell outputs", said, html)
        html = html.replace("admonition hide", "admonition hide claims", 1)
    for before, now in LABELS.items():
        html = html.replace(before, now)
    return _CODE.sub(plain, html)


def with_films(html: str, folder: Path, address: str) -> str:
    """Films with their frames in a file of their own, and small players.

    The frames stand one below the other in one lossless picture. Before
    it is played, a film shows its last frame, which has all of the paths.
    """

    def player(found: re.Match[str]) -> str:
        frames = [
            Image.open(
                io.BytesIO(base64.b64decode(data.replace("\\\n", "")))
            )
            for data in _FRAME.findall(found[0])
        ]
        alt = re.search(r'<img alt="([^"]*)"', found[0])[1]
        (width, height), n = frames[0].size, len(frames)
        strip = Image.new("RGB", (width, height * n))
        for i, frame in enumerate(frames):
            strip.paste(frame.convert("RGB"), (0, i * height))
        packed = io.BytesIO()
        strip.save(packed, "webp", lossless=True, quality=100, method=4)
        name = hashlib.sha256(strip.tobytes()).hexdigest()[:16] + ".webp"
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / name) as file:
            file.write(packed.getvalue())
        return (
            f'<div class="film" style="--frames:{n};--frame:{n - 1};'
            f'--width:{width};--height:{height}">'
            f'<div class="film-screen"><img alt="{alt}" loading="lazy" '
            f'width="{width}" height="{height * n}" '
            f'src="{address}/{name}"></div>'
            '<div class="film-controls">'
            '<button type="button" class="film-play">Play</button>'
            f'<input type="range" min="0" max="{n - 1}" value="{n - 1}" '
            'aria-label="Frame of the film"></div></div>'
        )

    return _PLAYER.sub(player, html)


def with_sizes(html: str, drawing: Callable[[str], Path]) -> str:
    """Figures that keep their place free, and are loaded when near.

    Figures of lines and letters get the class ``drawing``: a dark page
    may turn dark and light round in them, which pictures and maps in
    colours would not survive.
    """

    def sized(found: re.Match[str]) -> str:
        svg = drawing(Path(found[1]).name).read_text(encoding="utf-8")
        width, height = (
            round(float(re.search(rf'{side}="([\d.]+)pt"', svg)[1]) * 4 / 3)
            for side in ("width", "height")
        )
        kind = "" if "<image" in svg else ' class="drawing"'
        return (
            f'{found[0][:-3]}{kind} width="{width}" height="{height}" '
            'loading="lazy" decoding="async">'
        )

    return _IMAGE.sub(sized, html)


def with_plain_tables(html: str) -> str:
    """Tables of plain cells, whose empty corner is no heading."""
    html = re.sub(
        r"(<t[hd]\b[^>]*>)<p>((?:(?!</?p\b).)*)</p>(</t[hd]>)",
        r"\1\2\3",
        html,
        flags=re.DOTALL,
    )
    return re.sub(r"<th\b[^>]*>\s*</th>", "<td></td>", html)


def with_held_signs(html: str) -> str:
    """Formulas in a line with the comma that follows, or the bracket.

    A browser would begin a line with the comma: to it, a formula is a
    picture. A style sheet says that the two stay together.
    """
    return _FORMULA.sub(r"\2\1\3\4</span>", html)


def with_held_units(html: str) -> str:
    """Numbers with their percent sign, except in code."""
    return _UNIT.sub(lambda found: found[1] or "\N{NO-BREAK SPACE}", html)


def with_listed_papers(html: str) -> str:
    """A bibliography whose papers are items of its list to everybody."""
    return html.replace('role="doc-biblioentry"', 'role="listitem"')


def with_objectives(html: str) -> str:
    """A chapter's objectives with names, by which a browser remembers them.

    A name is made of the sentence: another sentence is another objective.
    """

    def named(found: re.Match[str]) -> str:
        items = re.sub(
            r"<li><p>(.*?)</p></li>",
            lambda item: (
                f'<li data-objective="{_name(item[1])}">{item[1]}</li>'
            ),
            found[2],
            flags=re.DOTALL,
        )
        return f'{found[1]} class="simple objectives">{items}</ul>'

    return _OBJECTIVES.sub(named, html)


def with_questions(html: str) -> str:
    """Questions with their options as a list that knows the answer.

    A script asks the reader for one of them before it shows what follows
    in the section (``questions.js``). It remembers a question by a name
    made of its words.
    """

    def listed(found: re.Match[str]) -> str:
        asked, *options = found.groups()
        answer = _ANSWER.search(html, found.end())
        items = "".join(f"<li>{option}</li>" for option in options)
        return (
            f'{asked}<ol class="options" type="a" '
            f'data-question="{_name(found[0])}" '
            f'data-answer="{answer[1] if answer else ""}">{items}</ol>'
        )

    return _QUESTION.sub(listed, html)


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def rounded(svg: str) -> str:
    """A drawing with its coordinates to a hundredth of a point."""
    places = re.compile(r'\b(d|points|x|y|x1|x2|y1|y2|transform)="([^"]*)"')
    return places.sub(_rounded_numbers, svg)


def _rounded_numbers(found: re.Match[str]) -> str:
    def short(number: re.Match[str]) -> str:
        return f"{round(float(number[0]), 2) + 0.0:.2f}".rstrip("0").rstrip(
            "."
        )

    if "scale" in found[2]:  # letters are drawn large and made small
        return found[0]
    return (
        f'{found[1]}="{re.sub(r"-?[0-9]+[.][0-9]{3,}", short, found[2])}"'
    )
