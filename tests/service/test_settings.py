"""The YAML of a service is read strictly, and says in one line what is wrong."""

import json

import pytest

from acn_eval.errors import ConfigError
from acn_eval.service.settings import Settings, read_settings

PROFILE = "profiles: [{name: nightly, baseline: '@champion'%s}]"


def read(folder, text):
    (folder / "service.yaml").write_text(text)
    return read_settings(folder / "service.yaml")


def test_a_kind_alone_is_a_service(tmp_path):
    assert read(tmp_path, "kind: service") == Settings()


def test_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    for name in ("mine.yaml", "old.pt"):
        (tmp_path / name).touch()
    text = "profiles: [{name: n, gate: mine.yaml, baseline: old.pt, anchor: res_vit.pt}]\n"
    found = read(tmp_path, f"{text}roots: [nets, /data]\nsuites: [mine.yaml]")
    (profile,) = found.profiles
    assert profile.gate == str(tmp_path / "mine.yaml")
    assert profile.baseline == str(tmp_path / "old.pt")
    assert profile.anchor == "res_vit.pt"
    assert found.roots == (str(tmp_path / "nets"), "/data")
    assert found.suites == (str(tmp_path / "mine.yaml"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: serve", "kind: Input should be 'service'; got 'serve'"),
        (PROFILE % ", promot: champion", "profiles.0.promot: is no field of a service. Did you"),
        (PROFILE % ", models: ''", "profiles.0.models: String should have at least 1 char"),
        ("profiles: [{name: n}]", "profiles.0.baseline: Field required"),
        (
            "profiles: [{name: a/b, baseline: x}]",
            "profiles.0.name: must consist of letters, d",
        ),
        (
            "profiles: [{name: a, baseline: x}, {name: a, baseline: y}]",
            "the file: profiles must have different names; a is there twice",
        ),
        ("roots: nets", "roots: must be a list; got 'nets'"),
        ("downloads: perhaps", "downloads: must be true or false; got 'perhaps'"),
        ("poll_seconds: 0", "poll_seconds: Input should be greater than or equal to 0.2"),
        ("poll_seconds: .nan", "poll_seconds: Input should be a finite number"),
        ("url: javascript:alert(1)", "url: String should match pattern"),
        ("[]", "the file: must be a mapping of names to values"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, said):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert f"service.yaml: {said}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_its_schema_is_printed_for_editors(call):
    code, out, _ = call("schema", "--service")
    fields = json.loads(out)["properties"]
    assert code == 0
    assert {"profiles", "poll_seconds"} < fields.keys()
