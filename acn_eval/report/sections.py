"""The sections of a report, in the order in which a person asks: verdict, evidence, method."""

from collections.abc import Iterator

from acn_eval.figures import drawings
from acn_eval.gate.sentence import LABEL, legend
from acn_eval.report import tables
from acn_eval.report.diagnostics import calibrated, confused
from acn_eval.report.figures import differences
from acn_eval.report.inputs import Material
from acn_eval.report.method import method, provenance
from acn_eval.report.page import Block, Items, Page, Section, Text
from acn_eval.statistics import Comparison
from acn_eval.studies.compare import summarize
from acn_eval.studies.table import analysis_of

__all__ = ["page_of"]

_SAMPLE = {
    "checkpoints": "the examples are the sample: this is about these files",
    "architectures": "seeds and examples are the sample: this is about the architectures",
    "draws": "draws and examples are the sample: this is about other draws of these sizes",
}


def page_of(material: Material, examples: tuple[Block, ...]) -> Page:
    """Return the page.

    Args:
        material: what it is about.
        examples: images of what the networks saw, or why there are none.
    """
    found = [*_verdict(material), *_evidence(material)]
    if examples:
        found.append(Section("examples", "What the networks saw", examples))
    found += [*_outcomes(material), *_method(material)]
    return Page(_title(material), tuple(section for section in found if section.blocks))


def _title(material: Material) -> str:
    return f"{' against '.join(material.labels)}: {material.suite}"


def _verdict(material: Material) -> Iterator[Section]:
    comparison = material.comparison
    if comparison is None:
        yield Section(
            "verdict", "Verdict", (Text("No verdict: there is no baseline.", "verdict"),)
        )
        return
    claim, rests_on = comparison.claim, tables.evidence_table(comparison)
    blocks: list[Block] = [
        Text(f"{claim.verdict.upper()}: {claim.sentence}", f"verdict {claim.verdict}"),
        Text(_reach(comparison)),
        tables.primary_table(comparison),
    ]
    if rests_on.rows:
        blocks.append(rests_on)
    if material.others:
        others = f"{material.others} further comparisons are stored beside this one."
        blocks.append(Text(others, "note"))
    yield Section("verdict", "Verdict", tuple(blocks))
    if material.verdict is not None:
        yield Section("gate", "Gate", _gate(material))


def _reach(comparison: Comparison) -> str:
    """What could have been seen, and of what."""
    sample = _SAMPLE["draws" if comparison.replicate == "draw" else comparison.unit]
    of = comparison.quantity
    units = "accuracies in %, differences in points." if of.scored else f"{of.head(of.name)}."
    return (
        f"{comparison.data}, n = {comparison.n:,} examples; {sample}. A difference of "
        f"{of.difference(comparison.primary.mde)[1:]} is reliably detectable (80 % power, MDE); "
        f"{units}"
    )


def _gate(material: Material) -> tuple[Block, ...]:
    verdict = material.verdict
    assert verdict is not None
    tone = {"pass": "better", "fail": "worse"}.get(verdict.verdict, "depends")
    said = Text(f"{LABEL[verdict.verdict]}: {verdict.sentence}", f"verdict {tone}")
    if not verdict.rules:
        return (said,)
    return (said, tables.verdict_table(verdict), Text(legend(verdict), "note"))


def _evidence(material: Material) -> Iterator[Section]:
    yield Section("curves", "Curves", tuple(drawings(material.sides, material.comparison)))
    yield Section("differences", "Differences", differences(material))
    yield Section("findings", "Findings", _findings(material.comparison))
    yield Section("rows", "All conditions", _rows(material))


def _findings(comparison: Comparison | None) -> tuple[Block, ...]:
    if comparison is None or not comparison.findings:
        return ()
    return (tables.finding_table(comparison, comparison.findings),)


def _rows(material: Material) -> tuple[Block, ...]:
    comparison = material.comparison
    if comparison is None:
        return (tables.accuracy_table(summarize(material.candidates), material.labels[0]),)
    note = (
        "The band holds for all conditions together (Bonferroni); p is of each condition alone, "
        f"p (Holm) is adjusted over all {len(comparison.rows)}."
    )
    return Text(note, "note"), tables.comparison_table(comparison, comparison.rows)


def _outcomes(material: Material) -> Iterator[Section]:
    yield Section("confusion", "Which classes are confused", confused(material))
    yield Section("calibration", "Calibration", calibrated(material))


def _method(material: Material) -> Iterator[Section]:
    if material.comparison is not None:
        table = tables.manifest_table(material.comparison)
        yield Section("pair", "Fair pair", (table,))
    yield Section("method", "How it was tested", method(material))
    warnings = _warnings(material)
    yield Section("warnings", "Read with care", (Items(warnings),) if warnings else ())
    skips = _skips(material)
    yield Section("skipped", "Not measured", (Items(skips),) if skips else ())
    yield Section("provenance", "Versions and digests", provenance(material))


def _warnings(material: Material) -> tuple[str, ...]:
    own = material.comparison.warnings if material.comparison else ()
    return tuple(dict.fromkeys((*own, *(w for r in material.results for w in r.warnings))))


def _skips(material: Material) -> tuple[str, ...]:
    found = (
        f"{r.checkpoint.name}, {analysis_of(r.suite).label(skip.condition)}: {skip.reason}"
        for r in material.results
        for skip in r.skipped
    )
    return tuple(dict.fromkeys(found))
