"""Many small networks with normalization layers, trained side by side."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.arguments import require
from course_lib.copies import Copies
from course_lib.models import MLP

KINDS = ("none", "batch", "layer", "group", "rms")
"""The kinds of normalization that :class:`NormedCopies` takes."""


class NormedCopies(Copies):
    r"""K networks whose hidden layers are normalized between the matrix and the activation.

    .. math::
        h_l = f\bigl(\gamma_l\, \operatorname{norm}(W_l h_{l-1} + b_l) + \beta_l\bigr)

    In training mode, Batch Norm takes each network's own minibatch and remembers its mean and
    unbiased variance; in evaluation mode it uses what it remembers.

    Args:
        models: K networks with the same widths and activation; their weights are copied.
        kind: one of :data:`KINDS`. ``"rms"`` divides by the root mean square of an example's
            units, without subtracting a mean and without a shift. Default ``"batch"``.
        groups: into how many groups ``"group"`` cuts the units. Default 4.
        momentum: how much of a new batch enters what Batch Norm remembers. Default 0.1.
        eps: what is added to a variance. Default 1e-5.
        noise: in training, each step multiplies every normalized unit by exp(noise · ξ) and
            adds noise · ξ', with ξ and ξ' drawn anew for each unit at each step. Default 0.

    Raises:
        ValueError: the kind is unknown, the groups do not divide the units, or Batch Norm got
            a batch of one in training.

    Example:
        >>> copies = NormedCopies([MLP(hidden=(8,), inputs=4) for _ in range(3)], "layer")
        >>> copies(torch.zeros(3, 20, 4)).shape
        torch.Size([3, 20, 10])
    """

    def __init__(
        self,
        models: Sequence[MLP],
        kind: str = "batch",
        *,
        groups: int = 4,
        momentum: float = 0.1,
        eps: float = 1e-5,
        noise: float = 0.0,
    ) -> None:
        super().__init__(models)
        if kind not in KINDS:
            raise ValueError(f"kind is {kind!r}, which is not one of {', '.join(KINDS)}.")
        require("momentum", momentum, "[0, 1]")
        require("eps", eps, "[0, inf)")
        require("noise", noise, "[0, inf)")
        hidden = list(self.b)[:-1]
        for b in hidden:
            if kind == "group" and (groups < 1 or b.shape[-1] % groups):
                raise ValueError(f"{b.shape[-1]} units do not fall into {groups} groups.")
        self.kind, self.groups, self.momentum = kind, groups, momentum
        self.eps, self.noise = eps, noise
        normed = hidden if kind != "none" else []
        shifted = normed if kind != "rms" else []
        self.gamma = nn.ParameterList(torch.ones_like(b) for b in normed)
        self.beta = nn.ParameterList(torch.zeros_like(b) for b in shifted)
        self.running_mean = [torch.zeros_like(b) for b in hidden]
        self.running_var = [torch.ones_like(b) for b in hidden]

    def forward(self, x: Tensor) -> Tensor:
        """The scores (K, B, classes) of K minibatches of images (K, B, ...)."""
        return self.outputs(x)[-1]

    def outputs(self, x: Tensor) -> list[Tensor]:
        """What every layer hands to its activation, and the scores: (K, B, units) each."""
        x, outputs = x.flatten(start_dim=2), []
        for layer, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            x = torch.baddbmm(b, x, W)
            if layer < len(self.W) - 1:
                x = self._norm(x, layer)
            outputs.append(x)
            x = self.activation(x)
        return outputs

    def _norm(self, x: Tensor, layer: int) -> Tensor:
        if self.kind == "batch":
            x = self._batch_norm(x, layer)
        elif self.kind != "none":
            x = self._normalized(x) * self.gamma[layer]
            if len(self.beta):
                x = x + self.beta[layer]
        if self.noise and self.training:
            scale, shift = torch.randn(2, x.shape[0], 1, x.shape[2], device=x.device)
            x = x * (self.noise * scale).exp() + self.noise * shift
        return x

    def _normalized(self, x: Tensor) -> Tensor:
        units = x.shape[-1:]
        if self.kind == "rms":
            return F.rms_norm(x, units, eps=self.eps)
        if self.kind == "layer":
            return F.layer_norm(x, units, eps=self.eps)
        parts = x.unflatten(2, (self.groups, -1))
        return F.layer_norm(parts, parts.shape[-1:], eps=self.eps).flatten(2)

    def _batch_norm(self, x: Tensor, layer: int) -> Tensor:
        if self.training and x.shape[1] < 2:
            raise ValueError("Batch Norm needs two examples or more in a batch, in training.")
        # The units of all networks are the channels of one: each has statistics of its own.
        K, _, units = x.shape
        channels = x.transpose(0, 1).flatten(1)
        channels = F.batch_norm(
            channels,
            self.running_mean[layer].view(-1),
            self.running_var[layer].view(-1),
            self.gamma[layer].view(-1),
            self.beta[layer].view(-1),
            self.training,
            self.momentum,
            self.eps,
        )
        return channels.unflatten(1, (K, units)).transpose(0, 1)
