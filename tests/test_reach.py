"""A rule holds for all that a process opens, also in other threads, and ends."""

import os
from threading import Thread

import pytest

from acn_eval.errors import ConfigError
from acn_eval.reach import allowed, confined, followed, require_inside


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


@pytest.fixture
def root(tmp_path):
    """A folder with a file, a folder and links between them, beside one that is refused."""
    for name in ("root/sub", "secret"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "x.png").touch()
    (tmp_path / "root" / "again").symlink_to(tmp_path / "root")
    (tmp_path / "root" / "y.png").symlink_to("sub/x.png")
    return tmp_path / "root"


def refuse_links(kind, name):
    if "secret" in os.path.realpath(name):
        raise ConfigError(f"{kind} {name}")
    return name


@pytest.mark.parametrize("link", ["net.card.yaml", "sub/z.png", "sub/cat"])
def test_no_link_leads_out_of_what_may_be_opened(root, link):
    with confined(refuse_links):
        require_inside(root)
        require_inside(root / "x.png")
        followed(root / "y.png")
    (root / link).symlink_to(root.parent / "secret" / ("" if link == "sub/cat" else "x.png"))
    require_inside(root)
    with confined(refuse_links):
        with pytest.raises(ConfigError, match=f"place .*{link}"):
            require_inside(root)
        with pytest.raises(ConfigError, match=f"place .*{link}"):
            followed(root / link)
