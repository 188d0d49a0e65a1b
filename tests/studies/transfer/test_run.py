"""Transfer: features of three splits, probes of every protocol, and what is skipped."""

import os
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch

from acn_eval.checkpoints import from_module
from acn_eval.data import DATA_ROOT, Geometry, PrepareImages, data_root, open_examples
from acn_eval.errors import ConfigError
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.probes import PROTOCOLS
from acn_eval.studies.compare import compare
from acn_eval.studies.transfer.run import TransferStudy
from acn_eval.study.request import Request
from acn_eval.study.run import run
from tests.models.networks import randomised
from tests.studies.transfer.plans import DEPTH, NEW, NOISE, cell, cells, same, suite
from tests.tiny import train_on_cifar


def test_every_depth_in_both_readings_is_a_cell(results):
    for result in results:
        for reading in ("stream", "block"):
            exits = [c.condition["exit"] for c in cells(result, reading=reading)]
            assert exits[: DEPTH + 1] == list(range(DEPTH + 1))
        assert [c.condition["exit"] for c in result.cells if c.primary] == ["last"]
        assert len(result.cells) == 2 * (DEPTH + 1) + 2
        assert not result.skipped
        assert {c.condition["protocol"] for c in result.cells} == {"linear-1"}


def test_readings_differ_in_an_acn_and_are_one_in_a_residual_network(results):
    ac, res = (
        [cell(r, exit=DEPTH, reading=name) for name in ("stream", "block")] for r in results
    )
    assert not same(*ac)
    assert same(*res)


def test_it_is_worth_something(results):
    chance = 0.2
    accuracy = np.mean(cell(results[0], exit="last").values)
    assert chance + 0.3 < accuracy < 1
    assert results[0].certificate["n"] == 64
    assert results[0].certificate["precision_flips"] == 0


def test_hot_and_cold_are_the_same(pair, runtime):
    cold = evaluate(pair, suite(noise=NOISE), NEW, runtime=runtime)
    hot = evaluate(pair, suite(noise=NOISE), NEW, runtime=runtime)
    for before, after in zip(cold, hot, strict=True):
        for one, other in zip(before.cells, after.cells, strict=True):
            assert same(one, other)
            assert dict(one.condition) == dict(other.condition)


def test_test_labels_decide_nothing(pair, runtime, monkeypatch):
    """With the labels of test images shuffled, everything that is chosen stays."""

    def asked(labels):
        splits = {s: open_examples("digits", s).only(NEW.classes) for s in SPLITS}
        test = replace(splits["test"], labels=labels(splits["test"].labels))
        request = Request(suite("ridge", "knn"), pair[:1], NEW, runtime)
        monkeypatch.setattr(Request, "whole", test)
        monkeypatch.setattr(Request, "split", lambda self, name: splits[name])
        (answer,) = run(TransferStudy(request), runtime)
        return answer

    straight = asked(lambda labels: labels)
    shuffled = asked(lambda labels: np.random.default_rng(0).permutation(labels))
    for label, found in straight.details["protocols"].items():
        other = shuffled.details["protocols"][label]
        assert found["chosen"] == other["chosen"]
        for one, two in zip(found["probes"], other["probes"], strict=True):
            assert {k: one[k] for k in CHOSEN} == {k: two[k] for k in CHOSEN}
    assert not np.array_equal(straight.cells[2].values, shuffled.cells[2].values)
    assert all(same(a, b) for a, b in zip(straight.cells, shuffled.cells, strict=True))


SPLITS = ("train", "validation", "test")

CHOSEN = ("penalty", "validation", "validation_n", "edge")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_gives_both_named_depths(name, pair, runtime, monkeypatch):
    short = replace(PROTOCOLS[name], penalties=PROTOCOLS[name].penalties[::8])
    if short.fine_tune:
        short = replace(short, fine_tune=replace(short.fine_tune, steps=2))
    monkeypatch.setitem(PROTOCOLS, name, short)
    results = evaluate(pair, suite(name, block=False), replace(NEW, limit=40), runtime=runtime)
    for result in results:
        assert {"last", "chosen", 0, 1, 2} == {c.condition["exit"] for c in result.cells}
        (primary,) = {c.condition["protocol"] for c in result.cells if c.primary}
        details = result.details["protocols"][primary]
        assert details["protocol"]["source"]
        assert details["protocol"]["version"] == PROTOCOLS[name].version
        assert all(0 <= p["validation"] <= 1 for p in details["probes"])
    assert compare(results[:1], results[1:]).primary.n == 40


