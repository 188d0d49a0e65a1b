"""The straight line, as a library: load, evaluate, compare."""

import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from acn_eval import compare, evaluate, load
from acn_eval.cache import OutcomeCache
from acn_eval.corruptions import Gaussian
from acn_eval.data import Geometry
from acn_eval.errors import CheckpointError, ConfigError, DataError, MeasureError
from acn_eval.evaluation import DataSelection
from acn_eval.studies.robustness.suite import Robustness
from tests.tiny import checkpoint, digits, linear, npz

SUITE = Robustness(name="short", corruptions=(Gaussian(levels=(0.2,)),))


LIMIT = DataSelection(limit=40)


def test_uris_or_checkpoints_in_their_order(tiny, runtime):
    uris = [str(tiny / f"{name}.pt") for name in ("tiny_ac", "tiny_res")]
    by_uri = evaluate(uris, SUITE, LIMIT, runtime=runtime)
    by_object = evaluate([load(uri) for uri in reversed(uris)], SUITE, LIMIT, runtime=runtime)
    assert [r.checkpoint.name for r in by_uri] == ["tiny_ac", "tiny_res"]
    assert [r.key for r in by_object] == [r.key for r in by_uri][::-1]
    assert by_uri[0].noise_digest == by_uri[1].noise_digest
    comparison = compare(by_uri[:1], by_uri[1:])
    assert comparison.n == 40


def test_suites_by_name(tiny, runtime):
    (result,) = evaluate([checkpoint(tiny)], "robustness", DataSelection(limit=5), runtime=runtime)
    assert len(result.cells) == 7
    assert result.suite["name"] == "robustness"


def test_a_user_s_module_goes_the_whole_way(runtime):
    ours = [linear(seed, name=f"linear{seed}") for seed in (0, 1)]
    results = evaluate(ours, SUITE, LIMIT, runtime=runtime)
    logits = ours[0].model.to(torch.device("cpu"))(
        ours[0].prepare.normalize(digits(40).read(np.arange(40), Geometry(8, 1)) / 255)
    )
    assert np.array_equal(results[0].cells[0].predicted, logits.argmax(1).numpy())
    assert compare(results[:1], results[1:]).claim.sentence


def test_nothing_to_evaluate_is_said(runtime):
    with pytest.raises(ConfigError, match="`candidates`: must name a checkpoint; short"):
        evaluate([], SUITE, runtime=runtime)


@pytest.mark.parametrize(
    "selection",
    [DataSelection("digits"), DataSelection("digits", classes=tuple("789"))],
    ids=["all of the data", "some of the data"],
)
def test_labels_outside_the_model_s_classes_are_refused(selection, runtime):
    with pytest.raises(DataError, match=r"must be among the model's \(0, 1, 2, 3, 4\); got .*9"):
        evaluate([linear(classes=tuple("01234"))], SUITE, selection, runtime=runtime)


def folder_of_digits(root, n=12):
    """Pictures of digits, in a folder for each."""
    shown = digits(n)
    pixels = shown.read(np.arange(n), Geometry(8, 1))
    for i, (image, label) in enumerate(zip(pixels, shown.labels, strict=True)):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0].numpy()).save(root / str(label) / f"{i}.png")
    for label in range(10):
        (root / str(label)).mkdir(exist_ok=True)
    return f"folder:{root}"


def test_pictures_that_change_during_a_run_never_reach_the_store(tmp_path, tiny, runtime):
    data, files = folder_of_digits(tmp_path / "set"), sorted((tmp_path / "set").rglob("*.png"))

    def invert():
        for path in files:
            Image.fromarray(255 - np.asarray(Image.open(path))).save(path)

    def meddle(done, total, calls=itertools.count()):  # noqa: B008
        if next(calls) == 1:  # the pictures are known by their content now
            invert()

    def ask(store, **more):
        own = replace(runtime, store=OutcomeCache(tmp_path / store))
        return evaluate([checkpoint(tiny)], SUITE, DataSelection(data), runtime=own, **more)[0]

    before = ask("first")
    with pytest.raises(MeasureError, match="must stay as it is while it is read"):
        ask("second", progress=meddle)
    for store in ("second", "third"):
        after = ask(store)
        assert after.data.fingerprint != before.data.fingerprint
        assert np.array_equal(after.cells[0].predicted, ask("third").cells[0].predicted)
    invert()
    assert ask("second").data == before.data
    assert np.array_equal(ask("second").cells[1].confidence, before.cells[1].confidence)


WORDS = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay"]


def test_a_class_order_is_for_the_network_that_needs_one(tmp_path, runtime):
    named, bare = linear(classes=tuple(WORDS), data="", name="named"), linear(data="")
    selection = DataSelection(npz(tmp_path, WORDS), class_order="position")
    results = evaluate([named, bare], SUITE, selection, runtime=runtime)
    assert [r.details["classes_matched_by"] for r in results] == ["name", "position"]
    assert ["class_order" in r.checkpoint.preprocessing for r in results] == [False, True]
    assert [len(r.warnings) for r in results] == [0, 1]
    assert compare(results[:1], results[1:]).n == 30
    with pytest.raises(DataError, match="`class_order`: position"):
        evaluate([named, bare], SUITE, replace(selection, class_order=None), runtime=runtime)


def test_progress_tells_the_whole(tiny, runtime):
    seen = []
    evaluate(
        [checkpoint(tiny)], SUITE, LIMIT, runtime=runtime, progress=lambda *now: seen.append(now)
    )
    assert seen[0] == (0, 80)
    assert seen[-1] == (80, 80)


def test_the_store_keeps_to_its_limit(tiny, runtime):
    small = replace(runtime, store=OutcomeCache(runtime.store.folder, limit=1000))
    evaluate([checkpoint(tiny)], SUITE, LIMIT, runtime=small)
    assert small.store.size() <= 1000


def test_what_is_wrong_is_said_before_anything_runs(tiny, runtime):
    with pytest.raises(ConfigError, match="nosuch"):
        evaluate([str(tiny / "tiny_ac.pt")], "nosuch", runtime=runtime)
    with pytest.raises(CheckpointError, match="there is none"):
        evaluate([str(tiny / "tiny_ax.pt")], SUITE, runtime=runtime)


ORDERS = [", ".join(order) for order in itertools.permutations(("evaluate", "compare", "load"))]


def test_the_public_names_in_any_order():
    """Modules and functions share names: whichever comes first, the functions win."""
    code = f"""
import importlib, sys
for order in {ORDERS!r}:
    for name in [n for n in sys.modules if n.startswith("acn_eval")]:
        del sys.modules[name]
    exec(f"from acn_eval import {{order}}")
    import acn_eval, acn_eval.checkpoints.load, acn_eval.statistics.compare, acn_eval.evaluation
    for name in ("evaluate", "compare", "load"):
        assert callable(getattr(acn_eval, name)), (order, name)
try:
    acn_eval.nosuch
except AttributeError:
    print("fine")
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout == "fine\n", done.stderr
