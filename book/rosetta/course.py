"""A training step with this course's optimizer."""

from torch import Tensor, nn

from course_lib.optim import AdamW
from course_lib.optim.clipping import clip_by_norm
from course_lib.optim.schedules import ScheduleLR, cosine

model = nn.Sequential(nn.Linear(49, 20), nn.ReLU(), nn.Linear(20, 10))
optimizer = AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
schedule = ScheduleLR(optimizer, cosine(1e-2, 5))
params = list(model.parameters())


def step(images: Tensor, labels: Tensor) -> float:
    """Move the weights once; the loss before."""
    loss = nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    clipped, _ = clip_by_norm([p.grad for p in params], 0.5)
    for p, g in zip(params, clipped, strict=True):
        p.grad = g
    optimizer.step()
    schedule.step()
    return loss.item()
