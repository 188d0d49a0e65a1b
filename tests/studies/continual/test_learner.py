"""The training of tasks in turn, against loops over columns, images and truncated networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from acn_eval.data.images import ArrayImages
from acn_eval.errors import MeasureError, Stopped
from acn_eval.inference.outputs import inputs_of
from acn_eval.studies.continual.learner import _joined
from acn_eval.studies.continual.methods import (
    EWC,
    SI,
    Joint,
    Naive,
    Replay,
)
from acn_eval.training.packed import pack, unpack
from acn_eval.training.resume import state_key
from tests.studies.continual.plans import CPU, course, learner_of, runtime, train
from tests.tiny import BREAKS_DOWN

METHODS = [
    Naive(),
    SI(),
    EWC(strength=1e4, images=3),
    Replay(per_class=3),
]


def weights(learner):
    return {k: v.clone() for k, v in learner.network.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def after(course, stages=1):
    """A network that has learned so many stages."""
    learner = learner_of(course)
    for _ in range(stages):
        learner.learn()
    return learner


def labels_of(learner, shown):
    """The classes of what is shown, read off columns and targets."""
    return [int(row[t]) for row, t in zip(shown.columns, shown.targets, strict=True)]


def test_the_loss_is_that_of_a_head_per_task(tmp_path):
    """The head's weights are sliced to the columns of the task, and the rest is thrown away."""
    learner = after(course(label_smoothing=0.1))
    shown = learner.batch(0)
    network, own = learner.network, learner.run.tasks.columns[1].tolist()
    *_, stream = network.streams(shown.images)
    logits = (
        network._features(stream, shown.images) @ network.head.weight[own].T
        + network.head.bias[own]
    )
    targets = torch.tensor([own.index(label) for label in labels_of(learner, shown)])
    expected = cross_entropy(logits, targets, label_smoothing=0.1)
    torch.testing.assert_close(learner.step(shown), expected.detach())


@pytest.mark.parametrize("method", METHODS[:3])
def test_heads_of_other_tasks_stay_as_they_are(tmp_path, method):
    learner = learner_of(course(method))
    for task, own in enumerate(learner.run.tasks.columns):
        before = weights(learner)
        learner.learn()
        now = weights(learner)
        others = np.setdiff1d(np.arange(10), own)
        for name in ("head.weight", "head.bias"):
            assert torch.equal(now[name][others], before[name][others])
            assert (now[name][own] != before[name][own]).all(), task


def test_one_head_reads_the_classes_so_far(tmp_path):
    learner = after(course(logits="seen"), 2)
    shown = learner.batch(0)
    so_far = learner.run.tasks.columns[:3].flatten().tolist()
    assert shown.columns.tolist() == [so_far] * 8
    images, labels = shown.images, torch.tensor(labels_of(learner, shown))
    assert set(labels.tolist()) <= set(learner.run.tasks.columns[2].tolist())
    masked = torch.full((8, 10), -torch.inf)
    masked[:, so_far] = learner.network(images).detach()[:, so_far]
    torch.testing.assert_close(learner.step(shown), cross_entropy(masked, labels))
    for name in ("head.weight", "head.bias"):
        gradient = dict(learner.network.named_parameters())[name].grad
        assert gradient[so_far].any()
        assert not gradient[learner.run.tasks.columns[3:].flatten()].any()


def answers_by_hand(learner, logits, so_far):
    """(task-IL, class-IL) of one image at a time, from its logits (n, classes)."""
    test, tasks = learner.run.plan.test, learner.run.tasks
    both = []
    for row, label in zip(logits.tolist(), test.labels, strict=True):
        own = next(task.tolist() for task in tasks.columns if label in task)
        both.append([max(classes, key=lambda c: row[c]) for classes in (own, so_far)])
    return np.array(both).T


@pytest.mark.parametrize("logits", ["task", "seen"])
@pytest.mark.parametrize("connectivity", ["acn", "residual"])
def test_predictions_are_those_of_a_loop_and_of_truncated_networks(tmp_path, connectivity, logits):
    own = course(logits=logits, connectivity=connectivity, learning_rate=0.02, steps=8)
    learner, plan = after(own, 2), own.plan
    network = learner.network.eval()
    images = inputs_of(plan.test, np.arange(len(plan.test)), plan.prepare, CPU)
    so_far = own.tasks.columns[:2].flatten().tolist()
    task = own.tasks.of_class[plan.test.labels]
    for k in range(own.arch.depth + 1):
        with torch.no_grad():
            found = network.truncated(k)(images)
        both = answers_by_hand(learner, found, so_far)
        right = both[0] == plan.test.labels
        counts = [int(right[task == t].sum()) for t in range(5)]
        assert learner.predictions.correct[1][k].tolist() == counts
    assert learner.predictions.predicted[1].tolist() == both.tolist()
    assert len({tuple(row) for row in learner.predictions.correct[1].tolist()}) > 1


