"""Where outcomes are kept by default, and how many."""

from pathlib import Path

import pytest

from acn_eval.cache import CACHE_ENV, LIMIT_ENV, OutcomeCache, default_store, rooted
from acn_eval.errors import ConfigError


def test_the_default_is_where_the_variable_points(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_ENV, str(tmp_path / "mine"))
    assert default_store().folder == tmp_path / "mine"
    monkeypatch.setenv(CACHE_ENV, f"file://{tmp_path}/ours")
    assert default_store().folder == tmp_path / "ours"
    monkeypatch.setenv(CACHE_ENV, "memory://bucket/kept")
    assert default_store() == OutcomeCache("memory://bucket/kept")
    monkeypatch.delenv(CACHE_ENV)
    assert default_store().folder.name == "store"


@pytest.mark.parametrize(
    "address", ["s3://me:hush@bucket/kept", "s3://bucket/kept?secret=hush", "s3://", "a b://c"]
)
def test_an_address_holds_no_credentials(address, monkeypatch):
    monkeypatch.setenv(CACHE_ENV, address)
    with pytest.raises(ConfigError, match=r"Credentials belong in the environment") as caught:
        default_store()
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "s3://bucket/team-*/x",
        "s3://bucket/[ab]",
        "s3://bucket/a::b",
        "s3://bucket//a",
        "s3:/b",
        "file:/x",
    ],
)
def test_what_may_mean_another_place_is_refused(address, monkeypatch):
    monkeypatch.setenv(CACHE_ENV, address)
    with pytest.raises(ConfigError, match=r"must be a folder or an address"):
        default_store()


def test_a_home_is_found_without_a_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(CACHE_ENV, "~/kept")
    assert default_store().folder == tmp_path / "kept"
    assert rooted("~/kept") == str(tmp_path / "kept")


def test_the_limit_is_given_in_gigabytes(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_ENV, str(tmp_path))
    assert default_store().limit == OutcomeCache.limit
    monkeypatch.setenv(LIMIT_ENV, "0.5")
    assert default_store().limit == 500_000_000


@pytest.mark.parametrize("given", ["much", "-1", "nan", "inf"])
def test_a_limit_is_a_number(given, monkeypatch):
    monkeypatch.setenv(LIMIT_ENV, given)
    with pytest.raises(ConfigError, match=f"{LIMIT_ENV}: must be a number.*got {given}"):
        default_store()


def test_other_folders_find_the_same_place(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert rooted("kept") == str(tmp_path / "kept")
    assert Path(rooted("/kept")) == Path("/kept")
