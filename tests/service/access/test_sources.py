"""Requests name the registry, the package, and what lies below the roots; nothing else."""

import os

import pytest

from acn_eval.errors import AcnEvalError, CheckpointError, ConfigError, DataError
from acn_eval.service.access.sources import Sources
from acn_eval.service.requests import Check, Data, Evaluate, Judge
from acn_eval.service.settings import Profile, Settings
from acn_eval.shipped import shipped
from acn_eval.stores import TrackingStore

STORE = TrackingStore("sqlite:////lab/mlflow.db")


@pytest.fixture
def place(tmp_path):
    """A root with files, a folder beside it, and links from the first to the second."""
    root, secret = tmp_path / "root", tmp_path / "secret"
    for folder in (root / "sub", root / "photos", secret / "photos", tmp_path / "rooted"):
        folder.mkdir(parents=True)
    for file in (root / "net.pt", root / "sub" / "net.pt", secret / "net.pt"):
        file.touch()
    (tmp_path / "rooted" / "net.pt").touch()
    (root / "a@b.pt").touch()
    (root / "link.pt").symlink_to(secret / "net.pt")
    (root / "inner.pt").symlink_to(root / "sub" / "net.pt")
    (root / "away").symlink_to(secret, target_is_directory=True)
    (root / "table.parquet").symlink_to(secret / "net.pt")
    return tmp_path


@pytest.fixture
def sources(place):
    return Sources.of(Settings(roots=(str(place / "root"),)), STORE)


@pytest.mark.parametrize(
    "address",
    ["models:/vit/3", "models:/my vit@champion", "runs:/0f3a", "runs:/0f3a/model/net.safetensors"],
)
def test_what_the_registry_holds_is_named_as_it_is(sources, address):
    assert sources.checkpoint(address) == address


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("net.pt", "root/net.pt"),
        ("sub/net.pt", "root/sub/net.pt"),
        ("inner.pt", "root/sub/net.pt"),
        ("a@b.pt", "root/a@b.pt"),
        ("hf:sub", "root/sub"),
        ("hf:sub@pairs", "root/sub"),
        ("timm:vit_tiny@sub/net.pt", "root/sub/net.pt"),
        ("absent.pt", "root/absent.pt"),
    ],
)
def test_a_file_below_a_root_has_one_place(sources, place, address, file):
    found = sources.checkpoint(address)
    assert str(place / file) in found
    assert sources.checkpoint(found) == found
    assert ("@pairs" in found, found.startswith("hf:")) == ("@pairs" in address, "hf:" in address)
    assert sources.checkpoint(str(place / "root" / "net.pt")) == str(place / "root" / "net.pt")


def test_a_shipped_checkpoint_needs_no_root():
    found = Sources().checkpoint("res_vit.pt")
    assert found == os.path.realpath(shipped("checkpoints") / "res_vit.pt")
    assert Sources().checkpoint(found) == found


@pytest.mark.parametrize(
    "address",
    [
        *("file:///etc/passwd", "file:net.pt", "http://lab/net.pt", "https://lab/net.pt"),
        *("ftp://lab/net.pt", "s3://lab/net.pt", "module:evil.py:make", "plugin:x", "C:\\net.pt"),
        *("\\\\lab\\share\\net.pt", "//lab/share/net.pt", "/etc/passwd", "/proc/self/environ"),
        *("../secret/net.pt", "sub/../../secret/net.pt", "..", "sub/..", "%2e%2e/secret/net.pt"),
        *("%252e%252e/secret/net.pt", "..\\secret\\net.pt", "link.pt", "away/net.pt"),
        *("hf:away", "hf:/etc", "hf:../secret", "timm:vit@away/net.pt", "timm:vit@/etc/passwd"),
        *("hf:owner/../../secret@pairs", "timm:hf-hub:owner/name", "timm:vit", "torchvision:vit"),
        *("hf:google/../x", "net.pt,/etc/passwd", "*.pt", "net.p?", "[a-n]et.pt", ""),
        *(" ", "net.pt\0", "net.pt\n", "\x1b[31m.pt", "\udce9.pt", "~/net.pt\0"),
        *("models:/vit/3,/etc/passwd", "models:/vit", "models:/../3/x", "models:/m-0f/x/y"),
        *("runs:/0f3a/../../etc", "runs:/0f3a/%2e%2e/etc", "runs:/0f3a//etc", "runs:/../x"),
        *("RUNS:/0f3a/../x", "FILE:/etc/passwd", "../rooted/net.pt"),
    ],
)
def test_nothing_else_can_be_named(sources, address):
    with pytest.raises(CheckpointError) as said:
        sources.checkpoint(address)
    assert "\n" not in str(said.value)
    assert "of the service" in str(said.value)


def test_a_folder_that_begins_like_a_root_is_none(sources, place):
    with pytest.raises(CheckpointError):
        sources.checkpoint(str(place / "rooted" / "net.pt"))


def test_what_is_there_and_what_is_not_are_refused_alike(sources, place):
    """Nobody learns from an answer which files there are."""
    lines = []
    for name in ("net.pt", "no-net.pt"):
        with pytest.raises(CheckpointError) as said:
            sources.checkpoint(str(place / "secret" / name))
        lines.append(str(said.value).replace(name, ""))
    assert lines[0] == lines[1]


