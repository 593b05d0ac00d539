"""Hands in outputs with scripts: HTML, SVG, JavaScript, LaTeX, a widget, and a picture that is none."""

import base64

import nbformat

from tests.attacks.notebooks import cell, saved

SCRIPT = "<script>owned()</script>"
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + SCRIPT.encode()).decode()
OUTPUTS = {
    "text/html": SCRIPT,
    "image/svg+xml": f'<svg xmlns="http://www.w3.org/2000/svg" onload="owned()">{SCRIPT}</svg>',
    "application/javascript": "owned()",
    "text/latex": r"$\href{javascript:owned()}{click}$",
    "text/markdown": f"{SCRIPT} <img src=x onerror=owned()>",
    "text/plain": f"</pre>{SCRIPT}",
    "image/png": PICTURE,
    "image/jpeg": f'"><img src=x onerror=owned()>{SCRIPT}',
    "application/vnd.jupyter.widget-view+json": {"model_id": SCRIPT},
    "application/pdf": PICTURE,
}


def hand_in(notebook):
    one = cell(notebook, "sgd_step")
    for kind, content in OUTPUTS.items():
        one.outputs.append(nbformat.v4.new_output("display_data", {kind: content}))
    one.outputs.append(nbformat.v4.new_output("display_data", OUTPUTS))
    shown = {"image/png": {"width": f'1"{SCRIPT}', "needs_background": '"><b onclick=owned()>'}}
    one.outputs.append(
        nbformat.v4.new_output("display_data", {"image/png": PICTURE}, metadata=shown)
    )
    one.outputs.append(
        nbformat.v4.new_output(
            "error", ename=SCRIPT, evalue=SCRIPT, traceback=[f"\x1b[31m{SCRIPT}"]
        )
    )
    return saved(notebook)
