"""What a network in memory says about itself."""

import pytest
import timm
import torch
from torch import nn

from acn_eval.checkpoints.declaring import declared, of_ours
from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.models import build
from acn_eval.models.vit import ViTConfig
from tests.checkpoints.library_files import ARGUMENTS, NAME, network
from tests.tiny import ARCH

ORIGIN = {"origin": "a.pt"}


def test_a_network_of_timm_says_what_it_was_made_with():
    found = declared(network(), ORIGIN)
    assert found.model == f"timm:{NAME}"
    assert found.made_with == {**ARGUMENTS, "in_chans": 3}
    assert found.origin == "a.pt"


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_maxvit"])
def test_what_it_says_builds_the_same(name):
    found = declared(timm.create_model(name, num_classes=4), ORIGIN)
    again = timm.create_model(found.name, num_classes=4, **found.made_with)
    want = timm.create_model(name, num_classes=4).state_dict()
    assert {k: v.shape for k, v in again.state_dict().items()} == {
        k: v.shape for k, v in want.items()
    }


def test_what_the_owner_states_weighs_more():
    said = {"model": "timm:resnet18", "arguments": {}, "classes": ["a", "b"]}
    found = declared(network(), {**ORIGIN, **said})
    assert (found.model, found.made_with, found.classes) == ("timm:resnet18", {}, ("a", "b"))


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ({}, "a state dict"),
        (nn.Linear(2, 2), "Linear"),
        (torch.fx.symbolic_trace(nn.Linear(2, 2)), "an exported graph"),
    ],
)
def test_what_nothing_names_is_refused(found, kind):
    with pytest.raises(CheckpointError, match=f"`model` names; got {kind}.*module:FILE.py"):
        declared(found, ORIGIN)


def test_fields_that_are_no_card():
    with pytest.raises(ConfigError, match=r"a.pt: mean"):
        declared(network(), {**ORIGIN, "mean": ["a"]})


def test_a_network_of_ours_needs_what_it_was_shown():
    ours = build(ViTConfig(**{k: v for k, v in ARCH.items() if k != "kind"}))
    with pytest.raises(ConfigError, match="`mean`, `std`: must be given"):
        of_ours(ours, ORIGIN)
    with pytest.raises(CheckpointError, match="one per channel"):
        of_ours(ours, {**ORIGIN, "mean": [0.5] * 3, "std": [0.5] * 3})
    card = of_ours(ours, {**ORIGIN, "mean": [0.5], "std": [0.25], "data": "digits"}).card
    assert (card.arch, card.named, card.data, card.origin) == (
        ours.config,
        False,
        "digits",
        "a.pt",
    )
