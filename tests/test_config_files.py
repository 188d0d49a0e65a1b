"""YAML is read within limits: what it says is plain, or it is refused in one line."""

import os
import time

import jsonschema
import pytest
import yaml
from pydantic import TypeAdapter

from acn_eval.config_files import Config, cut, read_config, read_yaml
from acn_eval.errors import ConfigError
from acn_eval.gate import gate_schema, read_gate
from acn_eval.shipped import shipped
from acn_eval.studies.read import read_suite, schema
from acn_eval.training import Recipe, read_recipe

ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)
)
GATE = "kind: gate\nname: mine\nmargins: {primary: 0.01}\n"
SUITE = "kind: robustness\nname: mine\ncorruptions:\n  - {kind: gaussian, levels: [0.1]}\n"
PRUNING = "kind: pruning\nname: a\nsparsities: [0]\n"
DYNAMICS = (shipped("suites") / "dynamics.yaml").read_text()
CONTINUAL = (shipped("suites") / "split-digits.yaml").read_text()
RECIPE = (shipped("checkpoints") / "ac_vit.yaml").read_text()


def written(folder, text):
    path = folder / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(read, path):
    """The message of a refusal, which is one short line and comes at once."""
    start = time.process_time()
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert time.process_time() - start < 2
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 600 + len(str(path))
    return message.removeprefix(f"{path}: ")


def suite(path):
    return read_suite(str(path))


def gate(path):
    return read_gate(str(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ALIASES, "line 2: an alias must be written out"),
        ("kind: robustness\nname: &a mine\ndescription: *a\n", "an alias must be written out"),
        ("&a [*a]\n", "an alias must be written out"),
        ("[" * 2000, "nested at most 32 deep"),
        ("- " * 2000, "nested at most 32 deep"),
        ("{a: " * 2000, "nested at most 32 deep"),
        ("a:\n  - " * 3 + "!!int 3", "must be YAML"),
        ("name: !!timestamp 2024-13-45\n", "a tag must be left out"),
        ("name: !!binary aGVsbG8=\n", "a tag must be left out"),
        ("[" + "a, " * 11_000 + "]", "values must be at most 10,000"),
        ("# " + "x" * 300_000, "at most 262,144 bytes; got more"),
        ("kind: robustness\n" * 2, "line 2: kind must stand there once; it is there twice"),
        ("a: {b: 1, 'b': 2}", "b must stand there once"),
        ("? [a, b]\n: c\n", "a key must be text"),
        ("? {a: b}\n: c\n", "a key must be text"),
        ("a: 1\n---\na: 2\n", "expected a single document"),
        ('a: "\\UFFFFFFFF"\n', "must be YAML"),
        ("%YAML 1." + "9" * 5000 + "\n---\na: 1\n", "must be YAML"),
        (b"a: \xff\xfe\n", "must be YAML"),
        (b"a: b\x00c\n", "must be YAML"),
        (bytes(range(256)), "must be YAML"),
    ],
)
def test_what_passes_a_limit_is_refused_at_once(tmp_path, text, expected):
    path = written(tmp_path, text)
    for read in (lambda path: read_yaml(path, "a suite"), suite, read_recipe):
        assert expected in refused(read, path)


@pytest.mark.parametrize(
    "text",
    [
        "1:30:99",
        "2024-13-45",
        "2024-01-01",
        "0b_",
        "0x",
        "1_000",
        "on",
        "yes",
        "=",
        "<<",
        "1:" * 300 + "1",
    ],
)
def test_what_looks_like_text_is_text(tmp_path, text):
    assert read_yaml(written(tmp_path, f"[{text!s}, {{{text}: 1}}]"), "a list") == [
        text,
        {text: 1},
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("-3", -3),
        ("1e-3", 0.001),
        ("1.0e-05", 1e-5),
        (".5", 0.5),
        ("-.inf", -float("inf")),
        ("~", None),
        ("null", None),
        ("True", True),
        ("'1'", "1"),
    ],
)
def test_what_looks_like_a_number_is_one(tmp_path, text, value):
    assert read_yaml(written(tmp_path, f"[{text}]"), "a list") == [value]


