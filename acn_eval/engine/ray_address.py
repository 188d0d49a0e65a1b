"""Where a Ray cluster is: one that is there, or one of this run's own."""

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from acn_eval.errors import ConfigError, MeasureError

__all__ = ["Cluster", "cluster_of"]

_PATIENCE = 5.0  # seconds until an address must answer
_OWN = "local"  # starts a cluster
_FOUND = "auto"  # the cluster that runs on this machine
_MODE = "RAY_AUTH_MODE"
_TOKENS = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


@dataclass(frozen=True)
class Cluster:
    """A cluster and how to get in.

    Attributes:
        address: ``HOST:PORT`` of its head, ``"auto"``, or "" where the run starts its own.
        variables: of the environment, for the process that connects.
    """

    address: str
    variables: Mapping[str, str] = field(repr=False)  # with the token

    @property
    def is_own(self) -> bool:
        """Whether the run starts and ends it."""
        return not self.address

    @property
    def where(self) -> str:
        """How messages name it."""
        return f"ray://{self.address}" if self.address else "ray"

    def require_reachable(self) -> None:
        """Look whether anything listens, within seconds.

        Raises:
            MeasureError: nothing does.
        """
        if self.address in ("", _FOUND):
            return
        host, _, port = self.address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
        except OSError as exc:
            msg = f"{self.where}: must be reachable; got {exc.strerror or exc}"
            raise MeasureError(f"{msg}. Is that where `ray start` made a head?") from exc


def cluster_of(engine: str) -> Cluster:
    """Return the cluster of ``ray``, which ``RAY_ADDRESS`` may name, or of ``ray://HOST:PORT``.

    Raises:
        ConfigError: the address is none, or is that of another machine and there is no token.
    """
    said = engine if "://" in engine else os.environ.get("RAY_ADDRESS") or _OWN
    address = said.removeprefix("ray://").rstrip("/")
    if address == _OWN:  # Ray listens on all interfaces
        return Cluster("", {_MODE: "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)})
    if address == _FOUND:
        return Cluster(address, _auth())
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 2**16:
        msg = f"`engine`: must be ray or ray://HOST:PORT; got {said}"
        raise ConfigError(f"{msg}. PORT is that of `ray start`, mostly 6379.", "engine")
    if _auth().get(_MODE, "").lower() != "token" and not _loopback(host):
        got = f"{_MODE}={os.environ[_MODE]}" if _auth() else "none"
        msg = f"`engine`: must have a token for another machine; got {got} for ray://{address}"
        remedy = f"Set {_MODE}=token and RAY_AUTH_TOKEN, there and here."
        raise ConfigError(f"{msg}. {remedy}", "engine")
    return Cluster(address, _auth())


def _auth() -> dict[str, str]:
    """Ask for tokens where there is one, unless the user decided."""
    there = any(map(os.environ.get, _TOKENS)) or (Path.home() / ".ray/auth_token").is_file()
    return {_MODE: os.environ.get(_MODE, "token")} if there else {}


def _loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name
        return host == "localhost"
