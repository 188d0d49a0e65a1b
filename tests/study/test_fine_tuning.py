"""A network that is trained on starts from its weights, with a new head."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from acn_eval.cache import OUTCOME, OutcomeCache
from acn_eval.checkpoints import from_module
from acn_eval.data import Geometry, PrepareImages, open_examples
from acn_eval.errors import Stopped, Unsupported
from acn_eval.inference import Runtime
from acn_eval.models import build, read_arch
from acn_eval.probes import FineTune
from acn_eval.study.fine_tuning import FineTunedUnit, fine_tune
from acn_eval.study.run import measured
from acn_eval.training import Recipe
from acn_eval.training.resume import state_key
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


NEW = ("0", "1", "2")


@pytest.fixture
def unit(tiny):
    train, validation, test = (
        open_examples("digits", split).only(NEW).keyed(60)
        for split in ("train", "validation", "test")
    )
    plan = FineTune(steps=3, batch=8)
    return FineTunedUnit(
        checkpoint(tiny),
        plan,
        (train, validation),
        test,
        0,
        Runtime(torch.device("cpu")).profile(),
    )


def test_everything_that_decides_the_outcome_is_in_the_address(unit):
    others = [
        replace(unit, seed=1),
        replace(unit, plan=FineTune(steps=4, batch=8)),
        replace(unit, test=unit.test.keyed(30)),
        replace(unit, splits=unit.splits[::-1]),
        replace(unit, profile=replace(unit.profile, threads=99)),
    ]
    assert len({unit.address, *(other.address for other in others)}) == 6
    assert pickle.loads(pickle.dumps(unit.test)).digest == unit.test.digest
    assert unit.cost == 3 * 8 + 60


def test_it_is_measured_once_and_the_checkpoint_stays_as_it_is(unit, runtime):
    before = {k: v.clone() for k, v in unit.checkpoint.model.state_dict().items()}
    (content,) = measured([unit], runtime)
    assert measured([unit], runtime) == [content]
    assert measured([unit], replace(runtime, store=replace(runtime.store, readable=False))) == [
        content
    ]
    found = unit.unpacked(content)
    assert 0 <= found.accuracy <= 1
    assert found.outcomes.dtype == OUTCOME
    assert sorted(found.outcomes["id"]) == sorted(unit.test.ids)
    assert all(torch.equal(v, before[k]) for k, v in unit.checkpoint.model.state_dict().items())


def test_a_fine_tuning_that_is_stopped_goes_on(unit, runtime, stopped_once, tmp_path):
    whole = measured([unit], replace(runtime, store=OutcomeCache(tmp_path / "whole")))
    shown = stopped_once(2)
    with pytest.raises(Stopped, match=r"^16 of the 84 evaluations under way are kept"):
        measured([unit], runtime)
    before = len(shown)
    assert measured([unit], runtime) == whole
    assert shown[before:] == [2, 3, 3]
    assert runtime.store.read(state_key(unit.address)) is None


def test_a_network_of_others_is_refused(unit):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
    prepare = PrepareImages(Geometry(8, 1), (0.3,), (0.4,))
    foreign = from_module(module, name="foreign", classes=NEW, prepare=prepare)
    with pytest.raises(Unsupported, match="foreign: fine-tuning needs our own networks"):
        _ = replace(unit, checkpoint=foreign).recipe
