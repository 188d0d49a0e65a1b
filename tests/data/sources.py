"""What tests of several sources of data share."""

import numpy as np
import pytest

from acn_eval.data import open_examples
from acn_eval.errors import DataError


def refusal(name, root=None):
    with pytest.raises(DataError) as caught:
        open_examples(name, "test", root)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def images_of(examples, geometry):
    return examples.read(np.arange(len(examples)), geometry).numpy().astype(np.float64) / 255
