"""Executes evaluations and gates through the public workflow, in the process of a job alone."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from acn_eval import workflow
from acn_eval.engine.choice import EngineChoice
from acn_eval.errors import AcnEvalError, CheckpointError, MeasureError
from acn_eval.gate import Gate, Verdict, read_gate
from acn_eval.reach import confined
from acn_eval.results import EvalResult
from acn_eval.run_options import DataSelection, RunOptions
from acn_eval.service.access.sources import Sources
from acn_eval.service.asked import spent
from acn_eval.service.requests import Check, Data, Evaluate, Judge, parse_request
from acn_eval.statistics.comparison import save_comparison
from acn_eval.stores import TrackingStore, is_run, model_name
from acn_eval.stores.artifacts import Absent
from acn_eval.studies.compare import compare as paired
from acn_eval.tally import Progress
from acn_eval.tracking import Recorder, Registry
from acn_eval.tracking.record import import_mlflow

__all__ = ["Place", "Refused", "execute", "prepare"]

_NONE_YET = (
    "there is no baseline yet: no earlier version, or none with the alias that the profile "
    "names. Set that alias on the version to compare with, and this one is judged"
)


class Refused(CheckpointError):
    """The candidate itself cannot be measured, whatever it is compared with."""


@dataclass(frozen=True)
class Place:
    """Where a job reads and writes.

    Attributes:
        store: MLflow's.
        results: folder of the results, which all jobs share.
        folder: of this job alone; documents are left in it.
    """

    store: TrackingStore
    results: Path
    folder: Path

    def document(self, name: str, content: str) -> None:
        """Leave a document."""
        (self.folder / name).write_text(content, encoding="utf-8")


def prepare() -> None:
    """Import what takes seconds, before there is a job."""
    import_mlflow()
    for name in ("decide", "evaluate", "report", "resolve"):
        getattr(workflow, name)


def execute(job: Mapping[str, Any], progress: Progress) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Do an `Evaluate` or a `Judge`; return its result and the names of its documents.

    Doing it again measures nothing twice and changes nothing in MLflow.

    Args:
        job: the request, what it may name, the address of the store, the folder of results, the
            job's own, and the engine.
        progress: called with (work done, in all).

    Raises:
        Refused: the candidate cannot be read.
        MeasureError: files are not there, which a share that comes back may change.
        AcnEvalError: see `workflow.decide` and `workflow.run`.
        OSError: a folder cannot be written.
    """
    sources = Sources(**job["sources"])
    asked = _admitted(parse_request(job["request"]), sources)
    place = Place(TrackingStore(job["store"]), Path(job["results"]), Path(job["folder"]))
    if not isinstance(asked, Evaluate | Judge):
        raise TypeError(asked.kind)
    asked = _fixed(asked, Registry(place.store)) if isinstance(asked, Judge) else asked
    options = replace(_options(asked, place), engine=EngineChoice(**job["engine"]))
    with confined(sources), _absence_may_end():
        try:
            if isinstance(asked, Judge) and asked.baseline in {None, asked.candidate}:
                return _measure(asked, options, place, progress)
            if isinstance(asked, Judge):
                return _judge(asked, options, place, progress)
            return _evaluate(options, place, progress)
        except CheckpointError:
            _require_candidates(options)
            raise


def _admitted(asked: Check | Evaluate | Judge, sources: Sources) -> Check | Evaluate | Judge:
    """Return a request that names what it may, and say whether it is a candidate that may not."""
    try:
        for address in _candidates(asked):
            sources.checkpoint(address)
    except CheckpointError as exc:
        raise Refused(str(exc), *exc.arguments) from exc
    return sources.admitted(asked)


def _candidates(asked: Check | Evaluate | Judge) -> tuple[str, ...]:
    match asked:
        case Evaluate():
            return asked.candidates
        case Judge():
            return (asked.candidate,)
    return ()


def _options(asked: Evaluate | Judge, place: Place) -> RunOptions:
    common: dict[str, Any] = {
        "data": _selection(asked.data),
        "out": place.results,
        "tracking_uri": place.store.uri,
    }
    if isinstance(asked, Judge):
        baselines = () if asked.baseline is None else (asked.baseline,)
        return RunOptions((asked.candidate,), baselines, **common)
    return RunOptions(
        asked.candidates,
        asked.baselines,
        suite=asked.suite,
        seed=asked.seed,
        metric=asked.metric,
        **common,
    )


def _fixed(asked: Judge, registry: Registry) -> Judge:
    """Return the request about versions by their numbers, which no alias moves meanwhile."""
    named = {"candidate": asked.candidate, "baseline": asked.baseline, "anchor": asked.anchor}
    return asked.model_copy(
        update={
            name: registry.version(uri).address
            for name, uri in named.items()
            if uri and "@" in uri and model_name(uri)
        }
    )


def _selection(data: Data) -> DataSelection:
    return DataSelection(
        data=data.name,
        limit=data.limit,
        classes=data.classes,
        class_names=data.class_names,
        class_order=data.class_order,  # type: ignore[arg-type]  # `class_map` checks it
        restricted=data.restricted,
    )


def _require_candidates(options: RunOptions) -> None:
    """Say whether it is a candidate that cannot be read."""
    try:
        workflow.resolve(replace(options, baselines=()))
    except Absent:
        raise
    except CheckpointError as exc:
        raise Refused(str(exc), *exc.arguments) from exc


