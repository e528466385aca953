"""The docstrings say what there is: parameters in the order of the constructor, attributes."""

import inspect
import re

import pytest

from skhpo import search
from skhpo.search._docs import with_shared_docs

ON_REQUEST = {"feature_names_in_", "out_of_fold_"}
ALL = [cls for cls in vars(search).values() if isinstance(cls, type)]


def section(cls, title):
    """Names that a section of the docstring describes, with their types."""
    text = inspect.getdoc(cls).split(f"{title}\n{'-' * len(title)}\n")[1]
    text = re.split(r"\n\n[A-Z][\w ]+\n-+\n", text)[0]
    return dict(re.findall(r"^(\w+) : (.+)$", text, flags=re.MULTILINE))


@pytest.mark.parametrize("cls", ALL)
class TestDocstrings:
    def test_parameters_are_those_of_the_constructor_in_its_order(self, cls):
        assert list(section(cls, "Parameters")) == list(inspect.signature(cls).parameters)

    def test_defaults_are_those_of_the_constructor(self, cls):
        documented = section(cls, "Parameters")
        for name, parameter in inspect.signature(cls).parameters.items():
            if parameter.default is not inspect.Parameter.empty:
                default = {"nan": "np.nan"}.get(str(parameter.default), repr(parameter.default))
                said = documented[name].partition("default=")[2].replace('"', "'")
                assert said == default, name

    def test_attributes_are_those_of_a_fitted_search(self, cls, data):
        from sklearn.tree import DecisionTreeClassifier

        model = DecisionTreeClassifier(), {"max_depth": [1, 2]}
        if "param_distributions" not in cls._get_param_names():
            model = [search.SearchCV(*model)]
        made = cls(*model, cv=2).fit(*data)
        documented = set(section(cls, "Attributes"))
        public = {name for name in vars(made) if name.endswith("_") and name[0] != "_"}
        assert public <= documented
        assert all(hasattr(made, name) for name in documented - ON_REQUEST)

    def test_no_place_is_left_open(self, cls):
        assert not re.search(r"^<\w+>$", cls.__doc__, flags=re.MULTILINE)

    def test_every_parameter_is_constrained(self, cls):
        assert set(cls._parameter_constraints) == set(inspect.signature(cls).parameters)


def test_places_are_filled_with_the_indentation_of_the_docstring():
    @with_shared_docs
    class Search:
        """Search.

        Parameters
        ----------
        <estimator>
        own : int
        """

    lines = Search.__doc__.splitlines()
    assert lines[:4] == ["Search.", "", "Parameters", "----------"]
    assert lines[4].startswith("estimator : ")
    assert lines[-1] == "own : int"
