"""Networks of one shape as one module, each with weights of its own."""

from collections.abc import Sequence
from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.arguments import one_each, require, require_one_of
from course_lib.models import ACTIVATIONS, MLP


class Networks(nn.Module):
    """K networks of one shape as one module: what they answer, and how well.

    The first dimension of every parameter is K. A subclass gives :meth:`forward`, in which no
    network may see another, and :meth:`network`. For perceptrons that is :class:`Many`; for
    any other module ``torch.func.functional_call`` under ``torch.func.vmap`` is a forward
    pass, two to five times slower than products of all matrices at once.
    """

    def __len__(self) -> int:
        return len(next(self.parameters()))

    def forward(self, x: Tensor) -> Tensor:
        """The scores (K, B, classes) of K minibatches of images (K, B, ...)."""
        raise NotImplementedError

    def network(self, k: int) -> nn.Module:
        """Network ``k``, its weights and gradients sharing their memory with these."""
        raise NotImplementedError(f"{type(self).__name__} takes no network out.")

    @property
    def matrices(self) -> list[nn.Parameter]:
        """The parameters that weight decay acts on: all but biases, scales and shifts."""
        return [p for p in self.parameters() if p.ndim > 2]

    @torch.no_grad()
    def scores(self, images: Tensor) -> Tensor:
        """The scores (K, N, classes) that each network gives the same images (N, ...)."""
        pieces = [self(x.expand(len(self), *x.shape)) for x in images.split(1000)]
        return torch.cat(pieces, dim=1)

    def losses(self, images: Tensor, labels: Tensor) -> Tensor:
        """The mean cross-entropy of each network, (K,), on the CPU.

        Args:
            images: (N, ...), the same for all.
            labels: (N,).
        """
        return cross_entropies(self.scores(images), labels.expand(len(self), -1)).cpu()

    def accuracies(self, images: Tensor, labels: Tensor) -> Tensor:
        """The share of the images that each network classifies right, (K,), on the CPU.

        Args:
            images: (N, ...), the same for all.
            labels: (N,), or (K, N) if every network has labels of its own.
        """
        return (self.scores(images).argmax(dim=2) == labels).float().mean(dim=1).cpu()


class Many(Networks):
    r"""K perceptrons of one shape as one module.

    Layer :math:`l` multiplies K minibatches by K matrices in one call: ``W[l]``, (K, inputs,
    outputs), and ``b[l]``, (K, outputs). No network sees another, so the gradient of a sum
    of their losses is each one's own gradient, and a method that treats every weight alone
    trains them all at once.

    A subclass may change what enters a layer (:meth:`before`) and what a hidden layer hands to
    its activation (:meth:`after`).

    Args:
        models: K networks with the same widths and activation; their weights are copied.

    Raises:
        ValueError: there are none, or they differ in shape.

    Example:
        >>> many = Many([MLP(hidden=(5,), inputs=4) for _ in range(3)])
        >>> many(torch.zeros(3, 20, 4)).shape
        torch.Size([3, 20, 10])
        >>> many.accuracies(torch.zeros(20, 4), torch.zeros(20)).shape
        torch.Size([3])
    """

    def __init__(self, models: Sequence[MLP]) -> None:
        super().__init__()
        configs = [model.config for model in models]
        if not configs or any(config != configs[0] for config in configs):
            raise ValueError(
                f"Many got networks of different shapes, or none: {configs!r}. "
                "Build all of them with the same arguments."
            )
        weights = zip(*(model.parameters() for model in models), strict=True)
        stacked = [torch.stack(copies) for copies in weights]
        self.W = nn.ParameterList(W.mT.contiguous() for W in stacked[0::2])
        self.b = nn.ParameterList(stacked[1::2])
        self.activation = ACTIVATIONS[configs[0]["activation"]]()
        self._pattern = (models[0],)  # in a tuple, so that its weights are none of ours

    def forward(self, x: Tensor) -> Tensor:
        """The scores (K, B, classes) of K minibatches of images (K, B, ...)."""
        return self.outputs(x)[-1]

    def outputs(self, x: Tensor) -> list[Tensor]:
        """What every layer hands to its activation, and the scores: (K, B, units) each."""
        x, outputs = x.flatten(start_dim=2), []
        for layer, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            x = self.before(self.activation(x) if layer else x, layer)
            x = torch.baddbmm(b.unsqueeze(1), x, W)
            if layer < len(self.W) - 1:
                x = self.after(x, layer)
            outputs.append(x)
        return outputs

    def before(self, x: Tensor, layer: int) -> Tensor:
        """What enters a layer in place of ``x``, (K, B, units)."""
        return x

    def after(self, x: Tensor, layer: int) -> Tensor:
        """What a hidden layer hands to its activation in place of ``x``, (K, B, units)."""
        return x

    def network(self, k: int) -> MLP:
        """Network ``k``, its weights and gradients sharing their memory with these.

        Training these changes it, and the other way round: ``copy.deepcopy`` it to keep what
        it is now.

        Args:
            k: which of them, from 0.

        Example:
            >>> models = [MLP(hidden=(5,), inputs=4) for _ in range(3)]
            >>> Many(models).network(2)(torch.ones(1, 4)).allclose(models[2](torch.ones(1, 4)))
            True
        """
        model = deepcopy(self._pattern[0])
        stacked = (p for pair in zip(self.W, self.b) for p in pair)
        for own, p in zip(model.parameters(), stacked):
            own.data = p.data[k].mT if own.ndim == 2 else p.data[k]
            own.grad = None
            if p.grad is not None:
                own.grad = p.grad[k].mT if own.ndim == 2 else p.grad[k]
            own.requires_grad_(p.requires_grad)
        return model


