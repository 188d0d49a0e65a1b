"""`acn-eval serve`, up to the moment when it serves; see tests/service/test_serving.py."""

import shutil
import subprocess
import sys

import pytest

from acn_eval.service.settings import read_settings


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("ACN_EVAL_DATABASE", "ACN_EVAL_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_an_example_is_written_that_can_be_read(call, refused, tmp_path):
    file = tmp_path / "service.yaml"
    code, out, _ = call("serve", "--init")
    assert (code, out) == (
        0,
        "service.yaml is written. Start it: acn-eval serve --config service.yaml\n",
    )
    (profile,) = read_settings(file).profiles
    assert (profile.name, profile.models, profile.data.name) == ("main", "*", "digits")
    file.write_text("mine")
    assert "service.yaml: must not be there yet" in refused(2, "serve", "--init")
    assert file.read_text() == "mine"


def test_what_is_wrong_is_one_line(refused, tmp_path):
    (tmp_path / "wrong.yaml").write_text("profils: []")
    (tmp_path / "file").touch()
    for options, code, said in (
        (("--config", "wrong.yaml"), 2, "profils: is no field of a service. Did you mean profile"),
        (("--config", "none.yaml"), 2, "none.yaml: must be a service; No such file"),
        (("--home", "file/below"), 4, "file/below: Not a directory"),
        (("--database", "mysql://a"), 2, "--database: must be sqlite:///FILE or postgresql://"),
        (("--tracking-uri", "ftp://a"), 2, "--tracking-uri: must begin with sqlite:///"),
    ):
        assert said in refused(code, "serve", *options)
    assert {path.name for path in tmp_path.iterdir()} <= {"wrong.yaml", "file", "acn-service"}
    shutil.rmtree(tmp_path / "acn-service", ignore_errors=True)
    refused(2, "serve", "--config", "wrong.yaml")
    assert not (tmp_path / "acn-service").exists()


def test_without_the_extra_it_names_it(refused, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("acn_eval.service.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "acn-eval serve: needs service; pip install 'acn-eval[service]'" in refused(2, "serve")


def test_the_help_imports_nothing_heavy():
    script = (
        "import sys; from acn_eval.cli.main import main\n"
        "try: main(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        "print({'torch', 'mlflow', 'fastapi', 'sqlalchemy', 'uvicorn'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()"
