"""Snapshots of a network that has just been initialized, against exits computed by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from acn_eval.inference.outputs import inputs_of
from acn_eval.models import build, initialize
from acn_eval.seeds import seed_for
from acn_eval.studies.dynamics.plan import DynamicsPlan
from acn_eval.studies.dynamics.snapshots import features, outcomes
from tests.inference.test_spread import by_hand
from tests.studies.dynamics.plans import suite, text_suite
from tests.tiny import CPU


@pytest.fixture(scope="module")
def plan():
    return DynamicsPlan(suite(), limit=50)


@pytest.fixture
def subject(plan):
    job = plan.job("residual")
    network = initialize(build(job.recipe.arch), seed_for("init", job.recipe.seed)).train()
    return plan.subject("residual", job, network, "cpu")


def shown(subject, examples):
    where = np.arange(len(examples))
    return inputs_of(examples, where, subject.checkpoint.prepare, CPU)


def test_outcomes_are_those_of_truncated_networks(plan, subject, runtime):
    test, network = plan.splits["test"], subject.checkpoint.model
    found = outcomes(subject, test, runtime)
    assert network.training  # as it was
    network.eval()
    for k in range(3):
        with torch.no_grad():
            chances = network.truncated(k)(shown(subject, test)).softmax(1)
        assert np.array_equal(found.predicted[k], chances.argmax(1))
        assert found.confidence[k] == pytest.approx(chances.max(1).values.numpy(), rel=1e-4)
        own = chances[torch.arange(50), test.labels]
        assert found.nll[k] == pytest.approx(-own.log().numpy(), rel=1e-3)


def test_a_snapshot_has_the_norms_of_autograd_and_the_accuracy_of_every_exit(
    plan, subject, runtime
):
    observer, network = plan.observer(runtime), subject.checkpoint.model
    before = {name: w.clone() for name, w in network.state_dict().items()}
    snapshot = observer.snapshot(subject, 3)
    assert all(torch.equal(w, before[name]) for name, w in network.state_dict().items())
    validation = plan.splits["validation"]
    found = outcomes(subject, validation, runtime)
    right = found.predicted == validation.labels
    assert snapshot.accuracy == right.mean(axis=1).tolist()
    assert snapshot.loss == pytest.approx([math.fsum(row) / len(row) for row in found.nll])
    labels = torch.from_numpy(plan.probe.labels)
    logits = network(shown(subject, plan.probe))
    cross_entropy(logits, labels, label_smoothing=0.1).backward()
    layers = [network.embed, *network.blocks]
    norms = [sum(float(p.grad.square().sum()) for p in x.parameters()) ** 0.5 for x in layers]
    assert (snapshot.step, snapshot.full) == (3, pytest.approx(norms, rel=1e-4))


@pytest.mark.parametrize("connectivity", ["acn", "residual"])
def test_the_spread_is_that_of_tokens_that_are_computed_by_hand(plan, connectivity, runtime):
    job = plan.job(connectivity)
    network = initialize(build(job.recipe.arch), 3).eval()
    own, observer = plan.subject(connectivity, job, network, "cpu"), plan.observer(runtime)
    found = observer.snapshot(own, 0).spread
    passed, readouts = [], []
    with torch.no_grad():
        x = network.embed(shown(own, plan.splits["validation"]))
        y = torch.zeros_like(x) if connectivity == "acn" else x
        for block in [None, *network.blocks]:
            if block is not None:
                for sublayer in block.sublayers(None):
                    x = sublayer(x) if connectivity == "acn" else x + sublayer(x)
            y = y + x if connectivity == "acn" else x
            passed.append(x.double().numpy())
            readouts.append(y[:, 0].double().numpy())
    before = 0.0
    for spread, tokens, readout in zip(found, passed, readouts, strict=True):
        wanted = by_hand(tokens, readout - before, readout, readouts[-1])
        np.testing.assert_allclose([*vars(spread).values()], wanted, rtol=1e-4, atol=1e-6)
        before = readout


def test_features_are_the_streams_that_the_head_reads(plan, subject, runtime):
    network = subject.checkpoint.model.eval()
    found = features(subject, plan.probe, runtime)
    with torch.no_grad():
        streams = [r.stream.numpy() for r in network.readings(shown(subject, plan.probe))]
    assert found.dtype == np.float64
    assert found == pytest.approx(np.stack(streams), abs=1e-5)


@pytest.fixture(scope="module")
def hidden():
    """A plan of masked tokens, and its network before training."""
    plan = DynamicsPlan(text_suite(), limit=50)
    job = plan.job("acn")
    network = initialize(build(job.recipe.arch), 3).eval()
    return plan, plan.subject("acn", job, network, "cpu")


def test_an_exit_of_masked_tokens_answers_with_a_piece_for_every_sentence(hidden, runtime):
    plan, subject = hidden
    test, network = plan.test, subject.checkpoint.model
    inputs, found = shown(subject, test), outcomes(subject, test, runtime)
    everywhere = replace(inputs, asked=None)
    for k in range(3):
        with torch.no_grad():
            logits = network.truncated(k)(everywhere)[inputs.asked]
        assert found.predicted[k].tolist() == logits.argmax(1).tolist()
        wanted = cross_entropy(logits, torch.from_numpy(test.labels), reduction="none")
        assert found.nll[k] == pytest.approx(wanted.numpy(), rel=1e-4)


def test_what_is_read_of_masked_tokens_is_the_hidden_one(hidden, runtime):
    """Its features are those of the head; its gradient is that of the hidden tokens' loss."""
    plan, subject = hidden
    network, inputs = subject.checkpoint.model, shown(subject, plan.probe)
    with torch.no_grad():
        *_, last = network.streams(inputs)
        wanted = network.norm(last[inputs.asked]).numpy()
    assert features(subject, plan.probe, runtime)[2] == pytest.approx(wanted, abs=1e-5)
    logits = network(replace(inputs, asked=None))[inputs.asked]
    cross_entropy(logits, torch.from_numpy(plan.probe.labels)).backward()
    norms = [
        sum(float(p.grad.square().sum()) for p in layer.parameters()) ** 0.5
        for layer in (network.embed, *network.blocks)
    ]
    smooth = replace(plan.observer(runtime), smoothing=0.0)
    assert smooth.snapshot(subject, 0).full == pytest.approx(norms, rel=1e-4)
