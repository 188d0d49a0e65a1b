"""Finished outcomes, addressed by content, in a folder or in an object store."""

from acn_eval.cache.behind import WriteBehind
from acn_eval.cache.outcomes import OUTCOME, OutcomeCache
from acn_eval.cache.setting import CACHE_ENV, LIMIT_ENV, default_store, rooted

__all__ = [
    "CACHE_ENV",
    "LIMIT_ENV",
    "OUTCOME",
    "OutcomeCache",
    "WriteBehind",
    "default_store",
    "rooted",
]
