"""Finds results and comparisons in folders and runs, and attaches a report to a run."""

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from acn_eval.config_files import JSON_BYTES
from acn_eval.errors import ConfigError, DataError
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.statistics.comparison import FILE, comparison_key, load_comparison
from acn_eval.statistics.pairing import require_complete
from acn_eval.statistics.ranking import RANKING, Ranking, load_ranking, ranking_key
from acn_eval.stores.addresses import RUN, in_mlflow
from acn_eval.stores.artifacts import artifacts_of, require_own
from acn_eval.stores.store import TrackingStore, opened, resolve_store
from acn_eval.tracking.registry import download
from acn_eval.tracking.run_content import experiment_name

__all__ = ["OnDisk", "attach", "find", "stored"]

_Stored = EvalResult | Comparison | Ranking


@dataclass(frozen=True)
class OnDisk:
    """What evaluations left, each with its folder by its key: what `record` takes."""

    results: tuple[EvalResult, ...]
    comparisons: tuple[Comparison, ...]
    artifacts: dict[str, Path]
    rankings: tuple[Ranking, ...] = ()

    @staticmethod
    def of(found: Iterable[tuple[_Stored, Path]]) -> "OnDisk":
        """Return each of them once, in order."""
        known = {_key(what): (what, at) for what, at in found}
        held = [what for what, _ in known.values()]
        return OnDisk(
            results=tuple(what for what in held if isinstance(what, EvalResult)),
            comparisons=tuple(what for what in held if isinstance(what, Comparison)),
            artifacts={key: at for key, (_, at) in known.items()},
            rankings=tuple(what for what in held if isinstance(what, Ranking)),
        )

    def pairs(self) -> Iterator[tuple[_Stored, Path]]:
        """Yield each of them with its folder."""
        held: tuple[_Stored, ...] = (*self.results, *self.comparisons, *self.rankings)
        yield from ((what, self.artifacts[_key(what)]) for what in held)


def _key(what: _Stored) -> str:
    if isinstance(what, EvalResult):
        return what.key
    return ranking_key(what) if isinstance(what, Ranking) else comparison_key(what)


def find(folders: Sequence[Path]) -> OnDisk:
    """Read every result, comparison and ranking in the folders, and directly below them.

    A result that was stopped early is left out: MLflow's pages have no limits that hold for it.

    Raises:
        ConfigError: all of them were stopped early.
        DataError: there is none, or one of them is damaged.
    """
    return OnDisk.of(_read(folders))


def _read(folders: Sequence[Path], *, complete: bool = False) -> list[tuple[_Stored, Path]]:
    """Read all but results that were stopped early, or refuse those of the folders themselves."""
    found: list[tuple[_Stored, Path]] = []
    early: list[EvalResult] = []
    for at in _with(folders, "result.json"):
        result = EvalResult.load(at)
        if "stopped_early" not in result.details:
            found.append((result, at))
            continue
        early.append(result)
        if complete and at in folders:
            require_complete([result])
    found += [(load_comparison(at), at) for at in _with(folders, FILE)]
    found += [(load_ranking(at), at) for at in _with(folders, RANKING)]
    if not found:
        require_complete(early)
        msg = f"{', '.join(map(str, folders))}: must hold results; got none"
        raise DataError(f"{msg}. Name the folder to which acn-eval wrote its results.")
    return found


def _with(folders: Sequence[Path], name: str) -> Iterator[Path]:
    for folder in folders:
        for pattern in (name, f"*/{name}"):
            yield from (file.parent for file in sorted(folder.glob(pattern)))


@contextmanager
def stored(given: Sequence[str], tracking_uri: str | None) -> Iterator[OnDisk]:
    """Yield everything that folders or ``runs:/ID`` hold, in the order in which they are given.

    Raises:
        ConfigError: there is no such run, or a result was stopped early.
        DataError: there is no such folder, or its results are missing or damaged.
        TrackingError: the store does not answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            folders = (_folder(uri, tracking_uri, Path(folder)) for uri in given)
            parts = [_read([at], complete=True) for at in folders]
            yield OnDisk.of(pair for part in parts for pair in part)
        except (ConfigError, DataError) as exc:  # the user knows a run by its address
            message = str(exc).replace(f"{folder}/", "runs:/")
            raise type(exc)(message, *exc.arguments) from exc


def _folder(uri: str, tracking_uri: str | None, downloads: Path) -> Path:
    if in_mlflow(uri):
        return _fetch(resolve_store(tracking_uri, cwd=Path.cwd()), uri, downloads)
    folder = Path(uri)
    if not folder.is_dir():
        raise DataError(f"{uri}: must be a folder of results, or runs:/ID; there is none")
    return folder


def _fetch(store: TrackingStore, uri: str, downloads: Path) -> Path:
    """Download what a run recorded, and the arms of what it compares; return its folder."""
    found = re.fullmatch(RUN, uri)
    if not found:
        raise ConfigError(f"{uri}: must be runs:/ID of a run that acn-eval recorded")
    run, target = found["run"], downloads / found["run"]
    with opened(store, uri) as client:
        held = artifacts_of(client, store, uri)
        compared = held.sizes.keys() & {FILE, RANKING}
        if not compared:
            if not download(held, target):
                msg = f"{uri}: must be a run of acn-eval, with {FILE} or a result; it has neither"
                raise ConfigError(msg)
            return target
        target.mkdir(parents=True, exist_ok=True)
        held.fetch(dict.fromkeys(compared, JSON_BYTES), target)
        tags = client.get_run(run).data.tags
        for arms in ("candidate_runs", "baseline_runs", "runs"):
            for arm in filter(None, tags.get(f"acn_eval.{arms}", "").split(",")):
                download(artifacts_of(client, store, f"runs:/{arm}"), target / arm)
    return target


def attach(store: TrackingStore, suite: str, key: str, text: str, *, name: str) -> str:
    """Put a file among the artifacts of a run, and return the id of the run.

    Args:
        store: the store that holds the run.
        suite: the suite, which names the experiment.
        key: of the result or comparison that was recorded; its newest run is taken.
        text: content of the file.
        name: of the file.

    Raises:
        ConfigError: the result or comparison is not recorded.
        TrackingError: the store does not answer.
    """
    with opened(store, name) as client:
        experiment = client.get_experiment_by_name(experiment_name(suite))
        found = experiment and client.search_runs(
            [experiment.experiment_id],
            f"tags.`acn_eval.key` = '{key}'",
            max_results=1,
            order_by=["attributes.start_time DESC"],
        )
        if not found:
            msg = f"{name}: must belong to a run in {store.shown}; this result is not recorded."
            raise ConfigError(f"{msg} Record it with acn-eval upload.")
        run = str(found[0].info.run_id)
        require_own(found[0].info.artifact_uri, store)
        client.log_text(run, text, name)
    return run
