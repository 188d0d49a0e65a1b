"""A service does not start with a profile that can never give a verdict."""

import pytest

from acn_eval.errors import ConfigError
from acn_eval.service.profiles import require_profiles
from acn_eval.service.settings import Profile, Settings
from acn_eval.stores import TrackingStore

STORE = TrackingStore("http://127.0.0.1:9")


def require(**fields):
    profile = Profile.model_validate({"name": "main", "baseline": "@champion", **fields})
    require_profiles(Settings(profiles=(profile,)), STORE)


@pytest.mark.parametrize(
    "baseline", ["@champion", "previous", "models:/vit/3", "models:/vit@old", "res_vit.pt"]
)
def test_a_baseline_is_an_alias_an_address_or_a_file(baseline):
    require(baseline=baseline)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"gate": "nosuch"}, "nosuch: must be the YAML file of a gate"),
        ({"gate": "robustness"}, "robustness: must be a gate; it is a suite of kind 'robustness'"),
        ({"baseline": "champion"}, "baseline: must be @ALIAS, .* An alias is written '@champion'"),
        ({"baseline": "gone.pt"}, "baseline: must be @ALIAS, .* got gone.pt.$"),
        ({"data": {"limit": 64}}, "data.limit: must be left out, since the gate fixes all exam"),
    ],
)
def test_what_can_give_no_verdict_is_one_line_about_its_profile(fields, said):
    with pytest.raises(ConfigError, match=f"^profile main: {said}"):
        require(**fields)
