"""What a service does: read strictly from one YAML, with defaults that serve one person."""

from os.path import isfile
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from acn_eval.config_files import Config, Name, Text, read_config
from acn_eval.service.requests import Data

__all__ = ["Profile", "Settings", "read_settings"]


class Profile(Config, frozen=True):
    """Which registered models are evaluated, how, and what a verdict does.

    Attributes:
        name: part of the key of every job: a profile of another name asks again.
        models: pattern of the names of registered models, as in ``"vit-*"``.
        gate: a shipped gate, or a YAML beside this one.
        baseline: ``"@champion"``, an alias of the same model; ``"previous"``, the version before;
            or the address of a checkpoint.
        anchor: a further baseline that a candidate must pass against before an alias moves.
        data: which examples.
        promote: the alias that moves to a version on PASS; None moves none.
        spend_alpha: whether the k-th version is judged at alpha / (k (k + 1)). Valid only for
            versions that are not built in view of earlier verdicts.
        priority: of its jobs.
    """

    name: Name
    models: Annotated[str, Field(min_length=1, max_length=200)] = "*"
    gate: Text = "gate"
    baseline: Annotated[str, Field(min_length=1, max_length=500)]
    anchor: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    data: Data = Data()
    promote: Name | None = None
    spend_alpha: bool = False
    priority: Annotated[int, Field(ge=-100, le=100)] = 0


class Settings(Config, frozen=True):
    """A service.

    Attributes:
        profiles: what is evaluated by itself.
        roots: folders in which files of checkpoints may lie; shipped ones may always be named.
        downloads: whether requests may name networks of public hubs, which are downloaded.
        suites: YAMLs of suites and gates that requests may name, beside the shipped ones.
        poll_seconds: between two looks at the registry.
        job_seconds: after which a job is stopped.
        queue: jobs that may wait at once.
        requests_per_minute: of one token or address.
        keep_days: how long finished jobs are kept that no version of a model is about.
        url: where people reach the service, for links; None takes the address that is served.
        hosts: names, beside those of this machine, under which browsers may ask.
    """

    kind: Literal["service"] = "service"
    profiles: Annotated[tuple[Profile, ...], Field(max_length=100)] = ()
    roots: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    downloads: bool = False
    suites: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    poll_seconds: Annotated[float, Field(ge=0.2, le=86400)] = 30.0
    job_seconds: Annotated[float, Field(ge=1, le=30 * 86400)] = 6 * 3600.0
    queue: Annotated[int, Field(ge=1, le=10**6)] = 20_000
    requests_per_minute: Annotated[int, Field(ge=1, le=10**6)] = 1200
    keep_days: Annotated[float, Field(gt=0, le=36500)] = 90.0
    url: Annotated[str, Field(pattern=r"^https?://[\w.:\-\[\]/]+$", max_length=200)] | None = None
    hosts: Annotated[tuple[Text, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [profile.name for profile in self.profiles]
        if len({*names}) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"profiles must have different names; {twice} is there twice")
        return self


def read_settings(path: Path) -> Settings:
    """Read the YAML of a service.

    Folders and YAMLs in it are relative to its own folder; so are gates and checkpoints that lie
    there, while other names are those of what is shipped.

    Raises:
        ConfigError: no such file, no YAML, or a field that must be something else.
    """
    settings: Settings = read_config(path, Settings, "a service")
    folder = path.absolute().parent
    return settings.model_copy(
        update={
            "profiles": tuple(_beside(folder, profile) for profile in settings.profiles),
            "roots": tuple(str(folder / root) for root in settings.roots),
            "suites": tuple(str(folder / suite) for suite in settings.suites),
        }
    )


def _beside(folder: Path, profile: Profile) -> Profile:
    named = {name: getattr(profile, name) for name in ("gate", "baseline", "anchor")}
    return profile.model_copy(
        update={
            name: str(folder / text)
            for name, text in named.items()
            if text and isfile(folder / text)
        }
    )
