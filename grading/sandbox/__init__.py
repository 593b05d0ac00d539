"""A worker in which a student's functions run, and nothing else.

Three processes stand between the judge and a function. Only the last runs a student's code::

    judge ── warm ──┬── keeper ── worker      one pair for each submission
                    └── keeper ── worker

==============  =====================================================================
``parent``      the judge's side of the warm parent, which makes workers
``client``      the judge's side of a worker: asks it, never waits for ever
``outcomes``    what a question ends in: an answer, an error, a limit, a broken line
``limits``      how much a worker may use, and what it is kept from
``warm``        the parent: it has imported torch, and forks in milliseconds
``keeper``      shuts a worker in, counts what it uses, ends it with all it started
``worker``      defines and calls the student's functions
``shut``        the order in which a worker gives everything up
``view``        the file system that it sees
``landlock``    the kernel's rules for files, TCP and signals
``seccomp``     the system calls that it lacks
``linux``       the system calls that Python has no name for
``frames``      messages of a limited size with a deadline
``wire``        values as JSON with raw bytes beside it
``doctor``      tries all of this on a machine, and says what is missing
==============  =====================================================================

The warm parent knows this package as ``sandbox``, so that nothing else of ``grading`` and
nothing of ``course_lib`` is in its memory. Imports in here are relative for that reason.
"""
