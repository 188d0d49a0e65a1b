"""What a recipe's network learns from: splits of its data, and how they are prepared."""

from collections.abc import Iterable
from pathlib import Path

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
from acn_eval.training.recipe import Recipe

__all__ = ["open_split", "prepare_for", "unlabeled"]

_AND = " + "


def open_split(
    recipe: Recipe, split: Split, root: Path | None, *, reads_numbers: bool = False
) -> Examples:
    """Open a split of a recipe's data, with the recipe's classes.

    Raises:
        ConfigError: the network has another number of classes.
        DataError: the data is not there, or states numbers, unless it `reads_numbers`.
    """
    if recipe.masked:
        return unlabeled(recipe.data, split, root)
    examples = open_examples(recipe.data, split, root)
    if recipe.classes:
        examples = examples.only(recipe.classes)
    have, numbers = len(examples.classes), examples.targets is not None
    if recipe.arch.classes != have:
        msg = f"recipe: arch.classes must be {have} for this data; got {recipe.arch.classes}"
        raise ConfigError(msg)
    if have == 1 and not numbers:
        raise ConfigError(f"recipe: classes must be two or more; got {examples.classes[0]}")
    return examples if reads_numbers else examples.classified()


def unlabeled(data: str, split: Split, root: Path | None) -> Examples:
    """Open a split of data without their classes; several are joined by `` + ``.

    Raises:
        DataError: the data is not there, or holds no sentences.
    """
    return joined(data, [open_examples(name, split, root) for name in data.split(_AND)])


def prepare_for(
    recipe: Recipe,
    examples: Examples,
    root: Path | None = None,
    vocabulary: Vocabulary | None = None,
) -> PrepareImages | PrepareTokens:
    """Return the preparation for a recipe's network, which training examples alone decide.

    Of images it has their moments; of text a vocabulary: the one that is given, or the recipe's.

    Raises:
        ConfigError: the vocabulary has another size than the network, or is that of a file to
            start from and was not given.
        DataError: there are no examples, a channel is the same everywhere, there is no such
            vocabulary, or the examples are of another modality.
    """
    if not isinstance(recipe.arch, BertConfig):
        geometry = geometry_of(recipe.arch)
        return PrepareImages(geometry, *channel_moments(examples, geometry))
    texts = _texts(examples)
    vocabulary = vocabulary or _vocabulary(recipe, (t for own in texts for t in own), root)
    if len(vocabulary) != recipe.arch.vocabulary:
        what = f"arch.vocabulary must be {len(vocabulary)} for this data"
        raise ConfigError(f"recipe: {what}; got {recipe.arch.vocabulary}")
    spec = SentenceSpec(len(texts[0]) if texts else 1)
    return PrepareTokens(spec, vocabulary, recipe.arch.positions)


def _vocabulary(recipe: Recipe, texts: Iterable[str], root: Path | None) -> Vocabulary:
    if recipe.start_from:
        raise ConfigError("recipe: start_from must be left to `acn-eval train`; here is none")
    if (own := recipe.vocabulary) is None:
        return vocabulary_of(texts)
    if isinstance(own.trimmed, str):
        other = _texts(open_examples(own.trimmed, "train", root))
        texts = (text for sentences in other for text in sentences)
    if own.file is None:
        return vocabulary_of(texts)
    whole = read_vocabulary(find_data(Path(own.file), root), lowercase=own.lowercase)
    return trimmed(whole, texts) if own.trimmed else whole


def _texts(examples: Examples) -> list[tuple[str, ...]]:
    if not isinstance(examples.inputs, Sentences):
        what = f"must hold sentences, which the network reads; got {examples.inputs.modality}"
        raise DataError(f"{examples.name}: {what}")
    return [examples.inputs.texts[i] for i in examples.positions.tolist()]