@contextmanager
def _absence_may_end() -> Iterator[None]:
    """Raise what is tried again, where files are absent."""
    try:
        yield
    except Absent as exc:
        raise MeasureError(str(exc), *exc.arguments) from exc


def _measure(
    asked: Judge, options: RunOptions, place: Place, progress: Progress
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Measure a candidate that nothing can be compared with, as its gate would."""
    gate = _gate(asked)
    alone = workflow.of_gate(replace(options, baselines=()), gate)
    result, documents = _evaluate(alone, place, progress)
    why = "it is itself the baseline" if asked.baseline else _NONE_YET
    said = {"verdict": "no_verdict", "sentence": f"No verdict: {why}. {result['sentence']}"}
    return result | said | {"gate": gate.name}, documents


def _judge(
    asked: Judge, options: RunOptions, place: Place, progress: Progress
) -> tuple[dict[str, Any], tuple[str, ...]]:
    gate = _gate(asked)
    decided = workflow.decide(gate, options, recorder=Recorder(place.store), progress=progress)
    if decided.failure is not None:
        raise decided.failure
    verdict = decided.verdict
    ours = EvalResult.load(decided.folders[verdict.candidate.key])
    place.document("verdict.json", json.dumps(verdict.to_dict(), indent=1))
    documents = ["verdict.json", *_report_of_gate(asked, decided, place)]
    result = {
        "verdict": verdict.verdict,
        "sentence": verdict.sentence,
        "gate": verdict.gate,
        "test_set": ours.data.fingerprint,
        "data": f"{ours.data.name} {ours.data.split}",
        "n": verdict.n,
        "alpha": verdict.alpha,
        "candidate": {"address": asked.candidate, **vars(verdict.candidate)},
        "baseline": {"address": asked.baseline, **vars(verdict.baseline)},
        "results": [*decided.folders],
        "runs": dict(decided.runs),
    }
    if asked.anchor and verdict.verdict == "pass":
        result["anchor"] = _against_anchor(asked.anchor, gate, options, progress)
    return result, tuple(documents)


def _gate(asked: Judge) -> Gate:
    """Return the gate; the k-th look of a profile that spends alpha has its share of it."""
    gate = read_gate(asked.gate)
    return gate.model_copy(update={"alpha": spent(gate.alpha, asked.look)})


def _against_anchor(
    anchor: str, gate: Gate, options: RunOptions, progress: Progress
) -> dict[str, Any]:
    """Judge the candidate once more; its run keeps the tags of the first verdict."""
    decided = workflow.decide(gate, replace(options, baselines=(anchor,)), progress=progress)
    if decided.failure is not None:
        raise decided.failure
    said = decided.verdict
    sides = {"address": anchor, **vars(said.baseline)}
    return {"verdict": said.verdict, "sentence": said.sentence, **sides}


def _report_of_gate(asked: Judge, decided: workflow.Decided, place: Place) -> tuple[str, ...]:
    """Write the page about a verdict, beside copies of nothing but this pair."""
    page = place.folder / "page"
    page.mkdir()
    verdict = decided.verdict
    (page / "verdict.json").write_text(json.dumps(verdict.to_dict()), encoding="utf-8")
    for key, folder in decided.folders.items():
        (page / key).symlink_to(folder, target_is_directory=True)
    if not verdict.identical:
        _put_comparison(asked, verdict, place.store, page)
    return _report(page, place)


def _put_comparison(asked: Judge, verdict: Verdict, store: TrackingStore, page: Path) -> None:
    ours, theirs = (page / side.key for side in (verdict.candidate, verdict.baseline))
    if not theirs.exists():
        _fetch(str(asked.baseline), store, theirs)
    with suppress(AcnEvalError):  # of different questions: the page is about the candidate
        save_comparison(paired([EvalResult.load(ours)], [EvalResult.load(theirs)]), page)


def _fetch(baseline: str, store: TrackingStore, folder: Path) -> None:
    """Download the stored result that stood for a baseline."""
    registry = Registry(store)
    uri = baseline if is_run(baseline) else f"runs:/{registry.version(baseline).run}"
    registry.result(uri, folder)


def _report(page: Path, place: Place) -> tuple[str, ...]:
    """Write the report about what lies in a folder, unless there is none to write."""
    with suppress(AcnEvalError):
        found = workflow.report([str(page)], tracking_uri=place.store.uri)
        place.document("report.html", found.html())
        return ("report.html",)
    return ()


def _evaluate(
    options: RunOptions, place: Place, progress: Progress
) -> tuple[dict[str, Any], tuple[str, ...]]:
    groups = workflow.evaluate(options, progress=progress)
    done = workflow.save(
        map(partial(workflow.compare, metric=options.metric), groups), options.out
    )
    recorded = workflow.record(done, options, Recorder(place.store))
    page = place.folder / "page"
    page.mkdir()
    for key, folder in done.folders.items():
        (page / key).symlink_to(folder, target_is_directory=True)
    return _result(done, recorded.runs), _report(page, place)


def _result(done: workflow.Done, runs: Mapping[str, str]) -> dict[str, Any]:
    results, data = done.results, done.results[0].data
    said = [c.answer for c in done.comparisons] + [r.answer for r in done.rankings]
    return {
        "sentence": " ".join(said) or f"Measured on {data.name}, n = {data.n:,}.",
        "test_set": data.fingerprint if said else None,
        "data": f"{data.name} {data.split}",
        "n": data.n,
        "suite": str(results[0].suite["name"]),
        "results": list(dict.fromkeys(r.key for r in results)),
        "runs": dict(runs),
    }
