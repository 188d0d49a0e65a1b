"""A network as its training found it, where its file tells."""

from dataclasses import replace

import torch

from acn_eval.models import read_arch
from acn_eval.study.spread import as_initialized, recipe_of
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
        for changed in (
            {"arch": cut},
            {"training": strange},
            {"training": None},
            {"origin": "a file whose weights were pruned"},
        )
    ]
    others = [replace(loaded, native=replace(loaded.native, card=card)) for card in cards]
    others += [replace(loaded, native=None), linear()]
    assert [as_initialized(other) for other in others] == [None] * 6


def test_official_mixers_of_an_earlier_version_began_otherwise(tiny):
    """Their cards have a flag for skips; layers then started with Xavier's weights."""
    own = recipe().model_copy(update={"arch": read_arch({"kind": "official_mixer"}, "mine")})
    assert recipe_of(with_recipe(checkpoint(tiny), own, {})) == own
    assert recipe_of(with_recipe(checkpoint(tiny), own, {"skips": False})) is None


def with_recipe(loaded, recipe, raw):
    """A checkpoint whose card has this recipe, its architecture written otherwise."""
    card, written = loaded.native.card, recipe.model_dump(mode="json")
    written["arch"] |= raw
    training = card.training.model_copy(update={"recipe": written})
    card = card.model_copy(update={"arch": recipe.arch, "training": training})
    return replace(loaded, native=replace(loaded.native, card=card))
