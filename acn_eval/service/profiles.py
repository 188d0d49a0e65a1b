"""What a profile must be before a service starts: one that can give a verdict."""

import os

from acn_eval.errors import AcnEvalError, ConfigError
from acn_eval.gate import read_gate
from acn_eval.service.access.sources import Sources
from acn_eval.service.settings import Profile, Settings
from acn_eval.stores import TrackingStore

__all__ = ["require_profiles"]


def require_profiles(settings: Settings, store: TrackingStore) -> None:
    """Read the gates of all profiles, and look for their baselines.

    Raises:
        ConfigError: a gate is none, a baseline can be none, or no version could pass.
    """
    sources = Sources.of(settings, store)
    for profile in settings.profiles:
        try:
            _require_gate(profile)
            _require_baseline(profile.baseline, sources)
        except AcnEvalError as exc:
            raise ConfigError(f"profile {profile.name}: {exc}", *exc.arguments) from exc


def _require_gate(profile: Profile) -> None:
    limit, fixed = profile.data.limit, read_gate(profile.gate).limit
    if limit not in (None, fixed):
        msg = f"data.limit: must be left out, since the gate fixes {fixed or 'all examples'}"
        raise ConfigError(f"{msg}; got {limit}. With another limit no version can pass.")


def _require_baseline(named: str, sources: Sources) -> None:
    if named == "previous" or named.startswith("@"):
        return
    place = sources.checkpoint(named)
    if ":" not in named and not any(map(os.path.exists, (place, place.rpartition("@")[0]))):
        msg = "baseline: must be @ALIAS, previous, models:/NAME/3, or a checkpoint that is there"
        hint = f" An alias is written '@{named}'." if named.isidentifier() else ""
        raise ConfigError(f"{msg}; got {named}.{hint}")
