"""Pruning: every network is what its method says, costs are counted, nothing is chosen."""

import json
import zlib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import from_module, load, rewritten, write_native
from acn_eval.corruptions import Gaussian
from acn_eval.data import Geometry, PrepareImages
from acn_eval.errors import ConfigError, Stopped
from acn_eval.evaluation import DataSelection, choose, evaluate
from acn_eval.inference import Runtime
from acn_eval.models import cost
from acn_eval.results import EvalResult
from acn_eval.studies.compare import compare, summarize
from acn_eval.studies.pruning.masks import apply_masks, magnitudes, masks_of, prunable, zeros_in
from acn_eval.studies.pruning.methods import GradualMagnitude, Magnitude, Movement
from acn_eval.studies.pruning.run import network_of
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.study.request import Request
from tests.checkpoints.files import VIT_SMALL, official_file, vit_state
from tests.tiny import checkpoint

METHODS = (
    Movement(removed=0.4, epochs=2, steps=3),
    GradualMagnitude(steps=4, ramp=0.5, every=1),
    Magnitude(blocks=1),
    Magnitude(),
    Magnitude(blocks=2),
    Magnitude(scope="layer"),
)

PLACES = (0.0, 0.5, 0.9)

SUITE = Pruning(name="small", sparsities=PLACES, methods=METHODS, seconds=1e-6)

ONE = Pruning(name="one", sparsities=PLACES, methods=(Magnitude(),), seconds=1e-6)

CHOICE = DataSelection(limit=80)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return OutcomeCache(tmp_path_factory.mktemp("outcomes"))


@pytest.fixture(scope="module")
def results(tiny, device, store):
    """Both networks by every method; read them only."""
    models = [checkpoint(tiny, name, device) for name in ("tiny_ac", "tiny_res")]
    return evaluate(models, SUITE, CHOICE, runtime=Runtime(device, 128, "fp32", store))


@pytest.fixture
def bench(tiny, device, store):
    """What the suite needs to make a network anew."""
    own = checkpoint(tiny, device=device)
    return Request(SUITE, [own], CHOICE, Runtime(device, 128, "fp32", store))


def cell(result, **wanted):
    (found,) = [
        c
        for c in result.cells
        if wanted.items() <= dict(c.condition).items()
        and c.condition.get("blocks") == wanted.get("blocks")
    ]
    return found


def row(result, method, requested, blocks=None):
    wanted = {"method": method, "requested": requested, "blocks": blocks}
    (found,) = [r for r in result.details["networks"] if wanted.items() <= r.items()]
    return found


def test_every_method_is_a_curve_of_cells_whole_networks_first(results):
    for result in results:
        lines = {}
        for c in result.cells:
            assert (c.condition["corruption"], c.condition["level"]) == ("clean", 0.0)
            name = (c.condition["method"], c.condition.get("blocks"))
            lines.setdefault(name, []).append(c.condition["sparsity"])
            assert c.primary == (name[1] is None and name[0].startswith("magnitude"))
        assert list(lines) == [
            ("magnitude", None),
            ("magnitude_layer", None),
            ("movement_40", None),
            ("gradual", None),
            ("magnitude", 1),
        ]
        assert lines.pop(("movement_40", None)) == [0.0, 0.4, 0.64]
        assert all(places == list(PLACES) for places in lines.values())
        (skip,) = result.skipped
        assert (skip.condition["blocks"], skip.reason[-8:]) == (2, "2 blocks")


def test_the_networks_are_those_of_the_masks(results, tiny, device):
    """By hand: mask the file's weights, show the images, compare the answers."""
    for result, name in zip(results, ("tiny_ac", "tiny_res"), strict=True):
        for blocks in (None, 1):
            own = checkpoint(tiny, name, device)
            network = own.model if blocks is None else own.model.truncated(blocks)
            apply_masks(network, masks_of(magnitudes(network), 0.9))
            examples = choose([own], CHOICE)
            images = examples.read(np.arange(len(examples)), own.prepare.spec) / 255
            with torch.inference_mode():
                logits = network(own.prepare.normalize(images.to(device)))
            where = {} if blocks is None else {"blocks": blocks}
            found = cell(result, method="magnitude", sparsity=0.9, **where)
            assert found.predicted.tolist() == logits.argmax(1).tolist()
            assert found.ids.tolist() == examples.ids.tolist()


