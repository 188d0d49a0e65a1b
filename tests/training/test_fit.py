"""Training learns, is exact, resumes exactly, and never opens the test split."""

import math
import os
import signal
import sys
import time

import pytest
import torch
from torch import nn

from acn_eval.checkpoints import load
from acn_eval.checkpoints.native import read_native
from acn_eval.checkpoints.weight_files import read_pickle
from acn_eval.data import open_examples
from acn_eval.errors import (
    AcnEvalError,
    CheckpointError,
    ConfigError,
    DataError,
    MeasureError,
    Stopped,
)
from acn_eval.training import train
from acn_eval.training.fit import _step, learning_rate, start
from tests.tiny import BREAKS_DOWN, recipe

SHORT = {"steps": 12, "batch": 32, "warmup": 2}


def weights(path):
    return read_native(path).state


def assert_equal(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def fit(path, device, progress=lambda done, loss: None, save_every=300.0, **changes):
    plan = recipe(**{**SHORT, **changes})
    return train(plan, path, device=device, save_every=save_every, progress=progress)


def test_the_rate_warms_up_linearly_and_falls_to_zero_as_a_cosine():
    plan = recipe(steps=110, warmup=10, learning_rate=0.4)
    rates = [learning_rate(plan, step) for step in range(110)]
    assert rates[:10] == pytest.approx([0.04 * (i + 1) for i in range(10)])
    assert rates[10] == pytest.approx(0.4)
    assert rates[60] == pytest.approx(0.2)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.4 * 0.001
    for step in (17, 83):
        share = (step - 10) / 100
        assert rates[step] == pytest.approx(0.2 * (1 + math.cos(math.pi * share)))


def test_the_rate_falls_in_a_line_where_that_is_chosen():
    plan = recipe(steps=110, warmup=10, learning_rate=0.4, schedule="linear")
    rates = [learning_rate(plan, step) for step in range(110)]
    assert rates[:10] == pytest.approx([0.04 * (i + 1) for i in range(10)])
    assert rates[10:] == pytest.approx([0.4 - 0.004 * i for i in range(100)])


@pytest.mark.parametrize("schedule", [None, "linear"])
@pytest.mark.parametrize(("warmup", "steps"), [(0, 5), (5, 5), (9, 5)])
def test_odd_warm_ups_are_rates_too(warmup, steps, schedule):
    plan = recipe(warmup=warmup, steps=steps, schedule=schedule)
    assert all(0 < learning_rate(plan, s) <= plan.learning_rate for s in range(steps))


def test_a_tiny_training_learns(tiny):
    for name in ("tiny_ac", "tiny_res"):
        training = read_native(tiny / f"{name}.pt").card.training
        assert training.validation_n == 351
        assert training.validation_accuracy > 0.7  # chance is 0.1


def test_the_accuracy_of_the_card_is_that_of_the_weights(tiny):
    checkpoint = load(str(tiny / "tiny_ac.pt"))
    examples = open_examples("digits", "validation")
    images = examples.read(slice(None), checkpoint.prepare.spec) / 255
    with torch.no_grad():
        predicted = checkpoint.model(checkpoint.prepare.normalize(images)).argmax(1)
    accuracy = float((predicted.numpy() == examples.labels).mean())
    stated = read_native(tiny / "tiny_ac.pt").card.training.validation_accuracy
    assert accuracy == pytest.approx(stated, abs=1.5 / 351)


@pytest.mark.parametrize("kept", ["bf16", "fp16"])
def test_the_card_has_the_accuracy_of_the_weights_as_stored(tmp_path, device, kept):
    card = fit(tmp_path / "a.pt", device, seed=4, weights=kept, steps=60)
    checkpoint, examples = load(str(tmp_path / "a.pt")), open_examples("digits", "validation")
    images = examples.read(slice(None), checkpoint.prepare.spec) / 255
    with torch.no_grad():
        predicted = checkpoint.model(checkpoint.prepare.normalize(images)).argmax(1)
    right = int((predicted.numpy() == examples.labels).sum())
    assert card.training.validation_accuracy == right / 351
    stored = weights(tmp_path / "a.pt")
    assert {v.dtype for v in stored.values()} == {
        {"bf16": torch.bfloat16, "fp16": torch.float16}[kept]
    }


def test_the_card_proves_the_budget(tmp_path, device):
    start = time.monotonic()
    card = fit(tmp_path / "a.pt", device, seed=4, pair="b.pt")
    training = card.training
    assert (training.steps, training.examples, training.seed) == (12, 12 * 32, 4)
    assert 0 <= training.seconds <= time.monotonic() - start + 0.1
    assert training.selected == "last"
    assert training.recipe["learning_rate"] == 0.01
    assert card.data_fingerprint == open_examples("digits", "train").fingerprint
    assert card.classes == tuple("0123456789")
    assert (card.data, card.pair) == ("digits", "b.pt")
    assert read_native(tmp_path / "a.pt").card == card


def test_the_training_images_are_remembered(tiny):
    seen = read_native(tiny / "tiny_ac.pt").training_hashes.numpy()
    assert (seen == open_examples("digits", "train").hashes).all()


def test_the_same_seed_gives_the_same_weights(tmp_path, device):
    augment = {"crop_padding": 1, "cutmix": 0.5}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.rand(7)  # whatever happened before
        fit(tmp_path / f"{name}.pt", device, seed=seed, augment=augment)
    if device.type == "cpu":
        assert_equal(weights(tmp_path / "a.pt"), weights(tmp_path / "b.pt"))
    one, other = weights(tmp_path / "a.pt"), weights(tmp_path / "c.pt")
    assert not torch.equal(one["head.weight"], other["head.weight"])


def test_both_formats_hold_the_same(tmp_path, device):
    for suffix in ("pt", "safetensors"):
        fit(tmp_path / f"a.{suffix}", torch.device("cpu"))
    assert_equal(weights(tmp_path / "a.pt"), weights(tmp_path / "a.safetensors"))


class Killed(BaseException):
    """Nothing in the package catches it."""


def kill_at(monkeypatch, step):
    module = sys.modules["acn_eval.training.fit"]
    original = module._step

    def killed(state, images, targets):
        if state.done == step:
            raise Killed
        return original(state, images, targets)

    monkeypatch.setattr(module, "_step", killed)


def killed_at(monkeypatch, step, path, device, **options):
    """Train until a step, with the state saved after every one."""
    with monkeypatch.context() as context:
        kill_at(context, step)
        with pytest.raises(Killed):
            fit(path, device, save_every=0, **options)


@pytest.fixture
def module():
    return sys.modules["acn_eval.training.fit"]


@pytest.mark.parametrize("select", ["last", "validation"])
def test_a_killed_training_ends_with_the_same_weights(tmp_path, device, monkeypatch, select):
    options = {"augment": {"crop_padding": 1, "cutmix": 0.5}, "select": select, "looks": 4}
    whole = fit(tmp_path / "whole.pt", device, **options)
    for step in (5, 9):
        killed_at(monkeypatch, step, tmp_path / "killed.pt", device, **options)
        assert (tmp_path / "killed.pt.resume").is_file()
    done = []
    card = fit(tmp_path / "killed.pt", device, lambda n, loss: done.append(n), **options)
    if device.type == "cpu":
        assert_equal(weights(tmp_path / "whole.pt"), weights(tmp_path / "killed.pt"))
        assert card.training.selected == whole.training.selected
    assert card.training.steps == 12
    assert not (tmp_path / "killed.pt.resume").exists()


def test_a_training_killed_between_its_last_step_and_its_file_is_not_redone(
    tmp_path, device, monkeypatch, module
):
    with monkeypatch.context() as context:
        context.setattr("acn_eval.training.run.write_native", _killed)
        with pytest.raises(Killed):
            fit(tmp_path / "a.pt", device, save_every=0)
    monkeypatch.setattr(module, "_step", None)  # another step would fail
    assert fit(tmp_path / "a.pt", device).training.steps == 12


def _killed(*arguments):
    raise Killed


def test_ctrl_c_keeps_the_step_that_was_just_finished(tmp_path, device, monkeypatch, module):
    """It is held back to the end of the step: half a step could not be resumed exactly."""
    fit(tmp_path / "whole.pt", device)
    original = module._step

    def interrupted(state, images, targets):
        if state.done == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return original(state, images, targets)

    with monkeypatch.context() as context:
        context.setattr(module, "_step", interrupted)
        with pytest.raises(Stopped, match=r"^5 of .* training steps are kept in .*a\.pt\.resume"):
            fit(tmp_path / "a.pt", device)
    assert read_pickle(tmp_path / "a.pt.resume")["done"] == 5
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    fit(tmp_path / "a.pt", device)
    if device.type == "cpu":
        assert_equal(weights(tmp_path / "whole.pt"), weights(tmp_path / "a.pt"))


def test_a_second_ctrl_c_does_not_wait(tmp_path, device, monkeypatch, module):
    def stuck(state, images, targets):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)

    monkeypatch.setattr(module, "_step", stuck)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "a.pt", device)
    assert not (tmp_path / "a.pt.resume").exists()


