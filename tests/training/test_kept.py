"""A finished training is taken only for the recipe that its card states."""

import pytest

from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.training import train
from acn_eval.training.kept import kept
from tests.tiny import CPU, recipe


def test_a_file_is_of_one_recipe(tmp_path):
    plan, path = recipe(steps=2), tmp_path / "own.pt"
    card = train(plan, path, device=CPU)
    checkpoint, training = kept(plan, path)
    assert training == card.training
    assert checkpoint.id.name == "own"
    for other in (recipe(steps=2, seed=1), recipe(steps=2, weight_decay=0.02)):
        with pytest.raises(ConfigError, match=r"own\.pt: must be of this recipe"):
            kept(other, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError):
        kept(plan, path)
