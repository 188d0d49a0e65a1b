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
