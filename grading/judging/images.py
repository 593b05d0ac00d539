"""The images of the course, handed to a worker: it sees no file of the course."""

import torch
from torch import Tensor

from course_lib.data import load_fashion_mnist

BEFORE = """
import torch
from course_lib import data as course_data

def load_fashion_mnist(*size, **device):
    return data

course_data.load_fashion_mnist = load_fashion_mnist

def receive(*tensors):
    global data
    parts = (course_data.Split(*tensors[at : at + 2]) for at in (0, 2, 4))
    data = course_data.FashionMNIST(*parts, "small", "whoever grades", "")
"""
"""What a worker defines first: ``receive`` then makes of the tensors what loading them gives."""


def tensors() -> list[Tensor]:
    """Images and labels of each split, as ``receive`` takes them."""
    data = load_fashion_mnist("small", torch.device("cpu"))
    return [
        part for split in (data.train, data.val, data.test) for part in (split.images, split.labels)
    ]
