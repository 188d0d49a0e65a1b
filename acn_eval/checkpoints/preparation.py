"""From what a network says about itself to the preparation of its inputs, and back."""

from typing import Any

from acn_eval.checkpoints.card import Card, Words
from acn_eval.data.framing import Framing
from acn_eval.data.geometry import Geometry, PrepareImages
from acn_eval.data.sentences import SentenceSpec
from acn_eval.data.tokens import PrepareTokens, Vocabulary
from acn_eval.errors import ConfigError
from acn_eval.inputs import Prepare
from acn_eval.models.configs import EncoderConfig, ImageConfig

__all__ = ["geometry_of", "prepare_of", "stated"]


def geometry_of(arch: EncoderConfig, framing: Framing | None = None) -> Geometry:
    """Return the images that an architecture reads.

    Raises:
        ConfigError: it reads something else.
    """
    if not isinstance(arch, ImageConfig):
        kind = arch.model_dump()["kind"]
        raise ConfigError(f"architecture: must read images here; {kind} reads none")
    return Geometry(arch.image_size, arch.channels, framing)


def prepare_of(card: Card) -> Prepare:
    """Return the preparation that a card states.

    Raises:
        DataError: its vocabulary is none.
    """
    if card.words:
        words = card.words
        vocabulary = Vocabulary(words.vocabulary, words.lowercase)
        return PrepareTokens(SentenceSpec(words.sentences), vocabulary, words.longest)
    framing = Framing(card.crop_pct) if card.crop_pct else None
    return PrepareImages(geometry_of(card.arch, framing), card.mean or (), card.std or ())


def stated(prepare: PrepareImages | PrepareTokens) -> dict[str, Any]:
    """Return the fields of a card that state a preparation as trainings make it."""
    if isinstance(prepare, PrepareImages):
        return {"mean": prepare.mean, "std": prepare.std}
    own = prepare.vocabulary
    return {
        "words": Words(
            vocabulary=own.pieces,
            lowercase=own.lowercase,
            longest=prepare.longest,
            sentences=2 if prepare.spec.per_example == 2 else 1,
        )
    }
