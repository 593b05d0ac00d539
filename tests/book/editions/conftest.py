"""A book of two pages, as Sphinx and the site's markup write them."""

import pytest
from editions import pages

HEAD = '<a class="headerlink" href="#x">#</a>'
FIRST = f"""<html><body><article><section id="first-page">
<h1>First & best{HEAD}</h1>
<p>See <a href="second.html#it">there</a>, <a href="second.html">all</a>,
<a href="../genindex.html">the index</a> and <a href="https://example.org/">more</a>.</p>
<div class="cell"><details class="admonition hide above-input"><summary>Show</summary>
<pre>folded = 1</pre></details><div class="cell_output">
<figure id="fig-a"><img alt="A line" src="../_images/a.svg" loading="lazy"><figcaption><p>
<span class="caption-number">Fig. 1</span> A line.</p></figcaption></figure></div></div>
<div class="cell"><details class="admonition hide claims above-output"><summary>
<p>1 measured claim</p></summary><div class="cell_output"><div class="output text_html">
<div class="claim"
style="border-left: 4px solid #2a9d6f">✓ It is 7.</div></div></div></details></div>
<div class="landing-tools screen-only">Drag it.</div>
<details><summary>Hint</summary>Look up.</details>
<pre data-runs="k:3 :2">def f</pre>
<section id="asked"><h2>Asked</h2><p>Some prose. It leads to this:</p>
<div class="math">
<math display="block"><mfrac displaystyle="true"><mi>a</mi><mi>b</mi></mfrac></math></div>
<aside class="margin sidebar"><p class="sidebar-title">Rate</p><p>A factor.</p></aside>
<p><strong>What do you expect?</strong> Which is it?</p>
<div class="cell"><div class="cell_output"><div class="output text_html">
<div class="claim"
style="border-left: 4px solid #2a9d6f">✓ It is 3.</div></div></div></div></section>
</section></article></body></html>"""
SECOND = """<html><body><article><section id="second-page"><h1>Second</h1>
<p id="it">Back to <a href="first.html#fig-a">the figure</a>.</p>
<p id="unlinked">Nobody comes here.</p></section></article></body></html>"""
NAMES = {"book/first": "", "book/second": "The other part"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "_images").mkdir()
    (tmp_path / "book" / "first.html").write_text(FIRST)
    (tmp_path / "book" / "second.html").write_text(SECOND)
    (tmp_path / "_images" / "a.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10"/>'
    )
    return tmp_path


@pytest.fixture
def book(folder, monkeypatch):
    monkeypatch.delenv(pages.SITE, raising=False)
    return pages.read(folder, NAMES)
