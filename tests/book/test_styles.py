import base64
import io
import re

import pytest
import styles
from fontTools.ttLib import TTFont
from site_pages import ICONS

PAGE = '<p class="a b" id="top">some words of text</p>'


@pytest.mark.parametrize(
    "css, kept",
    [
        (".a{color:red}", ".a{color:red}"),
        (".text{color:red}", ""),
        (".a, .text { color : red; }", ".a{color:red}"),
        (".a.text{color:red}", ""),
        ("#top .b{color:red}", "#top .b{color:red}"),
        ("#bottom{color:red}", ""),
        (".a:not(.text){color:red}", ".a:not(.text){color:red}"),
        ('html[data-theme="dark"] p{color:red}', 'html[data-theme="dark"] p{color:red}'),
        (".show .a{color:red!important}", ".show .a{color:red!important}"),
        ("@media print{.a{color:red}.text{color:red}}", "@media print{.a{color:red}}"),
        ("@media print{.text{color:red}}", ""),
        ("@font-face{font-family:x;src:url(x.ttf)}", ""),
        (".a{--x:1;--y:2;margin:var(--x)}", ".a{--x:1;margin:var(--x)}"),
        (".a{--y:2}", ""),
        (".a{--x:var(--y);--y:2}", ""),
        ('.a{--x:url("data:a;b{c}");background:var(--x)}',) * 2,
        ("@keyframes turn{to{top:0}}.a{animation:turn 1s}",) * 2,
        ("@keyframes turn{to{top:0}}.a{color:red}", ".a{color:red}"),
    ],
)
def test_what_finds_something_stays(css, kept):
    known = styles.words([PAGE], ['box.classList.add("show")'])
    assert styles.pruned(css, known) == kept


def test_properties_that_a_script_asks_for_stay():
    css = ".a{--shift:1px}"
    assert styles.pruned(css, {"a"}, 'style.getPropertyValue("--shift")') == css


def test_the_icons_font_has_the_icons_and_no_others():
    import pydata_sphinx_theme

    theme = styles.Path(pydata_sphinx_theme.__file__).parent
    (font,) = theme.rglob(ICONS)
    rule = styles.icons(font, '.fa-list:before{content:"\\f03a"}')
    data = re.search(r"base64,([^)]+)\)", rule)[1]
    cut = TTFont(io.BytesIO(base64.b64decode(data)))
    assert set(cut.getBestCmap()) == {0xF03A}
    assert len(data) < 2_000
