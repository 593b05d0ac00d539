"""Never ends, and catches whatever is thrown at it."""

STATUS = "timeout"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
