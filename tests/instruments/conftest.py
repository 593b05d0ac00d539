from tests.networks import batch, model, other  # noqa: F401
