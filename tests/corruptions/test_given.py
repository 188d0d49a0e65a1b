"""Given images: a config that is checked, and conditions that are called by the corruption."""

import pytest
import torch
from pydantic import ValidationError

from acn_eval.corruptions import Context, Given, NoiseKey
from acn_eval.errors import Unsupported
from acn_eval.inputs import Place
from acn_eval.studies.read import read_suite
from acn_eval.studies.robustness.analysis import noise_asked

FOG = Given(name="fog", folder="CIFAR-10-C", levels=(2, 5))


class Shelf:
    """Images of one gray each: the id and the severity decide it."""

    def why_not(self, place):
        return "no more" if place.level == 5 else ""

    def stamp(self, place, ids):
        return f"{place} {ids.tolist()}"

    def read(self, place, ids):
        return torch.full((len(ids), 1, 2, 2), place.level / 10) + ids.view(-1, 1, 1, 1) / 100


def test_what_is_shown_is_what_lies_there():
    context, ids = Context(given=Shelf()), torch.tensor([3, 1])
    draw = FOG.draw((2, 1, 2, 2), ids, NoiseKey(9))
    shown = FOG.corrupt(torch.zeros(2, 1, 2, 2), draw, 2, context)
    assert torch.allclose(shown[:, 0, 0, 0], torch.tensor([0.23, 0.21]))
    place = Place("CIFAR-10-C", "fog", 2, framed=False)
    assert FOG.stamp(ids, 2, context) == (f"{place} [3, 1]",)


def test_what_is_missing_is_said():
    with pytest.raises(Unsupported, match="fog: no more"):
        FOG.require(Context(given=Shelf()))
    with pytest.raises(Unsupported, match="fog: the clean examples must be images"):
        FOG.require(Context())


def test_conditions_are_called_by_the_corruption():
    assert [dict(c) for c in FOG.conditions()] == [
        {"corruption": "fog", "level": k, "folder": "CIFAR-10-C", "framed": False} for k in (2, 5)
    ]


@pytest.mark.parametrize("name", ["cifar10_c", "imagenet_c"])
def test_the_shipped_suites_ask_for_the_15_corruptions_of_the_benchmarks(name):
    suite = read_suite(name)
    conditions = [dict(q.condition) for q in suite.questions() if q.primary]
    assert len(conditions) == 15 * 5
    asked = [dict(a.condition) for a in noise_asked({"noise": suite.model_dump(mode="json")})]
    plain = [{k: v for k, v in c.items() if k != "repeat"} for c in conditions]
    assert asked[1:] == plain


@pytest.mark.parametrize(
    "fields",
    [{"name": "../fog"}, {"name": ""}, {"folder": ""}, {"levels": (0, 1)}, {"levels": (6,)}],
    ids=str,
)
def test_strange_fields(fields):
    with pytest.raises(ValidationError):
        Given(**{"name": "fog", "folder": "C", **fields})
