"""Numbers on a command line that no command can use."""

import pytest

from cpc_keras.cli.options import budget_numbers, option_numbers
from cpc_keras.errors import InputError


@pytest.mark.parametrize(
    ("per_class", "fractions", "message"),
    [
        ("0", None, "Each of `--labels-per-class` must be positive. Received: 0"),
        (str(10**30), None, "Each of `--labels-per-class` must be positive. Received: 10+$"),
        ("5,,10", None, "`--labels-per-class` must be numbers separated by commas. Received: 5,,10"),
        ("1e3", None, "`--labels-per-class` must be numbers separated by commas"),
        (None, "nan", r"Each of `--fractions` must lie in \(0, 1\]. Received: nan"),
        (None, "1%,inf", r"Each of `--fractions` must lie in \(0, 1\]"),
        (None, "200%", r"Each of `--fractions` must lie in \(0, 1\]"),
        (None, "0", r"Each of `--fractions` must lie in \(0, 1\]"),
    ],
)
def test_budgets_that_nobody_can_have(per_class, fractions, message):
    with pytest.raises(InputError, match=message):
        budget_numbers(per_class, fractions)


def test_numbers_without_bounds_are_finite():
    assert option_numbers("--encoder-range", "-1,1", float) == [-1, 1]
    with pytest.raises(InputError, match="Each of `--encoder-range` must be finite. Received: 0,1e999"):
        option_numbers("--encoder-range", "0,1e999", float)
