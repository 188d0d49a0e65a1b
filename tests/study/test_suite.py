"""The files of suites: shipped by name, any other by path."""

import pytest

from acn_eval.errors import ConfigError
from acn_eval.shipped import shipped
from acn_eval.study.suite import Suite, shipped_suites, suite_file


def test_shipped_suites_are_all_yaml_files_but_the_gates():
    files = {path.stem: path.read_text() for path in shipped("suites").glob("*.yaml")}
    gates = {name for name, text in files.items() if "\nkind: gate\n" in f"\n{text}"}
    assert gates
    assert set(shipped_suites()) == set(files) - gates


def test_a_name_is_shipped_and_a_path_is_itself(tmp_path):
    assert suite_file("robustness") == shipped("suites") / "robustness.yaml"
    own = tmp_path / "robustness.yml"
    own.touch()
    assert suite_file(str(own)) == own


@pytest.mark.parametrize("name", ["robustnes", "nosuch.yaml", "gate"])
def test_what_is_neither_is_refused(name):
    with pytest.raises(ConfigError, match=r"must be a YAML file or a shipped suite"):
        suite_file(name)


@pytest.mark.parametrize("fields", [{"equivalence_margin": 0}, {"name": "a b"}, {"nam": "x"}])
def test_fields_are_checked(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        Suite.model_validate({"kind": "toy", "name": "toy", **fields})


def test_margins_of_other_metrics_are_known_and_in_their_unit():
    toy = {"kind": "toy", "name": "toy"}
    assert Suite.model_validate(toy).model_dump() == {
        **toy,
        "description": "",
        "equivalence_margin": None,  # suites of before are found by the same text
    }
    margins = {"matthews": 0.1, "f1": 0.02, "nll": 1.5}
    found = Suite.model_validate({**toy, "equivalence_margins": margins})
    assert found.model_dump()["equivalence_margins"] == margins
    for wrong, why in (
        ({"mathews": 0.1}, "metric: must be one of .* mean matthews"),
        ({"accuracy": 0.1}, "accuracy has a field of its own"),
        ({"f1": 2}, "f1 must be a fraction of 1; got 2"),
        ({"nll": 0}, "greater than 0"),
    ):
        with pytest.raises(ValueError, match=why):
            Suite.model_validate({**toy, "equivalence_margins": wrong})
