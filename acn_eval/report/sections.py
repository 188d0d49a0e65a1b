"""The sections of a report, in the order in which a person asks: verdict, evidence, method."""

from collections.abc import Iterator

from acn_eval.charts.canvas import Drawing
from acn_eval.charts.kinds import forest
from acn_eval.figures import drawings
from acn_eval.gate.sentence import LABEL, legend
from acn_eval.gate.verdict import Verdict
from acn_eval.report import tables
from acn_eval.report.diagnostics import calibrated, confused
from acn_eval.report.inputs import Material
from acn_eval.report.method import method, not_measured, provenance
from acn_eval.report.page import Block, Page, Section, Text, listed
from acn_eval.statistics import Comparison, Estimate
from acn_eval.studies.compare import by_metric
from acn_eval.studies.table import analysis_of

__all__ = ["differences", "page_of"]

_MOST = 48  # rows of a chart that can be read
_SAMPLE = {
    "checkpoints": "the examples are the sample: this is about these files",
    "architectures": "seeds and examples are the sample: this is about the architectures",
    "draws": "draws and examples are the sample: this is about other draws of these sizes",
}


def page_of(material: Material, examples: tuple[Block, ...]) -> Page:
    """Return the page; `examples` are images that the networks saw, or why there are none."""
    found = [*_verdict(material), *_evidence(material)]
    if examples:
        found.append(Section("examples", "What the networks saw", examples))
    found += [
        Section("confusion", "Which classes are confused", confused(material)),
        Section("calibration", "Calibration", calibrated(material)),
        *_method(material),
    ]
    title = f"{' against '.join(material.labels)}: {material.suite}"
    return Page(title, tuple(section for section in found if section.blocks))


def _verdict(material: Material) -> Iterator[Section]:
    comparison = material.comparison
    if comparison is None:
        text = Text("There is no verdict, because there is no baseline.", "verdict")
        yield Section("verdict", "Verdict", (text,))
        return
    claim, rests_on = comparison.claim, tables.evidence_table(comparison)
    blocks: list[Block] = [
        Text(f"{claim.verdict.upper()}: {claim.sentence}", f"verdict {claim.verdict}"),
        Text(_reach(comparison)),
        *(Text(finding.caveat) for finding in comparison.findings if finding.caveat),
        *([rests_on] if rests_on.rows else []),
        tables.primary_table(comparison),
    ]
    if material.others:
        count = material.others
        others = "1 more comparison is" if count == 1 else f"{count} more comparisons are"
        blocks.append(Text(f"{others} stored beside this one.", "note"))
    yield Section("verdict", "Verdict", tuple(blocks))
    if material.verdict is not None:
        yield Section("gate", "Gate", _gate(material.verdict))


def _reach(comparison: Comparison) -> str:
    """Say what the sample is, and which difference is detectable."""
    sample = _SAMPLE["draws" if comparison.replicate == "draw" else comparison.unit]
    of = comparison.quantity
    units = "accuracies in %, differences in points." if of.scored else f"{of.head(of.name)}."
    return (
        f"{comparison.data}, n = {comparison.n:,} examples; {sample}. A difference of "
        f"{of.difference(comparison.primary.mde)[1:]} is reliably detectable (80 % power, MDE); "
        f"{units}"
    )


def _gate(verdict: Verdict) -> tuple[Block, ...]:
    tone = {"pass": "better", "fail": "worse"}.get(verdict.verdict, "depends")
    said = Text(f"{LABEL[verdict.verdict]}: {verdict.sentence}", f"verdict {tone}")
    if not verdict.rules:
        return (said,)
    return (said, tables.verdict_table(verdict), Text(legend(verdict), "note"))


def _evidence(material: Material) -> Iterator[Section]:
    yield Section("curves", "Curves", tuple(drawings(material.sides, material.comparison)))
    yield Section("differences", "Differences", differences(material))
    about = material.comparison
    findings = (tables.finding_table(about, about.findings),) if about and about.findings else ()
    yield Section("findings", "Findings", findings)
    yield listed("remarks", "What outputs tell apart", _remarks(material))
    yield Section("rows", "All conditions", _rows(material))


def _remarks(material: Material) -> Iterator[str]:
    for label, results in material.sides.items():
        if said := analysis_of(results[0].suite).remarks(label, results):
            yield said


def differences(material: Material) -> tuple[Block, ...]:
    """Return candidate - baseline with the simultaneous band, unless there are too many rows."""
    comparison = material.comparison
    if comparison is None:
        return ()
    rows, shown = comparison.rows, "all conditions"
    if len(rows) > _MOST:
        shown = f"all {len(rows)} conditions, of which those on clean examples are drawn"
        rows = tuple(r for r in rows if r.condition.get("corruption", "clean") == "clean")
    if not rows or len(rows) > _MOST:
        return ()
    lines = [(r.name, Estimate(r.difference.value, r.band_low, r.band_high)) for r in rows]
    primary = comparison.primary
    panel = forest([*lines, (primary.name, primary.difference)])
    left, right = material.labels
    caption = (
        f"{left} - {right} in points; lines are the simultaneous 95 % band over {shown}, "
        f"and the interval of the primary endpoint ({primary.name}, square)"
    )
    return (Drawing("differences", caption, (panel,)),)


def _rows(material: Material) -> tuple[Block, ...]:
    comparison = material.comparison
    if comparison is None:
        return (tables.accuracy_table(by_metric(material.candidates), material.labels[0]),)
    note = (
        "The band holds for all conditions together (Bonferroni); p is of each condition alone, "
        f"p (Holm) is adjusted over all {len(comparison.rows)}."
    )
    return Text(note, "note"), tables.comparison_table(comparison, comparison.rows)


def _method(material: Material) -> Iterator[Section]:
    results = material.results
    if material.comparison is not None:
        table = tables.manifest_table(material.comparison)
        yield Section("pair", "Fair pair", (table,))
    yield Section("method", "How it was tested", method(material))
    own = material.comparison.warnings if material.comparison else ()
    yield listed("warnings", "Read with care", (*own, *(w for r in results for w in r.warnings)))
    yield not_measured(results)
    yield Section("provenance", "Versions and digests", provenance(material))
