"""The reference code that the chapters import, one idea a file.

===================  ==========================================================
``optim``            optimizers and schedules, each beside its equation
``surfaces``         losses of two weights, and walking on them
``linesearch``       the length of a step, found by trying
``autodiff``         backpropagation on a graph, in a page
``initialization``   where to start: constant, random, Xavier, Kaiming, LSUV
``normalization``    batch, layer, instance, group: forward and backward
``regularization``   penalties, dropout, early stopping, mixup, SAM
``preprocessing``    fit on the training set, applied to all
``augmentation``     pictures mirrored, moved, turned, resized and cut at random
``shapes``           pictures drawn by a program, with their labels
``data``             Fashion-MNIST: the shipped subset and the full set
``models``           the networks that the book trains: a perceptron, and a residual one
``training``         one training loop: progress, best weights, resume
``checkpoints``      the files that a run can be resumed from
``many``             many small networks, trained at once
``instruments``      what is measured of a network
``plotting``         the book's figures and its colours
``experiments``      runs too long for a chapter
``claims``           sentences of the book that are measured
``evidence``         the same sentences measured again, under other conditions
``checks``           what an exercise is and what a student is told
``arguments``        how a wrong argument is refused
``settings``         device, data set, seeds and the first weights
``machine``          what computes here: processor, kernels, threads
``files``            files that are replaced whole or not at all
===================  ==========================================================
"""
