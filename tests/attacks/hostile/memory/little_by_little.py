"""Takes all memory in small pieces, and catches that there is none left."""

STATUS = ("out of memory", "timeout")  # as memory is had or counted first
STOCK = "not run: it needs more memory than it is given"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    kept = []
    while True:
        try:
            kept.append(bytes(1 << 20) + b"1")
        except MemoryError:
            pass
