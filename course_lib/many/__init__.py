"""Many small networks trained at once: a grid of rates and seeds in the time of one."""

from course_lib.many.batches import Draws, Epochs
from course_lib.many.networks import Many, ManyDropped, ManyNormed, Networks
from course_lib.many.training import Trial, steps_to_reach, train, try_rates

__all__ = [
    "Draws",
    "Epochs",
    "Many",
    "ManyDropped",
    "ManyNormed",
    "Networks",
    "Trial",
    "steps_to_reach",
    "train",
    "try_rates",
]
