"""Imports what the kernels of chapters need, in the process that they are forked from.

What cannot be imported is left to the chapter that asks for it, which says why.
"""

from contextlib import suppress
from importlib import import_module

MODULES = (
    "course_lib.claims",
    "course_lib.experiments.report",
    "course_lib.many",
    "course_lib.models",
    "course_lib.optim",
    "course_lib.plotting",
    "ipykernel.kernelapp",
    # A fork imports the script that asked for it, which needs these.
    "jupyter_cache.executors",
    "jupyter_client.provisioning.local_provisioner",
    "nbformat",
)

for name in MODULES:
    with suppress(Exception):
        import_module(name)
