"""Every suite that trains compares the official AC-Mixer with the released Res-Mixer.

Both are trained for some steps, the class token included, and then answer as a forward pass that
is written from the description of the authors' code.
"""

from io import StringIO

import pytest
import torch
from rich.console import Console

from acn_eval.checkpoints import load
from acn_eval.results import connectivity_of
from acn_eval.studies.compare import compare
from acn_eval.studies.continual.tables import overview
from acn_eval.studies.low_data.suite import LowData, Side
from acn_eval.training import Recipe, train, train_all
from tests.checkpoints.test_official import reference
from tests.models.networks import pictures
from tests.studies.continual import plans as continual
from tests.studies.dynamics import plans as dynamics
from tests.studies.low_data import plans as low_data

ARCH = {
    "kind": "official_mixer",
    "width": 12,
    "token_hidden": 6,
    "channel_hidden": 16,
    "image_size": 8,
    "patch": 4,
}
SIDES = ("acn", "residual")
THEIRS = {
    "embed.cls_token": "cls_token",
    "embed.proj.": "patch_emb.0.",
    "blocks.": "mixer_layers.",
    "norm.": "ln.",
    "head.": "clf.",
}


def recipe(connectivity, **changes):
    arch = {**ARCH, "depth": 3, "connectivity": connectivity}
    return Recipe.model_validate({"arch": arch, "steps": 3, "batch": 16, "warmup": 1, **changes})


def assert_is_the_released(network, connectivity):
    """Of every exit; the twin would answer otherwise."""
    state = {}
    for key, value in network.state_dict().items():
        ours = next(name for name in THEIRS if key.startswith(name))
        state[THEIRS[ours] + key.removeprefix(ours)] = value.cpu()
    images = pictures(5)
    with torch.no_grad():
        exits = network.cpu().eval().exits(images)
    residual = connectivity == "residual"
    for got, wanted in zip(exits, reference(state, images, residual=residual), strict=True):
        torch.testing.assert_close(got, wanted, atol=2e-5, rtol=1e-5)
    other = reference(state, images, residual=not residual)[-1]
    assert (exits[-1] - other).abs().max() > 1e-3
    arch = network.config.model_dump()
    assert (arch["pool"], connectivity_of(arch)) == ("cls", connectivity)


@pytest.mark.parametrize("connectivity", SIDES)
def test_a_recipe(tmp_path, device, connectivity):
    train(recipe(connectivity), tmp_path / "a.pt", device=device)
    assert_is_the_released(load(str(tmp_path / "a.pt")).model, connectivity)


def test_low_data(runtime):
    ours, theirs = (Side(name=c, recipe=recipe(c)) for c in SIDES)
    fields = {**low_data.FIELDS, "draws": 1}
    asked = low_data.trained(LowData(**fields, candidate=ours, baseline=theirs), runtime, limit=20)
    found = low_data.learn(asked)
    for side, results, connectivity in zip(
        asked.plan.stacks, (found.candidates, found.baselines), SIDES, strict=True
    ):
        assert {connectivity_of(r.checkpoint.arch) for r in results} == {connectivity}
        jobs = [training.job for training in side[0][0]]
        assert len(jobs) == 4  # stepped as one
        for network in train_all(jobs, runtime.device):
            assert_is_the_released(network, connectivity)


@pytest.mark.parametrize("connectivity", SIDES)
def test_continual(connectivity):
    run = continual.course(connectivity=connectivity, arch=ARCH, depths=(3,), steps=1, tasks=5)
    learner = continual.learner_of(run)
    learner.learn()
    assert run.name == f"{connectivity} L3 naive seed 0"
    assert_is_the_released(learner.network, connectivity)


def test_the_table_of_a_continual_suite_names_both_sides(tmp_path):
    ((ours, theirs),) = continual.sides_of(continual.study(tmp_path, arch=ARCH, steps=1, seeds=2))
    out = Console(file=StringIO(), width=200)
    overview(out, [*ours, *theirs], [compare(ours, theirs)])
    said = out.file.getvalue()
    assert "naive L2 residual" in said
    assert "ffn" not in said


def test_dynamics(runtime):
    fields = {**dynamics.FIELDS, "recipe": recipe("acn")}
    study = dynamics.asked(dynamics.Dynamics(**fields), runtime)
    for unit, connectivity in zip(study.units(), SIDES, strict=True):
        content = next(type(unit.training).measure([unit.training], runtime, lambda *_: None))
        subject, _ = unit.training.restored(content, runtime.device)
        assert subject.checkpoint.id.name == connectivity
        assert_is_the_released(subject.checkpoint.model, connectivity)


def test_results_of_an_earlier_version_have_the_same_name():
    """There `skips` was a flag."""
    arch = {"kind": "official_mixer", "connectivity": "ffn"}
    assert [connectivity_of({**arch, "skips": skips}) for skips in (True, False)] == [
        "residual",
        "ffn",
    ]
