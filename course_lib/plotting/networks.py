"""What happens inside a network: histograms of each layer, variances over the layers."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator
from torch import Tensor, nn

from course_lib.plotting.style import curve_style, series_style

Loss = Callable[[Tensor, Tensor], Tensor]


@contextmanager
def untouched(model: nn.Module) -> Iterator[nn.Module]:
    """Give a copy of the model to look into, and put the random state back afterwards.

    The copy keeps the mode of the model: in training, dropout drops and BatchNorm takes the
    statistics of the batch.
    """
    devices = {w.device for w in model.parameters() if w.is_cuda}
    with torch.random.fork_rng(devices):
        yield copy.deepcopy(model)


def linear_layers(model: nn.Module) -> dict[str, nn.Linear]:
    """The ``nn.Linear`` layers of a model, named by number and size, in order.

    Args:
        model: any model.

    Returns:
        The layers by name.

    Raises:
        ValueError: there are none.

    Example:
        >>> list(linear_layers(nn.Sequential(nn.Linear(784, 10), nn.ReLU(), nn.Linear(10, 2))))
        ['1: 784→10', '2: 10→2']
    """
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not layers:
        raise ValueError(
            f"{type(model).__name__} has no nn.Linear layer to look into: "
            "give a model that is built of them."
        )
    return {
        f"{i}: {layer.in_features}→{layer.out_features}": layer
        for i, layer in enumerate(layers, start=1)
    }


def layer_weights(model: nn.Module) -> dict[str, Tensor]:
    """The weight matrix of every linear layer.

    Args:
        model: any model with linear layers.

    Returns:
        Copies of the matrices by the layer's name, each of shape
        ``(out_features, in_features)``.
    """
    return {name: layer.weight.detach().clone() for name, layer in linear_layers(model).items()}


def layer_gradients(
    model: nn.Module, x: Tensor, y: Tensor, loss: Loss = nn.functional.cross_entropy
) -> dict[str, Tensor]:
    """The gradient of the loss of one batch in every weight matrix.

    Args:
        model: any model with linear layers; it is left as it was.
        x: the inputs of the batch, as the model takes them.
        y: the targets.
        loss: of ``(model(x), y)``. Default the cross-entropy.

    Returns:
        Gradients by the layer's name, each of the shape of its weight matrix.
    """
    with untouched(model) as inner:
        layers = linear_layers(inner)
        weights = [layer.weight.requires_grad_() for layer in layers.values()]
        with torch.enable_grad():
            gradients = torch.autograd.grad(loss(inner(x), y), weights)
    return dict(zip(layers, gradients, strict=True))


def layer_outputs(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """What every linear layer puts out for one batch, before the activation function.

    Args:
        model: any model with linear layers; it is left as it was.
        x: the inputs of the batch, as the model takes them.

    Returns:
        Outputs by the layer's name, each of shape ``(batch, out_features)``.
    """
    outputs = {}
    with untouched(model) as inner, torch.no_grad():
        for name, layer in linear_layers(inner).items():
            layer.register_forward_hook(
                lambda _module, _input, output, name=name: outputs.update({name: output.clone()})
            )
        inner(x)
    return outputs


def plot_histograms(
    values: Mapping[str, Tensor], quantity: str, *, series: int = 0, columns: int = 3
) -> Figure:
    """Draw a histogram for each layer, its standard deviation σ above it.

    Values that are not finite are not counted, and make σ NaN.

    Args:
        values: what to count, by the layer's name, as :func:`layer_weights`,
            :func:`layer_gradients` and :func:`layer_outputs` return it.
        quantity: what it is, in the plural, such as ``"weights"``.
        series: whose colour it gets, as for :func:`series_style`. Default 0.
        columns: how many histograms side by side. Default 3.

    Returns:
        A figure with one panel for each layer.
    """
    rows = -(-len(values) // columns)
    fig = Figure(figsize=(2.4 * columns, 2.2 * rows + 0.4))
    panels = fig.subplots(rows, columns, squeeze=False).flatten()
    for ax, (name, tensor) in zip(panels, values.items(), strict=False):
        x = tensor.detach().flatten().float().cpu()
        finite = x[x.isfinite()]
        ax.hist(
            finite.numpy(),
            bins=51,  # odd: the middle of the axis lies within a bar
            range=_span(finite),
            color=series_style(series)["color"],
            histtype="stepfilled",
        )
        ax.set_title(f"{name}\n$\\sigma$ = {x.std():.2g}", fontsize=11)
        ax.set_yticks([])
        ax.xaxis.set_major_locator(MaxNLocator(3))
        ax.ticklabel_format(axis="x", scilimits=(-2, 3))
        ax.grid(False)
        ax.spines["left"].set_visible(False)
    for ax in panels[len(values) :]:
        ax.remove()
    fig.supxlabel(quantity)
    fig.supylabel("how many")
    return fig


def _span(x: Tensor) -> tuple[float, float] | None:
    """From where to where to count: values that differ by rounding alone share one bar."""
    if not len(x):
        return None
    low, high = x.min().item(), x.max().item()
    if high - low > 1e-5 * max(abs(low), abs(high)):
        return low, high
    middle = (low + high) / 2
    half = abs(middle) / 2 or 0.5
    return middle - half, middle + half


def plot_variance_profile(
    variances: Mapping[str, Sequence[float]], ax: Axes | None = None, *, quantity: str = "output"
) -> Figure | SubFigure:
    """Draw how a variance changes from layer to layer, on a logarithmic axis.

    Args:
        variances: one variance for each layer, by the name of what is compared, such as an
            initialization.
        ax: where. Default: a figure of its own.
        quantity: of what the variance is. Default ``"output"``.

    Returns:
        The figure.
    """
    ax = ax or Figure().subplots()
    for i, (name, values) in enumerate(variances.items()):
        ax.plot(range(1, len(values) + 1), values, **curve_style(name, i), label=name)
    ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="layer", ylabel=f"variance of the {quantity}")
    ax.legend()
    return ax.figure
