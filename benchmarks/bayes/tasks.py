"""The tasks: an estimator, a space, data, and what the task is for.

``CHOOSING`` tasks are for choosing settings of skhpo. ``REPORTED`` tasks are for the tables only:
whoever changes the optimiser looks at their aggregate and never at one of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from spaces import Choice, Int, Ordinal, Real, Space


@dataclass(frozen=True)
class Task:
    """A cross-validated pipeline to tune."""

    name: str
    make: Callable  # () -> Pipeline of what `space` does not choose
    space: Space
    data: Callable  # () -> X, y, or X, y, X_held, y_held
    scoring: str = "accuracy"
    n_rows: int = 450
    noisy: bool = (
        False  # small data with a held-out score; seeds differ from candidate to candidate
    )

    @property
    def kind(self):
        """Whether the space is a dict or a list of them."""
        return "conditional" if self.space.is_conditional else "flat"

    def build(self, params, seed=0):
        """The estimator with parameters; a string that names a step stands for the step."""
        steps = {k: _step(v) for k, v in params.items() if "__" not in k and k in _STEP_NAMES}
        rest = {k: v for k, v in params.items() if k not in steps}
        estimator = self.make().set_params(**steps).set_params(**rest)
        seeds = [k for k in estimator.get_params() if k.endswith("random_state")]
        return estimator.set_params(**dict.fromkeys(seeds, seed))

    def own_params(self):
        """What the estimator has before anybody tunes it: the defaults of scikit-learn."""
        constants = self.space.constants(0)
        steps = {k: v for k, v in constants.items() if k in _STEP_NAMES}
        firsts = {
            c.name: c.parameter.values[0]
            for c in self.space.columns
            if c.name in _STEP_NAMES and 0 in c.branches
        }
        params = self.build({**firsts, **steps}).get_params()
        own = {k: params[k] for k in self.space.names if k in params}
        return {**own, **firsts, **steps}


_STEP_NAMES = ("scale", "reduce", "model")


def _step(name):
    from sklearn import (
        decomposition,
        discriminant_analysis,
        ensemble,
        feature_selection,
        kernel_approximation,
        kernel_ridge,
        linear_model,
        naive_bayes,
        neighbors,
        neural_network,
        preprocessing,
        svm,
        tree,
    )

    return {
        "none": lambda: "passthrough",
        "standard": preprocessing.StandardScaler,
        "minmax": preprocessing.MinMaxScaler,
        "robust": preprocessing.RobustScaler,
        "quantile": lambda: preprocessing.QuantileTransformer(n_quantiles=50),
        "pca": decomposition.PCA,
        "nystroem": kernel_approximation.Nystroem,
        "kbest": feature_selection.SelectKBest,
        "kbest_r": lambda: feature_selection.SelectKBest(feature_selection.f_regression),
        "svc": lambda: svm.SVC(max_iter=4000),
        "svr": lambda: svm.SVR(max_iter=4000),
        "knn": neighbors.KNeighborsClassifier,
        "knn_r": neighbors.KNeighborsRegressor,
        "logreg": lambda: linear_model.LogisticRegression(max_iter=100),
        "saga": lambda: linear_model.LogisticRegression(solver="saga", max_iter=40),
        "elastic": lambda: linear_model.ElasticNet(max_iter=300),
        "ridge": linear_model.Ridge,
        "kernel_ridge": kernel_ridge.KernelRidge,
        "sgd": lambda: linear_model.SGDClassifier(max_iter=25, tol=None),
        "tree": tree.DecisionTreeClassifier,
        "tree_r": tree.DecisionTreeRegressor,
        "forest": ensemble.RandomForestClassifier,
        "extra": ensemble.ExtraTreesClassifier,
        "extra_r": ensemble.ExtraTreesRegressor,
        "gb": ensemble.GradientBoostingClassifier,
        "gb_r": ensemble.GradientBoostingRegressor,
        "hgb": lambda: ensemble.HistGradientBoostingClassifier(early_stopping=False),
        "hgb_r": lambda: ensemble.HistGradientBoostingRegressor(early_stopping=False),
        "ada": ensemble.AdaBoostClassifier,
        "mlp": lambda: neural_network.MLPClassifier(max_iter=12),
        "mlp_r": lambda: neural_network.MLPRegressor(max_iter=15),
        "qda": discriminant_analysis.QuadraticDiscriminantAnalysis,
        "nb": naive_bayes.GaussianNB,
    }[name]()


def pipeline(model, scale="none", reduce="none"):
    """A maker of a pipeline scale, reduce, model."""

    def make():
        from sklearn.pipeline import Pipeline

        steps = zip(_STEP_NAMES, (scale, reduce, model), strict=True)
        return Pipeline([(k, _step(v)) for k, v in steps])

    return make


def bundled(name, n, seed):
    """The first n rows of a shuffled dataset that scikit-learn brings along."""

    def load():
        from sklearn import datasets

        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        rows = np.random.default_rng(seed).permutation(len(y))[:n]
        return X[rows], y[rows]

    return load


def generated(name, n, seed, **options):
    """A generated dataset."""

    def load():
        from sklearn import datasets

        return getattr(datasets, f"make_{name}")(n_samples=n, random_state=seed, **options)

    return load


def small(seed, **options):
    """Classification with 200 samples to learn from, and 1,500 held out for the true score."""

    def load():
        X, y = generated("classification", 1700, seed, **options)()
        return X[:200], y[:200], X[200:], y[200:]

    return load


def _model(**space):
    return {f"model__{name}": parameter for name, parameter in space.items()}


log = functools.partial(Real, log=True)
WEIGHT = Choice(None, "balanced")

SVC = _model(
    C=log(1e-3, 1e4),
    gamma=log(1e-6, 1e1),
    kernel=Choice("rbf", "poly", "sigmoid"),
    degree=Int(2, 5),
    coef0=Real(-1, 1),
    class_weight=WEIGHT,
)
SVM_KERNELS = Space(
    _model(kernel="rbf", C=log(1e-3, 1e4), gamma=log(1e-6, 1e1)),
    _model(kernel="linear", C=log(1e-4, 1e3)),
    _model(
        kernel="poly", C=log(1e-3, 1e4), gamma=log(1e-6, 1e1), degree=Int(2, 6), coef0=Real(-1, 1)
    ),
    _model(kernel="sigmoid", C=log(1e-3, 1e4), gamma=log(1e-6, 1e1), coef0=Real(-1, 1)),
)
SVR = _model(
    C=log(1e-3, 1e4),
    gamma=log(1e-5, 1e1),
    epsilon=log(1e-4, 1e1),
    kernel=Choice("rbf", "poly", "sigmoid"),
)
KNN = _model(
    n_neighbors=Int(1, 60),
    weights=Choice("uniform", "distance"),
    metric=Choice("minkowski", "cosine", "chebyshev", "canberra", "braycurtis"),
    p=Real(1, 4),
)
SAGA = _model(
    C=log(1e-5, 1e4),
    l1_ratio=Real(0, 1),
    class_weight=WEIGHT,
    fit_intercept=Choice(True, False),
    tol=log(1e-5, 1e-1),
)
HGB = _model(
    learning_rate=log(1e-3, 1),
    max_leaf_nodes=Int(2, 48),
    min_samples_leaf=Int(1, 80),
    l2_regularization=log(1e-10, 1e1),
    max_features=Real(0.1, 1),
    max_depth=Ordinal(None, 2, 3, 5, 8),
    max_iter=Int(5, 35),
)
FOREST = _model(
    n_estimators=Int(4, 24),
    max_depth=Ordinal(None, 2, 4, 6, 10, 15),
    min_samples_leaf=Int(1, 30),
    max_features=Real(0.05, 1),
    criterion=Choice("gini", "entropy", "log_loss"),
    bootstrap=Choice(True, False),
    class_weight=WEIGHT,
    ccp_alpha=log(1e-6, 1e-1),
)
MLP = _model(
    alpha=log(1e-7, 1e2),
    learning_rate_init=log(1e-4, 1),
    batch_size=Ordinal(16, 32, 64, 128),
    activation=Choice("relu", "tanh", "logistic", "identity"),
    hidden_layer_sizes=Choice((8,), (16,), (32,), (64,), (16, 16), (32, 32)),
    beta_1=Real(0.5, 0.999),
    solver=Choice("adam", "sgd"),
)
GB = _model(
    learning_rate=log(1e-3, 1),
    n_estimators=Int(5, 50),
    max_depth=Int(1, 7),
    subsample=Real(0.3, 1),
    min_samples_leaf=Int(1, 40),
    max_features=Real(0.1, 1),
)
SGD = _model(
    loss=Choice("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron"),
    penalty=Choice("l2", "l1", "elasticnet"),
    alpha=log(1e-7, 1e1),
    l1_ratio=Real(0, 1),
    learning_rate=Choice("optimal", "constant", "invscaling", "adaptive"),
    eta0=log(1e-4, 1e1),
    power_t=Real(0.1, 0.9),
    average=Choice(True, False),
)
TREE = _model(
    max_depth=Ordinal(None, 2, 3, 4, 6, 8, 12),
    min_samples_split=Int(2, 60),
    min_samples_leaf=Int(1, 40),
    max_features=Real(0.1, 1),
    ccp_alpha=log(1e-6, 1e-1),
    splitter=Choice("best", "random"),
    min_impurity_decrease=log(1e-7, 1e-1),
)
SCALE = Choice("standard", "none", "minmax", "robust")
MODELS = Space(
    {
        "scale": SCALE,
        "reduce": "pca",
        "reduce__n_components": Int(2, 15),
        "model": "svc",
        **_model(C=log(1e-3, 1e4), gamma=log(1e-6, 1e1)),
    },
    {
        "scale": SCALE,
        "reduce": "kbest",
        "reduce__k": Int(2, 15),
        "model": "knn",
        **_model(n_neighbors=Int(1, 50), weights=Choice("uniform", "distance"), p=Real(1, 4)),
    },
    {
        "scale": SCALE,
        "reduce": "pca",
        "reduce__n_components": Int(2, 15),
        "model": "logreg",
        **_model(C=log(1e-4, 1e4), class_weight=WEIGHT),
    },
    {
        "scale": "none",
        "reduce": "none",
        "model": "tree",
        **_model(max_depth=Int(1, 15), min_samples_leaf=Int(1, 40), max_features=Real(0.1, 1)),
    },
)
REGRESSORS = Space(
    {
        "scale": SCALE,
        "model": "svr",
        **_model(C=log(1e-2, 1e4), gamma=log(1e-5, 1e1), epsilon=log(1e-3, 1e1)),
    },
    {
        "scale": SCALE,
        "model": "knn_r",
        **_model(n_neighbors=Int(1, 50), weights=Choice("uniform", "distance"), p=Real(1, 4)),
    },
    {"scale": SCALE, "model": "elastic", **_model(alpha=log(1e-5, 1e2), l1_ratio=Real(0, 1))},
    {
        "scale": "none",
        "model": "extra_r",
        **_model(n_estimators=Int(4, 24), max_features=Real(0.1, 1), min_samples_leaf=Int(1, 25)),
    },
)
TREES_OR_LINES = Space(
    {
        "scale": "none",
        "model": "hgb",
        **_model(
            learning_rate=log(1e-3, 1),
            max_leaf_nodes=Int(2, 40),
            min_samples_leaf=Int(1, 60),
            max_iter=Int(5, 15),
        ),
    },
    {
        "scale": "none",
        "model": "forest",
        **_model(
            n_estimators=Int(4, 20),
            max_features=Real(0.1, 1),
            min_samples_leaf=Int(1, 20),
            criterion=Choice("gini", "entropy"),
        ),
    },
    {"scale": SCALE, "model": "logreg", **_model(C=log(1e-4, 1e4), class_weight=WEIGHT)},
    {"scale": SCALE, "model": "svc", **_model(C=log(1e-3, 1e4), gamma=log(1e-6, 1e1))},
    {"scale": SCALE, "model": "nb", **_model(var_smoothing=log(1e-10, 1))},
)
MLP_SOLVERS = Space(
    _model(
        solver="adam",
        alpha=log(1e-7, 1e2),
        learning_rate_init=log(1e-4, 1),
        beta_1=Real(0.5, 0.999),
        activation=Choice("relu", "tanh", "logistic"),
    ),
    _model(
        solver="sgd",
        alpha=log(1e-7, 1e2),
        learning_rate_init=log(1e-4, 1),
        momentum=Real(0, 1),
        nesterovs_momentum=Choice(True, False),
        activation=Choice("relu", "tanh", "logistic"),
    ),
    _model(solver="lbfgs", alpha=log(1e-7, 1e2), activation=Choice("relu", "tanh", "logistic")),
)
SGD_SCHEDULES = Space(
    _model(
        penalty="l2",
        learning_rate="optimal",
        loss=Choice("hinge", "log_loss", "modified_huber"),
        alpha=log(1e-7, 1e1),
    ),
    _model(
        penalty="l2",
        learning_rate="invscaling",
        loss=Choice("hinge", "log_loss", "modified_huber"),
        alpha=log(1e-7, 1e1),
        eta0=log(1e-4, 1e1),
        power_t=Real(0.1, 0.9),
    ),
    _model(
        penalty="elasticnet",
        learning_rate="optimal",
        loss=Choice("hinge", "log_loss", "modified_huber"),
        alpha=log(1e-7, 1e1),
        l1_ratio=Real(0, 1),
    ),
    _model(
        penalty="elasticnet",
        learning_rate="adaptive",
        loss=Choice("hinge", "log_loss", "modified_huber"),
        alpha=log(1e-7, 1e1),
        l1_ratio=Real(0, 1),
        eta0=log(1e-4, 1e1),
    ),
)
WIDE = {
    "scale": SCALE,
    "reduce__n_components": Int(2, 20),
    "reduce__whiten": Choice(True, False),
    **FOREST,
    **_model(
        min_samples_split=Int(2, 40),
        max_leaf_nodes=Ordinal(None, 4, 8, 16, 32),
        min_impurity_decrease=log(1e-7, 1e-1),
    ),
}
PCA_SVC = {
    "scale": SCALE,
    "reduce__n_components": Int(2, 25),
    "reduce__whiten": Choice(True, False),
    **_model(C=log(1e-3, 1e4), gamma=log(1e-6, 1e1), kernel=Choice("rbf", "poly", "sigmoid")),
}
NYSTROEM = {
    "scale": SCALE,
    "reduce__n_components": Int(5, 120),
    "reduce__gamma": log(1e-5, 1e1),
    "reduce__kernel": Choice("rbf", "polynomial", "sigmoid"),
    **_model(C=log(1e-4, 1e4), class_weight=WEIGHT),
}
FOUR_MODELS = Space(
    {
        "scale": SCALE,
        "reduce": "kbest",
        "reduce__k": Int(2, 12),
        "model": "knn",
        **_model(n_neighbors=Int(1, 50), weights=Choice("uniform", "distance"), p=Real(1, 4)),
    },
    {"scale": SCALE, "model": "svc", **_model(C=log(1e-3, 1e4), gamma=log(1e-6, 1e1))},
    {
        "scale": "none",
        "model": "gb",
        **_model(
            learning_rate=log(1e-3, 1),
            n_estimators=Int(5, 40),
            max_depth=Int(1, 6),
            subsample=Real(0.3, 1),
        ),
    },
    {
        "scale": SCALE,
        "model": "mlp",
        **_model(
            alpha=log(1e-7, 1e2),
            learning_rate_init=log(1e-4, 1),
            activation=Choice("relu", "tanh", "logistic"),
        ),
    },
)
KERNEL_RIDGE = _model(
    alpha=log(1e-6, 1e2),
    gamma=log(1e-5, 1e1),
    kernel=Choice("rbf", "laplacian", "polynomial"),
    degree=Int(1, 4),
    coef0=Real(0, 2),
)

_HARD = {"n_features": 20, "n_informative": 6, "n_redundant": 4, "flip_y": 0.05, "class_sep": 0.7}
_THREE = {"n_features": 16, "n_informative": 6, "n_classes": 3, "flip_y": 0.03, "class_sep": 0.9}
_FEW = {"n_features": 12, "n_informative": 5, "n_redundant": 2, "flip_y": 0.1, "class_sep": 0.8}

CHOOSING = [
    Task(
        "c-svm-kernels",
        pipeline("svc", "standard"),
        SVM_KERNELS,
        bundled("digits", 300, 101),
        n_rows=800,
    ),
    Task(
        "c-models",
        pipeline("svc", "standard"),
        MODELS,
        generated("classification", 300, 102, **_HARD),
        n_rows=900,
    ),
    Task(
        "c-knn",
        pipeline("knn", "standard"),
        Space(KNN),
        bundled("wine", 178, 103),
        n_rows=600,
    ),
    Task(
        "c-hgb",
        pipeline("hgb"),
        Space(HGB),
        generated("classification", 300, 104, **_THREE),
        n_rows=600,
    ),
    Task(
        "c-mlp",
        pipeline("mlp", "standard"),
        Space(MLP),
        bundled("digits", 250, 105),
        n_rows=700,
    ),
    Task(
        "c-svr",
        pipeline("svr", "standard"),
        Space(SVR),
        bundled("diabetes", 250, 106),
        "r2",
        n_rows=700,
    ),
    Task(
        "c-sgd",
        pipeline("sgd", "standard"),
        Space(SGD),
        bundled("breast_cancer", 300, 107),
        n_rows=700,
    ),
    Task(
        "c-noisy-forest",
        pipeline("forest"),
        Space(FOREST),
        small(108, **_FEW),
        n_rows=700,
        noisy=True,
    ),
    Task(
        "c-logreg",
        pipeline("saga", "standard"),
        Space(SAGA),
        generated("classification", 280, 111, **_HARD),
        "neg_log_loss",
        n_rows=500,
    ),
    Task(
        "c-gb-r",
        pipeline("gb_r"),
        Space(GB),
        generated("friedman1", 260, 112, noise=1.5),
        "r2",
        n_rows=550,
    ),
    Task(
        "c-extra",
        pipeline("extra"),
        Space(FOREST),
        bundled("wine", 178, 113),
        "neg_log_loss",
        n_rows=550,
    ),
    Task(
        "c-pca-svc",
        pipeline("svc", "standard", "pca"),
        Space(PCA_SVC),
        bundled("breast_cancer", 300, 114),
        "roc_auc",
        n_rows=550,
    ),
    Task(
        "c-kernel-ridge",
        pipeline("kernel_ridge", "standard"),
        Space(KERNEL_RIDGE),
        bundled("diabetes", 250, 115),
        "neg_mean_absolute_error",
        n_rows=550,
    ),
    Task(
        "c-regressors",
        pipeline("svr", "standard"),
        REGRESSORS,
        bundled("diabetes", 260, 116),
        "r2",
        n_rows=650,
    ),
    Task(
        "c-trees-or-lines",
        pipeline("hgb"),
        TREES_OR_LINES,
        bundled("breast_cancer", 280, 117),
        "roc_auc",
        n_rows=650,
    ),
    Task("c-noisy-gb", pipeline("gb"), Space(GB), small(118, **_FEW), noisy=True, n_rows=550),
    Task(
        "c-nystroem",
        pipeline("logreg", "standard", "nystroem"),
        Space(NYSTROEM),
        bundled("digits", 260, 119),
        n_rows=600,
    ),
    Task(
        "c-tree-r",
        pipeline("tree_r"),
        Space(TREE),
        generated("friedman2", 400, 120, noise=60.0),
        "neg_mean_absolute_error",
        n_rows=500,
    ),
    Task(
        "c-mlp-solvers",
        pipeline("mlp", "standard"),
        MLP_SOLVERS,
        generated("circles", 240, 121, noise=0.2, factor=0.5),
        "neg_log_loss",
        n_rows=600,
    ),
    Task(
        "c-noisy-knn",
        pipeline("knn", "standard", "kbest"),
        Space({"scale": SCALE, "reduce__k": Int(1, 12), **KNN}),
        small(122, **_FEW),
        noisy=True,
        n_rows=550,
    ),
    Task(
        "c-models-2",
        pipeline("svc", "standard"),
        MODELS,
        bundled("breast_cancer", 240, 131),
        "balanced_accuracy",
        n_rows=650,
    ),
    Task(
        "c-sgd-schedules",
        pipeline("sgd", "standard"),
        SGD_SCHEDULES,
        bundled("digits", 260, 132),
        n_rows=650,
    ),
    Task(
        "c-four-models",
        pipeline("svc", "standard"),
        FOUR_MODELS,
        generated("classification", 260, 133, **_THREE),
        n_rows=650,
    ),
    Task(
        "c-svm-kernels-2",
        pipeline("svc", "standard"),
        SVM_KERNELS,
        generated("moons", 240, 134, noise=0.35),
        "roc_auc",
        n_rows=650,
    ),
    Task(
        "c-regressors-2",
        pipeline("svr", "standard"),
        REGRESSORS,
        generated("friedman3", 260, 135, noise=0.2),
        "neg_mean_absolute_error",
        n_rows=650,
    ),
]
REPORTED = [
    Task(
        "r-svc",
        pipeline("svc", "standard"),
        Space(SVC),
        generated("classification", 320, 201, **_HARD),
        "roc_auc",
    ),
    Task(
        "r-svr",
        pipeline("svr", "standard"),
        Space(SVR),
        generated("friedman1", 260, 202, noise=1.0),
        "r2",
    ),
    Task(
        "r-knn",
        pipeline("knn", "quantile"),
        Space(KNN),
        generated("classification", 300, 203, **_THREE),
    ),
    Task(
        "r-knn-r",
        pipeline("knn_r", "standard", "pca"),
        Space({"scale": SCALE, "reduce__n_components": Int(1, 10), **KNN}),
        bundled("diabetes", 300, 204),
        "neg_mean_absolute_error",
    ),
    Task(
        "r-logreg",
        pipeline("saga", "standard"),
        Space(SAGA),
        bundled("wine", 178, 205),
        "neg_log_loss",
    ),
    Task(
        "r-elastic",
        pipeline("elastic", "standard", "kbest_r"),
        Space(
            {
                "scale": SCALE,
                "reduce__k": Int(2, 40),
                **_model(
                    alpha=log(1e-5, 1e2),
                    l1_ratio=Real(0, 1),
                    selection=Choice("cyclic", "random"),
                    fit_intercept=Choice(True, False),
                ),
            }
        ),
        generated("regression", 150, 206, n_features=40, n_informative=8, noise=40.0),
        "r2",
    ),
    Task(
        "r-hgb",
        pipeline("hgb"),
        Space(HGB),
        bundled("breast_cancer", 300, 207),
        "neg_log_loss",
    ),
    Task(
        "r-hgb-r",
        pipeline("hgb_r"),
        Space(HGB),
        generated("friedman2", 300, 208, noise=100.0),
        "r2",
    ),
    Task(
        "r-forest",
        pipeline("forest"),
        Space(FOREST),
        bundled("digits", 250, 209),
    ),
    Task(
        "r-extra-r",
        pipeline("extra_r"),
        Space(
            _model(
                n_estimators=Int(4, 24),
                max_depth=Ordinal(None, 2, 4, 8, 12),
                min_samples_leaf=Int(1, 20),
                min_samples_split=Int(2, 30),
                max_features=Real(0.1, 1),
                bootstrap=Choice(True, False),
            )
        ),
        generated("friedman3", 280, 210, noise=0.1),
        "r2",
    ),
    Task(
        "r-mlp",
        pipeline("mlp", "standard"),
        Space(MLP),
        generated("classification", 250, 211, **_THREE),
        "neg_log_loss",
    ),
    Task(
        "r-mlp-r",
        pipeline("mlp_r", "standard"),
        Space(
            _model(
                alpha=log(1e-7, 1e2),
                learning_rate_init=log(1e-4, 1),
                batch_size=Ordinal(16, 32, 64),
                activation=Choice("relu", "tanh", "identity"),
                hidden_layer_sizes=Choice((8,), (16,), (32,), (16, 16)),
                beta_1=Real(0.5, 0.999),
            )
        ),
        bundled("diabetes", 220, 212),
        "r2",
    ),
    Task("r-gb", pipeline("gb"), Space(GB), generated("hastie_10_2", 260, 213)),
    Task(
        "r-sgd",
        pipeline("sgd", "standard"),
        Space(SGD),
        bundled("digits", 260, 214),
    ),
    Task(
        "r-tree",
        pipeline("tree"),
        Space(TREE),
        generated("classification", 500, 215, **_THREE),
    ),
    Task(
        "r-kernel-ridge",
        pipeline("kernel_ridge", "standard"),
        Space(KERNEL_RIDGE),
        generated("friedman1", 220, 216, noise=0.5),
        "r2",
    ),
    Task(
        "r-wide",
        pipeline("forest", "standard", "pca"),
        Space(WIDE),
        bundled("breast_cancer", 300, 217),
        "roc_auc",
        n_rows=550,
    ),
    Task(
        "r-svm-kernels",
        pipeline("svc", "standard"),
        SVM_KERNELS,
        generated("classification", 300, 218, **_THREE),
        n_rows=550,
    ),
    Task(
        "r-models",
        pipeline("svc", "standard"),
        MODELS,
        bundled("digits", 280, 219),
        n_rows=550,
    ),
    Task(
        "r-regressors",
        pipeline("svr", "standard"),
        REGRESSORS,
        generated("friedman1", 260, 220, noise=2.0),
        "r2",
        n_rows=550,
    ),
    Task(
        "r-trees-or-lines",
        pipeline("hgb"),
        TREES_OR_LINES,
        generated("classification", 300, 221, **_THREE),
        "f1_macro",
        n_rows=550,
    ),
    Task(
        "r-mlp-solvers",
        pipeline("mlp", "standard"),
        MLP_SOLVERS,
        generated("moons", 220, 222, noise=0.3),
    ),
    Task(
        "r-sgd-schedules",
        pipeline("sgd", "standard"),
        SGD_SCHEDULES,
        generated("classification", 300, 223, **_HARD),
        "roc_auc",
        n_rows=550,
    ),
    Task(
        "r-noisy-svc",
        pipeline("svc", "standard"),
        Space(SVC),
        small(224, **_FEW),
        noisy=True,
    ),
    Task(
        "r-noisy-forest",
        pipeline("forest"),
        Space(FOREST),
        small(225, **_FEW),
        noisy=True,
    ),
    Task(
        "r-noisy-mlp",
        pipeline("mlp", "standard"),
        Space(MLP),
        small(226, **_FEW),
        noisy=True,
    ),
    Task(
        "r-noisy-tree",
        pipeline("tree"),
        Space(TREE),
        small(227, **_FEW),
        noisy=True,
    ),
    Task(
        "r-noisy-models",
        pipeline("svc", "standard"),
        MODELS,
        small(228, n_features=16, n_informative=5, n_redundant=2, flip_y=0.1, class_sep=0.8),
        n_rows=550,
        noisy=True,
    ),
]
TASKS = {task.name: task for task in CHOOSING + REPORTED}
