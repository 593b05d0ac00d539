"""What happens inside a network: the weights, gradients and outputs of each linear layer."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

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
