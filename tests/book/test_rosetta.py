"""The training step of each library moves the same weights to the same place."""

import importlib
import importlib.util
import inspect
import pkgutil
import re

import pytest
import torch

from course_lib.evidence.sources import BOOK

STEPS = 5
ROSETTA = BOOK / "rosetta"


def turned(value):
    """A matrix the other way round: torch has a column for each input, the others a row."""
    return value.T if value.ndim == 2 else value


def imported(name):
    spec = importlib.util.spec_from_file_location(f"rosetta_{name}", ROSETTA / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_torch(name, start, batches):
    module = imported(name)
    with torch.no_grad():
        for parameter, value in zip(module.model.parameters(), start, strict=True):
            parameter.copy_(value)
    losses = [module.step(images, labels) for images, labels in batches]
    return [p.detach() for p in module.model.parameters()], losses


def of_keras(name, start, batches):
    module = imported(name)
    module.model.set_weights([turned(value).numpy() for value in start])
    losses = [module.step(images.numpy(), labels.numpy()) for images, labels in batches]
    return [turned(torch.tensor(value)) for value in module.model.get_weights()], losses


def of_optax(name, start, batches):
    module = imported(name)
    w = {k: turned(v).numpy() for k, v in zip(("W1", "b1", "W2", "b2"), start, strict=True)}
    state, losses = module.optimizer.init(w), []
    for images, labels in batches:
        w, state, loss = module.step(w, state, images.numpy(), labels.numpy())
        losses.append(float(loss))
    return [turned(torch.tensor(w[k].tolist())) for k in ("W1", "b1", "W2", "b2")], losses


RUNS = {"pytorch": of_torch, "keras_3": of_keras, "optax_jax": of_optax}


@pytest.fixture
def keras_on_torch(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))  # it writes its settings there


@pytest.fixture
def in_float64(keras_on_torch):
    """In float32 Adam divides the rounding of a small gradient by that gradient's size."""
    import jax
    import keras

    torch.set_default_dtype(torch.float64)
    keras.config.set_floatx("float64")
    with jax.enable_x64(True):
        yield
    keras.config.set_floatx("float32")
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def start_and_batches(in_float64):
    rng = torch.Generator().manual_seed(0)

    def randn(*shape):
        return torch.randn(shape, generator=rng)

    start = [randn(20, 49) / 7, randn(20) / 10, randn(10, 20) / 4, randn(10) / 10]
    labels = torch.randint(10, (STEPS, 50), generator=rng)
    return start, list(zip(randn(STEPS, 50, 49), labels))


@pytest.fixture
def by_the_course(start_and_batches):
    return of_torch("course", *start_and_batches)


@pytest.mark.slow  # Keras and JAX take seconds to import
@pytest.mark.parametrize("name", RUNS)
def test_five_steps_end_where_the_course_ends(name, start_and_batches, by_the_course):
    (start, batches), (right, right_losses) = start_and_batches, by_the_course
    found, losses = RUNS[name](name, start, batches)
    assert losses == pytest.approx(right_losses, abs=1e-5)
    for w, ours, before in zip(found, right, start, strict=True):
        torch.testing.assert_close(w, ours, rtol=0, atol=1e-6)
        assert (ours - before).abs().max() > 1e-2


PAGE = (BOOK / "reference" / "rosetta.md").read_text("utf-8")
LIBRARIES = ("torch.optim", "keras.optimizers", "optax", "course_lib.optim")


def methods():
    """Each line of code in the tables of methods, with the library of its column."""
    for table in re.split(r"\n\n", PAGE):
        if "`course_lib.optim`" not in table.partition("\n")[0]:
            continue
        for row in table.splitlines()[2:]:
            for library, cell in zip(LIBRARIES, row.split("|")[2:-1], strict=True):
                if "` of `" not in cell:  # it is in another package
                    yield from (
                        (library, code) for code in re.findall(r"`(\w[\w.]*\(.+?\))`", cell)
                    )


@pytest.mark.slow
@pytest.mark.parametrize("library, code", list(methods()))
def test_a_line_of_the_tables_makes_an_optimizer(library, code, keras_on_torch):
    weights = {"params": [torch.nn.Parameter(torch.ones(2, 2))]}
    weights["matrices"] = weights["params"]
    begun = "params, lr=0.1" if library == "torch.optim" else "0.1"
    code = code.replace("...", f"{begun}, momentum=0.9")
    namespace = vars(importlib.import_module(library))
    assert eval(code, dict(namespace), weights)


def test_the_tables_are_read():
    assert len(list(methods())) > 50


SAID = [
    ("torch.optim:Adadelta", "lr", 1.0),
    ("keras.optimizers:Adadelta", "learning_rate", 0.001),
    ("torch.optim:RMSprop", "lr", 0.01),
    ("keras.optimizers:RMSprop", "learning_rate", 0.001),
    ("torch.optim:Adagrad", "lr", 0.01),
    ("keras.optimizers:Adagrad", "learning_rate", 0.001),
    ("torch.optim:Adagrad", "initial_accumulator_value", 0),
    ("keras.optimizers:Adagrad", "initial_accumulator_value", 0.1),
    ("optax:adagrad", "initial_accumulator_value", 0.1),
    ("torch.optim:RMSprop", "alpha", 0.99),
    ("keras.optimizers:RMSprop", "rho", 0.9),
    ("optax:rmsprop", "decay", 0.9),
    ("torch.optim:Adadelta", "rho", 0.9),
    ("optax:adadelta", "rho", 0.9),
    ("keras.optimizers:Adadelta", "rho", 0.95),
    ("torch.optim:NAdam", "momentum_decay", 0.004),
    ("torch.optim:Adam", "eps", 1e-8),
    ("optax:adam", "eps", 1e-8),
    ("keras.optimizers:Adam", "epsilon", 1e-7),
    ("torch.optim:AdamW", "weight_decay", 0.01),
    ("keras.optimizers:AdamW", "weight_decay", 0.004),
    ("optax:adamw", "weight_decay", 0.0001),
    ("torch.nn:BatchNorm1d", "momentum", 0.1),
    ("keras.layers:BatchNormalization", "momentum", 0.99),
]


@pytest.mark.slow
@pytest.mark.parametrize("where, argument, default", SAID)
def test_a_default_is_what_the_page_says(where, argument, default, keras_on_torch):
    function = pkgutil.resolve_name(where)
    assert inspect.signature(function).parameters[argument].default == default
