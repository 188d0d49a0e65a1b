"""docs/recipe.md has every field of a recipe, with its values and default in the code."""

import json
import re
from pathlib import Path

import pytest
import yaml

from acn_eval.cli.main import main
from acn_eval.training import Recipe
from acn_eval.training.recipe import read_recipe

PAGE = (Path(__file__).parents[1] / "docs/recipe.md").read_text()
SCHEMA = Recipe.model_json_schema()
DEFINED = SCHEMA["$defs"]
KINDS = ("ViTConfig", "MixerConfig", "OfficialMixerConfig", "OfficialViTConfig", "BertConfig")
FIELDS = {
    "The training": [SCHEMA],
    "Augmentation": [DEFINED["Augment"]],
    "The network": [DEFINED[kind] for kind in KINDS],
    "Vocabulary": [DEFINED["VocabularyFile"]],
}
WORDS = {  # what a default of null or of an empty value is called
    **dict.fromkeys(("pair", "start_from", "paired_seeds", "certificate", "file"), "none"),
    **dict.fromkeys(("augment", "branches"), "none"),
    "classes": "all",
    "schedule": "a half cosine",
    "vocabulary": "the words of the train split",
    "grain": "that of the connectivity",
    "skips": "those of the connectivity",
    "arch": "none, it must be given",
    "kind": "none, it must be given",
    "final_norm": "`true` with `norm: pre`",
}


def rows(title):
    """(field, values, default) of the table of a section."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| .+ \|$", section, re.MULTILINE)


def values(field):
    """The values of a field in the words of the page, from its JSON Schema."""
    options = [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]
    (first, *others) = options
    if "const" in first or "enum" in first:
        found = first.get("enum", [first.get("const")])
        named = ", ".join(f"`{v}`" if isinstance(v, str) else str(v) for v in found)
        return named + (", or weights by exit" if others else "")
    if first.get("type") == "boolean":
        return "`true`, `false`" + (", or text" if others else "")
    if first.get("type") in {"integer", "number"}:
        return numbers(first)
    if first.get("type") == "array":
        return "a list of exits" if first["items"]["type"] == "integer" else "a list of names"
    return "text" if first.get("type") == "string" else "a mapping"


def numbers(field):
    if field.get("minimum") == -(2**63):
        return "a whole number of 64 bits"
    low, high = field.get("exclusiveMinimum"), f"to {field['maximum']:,.0f}"
    if low is None:
        return f"{field['minimum']} {high}"
    return f"{low + 1} {high}" if field["type"] == "integer" else f"above {low}, {high}"


def default(name, field):
    found = field.get("default")
    if found is None or name in {"arch", "augment", "branches", "kind", "final_norm"}:
        return WORDS[name]
    quoted = isinstance(found, str | bool)
    return f"`{found if isinstance(found, str) else json.dumps(found)}`" if quoted else str(found)


@pytest.mark.parametrize("title", FIELDS)
def test_every_field_stands_there_once_and_no_other(title):
    known = {name for schema in FIELDS[title] for name in schema["properties"]}
    names = [name for name, *_ in rows(title)]
    assert sorted(names) == sorted(known)


@pytest.mark.parametrize("title", FIELDS)
def test_values_and_defaults_are_those_of_the_code(title):
    for name, said, stated in rows(title):
        fields = [s["properties"][name] for s in FIELDS[title] if name in s["properties"]]
        if name == "kind":
            assert said == ", ".join(f"`{field['const']}`" for field in fields_in(said, fields))
        else:
            assert said == values(fields[0]), name
        first, *others = stated.split("; ")
        assert first == default(name, fields[0]), name
        own = {default(name, field) for field in fields[1:]} - {first}
        assert own == {other.split()[-1] for other in others}, name


def fields_in(said, fields):
    """The fields in the order of the page, all of them once."""
    order = [said.index(f"`{field['const']}`") for field in fields]
    return [field for _, field in sorted(zip(order, fields, strict=True), key=lambda p: p[0])]


def test_the_schema_takes_the_shipped_recipes_and_refuses_others(capsys):
    import jsonschema

    with pytest.raises(SystemExit):
        main(["schema", "--recipe"])
    schema = json.loads(capsys.readouterr().out)
    shipped = sorted((Path(__file__).parents[1] / "checkpoints").rglob("*.yaml"))
    assert len(shipped) > 20
    for path in shipped:
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)
        read_recipe(path)
    for wrong in ({"steps": 0}, {"stepz": 1}, {"arch": {"kind": "cnn"}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**yaml.safe_load(shipped[0].read_text()), **wrong}, schema)