def test_a_byte_order_mark_and_utf_16_are_fine(tmp_path):
    for encoding in ("utf-8-sig", "utf-16"):
        assert read_yaml(written(tmp_path, "a: ä".encode(encoding)), "text") == {"a": "ä"}


def test_what_safe_dump_writes_is_read_as_it_was(tmp_path):
    told = {"a": [1, 1.5, 1e-5, 1e30, None, True, "yes", "1", "0x1", "2024-01-01", "", "a: b"]}
    assert read_yaml(written(tmp_path, yaml.safe_dump(told)), "anything") == told


def test_a_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / "mine.yaml"
    os.mkfifo(path)
    assert "a file" in refused(read_recipe, path)


def test_a_second_margin_does_not_replace_the_first(tmp_path):
    path = written(tmp_path, GATE.replace("0.01}", "0.01, primary: 0.5}"))
    assert "primary must stand there once" in refused(gate, path)


@pytest.mark.parametrize(
    "name", ["x" * 5000 + ".yaml", "x" * 5000, "a\0b.yaml", "\0", "/".join("x" * 3000)]
)
def test_a_name_that_no_file_can_have_is_refused(name):
    with pytest.raises(ConfigError):
        read_suite(name)
    with pytest.raises(ConfigError):
        read_gate(name)


@pytest.mark.parametrize(
    ("read", "text", "field"),
    [
        (suite, SUITE.replace("[0.1]", "[.nan]"), "levels"),
        (suite, SUITE.replace("[0.1]", "[.inf]"), "levels"),
        (suite, SUITE.replace("[0.1]", "[1e300]"), "levels"),
        (suite, SUITE.replace("[0.1]", str([i / 1000 for i in range(1, 500)])), "levels"),
        (suite, SUITE + "image_size: 1000000000\n", "image_size"),
        (suite, SUITE.replace("mine", "x" * 5000), "name"),
        (suite, SUITE + f"description: {'x' * 5000}\n", "description"),
        (suite, DYNAMICS.replace("looks: 10", "looks: 1000000000"), "looks"),
        (suite, DYNAMICS.replace("steps: 200", f"steps: {10**12}"), "steps"),
        (suite, DYNAMICS.replace("steps: 200", f"steps: 200\n  looks: {10**9}"), "looks"),
        (suite, DYNAMICS.replace("steps: 200", f"seed: {2**63}"), "seed"),
        (suite, DYNAMICS.replace("learning_rate: 0.005", "learning_rate: .inf"), "learning_rate"),
        (suite, DYNAMICS.replace("learning_rate: 0.005", "clip: .nan"), "clip"),
        (suite, DYNAMICS.replace("depth: 8", f"depth: {10**9}"), "depth"),
        (suite, DYNAMICS.replace("width: 32", f"width: {10**30}"), "width"),
        (suite, CONTINUAL.replace("epochs: 6", "epochs: .inf"), "epochs"),
        (suite, CONTINUAL.replace("c: 1", "c: .inf"), "c"),
        (suite, CONTINUAL.replace("depths: [4]", f"depths: [{10**9}]"), "depths"),
        (suite, CONTINUAL + f"first_seed: {10**30}\n", "first_seed"),
        (suite, "kind: compression\nname: a\nnoise: robustness\nseconds: .inf\n", "seconds"),
        (
            suite,
            PRUNING + "methods: [{kind: movement, epochs: 1000000000}]",
            "epochs",
        ),
        (
            suite,
            PRUNING + "methods: [{kind: gradual, steps: 1e30}]",
            "steps",
        ),
        (gate, GATE.replace("0.01", ".nan"), "primary"),
        (gate, GATE + "alpha: .nan\n", "alpha"),
        (gate, GATE + "floors: {clean: .nan}\n", "floors"),
        (read_recipe, RECIPE + "exit_loss: {0: .inf}\n", "exit_loss"),
        (read_recipe, RECIPE.replace("{crop_padding: 1, cutmix: 0.5}", "null"), "augment: must"),
        (read_recipe, RECIPE.replace("seed: 0", f"seed: {2**64}"), "seed: Input"),
    ],
)
def test_absurd_numbers_are_refused(tmp_path, read, text, field):
    assert field in refused(read, written(tmp_path, text))


