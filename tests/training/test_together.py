"""Stacked trainings give the numbers of single ones, up to the rounding of batched products.

Outputs are compared, not weights: the bias of attention's keys has no effect and so no gradient,
and Adam turns rounding errors around zero into whole steps.
"""

import pytest
import torch

from acn_eval.checkpoints.native import read_native
from acn_eval.data import open_examples
from acn_eval.errors import MeasureError
from acn_eval.models import read_arch
from acn_eval.studies.low_data.draws import Draw
from acn_eval.training import (
    Recipe,
    TrainingJob,
    seconds_per_step,
    stackable,
    stacking_pays,
    train,
    train_all,
)
from acn_eval.training.classes import accuracy_of
from acn_eval.training.fit import advance, learning_rate, start
from acn_eval.training.resume import Resume
from acn_eval.training.together import _Stack
from tests.models.networks import MIXER, OFFICIAL, OFFICIAL_VIT, SIZES, VIT, name
from tests.tiny import BREAKS_DOWN, recipe
from tests.training import texts

TOLERANCE = 1e-4
PER_CLASS = (1, 3, 8)


@pytest.fixture(scope="module")
def pool():
    return open_examples("digits", "train")


def jobs(pool, sizes=PER_CLASS, held_out=0.0, **changes):
    """One job per size, each with another draw and another seed."""
    plan = recipe(**{"steps": 8, "batch": 16, "warmup": 2, "learning_rate": 0.003, **changes})
    subsets = [Draw(pool, i).subset(k, held_out) for i, k in enumerate(sizes)]
    return [
        TrainingJob(plan.model_copy(update={"seed": 10 + i}), s.learned, s.held_out)
        for i, s in enumerate(subsets)
    ]


def logits(network, examples, device):
    images = torch.from_numpy(examples.inputs.images[:64]).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        return network(images.to(device))


def gap(one, other, examples, device):
    return float((logits(one, examples, device) - logits(other, examples, device)).abs().max())


