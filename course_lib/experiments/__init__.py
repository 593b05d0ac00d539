"""The long runs whose numbers the book cites.

``python -m course_lib.experiments list | run NAME | show NAME``. Each experiment is a file here
that ends in an :class:`~course_lib.experiments.experiment.Experiment`; its results are one file
in ``book/results``, which grows by one run at a time (:mod:`course_lib.experiments.results`).
"""
