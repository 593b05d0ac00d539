"""Never gets as far as its function: its cell is an endless loop."""

STATUS = "timeout"

while True:
    pass


def sgd_step(w, g, *, lr, weight_decay=0.0):
    return w
