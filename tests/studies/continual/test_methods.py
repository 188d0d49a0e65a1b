"""Methods by name: their labels, and what is usual of them."""

import pytest

from acn_eval.studies.continual.methods import EWC, SI, Joint, Naive, Replay
from tests.studies.continual.plans import suite as tiny


@pytest.mark.parametrize(
    ("method", "label"),
    [
        (Naive(), "naive"),
        (Joint(), "joint"),
        (Replay(), "replay 20"),
        (Replay(per_class=5, batch=3), "replay 5 batch=3"),
        (SI(), "si zenke c=1"),
        (SI(variant="mammoth", c=0.5, xi=0.01), "si mammoth c=0.5 xi=0.01"),
        (EWC(), "ewc 100"),
        (EWC(strength=2.5, images=50), "ewc 2.5 images=50"),
    ],
)
def test_labels_tell_everything_that_is_not_usual(method, label):
    assert method.label == label


def test_ways_that_differ_in_anything_may_stand_side_by_side():
    ways = (
        {"method": "ewc", "images": 10},
        {"method": "ewc", "images": 20},
        {"method": "replay", "batch": 4},
        {"method": "replay"},
    )
    assert len({method.label for method in tiny(methods=ways).methods}) == 4


def test_the_damping_of_a_variant_is_that_of_its_code():
    found = [SI(variant=v).damping for v in ("zenke", "mammoth", "vandeven")]
    assert found == [1e-3, 1.0, 0.1]
    assert SI(variant="mammoth", xi=0.5).damping == 0.5
