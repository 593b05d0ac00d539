"""What students hand in: how it is collected, read, and brought into the form that is graded.

==============  ===================================================================
``reading``     the bytes of a file become a notebook, or a sentence says why not
``canonical``   the assignment's own notebook with a student's answers in it
``own``         that notebook, as nbgrader keeps it
``needed``      the definitions in other cells that an answer needs
``collecting``  folders and the zips of learning platforms go to ``submitted/``
==============  ===================================================================
"""
