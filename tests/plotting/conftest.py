import matplotlib as mpl
import pytest

from course_lib.plotting.style import use_book_style
from tests.networks import batch, model, other  # noqa: F401


@pytest.fixture(autouse=True)
def book_style():
    with mpl.rc_context():
        mpl.use("Agg")
        use_book_style()
        yield
