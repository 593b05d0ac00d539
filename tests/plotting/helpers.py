def assert_readable(fig, panels):
    """Every panel has labels on its axes, its own or the figure's, and the figure can be saved."""
    assert len(fig.axes) == panels
    for ax in fig.axes:
        assert ax.get_xlabel() or fig.get_supxlabel() or ax.get_label() == "<colorbar>"
        assert ax.get_ylabel() or fig.get_supylabel()
    fig.canvas.draw()
