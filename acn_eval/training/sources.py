"""What a recipe's network learns from: splits of its data, and the start of its weights."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from acn_eval.checkpoints.load import load
from acn_eval.checkpoints.preparation import geometry_of
from acn_eval.data.examples import Examples, Split
from acn_eval.data.geometry import PrepareImages
from acn_eval.data.open import channel_moments, find_data, open_examples
from acn_eval.data.plain_text import joined
from acn_eval.data.sentences import Sentences, SentenceSpec
from acn_eval.data.tokens import (
    PrepareTokens,
    Vocabulary,
    read_vocabulary,
    trimmed,
    vocabulary_of,
)
from acn_eval.errors import ConfigError, DataError
from acn_eval.models.bert import BertConfig
from acn_eval.models.encoder import Encoder
from acn_eval.training.recipe import Recipe

__all__ = ["fill_from", "open_split", "prepare_for"]

_AND = " + "
_OF_HEADS = {"head", "classes", "branches", "pool"}


def open_split(recipe: Recipe, split: Split, root: Path | None) -> Examples:
    """Open a split of a recipe's data, with the recipe's classes.

    Raises:
        ConfigError: the network has another number of classes.
        DataError: the data is not there.
    """
    if recipe.masked:
        parts = [open_examples(name, split, root) for name in recipe.data.split(_AND)]
        return joined(recipe.data, parts)
    examples = open_examples(recipe.data, split, root)
    if recipe.classes:
        examples = examples.only(recipe.classes)
    if recipe.arch.classes != len(examples.classes):
        have = len(examples.classes)
        msg = f"recipe: arch.classes must be {have} for this data; got {recipe.arch.classes}"
        raise ConfigError(msg)
    return examples


def prepare_for(
    recipe: Recipe, examples: Examples, root: Path | None = None
) -> PrepareImages | PrepareTokens:
    """Return the preparation for a recipe's network, which training examples alone decide.

    Of images it has their moments; of text, the vocabulary of the recipe.

    Raises:
        ConfigError: the vocabulary has another size than the network.
        DataError: there are no examples, a channel is the same everywhere, there is no such
            vocabulary, or the examples are of another modality.
    """
    if not isinstance(recipe.arch, BertConfig):
        geometry = geometry_of(recipe.arch)
        return PrepareImages(geometry, *channel_moments(examples, geometry))
    if not isinstance(examples.inputs, Sentences):
        what = f"must hold sentences, which the network reads; got {examples.inputs.modality}"
        raise DataError(f"{examples.name}: {what}")
    texts = [examples.inputs.texts[i] for i in examples.positions.tolist()]
    vocabulary = _vocabulary(recipe, (text for own in texts for text in own), root)
    if len(vocabulary) != recipe.arch.vocabulary:
        what = f"arch.vocabulary must be {len(vocabulary)} for this data"
        raise ConfigError(f"recipe: {what}; got {recipe.arch.vocabulary}")
    spec = SentenceSpec(len(texts[0]) if texts else 1)
    return PrepareTokens(spec, vocabulary, recipe.arch.positions)


def _vocabulary(recipe: Recipe, texts: Iterable[str], root: Path | None) -> Vocabulary:
    if recipe.start_from:
        return _start_of(recipe, recipe.start_from)[0]
    if (own := recipe.vocabulary) is None:
        return vocabulary_of(texts)
    whole = read_vocabulary(find_data(Path(own.file), root), lowercase=own.lowercase)
    return trimmed(whole, texts) if own.trimmed else whole


def fill_from(network: Encoder, recipe: Recipe) -> str:
    """Fill the parameters below the head from the file of `start_from`; return its sha256.

    Nothing is filled, and "" returned, where a recipe starts from no file.

    Raises:
        CheckpointError: the file is no checkpoint.
        ConfigError: it is of another architecture.
    """
    if not recipe.start_from:
        return ""
    _, old, sha256 = _start_of(recipe, recipe.start_from)
    state = old.state_dict()
    own = {name for name in network.state_dict() if not name.startswith(("head.", "branches."))}
    network.load_state_dict({**network.state_dict(), **{name: state[name] for name in own}})
    return sha256


def _start_of(recipe: Recipe, uri: str) -> tuple[Vocabulary, Encoder, str]:
    """Return vocabulary, network and sha256 of what a recipe starts from."""
    start = load(uri)
    if not isinstance(start.model, Encoder) or not isinstance(start.prepare, PrepareTokens):
        what = "must be a network of ours that reads text"
        raise ConfigError(f"recipe: start_from {what}; {uri} reads {start.prepare.spec.modality}")
    have, want = (
        arch.model_dump(exclude=_OF_HEADS) for arch in (start.model.config, recipe.arch)
    )
    for name in want:
        if have.get(name) != want[name]:
            what = f"arch.{name} must be {have.get(name)}, as start_from has it"
            raise ConfigError(f"recipe: {what}; got {want[name]}")
    return start.prepare.vocabulary, start.model, start.id.sha256
