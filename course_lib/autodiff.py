"""Reverse-mode automatic differentiation of tensor expressions, on one page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

import torch
from torch import Tensor

_ages = count()


def _op(forward: Callable[..., Tensor], backward: Callable[..., tuple]) -> Callable[..., Node]:
    """An operation y = forward(a, b); backward(g, y, a, b) turns g = dL/dy into (dL/da, dL/db)."""

    def operation(self: Node, *others: Node | Tensor | float) -> Node:
        like: dict = dict(dtype=self.value.dtype, device=self.value.device)
        parents = [self]
        parents += [o if isinstance(o, Node) else Node(torch.as_tensor(o, **like)) for o in others]
        values = [parent.value for parent in parents]
        y = forward(*values)
        return Node(y, parents, lambda g: backward(g, y, *values))

    return operation


class Node:
    """A value in a computation graph: computed at once, differentiated by ``backward``.

    Args:
        value: a tensor or a number. torch's own autograd is not used.
        parents: the nodes it was computed from; none for inputs and weights.
        pull: takes the gradient of this node to those of its parents, one product with a
            Jacobian each, and never builds the Jacobian.

    Example:
        >>> x = Node(torch.tensor([1.0, 2.0]))
        >>> (x * x + x).sum().backward()
        >>> x.grad  # 2x + 1
        tensor([3., 5.])
    """

    def __init__(
        self, value: Tensor | float, parents: Sequence[Node] = (), pull: Callable = lambda g: ()
    ) -> None:
        value = torch.as_tensor(value).detach()
        self.value = value if value.is_floating_point() else value.float()
        self.grad = torch.zeros_like(self.value)
        self._parents, self._pull, self._age = parents, pull, next(_ages)

    __add__ = __radd__ = _op(torch.add, lambda g, y, a, b: (g, g))
    __sub__ = _op(torch.sub, lambda g, y, a, b: (g, -g))
    __rsub__ = _op(torch.rsub, lambda g, y, a, b: (-g, g))
    __mul__ = __rmul__ = _op(torch.mul, lambda g, y, a, b: (g * b, g * a))
    __truediv__ = _op(torch.div, lambda g, y, a, b: (g / b, -g * y / b))
    __matmul__ = _op(torch.matmul, lambda g, y, a, b: (g @ b.mT, a.mT @ g))
    __pow__ = _op(torch.pow, lambda g, y, a, n: (g * n * a ** (n - 1), g * y * a.log()))
    __neg__ = _op(torch.neg, lambda g, y, a: (-g,))
    exp = _op(torch.exp, lambda g, y, a: (g * y,))
    log = _op(torch.log, lambda g, y, a: (g / a,))
    relu = _op(torch.relu, lambda g, y, a: (g * (a > 0),))
    tanh = _op(torch.tanh, lambda g, y, a: (g * (1 - y**2),))
    sigmoid = _op(torch.sigmoid, lambda g, y, a: (g * y * (1 - y),))
    sum = _op(torch.sum, lambda g, y, a: (g.expand_as(a),))
    mean = _op(torch.mean, lambda g, y, a: (g.expand_as(a) / a.numel(),))

    def softmax_nll(self, labels: Tensor) -> Node:
        """The mean negative log-likelihood of labels (B) under softmax of these logits (B, K)."""
        log_p, one_hot = self.value.log_softmax(1), torch.zeros_like(self.value)
        one_hot[torch.arange(len(labels)), labels] = 1
        nll = -(one_hot * log_p).sum(1).mean()
        return Node(nll, [self], lambda g: (g * (log_p.exp() - one_hot) / len(labels),))

    def backward(self) -> None:
        """Add the gradient of this number to ``grad`` of every node that it depends on."""
        if self.value.numel() != 1:
            raise ValueError(f"backward starts at one number, not at {tuple(self.value.shape)}.")
        nodes, stack = {self}, [self]
        while stack:
            unseen = set(stack.pop()._parents) - nodes
            nodes |= unseen
            stack += unseen
        # A node is younger than its parents, so youngest first is a reverse topological order.
        gradient = {self: torch.ones_like(self.value)}
        for node in sorted(nodes, key=lambda node: node._age, reverse=True):
            node.grad += gradient[node]
            for parent, g in zip(node._parents, node._pull(gradient[node]), strict=True):
                g = g.sum_to_size(parent.value.shape)  # undo the broadcasting
                gradient[parent] = gradient.get(parent, 0) + g


def numerical_gradient(f: Callable[[Tensor], Tensor], x: Tensor, h: float = 1e-5) -> Tensor:
    """Central differences (f(x + h e) - f(x - h e)) / 2h along every axis e; x in float64."""
    place = torch.arange(x.numel(), device=x.device).reshape(x.shape)
    steps = (h * (place == i).to(x) for i in range(x.numel()))
    slopes = [(float(f(x + step)) - float(f(x - step))) / (2 * h) for step in steps]
    return torch.tensor(slopes, dtype=x.dtype, device=x.device).reshape(x.shape)
