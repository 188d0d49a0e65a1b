"""An S3 of our own, and a cache in every kind of place."""

import logging
from uuid import uuid4

import fsspec
import pytest

from acn_eval.cache import OutcomeCache


@pytest.fixture(scope="session")
def s3_server():
    """The port of an emulated S3."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The environment of a user of S3; returns the endpoint. A client takes long to be made."""
    endpoint = f"http://127.0.0.1:{s3_server}"
    given = {
        "AWS_ACCESS_KEY_ID": "reader",
        "AWS_SECRET_ACCESS_KEY": "hush-hush",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "NO_PROXY": "*",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return endpoint


@pytest.fixture
def elsewhere(s3, monkeypatch):
    """Call it with an endpoint, where S3 is looked for during the test."""
    kind = fsspec.get_filesystem_class("s3")

    def move(endpoint):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        kind.clear_instance_cache()

    yield move
    kind.clear_instance_cache()


@pytest.fixture
def bucket(s3):
    """A new bucket, and the file system in which it is looked at."""
    system = fsspec.filesystem("s3", use_listings_cache=False)
    name = f"b{uuid4().hex}"
    system.mkdir(name)
    return name, system


@pytest.fixture(params=["folder", "s3", "memory"])
def anywhere(request, tmp_path):
    """A cache in a folder, in S3, and in another system that fsspec knows."""
    if request.param == "folder":
        return OutcomeCache(tmp_path / "kept")
    if request.param == "memory":
        return OutcomeCache(f"memory://{uuid4().hex}/kept")
    name, _ = request.getfixturevalue("bucket")
    return OutcomeCache(f"s3://{name}/deep/kept")
