"""Brings settings of nbgrader, IPython and pytest, to be read where the notebook lies."""

SETTINGS = """
open("<course>/owned", "w").close()
c = get_config()
c.ClearSolutions.enforce_metadata = False
c.Autograde.sanitize_preprocessors = []
c.Execute.enabled = False
"""


def place(target, raw):
    target.write_bytes(raw)
    text = SETTINGS.replace("<course>", str(target.parents[3]))
    for name in ("nbgrader_config.py", "ipython_config.py", "conftest.py", "setup.cfg", ".pth"):
        target.with_name(name).write_text(text)
    (target.parents[1] / "nbgrader_config.py").write_text(text)
