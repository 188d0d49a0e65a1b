"""What a registry answers, within limits."""

from types import SimpleNamespace

import pytest

from acn_eval.errors import TrackingError
from acn_eval.service.registered import pages
from acn_eval.stores import TrackingStore

STORE = TrackingStore("http://lab:5000")


class Answers(list):
    token = None


def version(**fields):
    usual = {"name": "vit", "version": "1", "creation_timestamp": 5, "status": "READY", "tags": {}}
    return SimpleNamespace(**usual | fields)


def client(*versions, token=None):
    page = Answers(versions)
    page.token = token
    return SimpleNamespace(search_model_versions=lambda *_, **__: page)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "v" * 257},
        {"name": "\udc80"},
        {"name": None},
        {"name": "evil\0vit"},
        {"name": "evil/vit"},
        {"name": "evil:vit"},
        {"version": "0"},
        {"version": "-1"},
        {"version": "x"},
        {"version": None},
        {"version": str(2**31)},
        {"creation_timestamp": "soon"},
        {"creation_timestamp": None},
        {"tags": {"mlflow.prompt.is_prompt": "true"}},
    ],
    ids=str,
)
def test_what_cannot_be_a_version_is_left_out(fields):
    (found,) = pages(client(version(), version(**fields)), STORE)
    assert [(v.model, v.version, v.created_ms, v.ready) for v in found] == [("vit", 1, 5, True)]


def test_a_registry_without_an_end_is_an_outage():
    with pytest.raises(TrackingError, match="must hold at most 200,000 versions"):
        list(pages(client(version(), token="again"), STORE))
