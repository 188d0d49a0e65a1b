"""Whatever files say reaches no terminal, page, table, figure or MLflow run as they say it."""

import ast
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from acn_eval.cli.main import main
from acn_eval.results import DataId, Skip
from acn_eval.statistics.comparison import save_comparison
from acn_eval.studies.compare import compare
from tests.fakes import fake_result

CANARY = (
    "\x1b[31m\x9b2J[red]x[/red] $\\frac{ <script>alert(1)</script> a|b ](http://evil.example)\n"
    "::error::owned ##[error]x \u202e\u2028\u200b`code` @someone &amp; \udc80"
)
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028\u202e\ud800-\udfff]")
COMMAND = re.compile(r"(?<!\w)::[a-z]|##\w*\[", re.I)
CLI = Path(__file__).parents[2] / "acn_eval" / "cli"
WAYS = {
    *(f"click.{name}" for name in ("echo", "secho", "echo_via_pager")),
    *(f"sys.{name}.write" for name in ("stdout", "stderr")),
    *("print", "Console", "rich.print", "Text.from_markup", "traceback.print_exception"),
}
ALLOWED = {
    "compare_job.py": {"sys.stdout.write"},  # JSON, in ASCII
    "gate_words.py": {"sys.stdout.write"},  # JSON, and annotations, which are rendered
    "job.py": {"sys.stdout.write"},  # JSON
    "schema.py": {"click.echo"},  # our own
}


def hostile(name):
    """A result in which every text that may be anything is the canary."""
    found = fake_result(name)
    label = f"_{name}{CANARY}"
    checkpoint = replace(
        found.checkpoint,
        name=label,
        uri=CANARY,
        arch={**found.checkpoint.arch, "kind": CANARY, CANARY: CANARY},
        preprocessing={**found.checkpoint.preprocessing, CANARY: CANARY},
        training={**found.checkpoint.training, "recipe": CANARY, "data": CANARY, CANARY: CANARY},
    )
    data = found.data
    return replace(
        found,
        checkpoint=checkpoint,
        data=DataId(CANARY, "test", data.n, data.fingerprint, (CANARY, *data.classes[1:])),
        device=CANARY,
        warnings=(CANARY, "long " * 2000),
        versions={"acn-eval": CANARY},
        skipped=(Skip({"corruption": CANARY, "level": 1.0}, CANARY),),
        cells=tuple(
            replace(cell, condition={**cell.condition, "corruption": CANARY})
            if cell.condition["corruption"] == "gaussian"
            else cell
            for cell in found.cells
        ),
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored")
    pair = [hostile("ac_vit"), hostile("res_vit")]
    places = [result.save(folder) for result in pair]
    save_comparison(compare(pair[:1], pair[1:]), folder)
    return folder, *places


@pytest.fixture
def said(capsys, tmp_path, monkeypatch):
    """Run a command; return what it printed, after a look at it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def run(*arguments, codes=(0,)):
        with pytest.raises(SystemExit) as end:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        assert end.value.code in codes, captured.err
        for text in captured:
            assert not RAW.search(text)
            assert "{" in text[:1] or not COMMAND.search(text)
            assert not re.search(r"^\s*::", text, re.M)
            assert "Traceback" not in text
            assert max(map(len, text.splitlines()), default=0) <= 5100
        return captured

    return run


def is_markdown(text):
    """Whether nothing of the canary is alive in it, and every table has its columns."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith("    "))
    rows = [re.sub(r"\\.", "", line) for line in body.splitlines() if line.startswith("|")]
    return (
        not RAW.search(text)
        and not re.search(r"(?<!\\)\]\(http|<script|(?<!\\):\/\/evil|(?<!\w)@someone", body)
        and len({row.count("|") for row in rows}) <= len(re.findall(r"^\| ---|^\|---", body, re.M))
    )


def test_the_terminal(stored, said):
    _, left, right = stored
    assert "[red]x[/red]" in said("compare", left, right).out
    said("compare", left, right, "--quiet")
    assert said("gate", "--result", left, "--against", right, codes=(0, 1, 3)).out
    said("compare", CANARY.replace("\x00", ""), right, codes=(2,))
    said("robustness", "--ckpt", CANARY, codes=(2,))
    said("robustness", "--batch-size", CANARY, codes=(2,))
    said(CANARY, codes=(2,))


def test_json_is_ascii(stored, said):
    _, left, right = stored
    assert said("compare", left, right, "--json", "-").out.isascii()


def test_reports(stored, said, tmp_path):
    folder, *_ = stored
    said("report", folder, "--out", "page.html", "--markdown", "page.md")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not RAW.search(page)
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    parser.feed(page)
    assert "script" not in tags
    assert "table" in tags
    for drawing in re.findall(r"<svg.*?</svg>", page, re.S):
        ElementTree.fromstring(drawing)
    assert is_markdown((tmp_path / "page.md").read_text(encoding="utf-8"))


def test_gates_on_a_ci_server(stored, capsys, tmp_path, monkeypatch):
    _, left, right = stored
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.setenv(name, str(tmp_path / name))
    files = ("--junit", tmp_path / "gate.xml", "--markdown", tmp_path / "gate.md")
    with pytest.raises(SystemExit):
        main([str(a) for a in ("gate", "--result", left, "--against", right, *files)])
    printed = capsys.readouterr().out
    assert not RAW.search(printed)
    commands = [line for line in printed.splitlines() if line.lstrip().startswith("::")]
    assert commands
    for line in commands:
        assert re.fullmatch(r"::(error|warning|notice) title=[^:]*::.*", line)
        assert not COMMAND.search(line.split("::", 2)[2])
    ElementTree.parse(tmp_path / "gate.xml")
    assert not RAW.search((tmp_path / "gate.xml").read_text())
    for name in ("gate.md", "GITHUB_STEP_SUMMARY"):
        assert is_markdown((tmp_path / name).read_text())
    output = (tmp_path / "GITHUB_OUTPUT").read_text()
    assert [line.partition("=")[0] for line in output.splitlines()] == [
        "verdict", "sentence", "images",
    ]  # fmt: skip


def test_mlflow_and_figures(stored, said, tmp_path):
    folder, *_ = stored
    said("upload", folder)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as store:
        texts = [
            str(value)
            for table in ("runs", "tags", "params", "experiment_tags", "logged_models", "datasets")
            for row in store.execute(f"SELECT * FROM {table}")
            for value in row
        ]
        notes = store.execute("SELECT value FROM tags WHERE key = 'mlflow.note.content'")
        assert all(is_markdown(value.replace("&nbsp;", "")) for (value,) in notes)
    assert not [text for text in texts if RAW.search(text)]
    assert [text for text in texts if "\\x1b" in text]
    figures = list(folder.glob("*/*.svg"))
    assert figures
    for figure in figures:
        ElementTree.parse(figure)
        text = figure.read_text()
        assert not RAW.search(text.replace("\t", " "))
        assert "<script" not in text


def test_only_one_module_writes_to_the_terminal():
    """Whoever needs another way adds it to those above, with its reason."""
    for path in sorted(CLI.glob("*.py")):
        tree = ast.walk(ast.parse(path.read_text()))
        calls = {ast.unparse(node.func) for node in tree if isinstance(node, ast.Call)}
        if path.name != "terminal.py":
            assert calls & WAYS <= ALLOWED.get(path.name, set()), path
