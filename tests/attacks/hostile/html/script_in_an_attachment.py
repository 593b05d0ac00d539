"""Attaches a picture whose name and content are scripts."""

from tests.attacks.notebooks import saved

NAME = 'a" onerror="owned()'


def hand_in(notebook):
    answer = next(one for one in notebook.cells if one.source.startswith("*Your answer here"))
    answer.source = f'![x](attachment:{NAME}) ![y](attachment:b.svg) <img src="attachment:{NAME}">'
    answer.attachments = {
        NAME: {
            "image/png": 'iVBORw0KGgo=" onerror="owned()',
            "image/svg+xml": "<svg onload=owned()>",
        },
        "b.svg": {"image/svg+xml": "PHN2ZyBvbmxvYWQ9b3duZWQoKT4=", "text/html": "<script>"},
    }
    return saved(notebook)
