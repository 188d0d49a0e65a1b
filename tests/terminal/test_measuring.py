"""Results are printed and saved even where they cannot be recorded."""

from tests.tiny import run

JOB = ("robustness", "--no-track", "--device", "cpu")


GOOD = (*JOB, "--ckpt", "tiny_ac.pt", "--suite", "small.yaml", "--limit", "8")


def test_a_dead_tracking_server_loses_nothing(folder):
    """Measured, said, kept; then one line that says how to record it, and 4."""
    arguments = [a for a in GOOD if a != "--no-track"]
    code, out, err = run(folder, *arguments, "--tracking-uri", "http://127.0.0.1:9")
    assert code == 4
    assert len(err.splitlines()) == 1, err
    assert "acn-eval upload" in err
    assert "mean corrupted" in out
    assert len(list(folder.glob("acn-results/*/*.json"))) == 3
