"""The same step in Keras, on any of its backends."""

import keras
import numpy as np
from keras import layers

model = keras.Sequential(
    [keras.Input((49,)), layers.Dense(20, "relu"), layers.Dense(10)]
)
rate = keras.optimizers.schedules.CosineDecay(1e-2, decay_steps=5)
optimizer = keras.optimizers.AdamW(
    rate,
    weight_decay=0.1,
    # Added before the correction, which is √(1 - β₂) at the first step.
    epsilon=3e-10,
    global_clipnorm=0.5,
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer, loss)


def step(images: np.ndarray, labels: np.ndarray) -> float:
    """Move the weights once; the loss before."""
    model.reset_metrics()  # the loss would be a mean over all steps so far
    return float(model.train_on_batch(images, labels))
