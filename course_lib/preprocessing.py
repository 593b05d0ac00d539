"""Preprocessing: statistics come from the training set alone, and are applied to every set.

Each class has ``fit``, which takes the training data and returns the object, ``transform`` and
``inverse``. Data has shape (N, ...), one example a row, and is never changed.
"""

from typing import NoReturn, Self

import torch
from torch import Tensor

from course_lib.arguments import require


class Preprocessing:
    """What the classes below share: the error of using one before it was fitted."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__} has no {name!r}: call fit with the training data first."
        )


class Rescale(Preprocessing):
    r"""Move the smallest value of the training set to one number and the largest to another.

    .. math::
        z = a + (b - a)\, \frac{x - \min}{\max - \min}

    Args:
        low: :math:`a`. Default 0.
        high: :math:`b`, above ``low``. Default 1.
        per_feature: whether each feature has its own minimum and maximum. Default True.

    Raises:
        ValueError: ``low`` is not below ``high``.

    Example:
        >>> Rescale(-1, 1).fit(torch.tensor([[0.0], [10.0]])).transform(torch.tensor([[5.0]]))
        tensor([[0.]])
    """

    def __init__(self, low: float = 0.0, high: float = 1.0, per_feature: bool = True) -> None:
        if not low < high:
            raise ValueError(f"low is {low!r} and high is {high!r}: pass a lower low.")
        self.low, self.high, self.per_feature = low, high, per_feature

    def fit(self, x: Tensor) -> Self:
        """Measure minimum and maximum of the training data.

        Raises:
            ValueError: a feature is constant, so that there is nothing to stretch.
        """
        _check(x)
        self.min = x.amin(0) if self.per_feature else x.min()
        self.max = x.amax(0) if self.per_feature else x.max()
        _refuse(self.max == self.min, "leave such features out, or pass per_feature=False")
        return self

    def transform(self, x: Tensor) -> Tensor:
        """Rescale any data; values beyond those seen in training leave the range."""
        return self.low + (self.high - self.low) * (x - self.min) / (self.max - self.min)

    def inverse(self, z: Tensor) -> Tensor:
        """Undo :meth:`transform`."""
        return self.min + (self.max - self.min) * (z - self.low) / (self.high - self.low)


class MeanSubtraction(Preprocessing):
    r"""Center the cloud of training data on the origin: :math:`z = x - \mu`.

    Args:
        per_feature: whether each feature has its own mean. Default True.
    """

    def __init__(self, per_feature: bool = True) -> None:
        self.per_feature = per_feature

    def fit(self, x: Tensor) -> Self:
        """Measure the mean of the training data."""
        _check(x)
        self.mean = x.mean(0) if self.per_feature else x.mean()
        return self

    def transform(self, x: Tensor) -> Tensor:
        """Subtract the training mean from any data."""
        return x - self.mean

    def inverse(self, z: Tensor) -> Tensor:
        """Undo :meth:`transform`."""
        return z + self.mean


class Standardize(Preprocessing):
    r"""Give the training data mean 0 and variance 1.

    .. math::
        z = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}

    The variance is the mean of the squared deviations.

    Args:
        per_feature: whether each feature has its own mean and variance. Default True; images
            often share one of each, or one for each colour.
        eps: :math:`\varepsilon`, 0 or more. With one above 0, constant features become 0.
            Default 0.

    Raises:
        ValueError: ``eps`` is negative or NaN.

    Example:
        >>> standardize = Standardize().fit(torch.tensor([[0.0, 5.0], [2.0, 9.0]]))
        >>> standardize.transform(torch.tensor([[3.0, 7.0]]))
        tensor([[2., 0.]])
    """

    def __init__(self, per_feature: bool = True, eps: float = 0.0) -> None:
        require("eps", eps, "[0, inf)")
        self.per_feature, self.eps = per_feature, eps

    def fit(self, x: Tensor) -> Self:
        """Measure mean and standard deviation of the training data.

        Raises:
            ValueError: a feature is constant and ``eps`` is 0.
        """
        _check(x)
        var, self.mean = torch.var_mean(x, 0 if self.per_feature else None, correction=0)
        self.std = (var + self.eps).sqrt()
        _refuse(self.std == 0, "leave such features out, or pass eps=1e-5")
        return self

    def transform(self, x: Tensor) -> Tensor:
        """Standardize any data with the statistics of the training data."""
        return (x - self.mean) / self.std

    def inverse(self, z: Tensor) -> Tensor:
        """Undo :meth:`transform`."""
        return z * self.std + self.mean


class PCA(Preprocessing):
    r"""Turn the data into the directions along which the training data varies most.

    .. math::
        \Sigma = \frac{1}{N} \sum_n (x_n - \mu)(x_n - \mu)^\top = U \Lambda U^\top,
        \qquad z = U_k^\top (x - \mu)

    The features of :math:`z` are uncorrelated, in the order of falling variance. Whitening
    also divides each by its standard deviation, :math:`z_i / \sqrt{\lambda_i + \varepsilon}`,
    so that the covariance becomes the identity.

    Args:
        components: :math:`k`, how many directions to keep. Default: all.
        whiten: whether to divide by the standard deviations. Default False.
        eps: :math:`\varepsilon`, 0 or more, for whitening. It holds down directions with
            little variance, which are mostly noise. Default 0.

    Raises:
        ValueError: ``eps`` is negative or NaN, or there are no components.

    Source: Pearson, "On lines and planes of closest fit to systems of points in space", 1901.
    """

    def __init__(
        self, components: int | None = None, whiten: bool = False, eps: float = 0.0
    ) -> None:
        require("eps", eps, "[0, inf)")
        if components is not None:
            require("components", components, "[1, inf)")
        self.components, self.whiten, self.eps = components, whiten, eps

    def fit(self, x: Tensor) -> Self:
        """Find mean, directions and variances of the training data, flattened to (N, D).

        Raises:
            ValueError: there are more components than features; or, when whitening, a
                direction has no variance and ``eps`` is 0.
        """
        self.mean, variance, U = _principal_directions(x)
        if self.components is not None and self.components > len(variance):
            raise ValueError(
                f"components is {self.components} and the data has {len(variance)} features: "
                "pass at most that many."
            )
        self.variance, self.U = variance[: self.components], U[:, : self.components]
        self.scale = torch.ones_like(self.variance)
        if self.whiten:
            self.scale = _whitening_scale(self.variance, self.eps)
        return self

    def transform(self, x: Tensor) -> Tensor:
        """Project any data, flattened, on the directions: shape (N, components)."""
        return (x.flatten(1) - self.mean) @ self.U / self.scale

    def inverse(self, z: Tensor) -> Tensor:
        """The nearest point, shape (N, D), that the components kept can describe."""
        return z * self.scale @ self.U.T + self.mean


class ZCA(Preprocessing):
    r"""Whiten the data and change it as little as possible: whitened images still look alike.

    .. math::
        z = W (x - \mu), \qquad W = U (\Lambda + \varepsilon I)^{-1/2} U^\top

    with :math:`U` and :math:`\Lambda` as in :class:`PCA`. Of all matrices that whiten, this is
    the symmetric one: rotate, divide by the standard deviations, rotate back.

    Args:
        eps: :math:`\varepsilon`, 0 or more; images need one, such as 1e-2. Default 0.

    Raises:
        ValueError: ``eps`` is negative or NaN.

    Source: Bell and Sejnowski, "The 'independent components' of natural scenes are edge
    filters", 1997.
    """

    def __init__(self, eps: float = 0.0) -> None:
        require("eps", eps, "[0, inf)")
        self.eps = eps

    def fit(self, x: Tensor) -> Self:
        """Find mean and whitening matrix of the training data, flattened to (N, D).

        Raises:
            ValueError: a direction has no variance and ``eps`` is 0.
        """
        self.mean, variance, U = _principal_directions(x)
        scale = _whitening_scale(variance, self.eps)
        self.W = U / scale @ U.T
        self.W_inverse = U * scale @ U.T
        return self

    def transform(self, x: Tensor) -> Tensor:
        """Whiten any data; it keeps its shape."""
        return ((x.flatten(1) - self.mean) @ self.W).reshape(x.shape)

    def inverse(self, z: Tensor) -> Tensor:
        """Undo :meth:`transform`."""
        return (z.flatten(1) @ self.W_inverse + self.mean).reshape(z.shape)


def _check(x: Tensor) -> None:
    if not x.is_floating_point():
        raise TypeError(f"The data is {x.dtype}: convert it first, for example with x.float().")
    if x.ndim < 2 or not x.numel():
        raise ValueError(
            f"The data has shape {tuple(x.shape)}: pass one row for each example, and at least one."
        )
    if not x.isfinite().all():
        raise ValueError("The data has NaN or infinite values: remove them first.")


def _refuse(constant: Tensor, what_to_do: str) -> None:
    if constant.any():
        raise ValueError(
            f"{int(constant.sum())} of {constant.numel()} features are constant in the training "
            f"data, so there is nothing to divide by: {what_to_do}."
        )


def _principal_directions(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The mean, and the eigenvalues (falling) and eigenvectors (columns) of the covariance."""
    _check(x)
    X = x.flatten(1).double()  # the covariance squares the numbers, and their rounding errors
    mean = X.mean(0)
    covariance = (X - mean).T @ (X - mean) / len(X)
    variance, U = torch.linalg.eigh(covariance)
    variance, U = variance.flip(0), U.flip(1)
    rounding = variance[0] * len(variance) * torch.finfo(torch.float64).eps
    variance[variance <= rounding] = 0
    return mean.to(x.dtype), variance.to(x.dtype), U.to(x.dtype)


def _whitening_scale(variance: Tensor, eps: float) -> Tensor:
    singular = variance + eps == 0
    if singular.any():
        raise ValueError(
            f"The covariance is singular: along {int(singular.sum())} of {len(variance)} "
            "directions the training data does not vary, so they cannot be whitened. "
            "Pass eps=1e-5, or fewer components to PCA."
        )
    return (variance + eps).sqrt()
