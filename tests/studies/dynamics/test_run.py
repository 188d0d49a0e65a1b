"""Trainings that are watched, against the same training and the same numbers by hand."""

import math
import pickle
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import acn_eval.studies.dynamics.run as module
from acn_eval.checkpoints import load
from acn_eval.engine import environment
from acn_eval.engine.local import Local
from acn_eval.engine.protocol import Yielded
from acn_eval.errors import Stopped, Unsupported
from acn_eval.inference.outputs import inputs_of
from acn_eval.results import EvalResult
from acn_eval.statistics.score import BoundedSample
from acn_eval.studies.compare import compare, summarize
from acn_eval.studies.dynamics.utilization import linear_cka, stable_rank
from acn_eval.training import TrainingJob, train_all
from acn_eval.training.fit import start
from tests.studies.dynamics.plans import asked, finished, suite, text_suite, trainings
from tests.tiny import checkpoint, counting, digits, recipe
from tests.training.texts import trained


@pytest.fixture(scope="module")
def shared(device, tmp_path_factory):
    from acn_eval.cache import OutcomeCache
    from acn_eval.inference import Runtime

    store = OutcomeCache(tmp_path_factory.mktemp("dynamics"))
    return asked(suite(), Runtime(device, 64, "fp32", store))


@pytest.fixture(scope="module")
def results(shared):
    return trainings(shared)


@pytest.fixture(scope="module")
def acn(shared):
    """The ACN of the suite, trained without a look, and a way to show it images."""
    recipe = shared.plan.suite.recipe_of("acn")
    lesson = TrainingJob(recipe, shared.plan.splits["train"], shared.plan.splits["validation"])
    (network,) = train_all([lesson], shared.request.runtime.device)

    def shown(examples):
        return inputs_of(
            examples, np.arange(len(examples)), lesson.prepare, shared.request.runtime.device
        )

    return network, shown


def test_the_looks(results):
    for result in results:
        assert result.details["steps"] == [0, 2, 4, 6]
        accuracy = np.array(result.details["validation"]["accuracy"])
        norms = [np.array(result.details["gradients"][p]) for p in ("full", "direct", "mediated")]
        assert [a.shape for a in (accuracy, *norms)] == [(4, 3)] * 4
        assert result.details["gradients"]["images"] == 16
    assert [r.checkpoint.name for r in results] == ["acn", "residual"]
    assert [r.details["backward_paths"] for r in results] == [[2, 1], [8, 4, 2, 1]]


def test_looking_does_not_change_the_training(results, acn, shared):
    network, shown = acn
    test = shared.plan.splits["test"]
    with torch.no_grad():
        exits = network.exits(shown(test))
    for k, logits in enumerate(exits):
        cell = results[0].cells[k]
        assert cell.condition == {"corruption": "clean", "level": 0.0, "exit": k}
        assert cell.primary == (k == 2)
        assert np.array_equal(cell.ids, test.ids)
        assert np.array_equal(cell.predicted, logits.argmax(1).cpu())
        assert np.array_equal(cell.values, logits.argmax(1).cpu().numpy() == test.labels)
        wanted = logits.softmax(1).max(1).values.cpu()
        assert cell.confidence == pytest.approx(wanted.numpy(), rel=1e-4)


def test_the_first_look_is_before_the_first_step(results, acn, shared):
    _, shown = acn
    recipe = shared.plan.suite.recipe_of("acn")
    network = start(recipe, shared.request.runtime.device).network.eval()
    validation = shared.plan.splits["validation"]
    with torch.no_grad():
        exits = network.exits(shown(validation))
    wanted = [float((e.argmax(1).cpu().numpy() == validation.labels).mean()) for e in exits]
    assert results[0].details["validation"]["accuracy"][0] == pytest.approx(wanted)


def test_the_last_look_is_at_the_last_weights(results, acn, shared):
    network, shown = acn
    validation = shared.plan.splits["validation"]
    with torch.no_grad():
        exits = network.exits(shown(validation))
    wanted = [float((e.argmax(1).cpu().numpy() == validation.labels).mean()) for e in exits]
    assert results[0].details["validation"]["accuracy"][-1] == pytest.approx(wanted)

    probe = shared.plan.splits["train"].keyed(16)
    logits = network(shown(probe))
    labels = torch.from_numpy(probe.labels).to(logits.device)
    loss = cross_entropy(logits, labels, label_smoothing=0.1)
    network.zero_grad()  # what the last step left
    loss.backward()
    for i, layer in enumerate([network.embed, *network.blocks]):
        norm = sum(float(p.grad.square().sum()) for p in layer.parameters()) ** 0.5
        found = results[0].details["gradients"]["full"][-1][i]
        assert found == pytest.approx(norm, rel=1e-3)
    network.zero_grad()


