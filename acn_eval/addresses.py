"""Shows addresses without what they keep secret, alone or inside a message of a library."""

import re

__all__ = ["shown"]

# Up to the last `@`: in the host, or behind what is no port, as of a password with a slash.
_USER = re.compile(r"(?<=://)(?:[^\s/?#]{0,999}@|[^\s/?#@:]{0,99}:(?!\d+(?:[/?#]|$))\S{0,999}@)")
_SECRET = re.compile(
    r"([?&;][\w.%-]{0,40}(?:pass|pwd|secret|token|(?:api|access|private)[_-]?key|sig|auth|cred)"
    r"[\w.%-]{0,40}=|\b(?:password|passwd|pwd)=)"
    r"[^\s&;#'\"]+",
    re.IGNORECASE,
)


def shown(text: str) -> str:
    """Return the text with the users of its addresses left out and secret values masked.

    Whatever is no address stays as it is; nothing is an error.

    >>> shown("http://me:secret@lab:5000/?token=abc&page=2")
    'http://lab:5000/?token=***&page=2'
    >>> shown("http://[x")
    'http://[x'
    """
    return _SECRET.sub(r"\1***", _USER.sub("", text))
