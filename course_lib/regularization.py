"""Ways to do well on images not seen, at the cost of those trained on."""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor, nn

from course_lib.arguments import require


def l2_gradient(w: Tensor, strength: float) -> Tensor:
    r"""The gradient of the L2 penalty, which is how ``weight_decay`` enters SGD.

    .. math::
        R = \frac{\lambda}{2} \lVert w \rVert^2, \qquad \nabla R = \lambda w

    Args:
        w: the weights, any shape.
        strength: :math:`\lambda`, 0 or more.

    Returns:
        The gradient, shape of w.
    """
    require("strength", strength, "[0, inf)")
    return strength * w


def l1_gradient(w: Tensor, strength: float) -> Tensor:
    r"""A subgradient of the L1 penalty: the same pull on every weight, none on zeros.

    .. math::
        R = \lambda \lVert w \rVert_1, \qquad \nabla R = \lambda \operatorname{sign}(w)

    Steps along it jump over zero and back; :func:`l1_proximal_step` stops there.

    Args:
        w: the weights, any shape.
        strength: :math:`\lambda`, 0 or more.

    Returns:
        The subgradient, shape of w.
    """
    require("strength", strength, "[0, inf)")
    return strength * w.sign()


def l1_proximal_step(w: Tensor, g: Tensor, lr: float, strength: float) -> Tensor:
    r"""A gradient step on the loss, then the soft threshold in place of the L1 penalty.

    .. math::
        z &= w - \eta\, g \\
        w &\leftarrow \operatorname{sign}(z) \max(|z| - \eta\lambda,\ 0)

    A weight that the threshold would carry across zero becomes exactly zero.

    Args:
        w: the weights, any shape; not changed.
        g: the gradient of the loss without its penalty, shape of w.
        lr: the learning rate :math:`\eta`, 0 or more.
        strength: :math:`\lambda`, 0 or more.

    Returns:
        The new weights.

    Source: Daubechies, Defrise and De Mol, "An iterative thresholding algorithm for linear
    inverse problems with a sparsity constraint", 2004.

    Example:
        >>> w = torch.tensor([1.0, 0.25, -1.0])
        >>> l1_proximal_step(w, g=torch.zeros(3), lr=0.5, strength=1.0)
        tensor([ 0.5000,  0.0000, -0.5000])
    """
    require("lr", lr, "[0, inf)")
    require("strength", strength, "[0, inf)")
    z = w - lr * g
    return z.sign() * (z.abs() - lr * strength).clamp(min=0)


def dropout_forward(
    x: Tensor, p: float, training: bool = True, generator: Generator | None = None
) -> tuple[Tensor, Tensor]:
    r"""Switch off random units in training, and make up for it by scaling the others.

    .. math::
        m_i \sim \operatorname{Bernoulli}(1 - p), \qquad y_i = \frac{m_i}{1 - p}\, x_i

    The output is that of the whole network on average, so evaluation leaves x as it is.

    Args:
        x: the activations, any shape; not changed.
        p: the probability of switching a unit off, in [0, 1).
        training: whether to drop anything. Default True.
        generator: where the mask is drawn from, on x's device.

    Returns:
        The output, and the scaled mask m/(1-p) that :func:`dropout_backward` needs.

    Raises:
        ValueError: ``p`` is outside [0, 1).

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", 2014.
    """
    require("p", p, "[0, 1)")
    if not training:
        return x, torch.ones_like(x)
    m = torch.empty_like(x).bernoulli_(1 - p, generator=generator) / (1 - p)
    return m * x, m


def dropout_backward(dy: Tensor, m: Tensor) -> Tensor:
    r"""The backward pass of dropout: units switched off get no gradient.

    .. math::
        \frac{\partial L}{\partial x_i} = \frac{m_i}{1 - p}\, \frac{\partial L}{\partial y_i}

    Args:
        dy: the gradient of the loss with respect to the output.
        m: the scaled mask that :func:`dropout_forward` returned.

    Returns:
        The gradient with respect to x.
    """
    return m * dy


