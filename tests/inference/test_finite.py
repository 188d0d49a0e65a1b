"""Logits that are NaN or infinite: counted image by image, named by condition, refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from acn_eval.errors import MeasureError
from acn_eval.inference import ClassMap
from acn_eval.inference.condition import broken
from acn_eval.inference.outputs import require_finite
from acn_eval.probes.probe import LinearProbe, Scaling
from acn_eval.probes.solvers import Solution
from acn_eval.training.classes import accuracy_of
from tests.inference.asking import job, one_pass
from tests.tiny import checkpoint, digits


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("restricted", [False, True])
def test_no_class_was_answered_where_a_logit_is_no_number(value, restricted):
    logits = torch.tensor([[0.0, 1.0, 2.0], [3.0, value, 0.0]])
    found = ClassMap((0, 1), restricted).decide(logits)
    assert found.predicted.tolist() == [1 if restricted else -1, -1]
    assert found.confidence.isnan().tolist() == [False, True]


def test_finite_logits_are_those_of_a_plain_softmax():
    logits = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)) * 30
    found = ClassMap((0, 1, 2, 3), restricted=False).decide(logits)
    assert torch.equal(found.predicted.long(), logits.argmax(1))
    assert torch.equal(found.confidence, logits.softmax(1).max(1).values)


def test_broken_examples_are_counted_over_exits():
    logits = torch.zeros(3, 5, 2)
    logits[1, 2, 0], logits[2, 2, 1], logits[0, 4, 1] = math.nan, math.inf, -math.inf
    assert broken(logits[1]).tolist() == [False, False, True, False, False]
    with pytest.raises(MeasureError, match=r"^here: .* for 2 of 5 examples$"):
        require_finite(logits, "here")
    assert require_finite(logits[:, :2], "here").shape == (3, 2, 2)


BOUND = 0.0  # of the normalised mean: some digits are darker


class Dark(nn.Module):
    """Answers NaN where a picture's mean is below a bound."""

    def __init__(self, inner, bound):
        super().__init__()
        self.inner, self.bound = inner, bound

    def forward(self, images):
        dark = images.mean(dim=(1, 2, 3)) < self.bound
        return self.inner(images).masked_fill(dark[:, None], math.nan)


def dark(tiny, device, bound=BOUND):
    own = checkpoint(tiny, device=device)
    uri = f"memory:{own.id.name}"
    return replace(own, id=replace(own.id, uri=uri), model=Dark(own.model, bound))


def test_images_are_counted_under_each_condition(tiny, runtime, device):
    """The count of a loop: the pictures are made by hand, and their means taken."""
    examples, own = digits(80), dark(tiny, device)
    clean = examples.read(np.arange(80), own.prepare.spec).float() / 255
    expected = int((own.prepare.normalize(clean).mean(dim=(1, 2, 3)) < BOUND).sum())
    assert 0 < expected < 80
    with pytest.raises(MeasureError) as caught:
        one_pass(job([own], examples, runtime), lambda done, total: None)
    assert f"tiny_ac: logits must be finite; got NaN or infinity for {expected} of 80" in str(
        caught.value
    )
    assert "under clean, " in str(caught.value)


def test_what_is_in_the_store_is_refused_again(tiny, runtime, device):
    own = checkpoint(tiny, device=device)
    broken_one = replace(own, model=Dark(own.model, BOUND))
    for model in (broken_one, own):  # the second finds what the first one left
        with pytest.raises(MeasureError, match="logits must be finite"):
            one_pass(job([model], digits(80), runtime), lambda done, total: None)


def test_bf16_says_that_fp32_may_do(tiny, runtime, device):
    with pytest.raises(MeasureError, match=r"may be finite in fp32\.$"):
        one_pass(job([dark(tiny, device)], digits(20), runtime, numeric="bf16"), lambda d, t: None)


def test_looks_during_training_refuse_them(tiny, device):
    own = checkpoint(tiny, device=device)
    shown = (digits(40), own.prepare, device)
    accuracy_of(own.model, *shown)
    with pytest.raises(MeasureError, match=r"^training: logits must be finite"):
        accuracy_of(Dark(own.model, 9.0), *shown)


def test_a_probe_whose_outputs_overflow_is_refused():
    scaling = Scaling.of("none", np.zeros((1, 2)))
    solution = Solution(np.full((2, 2), 1e308), np.zeros(2))
    probe = LinearProbe(scaling, solution, np.arange(2), probabilities=False)
    assert probe.answer(np.zeros((1, 2), np.float32)).predicted.tolist() == [0]
    with np.errstate(over="ignore"), pytest.raises(MeasureError, match="outputs must be finite"):
        probe.answer(np.full((1, 2), 9.0, np.float32))
