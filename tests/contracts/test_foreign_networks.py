"""Every source of foreign networks answers as its library does on its own."""

import pytest
import torch

from acn_eval.checkpoints import load
from tests.checkpoints.foreign_models import SAVED, pictures, shown


@pytest.fixture(scope="module", params=SAVED.values(), ids=SAVED)
def saved(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("saved"))


@pytest.fixture(scope="module")
def checkpoint(saved):
    return load(saved.uri)


def test_logits_are_those_of_the_librarys_own_pipeline(saved, checkpoint):
    given = [*pictures()]
    with torch.no_grad():
        found = checkpoint.model(shown(checkpoint, given))
    expected = saved.logits(given)
    assert torch.allclose(found, expected, rtol=0, atol=1e-5), (found - expected).abs().max()
    assert expected.std(dim=0).max() > 1e-3  # logits tell pictures apart


def test_classes_are_in_the_order_of_the_logits(saved, checkpoint):
    assert checkpoint.classes == saved.classes
    assert checkpoint.named == (saved.classes[0] != "0")


def test_its_record_names_where_it_came_from(saved, checkpoint):
    assert checkpoint.id.uri == saved.uri
    assert checkpoint.id.parameters == sum(p.numel() for p in saved.network.parameters())
    assert checkpoint.id.arch["kind"] == type(saved.network).__name__
    again = load(saved.uri)
    assert again.id == checkpoint.id
