"""The embedded text task: generated sentences whose class depends on the order of their words."""

import numpy as np
from numpy.typing import NDArray

from acn_eval.data.examples import Examples, Split, members
from acn_eval.data.sentences import Sentences
from acn_eval.seeds import hash_ids

__all__ = ["SYNTHETIC", "open_synthetic"]

SYNTHETIC = "synthetic-sentences"
_N = 5_700
_CLASSES = ("negative", "positive")
_NOUNS = ["film", "story", "plot", "cast", "music", "ending", "scene", "book"]
_VERBS = ("is", "was", "seems", "feels")
_NOT = ("", "", "not", "never")
_ADVERBS = ("very", "really", "quite", "so", "truly")
_QUALITIES = (
    ["bad", "dull", "boring", "weak", "slow", "awful"],
    ["good", "great", "funny", "clever", "strong", "lovely"],
)
# The clause that is marked decides the class.
_FORMS = ("{main}", "{other} but {main}", "although {other} , {main}", "{main} although {other}")
_NOTE = f"{SYNTHETIC}: its sentences are generated; numbers say nothing about real text"


def open_synthetic(split: Split) -> Examples:
    """Return some 4,000 sentences of train, 500 of validation or 1,000 of test.

    One clause, or two, of five to fourteen words: the main one decides whether the sentence is
    ``positive``, "not" and "never" turn what their own clause says, and the clause before "but" or
    behind "although" has no say. The same words in another order are of the other class.
    """
    found = _sentences()
    ids = np.array([i for i, _ in found.values()], np.int64)
    labels = np.array([label for _, label in found.values()], np.int64)
    inputs, where = Sentences([(text,) for text in found]), np.arange(len(ids))
    whole = Examples(SYNTHETIC, split, ids, labels, _CLASSES, inputs, where, (_NOTE,))
    return whole.at(members(ids, SYNTHETIC, split, validation=0.09, test=0.18))


def _sentences() -> dict[str, tuple[int, int]]:
    """Return id and label by text; of equal texts the first id stays."""
    main, other, forms = _clauses("main"), _clauses("other"), _drawn("form", len(_FORMS))
    found: dict[str, tuple[int, int]] = {}
    for i, form in enumerate(forms):
        text = _FORMS[form].format(main=main[i][0], other=other[i][0])
        found.setdefault(text, (i, main[i][1]))
    return found


def _clauses(role: str) -> list[tuple[str, int]]:
    """Return a clause of five or six words, and its class, for every id."""
    tables = (_NOUNS, _VERBS, _NOT, _ADVERBS, _QUALITIES[0], _CLASSES)
    columns = [_drawn(f"{role} {k}", len(table)) for k, table in enumerate(tables)]
    clauses = []
    for noun, verb, negation, adverb, quality, kind in np.stack(columns, axis=1).tolist():
        words = (_NOUNS[noun], _VERBS[verb], _NOT[negation], _ADVERBS[adverb])
        text = " ".join(filter(None, ("the", *words, _QUALITIES[kind][quality])))
        clauses.append((text, kind ^ bool(_NOT[negation])))
    return clauses


def _drawn(slot: str, n: int) -> NDArray[np.int64]:
    """Return a number below n for every id (ids,)."""
    return (hash_ids(np.arange(_N), SYNTHETIC, slot) % np.uint64(n)).astype(np.int64)
