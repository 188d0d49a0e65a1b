"""What a measuring command does between its options and its words."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from acn_eval import atomic
from acn_eval.checkpoints import Checkpoint, load, reframed
from acn_eval.config_files import read_config
from acn_eval.data import number_of, open_examples
from acn_eval.errors import AcnEvalError, ConfigError
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.figures import draw_missing
from acn_eval.inference import OutcomeCache, Runtime, default_store, resolve_device
from acn_eval.results import EvalResult
from acn_eval.shipped import shipped
from acn_eval.statistics import Comparison
from acn_eval.statistics.comparison_io import comparison_key, save_comparison
from acn_eval.studies.compare import compare, summarize
from acn_eval.studies.read import read_suite
from acn_eval.studies.table import study_of
from acn_eval.study.suite import Suite
from acn_eval.terminal.console import console
from acn_eval.terminal.progress import bar
from acn_eval.terminal.tables import end_point, show_notes, verdict
from acn_eval.tracking import Recorded, Recorder

__all__ = [
    "Done",
    "Group",
    "Sides",
    "finish",
    "finish_all",
    "run",
    "runtime_of",
    "selection_of",
    "sides_of",
]

_FRAMING = ("crop_pct", "crop_mode", "interpolation")
_Name = Annotated[str, Field(coerce_numbers_to_str=True)]  # of a class: YAML takes 3 for a number


@dataclass(frozen=True)
class Sides:
    """The checkpoints that are compared; without baselines they are measured alone."""

    candidates: list[Checkpoint]
    baselines: list[Checkpoint]


@dataclass(frozen=True)
class Group:
    """Results that belong together, and what came out of comparing them."""

    results: list[EvalResult]
    comparison: Comparison | None


@dataclass(frozen=True)
class Done:
    """What was measured, compared and kept; folders by the key of what they hold."""

    groups: list[Group]
    folders: Mapping[str, Path]

    @property
    def results(self) -> list[EvalResult]:
        """Of all groups."""
        return [result for group in self.groups for result in group.results]

    @property
    def comparisons(self) -> list[Comparison]:
        """Of all groups that have one."""
        return [group.comparison for group in self.groups if group.comparison is not None]


def run(
    options: Mapping[str, Any], recorder: Recorder | None, *changed: str, kind: str = "robustness"
) -> Done:
    """Load, evaluate, compare, keep, record, and say it.

    Args:
        options: of the command line.
        recorder: of the MLflow store; None records nothing.
        changed: options that, where given, replace the suite's field of that name.
        kind: of suite that the command is about.

    Raises:
        ConfigError: the suite is of another kind, among others.
    """
    suite = _suite(options, changed, kind)
    sides = sides_of(options)
    return finish(options, _measured(options, suite, sides), len(sides.candidates), recorder)


def finish(
    options: Mapping[str, Any],
    results: Sequence[EvalResult],
    candidates: int,
    recorder: Recorder | None,
) -> Done:
    """Compare, keep, record and say results, of which the first so many are candidates."""
    return finish_all(options, [(results, candidates)], recorder)


def finish_all(
    options: Mapping[str, Any],
    measured: Sequence[tuple[Sequence[EvalResult], int]],
    recorder: Recorder | None,
) -> Done:
    """Do the same for several groups, each with the number of its candidates."""
    done = _kept(measured, options["out"])
    recorded, failure = _recorded(done, recorder)
    _say(options, done, recorded)
    if failure is not None:
        raise failure
    return done


def _suite(options: Mapping[str, Any], changed: Sequence[str], kind: str) -> Suite:
    suite = read_suite(options["suite"], kind)
    given = {name: options[name] for name in changed if options[name] is not None}
    return suite.model_copy(update=given)


def sides_of(options: Mapping[str, Any]) -> Sides:
    """Load the checkpoints of both sides; the card names the baseline where none is given."""
    framing = {name: options[name] for name in _FRAMING if options.get(name) is not None}

    def loaded(uris: Iterable[str], arch: str | None = None) -> list[Checkpoint]:
        found = [load(uri, arch) for uri in uris]
        return [reframed(checkpoint, framing) for checkpoint in found] if framing else found

    candidates = loaded(_uris(options, "ckpt"), options["arch"])
    if options["no_baseline"]:
        return Sides(candidates, [])
    if options["baseline"]:
        return Sides(candidates, loaded(_uris(options, "baseline"), options["baseline_arch"]))
    pairs = [checkpoint.pair for checkpoint in candidates]
    return Sides(candidates, loaded(filter(None, pairs)) if all(pairs) else [])


def _uris(options: Mapping[str, Any], side: str) -> list[str]:
    """Split commas, and expand patterns here first and then among the shipped checkpoints."""
    given = [part for text in options[side] for part in text.split(",") if part.strip()]
    if not given:
        raise ConfigError(f"--{side}: must name a checkpoint; got {options[side][-1]!r}")
    found: list[str] = []
    for uri in given:
        if not has_magic(uri) or uri.startswith("timm:"):
            found.append(uri)
            continue
        matches = sorted(glob(uri)) or sorted(map(str, shipped("checkpoints").glob(uri)))
        if not matches:
            raise ConfigError(
                f"{uri}: must match a checkpoint here or among the shipped; none does"
            )
        found += matches
    return found


def _measured(options: Mapping[str, Any], suite: Suite, sides: Sides) -> list[EvalResult]:
    with bar("evaluating", "images") as progress:
        return evaluate(
            [*sides.candidates, *sides.baselines],
            suite,
            selection_of(options),
            seed=options["seed"],
            runtime=runtime_of(options),
            progress=progress,
        )


def runtime_of(options: Mapping[str, Any]) -> Runtime:
    """Return where and how networks run."""
    device = resolve_device(options["device"])
    return Runtime(device, options["batch_size"], options["precision"], _store(options))


def _store(options: Mapping[str, Any]) -> OutcomeCache:
    store = default_store()
    return replace(store, readable=False) if options["no_cache"] else store


def selection_of(options: Mapping[str, Any]) -> DataSelection:
    """Return which examples are shown."""
    return DataSelection(
        data=options["data"],
        root=options["data_root"],
        limit=options["limit"],
        classes=_classes(options),
        class_names=_class_names(options["class_map"]),
        class_order=options["class_order"],
        restricted=options["restrict"],
    )


def _class_names(file: Path | None) -> dict[str, str]:
    if file is None:
        return {}
    what = "a mapping of classes of the data to classes of the model"
    names: dict[str, str] = read_config(file, dict[str, _Name], what)
    return names


def _classes(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Read ``cat,dog`` or ``0-4,7`` (positions) into names of classes."""
    text = options["classes"]
    if not text:
        return ()
    if not options["data"]:
        raise ConfigError("--classes: needs --data, because it names classes of the data")
    names = open_examples(options["data"], "test", options["data_root"]).classes
    chosen = [name for part in text.split(",") for name in _named(part.strip(), names)]
    return tuple(dict.fromkeys(chosen))


