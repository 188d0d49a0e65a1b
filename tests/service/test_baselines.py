"""What a version is compared with."""

import json

import pytest

from acn_eval.service.baselines import ANCHOR, Lineage
from acn_eval.service.registered import Model, Registered
from acn_eval.service.requests import parse_request
from acn_eval.service.settings import Profile


def lineage(baseline, *, aliases=None, refused=(), tags=None, **fields):
    profile = Profile(name="n", baseline=baseline, **fields)
    return Lineage(profile, Model(aliases or {}, tags or {}), [1, 2, 4, 7], refused)


def version(number):
    return Registered("vit", number, 0, ready=True)


@pytest.mark.parametrize(
    ("baseline", "facts", "number", "expected", "fixed"),
    [
        ("previous", {}, 1, None, None),
        ("previous", {}, 4, "models:/vit/2", "models:/vit/2"),
        ("previous", {"refused": {2}}, 4, "models:/vit/1", "models:/vit/1"),
        ("previous", {"refused": {1, 2}}, 4, None, None),
        ("@a", {}, 4, None, None),
        ("@a", {"aliases": {"a": 2}}, 4, "models:/vit@a", "models:/vit/2"),
        ("@a", {"aliases": {"a": 4}}, 4, "models:/vit/4", None),
        ("@a", {"aliases": {"a": 7}}, 4, "models:/vit@a", None),
        ("res_vit.pt", {}, 4, "res_vit.pt", "res_vit.pt"),
    ],
)
def test_a_baseline_follows_from_the_profile_and_the_registry(
    baseline, facts, number, expected, fixed
):
    found = lineage(baseline, **facts)
    assert found.baseline(version(number)) == expected
    assert found.request(version(number)).baseline == expected
    assert found.fixed(version(number)) == fixed


def test_the_anchor_is_the_profile_s_else_the_model_s_and_counts_where_something_moves():
    tags = {ANCHOR: "models:/vit/1"}
    assert lineage("previous", tags=tags).request(version(4)).anchor is None
    moving = lineage("previous", tags=tags, promote="a")
    assert moving.request(version(4)).anchor == "models:/vit/1"
    assert moving.request(version(1)).anchor is None
    named = lineage("previous", tags=tags, promote="a", anchor="x.pt")
    assert named.request(version(4)).anchor == "x.pt"


@pytest.mark.parametrize(
    ("tag", "anchor"),
    [("", None), ("x" * 501, f"{'x' * 250}…{'x' * 249}"), ("models:/\ud800", "models:/\\ud800")],
    ids=["empty", "long", "no Unicode"],
)
def test_any_tag_makes_a_request(tag, anchor):
    """What the registry holds must not end the look at all other models."""
    request = lineage("previous", tags={ANCHOR: tag}, promote="a").request(version(4))
    assert request.anchor == anchor
    assert parse_request(json.loads(request.model_dump_json())) == request