def test_deleted_blocks_are_paired_with_the_whole_network(results, acn, shared):
    network, shown = acn
    images = shown(shared.plan.splits["test"])
    with torch.no_grad():
        x0 = network.embed(images)
        last = network.blocks[1].run(x0, "none", None)
        logits = network.classify(x0 + last, images)
    whole, (cell, _) = results[0].cells[2], results[0].cells[3:]
    assert cell.condition == {"corruption": "clean", "level": 0.0, "exit": "last", "without": 1}
    assert np.array_equal(cell.predicted, logits.argmax(1).cpu())
    lost = results[0].details["without"][0]
    sample = BoundedSample.of(whole.values - cell.values)
    assert lost["block"] == 1
    assert (lost["lost"], lost["low"], lost["high"]) == (sample.value, *sample.interval())


def test_representations_are_those_of_every_exit(results, acn, shared):
    network, shown = acn
    with torch.no_grad():
        readings = network.readings(shown(shared.plan.splits["validation"]))
    exits = [r.stream.double().cpu().numpy() for r in readings]
    found = results[0].details
    assert found["stable_rank"][0] is None  # the class token alone: the same for every image
    assert found["cka"][0] == [None] * 3
    assert found["stable_rank"][2] == pytest.approx(stable_rank(exits[2]), rel=1e-4)
    assert found["cka"][1][2] == pytest.approx(linear_cka(exits[1], exits[2]), rel=1e-4)
    assert found["cka"][2][2] == pytest.approx(1)


def test_the_spread_of_the_first_look_is_at_initialization_and_the_last_at_the_last_weights(
    results, acn, shared
):
    trained, shown = acn
    recipe = shared.plan.suite.recipe_of("acn")
    fresh = start(recipe, shared.request.runtime.device).network
    images = shown(shared.plan.splits["validation"])
    spread = results[0].details["spread"]
    assert (spread["n"], len(spread["looks"]), len(images)) == (351, 4, 351)
    assert spread["initial"] == spread["looks"][0]
    for network, rows in ((fresh, spread["looks"][0]), (trained, spread["looks"][-1])):
        with torch.no_grad():
            x = network.embed(images)
            for k in range(3):
                x = network.blocks[k - 1].run(x, "none", None) if k else x
                tokens = x.double().cpu().numpy()
                square = (tokens**2).sum()
                over = [((tokens - tokens.mean(i, keepdims=True)) ** 2).sum() for i in (1, 0)]
                found = [rows[k]["tokens"], rows[k]["images"]]
                assert found == pytest.approx([part / square for part in over], rel=1e-4)


def test_charts_are_the_trajectories(results):
    details = results[1].details
    charts = {chart["name"]: dict(chart["points"]) for chart in details["charts"]}
    accuracy, full, own = (
        np.array(rows)
        for rows in (
            details["validation"]["accuracy"],
            details["gradients"]["full"],
            details["gradients"]["direct"],
        )
    )
    assert charts["exit 2"] == dict(zip([0, 2, 4, 6], accuracy[:, 2], strict=True))
    assert charts["direct share layer 1"][4] == pytest.approx(own[2, 1] / full[2, 1])
    shares = [charts[f"gradient share layer {i}"][6] for i in range(3)]
    assert shares == pytest.approx((full[3] ** 2 / (full[3] ** 2).sum()).tolist())
    assert {chart["x"] for chart in details["charts"]} == {"step"}


def test_a_result_survives_the_disk_and_is_summarized(results, tmp_path):
    loaded = EvalResult.load(results[0].save(tmp_path))
    assert loaded.details == results[0].details
    names = [row.name for row in summarize([loaded])]
    assert names == [
        *(f"exit {k}" for k in range(3)),
        "exit last, without block 1",
        "exit last, without block 2",
        "last exit",
    ]
    assert results[0].key != results[1].key


