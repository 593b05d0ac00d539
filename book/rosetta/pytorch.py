"""The same step with PyTorch's own optimizer."""

from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

model = nn.Sequential(nn.Linear(49, 20), nn.ReLU(), nn.Linear(20, 10))
optimizer = AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
schedule = CosineAnnealingLR(optimizer, T_max=5)


def step(images: Tensor, labels: Tensor) -> float:
    """Move the weights once; the loss before."""
    loss = nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()
    schedule.step()
    return loss.item()
