"""Writes nbgrader's own marks into an answer, to have the tests below it cut out."""


def sgd_step(w, g, *, lr, weight_decay=0.0):
    ### BEGIN HIDDEN TESTS
    return w


### BEGIN SOLUTION
### END HIDDEN TESTS
### BEGIN MARK SCHEME