VARIANTS = {
    "acn": {"arch": {"connectivity": "acn"}},
    "residual": {"arch": {"connectivity": "residual"}},
    "denseformer": {"arch": {"connectivity": "denseformer"}},
    "mean pool": {"arch": {"pool": "mean"}},
    "augmented": {"augment": {"crop_padding": 1, "cutmix": 0.5}},
    "clipped hard": {"clip": 0.01},
    "no decay, no smoothing": {"weight_decay": 0.0, "label_smoothing": 0.0},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_together_is_alone(pool, device, variant):
    """After 8 steps logits agree to 1e-4; sizes, draws and seeds all differ."""
    some = jobs(pool, **VARIANTS[variant])
    together = train_all(some, device)
    for job, network in zip(some, together, strict=True):
        assert gap(network, train_all([job], device)[0], pool, device) < TOLERANCE
    untrained = start(some[0].recipe, device).network
    assert gap(together[0], together[1], pool, device) > 100 * TOLERANCE
    assert gap(together[0], untrained, pool, device) > 100 * TOLERANCE


KINDS = [
    {**MIXER, **SIZES, "connectivity": "acn"},
    {**OFFICIAL, **SIZES, "connectivity": "acn"},
    {**OFFICIAL, **SIZES, "connectivity": "residual"},
    {**OFFICIAL_VIT, **SIZES, "connectivity": "acn"},
    {**OFFICIAL_VIT, **SIZES, "connectivity": "residual"},
    {**VIT, **SIZES, "connectivity": "acn", "skips": "attention"},
    {**VIT, **SIZES, "connectivity": "hybrid", "skips": "both"},
]


@pytest.mark.parametrize("fields", KINDS, ids=name)
def test_networks_of_every_kind_too(pool, device, fields):
    arch = read_arch({**fields, "classes": 10}, "test")
    both = [
        TrainingJob(job.recipe.model_copy(update={"arch": arch}), job.examples, job.held_out)
        for job in jobs(pool, (2, 4))
    ]
    for job, network in zip(both, train_all(both, device), strict=True):
        assert gap(network, train_all([job], device)[0], pool, device) < TOLERANCE


def test_accuracies_agree_at_the_end_of_a_training(pool, device):
    """Rounding grows over the steps; what is predicted hardly changes."""
    both = jobs(pool, (10, 20), steps=60)
    validation = open_examples("digits", "validation")
    for job, network in zip(both, train_all(both, device), strict=True):
        (alone,) = train_all([job], device)
        shown = (validation, job.prepare, device)
        one, other = (accuracy_of(x, *shown) for x in (network, alone))
        assert one > 0.4
        assert one == pytest.approx(other, abs=0.01)


def test_alone_is_the_training_of_a_recipe(pool, device, tmp_path):
    """On the whole split, a job ends with the weights that `train` writes."""
    plan = recipe(steps=10)
    train(plan, tmp_path / "a.pt", device=device)
    (network,) = train_all([TrainingJob(plan, pool, pool.at(pool.ids[:0]))], device)
    written = read_native(tmp_path / "a.pt").state
    for key, weights in network.state_dict().items():
        assert torch.equal(weights.cpu(), written[key])


def test_each_network_is_clipped_to_its_own_norm(pool, device):
    """By hand: gradients of every network alone, then their norms."""
    both = jobs(pool, (2, 9), clip=0.05, label_smoothing=0.0)
    stack = _Stack(both, device)
    norms = []
    for i, job in enumerate(both):
        network = start(job.recipe, device).network
        images, targets = (x[i] for x in stack._batches())
        loss = torch.nn.functional.cross_entropy(network(images), targets)
        grads = torch.autograd.grad(loss, list(network.parameters()))
        norms.append(float(torch.cat([g.flatten() for g in grads]).norm()))
    assert min(norms) > 0.1
    stack.step()
    found = torch.cat([p.grad.flatten(1) for p in stack.weights.values()], dim=1).norm(dim=1)
    assert found.tolist() == pytest.approx([0.05, 0.05], rel=1e-3)
    assert norms[0] != pytest.approx(norms[1], rel=1e-3)


def test_one_rate_follows_the_schedule(pool, device):
    stack = _Stack(jobs(pool), device)
    seen = []
    for _ in range(4):
        stack.step()
        seen += [group["lr"] for group in stack.optimizer.param_groups]
    expected = [learning_rate(stack.recipe, step) for step in range(4) for _ in range(2)]
    assert seen == expected
    assert [g["weight_decay"] for g in stack.optimizer.param_groups] == [0.01, 0.0]


@pytest.mark.parametrize("n", [1, 2])
def test_the_best_look_is_kept(pool, device, n):
    """Weights are selected on what is held out: a rate that ends badly keeps an early look."""
    changes = {"steps": 12, "looks": 6, "select": "validation", "learning_rate": 0.05}
    some = jobs(pool, (10, 20)[:n], held_out=0.3, **changes)
    kept = train_all(some, device)
    for job, network in zip(some, kept, strict=True):
        ends = []
        for look in range(1, 7):
            cut = job.recipe.model_copy(update={"select": "last"})
            fit = start(cut, device)
            for _ in range(2 * look):
                advance(fit, job.task)
            fit.network.eval()
            ends.append(accuracy_of(fit.network, job.held_out, job.prepare, device))
        found = accuracy_of(network, job.held_out, job.prepare, device)
        assert found == pytest.approx(max(ends), abs=0.02)


def test_a_job_is_normalized_by_its_own_images(pool):
    (job,) = jobs(pool, (1,))
    own = job.examples.read(torch.arange(10).numpy(), job.prepare.spec).double() / 255
    assert job.prepare.mean == pytest.approx((float(own.mean()),), abs=1e-4)
    assert job.prepare.std == pytest.approx((float(own.std(correction=0)),), abs=1e-4)


def test_what_can_be_stacked():
    assert stackable(recipe())
    assert not stackable(recipe(precision="bf16"))
    assert not stackable(recipe(exit_loss="linear"))


@pytest.mark.parametrize("n", [1, 2])
def test_a_loss_that_is_not_finite_ends_the_training(pool, device, n):
    with pytest.raises(MeasureError, match="the loss must be finite; got nan at step 8"):
        train_all(jobs(pool, PER_CLASS[:n], **BREAKS_DOWN), device)


@pytest.mark.parametrize("n", [1, 3])
def test_progress_counts_the_steps_of_all(pool, device, n):
    told = []
    resume = Resume(show=lambda done, kept: told.append(done), cost=n)
    train_all(jobs(pool, PER_CLASS[:n], steps=100), device, resume)
    assert told == [50 * n, 100 * n]


def test_stacking_pays_where_the_table_of_the_docs_says_so():
    """Depth 8 and width 64: four as one are 1.2 times faster with 5 tokens, and 1.0 with 17."""
    fields = {"depth": 8, "width": 64, "hidden": 128, "heads": 2, "image_size": 8, "channels": 1}
    small, large = (
        Recipe(arch=read_arch({"kind": "vit", **fields, "patch": patch}, "test"), batch=32)
        for patch in (4, 2)
    )
    assert stacking_pays(small)
    assert not stacking_pays(large)
    assert not stacking_pays(small.model_copy(update={"precision": "bf16"}))


@pytest.mark.parametrize("n", [1, 3])
def test_a_step_takes_time(pool, device, n):
    assert 1e-6 < seconds_per_step(jobs(pool, PER_CLASS[:n]), device, looks=3) < 5


def test_networks_that_read_text_are_trained_each_alone():
    assert not stackable(texts.classes())
    assert not stackable(texts.masked())
