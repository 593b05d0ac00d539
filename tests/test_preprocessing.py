"""Preprocessing: fitted on the training data, applied to all."""

import copy
import math
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.preprocessing import PCA, ZCA, MeanSubtraction, Rescale, Standardize

METHODS = {
    "rescale": lambda: Rescale(-1, 2),
    "rescale, one range": lambda: Rescale(per_feature=False),
    "mean": lambda: MeanSubtraction(),
    "mean, one for all": lambda: MeanSubtraction(per_feature=False),
    "standardize": lambda: Standardize(),
    "standardize, one for all": lambda: Standardize(per_feature=False),
    "standardize, epsilon": lambda: Standardize(eps=0.1),
    "PCA": lambda: PCA(),
    "PCA whitening": lambda: PCA(whiten=True),
    "PCA whitening, epsilon": lambda: PCA(whiten=True, eps=0.1),
    "ZCA": lambda: ZCA(),
    "ZCA, epsilon": lambda: ZCA(eps=0.1),
}
EVERY_METHOD = pytest.mark.parametrize("method", METHODS)
PRECISIONS = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)]
)


def correlated(n=500, d=6, device="cpu", dtype=torch.float64, seed=0):
    """Data whose features have different means, sizes and much in common."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=generator, dtype=torch.float64)
    mix = torch.randn(d, d, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    size = torch.logspace(-1, 1, d, dtype=torch.float64)
    return (x @ mix * size + 3 * size).to(device, dtype)


def covariance(z):
    return torch.cov(z.T.double(), correction=0)


def eye_like(z):
    return torch.eye(z.shape[1], dtype=torch.float64, device=z.device)


@PRECISIONS
@EVERY_METHOD
def test_inverse_undoes_transform(method, dtype, tolerance, device):
    train, test = (correlated(device=device, dtype=dtype, seed=seed) for seed in (0, 1))
    before = train.clone(), test.clone()
    fitted = METHODS[method]().fit(train)
    z = fitted.transform(test)
    torch.testing.assert_close(fitted.inverse(z), test, rtol=10 * tolerance, atol=10 * tolerance)
    assert z.dtype == dtype and z.device == test.device
    assert torch.equal(train, before[0]) and torch.equal(test, before[1])


@EVERY_METHOD
def test_statistics_come_from_the_training_data_alone(method):
    train, test = correlated(seed=0), correlated(seed=1)
    fitted = METHODS[method]().fit(train)
    z = fitted.transform(test[:5])
    # what else is transformed, before or together with it, does not matter
    fitted.transform(100 * test)
    torch.testing.assert_close(fitted.transform(torch.cat([test, -test]))[:5], z)
    torch.testing.assert_close(METHODS[method]().fit(train.clone()).transform(test[:5]), z)
    assert not torch.allclose(METHODS[method]().fit(test).transform(test[:5]), z)


@EVERY_METHOD
def test_every_method_is_affine(method):
    fitted, x, y = METHODS[method]().fit(correlated()), correlated(seed=1), correlated(seed=2)
    torch.testing.assert_close(
        fitted.transform(0.3 * x + 0.7 * y), 0.3 * fitted.transform(x) + 0.7 * fitted.transform(y)
    )


@given(
    low=st.floats(-5, 5), width=st.floats(0.1, 10), per_feature=st.booleans(), seed=st.integers(0)
)
def test_rescale_fills_its_range(low, width, per_feature, seed):
    x = correlated(20, seed=seed % 2**31) * (-1) ** (seed % 2)
    z = Rescale(low, low + width, per_feature).fit(x).transform(x)
    dims = (0,) if per_feature else (0, 1)
    for extreme, value in ((z.amin(dims), low), (z.amax(dims), low + width)):
        torch.testing.assert_close(extreme, torch.full_like(extreme, value))


def test_rescale_with_one_range_keeps_the_features_apart():
    x = torch.tensor([[0.0, -4.0], [2.0, 6.0]])
    z = Rescale(per_feature=False).fit(x).transform(x)
    torch.testing.assert_close(z, torch.tensor([[0.4, 0.0], [0.6, 1.0]]))


def test_rescale_turns_bytes_into_the_unit_interval():
    x = torch.arange(256.0).reshape(-1, 1)
    torch.testing.assert_close(Rescale().fit(x).transform(x), x / 255)


@PRECISIONS
def test_means_become_zero(dtype, tolerance, device):
    x = correlated(device=device, dtype=dtype)
    z = MeanSubtraction().fit(x).transform(x)
    assert z.mean(0).abs().max() < 100 * tolerance
    torch.testing.assert_close(z, x - x.mean(0))
    one = MeanSubtraction(per_feature=False).fit(x).transform(x)
    torch.testing.assert_close(one, x - x.mean())


@PRECISIONS
def test_standardized_data_has_mean_zero_and_variance_one(dtype, tolerance, device):
    x = correlated(device=device, dtype=dtype)
    z = Standardize().fit(x).transform(x)
    assert z.mean(0).abs().max() < 10 * tolerance
    torch.testing.assert_close(z.var(0, correction=0), torch.ones_like(z[0]))
    one = Standardize(per_feature=False).fit(x).transform(x)
    assert one.mean().item() == pytest.approx(0, abs=10 * tolerance)
    assert one.var(correction=0).item() == pytest.approx(1, rel=1e-4)


def test_standardizing_images_with_one_mean_and_one_deviation(data):
    images = data.train.images
    fitted = Standardize(per_feature=False).fit(images)
    assert fitted.mean.item() == pytest.approx(images.mean().item())
    assert fitted.std.item() == pytest.approx(images.std(correction=0).item(), rel=1e-5)
    assert fitted.transform(images).shape == images.shape


def test_epsilon_is_added_to_the_variance():
    x = torch.tensor([[0.0, 5.0], [2.0, 5.0]])
    z = Standardize(eps=3.0).fit(x).transform(x)
    assert z.tolist() == [[-0.5, 0], [0.5, 0]]


@PRECISIONS
@pytest.mark.parametrize("make", [lambda: PCA(whiten=True), ZCA], ids=["PCA", "ZCA"])
def test_whitened_data_has_the_identity_as_covariance(make, dtype, tolerance, device):
    x = correlated(device=device, dtype=dtype)
    z = make().fit(x).transform(x)
    torch.testing.assert_close(covariance(z), eye_like(z), rtol=0, atol=10 * tolerance)
    assert z.mean(0).abs().max() < 100 * tolerance


@pytest.mark.parametrize("eps", [0.1, 10.0])
@pytest.mark.parametrize("make", [lambda eps: PCA(whiten=True, eps=eps), ZCA], ids=["PCA", "ZCA"])
def test_epsilon_holds_down_directions_with_little_variance(make, eps):
    x = correlated()
    z = make(eps).fit(x).transform(x)
    variances = torch.linalg.eigvalsh(covariance(x))
    torch.testing.assert_close(torch.linalg.eigvalsh(covariance(z)), variances / (variances + eps))


def test_pca_sorts_uncorrelated_directions_by_variance(device):
    x = correlated(device=device)
    pca = PCA().fit(x)
    found = covariance(pca.transform(x))
    torch.testing.assert_close(found, pca.variance.diag(), rtol=1e-9, atol=1e-9)
    assert (pca.variance.diff() < 0).all()
    torch.testing.assert_close(pca.U.T @ pca.U, eye_like(x))
    torch.testing.assert_close(pca.variance.sum(), x.var(0, correction=0).sum())


def test_pca_keeps_the_components_that_describe_most(device):
    x = correlated(device=device)
    pca = PCA(components=2).fit(x)
    z = pca.transform(x)
    assert z.shape == (500, 2)
    lost = (pca.inverse(z) - x).square().sum(1).mean()
    torch.testing.assert_close(lost, PCA().fit(x).variance[2:].sum())
    torch.testing.assert_close(z, PCA().fit(x).transform(x)[:, :2])
    assert PCA(2, whiten=True).fit(x).transform(x).var(0, correction=0).tolist() == pytest.approx(
        [1, 1]
    )


def test_pca_ignores_the_directions_that_it_drops():
    x = correlated()
    twice = torch.cat([x, x], 1)  # half of the directions have no variance
    z = PCA(components=6, whiten=True).fit(twice).transform(twice)
    torch.testing.assert_close(covariance(z), eye_like(z))


def test_zca_matrix_is_symmetric_and_changes_the_data_least(device):
    x = correlated(device=device)
    zca = ZCA().fit(x)
    torch.testing.assert_close(zca.W, zca.W.T)
    assert (torch.linalg.eigvalsh(zca.W) > 0).all()

    centered = x - x.mean(0)
    pca = PCA(whiten=True).fit(x).transform(x)
    rotation = torch.linalg.qr(correlated(6, 6, device=device, seed=5)).Q
    for other in (pca, pca @ rotation):  # both white as well
        assert (zca.transform(x) - centered).norm() < (other - centered).norm()


def test_zca_keeps_the_shape_of_images(data):
    images = data.train.images
    zca = ZCA(eps=0.01).fit(images)
    z = zca.transform(images)
    assert z.shape == images.shape
    torch.testing.assert_close(zca.inverse(z), images, rtol=1e-3, atol=1e-3)
    assert PCA(10).fit(images).transform(images).shape == (len(images), 10)


@pytest.mark.parametrize("make", [Rescale, Standardize], ids=lambda make: make.__name__)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_constant_features_are_refused(make, value):
    x = correlated(dtype=torch.float32)
    x[:, 2] = value
    with pytest.raises(ValueError, match="1 of 6 features are constant in the training data"):
        make().fit(x)
    assert make(per_feature=False).fit(x).transform(x).isfinite().all()


def test_constant_features_become_zero_with_an_epsilon():
    x = correlated()
    x[:, 2] = 7.0
    z = Standardize(eps=1e-5).fit(x).transform(x)
    assert (z[:, 2] == 0).all() and z.isfinite().all()


@pytest.mark.parametrize("make", [lambda **k: PCA(whiten=True, **k), ZCA], ids=["PCA", "ZCA"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["repeated feature", "constant feature", "few examples"])
def test_a_singular_covariance_is_refused_without_an_epsilon(make, dtype, kind):
    x = correlated(dtype=dtype)
    x = {
        "repeated feature": torch.cat([x, 2 * x[:, :1]], 1),
        "constant feature": torch.cat([x, torch.full_like(x[:, :1], 0.1)], 1),
        "few examples": x[:5],
    }[kind]
    with pytest.raises(ValueError, match=r"covariance is singular: along \d of \d directions"):
        make().fit(x)
    assert make(eps=1e-5).fit(x).transform(x).isfinite().all()


@EVERY_METHOD
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.zeros(0, 3), ValueError, r"shape \(0, 3\): pass one row for each example"),
        (torch.zeros(3), ValueError, r"shape \(3,\): pass one row"),
        (torch.tensor([[1.0, math.nan], [0.0, 1.0]]), ValueError, "NaN or infinite"),
        (torch.tensor([[1.0, math.inf], [0.0, 1.0]]), ValueError, "NaN or infinite"),
        (torch.zeros(3, 3, dtype=torch.uint8), TypeError, "torch.uint8: convert it first"),
    ],
)
def test_data_that_cannot_be_fitted_is_refused(method, x, error, message):
    with pytest.raises(error, match=message):
        METHODS[method]().fit(x)


@EVERY_METHOD
@pytest.mark.parametrize("call", ["transform", "inverse"])
def test_fit_comes_first(method, call):
    with pytest.raises(AttributeError, match="call fit with the training data first"):
        getattr(METHODS[method](), call)(torch.ones(2, 6))


@EVERY_METHOD
def test_fitted_objects_can_be_copied_and_saved(method):
    fitted, x = METHODS[method]().fit(correlated()), correlated(seed=1)
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert torch.equal(other.transform(x), fitted.transform(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rescale(1, 1), "pass a lower low"),
        (lambda: Rescale(0, math.nan), "high is nan"),
        (lambda: Standardize(eps=-1.0), "Invalid eps: -1.0"),
        (lambda: PCA(eps=math.nan), "Invalid eps: nan"),
        (lambda: ZCA(eps=-1.0), "Invalid eps: -1.0"),
        (lambda: PCA(components=0), "Invalid components: 0"),
        (lambda: PCA(components=7).fit(correlated()), "components is 7 and the data has 6"),
    ],
)
def test_bad_arguments_are_told(make, message):
    with pytest.raises(ValueError, match=message):
        make()
