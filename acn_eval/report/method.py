"""How the comparison was tested, and everything that a repetition needs to know."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import yaml

from acn_eval.report import tables
from acn_eval.report.inputs import Material, Standing
from acn_eval.report.page import Block, Facts, Items, Section, Source, Text, listed
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.statistics.multiplicity import band_confidence
from acn_eval.statistics.soundness import plain
from acn_eval.studies.table import analysis_of

__all__ = ["measured", "method", "not_measured", "provenance"]

_UNIT = {
    "checkpoints": (
        "Unit: the example. Outcomes of both sides are joined by condition and example id and "
        "averaged within the example; the files are taken as given. Intervals and p values invert "
        "one score test under the constrained non-parametric likelihood, which is Tango's "
        "interval for outcomes of 0 and 1 and does not collapse when few examples differ."
    ),
    "architectures": (
        "Unit: {replicate}s crossed with examples, both a sample. The variance has parts of each, "
        "and the degrees of freedom are Satterthwaite's, the distribution is Student's t; "
        "{replicate}s are analyzed {pairing}."
    ),
}


def method(material: Material) -> tuple[Block, ...]:
    """Return unit, test, corrections, noise, precision and its certificate."""
    tested = _tests(material.comparison) if material.comparison else ()
    return (Items((*tested, *(measured(material.results) if material.results else ()))),)


def _tests(comparison: Comparison) -> Iterator[str]:
    pairing = "as pairs" if comparison.paired_seeds else "as independent samples (Welch)"
    yield _UNIT[comparison.unit].format(replicate=comparison.replicate, pairing=pairing)
    count = len(comparison.rows)
    yield (
        f"Conditions: p values are adjusted over {count} (Holm); each limit of the band is at "
        f"{100 * band_confidence(count):.3g} %, so that all hold together at 95 % (Bonferroni)."
    )
    yield (
        f"Primary endpoint: {comparison.primary.name}, tested once, at 95 %. MDE: the smallest "
        "difference that is detected with 80 % power, two-sided at 5 %."
    )


def measured(results: Sequence[EvalResult]) -> Iterator[str]:
    """Yield the noise and the precision, with its certificate."""
    first, digests = results[0], dict.fromkeys(r.noise_digest or "none" for r in results)
    saw = "every network saw the same noise on the same examples"
    if len(digests) > 1:
        saw = "the networks read images unalike, so the same noise fell on other pixels"
    yield (
        f"Noise: version {first.noise_version}, seed {first.seed}, digest of the first corrupted "
        f"examples {', '.join(digests)}; {saw}."
    )
    flips = [
        sum(r.certificate.get(f"{k}_flips", 0) for r in results) for k in ("precision", "batch")
    ]
    n = sum(r.certificate.get("n", 0) for r in results)
    changed = f"{flips[0]} change against fp32 and {flips[1]} with the batch size"
    certificate = f" Certificate: of {n:,} predictions {changed}." if n else ""
    yield (
        f"Precision: {', '.join(sorted({r.precision for r in results}))} on "
        f"{', '.join(sorted({r.device for r in results}))}.{certificate}"
    )


def not_measured(results: Sequence[EvalResult]) -> Section:
    """Return what was skipped, and why."""
    skips = (
        f"{r.checkpoint.name}, {analysis_of(r.suite).label(skip.condition)}: {skip.reason}"
        for r in results
        for skip in r.skipped
    )
    return listed("skipped", "Not measured", skips)


def provenance(material: Material | Standing) -> tuple[Block, ...]:
    """Return files, digests, versions, architectures and the suite."""
    if not material.results:
        return (Text("The results of this comparison are not stored beside it.", "note"),)
    first = material.results[0]
    files = [(label, r) for label, results in material.sides.items() for r in results]
    return (
        tables.file_table(files),
        Facts(_facts(material)),
        Source("The suite, as YAML", _yaml(first.suite)),
        *(
            Source(
                f"Architecture and training of {r.checkpoint.name}",
                _yaml({"arch": r.checkpoint.arch, "training": r.checkpoint.training}),
            )
            for _, r in files
        ),
    )


def _facts(material: Material | Standing) -> dict[str, str]:
    first = material.results[0]
    classes = len(first.data.classes)
    versions = (", ".join(f"{k} {v}" for k, v in r.versions.items()) for r in material.results)
    return {
        "data": f"{first.data.name} {first.data.split}, {first.data.n:,} examples, "
        f"{f'{classes} classes' if classes > 1 else 'with numbers'}",
        "measured": " / ".join(sorted({_date(r.created_ms) for r in material.results})),
        "data fingerprint": first.data.fingerprint,
        "noise digest": first.noise_digest or "none",
        "noise version": str(first.noise_version),
        "noise seed": str(first.seed),
        material.what: material.key,
        "schema": str(first.schema),
        "versions": " / ".join(dict.fromkeys(versions)),
    }


def _date(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _yaml(facts: object) -> str:
    return str(yaml.safe_dump(plain({"": facts})[""], sort_keys=False, allow_unicode=True))
