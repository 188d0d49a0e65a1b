"""What a run costs and could see, said beforehand."""

import re

import pytest


def test_numbers_alone_are_enough(folder, call):
    code, out, err = call("plan", "--n", "10000", "--discordance", "0.06")
    assert (code, err) == (0, "")
    assert "Suite robustness, n = 10,000, discordance 0.06, assumed" in out
    assert re.search(r"primary end.?point +3\.0 +6\.0 % +0\.6 +100 % +413 *\n", out)


@pytest.mark.parametrize(
    ("given", "expected"),
    [((), "examples must be known"), (("--suite", "nosuch", "--n", "9"), "must be a YAML file")],
)
def test_what_is_missing_is_said(folder, refused, given, expected):
    assert expected in refused(2, "plan", *given)


WRONG = [
    (("--engine", "foo"), "--engine: must be local, processes, ray or ray://ADDRESS; got foo"),
    (("--engine", "local", "--workers", "2"), "--engine: must not be local where there are"),
    (("--engine", "ray://bad:port"), "--engine: must be ray or ray://HOST:PORT; got"),
]


@pytest.mark.parametrize(
    "command",
    [
        ("plan", "--ckpt", "tiny_ac.pt"),
        ("low-data", "--plan"),
        ("reproduce", "digits-demo", "--plan"),
        ("worker",),
        ("serve",),
    ],
    ids=lambda own: own[0],
)
@pytest.mark.parametrize(("engine", "said"), WRONG, ids=["name", "workers", "address"])
def test_an_engine_that_is_none_is_refused_before_anything_starts(
    folder, refused, command, engine, said
):
    jobs = command[0] in ("worker", "serve")
    given = [word.replace("--workers", "--engine-workers") if jobs else word for word in engine]
    assert said in refused(2, *command, *given)
