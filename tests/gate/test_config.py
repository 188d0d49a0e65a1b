"""A gate's YAML is read strictly."""

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from acn_eval.errors import ConfigError
from acn_eval.gate import Gate, gate_schema, read_gate
from acn_eval.gate.config import is_gate, suite_names
from acn_eval.shipped import shipped
from acn_eval.studies.read import read_suite
from acn_eval.study.suite import shipped_suites

GOOD = "kind: gate\nname: mine\nmargins: {primary: 0.02}\n"


def test_the_shipped_gate():
    gate = read_gate("gate")
    assert (gate.suite, gate.alpha) == ("robustness", 0.05)
    assert (gate.margins.primary, gate.margins.clean, gate.margins.cell) == (0.03, 0.03, 0.1)
    assert suite_names(gate) == (read_suite(gate.suite).name, "robustness_text")
    content = yaml.safe_load((shipped("suites") / "gate.yaml").read_text())
    jsonschema.validate(content, gate_schema())


def test_a_gate_is_no_suite():
    assert "gate" not in shipped_suites()
    assert is_gate("gate")
    assert not is_gate("robustness")
    assert not is_gate("nosuch")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            GOOD.replace("primary", "primry"),
            "primry: is no field of a gate. Did you mean primary?",
        ),
        (GOOD.replace("0.02", "2"), "margins.primary must be a fraction of 1, at most 0.5"),
        (GOOD.replace("0.02", "0"), "margins.primary: Input should be greater than 0"),
        (GOOD.replace("0.02", "-0.02"), "margins.primary: Input should be greater than 0"),
        (GOOD.replace("kind: gate", "kind: robustness"), "must be a gate; it is a suite of kind"),
        (GOOD + "alpha: 0.5\n", "alpha: Input should be less than or equal to 0.2"),
        (GOOD + "metric: accuracies\n", "metric: must be one of accuracy, "),
        (GOOD + "floors: {clean: 95}\n", "floors.clean must be a fraction of 1"),
        ("kind: gate\nname: mine\n", "margins: Field required"),
        ("[1, 2", "must be YAML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, expected):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_gate(str(path))
    assert expected in str(caught.value)


def test_a_name_that_is_not_there():
    with pytest.raises(ConfigError, match=r"nosuch: must be the YAML file of a gate"):
        read_gate("nosuch")


def test_a_suite_lies_beside_its_gate(tmp_path):
    (tmp_path / "mine.yaml").write_text(GOOD + "suite: noise.yaml\n")
    (tmp_path / "noise.yaml").write_text("kind: robustness\nname: noise\n")
    gate = read_gate(str(tmp_path / "mine.yaml"))
    assert gate.suite == str(tmp_path / "noise.yaml")
    assert suite_names(gate) == ("noise",)


def test_it_is_its_yaml(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(read_gate("gate").model_dump(mode="json")))
    assert read_gate(str(tmp_path / "mine.yaml")) == read_gate("gate")
    assert isinstance(read_gate("gate"), Gate)


def test_the_examples_of_the_page_are_what_they_say():
    page = (Path(__file__).parents[2] / "docs" / "gate.md").read_text()
    gate, workflow, gitlab = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    assert Gate.model_validate(gate).margins.cells == {"gaussian 0.4": 0.05}
    action = yaml.safe_load((Path(__file__).parents[2] / "action.yml").read_text())
    assert set(workflow["jobs"]["gate"]["steps"][1]["with"]) <= set(action["inputs"])
    assert gitlab["gate"]["artifacts"]["reports"]["junit"] in gitlab["gate"]["script"]
