"""The bar of a terminal counts, and a pipe gets none."""

from acn_eval.terminal.progress import bar


def test_a_terminal_sees_what_is_counted_at_which_rate(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with bar("learning \x1b[31m[red]", "steps") as move:
        for done in range(0, 3000, 500):
            move(done, 2500)
    out, err = capsys.readouterr()
    assert out == ""
    assert r"learning \x1b[31m[red]" in err
    assert "2,500/2,500" in err
    assert "steps/s" in err


def test_a_pipe_gets_nothing(capsys, monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with bar("learning", "steps") as move:
        move(1, 2)
    assert capsys.readouterr() == ("", "")