def test_realised_sparsity_is_the_requested_one_to_the_nearest_weight(results, tiny):
    total = results[0].details["prunable"]["weights"]
    assert total == sum(w.numel() for w in prunable(checkpoint(tiny).model).values())
    for result in results:
        for own in result.details["networks"]:
            if own["blocks"] is None and own["method"] != "magnitude_layer":
                assert abs(own["realised"] - own["requested"]) * total <= 0.5
            else:
                assert own["realised"] == pytest.approx(own["requested"], abs=0.01)


def test_costs_are_those_of_the_network_and_of_its_file(results, tiny, tmp_path, bench):
    result = results[0]
    network = network_of(bench, "magnitude", 0.5)
    own = row(result, "magnitude", 0.5)
    zeros = sum(int((p == 0).sum()) for p in prunable(network).values())
    spent = cost(network, torch.zeros(1, 1, 8, 8))
    assert own["parameters"] == spent.parameters - zeros
    assert own["flops"] == spent.flops == row(result, "magnitude", 0.9)["flops"]
    assert own["effective_flops"] < own["flops"] == row(result, "magnitude", 0.0)["flops"]
    native = rewritten(checkpoint(tiny).native, network, "")
    write_native(tmp_path / "small.pt", native)
    assert 0 < (tmp_path / "small.pt").stat().st_size - own["weight_bytes"] < 30_000
    content = b"".join(value.numpy().tobytes() for value in native.state.values())
    assert own["deflated_bytes"] == len(zlib.compress(content, 6))
    assert row(result, "magnitude", 0.9)["deflated_bytes"] < own["deflated_bytes"]


def test_trained_networks_have_moved_and_all_trained_as_long(results):
    for result in results:
        steps = {r["method"]: [] for r in result.details["networks"]}
        for own in result.details["networks"]:
            if own["blocks"] is None:
                steps[own["method"]].append(own["fine_tuning_steps"])
        assert steps["gradual"] == [4, 4, 4]
        assert steps["movement_40"] == [3, 6, 9]
        assert steps["magnitude"] == steps["magnitude_layer"] == [0, 0, 0]
        dense = [row(result, m, 0.0)["sha256"] for m in ("magnitude", "gradual", "movement_40")]
        assert len(set(dense)) == 3


def test_a_network_that_was_exported_is_the_one_that_was_measured(results, bench, tmp_path):
    for method, sparsity in (("gradual", 0.9), ("movement_40", 0.64), ("magnitude_layer", 0.5)):
        network = network_of(bench, method, sparsity)
        out = tmp_path / f"{method}.safetensors"
        write_native(out, rewritten(bench.checkpoints[0].native, network, "by hand"))
        again = load(str(out))
        assert zeros_in(again.model) == row(results[0], method, sparsity)["realised"]
        assert again.native.card.origin == "by hand"
        noise = Robustness(name="n", corruptions=(Gaussian(levels=(0.1,)),))
        (alone,) = evaluate([again], noise, CHOICE, runtime=bench.runtime)
        same = cell(results[0], method=method, sparsity=sparsity)
        assert np.array_equal(alone.cells[0].predicted, same.predicted)


def test_a_second_run_trains_nothing_and_finds_the_same(results, tiny, device, store, monkeypatch):
    def never(*arguments):
        raise AssertionError("trained again")

    monkeypatch.setattr("acn_eval.studies.pruning.context.loop", never)
    own = checkpoint(tiny, device=device)
    (again,) = evaluate([own], SUITE, CHOICE, runtime=Runtime(device, 128, "fp32", store))
    for one, other in zip(again.cells, results[0].cells, strict=True):
        assert one.condition == other.condition
        assert np.array_equal(one.values, other.values)
        assert np.array_equal(one.confidence, other.confidence)
    more = SUITE.model_copy(update={"methods": (Magnitude(), GradualMagnitude(steps=5))})
    with pytest.raises(AssertionError, match="trained again"):
        evaluate([own], more, CHOICE, runtime=Runtime(device, 128, "fp32", store))


def test_a_killed_run_goes_on_with_the_same_numbers(results, tiny, device, tmp_path, monkeypatch):
    """It dies in its third training; what was trained before is not trained again."""
    from acn_eval.studies.pruning import context as module

    loop, count = module.loop, []

    def dying(*arguments):
        count.append(1)
        if len(count) == 3:
            raise KeyboardInterrupt
        loop(*arguments)

    monkeypatch.setattr(module, "loop", dying)
    own = checkpoint(tiny, device=device)
    runtime = Runtime(device, 128, "fp32", OutcomeCache(tmp_path / "fresh"))
    with pytest.raises(Stopped, match=r"^640 of the 1,200 evaluations under way are kept"):
        evaluate([own], SUITE, CHOICE, runtime=runtime)
    (whole,) = evaluate([own], SUITE, CHOICE, runtime=runtime)
    assert len(count) == 3 + 4
    for one, other in zip(whole.cells, results[0].cells, strict=True):
        assert np.array_equal(one.confidence, other.confidence)


