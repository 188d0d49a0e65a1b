"""The dynamics suite as a YAML: networks that differ in their connectivity alone."""

import yaml

from acn_eval.shipped import shipped
from acn_eval.studies.read import read_suite


def test_the_official_residual_twin_gets_its_skips(tmp_path):
    fields = yaml.safe_load((shipped("suites") / "dynamics.yaml").read_text())
    fields["recipe"]["arch"] |= {"kind": "official_mixer"}
    fields["connectivities"] = ["acn", "ffn"]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(fields))
    suite = read_suite(str(tmp_path / "mine.yaml"))
    found = [suite.recipe_of(c).arch for c in suite.connectivities]
    assert [(arch.connectivity, arch.skips) for arch in found] == [
        ("acn", "none"),
        ("ffn", "both"),
    ]
