"""The reference code that the chapters import, one idea a file.

===================  ==========================================================
``optim``            optimizers and schedules, each beside its equation
``autodiff``         backpropagation on a graph, in a page
``initialization``   where to start: constant, random, Xavier, Kaiming, LSUV
``normalization``    batch, layer, instance, group: forward and backward
``regularization``   penalties, dropout, early stopping, mixup, SAM
``preprocessing``    fit on the training set, applied to all
``data``             Fashion-MNIST: the shipped subset and the full set
``models``           the network that the book trains
``training``         one training loop: progress, best weights, resume
``checkpoints``      the files that a run can be resumed from
``curvature``        how sharply a loss bends
``copies``           many copies of a network, trained at once
``regression``       the smallest real problem: a line through images
``surfaces``         two-parameter losses to walk on
``plotting``         the book's figures and its colours
``claims``           sentences of the book that are measured
``evidence``         the same sentences measured again, under other conditions
``checks``           what an exercise is and what a student is told
``settings``         device, data set, seeds and the first weights
===================  ==========================================================
"""
