"""What of a command's output is a number that must not change, whatever the layout of results.

Only this file knows the documents: where the layout changes, it changes, and the goldens stay.
Times and sentences are left out.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["differences", "of_document", "of_text", "shortened"]

Golden = dict[str, Any]
_TIMES = re.compile(r"(^|_)(ms|milliseconds|seconds|steady|runs|charts)(_|$)")
_TIMED = re.compile(r"about [\d,]+ s")


def of_document(document: Mapping[str, Any]) -> Golden:
    """Return name -> numbers of what ``--json`` writes, of any command."""
    return _keyed(_facts(document))


def of_text(text: str, pattern: str) -> Golden:
    """Return the numbers that match a pattern in what a command prints."""
    return {"numbers printed": sorted(set(re.findall(pattern, _TIMED.sub("", text))))}


def differences(golden: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return in words what is no longer as it was recorded; floats must be equal.

    Of what begins with ``numbers``, every one that was recorded must still be there.
    """
    changed = []
    for name in sorted({*golden, *found}):
        was, now = golden.get(name), found.get(name)
        if name.startswith("numbers") and was is not None and now is not None:
            was, now = sorted(set(map(repr, was)) - set(map(repr, now))), []
        if _canonical(was) != _canonical(now):
            changed.append(f"{name}: was {was}, is {now}")
    return changed


def shortened(golden: Mapping[str, Any]) -> Golden:
    """Return a golden with one digest for all accuracies of a network, and one for all rows."""
    short: Golden = {}
    many: dict[str, list[str]] = {}
    for name in sorted(golden):
        if name.startswith(("accuracy | ", "row | ")):
            whose = " | ".join(name.split(" | ")[:2])
            many.setdefault(whose, []).append(_canonical([name, golden[name]]))
        else:
            short[name] = golden[name]
    digests = {whose: hashlib.sha256("".join(own).encode()) for whose, own in many.items()}
    return short | {f"digest of {whose}": each.hexdigest()[:16] for whose, each in digests.items()}


def _keyed(facts: Iterable[tuple[str, Any]]) -> Golden:
    """Number what has one name."""
    seen: Counter[str] = Counter()
    golden: Golden = {}
    for name, value in facts:
        seen[name] += 1
        golden[name if seen[name] == 1 else f"{name} #{seen[name]}"] = value
    return golden


def _facts(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "rules" in document:
        yield from _gate(document)
    for side in document.get("accuracies", ()):
        for row in side["rows"]:
            name = f"accuracy | {side['checkpoint']} | {_canonical(row['condition'])}"
            yield name, [*_limits(row["estimate"]), row["n"], *row["notes"]]
    for result in document.get("results", ()):
        yield from _of_result(result)
    compared = [document.get("comparison"), *document.get("comparisons", ())]
    for comparison in filter(None, compared):
        yield from _comparison(comparison)
    if "interim" in document:
        found = document["interim"]
        yield "verdict", [found[k] for k in ("verdict", "shown", "total")]
        yield "numbers of the verdict", _numbers(found)
    if "ranking" in document:
        yield "numbers of the ranking", _numbers(document["ranking"])


def _of_result(result: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    name = result["checkpoint"]["name"]
    skips = sorted(_canonical(skip["condition"]) for skip in result["skipped"])
    if skips:
        yield f"skipped | {name}", skips
    yield f"cost | {name}", [result["checkpoint"]["parameters"], result["checkpoint"]["flops"]]
    yield f"noise | {name}", result["noise_digest"]
    yield f"numbers | {name}", _numbers(result["details"])


def _comparison(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    pair = f"{found['candidate']['label']} - {found['baseline']['label']}"
    yield f"sample | {pair}", [found["unit"], found["n"], found["replicate"]]
    for row in found["rows"]:
        yield f"row | {pair} | {_canonical(row['condition'])}", _row(row)
    yield f"primary | {pair}", _row(found["primary"])
    claim, equivalence = found["claim"], found["claim"]["equivalence"] or {}
    yield f"verdict | {pair}", claim["verdict"]
    yield f"evidence | {pair}", [_limits(each) for each in claim["evidence"].values()]
    yield f"equivalence | {pair}", [equivalence.get(k) for k in ("margin", "low", "high")]
    yield f"ratio | {pair}", _limits(found["ratio"])
    for finding in found["findings"]:
        if finding["unit"] not in {"ms", "s"}:
            sides = [_limits(finding[k]) for k in ("candidate", "baseline", "difference")]
            yield f"finding | {pair}", [*sides, finding["limits_90"]]


def _row(row: Mapping[str, Any]) -> list[Any]:
    """Return candidate, baseline, difference, band, p, adjusted p, MDE, discordance, n, ..."""
    sides = [_limits(row[k]) for k in ("candidate", "baseline", "difference")]
    plain = ("band_low", "band_high", "p", "p_holm", "mde", "discordance", "n", "p_sign_flip")
    return [*sides, *(row[k] for k in plain), _limits(row["same_images"]), *row["notes"]]


def _gate(verdict: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("verdict", "exit_code", "n", "total", "alpha", "early", "identical"):
        yield name, verdict[name]
    plain = ("bound", "n", "level", "upper_level", "p_pass", "p_fail", "mde", "images_needed")
    for rule in verdict["rules"]:
        numbers = {k: rule[k] for k in (*plain, "measure", "required", "verdict")}
        yield "rule", {"estimate": _limits(rule["estimate"]), **numbers}


def _numbers(value: Any) -> list[float]:
    """Return the distinct numbers below a value, but no times."""
    return sorted(set(_leaves(value)))


def _leaves(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            if not _TIMES.search(name):
                yield from _leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _limits(estimate: Mapping[str, float] | None) -> list[float] | None:
    return estimate and [estimate[k] for k in ("value", "low", "high")]


def _canonical(value: Any) -> str:
    """Return JSON, in which floats are as `repr` writes them: equal only to the last digit."""
    return json.dumps(value, sort_keys=True)
