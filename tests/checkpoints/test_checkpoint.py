"""A network in memory becomes a checkpoint."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from acn_eval.checkpoints import from_module, load
from acn_eval.data import Geometry, PrepareImages
from acn_eval.errors import CheckpointError
from tests.checkpoints.files import pictures, written

PREPARE = PrepareImages(Geometry(8, 1), (0.5,), (0.25,))


class Own(nn.Module):
    """A user's network: one exit, a buffer of integers, drop-out."""

    def __init__(self, classes=3):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(4, classes)

    def forward(self, x):
        return self.last(self.drop(self.norm(self.first(x)).mean((2, 3))))


def own(module=None, **changes):
    options = {"name": "own", "classes": ("a", "b", "c"), "prepare": PREPARE, **changes}
    return from_module(module or Own(), **options)


def test_a_users_network_has_one_exit():
    module = Own()
    checkpoint = own(module)
    images = pictures(checkpoint)
    with torch.no_grad():
        logits = checkpoint.model(images)
        assert torch.equal(logits, checkpoint.model(images))  # drop-out is off
        assert torch.equal(logits, module.eval()(images))
        (only,) = checkpoint.model.exits(images)
        assert torch.equal(only, logits)
    assert checkpoint.id.parameters == sum(p.numel() for p in module.parameters())
    assert checkpoint.id.flops > 0
    assert checkpoint.pair is None
    assert len(checkpoint.training_hashes) == 0


def test_a_network_with_exits_keeps_them(tmp_path):
    inner = load(str(written(tmp_path / "a.pt")))
    checkpoint = own(inner.model, classes=inner.classes)
    with torch.no_grad():
        got, wanted = (c.model.exits(pictures(inner)) for c in (checkpoint, inner))
    assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))
    assert len(got) == 3


def test_its_digest_covers_every_weight_and_buffer_and_its_record_the_name():
    module = Own()
    first = own(module).id
    assert own(module).id == first
    assert own(module, name="other").id.arch != first.arch
    digests = [first.sha256]
    with torch.no_grad():
        module.last.bias[0] += 1
        digests.append(own(module).id.sha256)
        module.norm.running_mean[0] += 1
        digests.append(own(module).id.sha256)
        module.norm.num_batches_tracked += 1
        digests.append(own(module).id.sha256)
    assert all(a != b for a, b in pairwise(digests))


@pytest.mark.parametrize(
    ("module", "changes", "said"),
    [
        (Own(4), {}, r"one logit per class, \(1, 3\); got \(1, 4\)"),
        (Own(), {"classes": ("a", "b")}, "one logit per class"),
        (nn.Flatten(), {}, "one logit per class"),
        (Own().bfloat16(), {}, "float32"),
        (Own().double(), {}, "float32"),
    ],
    ids=["classes", "names", "no head", "bf16", "fp64"],
)
def test_what_cannot_be_measured_is_refused(module, changes, said):
    with pytest.raises(CheckpointError, match=said) as caught:
        own(module, **changes)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(value):
    module = Own()
    nn.init.constant_(module.last.bias, value)
    with pytest.raises(CheckpointError, match=r"last\.bias"):
        own(module)