def test_the_size_of_test_batches_does_not_matter(tmp_path):
    one, other = (learner_of(course(), size) for size in (64, 7))
    for learner in (one, other):
        learner.learn()
    for a, b in zip(one.predictions.arrays(), other.predictions.arrays(), strict=True):
        assert (a == b).all()


def test_what_is_learned_is_looked_at_after_every_stage_and_kept(tmp_path):
    own = course(steps=2)
    told = []
    first = train(own, tmp_path, lambda done, total: told.append(done)).arrays()
    assert told == [0, 2, 4, 6, 8, 10, 10]  # the last is kept, too
    assert [a.shape for a in first] == [(5, 2, 60), (5, 3, 5)]
    again = train(own, tmp_path).arrays()  # from the store
    by_hand = after(own, 5).predictions.arrays()
    for a, b, c in zip(first, again, by_hand, strict=True):
        assert (a == b).all()
        assert (a == c).all()


def test_joint_training_sees_all_images_in_as_many_steps(tmp_path):
    naive, joint = (course(m, steps=None, epochs=2) for m in (Naive(), Joint()))
    assert joint.steps == [sum(naive.steps)]
    assert len(joint.stages) == 1
    assert sorted(joint.stages[0].ids) == sorted(np.concatenate([p.ids for p in naive.stages]))
    assert naive.steps == [round(2 * len(part) / 8) for part in naive.stages]
    assert (naive.tasks_after, joint.tasks_after) == ([1, 2, 3, 4, 5], [5])
    short = course(Joint(), steps=2, batch=16)
    learner = learner_of(short)
    seen = {c for step in range(4) for c in labels_of(learner, learner.batch(step))}
    assert seen == set(range(10))
    predicted, correct = train(short, tmp_path).arrays()
    assert (predicted.shape, correct.shape) == ((1, 2, 60), (1, 3, 5))


def pictures_of(shown):
    return [image.numpy().tobytes() for image in shown.images]


def test_replay_remembers_so_many_of_every_earlier_class_and_none_of_this_task(tmp_path):
    method = Replay(per_class=3)
    learner = learner_of(course(method))
    assert len(learner.batch(0).images) == 8  # nothing to remember yet
    learner.stage = 2
    memory, lessons = _joined(learner.remembered[:2]), learner.run.stages
    earlier = sorted(learner.run.tasks.columns[:2].flatten().tolist())
    assert np.unique(memory.labels, return_counts=True)[0].tolist() == earlier
    assert (np.bincount(memory.labels)[earlier] == 3).all()
    train = learner.run.plan.train
    label_of = dict(zip(train.ids, train.labels, strict=True))
    assert [label_of[i] for i in memory.ids] == memory.labels.tolist()
    assert not np.isin(memory.ids, lessons[2].ids).any()
    again, other = (learner_of(course(method, seed=seed)) for seed in (0, 1))
    again.stage = other.stage = 2
    assert pictures_of(again.batch(3)) == pictures_of(learner.batch(3))
    assert pictures_of(other.batch(3)) != pictures_of(learner.batch(3))


def test_replayed_images_are_beside_those_of_the_task(tmp_path):
    learner, naive = (learner_of(course(m)) for m in (Replay(per_class=2, batch=5), Naive()))
    learner.stage = naive.stage = 3
    shown, alone = learner.batch(1), naive.batch(1)
    assert len(shown.images) == 8 + 5
    assert pictures_of(shown)[:8] == pictures_of(alone)
    of = learner.run.tasks.of_class
    tasks = of[labels_of(learner, shown)]
    assert (tasks[:8] == 3).all()
    assert (tasks[8:] < 3).all()
    assert (shown.columns.numpy() == learner.run.tasks.columns[tasks]).all()
    plan, memory = learner.run.plan, _joined(learner.remembered[:3])
    memory = inputs_of(memory, np.arange(12), plan.prepare, CPU)
    assert set(pictures_of(shown)[8:]) <= {image.numpy().tobytes() for image in memory}


def test_tasks_and_batches_depend_on_the_seed_and_on_nothing_else(tmp_path):
    """Connectivity, depth and method change neither the tasks nor what is shown of them."""
    courses = [
        course(method, connectivity=connectivity, depths=(depth,))
        for connectivity, depth in (("acn", 2), ("residual", 2), ("acn", 1))
        for method in METHODS
    ]
    other = course(seed=1)
    assert {c.tasks.digest for c in [*courses, course(Joint())]} == {courses[0].tasks.digest}
    assert other.tasks.digest != courses[0].tasks.digest
    for stage in (0, 3):
        learners = [learner_of(c) for c in [*courses, other]]
        for learner in learners:
            learner.stage = stage
        *shown, elsewhere = [pictures_of(learner.batch(2))[:8] for learner in learners]
        assert all(pictures == shown[0] for pictures in shown)
        assert elsewhere != shown[0]


