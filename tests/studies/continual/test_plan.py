"""What a plan opens, counts and costs, against what its trainings are really shown."""

import numpy as np
import pytest
from PIL import Image

from acn_eval.errors import DataError
from acn_eval.studies.continual.costs import costs
from acn_eval.studies.continual.methods import (
    EWC,
    SI,
    Joint,
    Naive,
    Replay,
)
from acn_eval.studies.continual.plan import ContinualPlan
from tests.statistics.results import PAIRED
from tests.studies.continual.plans import (
    course,
    learner_of,
    runtime,
    sides_of,
    study,
    suite,
    train,
)

METHODS = [
    Naive(),
    Joint(),
    Replay(),
    Replay(per_class=2, batch=3),
    EWC(images=4),
    SI(),
]


@pytest.mark.parametrize("logits", ["task", "seen"])
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.label)
def test_examples_and_scores_are_what_is_really_shown(tmp_path, monkeypatch, method, logits):
    own = course(method, steps=2, logits=logits)
    learner = learner_of(own)
    step, images, scores = learner.step, [], []

    def counted(shown):
        images.append(len(shown.images))
        return step(shown)

    def looked(shown):
        scores.append(sum(part.columns.shape[1] for part, _ in zip(shown, range(4), strict=False)))

    monkeypatch.setattr(learner, "step", counted)
    monkeypatch.setattr(learner.regularizer, "end_task", looked)
    while learner.stage < len(own.stages):
        learner.learn()
    assert sum(images) == own.examples
    assert own.scores == (sum(scores) if isinstance(method, EWC) else 0)


def ticking():
    """A clock that is one second on whenever it is asked."""
    yield from range(10**6)


def test_costs_count_what_is_remembered_and_what_the_information_takes(tmp_path):
    methods = ("naive", {"method": "replay", "per_class": 2}, {"method": "ewc", "images": 4})
    asked = study(tmp_path, methods=methods, connectivities=("acn", "ffn"))
    clock, runs = ticking(), [unit.run for unit in asked.units()]
    found = {c.name: c for c in costs(runs, runtime(tmp_path), lambda: next(clock))}
    names = ("naive", "replay 2", "ewc 100 images=4")
    naive, replay, ewc = (found[f"acn L2 {name}"] for name in names)
    looks, batch = 60 * 5, 8
    assert {c.steps for c in found.values()} == {20}
    forward = naive.flops / (3 * 20 * batch + looks)
    assert replay.flops == forward * (3 * (20 + 16) * batch + looks)
    assert ewc.flops == naive.flops + forward * 2 * 5 * 4 * 2
    # A step is a second, and so are five images of two answers each.
    assert naive.seconds == pytest.approx(20 + looks / 3 / batch)
    assert replay.seconds == pytest.approx((36 * batch + looks / 3) / 16)
    assert ewc.seconds == pytest.approx(naive.seconds + 5 * 4 * 2 / 10)


def test_what_is_done_costs_nothing_and_measuring_keeps_nothing(tmp_path):
    train(course(steps=1), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.outcomes")}
    runs = [unit.run for unit in study(tmp_path, steps=1).units()]
    done, left = costs(runs, runtime(tmp_path))
    assert (done.name, done.done, done.seconds) == ("acn L2 naive", 1, 0)
    assert (left.name, left.done) == ("residual L2 naive", 0)
    assert left.seconds > 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.outcomes")} == before


def test_results_say_how_many_examples_and_with_what(tmp_path):
    methods = ({"method": "replay", "per_class": 2, "batch": 3},)
    ((results, _),) = sides_of(study(tmp_path, steps=1, methods=methods))
    (result,) = results
    training = result.checkpoint.training
    assert (training["steps"], training["examples"]) == (5, 5 * 8 + 4 * 3)
    recipe = training["recipe"].split(", ")
    assert "batch 8" in recipe
    assert "method replay 2 batch=3" in recipe


def test_evidence_for_pairs_is_recorded_and_decides_no_outcome(tmp_path):
    plain, declared = (course(steps=1, paired_seeds=p) for p in (None, PAIRED))
    assert declared.address == plain.address
    train(plain, tmp_path)
    ((candidates, baselines),) = sides_of(study(tmp_path, steps=1, paired_seeds=PAIRED))
    for result in (*candidates, *baselines):
        assert result.checkpoint.training["paired_seeds"] == PAIRED
        assert "paired_seeds" not in result.checkpoint.training["recipe"]


@pytest.mark.parametrize("limit", [1, 6])
def test_a_task_without_test_images_is_refused(limit):
    message = (
        rf"^digits: test must have images of every task; got none of task \d .* among {limit}"
    )
    with pytest.raises(DataError, match=message):
        _ = ContinualPlan(suite(), limit=limit).test


def write(folder, split, names):
    generator = np.random.default_rng(0)
    for number, name in enumerate(names):
        (folder / split / name).mkdir(parents=True)
        for i in range(3):
            pixels = generator.integers(0, 20, (8, 8), dtype=np.uint8) + 50 * number
            Image.fromarray(pixels.astype(np.uint8)).save(folder / split / name / f"{i}.png")


def test_test_images_have_the_labels_of_the_training_classes(tmp_path):
    """A folder that has more classes in its test split would shift them otherwise."""
    write(tmp_path, "train", "bcde")
    write(tmp_path, "test", "abcde")
    fields = {"data": f"folder:{tmp_path}", "tasks": 2}
    opened = ContinualPlan(suite(**fields))
    assert opened.test.classes == opened.train.classes == tuple("bcde")
    files = opened.test.inputs.files
    names = [files[i].parent.name for i in opened.test.positions]
    assert [opened.test.classes[label] for label in opened.test.labels] == names
    assert len(names) == 12


def test_training_classes_without_test_images_are_refused(tmp_path):
    write(tmp_path, "train", "abcd")
    write(tmp_path, "test", "abc")
    with pytest.raises(DataError, match=r"got d$"):
        _ = ContinualPlan(suite(data=f"folder:{tmp_path}", tasks=2)).test
