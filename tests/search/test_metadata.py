"""Sample weights, groups and other metadata reach those who ask for them."""

import joblib
import numpy as np
import pytest
import sklearn
from _estimators import SEARCHES, Dial, Log
from sklearn.base import BaseEstimator
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

N = 12
X = np.arange(N)[:, None] + np.zeros((N, 2))
Y = np.arange(N) % 2
WEIGHTS = np.arange(N) + 100.0
GROUPS = np.repeat([0, 1, 2, 3], 3)


class Weighted(Dial):
    """Writes down weights and a colour."""

    def fit(self, X, y=None, sample_weight=None, colour=None):
        """Write down what is passed."""
        return super().fit(X, y, sample_weight=sample_weight, colour=colour)

    def score(self, X, y=None, sample_weight=None):
        """Return what the parameters say."""
        return super().score(X, y)


@pytest.fixture(params=SEARCHES, ids=lambda cls: cls.__name__)
def cls(request):
    return request.param


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def enabled():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def check_weights(log, weights=WEIGHTS):
    """Each fit got the weights of its own samples, which the first column numbers."""
    assert log
    for call in log:
        np.testing.assert_array_equal(call["sample_weight"], weights[call["X"][:, 0].astype(int)])


def asking(log):
    requests = Weighted(log=log).set_fit_request(sample_weight=True)
    return requests.set_score_request(sample_weight=False)


def recording_score(log):
    def score(y_true, y_pred, sample_weight=None):
        log.append(sample_weight)
        return float(len(log))

    return make_scorer(score)


class TestWithoutRouting:
    def test_weights_go_to_the_estimator(self, cls, log):
        cls(Weighted(log=log), {"a": [1, 2]}, cv=3).fit(X, Y, sample_weight=WEIGHTS)
        check_weights(log)
        assert len(log) == 2 * 3 + 1
        assert len(log[-1]["X"]) == N

    def test_lists_are_cut_as_well(self, cls, log):
        cls(Weighted(log=log), {"a": [1, 2]}, cv=3).fit(X, Y, sample_weight=WEIGHTS.tolist())
        check_weights(log)

    def test_other_values_pass_whole(self, cls, log):
        cls(Weighted(log=log), {"a": [1, 2]}, cv=3).fit(X, Y, colour="red")
        assert {call["colour"] for call in log} == {"red"}

    def test_groups_go_to_the_splitter(self, cls, log):
        made = cls(Weighted(log=log), {"a": [1, 2]}, cv=GroupKFold(4))
        made.fit(X, Y, groups=GROUPS, sample_weight=WEIGHTS)
        check_weights(log)
        assert [len(set(GROUPS[call["X"][:, 0].astype(int)])) for call in log] == [3] * 8 + [4]

    def test_groups_of_none(self, cls, log):
        cls(Weighted(log=log), {"a": [1]}, cv=KFold(2)).fit(X, Y, groups=None)
        assert "groups" not in log[0]

    def test_what_a_splitter_needs_is_missed_before_any_fit(self, cls, log):
        with pytest.raises(ValueError, match="'groups' parameter"):
            cls(Weighted(log=log), {"a": [1, 2]}, cv=GroupKFold(2)).fit(X, Y)
        assert not log

    def test_scores_as_in_grid_search(self, cls):
        y = np.sin(X[:, 0])
        results = [
            made.fit(X, y, sample_weight=WEIGHTS).cv_results_["mean_test_score"]
            for made in (
                cls(Ridge(), {"alpha": [0.1, 9.0]}, cv=3),
                GridSearchCV(Ridge(), {"alpha": [0.1, 9.0]}, cv=3),
            )
        ]
        np.testing.assert_array_equal(*results)

    def test_score_takes_nothing(self, cls):
        made = cls(Weighted(), {"a": [1]}, cv=2).fit(X, Y)
        with pytest.raises(ValueError, match="enable_metadata_routing"):
            made.score(X, Y, sample_weight=WEIGHTS)

    def test_no_length_that_does_not_fit(self, cls):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            cls(Weighted(), {"a": [1]}, cv=2).fit(X, Y[:-1])


