"""Raises an error whose text is an endless loop, and whose class has a line of colours as name."""

STATUS = "timeout"


class Error(Exception):
    def __str__(self):
        while True:
            pass


Error.__name__ = "\x1b[31mError\x1b[2J\r\n<script>owned()</script>"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    raise Error
