"""A network as its training found it, where its file tells."""

from dataclasses import replace

import torch

from acn_eval.study.spread import as_initialized
from acn_eval.training.fit import start
from tests.tiny import CPU, checkpoint, linear, recipe


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
