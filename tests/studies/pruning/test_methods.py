"""Structured pruning in a suite: costs that really fall, paired networks, files that load."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import load, rewritten, write_native
from acn_eval.errors import ConfigError, MissingExtra
from acn_eval.evaluation import DataSelection, choose, evaluate
from acn_eval.inference import Runtime, latency
from acn_eval.models import build, cost, initialize, read_arch
from acn_eval.studies.compare import compare
from acn_eval.studies.pruning.masks import zeros_in
from acn_eval.studies.pruning.methods import Magnitude, Structured
from acn_eval.studies.pruning.run import network_of
from acn_eval.studies.pruning.structured import narrowed
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.study.request import Request
from acn_eval.training import Recipe, train
from tests.checkpoints.files import VIT_SMALL, official_file, vit_state
from tests.tiny import ARCH, CPU, checkpoint, recipe

PLACES = (0.0, 0.2, 0.4)
METHODS = (Structured(steps=3), Structured(), Magnitude(), Structured(blocks=1))
SUITE = Pruning(name="units", sparsities=PLACES, methods=METHODS, seconds=1e-6)
ONE = SUITE.model_copy(update={"methods": (Structured(),)})
CHOICE = DataSelection(limit=80)
# What the first block alone, and both blocks, keep of 32 units: by hand from 512 weights a side.
KEPT = {None: {0.0: 32, 0.2: 18, 0.4: 5}, 1: {0.0: 32, 0.2: 18, 0.4: 3}}
MIXER = {
    **{k: v for k, v in ARCH.items() if k not in {"kind", "heads", "hidden"}},
    **{"kind": "mixer", "token_hidden": 12, "channel_hidden": 32},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return OutcomeCache(tmp_path_factory.mktemp("outcomes"))


@pytest.fixture(scope="module")
def results(tiny, device, store):
    """Both networks by every method; read them only."""
    models = [checkpoint(tiny, name, device) for name in ("tiny_ac", "tiny_res")]
    return evaluate(models, SUITE, CHOICE, runtime=Runtime(device, 128, "fp32", store))


@pytest.fixture(scope="module")
def mixers(tmp_path_factory):
    """A folder with the same pair as Mixers."""
    folder = tmp_path_factory.mktemp("mixers")
    plain = recipe().model_dump(exclude={"arch"})
    for name, connectivity in (("tiny_ac.pt", "acn"), ("tiny_res.pt", "residual")):
        plan = {**plain, "arch": {**MIXER, "connectivity": connectivity}}
        train(Recipe.model_validate(plan), folder / name, device=CPU)
    return folder


def made(suite, own, runtime, method, sparsity):
    return network_of(Request(suite, [own], CHOICE, runtime), method, sparsity)


def rows(result, method, blocks=None):
    return [
        r for r in result.details["networks"] if (r["method"], r["blocks"]) == (method, blocks)
    ]


def predicted(result, method, sparsity, blocks=None):
    wanted = {"method": method, "sparsity": sparsity, "blocks": blocks}
    (found,) = [c for c in result.cells if {k: c.condition.get(k) for k in wanted} == wanted]
    return found.predicted.tolist()


@pytest.mark.parametrize("blocks", [None, 1])
def test_the_networks_are_those_without_the_units(results, tiny, device, blocks):
    for result, name in zip(results, ("tiny_ac", "tiny_res"), strict=True):
        own = checkpoint(tiny, name, device)
        whole = own.model if blocks is None else own.model.truncated(blocks)
        examples = choose([own], CHOICE)
        images = examples.read(np.arange(len(examples)), own.prepare.spec) / 255
        images = own.prepare.normalize(images.to(device))
        for sparsity, kept in KEPT[blocks].items():
            by_hand = narrowed(whole, {"hidden": kept})(images).argmax(1).tolist()
            assert predicted(result, "structured", sparsity, blocks) == by_hand


def test_parameters_flops_and_bytes_fall_alike_on_both_sides(results, tiny):
    dense = cost(checkpoint(tiny).model, torch.zeros(1, 1, 8, 8))
    for method in ("structured", "structured_tuned"):
        ours, theirs = (rows(result, method) for result in results)
        for row, other in zip(ours, theirs, strict=True):
            gone = 32 - KEPT[None][row["requested"]]
            assert row["parameters"] == dense.parameters - gone * 2 * (2 * 16 + 1)
            assert row["flops"] == dense.flops - gone * 2 * 2 * 2 * 16 * 5
            assert row["effective_flops"] == row["flops"]
            assert row["weight_bytes"] == 4 * row["parameters"]
            assert row["realised"] == gone * 2 * 2 * 16 / results[0].details["prunable"]["weights"]
            same = ("parameters", "flops", "weight_bytes", "realised")
            assert [row[k] for k in same] == [other[k] for k in same]


def test_zeros_of_the_same_share_save_none_of_it(results):
    for cut, zeros in zip(
        rows(results[0], "structured"), rows(results[0], "magnitude"), strict=True
    ):
        assert cut["realised"] == pytest.approx(zeros["realised"], abs=0.5 * 64 / 4352)
        assert zeros["weight_bytes"] == rows(results[0], "structured")[0]["weight_bytes"]
        assert cut["batch64"]["batch"] == 64
        assert "batch64" not in zeros


def test_a_network_with_few_units_is_faster():
    fields = {**ARCH, "width": 64, "hidden": 4096, "patch": 2}
    wide = initialize(build(read_arch(fields, "wide")), 0).eval()
    images = torch.zeros(64, 1, 8, 8)
    times = [
        latency(own, images, "fp32", seconds=1e-6).median_ms
        for own in (wide, narrowed(wide, {"hidden": 64}))
    ]
    assert times[1] < 0.7 * times[0]


def test_tuned_networks_have_moved_and_trained_as_long_at_every_place(results):
    for result in results:
        tuned, plain = rows(result, "structured_tuned"), rows(result, "structured")
        assert [r["fine_tuning_steps"] for r in tuned] == [3, 3, 3]
        assert [r["fine_tuning_steps"] for r in plain] == [0, 0, 0]
        assert len({r["sha256"] for r in (*tuned, *plain)}) == 6


def test_places_of_one_width_share_a_training_and_a_second_run_trains_nothing(
    tiny, device, store, results, monkeypatch
):
    def never(*arguments):
        raise AssertionError("trained again")

    monkeypatch.setattr("acn_eval.studies.pruning.context.loop", never)
    own = checkpoint(tiny, device=device)
    near = SUITE.model_copy(update={"sparsities": (0.0, 0.201, 0.4)})
    (again,) = evaluate([own], near, CHOICE, runtime=Runtime(device, 128, "fp32", store))
    for one, other in zip(
        rows(again, "structured_tuned"), rows(results[0], "structured_tuned"), strict=True
    ):
        assert one["sha256"] == other["sha256"]


def test_the_area_pairs_the_shares_of_both_sides(results):
    found = compare(results[:1], results[1:])
    assert found.primary.name == "area over sparsity"
    areas = []
    for result in results:
        accuracies = [
            [c.values.mean() for c in result.cells if c.primary and c.condition["method"] == m]
            for m in ("structured", "magnitude")
        ]
        areas.append(np.mean([np.trapezoid(y, PLACES) / PLACES[-1] for y in accuracies]))
    assert found.primary.difference.value == pytest.approx(areas[0] - areas[1])


@pytest.mark.parametrize("method", ["structured", "structured_tuned"])
@pytest.mark.parametrize("folder", ["tiny", "mixers"])
def test_what_is_exported_loads_and_answers_the_same(
    request, folder, method, device, runtime, tmp_path
):
    own = checkpoint(request.getfixturevalue(folder), device=device)
    network = made(SUITE, own, runtime, method, 0.4)
    write_native(tmp_path / "small.pt", rewritten(own.native, network, "by hand"))
    again = load(str(tmp_path / "small.pt"))
    again.model.to(device)
    images = torch.rand(4, 1, 8, 8, device=device)
    with torch.inference_mode():
        assert torch.equal(again.model(images), network(images))
    assert sum(p.numel() for p in again.model.parameters()) < own.id.parameters
    assert again.id.arch == network.config.model_dump(mode="json") != own.id.arch


def test_mixers_lose_the_same_share_of_both_kinds_of_units(mixers, runtime):
    pair = [checkpoint(mixers, name, runtime.device) for name in ("tiny_ac", "tiny_res")]
    ours, theirs = evaluate(pair, ONE, CHOICE, runtime=runtime)
    keys = ("realised", "parameters", "flops", "weight_bytes")
    costs = [[row[k] for k in keys] for row in rows(ours, "structured")]
    assert costs == [[row[k] for k in keys] for row in rows(theirs, "structured")]
    small = made(ONE, pair[0], runtime, "structured", 0.4)
    weights = 256 + 2 * (2 * 12 * 5 + 2 * 32 * 16)  # patches; tokens and channels of two blocks
    share = 0.4 * weights / (weights - 256)
    kept = {"token_hidden": 12 - round(12 * share), "channel_hidden": 32 - round(32 * share)}
    assert small.config == pair[0].model.config.model_copy(update=kept)
    assert zeros_in(small, pair[0].model) == rows(ours, "structured")[-1]["realised"]


@pytest.mark.parametrize(
    ("sparsity", "blocks", "share"), [(0.48, None, "0.471"), (0.45, 1, "0.444")]
)
def test_more_than_the_units_hold_is_refused_before_anything_is_measured(
    tiny, runtime, sparsity, blocks, share
):
    methods = (Magnitude(), *(Structured(blocks=b) for b in {blocks}))
    suite = Pruning(name="x", sparsities=(0.0, sparsity), methods=methods, seconds=1e-6)
    own = checkpoint(tiny, device=runtime.device)
    shown = []
    with pytest.raises(ConfigError) as caught:
        evaluate([own], suite, CHOICE, runtime=runtime, progress=lambda *done: shown.append(done))
    assert str(caught.value) == (
        f"{own.id.uri}: sparsities of structured must be below {share}, the share of its weights "
        f"that hidden units have; got {sparsity}"
    )
    assert shown == []


def test_without_the_library_only_structured_pruning_is_refused(tiny, runtime, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    own = checkpoint(tiny, device=runtime.device)
    with pytest.raises(MissingExtra, match=r"pip install 'acn-eval\[structured\]'"):
        evaluate([own], ONE, CHOICE, runtime=runtime)
    plain = ONE.model_copy(update={"methods": (Magnitude(),)})
    assert len(evaluate([own], plain, CHOICE, runtime=runtime)[0].cells) == 3


def test_other_classes_can_be_pruned_but_not_tuned_on(tiny, runtime):
    own = checkpoint(tiny, device=runtime.device)
    few = replace(CHOICE, data="digits", classes=("0", "1", "2"), limit=40)
    (found,) = evaluate([own], ONE, few, runtime=runtime)
    assert found.data.n == 40
    with pytest.raises(ConfigError, match="Leave out the methods that train"):
        evaluate([own], SUITE, few, runtime=runtime)


def test_units_that_are_tied_to_channels_are_refused_and_others_of_the_authors_are_not(
    tmp_path, runtime
):
    small, digits = (
        {**VIT_SMALL, "depth": 1, "hidden": 96, "classes": 10},
        replace(CHOICE, data="digits"),
    )
    ac, res = (
        load(str(official_file(tmp_path / f"{arch[9:]}.tar", vit_state(arch, small))), arch)
        for arch in ("official/ac-vit", "official/vit")
    )
    with pytest.raises(ConfigError) as caught:
        evaluate([ac], ONE, digits, runtime=runtime)
    assert str(caught.value) == (
        f"{ac.id.uri}: must have hidden units that nothing else reads; fixed paths tie them to "
        "channels. Leave out the method structured."
    )
    res.model.to(runtime.device)
    (found,) = evaluate([res], ONE, digits, runtime=runtime)
    assert found.details["networks"][0]["parameters"] == res.id.parameters
    assert found.details["networks"][-1]["parameters"] < 0.7 * res.id.parameters
