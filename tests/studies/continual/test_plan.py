"""What a plan opens and counts, against what its trainings are really shown."""

import numpy as np
import pytest
from PIL import Image

from acn_eval.errors import DataError
from acn_eval.studies.continual.methods import (
    EWC,
    SI,
    Joint,
    Naive,
    Replay,
)
from acn_eval.studies.continual.plan import ContinualPlan
from tests.studies.continual.plans import course, learner_of, suite

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
    names = [files[i].split("/")[0] for i in opened.test.positions]
    assert [opened.test.classes[label] for label in opened.test.labels] == names
    assert len(names) == 12


def test_training_classes_without_test_images_are_refused(tmp_path):
    write(tmp_path, "train", "abcd")
    write(tmp_path, "test", "abc")
    with pytest.raises(DataError, match=r"got d$"):
        _ = ContinualPlan(suite(data=f"folder:{tmp_path}", tasks=2)).test