@pytest.mark.parametrize("change", [{"seed": 1}, {"learning_rate": 0.02}, {"steps": 13}])
def test_the_state_of_another_recipe_is_refused(tmp_path, device, monkeypatch, change):
    killed_at(monkeypatch, 3, tmp_path / "a.pt", device)
    with pytest.raises(ConfigError, match=r"a\.pt\.resume: is the state of another recipe"):
        fit(tmp_path / "a.pt", device, **change)
    assert fit(tmp_path / "a.pt", device).training.steps == 12


@pytest.mark.parametrize("content", ["cut", "rubbish", "empty", "something else"])
def test_a_damaged_state_is_refused(tmp_path, device, monkeypatch, content):
    resume = tmp_path / "a.pt.resume"
    killed_at(monkeypatch, 3, tmp_path / "a.pt", device)
    whole = resume.read_bytes()
    other = {"cut": whole[: len(whole) // 2], "rubbish": b"rubbish" * 50, "empty": b""}
    if content in other:
        resume.write_bytes(other[content])
    else:
        torch.save({"weights": torch.zeros(3)}, resume)
    with pytest.raises(CheckpointError, match=r"a\.pt\.resume: must be"):
        fit(tmp_path / "a.pt", device)


def test_the_state_is_read_without_running_it(tmp_path, device, monkeypatch):
    killed_at(monkeypatch, 3, tmp_path / "a.pt", device)
    assert read_pickle(tmp_path / "a.pt.resume")["done"] == 3


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_loss_that_is_not_finite_ends_the_training(tmp_path, device, precision):
    with pytest.raises(MeasureError, match="the loss must be finite; got nan at step 12") as e:
        fit(tmp_path / "a.pt", device, **BREAKS_DOWN, precision=precision)
    assert e.value.exit_code == 4
    assert not (tmp_path / "a.pt").exists()


def test_the_test_split_is_never_opened(tmp_path, device, monkeypatch, module):
    asked = []

    def watched(name, split="test", root=None):
        asked.append(split)
        assert split != "test"
        return open_examples(name, split, root)

    monkeypatch.setattr("acn_eval.training.sources.open_examples", watched)
    monkeypatch.setattr("acn_eval.data.open.open_examples", watched)
    fit(tmp_path / "a.pt", device, select="validation")
    assert set(asked) == {"train", "validation"}


def test_selection_by_validation_keeps_the_best_look(tmp_path, device, monkeypatch, module):
    seen = []
    original = module._select

    def watched(state, *rest):
        original(state, *rest)
        seen.append((state.done, {k: v.clone() for k, v in state.network.state_dict().items()}))

    monkeypatch.setattr(module, "_select", watched)
    card = fit(tmp_path / "a.pt", device, select="validation", looks=4, learning_rate=0.3)
    assert [step for step, _ in seen] == [3, 6, 9, 12]
    best = int(card.training.selected.removeprefix("validation at step "))
    kept = {k: v.cpu() for k, v in dict(seen)[best].items()}
    assert_equal(weights(tmp_path / "a.pt"), kept)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_low_precision_trains_in_it_and_keeps_fp32(tmp_path, device, precision):
    fit(tmp_path / "low.pt", device, precision=precision)
    fit(tmp_path / "full.pt", device)
    low, full = weights(tmp_path / "low.pt"), weights(tmp_path / "full.pt")
    assert not torch.equal(low["head.weight"], full["head.weight"])
    assert low["head.weight"].dtype == torch.float32
    assert torch.allclose(low["head.weight"], full["head.weight"], atol=0.05)


@pytest.mark.parametrize(
    ("stored", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.half)]
)
def test_weights_are_stored_as_asked_and_run_in_fp32(tmp_path, device, stored, dtype):
    fit(tmp_path / "a.pt", device, weights=stored)
    assert weights(tmp_path / "a.pt")["head.weight"].dtype == dtype
    model = load(str(tmp_path / "a.pt")).model
    assert {p.dtype for p in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("scale", [1.0, 1024.0])
def test_gradients_are_clipped_after_unscaling(device, scale):
    """One step equals AdamW by hand on gradients of norm `clip`, whatever the loss scale."""
    plan = recipe(**SHORT, clip=0.01, precision="fp32", label_smoothing=0.0)
    state, by_hand = start(plan, device), start(plan, device)
    if scale > 1:
        state.scaler = torch.amp.GradScaler(device.type, init_scale=scale)
    images = torch.rand(32, 1, 8, 8, generator=torch.Generator().manual_seed(1)).to(device)
    targets = nn.functional.one_hot(torch.arange(32) % 10, 10).float().to(device)
    _step(state, images, targets)

    parameters = list(by_hand.network.parameters())
    loss = nn.functional.cross_entropy(by_hand.network(images), targets)
    grads = torch.autograd.grad(loss, parameters)
    norm = torch.sqrt(sum(g.square().sum() for g in grads))
    assert norm > 0.1  # the clip bites
    rate = learning_rate(plan, 0)
    with torch.no_grad():
        for p, g in zip(parameters, grads, strict=True):
            decay = plan.weight_decay if p.dim() > 1 else 0.0
            g = g * 0.01 / (norm + 1e-6)
            p.mul_(1 - rate * decay)
            p.sub_(rate * g / (g.abs() + 1e-8))  # the first step of Adam, bias corrected
    for one, other in zip(state.network.parameters(), parameters, strict=True):
        assert torch.allclose(one, other, atol=2e-5)
    found = torch.cat([p.grad.flatten() for p in state.network.parameters()]).norm()
    assert float(found) == pytest.approx(0.01, rel=1e-3)


def test_an_overflow_skips_the_step(device):
    plan = recipe(**SHORT, precision="fp16")
    state = start(plan, device)
    before = {k: v.clone() for k, v in state.network.state_dict().items()}
    images = torch.full((4, 1, 8, 8), 1e30, device=device)
    _step(state, images, torch.full((4, 10), 0.1, device=device))
    assert_equal(before, state.network.state_dict())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"arch": {"classes": 7}}, ConfigError, "arch.classes must be 10"),
        ({"data": "nosuch"}, DataError, "data must be digits"),
        ({"classes": ("0", "x"), "arch": {"classes": 2}}, DataError, "got x"),
    ],
)
def test_a_recipe_that_does_not_fit_its_data_is_refused(tmp_path, device, change, error, message):
    with pytest.raises(error, match=message) as caught:
        fit(tmp_path / "a.pt", device, **change)
    assert isinstance(caught.value, AcnEvalError)
    assert caught.value.exit_code == 2


def test_some_classes_only(tmp_path, device):
    card = fit(tmp_path / "a.pt", device, classes=tuple("01234"), arch={"classes": 5})
    assert card.classes == tuple("01234")
    assert len(read_native(tmp_path / "a.pt").training_hashes) < len(
        open_examples("digits", "train")
    )
