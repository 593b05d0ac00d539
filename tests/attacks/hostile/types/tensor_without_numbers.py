"""Returns a tensor on the device meta, which has a shape and no numbers."""


def sgd_step(w, g, *, lr, weight_decay=0.0):
    return w.to("meta")
