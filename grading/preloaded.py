"""What each process finds in memory: imported and set up once, for all of them.

While Python imports, its collector of garbage would look for some among the modules, in vain: a
tenth of the time. Afterwards it leaves them alone, since what it touches is copied.
"""

import gc
from importlib import import_module

gc.disable()
import_module("grading.judging.judge")
import_module("grading.gradebook")  # nbgrader: each that judges reads the assignment by it
import_module("grading.pages").warm_up()
gc.freeze()
gc.enable()
