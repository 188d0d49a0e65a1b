"""The table of parts names classes that the libraries have, and no others are matched."""

from importlib import import_module

import pytest
import torch

from acn_eval.checkpoints.parts import _PARTS, _PLACES, parts_of, places_of


@pytest.mark.parametrize("name", [*_PARTS, *_PLACES])
def test_every_name_is_a_class_of_its_library(name):
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(import_module(module), kind), torch.nn.Module)


def test_a_class_that_changes_a_vision_transformer_is_not_taken_for_one():
    from timm.models.vision_transformer import VisionTransformer

    class Own(VisionTransformer):
        """Whatever its forward pass does."""

    made = Own(img_size=16, patch_size=8, embed_dim=8, depth=1, num_heads=1)
    assert parts_of(made) is None


def test_other_modules_have_no_places():
    assert places_of(torch.nn.Linear(2, 2)).paths == ()
