"""Reference optimizers, named and called as in ``torch.optim``: one method a file.

They stand in the order of the book: by family, the simple before what is made of it.
"""

from course_lib.optim.base import Optimizer

# Descent, and its velocity.
from course_lib.optim.sgd import SGD
from course_lib.optim.momentum import Momentum
from course_lib.optim.nesterov import Nesterov

# A rate for every weight.
from course_lib.optim.local_gains import LocalGains
from course_lib.optim.rprop import Rprop
from course_lib.optim.adagrad import Adagrad
from course_lib.optim.adadelta import Adadelta
from course_lib.optim.rmsprop import RMSprop

# Adam and its kin.
from course_lib.optim.adam import Adam
from course_lib.optim.adamax import Adamax
from course_lib.optim.nadam import NAdam
from course_lib.optim.adamw import AdamW
from course_lib.optim.radam import RAdam
from course_lib.optim.swats import SWATS

# Beyond: large batches, signs, matrices, no schedule.
from course_lib.optim.lars import LARS
from course_lib.optim.lamb import LAMB
from course_lib.optim.lion import Lion
from course_lib.optim.muon import Muon
from course_lib.optim.schedule_free_sgd import ScheduleFreeSGD
from course_lib.optim.schedule_free_adamw import ScheduleFreeAdamW

__all__ = [
    "Optimizer",
    "SGD",
    "Momentum",
    "Nesterov",
    "LocalGains",
    "Rprop",
    "Adagrad",
    "Adadelta",
    "RMSprop",
    "Adam",
    "Adamax",
    "NAdam",
    "AdamW",
    "RAdam",
    "SWATS",
    "LARS",
    "LAMB",
    "Lion",
    "Muon",
    "ScheduleFreeSGD",
    "ScheduleFreeAdamW",
]
