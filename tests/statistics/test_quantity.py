"""Numbers as readers see them: their unit, sign and direction."""

import pytest

from acn_eval.statistics.metrics import METRICS
from acn_eval.statistics.quantity import SHARE, Quantity

NATS = METRICS["nll"].quantity
DEPTH = Quantity("depth", "%", "points", scale=1, low=None, high=None)


@pytest.mark.parametrize(
    ("quantity", "value", "text", "difference"),
    [
        (SHARE, 0.8471, "84.7", "+84.7 points"),
        (SHARE, -0.02, "-2.0", "-2.0 points"),
        (NATS, 0.03149, "0.031", "+0.031 nats"),
        (METRICS["brier"].quantity, 0.5, "0.500", "+0.500"),
        (DEPTH, 91.25, "91.2", "+91.2 points"),
    ],
)
def test_numbers_have_the_decimals_and_the_unit_of_the_metric(quantity, value, text, difference):
    assert quantity.text(value) == text
    assert quantity.difference(value) == difference


def test_limits_share_the_sign_of_the_value():
    assert SHARE.limits(-0.01, -0.03, 0.01, sign="+") == "-1.0 [-3.0, +1.0]"


def test_a_head_names_the_unit_where_there_is_one():
    assert (SHARE.head("clean"), METRICS["brier"].quantity.head("clean")) == ("clean, %", "clean")


@pytest.mark.parametrize("name", METRICS)
def test_better_is_one_direction_and_within_the_range(name):
    quantity = METRICS[name].quantity
    assert quantity.sign == (1 if quantity.higher_is_better else -1)
    assert (quantity.sign > 0) == (name not in {"nll", "brier", "ece"})
    assert quantity.low == (-1 if "correlation" in quantity.name else 0)
    assert quantity.high is None or quantity.high >= 1
    assert quantity.clipped(quantity.low - 0.5) == quantity.low
    assert quantity.clipped(0.5) == 0.5
    assert quantity.clipped(9.0) == (quantity.high or 9)
