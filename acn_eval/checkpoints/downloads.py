"""Files of other libraries' hubs, from their caches where they are there."""

import os
import re
import socket
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from acn_eval.errors import CheckpointError, MissingExtra

__all__ = ["hub_folder", "reachable"]

_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w.-]+")
_READ = ("config.json", "model.safetensors", "preprocessor_config.json")
_OF_TEXT = ("tokenizer.json", "tokenizer_config.json", "vocab.txt")


def reachable(url: str) -> bool:
    """Whether the server of a url answers within five seconds; behind a proxy, it is assumed."""
    if urllib.request.getproxies():
        return True
    try:
        socket.create_connection((urlsplit(url).hostname or "", 443), 5).close()
    except OSError:
        return False
    return True


def hub_folder(name: str, where: str) -> Path:
    """Return a folder, or the one in Hugging Face's cache of a model ``owner/name``.

    Only configuration, weights in safetensors and a tokenizer are downloaded, never code.

    Raises:
        CheckpointError: it is not in the cache and cannot be downloaded.
        MissingExtra: huggingface_hub is needed and not installed.
    """
    if os.path.isdir(name) or not _REPOSITORY.fullmatch(name):
        return Path(name)
    try:
        from huggingface_hub import constants, errors, snapshot_download
    except ModuleNotFoundError as exc:
        raise MissingExtra(where, "hf") from exc
    wanted = [*_READ, *_OF_TEXT]
    try:
        cached = Path(snapshot_download(name, allow_patterns=wanted, local_files_only=True))
        if all((cached / file).exists() for file in _READ[:2]):
            return cached
    except errors.LocalEntryNotFoundError:
        pass
    what = "must be a folder, or a model of the hub that is in its cache or can be downloaded"
    remedy = f"Bring {', '.join(_READ)} into a folder, and give that."
    if constants.HF_HUB_OFFLINE or not reachable(constants.ENDPOINT):
        raise CheckpointError(f"{where}: {what}; there is no internet. {remedy}")
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except (OSError, ValueError, RuntimeError) as exc:
        raise CheckpointError(f"{where}: {what}; {exc}. {remedy}") from exc
