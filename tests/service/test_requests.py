"""Requests are read strictly, and equal ones have one key."""

import pytest
from pydantic import ValidationError

from acn_eval.service.requests import Check, Data, Evaluate, Judge, content_key, parse_request

JUDGE = {"kind": "gate", "candidate": "models:/vit/3", "baseline": "models:/vit@champion"}


def test_a_request_is_read_as_what_it_is():
    judge = parse_request(JUDGE)
    assert judge == Judge(candidate="models:/vit/3", baseline="models:/vit@champion")
    assert parse_request({"kind": "check"}) == Check()
    asked = parse_request({"kind": "evaluate", "candidates": ["a.pt"], "data": {"limit": 8}})
    assert asked == Evaluate(candidates=("a.pt",), data=Data(limit=8))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "dance"},
        {**JUDGE, "force": True},
        {**JUDGE, "candidate": ""},
        {**JUDGE, "candidate": "x" * 501},
        {**JUDGE, "look": -1},
        {"kind": "evaluate", "candidates": []},
        {"kind": "evaluate", "candidates": ["a"] * 65},
        {**JUDGE, "data": {"classes": ["x" * 1000] * 66}},
        {**JUDGE, "data": {"class_names": {str(k): "ß" * 20 for k in range(1500)}}},
        {"kind": "check", "seconds": -1},
        {"kind": "check", "steps": 0},
        [],
    ],
)
def test_what_is_no_request_is_refused(fields):
    with pytest.raises(ValidationError):
        parse_request(fields)


def test_equal_requests_have_one_key_and_others_have_others():
    keys = [
        content_key(Check()),
        content_key(Check(name="a")),
        content_key(Judge(**JUDGE)),
        content_key(Judge(**{**JUDGE, "look": 1})),
        content_key(Check(), "vit", "3"),
        content_key(Check(), "vit", "4"),
    ]
    assert len({*keys}) == len(keys)
    assert {len(key) for key in keys} == {32}
    assert content_key(parse_request(JUDGE)) == content_key(Judge(**JUDGE))
