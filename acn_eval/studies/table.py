"""The only list of studies; the files of each are imported where they are first needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from acn_eval.errors import ConfigError
from acn_eval.plugins import installed, plugin

if TYPE_CHECKING:
    from click import Command

    from acn_eval.statistics.analysis import Analysis

__all__ = ["STUDIES", "Entry", "analysis_of", "studies", "study", "study_of"]


@dataclass(frozen=True)
class Entry:
    """One study: a package whose files have fixed names, and its line in the list of commands."""

    package: str
    help: str

    @property
    def suite(self) -> Any:
        """The config: a pydantic model, or a union of several (``suite.SUITE``)."""
        return self._file("suite").SUITE

    @property
    def analysis(self) -> "Analysis":
        """What its results mean (``analysis.ANALYSIS``)."""
        analysis: Analysis = self._file("analysis").ANALYSIS
        return analysis

    @property
    def run(self) -> ModuleType:
        """How it is measured."""
        return self._file("run")

    @property
    def tables(self) -> ModuleType:
        """What is printed: ``show`` and, for several groups of results, ``overview``."""
        return self._file("tables")

    @property
    def figure(self) -> ModuleType | None:
        """What is drawn instead of the charts of its details (``drawings``), if anything."""
        return self._file("figure") if find_spec(f"{self.package}.figure") else None

    @property
    def command(self) -> "Command":
        """What is typed (``command.command``)."""
        command: Command = self._file("command").command
        return command

    def _file(self, name: str) -> ModuleType:
        return import_module(f"{self.package}.{name}")


_HELP = {
    "robustness": "Accuracy under noise, paired with a baseline: is it more robust?",
    "compression": "Accuracy of every exit: how many layers does it need, and at what cost?",
    "pruning": "Accuracy over sparsity: which network is more robust to pruning?",
    "transfer": "Probes of every depth on other data: is the representation worth more?",
    "low_data": "Trainings on few examples: who learns more from little data?",
    "dynamics": "Exits and gradients while networks are trained: layer by layer, by itself?",
    "continual": "Tasks learned in turn: how much does it forget, and does a method help?",
}
STUDIES: Mapping[str, Entry] = {
    kind: Entry(f"acn_eval.studies.{kind}", text) for kind, text in _HELP.items()
}
"""Our own, by kind; `studies` adds those that are installed."""


def studies() -> dict[str, Entry]:
    """Return every study by kind: our own, then those of installed packages.

    The name of an entry point is the kind, its value the package, whose docstring is the help.
    """
    added = [kind for kind in installed("studies") if kind not in STUDIES]
    return {**STUDIES, **{kind: _installed(kind) for kind in added}}


def study(kind: str) -> Entry:
    """Return one study.

    Raises:
        ConfigError: there is none of this kind.
    """
    known = STUDIES if kind in STUDIES else studies()
    if kind not in known:
        raise ConfigError(f"suite: kind must be one of {', '.join(known)}; got {kind}")
    return known[kind]


def kind_of(suite: Mapping[str, Any]) -> str:
    """Return the kind of a suite, given its config as a result records it."""
    return str(suite.get("kind", "robustness"))


def study_of(suite: Mapping[str, Any]) -> Entry:
    """Return the study of a suite, given its config as a result records it."""
    return study(kind_of(suite))


def analysis_of(suite: Mapping[str, Any]) -> "Analysis":
    """Return what the results of a suite mean, given its config as a result records it."""
    return study_of(suite).analysis


def _installed(kind: str) -> Entry:
    package = plugin("studies", kind)
    return Entry(package.__name__, package.__doc__.splitlines()[0])