def test_results_of_two_protocols_are_never_compared(pair, runtime):
    (one,) = evaluate(pair[:1], suite("knn"), NEW, runtime=runtime)
    (other,) = evaluate(pair[1:], suite("ridge"), NEW, runtime=runtime)
    with pytest.raises(ConfigError, match="suite config must be that of"):
        compare([one], [other])


def test_the_paper_s_protocol_has_both_rows(pair, runtime, monkeypatch):
    quick = replace(PROTOCOLS["acn-paper"].fine_tune, steps=30)
    monkeypatch.setitem(
        PROTOCOLS, "acn-paper", replace(PROTOCOLS["acn-paper"], fine_tune=quick, solver="ridge")
    )
    results = evaluate(pair, suite("acn-paper", block=False), NEW, runtime=runtime)
    for result in results:
        rows = [c.condition["protocol"] for c in cells(result, exit="last")]
        assert rows == ["acn-paper-1-probe", "acn-paper-1-fine-tune"]
        details = result.details["protocols"]["acn-paper-1-fine-tune"]
        tuned = cell(result, protocol="acn-paper-1-fine-tune")
        assert details["accuracy"] == pytest.approx(float(np.mean(tuned.values)))
        assert details["recipe"]["steps"] == 30
        assert np.mean(tuned.values) > 0.4
        assert not tuned.primary
    assert len(compare(results[:1], results[1:]).rows) == DEPTH + 4


def foreign(module, size=160):
    prepare = PrepareImages(Geometry(size, 3), (0.5,) * 3, (0.5,) * 3)
    return from_module(module, name="foreign", classes=tuple("abcde"), prepare=prepare)


def test_a_network_without_exits_has_named_depths_and_explained_skips_elsewhere(pair, runtime):
    model = foreign(randomised(timm.create_model("test_resnet", num_classes=5), std=0.02))
    results = evaluate([pair[0], model], suite(), replace(NEW, limit=60), runtime=runtime)
    depths = [f"layer{k}" for k in range(1, 5)]
    own = [c.condition["exit"] for c in results[1].cells if c.condition["reading"] == "stream"]
    assert own == ["act1", *depths, "head", "last", "chosen"]
    facts = results[1].details["features"]
    assert facts["depths"] == own[:-2]
    assert len(facts["width"]) == len(facts["depths"])
    missing = [(s.condition["reading"], s.condition["exit"]) for s in results[1].skipped]
    assert missing == [(r, k) for r in ("stream", "block") for k in range(DEPTH + 1)]
    (reason,) = {s.reason for s in results[1].skipped}
    assert reason == f"foreign has no exits: its depths are {', '.join(own[:-2])}"
    comparison = compare(results[:1], results[1:])
    assert [row.condition["exit"] for row in comparison.rows] == ["last", "chosen"]
    assert any("has no exits" in line for line in comparison.warnings)


def test_a_network_with_one_place_has_one_depth(pair, runtime):
    module = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(192, 7), torch.nn.ReLU(), torch.nn.Linear(7, 5)
    )
    model = foreign(randomised(module), 8)
    results = evaluate([pair[0], model], suite(), replace(NEW, limit=60), runtime=runtime)
    assert [c.condition["exit"] for c in results[1].cells] == ["last", "chosen"]
    assert {s.reason for s in results[1].skipped} == {
        "foreign has no exits: one depth, before its head"
    }


def test_a_network_without_features_is_a_skip(pair, runtime):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 5))
    (result,) = evaluate([foreign(module, 8)], suite(), NEW, runtime=runtime)
    assert result.cells == ()
    (skip,) = result.skipped
    assert "Sequential: has no features before its head" in skip.reason


def test_without_data_the_classes_are_those_that_are_new(runtime):
    knows = ["digits04/ac_vit.pt"]
    (result,) = evaluate(knows, suite("knn"), DataSelection(limit=40), runtime=runtime)
    assert result.data.classes == tuple("56789")


real = pytest.mark.skipif(DATA_ROOT not in os.environ, reason=f"{DATA_ROOT} is not set")


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar")
    return [train_on_cifar(folder, name) for name in ("acn", "residual")]


@real
@pytest.mark.parametrize("data", ["npz:cifar100", "folder:tiny-imagenet-50", "cifar10"])
def test_real_data(data, cifar, runtime):
    names = open_examples(data, "test", data_root()).classes[:5]
    selection = DataSelection(data=data, classes=tuple(names), limit=150)
    results = evaluate(cifar, suite("ridge"), selection, runtime=runtime)
    assert all(np.mean(cell(r, exit="chosen").values) > 0.25 for r in results)
    assert compare(results[:1], results[1:]).n == 150
