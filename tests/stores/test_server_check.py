"""A store that does not answer is one line, and early."""

import socket
import time

import pytest

from acn_eval.errors import ConfigError, TrackingError
from acn_eval.stores import resolve_store
from acn_eval.tracking import find, preparing, record
from tests.fakes import fake_result, saved_pair


@pytest.fixture
def silent_server():
    """Accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


PROC = "sqlite:////proc/x.db"


@pytest.mark.parametrize(
    "begin",
    [
        lambda cwd: record([fake_result()], tracking_uri=PROC, cwd=cwd),
        lambda cwd: preparing(resolve_store(PROC, cwd=cwd)).__enter__(),
    ],
    ids=["record", "preparing"],
)
def test_a_folder_that_takes_no_files_is_refused_at_once(tmp_path, begin):
    """The lock would be tried for two minutes; /proc takes no files, not even from root."""
    start = time.monotonic()
    with pytest.raises(TrackingError, match=f"^{PROC}: must be a store that takes runs"):
        begin(tmp_path)
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("kind", ["dead_server", "silent_server"])
def test_a_dead_server_fails_fast_and_says_what_to_do(kind, request, tmp_path):
    uri = request.getfixturevalue(kind)
    results, comparisons, artifacts = saved_pair(tmp_path / "acn-results")
    start = time.monotonic()
    with pytest.raises(TrackingError) as caught:
        record(results, comparisons, tracking_uri=uri, cwd=tmp_path, artifacts=artifacts)
    assert time.monotonic() - start < 20
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)
    assert uri in str(caught.value)
    assert f"acn-eval upload {tmp_path / 'acn-results'}" in str(caught.value)
    found = find([tmp_path / "acn-results"])
    assert (len(found.results), len(found.comparisons)) == (2, 1)
    recorded = record(found.results, found.comparisons, cwd=tmp_path, artifacts=found.artifacts)
    assert len(recorded.runs) == 3


@pytest.mark.parametrize("content", ["no database at all, but long enough to be read as one" * 99])
def test_a_damaged_store_is_one_line(tmp_path, content):
    (tmp_path / "mlflow.db").write_text(content)
    with pytest.raises(TrackingError) as caught:
        record([fake_result()], cwd=tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigError, match="must be a file in a folder that exists"):
        record([fake_result()], cwd=tmp_path / "file")
