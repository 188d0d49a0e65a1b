"""Recipes that fit data: valid at any size, twins but for the connectivity, with every reason."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from acn_eval.data.sizes import Sizes
from acn_eval.models import build
from acn_eval.models.cost import cost
from acn_eval.training.fitted import Fitted
from acn_eval.training.recipe import Recipe


def of(n=1000, classes=10, short=32, gray=False, steps=None, data="folder:photos"):
    return Fitted(data, n, classes, Sizes((short, short), (short, short), short, gray), steps)


def twins(own):
    texts = own.recipe("acn", "res_vit.pt"), own.recipe("residual", "ac_vit.pt")
    return [Recipe.model_validate(yaml.safe_load(text)) for text in texts]


@given(
    st.integers(1, 10**7), st.integers(2, 10_000), st.integers(1, 5000), st.booleans(), st.text()
)
def test_recipes_are_valid_whatever_the_data(n, classes, short, gray, data):
    own = of(n, classes, short, gray, data=data[:1000])
    for recipe in twins(own):
        assert recipe.data == data[:1000]
        assert recipe.arch.classes == classes
        assert recipe.arch.channels == (1 if gray else 3)
        assert recipe.arch.image_size == own.side <= 64
        assert 4 <= (own.side // own.patch) ** 2 <= 100
        assert own.side <= max(short, 4)
        assert 16 <= recipe.batch <= 128


def test_the_twins_differ_in_how_they_are_wired_alone():
    acn, residual = (recipe.model_dump() for recipe in twins(of()))
    assert (acn.pop("pair"), residual.pop("pair")) == ("res_vit.pt", "ac_vit.pt")
    for name in ("connectivity", "skips"):
        assert acn["arch"].pop(name, None) != residual["arch"].pop(name, None)
    assert acn == residual
    networks = [build(recipe.arch) for recipe in twins(of())]
    assert len({cost(net, net.config.blank(1)).parameters for net in networks}) == 1


@pytest.mark.parametrize(
    ("n", "short", "expected"),
    [
        (1094, 8, {"side": 8, "patch": 2, "width": 64, "depth": 8, "batch": 64}),
        (45_000, 32, {"side": 32, "patch": 4, "width": 128, "depth": 8, "batch": 128}),
        (100_000, 64, {"side": 64, "patch": 8, "width": 192, "depth": 12, "batch": 128}),
        (60, 28, {"side": 28, "patch": 4, "width": 64, "batch": 16}),
        (60, 375, {"side": 64, "patch": 8}),
        (60, 50, {"side": 48, "patch": 6}),
    ],
)
def test_sizes_follow_from_the_number_of_images_and_their_side(n, short, expected):
    own = of(n, short=short)
    assert {name: getattr(own, name) for name in expected} == expected


def test_few_images_are_seen_more_often_and_many_for_more_steps():
    epochs = [
        own.steps * own.batch / own.n for own in map(of, (100, 1000, 10_000, 100_000, 10**7))
    ]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] == pytest.approx(200, rel=0.01)
    assert epochs[-1] == pytest.approx(10, rel=0.01)
    assert twins(of(steps=40))[0].steps == 40
    assert twins(of(steps=40))[0].warmup == 2


def test_every_number_that_was_chosen_has_its_reason():
    lines = of().recipe("acn", "res_vit.pt").splitlines()
    plain = {line.split(":")[0].strip() for line in lines if ":" in line and "#" not in line}
    assert plain == {"arch", "kind", "connectivity", "classes", "data", "weight_decay", "augment"}