class EarlyStopping:
    """Stop when the validation loss has not improved for a while, and keep the best weights.

    Args:
        patience: how many epochs in a row without improvement to allow: training stops after
            that many, as in Keras. torch's ReduceLROnPlateau waits for one more.
        min_delta: by how much a loss must be lower than the best to count. Default 0: at all.

    Attributes:
        best: the lowest loss so far; infinity before the first.
        best_weights: a copy of the model's ``state_dict`` at that loss, to load at the end;
            None before the first.
        bad_epochs: the epochs since.

    Raises:
        ValueError: the patience is less than 1, or ``min_delta`` is negative or NaN.

    Example:
        >>> stopping = EarlyStopping(patience=2)
        >>> model = nn.Linear(1, 1)
        >>> [stopping.should_stop(loss, model) for loss in (0.9, 0.5, 0.6, 0.4, 0.7, 0.8)]
        [False, False, False, False, False, True]
        >>> stopping.best
        0.4
    """

    def __init__(self, patience: int, min_delta: float = 0.0) -> None:
        require("patience", patience, "[1, inf)")
        require("min_delta", min_delta, "[0, inf)")
        self.patience = patience
        self.min_delta = min_delta
        self.best = math.inf
        self.best_weights: dict[str, Tensor] | None = None
        self.bad_epochs = 0

    def should_stop(self, loss: float, model: nn.Module) -> bool:
        """Take note of an epoch.

        Args:
            loss: the validation loss after this epoch; NaN is no improvement.
            model: the model as it is after this epoch.

        Returns:
            Whether patience has run out.
        """
        if loss < self.best - self.min_delta:
            self.best = loss
            self.best_weights = copy.deepcopy(model.state_dict())
            self.bad_epochs = 0
        else:
            self.bad_epochs += 1
        return self.bad_epochs >= self.patience


def mixup(x: Tensor, targets: Tensor, alpha: float = 0.2) -> tuple[Tensor, Tensor]:
    r"""Blend each image, and its target, with another one of the batch.

    .. math::
        \lambda \sim \operatorname{Beta}(\alpha, \alpha), \qquad
        \tilde x_i = \lambda x_i + (1 - \lambda) x_{\pi(i)}, \qquad
        \tilde y_i = \lambda y_i + (1 - \lambda) y_{\pi(i)}

    One :math:`\lambda` and one permutation :math:`\pi` are drawn for the batch, from torch's
    global generators.

    Args:
        x: the images, shape (B, ...); not changed.
        targets: the probability of each class, shape (B, K), one-hot or smoothed; not changed.
        alpha: :math:`\alpha`, greater than 0: small values seldom blend much. Default 0.2, from
            the paper's range for ImageNet, 0.1 to 0.4.

    Returns:
        The blended images and targets.

    Raises:
        ValueError: ``alpha`` is not positive, or there are not as many targets as images.

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018.
    """
    require("alpha", alpha, "(0, inf)")
    if len(x) != len(targets) or targets.ndim != 2:
        raise ValueError(
            f"The targets have shape {tuple(targets.shape)} and there are {len(x)} images: pass "
            "one row of class probabilities for each image, such as smoothed_targets gives."
        )
    weight = torch.distributions.Beta(alpha, alpha).sample().item()
    other = torch.randperm(len(x), device=x.device)
    return weight * x + (1 - weight) * x[other], weight * targets + (1 - weight) * targets[other]


