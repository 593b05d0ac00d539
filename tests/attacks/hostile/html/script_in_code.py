"""Has code, names of cells and tags that end the place where they are shown."""

import json

from tests.attacks.notebooks import cell, code

SCRIPT = "\"'></div></pre></textarea></script><script>owned()</script>"


def hand_in(notebook):
    one = cell(notebook, "sgd_step")
    one.source = f"def sgd_step(w, g, **_):\n    return '''{SCRIPT}'''"
    one.metadata.tags = [SCRIPT]
    one.metadata.nbgrader.checksum = SCRIPT
    notebook.metadata.kernelspec = {"name": SCRIPT, "display_name": SCRIPT, "language": SCRIPT}
    notebook.metadata.language_info = {"name": SCRIPT, "pygments_lexer": SCRIPT}
    notebook.metadata.title = SCRIPT
    notebook.cells.append(code(f"# {SCRIPT}"))
    notebook.cells[-1].update(id=SCRIPT, metadata={"collapsed": SCRIPT, "name": SCRIPT})
    return json.dumps(notebook).encode()
