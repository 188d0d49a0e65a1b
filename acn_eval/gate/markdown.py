"""The verdict as Markdown, and what GitHub's runners read: annotations and outputs."""

from collections.abc import Iterator, Sequence

from acn_eval.gate.sentence import LABEL, cells, head, legend, line, status
from acn_eval.gate.verdict import Decision, Verdict

__all__ = ["SUMMARY_LIMIT", "annotations", "markdown", "outputs"]

SUMMARY_LIMIT = 2**20
"""Bytes of a step's summary on GitHub; a larger one is dropped whole."""
_WORST = 5  # of at most ten annotations that a step may show
_LEVEL: dict[Decision, str] = {"pass": "notice", "fail": "error", "no_verdict": "warning"}


def markdown(verdict: Verdict) -> str:
    """Return the verdict, the table of rules and the warnings."""
    lines = [f"### {LABEL[verdict.verdict]}: {_flat(verdict.sentence)}", ""]
    if verdict.rules:
        lines += [*_table(head(verdict), [cells(row) for row in verdict.rules]), ""]
        lines += [f"<sub>{_flat(legend(verdict))}</sub>", ""]
    lines += [f"- {_flat(warning)}" for warning in verdict.warnings]
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
    return "".join(f"{name}={_flat(str(value))}\n" for name, value in facts.items())


def _command(level: str, title: str, message: str) -> str:
    """A workflow command; whatever could end it or start another one is escaped."""
    title = _escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield "|" + " --- |" * len(head)
    yield from map(_row, rows)


def _row(texts: Sequence[str]) -> str:
    return "| " + " | ".join(_flat(text).replace("|", "\\|") for text in texts) + " |"


def _flat(text: str) -> str:
    """One line: a file name with a line break must not start another entry."""
    return " ".join(text.split())
