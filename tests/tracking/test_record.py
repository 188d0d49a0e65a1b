"""Results and comparisons in a real SQLite store."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from acn_eval.results import EvalResult
from acn_eval.statistics.comparison import comparison_key
from tests.tracking.recorded import client_of, search

REPOSITORY = Path(__file__).parents[2]


ARMS, PAIR = {"ac_vit", "res_vit"}, {"ac_vit vs res_vit"}


def test_the_store_is_where_a_plain_mlflow_ui_looks(home):
    place, recorded, *_ = home
    assert recorded.store.uri == f"sqlite:///{place}/mlflow.db"
    run = client_of(recorded).get_run(next(iter(recorded.runs.values())))
    assert run.info.artifact_uri.startswith((place / "mlruns").as_uri())
    assert not list((place / "mlruns").rglob("meta.yaml"))


def test_artifacts_can_be_read_back(home, tmp_path):
    _, recorded, results, (comparison,) = home
    client = client_of(recorded)
    path = client.download_artifacts(recorded.runs[results[0].key], "", str(tmp_path))
    assert EvalResult.load(Path(path)).key == results[0].key
    assert "gaussian 0.1,360," in (Path(path) / "accuracy.csv").read_text()
    files = client.list_artifacts(recorded.runs[comparison_key(comparison)])
    assert {file.path for file in files} == {"comparison.json", "table.md"}


SEARCHES = {
    "tags.acn_eval.kind = 'arm' AND tags.acn_eval.connectivity = 'acn'": {"ac_vit"},
    "tags.acn_eval.kind = 'arm' AND metrics.`mean/corrupted` > 83": {"ac_vit"},
    "tags.acn_eval.kind = 'arm' AND tags.acn_eval.depth = '8'": ARMS,
    "tags.acn_eval.kind = 'comparison' AND tags.acn_eval.verdict = 'better'": PAIR,
    "tags.acn_eval.kind = 'comparison' AND tags.acn_eval.verdict != 'undecided'": PAIR,
    "tags.acn_eval.kind = 'comparison' AND tags.acn_eval.unit = 'checkpoints'": PAIR,
    "tags.acn_eval.data = 'digits' AND tags.acn_eval.suite = 'robustness'": ARMS | PAIR,
    "tags.acn_eval.gate = 'fail'": {"res_vit"},
    "tags.acn_eval.skipped != '0'": ARMS,
    "tags.acn_eval.sha256 LIKE '61635f%'": {"ac_vit"},
    "dataset.name = 'digits test' AND params.precision = 'fp32'": ARMS,
    "metrics.`ci_low_pp/primary` > 0": PAIR,
}


def test_searches_are_those_of_the_documentation():
    text = (REPOSITORY / "docs" / "mlflow.md").read_text()
    section = text.partition("## Searches that work")[2].partition("\n## ")[0]
    found = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    assert found == list(SEARCHES)


@pytest.mark.parametrize("condition", SEARCHES)
def test_searches_of_the_documentation(home, condition):
    found = {run.info.run_name for run in search(home[1], condition)}
    assert found == SEARCHES[condition]


def test_recording_never_looks_up_telemetry():
    code = (
        "import os, socket, sys, tempfile; from pathlib import Path\n"
        "os.environ.pop('CI', None); os.environ.pop('MLFLOW_DISABLE_TELEMETRY', None)\n"
        "from tests.fakes import fake_result; from acn_eval.tracking import record\n"
        "asked = []\n"
        "def refuse(host, *rest, **options): asked.append(host); raise OSError(host)\n"
        "socket.getaddrinfo = refuse\n"
        "with tempfile.TemporaryDirectory() as home:\n"
        "    os.environ['HOME'] = os.environ['XDG_CONFIG_HOME'] = home\n"
        "    record([fake_result()], cwd=Path(home))\n"
        "    assert not asked, asked\n"
        "    assert not list(Path(home).rglob('telemetry*'))\n"
        "from mlflow.telemetry.client import get_telemetry_client\n"
        "assert get_telemetry_client() is None\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, env={**os.environ})
