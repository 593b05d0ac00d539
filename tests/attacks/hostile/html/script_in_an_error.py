"""Raises an error whose text, class and line of code are scripts."""


class Error(Exception):
    pass


Error.__name__ = "</pre><script>owned()</script>"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    raise Error(
        "</pre><script>owned()</script><img src=x onerror=owned()>"
    )  # </pre><script>owned()
