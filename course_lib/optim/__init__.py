"""Reference optimizers, named and called as in ``torch.optim``: one method a file."""

from course_lib.optim.adadelta import Adadelta
from course_lib.optim.adagrad import Adagrad
from course_lib.optim.adam import Adam
from course_lib.optim.adamax import Adamax
from course_lib.optim.adamw import AdamW
from course_lib.optim.base import Optimizer
from course_lib.optim.lamb import LAMB
from course_lib.optim.lars import LARS
from course_lib.optim.lion import Lion
from course_lib.optim.local_gains import LocalGains
from course_lib.optim.momentum import Momentum
from course_lib.optim.muon import Muon
from course_lib.optim.nadam import NAdam
from course_lib.optim.nesterov import Nesterov
from course_lib.optim.radam import RAdam
from course_lib.optim.rmsprop import RMSprop
from course_lib.optim.rprop import Rprop
from course_lib.optim.schedule_free_adamw import ScheduleFreeAdamW
from course_lib.optim.schedule_free_sgd import ScheduleFreeSGD
from course_lib.optim.sgd import SGD
from course_lib.optim.swats import SWATS

__all__ = [
    "LAMB",
    "LARS",
    "SGD",
    "SWATS",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "LocalGains",
    "Momentum",
    "Muon",
    "NAdam",
    "Nesterov",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
]