def test_hubs_are_asked_where_the_settings_allow_it(sources):
    open_ = Sources.of(Settings(downloads=True), STORE)
    for address in ("timm:vit_tiny", "torchvision:resnet18.V1", "hf:owner/name", "hf:o/n@pairs"):
        assert open_.checkpoint(address) == address
    for address in ("timm:vit_tiny", "torchvision:resnet18.V1", "hf:owner/name"):
        with pytest.raises(CheckpointError):
            sources.checkpoint(address)
    with pytest.raises(CheckpointError):
        open_.checkpoint("timm:hf-hub:owner/name")


def test_data_is_built_in_or_lies_below_a_root(sources, place):
    for name in ("", "digits", "cifar10", "cifar100", "glue:sst2", "synthetic-sentences"):
        assert sources.data(name) == name
    assert sources.data("folder:photos") == f"folder:{place}/root/photos"
    assert sources.data(f"npz:{place}/root/x.npz") == f"npz:{place}/root/x.npz"


@pytest.mark.parametrize(
    "name",
    [
        *("folder:/etc", "folder:../secret/photos", "folder:away/photos", "folder:", "npz:~\0"),
        *("plugin:x", "http://lab/x.npz", "glue:../x", "cifar10 ", "digits\n", "file:///etc"),
        *("parquet:table.parquet@label", "parquet:away/x@label", "jsonl:/proc/self/environ", " "),
    ],
)
def test_no_other_data_can_be_named(sources, name):
    with pytest.raises(DataError):
        sources.data(name)


def test_suites_are_shipped_or_known(place):
    mine, theirs = place / "root" / "mine.yaml", place / "rooted" / "same.yaml"
    own = Profile(name="x", baseline="previous", gate=str(place / "root" / "same.yaml"))
    known = Sources.of(Settings(suites=(str(mine), str(theirs)), profiles=(own,)), STORE)
    assert known.suite("gate") == "gate"
    assert known.suite("mine.yaml") == known.suite(str(mine)) == str(mine)
    assert known.suite(own.gate) == own.gate
    assert known.suite("rooted/same.yaml") == str(theirs)
    for name in (
        "same.yaml",
        "other.yaml",
        "/etc/passwd",
        "../gate",
        "gate.yaml",
        "mine",
        "",
        ".yaml",
    ):
        with pytest.raises(ConfigError, match="must be shipped, or one file"):
            known.suite(name)


def test_what_a_profile_names_may_be_named(place):
    file = place / "rooted" / "net.pt"
    own = Profile(name="x", baseline=str(file), anchor="models:/vit@anchor")
    sources = Sources.of(Settings(profiles=(own,)), STORE)
    assert sources.checkpoint(str(file)) == str(file)
    with pytest.raises(CheckpointError):
        sources.checkpoint(str(place / "root" / "net.pt"))


def test_the_registry_s_files_lie_with_the_store_or_below_a_root(sources, place):
    assert sources.place("/lab/mlruns/0/x") == "/lab/mlruns/0/x"
    assert sources.place(str(place / "root" / "sub"))
    for path in ("/etc", "/lab", "/lab/mlruns/../x", str(place / "root" / "away"), "/"):
        with pytest.raises(CheckpointError, match="must lie in the store's own folder"):
            sources.place(path)
    with pytest.raises(CheckpointError):
        Sources.of(Settings(), TrackingStore("http://lab:5000")).place("/lab/mlruns")


def test_a_request_is_admitted_with_the_path_of_its_yaml(place):
    mine = str(place / "root" / "mine.yaml")
    sources = Sources(roots=(str(place / "root"),), suites=(mine,))
    judge = Judge(candidate="models:/vit/3", baseline="net.pt", anchor="sub/net.pt", look=2)
    assert sources.admitted(judge) == judge
    own = judge.model_copy(update={"gate": "mine.yaml"})
    assert sources.admitted(own) == judge.model_copy(update={"gate": mine})
    data = Data(name="folder:photos")
    both = Evaluate(
        candidates=("net.pt",), baselines=("sub/net.pt",), data=data, suite="mine.yaml"
    )
    assert sources.admitted(both) == both.model_copy(update={"suite": mine})
    assert sources.admitted(Check()) == Check()


@pytest.mark.parametrize(
    "request_",
    [
        Judge(candidate="/etc/passwd", baseline="models:/vit/3"),
        Judge(candidate="models:/vit/3", baseline="/etc/passwd"),
        Judge(candidate="models:/vit/3", baseline="models:/vit/2", anchor="/etc/passwd"),
        Judge(candidate="models:/vit/3", baseline="models:/vit/2", gate="/etc/x.yaml"),
        Judge(candidate="models:/vit/3", baseline="models:/vit/2", data=Data(name="npz:/etc")),
        Evaluate(candidates=("models:/vit/3", "/etc/passwd")),
        Evaluate(candidates=("models:/vit/3",), baselines=("/etc/passwd",)),
        Evaluate(candidates=("models:/vit/3",), suite="/etc/x.yaml"),
        Evaluate(candidates=("models:/vit/3",), data=Data(name="folder:/etc")),
    ],
)
def test_every_field_of_a_request_is_looked_at(sources, request_):
    with pytest.raises(AcnEvalError):
        sources.admitted(request_)
