"""`acn-eval worker`: what it refuses in one line; tests/service/test_working.py runs it."""

import pytest


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--database", "mysql://x"), "--database: must be sqlite:///FILE or postgresql://"),
        (("--config", "none.yaml"), "none.yaml: "),
        (("--tracking-uri", "ftp://x"), "--tracking-uri: must begin with sqlite:///"),
    ],
)
def test_wrong_options_are_one_line(refused, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused(2, "worker", *options)


def test_a_home_that_cannot_be_made_is_one_line(refused, tmp_path):
    (tmp_path / "file").touch()
    assert "file" in refused(4, "worker", "--home", tmp_path / "file" / "home")
