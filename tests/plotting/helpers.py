from contextlib import contextmanager

import torch


@contextmanager
def left_as_it_was(model):
    def seen():
        return {
            **{f"value of {name}": value.clone() for name, value in model.state_dict().items()},
            **{f"gradient of {name}": w.grad for name, w in model.named_parameters()},
            **{f"mode of {name}": module.training for name, module in model.named_modules()},
            **{f"hooks of {n}": len(m._forward_hooks) for n, m in model.named_modules()},
            "random state": torch.get_rng_state(),
            "random state on the GPU": (
                torch.cuda.get_rng_state() if torch.cuda.is_available() else None
            ),
        }

    before = seen()
    gradients = {k: g.clone() for k, g in before.items() if k.startswith("grad") and g is not None}
    yield
    after = seen()
    for name, value in {**before, **gradients}.items():
        same = torch.equal(after[name], value) if torch.is_tensor(value) else after[name] == value
        assert same, f"the {name} changed"


def assert_readable(fig, panels):
    """Every panel has labels on its axes, its own or the figure's, and the figure can be saved."""
    assert len(fig.axes) == panels
    for ax in fig.axes:
        assert ax.get_xlabel() or fig.get_supxlabel() or ax.get_label() == "<colorbar>"
        assert ax.get_ylabel() or fig.get_supylabel()
    fig.canvas.draw()
