"""ImageNet's classes are found by whatever they are called, and never by a guess."""

import sys

import numpy as np
import pytest
import timm
from timm.data import ImageNetInfo
from torchvision.models import get_model_weights

from acn_eval.data.wordnet import imagenet_classes, may_be_imagenet, wordnet_ids
from acn_eval.errors import MissingExtra

INFO = ImageNetInfo()
IDS = tuple(INFO.label_names())
OFTEN = tuple(INFO.label_name_to_description(wnid) for wnid in IDS)  # as Hugging Face has them
TORCHVISION = tuple(get_model_weights("resnet18").DEFAULT.meta["categories"])


@pytest.mark.parametrize("names", [IDS, OFTEN, TORCHVISION], ids=["ids", "timm", "torchvision"])
def test_all_classes_in_the_order_of_the_logits(names):
    assert wordnet_ids(names) == IDS


def test_some_classes_in_any_order():
    order = np.random.default_rng(0).permutation(1000)[:300]
    for names in (IDS, OFTEN, TORCHVISION):
        found = wordnet_ids([names[i] for i in order])
        wrong = [(a, IDS[i]) for a, i in zip(found, order, strict=True) if a not in {"", IDS[i]}]
        assert wrong == []
        assert sum(map(bool, found)) > 290


def test_permuted_classes_are_not_taken_for_those_in_order():
    """Two that were swapped are enough: a position says nothing then."""
    swapped = list(OFTEN)
    swapped[3], swapped[4] = swapped[4], swapped[3]
    found = wordnet_ids(swapped)
    assert (found[3], found[4]) == (IDS[4], IDS[3])
    assert found[134] == ""  # a crane is a bird or a machine


def test_spellings():
    assert wordnet_ids(["goldfish", "Carassius_auratus", "GOLDFISH", "n01443537"]) == (IDS[1],) * 4
    garment, dog, neither = wordnet_ids(["cardigan", "Cardigan", "CARDIGAN"])
    assert (IDS.index(garment), IDS.index(dog), neither) == (474, 264, "")
    assert wordnet_ids(["crane", "unicorn", "", "n99999999", "n0144353"]) == ("",) * 5
    assert imagenet_classes()[1].wnid == "n01443537"


def test_where_it_is_worth_a_look():
    assert may_be_imagenet(OFTEN)
    assert may_be_imagenet(["n01443537"])
    assert not may_be_imagenet(["night", "noon"], ["cat"])


def test_without_timm_the_extra_is_named(monkeypatch):
    assert timm.__name__ in sys.modules
    imagenet_classes.cache_clear()
    monkeypatch.setitem(sys.modules, "timm.data", None)
    with pytest.raises(MissingExtra, match=r"acn-eval\[timm\]"):
        wordnet_ids(["n01443537"])
