"""docs/formulas.md: its table is the catalogue's, its examples run."""

import re

import pytest

from ninefold.formula import FUNCTIONS

from .page import PAGE, page

TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_table_of_functions_is_up_to_date():
    assert page(TEXT) == TEXT, "write it anew: python -m tests.formula.page"


def test_every_function_without_a_symbol_of_its_own_stands_in_the_table():
    missing = [name for name in FUNCTIONS if not FUNCTIONS[name].symbol and f"| `{name}(" not in TEXT]
    assert missing == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_run(example, capsys):
    exec(example, {})  # the page's own code
    said = re.findall(r"print\(.*\)  # (.*)$", example, re.MULTILINE)
    assert capsys.readouterr().out.split("\n")[: len(said)] == said


def test_there_are_examples():
    assert len(EXAMPLES) == 2
