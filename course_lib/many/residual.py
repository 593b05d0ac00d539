"""Residual networks of one shape as one module: a convolution in as many groups."""

from collections.abc import Sequence
from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.many.networks import Networks
from course_lib.models import ResidualNetwork


class ManyResidual(Networks):
    r"""K residual networks of one shape as one module.

    Their channels lie side by side, K times C of them, and a convolution in K groups lets no
    network see another's. BatchNorm treats every channel alone anyway, and GroupNorm gets K
    times as many groups.

    Args:
        models: K networks with the same arguments; their weights are copied, and what BatchNorm
            remembers.

    Raises:
        ValueError: there are none, they differ in shape, or BatchNorm got one value for each
            channel in training.

    Example:
        >>> many = ManyResidual([ResidualNetwork(blocks=1, channels=4) for _ in range(3)])
        >>> many(torch.zeros(3, 20, 1, 7, 7)).shape
        torch.Size([3, 20, 10])
    """

    def __init__(self, models: Sequence[ResidualNetwork]) -> None:
        super().__init__()
        configs = [model.config for model in models]
        if not configs or any(config != configs[0] for config in configs):
            raise ValueError(
                f"ManyResidual got networks of different shapes, or none: {configs!r}. "
                "Build all of them with the same arguments."
            )
        self._pattern = (models[0],)  # in a tuple, so that its weights are none of ours
        states = [model.state_dict(keep_vars=True) for model in models]
        for name, first in states[0].items():
            stacked = torch.stack([state[name].detach() for state in states])
            if isinstance(first, nn.Parameter):
                self.register_parameter(_flat(name), nn.Parameter(stacked))
            else:
                self.register_buffer(_flat(name), stacked)

    def forward(self, x: Tensor) -> Tensor:
        """The scores (K, B, classes) of K minibatches of images (K, B, inputs, size, size)."""
        model = self._pattern[0]
        h = self._norm("norm", self._convolve("stem", x.transpose(0, 1).flatten(1, 2)))
        for i in range(model.config["blocks"]):
            f = self._norm(f"blocks.{i}.norm1", self._convolve(f"blocks.{i}.conv1", h.relu()))
            f = self._norm(f"blocks.{i}.norm2", self._convolve(f"blocks.{i}.conv2", f.relu()))
            h = h + f if model.config["skips"] else f
        seen = h.relu().flatten(1).unflatten(1, (len(self), -1)).transpose(0, 1)
        W, b = self._own("head.weight"), self._own("head.bias")
        return torch.baddbmm(b.unsqueeze(1), seen, W.mT)

    def network(self, k: int) -> ResidualNetwork:
        """Network ``k``, its weights sharing their memory with these.

        Args:
            k: which of them, from 0.

        Example:
            >>> models = [ResidualNetwork(blocks=1, channels=4) for _ in range(3)]
            >>> x = torch.ones(1, 1, 7, 7)
            >>> ManyResidual(models).network(2)(x).allclose(models[2](x))
            True
        """
        model = deepcopy(self._pattern[0]).train(self.training)
        for name, own in model.state_dict(keep_vars=True).items():
            ours = self._own(name)
            own.data = ours.data[k]
            if own.is_floating_point() and ours.grad is not None:
                own.grad = ours.grad[k]
        return model

    def _own(self, name: str) -> Tensor:
        return getattr(self, _flat(name))

    def _convolve(self, name: str, h: Tensor) -> Tensor:
        config = self._pattern[0].config
        stride = config["stride"] if name == "stem" else 1
        W = self._own(f"{name}.weight").flatten(0, 1)
        if config["padding"] == "circular":
            h = F.pad(h, (1, 1, 1, 1), mode="circular")
            return F.conv2d(h, W, stride=stride, groups=len(self))
        return F.conv2d(h, W, stride=stride, padding=1, groups=len(self))

    def _norm(self, name: str, h: Tensor) -> Tensor:
        config = self._pattern[0].config
        if config["normalization"] == "none":
            return h
        scale, shift = (self._own(f"{name}.{part}").flatten() for part in ("weight", "bias"))
        if config["normalization"] == "group":
            return F.group_norm(h, len(self) * config["groups"], scale, shift)
        if self.training:
            self._own(f"{name}.num_batches_tracked").add_(1)
        mean, var = (self._own(f"{name}.running_{part}").view(-1) for part in ("mean", "var"))
        return F.batch_norm(h, mean, var, scale, shift, self.training)


def _flat(name: str) -> str:
    return name.replace(".", "_")