def _named(part: str, names: Sequence[str]) -> Sequence[str]:
    low, dash, high = part.partition("-")
    first = number_of(low)
    last = number_of(high) if dash else first
    if part in names or first is None or last is None:
        return (part,)  # a name, or what `Examples.only` refuses
    if not first <= last < len(names):
        top = len(names) - 1
        raise ConfigError(f"--classes: must be names or positions 0-{top}; got {part}")
    chosen = names[first : last + 1]
    numbered = {number_of(name): i for i, name in enumerate(names)}
    if any(numbered.get(i, i) != i for i in range(first, last + 1)):
        what = "--classes: must be names where classes are called by numbers other than positions"
        raise ConfigError(f"{what}; got {part}, the positions of {', '.join(chosen[:5])}")
    return chosen


def _kept(measured: Sequence[tuple[Sequence[EvalResult], int]], out: Path) -> Done:
    folders: dict[str, Path] = {}
    groups = []
    for results, candidates in measured:
        comparison = None
        if results[candidates:]:
            comparison = compare(results[:candidates], results[candidates:])
        folders |= {result.key: result.save(out) for result in results}
        # What was saved before keeps its time of creation: recording it again changes nothing.
        groups.append(Group([EvalResult.load(folders[r.key]) for r in results], comparison))
        if comparison is not None:
            folders[comparison_key(comparison)] = save_comparison(comparison, out)
    done = Done(groups, folders)
    draw_missing(done.results, done.comparisons, folders)
    return done


def _recorded(
    done: Done, recorder: Recorder | None
) -> tuple[Recorded | None, AcnEvalError | None]:
    """Record, but say what was measured before a dead store is reported."""
    if recorder is None:
        return None, None
    try:
        return recorder.record(done.results, done.comparisons, artifacts=done.folders), None
    except AcnEvalError as failure:
        return None, failure


def _say(options: Mapping[str, Any], done: Done, recorded: Recorded | None) -> None:
    if options["json_file"]:
        _write_json(options["json_file"], done)
    if options["json_file"] == "-":
        return
    out = console()
    if options["quiet"]:
        alone = () if done.comparisons else done.results
        for line in (*map(verdict, done.comparisons), *map(end_point, alone)):
            out.print(line, soft_wrap=True)
        return
    _say_groups(options, done)
    if not done.comparisons and not options.get("no_baseline"):
        out.print("no baseline: the card names no twin; give one with --baseline", style="dim")
    show_notes(out, done.results, done.comparisons)
    _say_where(done, recorded)


def _say_groups(options: Mapping[str, Any], done: Done) -> None:
    out, tables = console(), study_of(done.results[0].suite).tables
    if len(done.groups) > 1:
        tables.overview(out, done.results, done.comparisons)
        return
    (group,) = done.groups
    if group.comparison is not None:
        _say_baseline(options, group.comparison)
    tables.show(out, group.results, group.comparison)


def _say_baseline(options: Mapping[str, Any], comparison: Comparison) -> None:
    if not options.get("baseline", True):
        text = f"baseline {comparison.baseline.label}: the twin that the card names"
        console().print(text, style="dim")


def _say_where(done: Done, recorded: Recorded | None) -> None:
    out = console()
    folder = next(iter(done.folders.values())).parent
    out.print(f"results: {folder}", style="dim")
    if recorded is not None:
        out.print(f"in MLflow: {recorded.store.shown}", style="dim")
        out.print("see the curves: acn-eval ui", style="dim")


def _write_json(file: str, done: Done) -> None:
    document = {
        "results": [result.facts() for result in done.results],
        "accuracies": [
            {
                "checkpoint": r.checkpoint.name,
                "rows": [vars(a) | {"estimate": vars(a.estimate)} for a in summarize([r])],
            }
            for r in done.results
        ],
        **_comparisons(done),
        "folders": {key: str(folder) for key, folder in done.folders.items()},
    }
    text = json.dumps(document, indent=1, default=str) + "\n"
    if file == "-":
        sys.stdout.write(text)
    else:
        atomic.write(Path(file), text)


def _comparisons(done: Done) -> dict[str, Any]:
    """One under its name; several in a list, in the order of their groups."""
    each = [comparison.to_dict() for comparison in done.comparisons]
    if len(done.groups) > 1:
        return {"comparisons": each}
    return {"comparison": each[0] if each else None}
