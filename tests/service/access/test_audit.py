"""The log of who did what holds one visible line each, and does not grow without end."""

from acn_eval.service.access import audit
from acn_eval.service.access.audit import Audit


def test_entries_come_latest_first_and_in_pages(database):
    log = Audit(database)
    for number in range(5):
        log.note("ci", "job submitted", f"job {number}")
    first = log.page(limit=2)
    assert [(own.who, own.what, own.detail) for own in first] == [
        ("ci", "job submitted", "job 4"),
        ("ci", "job submitted", "job 3"),
    ]
    assert [own.detail for own in log.page(before=first[-1].id)] == ["job 2", "job 1", "job 0"]
    assert first[0].at >= first[1].at > 1.7e9


def test_an_entry_is_one_line_without_secrets(database):
    Audit(database).note(
        "a\nb\x1b[31m", "x\r\ny", "http://me:pw@lab/?token=abc \u202e" + "z" * 10**6
    )
    own = Audit(database).page()[0]
    text = own.who + own.what + own.detail
    assert text.isprintable()
    assert own.who == "a\\nb\\x1b[31m"
    assert "pw@" not in text
    assert "abc" not in text
    assert len(own.detail) == 500


def test_the_oldest_entries_go_and_failures_push_out_no_others(database, monkeypatch):
    monkeypatch.setattr(audit, "_KEPT", 3)
    for number in range(5):
        Audit(database).note("ci", "x", str(number))
    Audit(database).prune()
    assert [own.detail for own in Audit(database).page()] == ["4", "3", "2"]
    for number in range(5):
        Audit(database).note("192.0.2.7", audit.FAILED, str(number))
    Audit(database).prune()
    assert [own.detail for own in Audit(database).page()] == ["4", "3", "2", "4", "3", "2"]