def test_networks_of_one_recipe_are_a_fair_pair(results):
    found = compare(results[:1], results[1:])
    assert found.primary.name == "last exit"
    assert [row.name for row in found.manifest if row.equal is not True] == []


def table(results):
    return [([c.values.tolist() for c in r.cells], r.details) for r in results]


def watched(monkeypatch):
    """Count the trainings that are begun."""
    begun, inner = [], module.loop

    def counted(fit, *rest, **named):
        begun.append(fit.recipe.arch.connectivity)
        return inner(fit, *rest, **named)

    monkeypatch.setattr(module, "loop", counted)
    return begun


def test_nothing_is_trained_twice(results, shared, monkeypatch):
    begun = watched(monkeypatch)
    assert table(trainings(shared)) == table(results)
    assert begun == []


def test_a_study_that_is_stopped_goes_on_with_the_same_table(
    results, shared, runtime, monkeypatch
):
    def progress(done, total):
        if done > 6:
            raise KeyboardInterrupt

    fresh = asked(suite(), replace(shared.request.runtime, store=runtime.store))
    with pytest.raises(Stopped, match=r"^6 of the 12 training steps under way are kept"):
        trainings(fresh, progress)
    begun = watched(monkeypatch)
    assert table(trainings(fresh)) == table(results)
    assert begun == ["residual"]


def test_a_training_that_is_stopped_goes_on_with_what_was_seen(
    results, shared, runtime, stopped_once
):
    fresh = asked(suite(), replace(shared.request.runtime, store=runtime.store))
    shown = stopped_once(4)
    with pytest.raises(Stopped, match=r"^4 of the 12 training steps under way are kept"):
        trainings(fresh)
    before = len(shown)
    assert table(trainings(fresh)) == table(results)
    assert shown[before:][:2] == [4, 5]


class Elsewhere(Local):
    """Tasks are sent, and run where the environment differs."""

    def run(self, tasks, show):
        for number, task in enumerate(tasks):
            sent = pickle.dumps(task)
            with patch.object(environment, "hardware", lambda device: "another"):
                found = list(pickle.loads(sent)(lambda *own: None))
            yield from (Yielded(number, item, alike=False) for item in found)


def test_another_environment_leaves_nothing_behind(runtime, states_at_every_step):
    """Neither weights nor states, which a run in this environment would go on from."""
    elsewhere = replace(runtime, batch_size=64, precision="fp32", engine=Elsewhere())
    trainings(asked(suite(connectivities=("acn",)), elsewhere))
    assert runtime.store.size() == 0


@pytest.mark.parametrize(
    "changes",
    [{"looks": 2}, {"probed": 17}, {"recipe": {"seed": 1}}, {"recipe": {"steps": 7}}],
    ids=str,
)
def test_another_question_is_trained_anew(shared, results, monkeypatch, changes):
    begun = watched(monkeypatch)
    other = asked(suite(connectivities=("acn",), **changes), shared.request.runtime)
    assert trainings(other)[0].key != results[0].key
    assert begun == ["acn"]


def test_a_plan_counts_every_image_that_is_shown_and_what_is_kept(shared, results, runtime):
    """An image forwards once, and three times where there is a gradient."""
    own = suite(connectivities=("acn", "residual"), recipe={"steps": 7})
    fresh = asked(own, replace(shared.request.runtime, store=runtime.store))
    rows = fresh.costs()
    assert [(row.name, row.trainings, row.done, row.steps) for row in rows] == [
        ("acn", 1, 0, 7),
        ("residual", 1, 0, 7),
    ]
    looks, probe, validation, test, batch, exits = 4, 16, 351, 352, 16, 3
    images = 3 * 7 * batch + looks * (2 * validation + 2 * 3 * probe) + validation + exits * test
    for row, subject in zip(rows, trainings(fresh), strict=True):
        assert row.flops == subject.checkpoint.flops * images
        assert row.seconds > 0
    assert [(row.done, row.seconds) for row in fresh.costs()] == [(1, 0.0), (1, 0.0)]
    assert "7 steps, 4 looks at 351 validation images and the gradients of 16;" in fresh.scale


def test_progress_reaches_its_total(shared):
    told = []
    trainings(shared, lambda done, total: told.append((done, total)))
    assert told[-1] == (12, 12)
    assert told == sorted(told)


