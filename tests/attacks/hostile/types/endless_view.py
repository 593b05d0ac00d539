"""Returns one number that is expanded to a tensor of a thousand billion."""


def sgd_step(w, g, *, lr, weight_decay=0.0):
    return w.new_zeros(()).expand(10**12)
