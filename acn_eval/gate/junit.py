"""The verdict as JUnit XML: one test case per rule, for the test reports of CI servers."""

from collections.abc import Iterator
from xml.etree import ElementTree

from acn_eval.foreign_text import plain
from acn_eval.gate.sentence import LABEL, line, status
from acn_eval.gate.verdict import GateRule, Verdict

__all__ = ["junit"]

_OUTCOMES = {"fail": "failure", "no verdict": "skipped", "not measured": "error"}


def junit(verdict: Verdict) -> str:
    """Return XML: a regression is a failure, no verdict is skipped, not measured is an error.

    Limits and n are properties of the suite, because strict readers (Jenkins' xUnit schema) allow
    none inside a test case; each test case repeats them in words.
    """
    # A gate whose question was not answered at all is one case.
    unanswered = GateRule("question", "difference", True, bound=0.0, note=verdict.sentence)
    rows = verdict.rules or (unanswered,)
    found = [status(row) for row in rows]
    counts = {"tests": str(len(rows)), "failures": str(found.count("fail"))}
    counts |= {"errors": str(found.count("not measured"))}
    root = ElementTree.Element("testsuites", {"name": "acn-eval", **counts})
    counts |= {"skipped": str(found.count("no verdict"))}
    name = f"acn-eval gate {verdict.gate}: {LABEL[verdict.verdict]}"
    suite = ElementTree.SubElement(root, "testsuite", {"name": plain(name), **counts})
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in _properties(verdict):
        ElementTree.SubElement(properties, "property", {"name": plain(key), "value": plain(value)})
    for row in rows:
        _case(suite, verdict, row)
    ElementTree.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"
    )


def _case(suite: ElementTree.Element, verdict: Verdict, row: GateRule) -> None:
    about = {"classname": plain(f"acn-eval.{verdict.gate}"), "name": plain(row.name)}
    case = ElementTree.SubElement(suite, "testcase", about)
    text = plain(line(row))
    if tag := _OUTCOMES.get(status(row)):
        outcome = ElementTree.SubElement(case, tag, {"message": text, "type": row.verdict})
        outcome.text = plain(verdict.sentence)
    ElementTree.SubElement(case, "system-out").text = f"{text}; n = {row.n}"


def _properties(verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield "verdict", verdict.verdict
    yield "candidate", verdict.candidate.name
    yield "baseline", verdict.baseline.name
    yield "n", str(verdict.n)
    yield "classes", ", ".join(verdict.classes)
    if verdict.overrides:
        yield "overrides", ", ".join(verdict.overrides)
    for row in verdict.rules:
        if row.estimate is not None:
            yield f"{row.name}: level of low", f"{row.level:g}"
            yield f"{row.name}: level of high", f"{row.upper_level:g}"
            for what, value in vars(row.estimate).items():
                yield f"{row.name}: {what}", f"{value:.6g}"