@pytest.mark.usefixtures("enabled")
class TestWithRouting:
    def test_what_is_requested_arrives(self, cls, log):
        scores = []
        scorer = recording_score(scores).set_score_request(sample_weight="area")
        estimator = Weighted(log=log).set_fit_request(sample_weight="area", colour=True)
        made = cls(estimator, {"a": [1, 2]}, scoring=scorer, cv=GroupKFold(2))
        made.fit(X, Y, area=WEIGHTS, colour="red", groups=GROUPS)
        check_weights(log)
        assert {call["colour"] for call in log} == {"red"}
        assert sorted(np.concatenate(scores[:2])) == WEIGHTS.tolist()
        made.score(X, Y, area=WEIGHTS)
        assert scores[-1].tolist() == WEIGHTS.tolist()

    def test_several_scorers_and_train_scores(self, cls):
        with_weights, without = [], []
        scoring = {
            "with": recording_score(with_weights).set_score_request(sample_weight=True),
            "without": recording_score(without).set_score_request(sample_weight=False),
        }
        made = cls(
            Weighted().set_fit_request(sample_weight=False),
            {"a": [1]},
            scoring=scoring,
            refit=False,
            cv=2,
            return_train_score=True,
        )
        made.fit(X, Y, sample_weight=WEIGHTS)
        assert {len(part) for part in with_weights} == {N // 2}
        assert sorted(np.concatenate(with_weights[:2])) == WEIGHTS.tolist()
        assert without == [None] * 4

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_through_a_pipeline_in_threads(self, cls, log, n_jobs):
        scale = StandardScaler(with_mean=False, with_std=False).set_fit_request(sample_weight=False)
        made = cls(
            make_pipeline(scale, asking(log)),
            {"weighted__a": [1, 2]},
            scoring=recording_score([]).set_score_request(sample_weight=False),
            cv=2,
        )
        with joblib.parallel_config("threading", n_jobs=n_jobs):
            made.fit(X, Y, sample_weight=WEIGHTS)
        check_weights(log)
        assert made.history_.n_failed == 0

    def test_through_two_searches(self, cls, log):
        estimator = asking(log)
        inner = cls(estimator, {"a": [1, 2]}, cv=2)
        cls(inner, {"n_iter": [2]}, cv=2).fit(X, Y, sample_weight=WEIGHTS)
        check_weights(log)

    def test_what_nobody_decided_on_is_an_error_before_any_fit(self, cls, log):
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            cls(Weighted(log=log), {"a": [1]}, cv=2).fit(X, Y, sample_weight=WEIGHTS)
        assert not log

    def test_what_nobody_knows_is_an_error_before_any_fit(self, cls, log):
        with pytest.raises(TypeError, match="colours"):
            cls(Weighted(log=log), {"a": [1]}, cv=2).fit(X, Y, colours="red")
        assert not log

    def test_an_ordinary_splitter_gets_no_groups(self, cls, log):
        cls(Weighted(log=log), {"a": [1]}, cv=KFold(2)).fit(X, Y)
        assert len(log) == 3

    def test_routing_is_that_of_grid_search(self, cls):
        estimator = Weighted().set_fit_request(sample_weight=True)
        scorer = recording_score([]).set_score_request(sample_weight=True)
        routing = [
            str(made.get_metadata_routing()).replace(type(made).__name__, "Search")
            for made in (
                cls(estimator, {}, scoring=scorer, cv=GroupKFold(2)),
                GridSearchCV(estimator, {}, scoring=scorer, cv=GroupKFold(2)),
            )
        ]
        assert without_addresses(routing[0]) == without_addresses(routing[1])


def without_addresses(text):
    return [word for word in text.split() if "0x" not in word and "param" not in word]


class SeesConfig(BaseEstimator):
    """Scores 1 where the configuration of the caller holds."""

    def __init__(self, a=0):
        self.a = a

    def fit(self, X, y=None):
        """Look at the configuration."""
        self.seen_ = sklearn.get_config()["assume_finite"]
        return self

    def score(self, X, y=None):
        """Whether it held in fit and holds here."""
        return float(self.seen_ and sklearn.get_config()["assume_finite"])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_configuration_holds_in_threads(cls, n_jobs):
    threads = joblib.parallel_config("threading", n_jobs=n_jobs)
    with sklearn.config_context(assume_finite=True), threads:
        made = cls(SeesConfig(), {"a": [1, 2, 3]}, cv=2).fit(X, Y)
    assert made.cv_results_["mean_test_score"].tolist() == [1.0] * 3