def test_twins_begin_alike(tmp_path):
    acn, res, other = (
        weights(learner_of(course(seed=seed, connectivity=connectivity)))
        for seed, connectivity in ((0, "acn"), (0, "residual"), (1, "acn"))
    )
    assert same(acn, res)
    assert not same(acn, other)


def test_an_optimizer_that_is_kept_goes_on_where_it_was(tmp_path):
    reset, kept = (learner_of(course(optimizer=name)) for name in ("reset", "kept"))
    for learner in (reset, kept):
        learner.learn()
    assert same(weights(reset), weights(kept))
    others = np.setdiff1d(np.arange(10), kept.run.tasks.columns[1])
    before = weights(kept)["head.weight"][others]
    for learner, steps in ((reset, 4), (kept, 8)):
        learner.learn()
        assert {float(s["step"]) for s in learner.optimizer.state.values()} == {steps}
    assert not same(weights(reset), weights(kept))
    # What is left of the first task's momentum goes on to move its head.
    assert not torch.equal(weights(kept)["head.weight"][others], before)


@pytest.mark.parametrize("optimizer", ["reset", "kept"])
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)
def test_a_resume_ends_with_the_same_numbers(tmp_path, method, optimizer, states_at_every_step):
    """Two of the three steps of the third of five tasks are done."""
    fields = {"steps": 3, "optimizer": optimizer, "clip": 1.0}
    own = course(method, **fields)
    whole = train(own, tmp_path / "whole")

    def kill(done, total):
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(Stopped, match=r"^8 of the 15 training steps under way are kept"):
        train(own, tmp_path / "cut", kill)
    told = []
    resumed = train(own, tmp_path / "cut", lambda done, total: told.append(done))
    assert told[:3] == [0, 8, 9]
    for a, b in zip(whole.arrays(), resumed.arrays(), strict=True):
        assert (a == b).all()
    assert runtime(tmp_path / "cut").store.read(state_key(own.address)) is None


@pytest.mark.parametrize("optimizer", ["reset", "kept"])
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)
def test_a_resumed_learner_has_the_same_weights(tmp_path, method, optimizer):
    own = course(method, steps=2, optimizer=optimizer)
    whole, resumed = after(own, 2), learner_of(own)
    resumed.restore(unpack(pack(whole.state())))  # as the store keeps it
    for learner in (whole, resumed):
        learner.learn()
    assert same(weights(whole), weights(resumed))
    pairs = zip(whole.optimizer.state.values(), resumed.optimizer.state.values(), strict=True)
    assert all(torch.equal(a["exp_avg"], b["exp_avg"]) for a, b in pairs)


def test_a_training_that_breaks_down_says_so(tmp_path):
    own = course(**BREAKS_DOWN)
    with pytest.raises(MeasureError, match=r"^training: the loss must be finite; got (nan|inf)"):
        train(own, tmp_path)
    assert runtime(tmp_path).store.read(own.address) is None


def test_augmentation_moves_the_images_of_a_step_alike_for_every_method(tmp_path):
    flips = {"augment": {"flip": True, "crop_padding": 1}}
    plain, moved, held = (
        learner_of(course(method, **changed))
        for method, changed in ((Naive(), {}), (Naive(), flips), (EWC(), flips))
    )
    one, other, third = (learner.batch(1) for learner in (plain, moved, held))
    assert torch.equal(one.targets, other.targets)
    assert pictures_of(one) != pictures_of(other)
    assert pictures_of(other) == pictures_of(third)
    a, b = (pictures_of(next(learner._one_by_one())) for learner in (plain, held))
    assert a == b  # a regularizer sees images as they are


@pytest.mark.parametrize("method", METHODS[2:], ids=lambda m: m.method)
def test_training_does_not_see_the_test_images(tmp_path, method):
    own, other = course(method), course(method)
    test = own.plan.test
    noise = np.random.default_rng(0).integers(0, 256, (2000, 8, 8, 1), dtype=np.uint8)
    shuffled = replace(test, inputs=ArrayImages(noise), labels=test.labels[::-1].copy())
    vars(other.plan)["test"] = shuffled
    one, two = after(own, 3), after(other, 3)
    assert same(weights(one), weights(two))
    assert one.predictions.predicted[2].tolist() != two.predictions.predicted[2].tolist()
    assert own.address != other.address


def test_clipping_holds_the_whole_gradient(tmp_path):
    """Loss and pull together: the penalty is there before the norm is taken."""
    method = EWC(strength=1e9, images=3)
    learner = after(course(method, clip=0.01), 2)
    with torch.no_grad():
        for p in learner.network.parameters():
            p.add_(0.1)
    learner.step(learner.batch(0))
    gradient = torch.cat([p.grad.flatten() for p in learner.network.parameters()])
    assert float(gradient.norm()) == pytest.approx(0.01, rel=1e-3)