def test_noise_is_shown_to_pruned_networks(tiny, device, store):
    noise = Robustness(name="noise", corruptions=(Gaussian(levels=(0.3,)),))
    suite = ONE.model_copy(update={"noise": noise})
    own = checkpoint(tiny, device=device)
    runtime = Runtime(device, 128, "fp32", store)
    (found,) = evaluate([own], suite, CHOICE, runtime=runtime)
    (alone,) = evaluate([own], noise, CHOICE, runtime=runtime)
    noisy = cell(found, corruption="gaussian", sparsity=0.0)
    assert np.array_equal(noisy.values, alone.cells[1].values)
    assert found.noise_digest == alone.noise_digest
    assert [c.primary for c in found.cells] == [True, False] * 3


def test_the_area_is_compared_and_survives_the_disk(results, tmp_path):
    found = compare(results[:1], results[1:])
    assert found.primary.name == "area over sparsity"
    assert len(found.rows) == 15
    again = EvalResult.load(results[0].save(tmp_path))
    assert again.details == json.loads(json.dumps(results[0].details))
    areas = []
    for method in ("magnitude", "magnitude_layer"):  # without those that train on
        y = [cell(results[0], method=method, sparsity=s).values.mean() for s in PLACES]
        areas.append(np.trapezoid(y, PLACES) / PLACES[-1])
    assert summarize(results[:1])[-1].estimate.value == pytest.approx(np.mean(areas))


def test_charts_have_whole_places_and_the_accuracies_of_the_cells(results):
    charts = {c["name"]: c for c in results[0].details["charts"]}
    assert list(charts)[:3] == ["magnitude, parameters", "magnitude, FLOPs", "magnitude, file"]
    assert len(charts) == 5 * 3
    assert "magnitude of 1 blocks, file" in charts
    for chart in charts.values():
        assert all(isinstance(x, int) for x, _ in chart["points"])
    kept = [row(results[0], "magnitude", s)["parameters"] for s in sorted(PLACES, reverse=True)]
    assert [x for x, _ in charts["magnitude, parameters"]["points"]] == kept


def test_movement_removes_for_good_and_not_the_smallest(bench):
    networks = [network_of(bench, "movement_40", s) for s in (0.0, 0.4, 0.64)]
    zeros = [{k: w == 0 for k, w in prunable(own).items()} for own in networks]
    for less, more in pairwise(zeros):
        assert all(bool((less[k] <= more[k]).all()) for k in less)
    kept = {k: ~zero for k, zero in zeros[1].items()}
    by_size = masks_of(magnitudes(networks[0]), 0.4)
    assert any(not torch.equal(kept[k], by_size[k]) for k in kept)


def test_a_foreign_network_is_refused(runtime):
    prepare = PrepareImages(Geometry(8, 1), (0.5,), (0.5,))
    plain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    foreign = from_module(
        plain, name="plain", classes=tuple("0123456789"), prepare=prepare, data="digits"
    )
    with pytest.raises(ConfigError, match="must be a file of ours to be pruned"):
        evaluate([foreign], ONE, runtime=runtime)


def test_other_classes_can_be_pruned_but_not_trained_on(tiny, device, runtime):
    own = checkpoint(tiny, device=device)
    few = DataSelection(data="digits", classes=("0", "1", "2"), limit=40)
    (found,) = evaluate([own], ONE, few, runtime=runtime)
    assert found.data.n == 40
    with pytest.raises(ConfigError, match="classes of the data must be the network's"):
        evaluate([own], SUITE, few, runtime=runtime)


def test_two_readings_of_one_file_never_share(tmp_path, device):
    """Tensors do not say how many heads a ViT has."""
    sizes = {**VIT_SMALL, "depth": 1, "classes": 10}
    path = str(official_file(tmp_path / "a.pth.tar", vit_state("official/vit", sizes)))
    readings = [load(path, f"official/vit:heads={heads}") for heads in (8, 4)]
    runtime, digits = (
        Runtime(device, 128, "fp32", OutcomeCache(tmp_path / "store")),
        replace(CHOICE, data="digits"),
    )
    for reading in readings:
        reading.model.to(device)
    alone = [evaluate([reading], ONE, digits, runtime=runtime)[0] for reading in readings]
    first, second = (result.cells[0].confidence for result in alone)
    assert not np.array_equal(first, second)
