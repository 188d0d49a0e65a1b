"""From recipes to results: what stands in them, and that nothing is trained twice."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from acn_eval.data import open_examples
from acn_eval.errors import Stopped
from acn_eval.inference.outputs import inputs_of
from acn_eval.models import build
from acn_eval.results import EvalResult
from acn_eval.statistics.architectures import pair_by_seed
from acn_eval.studies.compare import compare
from acn_eval.studies.low_data import trained as module
from acn_eval.studies.low_data.draws import STREAM
from acn_eval.tally import quietly
from acn_eval.training import train_all
from tests.statistics.results import PAIRED
from tests.studies.low_data.plans import learn, side, suite, trained
from tests.tiny import digits


def table(learned):
    return {
        (r.checkpoint.name, *sorted(c.condition.items()), c.measure): c.values.tolist()
        for r in (*learned.candidates, *learned.baselines)
        for c in r.cells
    }


@pytest.fixture(scope="module")
def learned(tmp_path_factory, device):
    from acn_eval.cache import OutcomeCache
    from acn_eval.inference import Runtime

    store = OutcomeCache(tmp_path_factory.mktemp("learned"))
    runtime = Runtime(device, batch_size=100, precision="fp32", store=store)
    return learn(trained(suite(), runtime))


def test_one_result_per_side_and_draw(learned):
    names = [[r.checkpoint.name for r in side] for side in (learned.candidates, learned.baselines)]
    assert names == [["acn draw 0", "acn draw 1"], ["res draw 0", "res draw 1"]]
    for result in (*learned.candidates, *learned.baselines):
        conditions = [(c.measure, c.condition) for c in result.cells]
        assert conditions == [
            (m, {"corruption": "clean", "level": 0.0, "per_class": k, "repeat": s})
            for k in (2, 4)
            for s in (0, 1)
            for m in ("correct", "loss")
        ]
        assert {len(c.ids) for c in result.cells} == {352}
        assert [c.primary for c in result.cells] == [True, False] * 4
    hashes = {r.checkpoint.sha256 for r in (*learned.candidates, *learned.baselines)}
    assert len(hashes) == 4


def test_draws_are_paired_across_the_sides_where_the_suite_declares_it(learned):
    sides = [[r.checkpoint for r in s] for s in (learned.candidates, learned.baselines[::-1])]
    assert pair_by_seed(*sides) is None
    declared = [
        [replace(c, training=dict(c.training) | {"paired_seeds": PAIRED}) for c in side]
        for side in sides
    ]
    assert pair_by_seed(*declared) == (1, 0)
    for draw, result in enumerate(learned.candidates):
        training = result.checkpoint.training
        assert (training["seed"], training["data_order"]) == (draw, STREAM)
        assert (training["steps"], training["examples"]) == (4, 64)


def test_cells_are_what_the_networks_say(learned, runtime, device):
    """Predictions, confidences and losses of one draw, computed again by hand."""
    (stack,) = trained(suite(), runtime).plan.stacks[0][1]
    networks = train_all([t.job for t in stack], device)
    test = digits()
    correct, losses = (
        [c for c in learned.candidates[1].cells if c.measure == m] for m in ("correct", "loss")
    )
    for i, (training, network) in enumerate(zip(stack, networks, strict=True)):
        images = inputs_of(test, np.arange(len(test)), training.job.prepare, device)
        with torch.no_grad():
            logits = network(images).cpu()
        labels = torch.from_numpy(test.labels)
        assert np.array_equal(correct[i].ids, test.ids)
        assert np.array_equal(correct[i].predicted, logits.argmax(1))
        assert np.array_equal(correct[i].values, (logits.argmax(1) == labels).float())
        expected = cross_entropy(logits, labels, reduction="none")
        assert losses[i].values == pytest.approx(expected.numpy(), rel=1e-4, abs=1e-5)
        assert correct[i].confidence == pytest.approx(
            logits.softmax(1).max(1).values.numpy(), rel=1e-4
        )


def test_a_result_survives_the_disk_and_names_its_subsets(learned, runtime, tmp_path):
    result = learned.candidates[1]
    folder = result.save(tmp_path)
    assert " " not in folder.name
    loaded = EvalResult.load(folder)
    assert loaded.key == result.key
    pool = open_examples("digits", "train")
    subsets = [subset.record() for subset in trained(suite(), runtime).plan.subsets[1]]
    for kept, full in zip(loaded.details["subsets"], subsets, strict=True):
        assert kept["fingerprint"] == full["fingerprint"]
        own = pool.at(np.flatnonzero(np.isin(pool.ids, full["ids"])))
        assert own.fingerprint == full["fingerprint"]
    assert loaded.details["subsets"] == learned.baselines[1].details["subsets"]


def watched(monkeypatch):
    """Count the trainings that are done, by the size of their group."""
    sizes = []

    def counted(lessons, *rest):
        sizes.append(len(lessons))
        return train_all(lessons, *rest)

    monkeypatch.setattr(module, "train_all", counted)
    return sizes


def test_nothing_is_trained_twice(runtime, monkeypatch):
    sizes = watched(monkeypatch)
    first = learn(trained(suite(), runtime))
    assert sizes == [4] * 4
    assert table(learn(trained(suite(), runtime))) == table(first)
    assert sizes == [4] * 4
    more = learn(trained(suite(draws=3), runtime))  # a further draw leaves the others as they are
    assert sizes == [4] * 6
    assert table(first).items() <= table(more).items()


@pytest.mark.parametrize("way", ["together", "alone"])
def test_a_plan_that_is_stopped_goes_on_with_the_same_table(runtime, monkeypatch, way):
    whole = table(learn(trained(suite(training=way), runtime)))
    fresh = replace(runtime, store=replace(runtime.store, folder=runtime.store.folder / "fresh"))
    plan = trained(suite(training=way), fresh)
    for stop in (1, 12, 20, 31):

        def progress(done, total, stop=stop):
            if done >= stop:
                raise KeyboardInterrupt

        with pytest.raises(Stopped, match=r"^\d+ of the \d+ training steps under way are kept"):
            learn(plan, progress)
    sizes = watched(monkeypatch)
    assert table(learn(plan)) == whole
    assert 0 < sum(sizes) < 16


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 5},
        {"first_draw": 1, "draws": 1},
        {"per_class": (2, 5)},
        {"held_out": 0.5},
        {"training": "alone"},
        {"candidate": side("acn", "acn", learning_rate=0.002)},
        {"candidate": side("acn", "ffn")},
    ],
    ids=str,
)
def test_another_question_is_trained_anew(runtime, monkeypatch, changes):
    learn(trained(suite(draws=1), runtime))
    sizes = watched(monkeypatch)
    learn(trained(suite(**{"draws": 1, **changes}), runtime))
    assert sum(sizes) >= 4


def test_together_and_alone_agree(runtime):
    """The same table but for images whose logits are close to a tie."""
    one, other = (table(learn(trained(suite(training=w), runtime))) for w in ("together", "alone"))
    assert one.keys() == other.keys()
    for key, values in one.items():
        gap = np.abs(np.array(values) - np.array(other[key]))
        assert gap.max() < 1e-4 if key[-1] == "loss" else gap.mean() < 0.01


def test_progress_reaches_its_total(runtime):
    told = []
    plan = trained(suite(steps=60, draws=1, repeats=1), runtime)
    learn(plan, lambda done, total: told.append((done, total)))
    assert told == [(n, 240) for n in (0, 100, 120, 120, 220, 240, 240)]


def test_what_a_reader_must_know(runtime):
    crowded = learn(trained(suite(per_class=(2, 40), draws=1, repeats=1, steps=1), runtime))
    (warning,) = [w for w in crowded.candidates[0].warnings if "third" in w]
    assert warning.startswith("40 per class is more than a third of a class")
    test = open_examples("digits", "test")
    plan = trained(suite(draws=1, steps=1), runtime)
    vars(plan.plan)["test"] = seen = plan.plan.subsets[0][1].examples
    warned = learn(plan).candidates[0].warnings
    assert f"draw 0 learns from 40 of these {len(seen)} images" in warned
    assert len(seen) < len(test)


def test_fewer_test_images(runtime):
    learned = learn(trained(suite(draws=1), runtime, limit=30))
    assert learned.candidates[0].data.n == 30
    assert {len(c.ids) for c in learned.candidates[0].cells} == {30}


def test_fractions(runtime):
    plan = suite(per_class=(), fractions=(0.02, 0.1), draws=1)
    learned = learn(trained(plan, runtime))
    sizes = [c.condition["per_class"] for c in learned.candidates[0].cells]
    assert sorted(set(sizes)) == [2, 11]


def test_five_draws_support_a_claim(runtime):
    learned = learn(trained(suite(draws=5, repeats=1, paired_seeds=PAIRED), runtime))
    found = compare(learned.candidates, learned.baselines)
    assert (found.unit, found.paired_seeds, found.replicate) == ("architectures", True, "draw")
    assert found.candidate.label == "acn (5 draws)"
    assert found.claim.verdict != "none"
    assert not [row for row in found.manifest if row.equal is False]
    assert not [w for w in found.warnings if "not compared" in w]


def test_a_unit_gives_the_same_bytes_in_another_process(runtime):
    """What is pickled is the description alone; the other process opens the data itself."""
    unit = trained(suite(draws=1), runtime).units()[0]
    (here,) = unit.measure([unit], runtime, quietly)
    content = pickle.dumps(unit)
    assert len(content) < 5000
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = pool.submit(measured_alone, content, runtime).result()
    assert there == (unit.address, here)


def measured_alone(content, runtime):
    unit = pickle.loads(content)
    return unit.address, *unit.measure([unit], runtime, quietly)


def test_costs(runtime):
    study = trained(suite(), runtime, limit=20)
    network = build(study.plan.sides[0].recipe.arch)
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, 8, 8))
    ours, theirs = study.costs()
    assert (ours.name, theirs.name) == ("acn", "res")
    assert (ours.trainings, ours.done, ours.together) == (8, 0, 4)
    assert ours.steps == 8 * 4
    assert ours.examples == 8 * 4 * 16
    assert ours.flops == 8 * counter.get_total_flops() * (3 * 4 * 16 + 20)
    assert 0 < ours.seconds < 60
    assert sum(unit.cost for unit in study.units()) == ours.steps + theirs.steps


def test_costs_of_what_is_done(runtime):
    study = trained(suite(), runtime)
    learn(study)
    assert [(cost.done, cost.seconds) for cost in study.costs()] == [(8, 0.0), (8, 0.0)]
    more = trained(suite(draws=3), runtime)
    assert [cost.done for cost in more.costs()] == [8, 8]
    unread = replace(runtime, store=replace(runtime.store, readable=False))
    assert [cost.done for cost in trained(suite(), unread).costs()] == [0, 0]