def test_a_combination_with_parameters_is_skipped_in_words(shared):
    other = asked(suite(connectivities=("highway",)), shared.request.runtime)
    (result,) = trainings(other)
    assert len(result.cells) == 3
    (skip,) = result.skipped
    assert "cannot be deleted" in skip.reason
    assert result.details["backward_paths"] is None


def test_a_finished_checkpoint_has_one_look(tiny, shared, runtime):
    loaded = checkpoint(tiny, device=shared.request.runtime.device)
    result = finished(loaded, shared.request.runtime)
    assert result.details["steps"] == [60]
    assert len(result.details["validation"]["accuracy"]) == 1
    assert result.details["validation"]["accuracy"][0][-1] == pytest.approx(
        loaded.id.training["validation_accuracy"]
    )
    assert "recipe" not in result.suite
    spread = result.details["spread"]
    assert len(spread["looks"]) == 1
    network = start(recipe(), shared.request.runtime.device).network
    begun = replace(loaded, model=network.eval())
    (before,) = finished(begun, runtime, limit=40).details["spread"]["looks"]
    for own, row, last in zip(spread["initial"], before, spread["looks"][0], strict=True):
        assert own == pytest.approx(row) != last
    points = {chart["name"]: chart["points"] for chart in result.details["charts"]}
    assert [step for step, _ in points["token variance exit 2"]] == [0, 60]
    assert [step for step, _ in points["exit 2"]] == [60]
    with torch.no_grad():
        geometry = loaded.prepare.spec
        pixels = digits().read(np.arange(len(digits())), geometry).float() / 255
        logits = loaded.model(loaded.prepare.normalize(pixels.to(shared.request.runtime.device)))
    assert np.array_equal(result.cells[2].predicted, logits.argmax(1).cpu())


def test_how_a_checkpoint_began_may_not_be_known(tiny, runtime):
    loaded = replace(checkpoint(tiny, device=runtime.device), native=None)
    spread = finished(loaded, runtime, limit=40).details["spread"]
    assert spread["initial"] is None
    assert len(spread["looks"][0]) == 3


def test_masked_tokens_are_watched_and_their_file_is_found_alike(runtime, tmp_path):
    """The network of the suite, and a file of the same recipe that was trained by itself."""
    own = text_suite(connectivities=("acn",))
    (watched,) = trainings(asked(own, runtime, limit=60))
    accuracy, loss = (np.array(watched.details["validation"][s]) for s in ("accuracy", "loss"))
    assert accuracy.shape == loss.shape == (4, 3)
    assert loss[0] == pytest.approx([math.log(175)] * 3, abs=0.3)  # as good as guessing
    assert (watched.data.n, len(watched.data.classes)) == (60, 175)
    assert [line for line in watched.warnings if "one token of every sentence is hidden" in line]

    card = trained(own.recipe_of("acn"), tmp_path / "acn.pt")
    (found,) = trainings(asked(own, runtime, [load(str(tmp_path / "acn.pt"))], limit=60))
    assert found.data == watched.data
    for one, other in zip(found.cells, watched.cells, strict=True):
        assert one.condition == other.condition
        assert np.array_equal(one.ids, other.ids)
        assert np.array_equal(one.predicted, other.predicted)
    assert found.details["validation"]["loss"] == [pytest.approx(loss[-1])]
    assert found.details["steps"] == [card.training.steps] == [6]
    initial, first = found.details["spread"]["initial"], watched.details["spread"]["looks"][0]
    assert [row["tokens"] for row in initial] == pytest.approx([row["tokens"] for row in first])


def test_a_checkpoint_that_was_trained_on_the_images_says_so(tiny, shared):
    loaded, test = checkpoint(tiny, device=shared.request.runtime.device), digits(40)
    seen = replace(loaded, training_hashes=test.hashes)
    result = finished(seen, shared.request.runtime, limit=40)
    assert "tiny_ac was trained on 40 of these 40 images" in result.warnings


def test_a_foreign_network_has_no_known_blocks(tiny, shared):
    with pytest.raises(Unsupported, match="tiny_ac: must be a network of ours"):
        finished(counting(checkpoint(tiny)), shared.request.runtime)


def test_a_unit_is_its_description(shared):
    unit = shared.units()[0]
    again = pickle.loads(pickle.dumps(unit))
    assert len(pickle.dumps(unit)) < 5000
    assert again.address == unit.address
    assert pickle.loads(pickle.dumps(again)) == again  # with the folder of the data spelled out
