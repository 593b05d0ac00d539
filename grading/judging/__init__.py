"""The judge: it asks a student's functions in the sandbox, and decides here.

============  =====================================================================
``room``      the worker in which a hand-in is defined, made anew when it ends
``answer``    a function in that worker, asked in the situations of its definition
``images``    the images that a training or an experiment is given
``plots``     experiments, run again for show
``parents``   the warm parents of its workers
``judge``     a hand-in and a seed become a :class:`~grading.results.Result`
============  =====================================================================

Situations, oracles and verdicts never leave this process.
"""
