"""The dynamics suite as a YAML: networks that differ in their connectivity alone."""

import pytest
import yaml

from acn_eval.errors import ConfigError
from acn_eval.shipped import shipped
from acn_eval.studies.dynamics.plan import DynamicsPlan
from acn_eval.studies.dynamics.suite import name_of
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


def wired(tmp_path, *arms):
    fields = yaml.safe_load((shipped("suites") / "dynamics.yaml").read_text())
    fields["connectivities"] = list(arms)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(fields))
    return read_suite(str(tmp_path / "mine.yaml"))


def test_a_connectivity_may_be_named_with_its_skips(tmp_path):
    suite = wired(tmp_path, "acn", {"connectivity": "acn", "skips": "attention"}, "residual")
    found = [suite.recipe_of(arm).arch for arm in suite.connectivities]
    assert [arch.inner_skips for arch in found] == ["none", "attention", "none"]
    assert [name_of(arm) for arm in suite.connectivities] == ["acn", "acn_attention", "residual"]
    plan = DynamicsPlan(suite)
    names = [plan.identity(arm, plan.job(arm), "cpu") for arm in suite.connectivities]
    assert [own.uri for own in names] == ["recipe:acn", "recipe:acn_attention", "recipe:residual"]
    assert len({own.sha256 for own in names}) == 3


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        (["acm"], "'residual', 'acn', .*; got 'acm'"),
        ([{"connectivity": "acn", "skips": "all"}], "'none', 'attention', .*; got 'all'"),
        ([{"connectivity": "acn"}], "skips: Field required"),
        ([{"connectivity": "residual", "skips": "mlp"}], "skips must be none where the grain is"),
        (["acn", "ffn", "acn"], "must differ; got acn, ffn, acn"),
        ([7], "must be a mapping of names to values; got 7"),
    ],
    ids=str,
)
def test_what_is_no_network(tmp_path, arms, message):
    with pytest.raises(ConfigError, match=message):
        wired(tmp_path, *arms)


def test_two_names_of_one_network_are_refused(tmp_path):
    fields = yaml.safe_load((shipped("suites") / "dynamics.yaml").read_text())
    fields["recipe"]["arch"] |= {"kind": "official_mixer"}
    fields["connectivities"] = ["acn", "residual", "ffn"]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(fields))
    with pytest.raises(ConfigError, match="two of acn, residual, ffn are one in official_mixer"):
        read_suite(str(tmp_path / "mine.yaml"))
