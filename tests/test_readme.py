"""README and docs/results.md say what the commands print, number by number."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.simulations import script

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
RESULTS = (ROOT / "docs/results.md").read_text()
TRACKED = ("in MLflow: ", "see the curves: ")
SHOWN = re.findall(r"```\n\$ acn-eval ([^\n]+)\n(.*?)```", README, re.DOTALL)
MEASURED = ("robustness", "compression", "transfer", "text")
TRAINED = ("low_data", "pruning", "continual")


def lines(text):
    """What is printed, without the lines about the store of this machine."""
    stripped = (line.rstrip() for line in text.strip().splitlines())
    return [line for line in stripped if not line.startswith(TRACKED)]


@pytest.fixture
def printed(tmp_path, monkeypatch, capsys):
    from acn_eval.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACN_EVAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("acn_eval.workflow.running.draw_missing", lambda *arguments: None)

    def run(command):
        with pytest.raises(SystemExit) as caught:
            main([*shlex.split(command), "--no-track"])
        assert caught.value.code in {0, None}
        return lines(capsys.readouterr().out)

    return run


@pytest.mark.parametrize(("command", "expected"), SHOWN, ids=[command for command, _ in SHOWN])
def test_blocks_of_the_readme_are_what_the_commands_print(printed, command, expected):
    assert printed(command) == lines(expected)


def test_the_readme_shows_the_main_job_and_the_gate():
    commands = [command.split()[0] for command, _ in SHOWN]
    assert {"robustness", "gate"} <= set(commands)


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.setenv("ACN_EVAL_CACHE", str(tmp_path / "cache"))
    exec(compile(block, "README.md", "exec"), {})
    said = capsys.readouterr().out.strip()
    assert said.startswith("ac_vit has lower corrupted accuracy than res_vit")
    assert f"**: {said}\n" in RESULTS


ROWS = re.findall(r"^\| [^|]+\? \| `acn-eval (\S+)` \| (.+) \|$", README, re.MULTILINE)


def overview(chapter):
    """The cells of the first table of a chapter of docs/results.md, by suite."""
    table = RESULTS.partition(f"\n## {chapter}\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("|")]
    return {suite.strip(): [cell.strip() for cell in cells] for suite, *cells in rows}


@pytest.mark.parametrize(("command", "answers"), ROWS, ids=[command for command, _ in ROWS])
def test_answers_of_the_readme_are_those_of_the_results(command, answers):
    if command == "gate":
        return
    images, texts = overview("Architectures"), overview("Architectures that read sentences")
    suite = command.replace("-", "_")
    sentences = texts.get({"robustness": "robustness_text"}.get(suite, suite), [""])
    measured = [*images[suite], sentences[-1]]
    assert any(measured)
    assert [cell.strip() for cell in answers.split(" | ")] == [cell or "-" for cell in measured]


def test_the_intervals_of_the_page_on_the_paper_are_those_of_the_results():
    page = (ROOT / "docs/paper.md").read_text()
    shown = re.findall(r"\[[-+][\d.]+, [-+][\d.]+\]", page)
    assert len(shown) > 10
    assert [interval for interval in shown if interval not in RESULTS] == []


@pytest.fixture
def results():
    """The script that writes the page."""
    with script("results") as module:
        yield module


def test_the_first_table_of_one_pair_is_what_is_measured(tmp_path, monkeypatch, capsys, results):
    monkeypatch.setenv("ACN_EVAL_CACHE", str(tmp_path / "cache"))
    list(results.chapter(iter([results.pair(results.SKIP._replace(seeds=1), "robustness")])))
    assert capsys.readouterr().out.strip() in RESULTS


def sections(text):
    """The sections of a page by their titles."""
    found = re.split(r"^### (.+)$", text, flags=re.MULTILINE)
    return dict(
        zip(found[1::2], (part.partition("\n## ")[0] for part in found[2::2]), strict=True)
    )


def without_data(title):
    """Whether a section of the page needs no data and no files but the embedded and shipped."""
    return not re.search("cifar|tiny-imagenet|sst|BERT, .* seeds a side", title, re.IGNORECASE)


def written(chapter, monkeypatch, capsys, results):
    monkeypatch.setattr(sys, "argv", ["results.py", chapter])
    results.main()
    return sections(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chapter", MEASURED)
def test_measured_chapters_are_what_is_measured(chapter, monkeypatch, capsys, results):
    """All of them on digits, and where ACN_EVAL_DATA points to it on real data."""
    on_page, found = sections(RESULTS), written(chapter, monkeypatch, capsys, results)
    for title, text in found.items():
        trains = re.search("pruning_paper|low_data", title)
        assert trains or text.strip() == on_page[title].strip(), title
    embedded = {t for t in sections(f"## {chapter}\n" + in_page(chapter)) if without_data(t)}
    assert embedded <= found.keys()


def in_page(chapter):
    title = chapter.replace("_", " ").capitalize()
    return RESULTS.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


END = re.compile(r"^\| \*\*.+?\*\* \| .* \| ([-+][\d.]+) \[([-+][\d.]+), ([-+][\d.]+)\]", re.M)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chapter", TRAINED[:2])
def test_trained_chapters_are_within_their_own_intervals(chapter, monkeypatch, capsys, results):
    """Another processor rounds otherwise, and trainings end in other weights: not in other
    answers."""
    on_page = sections(RESULTS)
    for title, text in written(chapter, monkeypatch, capsys, results).items():
        value = float(END.search(text)[1])
        low, high = map(float, END.search(on_page[title]).groups()[1:])
        assert low <= value <= high, title
