"""Addresses are shown without their secrets, whoever wrote the message that they stand in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acn_eval.errors import TrackingError
from acn_eval.foreign_text import shown


@pytest.mark.parametrize(
    "text",
    [
        "http://user:SECRET@host",
        "http://SECRET@host:80/path",
        "http://user:SEC/RET@host/x",
        "http://user:SEC@RET@host/x",
        "http://user:SEC#RE?T@host/x",
        "http://[user:SECRET@x",
        "postgresql+psycopg2://me:SECRET@db/runs?sslmode=require",
        "sqlite:///runs.db?password=SECRET",
        "https://host/?a=1&access_token=SECRET&b=2",
        "https://host/?X-Amz-Signature=SECRET",
        "connection to 'http://u:SECRET@h' failed: dsn password=SECRET host=db",
        "File 'x.py', in f\n  open('http://u:SECRET@h/?api_key=SECRET')",
    ],
)
def test_no_secret_is_left(text):
    for found in (shown(text), str(TrackingError(text))):
        for part in ("SEC", "RET"):
            assert part not in found, found


@pytest.mark.parametrize(
    "text",
    [
        "http://host:5000/models@v1",
        "http://[::1]:5000",
        "http://[x",
        "://",
        "sqlite:////home/me@work/runs.db",
        "runs:/0123",
        "http://host/#/experiments/1/runs?viewStateShareKey=acn_eval_verdicts",
        "me@example.org",
    ],
)
def test_what_keeps_no_secret_stays(text):
    assert shown(text) == text


@given(st.text(st.sampled_from("ht:/@?#&=[]%key. \n\ud800"), max_size=40))
def test_garbage_is_no_error(text):
    shown(f"http://{text}")
