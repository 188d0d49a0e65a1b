"""Spread of networks in files, against tokens by hand; words about what is constant."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acn_eval.data import open_examples
from acn_eval.inference import Runtime
from acn_eval.inference.outputs import inputs_of
from acn_eval.inference.spread import Spread, spreads
from acn_eval.study.spread import as_initialized, spread_in_words, spread_of
from acn_eval.training.fit import start
from tests.tiny import CPU, checkpoint, linear, recipe, subject

FREE, SAME = Spread(0.5, 0.5, 3, 1, 1), Spread(9e-4, 9e-4, 3, 1, 1)
SAME_TOKENS, SAME_IMAGES = replace(FREE, tokens=9e-4), replace(FREE, images=9e-4)


def test_the_spread_of_a_network_is_that_of_its_boundaries(tiny):
    loaded = checkpoint(tiny)
    examples = open_examples("digits", "validation").keyed(50)
    found = spread_of(subject(loaded, examples), examples, Runtime(CPU, 16))
    images = inputs_of(examples, np.arange(50), loaded.prepare, CPU)
    with torch.no_grad():
        wanted = spreads([loaded.model.boundaries(images)])
    assert len(found) == 3
    for own, other in zip(found, wanted, strict=True):
        assert vars(own) == pytest.approx(vars(other), rel=1e-4, abs=1e-7)


def test_a_network_of_ours_is_known_as_its_training_found_it(tiny):
    loaded = checkpoint(tiny)
    network = as_initialized(loaded)
    wanted = start(recipe(), CPU).network.state_dict()
    assert not network.training
    assert all(torch.equal(value, wanted[name]) for name, value in network.state_dict().items())
    assert not torch.equal(network.head.weight, loaded.model.head.weight)


def test_of_other_networks_it_is_not_known(tiny):
    loaded = checkpoint(tiny)
    card, training = loaded.native.card, loaded.native.card.training
    cut = card.arch.model_copy(update={"depth": 1})
    strange = training.model_copy(update={"recipe": {**training.recipe, "steps": "many"}})
    cards = [
        card.model_copy(update=changed)
        for changed in ({"arch": cut}, {"training": strange}, {"training": None})
    ]
    others = [replace(loaded, native=replace(loaded.native, card=card)) for card in cards]
    others += [replace(loaded, native=None), linear()]
    assert [as_initialized(other) for other in others] == [None] * 5


@pytest.mark.parametrize(
    ("trained", "initial", "said"),
    [
        ([FREE, FREE], None, "outputs vary over tokens and over images after every block."),
        (
            [FREE, FREE],
            [FREE, FREE],
            "outputs vary over tokens and over images after every block, also at initialization.",
        ),
        (
            [FREE, FREE, SAME_TOKENS, SAME],
            [FREE, SAME_TOKENS, SAME_TOKENS, SAME_TOKENS],
            "outputs are constant over tokens from block 2 on "
            "(at initialization from block 1 on), over images from block 3 on "
            "(at initialization nowhere). "
            "From the start, blocks 2 to 3 could not tell tokens apart. "
            "Training left block 3 unused.",
        ),
        (
            [FREE, SAME_IMAGES, FREE, SAME_IMAGES, FREE],
            [FREE, FREE, SAME_TOKENS, SAME_IMAGES, FREE],
            "outputs are constant over tokens nowhere (at initialization after block 2), "
            "over images after blocks 1, 3 (at initialization after block 3). "
            "Training left block 1 unused.",
        ),
        (
            [FREE, SAME],
            None,
            "outputs are constant over tokens from block 1 on, over images from block 1 on.",
        ),
    ],
    ids=str,
)
def test_words_say_what_is_constant_and_since_when(trained, initial, said):
    assert spread_in_words("net", trained, initial) == f"net: {said}"
