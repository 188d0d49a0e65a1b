"""Probes on few images: what they are fitted on, and that draws are the unit."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from acn_eval.checkpoints import from_module
from acn_eval.data import Geometry, PrepareImages, open_examples
from acn_eval.errors import DataError, Unsupported
from acn_eval.studies.compare import compare
from acn_eval.studies.low_data.draws import Draw
from acn_eval.studies.low_data.suite import LowDataProbe
from acn_eval.study.fine_tuning import fine_tune
from acn_eval.training import Recipe
from tests.studies.low_data.plans import asked, learn
from tests.tiny import checkpoint, digits

SUITE = LowDataProbe(name="probes", mode="probe", per_class=(2, 6), draws=5)


@pytest.fixture(scope="module")
def pool():
    return open_examples("digits", "train")


@pytest.fixture
def learned(tiny, runtime, pool):
    both = [checkpoint(tiny, name, runtime.device) for name in ("tiny_ac", "tiny_res")]
    return learn(asked(SUITE, runtime, both, data="digits"))


def features(tiny, examples):
    """The input of the head, caught on its way in."""
    caught = []
    model = checkpoint(tiny).model
    model.head.register_forward_pre_hook(lambda module, inputs: caught.append(inputs[0]))
    images = examples.read(np.arange(len(examples)), Geometry(8, 1)).float() / 255
    with torch.inference_mode():
        model(checkpoint(tiny).prepare.normalize(images))
    return caught[0].double().numpy()


def test_one_result_per_checkpoint_and_draw(learned):
    names = [r.checkpoint.name for r in (*learned.candidates, *learned.baselines)]
    expected = [f"{name} draw {i}" for name in ("tiny_ac", "tiny_res") for i in range(5)]
    assert names == expected
    assert len({r.checkpoint.sha256 for r in (*learned.candidates, *learned.baselines)}) == 10
    found = compare(learned.candidates, learned.baselines)
    assert (found.unit, found.paired_seeds, found.replicate) == ("architectures", False, "draw")
    assert [row.name for row in found.rows] == ["2 per class", "6 per class"]
    assert any("not their architectures" in w for w in learned.candidates[0].warnings)


def test_a_probe_is_scikit_learns_ridge_on_the_subset_alone(learned, tiny, pool):
    subset = Draw(pool, 3).subset(6).examples
    x, shown = features(tiny, subset), features(tiny, digits())
    mean, std = x.mean(axis=0), x.std(axis=0)
    std[std == 0] = 1
    targets = 2.0 * np.eye(10)[subset.labels] - 1
    reference = Ridge(alpha=2.0**10).fit((x - mean) / std, targets)
    outputs = reference.predict((shown - mean) / std)
    (cell,) = [c for c in learned.candidates[3].cells if c.condition["per_class"] == 6]
    assert np.array_equal(cell.ids, digits().ids)
    margin = np.sort(outputs, axis=1)
    clear = margin[:, -1] - margin[:, -2] > 1e-5
    assert clear.mean() > 0.98
    assert np.array_equal(cell.predicted[clear], outputs.argmax(axis=1)[clear])


def test_what_its_features_have_seen_is_said(learned, tiny, pool):
    seen = int(np.isin(pool.hashes, checkpoint(tiny).training_hashes).sum())
    assert seen > 1000
    warnings = learned.candidates[0].warnings
    assert any(f"trained on {seen} of the {len(pool)} images" in w for w in warnings)


def test_alone(tiny, runtime, pool):
    one = learn(
        asked(SUITE, runtime, [checkpoint(tiny, device=runtime.device)], limit=30, data="digits")
    )
    assert (len(one.candidates), one.baselines) == (5, [])
    assert one.candidates[0].data.n == 30


def test_progress(tiny, runtime, pool):
    told = []
    study = asked(SUITE, runtime, [checkpoint(tiny, device=runtime.device)], data="digits")
    learn(study, lambda *done: told.append(done))
    assert told[-1] == (len(pool) + 352, len(pool) + 352)


def test_too_few_images(tiny, runtime, pool):
    suite = SUITE.model_copy(update={"per_class": (2, 500)})
    with pytest.raises(DataError, match="must have 500 training examples or more"):
        learn(asked(suite, runtime, [checkpoint(tiny, device=runtime.device)], data="digits"))


def test_a_network_that_hides_its_features(tiny, runtime, pool):
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    names = tuple(map(str, range(10)))
    prepare = checkpoint(tiny).prepare
    hidden = from_module(network, name="mine", classes=names, prepare=prepare)
    with pytest.raises(Unsupported, match="has no features before its head"):
        learn(asked(SUITE, runtime, [hidden], data="digits"))


TUNE = SUITE.model_copy(
    update={"mode": "fine_tune", "steps": 8, "batch": 16, "repeats": 2, "per_class": (2, 4)}
)


@pytest.fixture
def two_draws():
    return TUNE.model_copy(update={"draws": 2})


def test_fine_tuning_gives_repeats_that_differ_and_learns(tiny, runtime, pool, two_draws):
    one = checkpoint(tiny, "tiny_ac", runtime.device)
    results = learn(asked(two_draws, runtime, [one], data="digits")).candidates
    assert [len(r.cells) for r in results] == [4, 4]
    first, again = results[0].cells[2:]
    assert (first.condition["per_class"], again.condition["repeat"]) == (4, 1)
    assert not np.array_equal(first.predicted, again.predicted)
    assert np.mean([c.values.mean() for c in results[0].cells]) > 0.2  # chance is 0.1
    assert results[0].details["fine_tune"]["steps"] == 8


def test_a_fine_tuning_is_that_of_the_training_loop(tiny, runtime, pool, two_draws):
    """Against `fine_tune` called by hand on the same subset."""
    one, test = checkpoint(tiny, "tiny_ac", runtime.device), digits()
    study = asked(two_draws, runtime, [one], data="digits")
    found = learn(study).candidates[0].cells[0]
    subset = study.subsets[0][0].examples
    arch = one.model.config
    recipe = Recipe(arch=arch, seed=0, steps=8, batch=16, learning_rate=1e-3, warmup=0)
    fit = fine_tune(one.model, one.prepare, recipe, (subset, subset), runtime.device)
    images = test.read(np.arange(len(test)), Geometry(8, 1)).float().to(runtime.device) / 255
    with torch.inference_mode():
        expected = fit.network(one.prepare.normalize(images)).argmax(1).cpu().numpy()
    assert np.mean(found.predicted == expected) > 0.99


def test_a_finished_fine_tuning_is_not_done_again(tiny, runtime, pool, two_draws, monkeypatch):
    one = checkpoint(tiny, "tiny_ac", runtime.device)
    study = asked(two_draws, runtime, [one], data="digits")
    before = learn(study).candidates
    monkeypatch.setattr("acn_eval.study.fine_tuning.fine_tune", None)  # a call would fail
    after = learn(study).candidates
    for left, right in zip(before, after, strict=True):
        for a, b in zip(left.cells, right.cells, strict=True):
            assert np.array_equal(a.predicted, b.predicted)


def test_a_network_that_is_not_built_here_cannot_be_fine_tuned(runtime, pool, two_draws):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    prepare = PrepareImages(Geometry(8, 1), (0.5,), (0.5,))
    names = tuple(map(str, range(10)))
    foreign = from_module(module, name="m", classes=names, prepare=prepare)
    with pytest.raises(Unsupported, match="needs our own networks"):
        learn(asked(two_draws, runtime, [foreign], data="digits"))
