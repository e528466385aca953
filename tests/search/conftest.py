"""Small data, and one thread for linear algebra."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def data():
    """Return 60 samples of 5 features in 2 classes; read-only, as nobody may change them."""
    X, y = make_classification(60, n_features=5, flip_y=0.2, random_state=0)
    X.flags.writeable = y.flags.writeable = False
    return X, y


@pytest.fixture(scope="session")
def three_classes():
    """Return 60 samples of 3 features in 3 classes."""
    X, y = make_classification(
        60, n_features=3, n_redundant=0, n_classes=3, n_clusters_per_class=1, random_state=0
    )
    return X, np.array(["low", "middle", "high"])[y]
