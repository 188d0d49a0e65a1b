"""What a method starts from: networks as files would store them, and tensors that are kept."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import load, rewritten, write_native
from acn_eval.data import open_examples
from acn_eval.errors import Stopped
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.seeds import seed_for
from acn_eval.studies.pruning.context import FineTuning, PruningContext
from acn_eval.studies.pruning.masks import magnitudes, masks_of, zeros_in
from acn_eval.studies.pruning.methods import GradualMagnitude, Magnitude, Movement, Structured
from acn_eval.studies.pruning.run import network_of
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.study.request import Request
from acn_eval.training.classes import SentenceClasses
from tests.tiny import CPU, checkpoint, digits
from tests.training.texts import classes, trained

PLACES = (0.0, 0.5, 0.9)

ONE = Pruning(name="one", sparsities=PLACES, methods=(Magnitude(),), seconds=1e-6)

CHOICE = DataSelection(limit=80)


def row(result, method, requested, blocks=None):
    wanted = {"method": method, "requested": requested, "blocks": blocks}
    (found,) = [r for r in result.details["networks"] if wanted.items() <= r.items()]
    return found


def test_half_precision_files_are_measured_as_they_would_be_stored(
    tiny, device, runtime, tmp_path
):
    own = checkpoint(tiny, device=device)
    half = {k: v.half() for k, v in own.native.state.items()}
    write_native(tmp_path / "half.pt", replace(own.native, state=half))
    stored = load(str(tmp_path / "half.pt"))
    stored.model.to(device)
    suite = ONE.model_copy(update={"methods": (Magnitude(), GradualMagnitude(steps=2))})
    (found,) = evaluate([stored], suite, CHOICE, runtime=runtime)
    request = Request(suite, [stored], CHOICE, runtime)
    network = network_of(request, "gradual", 0.9)
    write_native(tmp_path / "small.pt", rewritten(stored.native, network, ""))
    assert (
        zeros_in(load(str(tmp_path / "small.pt")).model) == row(found, "gradual", 0.9)["realised"]
    )
    for name, value in load(str(tmp_path / "small.pt")).model.state_dict().items():
        assert torch.equal(value, network.state_dict()[name].cpu())


@pytest.fixture
def context(tiny, device, runtime):
    own = checkpoint(tiny, device=device)
    return PruningContext(own, own.native, own.model, FineTuning(), runtime, digits)


def test_tensors_are_made_once_for_the_same_facts_network_and_plan(context):
    made = []

    def make(address):
        made.append(len(made))
        return {"weight": torch.tensor([float(made[-1])])}

    def kept(own, facts):
        return own.kept([facts], make)["weight"].item()

    assert [kept(context, facts) for facts in ("a", "b", "a")] == [0, 1, 0]
    assert kept(replace(context, plan=FineTuning(seed=1)), "a") == 2
    assert kept(context.cut(1), "a") == 3
    assert kept(replace(context, runtime=replace(context.runtime, batch_size=3)), "a") == 4
    assert kept(context.cut(None), "a") == 0


def test_sentences_come_in_the_batches_of_their_training(tmp_path, runtime):
    trained(classes(steps=1), tmp_path / "own.pt")
    own, examples = load(str(tmp_path / "own.pt")), open_examples("synthetic-sentences", "train")
    own.model.to(runtime.device)
    plan, seen = FineTuning(batch=16), []
    context = PruningContext(own, own.native, own.model, plan, runtime, lambda: examples)

    @contextmanager
    def watched(network):
        network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].ids.cpu()))
        yield lambda done: None

    context.trained(own.model.state_dict(), 3, watched, round_=2)
    task = SentenceClasses(examples, own.prepare, 16, seed_for("pruning", 0, 2))
    wanted = [task.batch(step, CPU).inputs.ids for step in range(3)]
    assert [ids.tolist() for ids in seen] == [ids.tolist() for ids in wanted]


TRAINED = (
    GradualMagnitude(steps=6, ramp=1, every=2),
    Movement(removed=0.3, epochs=1, steps=6),
    Structured(steps=6),
)


@pytest.mark.parametrize("method", TRAINED, ids=lambda own: own.kind)
def test_a_training_that_is_stopped_goes_on_with_what_it_has_removed(
    context, method, stopped_once, tmp_path
):
    def networks(own):
        return [pruned.network for pruned in method.networks(own, (0.5,))]

    elsewhere = replace(context.runtime, store=OutcomeCache(tmp_path / "whole"))
    whole = networks(replace(context, runtime=elsewhere))
    shown = stopped_once(5)
    with pytest.raises(Stopped):
        networks(context)
    before = len(shown)
    for one, other in zip(whole, networks(context), strict=True):
        for name, weights in one.state_dict().items():
            assert torch.equal(weights, other.state_dict()[name]), name
    assert shown[before:][:2] == [5, 6]
    assert not [path for path in context.runtime.store.folder.rglob("*-state*")]


def test_methods_get_copies_and_the_network_stays_as_it_is(context):
    before = {name: value.clone() for name, value in context.network.state_dict().items()}
    masks = masks_of(magnitudes(context.network), 0.5)
    assert zeros_in(context.masked(masks)) == pytest.approx(0.5, abs=1e-3)
    moved = context.trained(before, 2)
    assert any(not torch.equal(value, before[name]) for name, value in moved.items())
    again = context.trained(before, 2)
    assert all(torch.equal(value, again[name]) for name, value in moved.items())
    other = context.trained(before, 2, round_=1)
    assert any(not torch.equal(value, other[name]) for name, value in moved.items())
    for name, value in context.network.state_dict().items():
        assert torch.equal(value, before[name])
