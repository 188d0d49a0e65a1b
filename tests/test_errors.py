"""One tree of errors, each with its exit code and one line."""

import pickle

import pytest

from acn_eval import errors
from acn_eval.errors import AcnEvalError, MissingExtra

CODES = {
    "AcnEvalError": 2,
    "ConfigError": 2,
    "CheckpointError": 2,
    "DataError": 2,
    "MissingExtra": 2,
    "TrackingError": 4,
    "MeasureError": 4,
    "StoreError": 4,
    "Unsupported": 4,
}


def test_the_documented_codes():
    names = set(errors.__all__) - {"DAMAGED", "Stopped", "suggestion"}  # a Ctrl-C, and words
    assert {name: getattr(errors, name).exit_code for name in names} == CODES
    for name in names:
        assert issubclass(getattr(errors, name), AcnEvalError)
        line = next((li for li in errors.__doc__.splitlines() if name in li), "")
        assert name == "AcnEvalError" or f" {CODES[name]} " in line


@pytest.mark.parametrize("name", sorted(CODES.keys() - {"MissingExtra"}))
def test_a_message_is_one_line_whatever_a_library_said(name):
    error = getattr(errors, name)("a: must be b;\n  got c\r\n\tand  d\n")
    assert str(error) == "a: must be b; got c and  d"
    again = pickle.loads(pickle.dumps(error))  # an error crosses processes
    assert type(again) is type(error)
    assert str(again) == str(error)


def test_a_missing_extra_says_how_to_get_it_and_crosses_processes():
    error = MissingExtra("timm:vit", "timm")
    assert str(error) == "timm:vit: needs timm; pip install 'acn-eval[timm]'"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is MissingExtra
    assert (str(again), again.what, again.extra) == (str(error), "timm:vit", "timm")