class ManyDropped(Many):
    r"""K networks as one module, with dropout on the inputs and on the hidden units.

    In training a unit is switched off with probability p and the others are scaled by
    :math:`1/(1-p)`; in evaluation mode nothing is dropped. The masks come from torch's global
    generator of the device.

    Args:
        models: K networks with the same widths and activation; their weights are copied.
        hidden: p of the hidden units: one number, or one for each network. Default 0.
        inputs: p of the inputs, likewise. Default 0.

    Raises:
        ValueError: a probability is outside [0, 1), or there is not one for each network.

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", 2014.

    Example:
        >>> many = ManyDropped([MLP(hidden=(5,), inputs=4)] * 3, hidden=[0.0, 0.2, 0.5])
        >>> many(torch.zeros(3, 20, 4)).shape
        torch.Size([3, 20, 10])
    """

    hidden: Tensor
    inputs: Tensor

    def __init__(
        self,
        models: Sequence[MLP],
        hidden: float | Sequence[float] = 0.0,
        inputs: float | Sequence[float] = 0.0,
    ) -> None:
        super().__init__(models)
        for name, values in (("hidden", hidden), ("inputs", inputs)):
            p = one_each(name, values, len(models), "[0, 1)")
            self.register_buffer(name, p.view(-1, 1, 1).to(self.W[0]))

    def before(self, x: Tensor, layer: int) -> Tensor:
        """What is left of what enters a layer, (K, B, units)."""
        p = self.hidden if layer else self.inputs
        if not self.training or not p.any():
            return x
        return x * (torch.rand_like(x) >= p) / (1 - p)


KINDS = ("none", "batch", "layer", "group", "rms")
"""The kinds of normalization that :class:`ManyNormed` takes."""


class ManyNormed(Many):
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
        >>> many = ManyNormed([MLP(hidden=(8,), inputs=4) for _ in range(3)], "layer")
        >>> many(torch.zeros(3, 20, 4)).shape
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
        require_one_of("kind", kind, KINDS)
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

    def network(self, k: int) -> MLP:
        """Refused: no perceptron computes what a normalized network does."""
        raise NotImplementedError("ManyNormed takes no network out: an MLP has no normalization.")

    def after(self, x: Tensor, layer: int) -> Tensor:
        """The normalized units of a hidden layer, (K, B, units)."""
        if self.kind == "batch":
            x = self._batch_norm(x, layer)
        elif self.kind != "none":
            x = self._normalized(x) * self.gamma[layer].unsqueeze(1)
            if len(self.beta):
                x = x + self.beta[layer].unsqueeze(1)
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


def cross_entropies(scores: Tensor, targets: Tensor) -> Tensor:
    """The mean cross-entropy of each network, (K,).

    Args:
        scores: (K, B, classes).
        targets: labels (K, B), or probabilities (K, B, classes).
    """
    targets = targets if targets.ndim == 2 else targets.mT
    return F.cross_entropy(scores.mT, targets, reduction="none").mean(dim=1)
