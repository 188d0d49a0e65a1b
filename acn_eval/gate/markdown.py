"""The verdict as Markdown, and what GitHub's runners read: annotations and outputs."""

from collections.abc import Iterator

from acn_eval.foreign_text import markdown as escaped
from acn_eval.foreign_text import markdown_table, plain
from acn_eval.gate.sentence import LABEL, cells, head, legend, line, status
from acn_eval.gate.verdict import Decision, Verdict

__all__ = ["SUMMARY_LIMIT", "annotations", "markdown", "outputs"]

SUMMARY_LIMIT = 2**20
"""Bytes of a step's summary on GitHub; a larger one is dropped whole."""
_WORST = 5  # of at most ten annotations that a step may show
_LEVEL: dict[Decision, str] = {"pass": "notice", "fail": "error", "no_verdict": "warning"}


def markdown(verdict: Verdict) -> str:
    """Return the verdict, the table of rules and the warnings."""
    lines = [f"### {LABEL[verdict.verdict]}: {escaped(verdict.sentence)}", ""]
    if verdict.rules:
        lines += [*markdown_table(head(verdict), [cells(row) for row in verdict.rules]), ""]
        lines += [f"<sub>{escaped(legend(verdict))}</sub>", ""]
    lines += [f"- {escaped(warning)}" for warning in verdict.warnings]
    return "\n".join(lines).rstrip() + "\n"


def annotations(verdict: Verdict) -> Iterator[str]:
    """Yield GitHub's workflow commands: the verdict, and the worst rules of one that blocks."""
    level = _LEVEL[verdict.verdict]
    title = f"acn-eval gate {verdict.gate}: {LABEL[verdict.verdict]}"
    yield _command(level, title, verdict.sentence)
    bad = [row for row in verdict.rules if status(row) in {"fail", "no verdict", "not measured"}]
    for row in sorted(bad, key=lambda row: row.p_fail)[:_WORST]:
        yield _command(level, f"{row.name}: {status(row)}", line(row))


def outputs(verdict: Verdict) -> str:
    """Return what a step hands on to others, one ``name=value`` per line."""
    facts = {"verdict": verdict.verdict, "sentence": verdict.sentence, "images": verdict.n}
    return "".join(f"{name}={plain(str(value))}\n" for name, value in facts.items())


def _command(level: str, title: str, message: str) -> str:
    """A workflow command; whatever could end it or start another one is escaped."""
    title = _argument(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{_argument(message)}"


def _argument(text: str) -> str:
    return plain(text).replace("%", "%25")
