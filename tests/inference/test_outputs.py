"""The shared forward loop gives what one call on all examples gives, batch by batch."""

import numpy as np
import pytest
import torch

from acn_eval.errors import MeasureError
from acn_eval.inference.memory import Batches
from acn_eval.inference.outputs import inputs_of, outputs
from tests.tiny import checkpoint, digits

CPU = torch.device("cpu")


@pytest.fixture
def own(tiny):
    return checkpoint(tiny)


def shown(own, forward, batches):
    parts = list(outputs(forward, digits(50), own.prepare, batches, name="test"))
    return np.concatenate([where for where, _ in parts]), [found for _, found in parts]


def test_every_example_is_shown_once_and_normalized(own):
    batches = Batches(16, CPU)
    where, parts = shown(own, own.model, batches)
    assert where.tolist() == list(range(50))
    assert [len(part) for part in parts] == [16, 16, 16, 2]
    pixels = torch.from_numpy(digits(50).inputs.images[digits(50).positions])
    images = pixels.permute(0, 3, 1, 2).float() / 255
    images = (images - torch.tensor(own.prepare.mean)) / torch.tensor(own.prepare.std)
    assert torch.equal(inputs_of(digits(50), where, own.prepare, CPU), images)
    with torch.no_grad():
        assert torch.allclose(torch.cat(parts), own.model(images), atol=1e-5)
    assert not any(part.requires_grad for part in parts)


def test_batches_are_halved_where_memory_runs_out(own):
    sizes = []

    def forward(images):
        sizes.append(len(images))
        if len(images) > 5:
            raise torch.OutOfMemoryError
        return own.model(images)

    batches = Batches(16, CPU)
    where, parts = shown(own, forward, batches)
    assert where.tolist() == list(range(50))
    assert sizes[:3] == [16, 8, 4]
    assert batches.size == 4
    assert {len(part) for part in parts} == {4, 2}


def test_outputs_that_are_not_finite_are_refused(own):
    def forward(images):
        return own.model(images).masked_fill(images.new_ones(len(images), 10).bool(), float("nan"))

    with pytest.raises(MeasureError, match=r"^test: logits must be finite"):
        shown(own, forward, Batches(16, CPU))


def test_an_error_of_the_network_is_no_lack_of_memory(own):
    def forward(images):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        shown(own, forward, Batches(16, CPU))
