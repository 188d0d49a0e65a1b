"""Options that list what the library takes, without importing it for ``--help``."""

from typing import get_args

import pytest

from acn_eval.data.framing import CropMode, Interpolation
from acn_eval.inference import ClassOrder
from acn_eval.studies.robustness.command import command


@pytest.mark.parametrize(
    ("option", "kind"),
    [("crop_mode", CropMode), ("interpolation", Interpolation), ("class_order", ClassOrder)],
)
def test_the_choices_of_an_option_are_those_of_the_library(option, kind):
    (found,) = [parameter for parameter in command.params if parameter.name == option]
    assert tuple(found.type.choices) == get_args(kind)
