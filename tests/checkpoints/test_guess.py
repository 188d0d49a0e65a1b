"""Weights without a name find the names that their own libraries gave them, and no others."""

import pytest
import timm
import torch
from torchvision import models

from acn_eval.checkpoints.guess import fits


def shapes(network):
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


@pytest.fixture(scope="module")
def small():
    with torch.device("meta"):
        return shapes(models.mobilenet_v3_small(num_classes=3))


def test_a_network_of_torchvision_is_found_with_its_classes(small):
    seen, before = [], torch.get_rng_state()
    assert fits(small, lambda done, total: seen.append((done, total))) == [
        ("torchvision:mobilenet_v3_small", 3, {})
    ]
    assert seen[0][0] == 0
    assert all(done < total for done, total in seen)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_network_of_timm_is_found_under_all_names_that_its_weights_fit():
    with torch.device("meta"):
        found = fits(shapes(timm.create_model("tnt_s_legacy_patch16_224", num_classes=1000)))
    assert ("timm:tnt_s_legacy_patch16_224", 1000, {}) in found
    for fit in found:  # what the libraries themselves build under each name
        with torch.device("meta"):
            network = timm.create_model(fit.model.removeprefix("timm:"))
        assert shapes(network) == shapes(timm.create_model("tnt_s_legacy_patch16_224"))


@pytest.mark.parametrize("change", ["a narrower layer", "one class"])
def test_weights_that_differ_elsewhere_than_in_the_head_fit_no_name(small, change):
    first, *_, head = small
    changed = {
        "a narrower layer": {**small, first: (8, *small[first][1:])},
        "one class": {
            **small,
            head: (1,),
            head.replace("bias", "weight"): (1, *small[head.replace("bias", "weight")][1:]),
        },
    }
    assert fits(changed[change]) == []


def test_a_vision_transformer_of_another_size_is_found_with_it():
    """timm's, of which more sizes differ, is in tests/workflow/test_inspecting.py."""
    with torch.device("meta"):
        network = models.vit_b_32(num_classes=7, image_size=96)
    assert fits(shapes(network)) == [("torchvision:vit_b_32", 7, {"image_size": 96})]
