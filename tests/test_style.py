"""Small functions: the sizes that CONTRIBUTING.rst asks for, measured."""

import ast
import io
import statistics
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "skhpo").rglob("*.py"))
NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(source):
    """Numbers of the lines with code on them: neither blank, nor comment, nor docstring."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Module)) and ast.get_docstring(node):
            lines.difference_update(span(node.body[0]))
    return lines


def span(node):
    return range(node.lineno, node.end_lineno + 1)


def sizes(source, kinds):
    """Code lines of each function or class, by name; a function's signature does not count."""
    lines = code_lines(source)
    return {
        f"{node.name}:{node.lineno}": sum(len(lines & set(span(part))) for part in node.body)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, kinds)
    }


def sizes_in_tree(kinds):
    return {
        f"{path.relative_to(ROOT)}:{name}": size
        for path in SOURCES
        for name, size in sizes(path.read_text(encoding="utf-8"), kinds).items()
    }


def test_functions_are_short():
    found = sizes_in_tree(FUNCTIONS)
    lengths = sorted(found.values())
    assert {name: size for name, size in found.items() if size > 60} == {}
    assert statistics.median(lengths) <= 6
    assert lengths[int(0.9 * len(lengths))] <= 25


def test_classes_are_short():
    found = sizes_in_tree(ast.ClassDef)
    assert {name: size for name, size in found.items() if size > 200} == {}


EXAMPLE = '''
class A:
    """Docstring."""

    def f(
        self,
        x,
    ):
        """Docstring.

        Of some lines.
        """
        # A comment.
        y = (
            x
        )

        return y  # one more


def g(): return """not
a docstring"""
'''


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [(FUNCTIONS, {"g:21": 2, "f:5": 4}), (ast.ClassDef, {"A:2": 8})],
)
def test_code_lines_are_counted(kinds, expected):
    assert sizes(EXAMPLE, kinds) == expected
