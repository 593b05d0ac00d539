"""The same step in JAX with optax."""

import jax
import jax.numpy as jnp
import optax

Weights = dict[str, jax.Array]
optimizer = optax.chain(
    optax.clip_by_global_norm(0.5),
    optax.adamw(optax.cosine_decay_schedule(1e-2, 5), weight_decay=0.1),
)


def loss(w: Weights, images: jax.Array, labels: jax.Array) -> jax.Array:
    """The mean cross-entropy of a minibatch."""
    hidden = jnp.maximum(images @ w["W1"] + w["b1"], 0)
    scores = hidden @ w["W2"] + w["b2"]
    each = optax.softmax_cross_entropy_with_integer_labels(scores, labels)
    return each.mean()


@jax.jit
def step(
    w: Weights, state: optax.OptState, images: jax.Array, labels: jax.Array
) -> tuple[Weights, optax.OptState, jax.Array]:
    """Move the weights once; they come back, with the loss before it."""
    value, gradient = jax.value_and_grad(loss)(w, images, labels)
    update, state = optimizer.update(gradient, state, w)
    return optax.apply_updates(w, update), state, value
