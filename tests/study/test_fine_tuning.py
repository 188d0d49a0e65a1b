"""A network that is trained on starts from its weights, with a new head."""

import numpy as np
import pytest
import torch

from acn_eval.data import open_examples
from acn_eval.models import build, read_arch
from acn_eval.study.fine_tuning import fine_tune
from acn_eval.training import Recipe
from tests.tiny import CPU, checkpoint

NEW = tuple("56789")


@pytest.fixture
def splits():
    return [open_examples("digits", split).only(NEW) for split in ("train", "validation")]


def plan(network, **changes):
    arch = {**network.config.model_dump(), "classes": len(NEW), "branches": ()}
    fields = {"steps": 1, "warmup": 0, "learning_rate": 1e-9, **changes}
    return Recipe.model_validate({"arch": arch, **fields})


def test_everything_but_the_head_is_kept_at_the_start(tiny, splits):
    old = checkpoint(tiny)
    before = {name: w.clone() for name, w in old.model.state_dict().items()}
    fit = fine_tune(old.model, old.prepare, plan(old.model), splits, CPU)
    for name, weight in fit.network.state_dict().items():
        if name.startswith("head"):
            assert len(weight) == len(NEW)
        else:
            assert torch.allclose(weight, before[name], atol=1e-6)
    assert not fit.network.training
    assert all(torch.equal(w, before[name]) for name, w in old.model.state_dict().items())


def test_it_learns_the_new_classes(tiny, splits):
    old = checkpoint(tiny)
    recipe = plan(old.model, steps=40, warmup=4, learning_rate=3e-3)
    fit = fine_tune(old.model, old.prepare, recipe, splits, CPU)
    assert fit.best["accuracy"] > 0.7
    again = fine_tune(old.model, old.prepare, recipe, splits, CPU)
    assert fit.best["accuracy"] == again.best["accuracy"]
    weights = zip(fit.network.parameters(), again.network.parameters(), strict=True)
    assert all(np.array_equal(a.detach(), b.detach()) for a, b in weights)


def test_branches_are_left_behind(tiny, splits):
    old = checkpoint(tiny)
    branched = build(read_arch({**old.model.config.model_dump(), "branches": (1,)}, "test"))
    fit = fine_tune(branched, old.prepare, plan(branched), splits, CPU)
    assert not [name for name in fit.network.state_dict() if name.startswith("branches")]
    assert torch.allclose(fit.network.norm.weight, branched.norm.weight, atol=1e-6)
