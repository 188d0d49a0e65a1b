"""Probes of one network: what is chosen, cells by hand, and the mean over classes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from acn_eval.checkpoints import from_module
from acn_eval.data import Geometry, PrepareImages, open_examples
from acn_eval.evaluation import evaluate
from acn_eval.probes import PROTOCOLS
from acn_eval.studies.compare import summarize
from acn_eval.studies.transfer.probing import mean_per_class
from tests.models.networks import randomised
from tests.studies.transfer.plans import DEPTH, NEW, by_hand, cell, cells, same, suite


def test_named_depths_are_the_numbered_ones(results):
    for result in results:
        chosen = result.details["protocols"]["linear-1"]["chosen"]
        for name, depth in (("last", DEPTH), ("chosen", chosen)):
            assert same(cell(result, exit=name), cell(result, exit=depth, reading="stream"))


@pytest.mark.parametrize("reading", ["stream", "block"])
def test_a_cell_equals_scikit_learn_on_features_by_hand(results, pair, reading):
    """Standardise, fit at the recorded penalty on train and validation, predict test."""
    result, model = results[0], pair[0]
    for depth in range(1, DEPTH + 1):
        train, validation, test = (
            by_hand(model, split, reading, depth) for split in ("train", "validation", "test")
        )
        x, labels = (np.concatenate(parts) for parts in zip(train, validation, strict=True))
        mean, std = x.mean(axis=0), x.std(axis=0)
        (row,) = [
            p
            for p in result.details["protocols"]["linear-1"]["probes"]
            if (p["reading"], p["exit"]) == (reading, depth)
        ]
        fit = LogisticRegression(C=1 / row["penalty"], max_iter=1000)
        fit.fit((x - mean) / std, labels)
        found = cell(result, reading=reading, exit=depth)
        wanted = fit.predict((test[0] - mean) / std)
        assert np.mean(found.predicted == wanted) > 0.99
        assert np.mean(found.values) == pytest.approx(np.mean(wanted == test[1]), abs=0.006)
        assert row["accuracy"]["value"] == pytest.approx(float(np.mean(found.values)))
        assert row["accuracy"]["low"] < row["accuracy"]["value"] < row["accuracy"]["high"]


def test_probes_at_named_depths_are_scikit_learns_on_features_hooked_by_hand(runtime):
    """The depths of a ResNet, each of its own width."""
    network = randomised(torchvision_resnet(), std=0.05)
    prepare = PrepareImages(Geometry(8, 3), (0.5,) * 3, (0.5,) * 3)
    names = tuple("abcde")
    model = from_module(network, name="foreign", classes=names, prepare=prepare)
    (result,) = evaluate([model], suite("linear", block=False), NEW, runtime=runtime)
    rows = {p["exit"]: p for p in result.details["protocols"]["linear-1"]["probes"]}
    assert [*rows] == ["layer1", "layer2", "layer3", "layer4", "head"]
    hooked = {split: _hooked(network, split) for split in ("train", "validation", "test")}
    for depth, row in rows.items():
        known = [hooked[split][0][depth] for split in ("train", "validation")]
        x, labels = np.concatenate(known), np.concatenate([hooked[s][1] for s in hooked][:2])
        mean, std = x.mean(axis=0), np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
        fit = LogisticRegression(C=1 / row["penalty"], tol=1e-8, max_iter=10_000)
        fit.fit((x - mean) / std, labels)
        features, wanted = hooked["test"][0][depth], hooked["test"][1]
        found = cell(result, exit=depth)
        predicted = fit.predict((features - mean) / std)
        assert np.mean(found.predicted == predicted) > 0.98
        assert np.mean(found.values) == pytest.approx(np.mean(predicted == wanted), abs=0.012)
        assert np.mean(found.values) > 0.3  # chance is .2


def torchvision_resnet():
    block = torchvision.models.resnet.BasicBlock
    return torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=5)


def _hooked(network, split):
    """Features by the name of the module that gives them, and labels, by hooks of our own."""
    examples = open_examples("digits", split).only(NEW.classes).keyed()
    images = examples.read(np.arange(len(examples)), Geometry(8, 3)) / 255
    found = {}
    hooks = [
        getattr(network, f"layer{k}").register_forward_hook(
            lambda _, given, out, k=k: found.update({f"layer{k}": out.mean(dim=(2, 3))})
        )
        for k in range(1, 5)
    ]
    hooks.append(
        network.avgpool.register_forward_hook(lambda _, g, out: found.update(head=out.flatten(1)))
    )
    with torch.no_grad():
        network((images - 0.5) / 0.5)
    for hook in hooks:
        hook.remove()
    return {name: x.double().numpy() for name, x in found.items()}, examples.labels


def test_few_shots_are_draws_and_too_few_images_are_a_skip(pair, runtime):
    selection = replace(NEW, limit=90)
    (result,) = evaluate(pair[:1], suite("ridge-fewshot", block=False), selection, runtime=runtime)
    last = cells(result, exit="last")
    sizes = [(c.condition["per_class"], c.condition["repeat"]) for c in last]
    assert sizes == [(k, d) for k in (1, 5, 10) for d in range(3)]
    assert [s.condition["per_class"] for s in result.skipped] == [25]
    assert result.skipped[0].reason == "a class has fewer than 25 training examples"
    accuracies = {a.name: a.estimate.value for a in summarize([result])}
    assert accuracies["exit last, 10 per class"] > accuracies["exit last, 1 per class"]


def test_a_protocol_that_finds_too_few_images_is_a_skip(pair, runtime):
    selection = replace(NEW, limit=4)
    (result,) = evaluate(pair[:1], suite("ridge-fewshot"), selection, runtime=runtime)
    assert result.cells == ()
    assert "every class must have 1 training examples" in result.skipped[0].reason


def test_penalties_at_an_end_of_the_grid_are_a_warning(pair, runtime, monkeypatch):
    short = replace(PROTOCOLS["ridge"], penalties=(1e8, 1e7, 1e6, 1.0))
    monkeypatch.setitem(PROTOCOLS, "ridge", short)
    (result,) = evaluate(pair[:1], suite(block=False), NEW, runtime=runtime)
    (line,) = result.warnings
    assert line.startswith("tiny_ac, ridge-1: ")
    assert "chose a penalty at an end of the grid (stream" in line


@pytest.mark.parametrize("seed", range(5))
def test_it_is_scikit_learn_s_balanced_accuracy(seed):
    rng = np.random.default_rng(seed)
    labels = np.minimum(rng.integers(0, 9, 200), 4)  # the last class is common
    predicted = np.where(rng.random(200) < 0.6, labels, rng.integers(0, 5, 200))
    sample = mean_per_class((predicted == labels).astype(np.float32), labels, 5)
    assert sample.value == pytest.approx(balanced_accuracy_score(labels, predicted))
    low, high = sample.interval()
    assert low < sample.value < high


def test_classes_without_an_image_are_left_out():
    labels = np.array([0, 0, 3])
    assert mean_per_class(np.array([1, 1, 0], np.float32), labels, 5).value == pytest.approx(0.5)


def test_equal_classes_give_the_plain_accuracy():
    labels = np.arange(100) % 5
    correct = (np.arange(100) % 3 == 0).astype(np.float32)
    assert mean_per_class(correct, labels, 5).value == pytest.approx(correct.mean())


def test_the_interval_covers():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(4), [80, 40, 20, 20])
    share = np.array([0.9, 0.7, 0.5, 0.8])
    inside = 0
    for _ in range(300):
        correct = (rng.random(160) < share[labels]).astype(np.float32)
        low, high = mean_per_class(correct, labels, 4).interval()
        inside += low <= share.mean() <= high
    assert inside / 300 > 0.92


def test_the_support_ends_where_an_image_of_the_rarest_class_counts():
    """Nothing right: the upper limit is Wilson's, times the largest weight, 100 / (2 x 20)."""
    labels = np.repeat([0, 1], [80, 20])
    sample = mean_per_class(np.zeros(100, np.float32), labels, 5)
    assert sample.support == (0.0, 2.5)
    squared = norm.ppf(0.975) ** 2
    assert sample.interval() == pytest.approx((0.0, 2.5 * squared / (100 + squared)))
