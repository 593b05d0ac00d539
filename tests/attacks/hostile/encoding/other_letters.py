"""Names its functions with letters that Python reads as others, to hide what it calls."""

FINDS = ("suspicious",)


def sgd_step(w, g, *, lr, weight_decay=0.0):
    sys = __imp𝓸rt__("sys")
    look = sys.getpr𝔬file()
    sys.setpr𝔬file(None)
    return look and w
