"""A rule holds for all that a process opens, also in other threads, and ends."""

from threading import Thread

import pytest

from acn_eval.errors import ConfigError
from acn_eval.reach import allowed, confined


def refuse(kind, name):
    if "secret" in name:
        raise ConfigError(f"{kind} {name}")
    return name.upper()


def test_without_a_rule_every_name_is_itself():
    assert allowed("data", "secret") == "secret"


def test_a_rule_holds_in_every_thread_and_ends():
    found = []
    with confined(refuse):
        thread = Thread(target=lambda: found.append(allowed("data", "digits")))
        thread.start()
        thread.join()
        with pytest.raises(ConfigError, match="place /secret"):
            allowed("place", "/secret")
    assert found == ["DIGITS"]
    assert allowed("place", "/secret") == "/secret"
