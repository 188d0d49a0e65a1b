"""Suites are read from YAML, and what is wrong with one is said in a line."""

import json

import jsonschema
import pytest
import yaml

from acn_eval.errors import ConfigError
from acn_eval.shipped import shipped
from acn_eval.studies.read import read_suite, schema
from acn_eval.study.suite import shipped_suites

GOOD = "kind: robustness\nname: mine\ncorruptions:\n  - {kind: gaussian, levels: [0.1]}\n"


def written(folder, text):
    path = folder / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def refused(folder, text):
    """The message, which is one line and names the file."""
    path = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        read_suite(path)
    message = str(caught.value)
    assert message.startswith(path)
    assert "\n" not in message
    return message.removeprefix(path)


ROOMS = (
    "robustness.suite",
    "compression.suite",
    "continual.methods",
    "continual.suite",
    "dynamics.suite",
    "low_data.suite",
    "pruning.context",
    "pruning.methods",
    "pruning.suite",
    "transfer.suite",
)


@pytest.mark.parametrize("name", shipped_suites())
def test_every_shipped_suite_says_what_it_asks(name):
    suite = read_suite(name)
    assert suite.name == name
    assert suite.description[0].isupper()
    assert suite.question.endswith("?")
    assert suite == read_suite(str(shipped("suites") / f"{name}.yaml"))


@pytest.mark.parametrize("name", shipped_suites())
def test_yaml_python_and_record_are_the_same_thing(name, tmp_path):
    suite = read_suite(name)
    assert type(suite).model_validate(suite.model_dump()) == suite
    record = json.loads(json.dumps(suite.model_dump(mode="json")))
    assert read_suite(written(tmp_path, yaml.safe_dump(record))) == suite
    assert eval(repr(suite), namespace()) == suite


def namespace():
    from importlib import import_module

    from acn_eval import corruptions, models, training
    from acn_eval.corruptions import common, text
    from acn_eval.training import batches, recipe

    rooms = [import_module(f"acn_eval.studies.{name}") for name in ROOMS]

    return {
        name: getattr(m, name)
        for m in (corruptions, common, text, models, training, batches, recipe, *rooms)
        for name in m.__all__
    }


def test_the_paper_s_table_2():
    suite = read_suite("robustness")
    levels = {c.kind: c.levels for c in suite.corruptions}
    assert levels == {"gaussian": (0.1, 0.2, 0.4), "salt_pepper": (0.01, 0.05, 0.1)}
    assert {c.space for c in suite.corruptions} == {"pixel"}
    assert {c.space for c in read_suite("robustness_normalized").corruptions} == {"normalized"}


def test_a_path_wins_over_a_name_and_yml_is_fine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "robustness.yml").write_text(GOOD)
    assert read_suite("robustness.yml").name == "mine"
    assert read_suite("robustness").name == "robustness"


def test_the_wrong_kind(tmp_path):
    assert "kind must be one of 'robustness'" in refused(tmp_path, GOOD.replace("ness", "nes"))


def test_a_misspelt_field_is_named_with_the_nearest(tmp_path):
    message = refused(tmp_path, GOOD + "repeat: 2\n")
    assert message == ": repeat: is no field of a suite. Did you mean repeats?"


def test_a_misspelt_field_of_a_corruption_is_named_with_the_nearest(tmp_path):
    message = refused(tmp_path, GOOD.replace("levels", "level"))
    assert message == (
        ": corruptions.0.gaussian.level: is no field of a suite. Did you mean levels?"
    )


@pytest.mark.parametrize("name", shipped_suites())
def test_every_field_of_a_suite_is_found_again_where_it_is_misspelt(name, tmp_path):
    record = json.loads(json.dumps(read_suite(name).model_dump(mode="json")))
    for field in record.keys() - {"kind", "mode"}:
        wrong = {f"{key}x" if key == field else key: value for key, value in record.items()}
        assert refused(tmp_path, yaml.safe_dump(wrong)).endswith(f"Did you mean {field}?")


@pytest.mark.parametrize(
    "wrong",
    [
        GOOD + "tolerances: 0.1\n",  # a field of compression
        GOOD + "level: [1]\n",  # a field of its corruptions
        GOOD.replace("levels:", "corruptions: [], levels:"),  # a field of the suite around it
        "kind: compression\nname: mine\nnoise: {name: mine, tolerance: 1}\n",
    ],
)
def test_fields_of_another_kind_or_place_are_no_hint(tmp_path, wrong):
    assert "is no field of a suite" in (message := refused(tmp_path, wrong))
    assert "Did you mean" not in message


def test_a_field_like_no_other_has_no_hint(tmp_path):
    assert refused(tmp_path, GOOD + "xyzzy: 2\n") == ": xyzzy: is no field of a suite."


def test_an_unknown_corruption_is_named_with_all_there_are(tmp_path):
    message = refused(tmp_path, GOOD.replace("gaussian", "snow"))
    assert "corruptions.0: kind must be one of" in message
    assert "'gaussian', 'salt_pepper'" in message
    assert message.endswith("got 'snow'")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: [", "must be YAML"),
        (b"\xff\xfe\x00\xd8\x00", "must be YAML"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "must be YAML"),
        ("kind: robustness\n\tname: x", "must be YAML"),
        ("", "the file: "),
        ("- a\n- b\n", "the file: "),
        ("!!python/object/apply:os.system ['true']", "must be YAML"),
        ("kind: robustness\nname: mine\n", "corruptions: Field required"),
        ("kind: robustness\nname: mine\ncorruptions: []\n", "corruptions: "),
        (GOOD.replace("mine", "../mine"), "name: "),
        (GOOD.replace("[0.1]", "[]"), "levels must be positive and strictly increasing"),
        (GOOD.replace("[0.1]", "[0.2, 0.1]"), "levels must be positive and strictly increasing"),
        (GOOD.replace("[0.1]", "[-1]"), "levels must be positive and strictly increasing"),
        (GOOD + "repeats: 0\n", "repeats: "),
        (GOOD + "repeats: many\n", "repeats: "),
        (GOOD + "image_size: -3\n", "image_size: "),
        (GOOD + "  - {kind: gaussian, levels: [0.1, 0.5]}\n", "gaussian 0.1 occurs twice"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, expected):
    assert expected in refused(tmp_path, text)


def test_a_missing_file_is_told_what_there_is(tmp_path):
    for name in ("nosuch", str(tmp_path / "nosuch.yaml"), str(tmp_path)):
        with pytest.raises(ConfigError, match=r"shipped suite \(.*robustness, .*\); got neither"):
            read_suite(name)


@pytest.mark.parametrize("name", shipped_suites())
def test_the_schema_accepts_every_shipped_suite(name):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(yaml.safe_load((shipped("suites") / f"{name}.yaml").read_text()), schema())


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"misspelt": 1},
        {"repeats": 0},
        {"corruptions": []},
        {"corruptions": [{"kind": "snow"}]},
        {"corruptions": [{"kind": "gaussian", "level": [0.1]}]},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**yaml.safe_load(GOOD), **change}, schema())


def test_a_misspelt_field_is_named_before_the_one_it_leaves_missing(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("kind: robustness\nname: mine\ncoruptions: []\n")
    with pytest.raises(ConfigError, match=r"coruptions: is no field.*Did you mean corruptions\?"):
        read_suite(str(path))