def smoothed_targets(labels: Tensor, classes: int, smoothing: float = 0.0) -> Tensor:
    r"""Targets that leave some probability to every class.

    .. math::
        y_k = (1 - \varepsilon)\, [k = \text{label}] + \frac{\varepsilon}{K}

    As in ``torch.nn.functional.cross_entropy(..., label_smoothing=ε)``, all K classes share
    ε, the true one included.

    Args:
        labels: the true classes, integers, shape (B,).
        classes: :math:`K`.
        smoothing: :math:`\varepsilon`, in [0, 1]. Default 0: one-hot.

    Returns:
        The targets, shape (B, K), of torch's default dtype.

    Raises:
        ValueError: ``smoothing`` is outside [0, 1].

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016.

    Example:
        >>> smoothed_targets(torch.tensor([2]), classes=4, smoothing=0.2)
        tensor([[0.0500, 0.0500, 0.8500, 0.0500]])
    """
    require("smoothing", smoothing, "[0, 1]")
    one_hot = nn.functional.one_hot(labels, classes).to(torch.get_default_dtype())
    return (1 - smoothing) * one_hot + smoothing / classes


def bootstrap_indices(n: int, generator: Generator | None = None) -> Tensor:
    """Draw a training set of the same size with replacement, as each bagged model gets.

    About 1/e = 37 % of the examples are left out of it.

    Args:
        n: how many examples there are.
        generator: where the indices are drawn from; the indices lie on its device.

    Returns:
        n indices, shape (n,).

    Source: Breiman, "Bagging Predictors", 1996.
    """
    where = None if generator is None else generator.device
    return torch.randint(n, (n,), generator=generator, device=where)


def bagged_probabilities(logits: Tensor) -> Tensor:
    r"""The prediction of an ensemble: the mean of its models' probabilities.

    .. math::
        p = \frac{1}{M} \sum_{i=1}^{M} \operatorname{softmax}(z_i)

    Args:
        logits: the models' scores, shape (M, B, K).

    Returns:
        The probabilities, shape (B, K).
    """
    return logits.softmax(-1).mean(0)


class SAM:
    r"""Sharpness-aware minimization around any optimizer.

    .. math::
        \epsilon_t &= \rho\, \frac{\nabla L(w_{t-1})}{\lVert \nabla L(w_{t-1}) \rVert} \\
        g_t &= \nabla L(w_{t-1} + \epsilon_t)

    The wrapped optimizer takes its step from :math:`w_{t-1}` with :math:`g_t`: the gradient
    where the loss is worst nearby, so that sharp minima repel. The norm is one norm over all
    parameters. Each step costs two gradients.

    Args:
        optimizer: any ``torch.optim.Optimizer``. Schedulers and checkpoints take it; this
            object has no state of its own.
        rho: the radius :math:`\rho`. Default 0.05, as in the paper.

    Raises:
        ValueError: the radius is negative or NaN.

    Source: Foret et al., "Sharpness-Aware Minimization for Efficiently Improving
    Generalization", 2021.

    Example:
        >>> w = torch.tensor([3.0], requires_grad=True)
        >>> sam = SAM(torch.optim.SGD([w], lr=0.1), rho=1.0)
        >>> def closure():
        ...     sam.optimizer.zero_grad()
        ...     loss = (w**2).sum()
        ...     loss.backward()
        ...     return loss
        >>> sam.step(closure).item()
        9.0
        >>> w.item()  # the gradient at 3 + 1 is 8
        2.200000047683716
    """

    def __init__(self, optimizer: torch.optim.Optimizer, rho: float = 0.05) -> None:
        require("rho", rho, "[0, inf)")
        self.optimizer = optimizer
        self.rho = rho

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:
        """Update every parameter once.

        Args:
            closure: clears the gradients, computes the loss and its gradients, and returns the
                loss. It is called twice.

        Returns:
            What the closure returned for the weights before the step.

        Raises:
            ValueError: the closure left no gradient.
        """
        closure = torch.enable_grad()(closure)
        loss = closure()
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        before = [(p, p.clone()) for p in parameters if p.grad is not None]
        if not before:
            raise ValueError("No parameter has a gradient: call loss.backward() in the closure.")
        norm = torch.stack([p.grad.norm() for p, _ in before]).norm()
        for p, _ in before:
            p.add_(self.rho * p.grad / norm.clamp(min=1e-12))  # climb to w + ε
        closure()
        for p, w in before:
            p.copy_(w)
        self.optimizer.step()
        return loss
