"""The reference code that the chapters import, one idea a file.

===================  ==========================================================
``optim``            optimizers and schedules, each beside its equation
``data``             Fashion-MNIST: the shipped subset and the full set
``models``           the network that the book trains
``training``         one training loop: progress, best weights, resume
``surfaces``         two-parameter losses to walk on
``plotting``         the book's figures and its colours
``claims``           sentences of the book that are measured
``checks``           what an exercise is and what a student is told
``settings``         device, data set and seed
===================  ==========================================================
"""