def test_the_schema_knows_the_bounds():
    for told, wrong in (
        (schema(), {**yaml.safe_load(DYNAMICS), "looks": 10**9}),
        (schema(), {**yaml.safe_load(SUITE), "repeats": 10**9}),
        (gate_schema(), {**yaml.safe_load(GATE), "description": "x" * 5000}),
        (TypeAdapter(Recipe).json_schema(), {**yaml.safe_load(RECIPE), "seed": 2**64}),
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, told)


def leaves(node, place=""):
    """(place, schema) of every number, list and text without stated choices in a schema."""
    if isinstance(node, dict):
        if node.get("type") in ("integer", "number", "array", "string"):
            yield place, node
        for key, inner in node.items():
            yield from leaves(inner, f"{place}/{key}")
    elif isinstance(node, list):
        for i, inner in enumerate(node):
            yield from leaves(inner, f"{place}/{i}")


BOUND = {
    "integer": {"maximum", "exclusiveMaximum", "enum"},
    "number": {"maximum", "exclusiveMaximum"},
    "array": {"maxItems"},
    "string": {"maxLength", "enum", "const"},
}


@pytest.mark.parametrize(
    "told",
    [schema(), gate_schema(), TypeAdapter(Recipe).json_schema()],
    ids=["suite", "gate", "recipe"],
)
def test_every_field_has_an_upper_bound(told):
    """So that a new one cannot be forgotten; `recipe` of a side is a path or a recipe."""
    free = [
        place
        for place, node in leaves(told)
        if not BOUND[node["type"]] & node.keys() and not place.startswith("/description")
    ]
    assert free == []


def test_every_config_refuses_numbers_that_are_none():
    def below(cls):
        return {cls}.union(*map(below, cls.__subclasses__()))

    assert len(below(Config)) > 30
    for config in below(Config):
        assert config.model_config["allow_inf_nan"] is False
        assert config.model_config["extra"] == "forbid"
        assert config.model_config["frozen"] is True


def test_a_value_is_cut_while_it_is_shown():
    huge = ["x" * 1000]
    for _ in range(40):
        huge = [huge, huge]
    for value in (huge, "x" * 10**7, {i: huge for i in range(1000)}, 10**4000):
        assert len(cut(value)) <= 80


def test_a_mapping_of_classes_keeps_what_is_written(tmp_path):
    path = written(tmp_path, "01: 'no'\nno: cat\non: '007'\n")
    read = read_config(path, dict[str, str], "a mapping")
    assert read == {"01": "no", "no": "cat", "on": "007"}


def test_an_old_name_of_a_field_is_read_with_a_warning(tmp_path):
    new = read_suite(str(written(tmp_path, CONTINUAL + "optimizer: kept\n")))
    with pytest.warns(FutureWarning, match="^optimiser: this field is now called optimizer;"):
        old = read_suite(str(written(tmp_path, CONTINUAL + "optimiser: kept\n")))
    assert old == new


def test_both_names_of_a_field_are_refused(tmp_path):
    both = CONTINUAL + "optimizer: kept\noptimiser: reset\n"
    with pytest.raises(
        ConfigError, match=r"optimiser: is no field of a suite\. Did you mean opti"
    ):
        read_suite(str(written(tmp_path, both)))
