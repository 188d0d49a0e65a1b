"""The card: what a checkpoint says about itself, stored inside the file."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    model_validator,
)

from acn_eval.config_files import Config, Natural, Seed, Text, WrittenWhereGiven
from acn_eval.data.tokens import LONGEST_PIECE
from acn_eval.models.bert import BertConfig
from acn_eval.models.build import AnyArch
from acn_eval.models.configs import ImageConfig

__all__ = ["Beside", "Card", "NumericFacts", "Start", "Training", "Words"]

_MOST_TOKENS = 2**15
_MOST_LOGITS = 2**28  # of one example: 1 GiB
Mean = Annotated[float, Field(ge=-1000, le=1000)]
Std = Annotated[float, Field(ge=1e-6, le=1000)]
Piece = Annotated[str, Field(min_length=1, max_length=LONGEST_PIECE)]
Beside = Annotated[str, Field(max_length=1000, pattern="^([^:/][^:]*)?$")]
"""The name of a file relative to another: no address, and no place of its own."""

NumericFacts = Annotated[dict[Text, Natural | Text], Field(max_length=100)]


class Start(Config, frozen=True):
    """The file that a training began with.

    Attributes:
        sha256: of the file.
        data: that its network was trained on; "" if unknown.
        steps, tokens: of that training; 0 if unknown.
    """

    sha256: Text
    data: Text = ""
    steps: Natural = 0
    tokens: Natural = 0


class Training(Config, frozen=True):
    """How a checkpoint was made: enough to prove that two had equal budgets.

    Attributes:
        recipe: the whole validated recipe.
        seed: seed of initialization, order and augmentation.
        data_order: name of the order of examples; equal names with equal seeds saw equal batches.
        steps, examples: optimizer steps, and images, sentences or packed sequences seen with
            repetition.
        tokens: of them, without padding, that a network which reads text has seen.
        seconds: wall time of the training.
        selected: ``last``, or ``validation`` with the step that was best on it.
        started_from: the file whose weights were the start; None: all were drawn.
        validation_accuracy: of the selected weights, on `validation_n` held-out examples, or
            masked tokens; of numbers, their correlation with those of the data, at least 0.
        validation_loss: cross entropy of the masked tokens, in nats; squared error of numbers.
        numeric_profile: how its steps were rounded, see `acn_eval.inference.profile`; None in
            older files.
    """

    recipe: dict[str, Any]
    seed: Seed
    data_order: Text
    steps: Natural
    examples: Natural
    tokens: WrittenWhereGiven[Natural] = None
    seconds: Annotated[float, Field(ge=0, le=1e12)]
    selected: Text
    started_from: WrittenWhereGiven[Start] = None
    validation_accuracy: Annotated[float, Field(ge=0, le=1)]
    validation_n: Natural
    validation_loss: WrittenWhereGiven[Annotated[float, Field(ge=0, le=1e6)]] = None
    numeric_profile: NumericFacts | None = None


class Words(Config, frozen=True):
    """How sentences become the tokens that a network reads, see `acn_eval.data.tokens`.

    Attributes:
        vocabulary: the pieces by number.
        lowercase: whether letters lose case and accents.
        longest: tokens of an example, at most; longer ones are cut.
        sentences: of an example, 1 or 2.
    """

    vocabulary: Annotated[tuple[Piece, ...], Field(max_length=2**18)]
    lowercase: bool = True
    longest: Annotated[int, Field(gt=0)]
    sentences: Literal[1, 2] = 1


class Card(Config, frozen=True):
    """What a checkpoint says about itself.

    Attributes:
        arch: the architecture config.
        data: name of the data set that it was trained on.
        data_fingerprint: of its training split.
        classes: names of the classes, in the order of the logits; none of a masked language
            model, which answers with pieces of its vocabulary. One is the name of a number,
            which a network that reads text may answer with.
        named: whether they are names; otherwise they are "0", "1", ...
        mean, std: normalization of images per channel, in units of [0, 1].
        crop_pct: share that the center crop keeps of an image that Pillow resized, as foreign
            networks are shown them; None: all of it, resized by torch.
        words: how text is read; None for a network that reads images.
        pair: file of the twin that a comparison takes by default, relative to this file.
        training: how it was made, if known.
        origin: the file that it was made from, if it was cut or pruned, and how.
    """

    arch: AnyArch
    data: Text
    data_fingerprint: Text = ""
    classes: tuple[Text, ...]
    named: bool = True
    mean: WrittenWhereGiven[tuple[Mean, ...]] = None
    std: WrittenWhereGiven[tuple[Std, ...]] = None
    crop_pct: WrittenWhereGiven[Annotated[float, Field(ge=0.1, le=1)]] = None
    words: WrittenWhereGiven[Words] = None
    pair: Beside | None = None
    training: Training | None = None
    origin: Text = ""

    @property
    def answers(self) -> tuple[str, ...]:
        """What the logits stand for: classes, or the pieces of a masked language model."""
        return self.classes or (self.words.vocabulary if self.words else ())

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        answers = self.answers
        least = 2 if isinstance(self.arch, ImageConfig) else 1
        if not least <= len(answers) == len(set(answers)) == self.arch.classes:
            have = self.arch.classes
            msg = f"classes must be {have} different names, one per logit, at least {least}"
            raise ValueError(msg)
        if isinstance(self.arch, ImageConfig):
            _check_images(self, self.arch)
        else:
            _check_words(self, self.arch)
        return self


def _check_images(card: Card, arch: ImageConfig) -> None:
    if card.words is not None or not len(card.mean or ()) == len(card.std or ()) == arch.channels:
        raise ValueError(f"mean and std must be {arch.channels} numbers, one per channel")
    if arch.tokens > _MOST_TOKENS:
        raise ValueError(f"a network must read at most {_MOST_TOKENS:,} tokens")


def _check_words(card: Card, arch: BertConfig) -> None:
    words, framed = card.words, (card.mean, card.std, card.crop_pct) != (None, None, None)
    if words is None or framed or len(words.vocabulary) != arch.vocabulary:
        msg = f"words must have a vocabulary of {arch.vocabulary} pieces, in place of mean and std"
        raise ValueError(msg)
    if words.sentences > arch.segments:
        raise ValueError(f"sentences must be at most {arch.segments}, the network's segments")
    if words.longest > arch.positions:
        raise ValueError(f"words must be at most {arch.positions} tokens, the network's positions")
    if (arch.head == "mlm") == bool(card.classes):
        raise ValueError("classes must be named for a classifier, and for nothing else")
    if arch.head == "mlm" and words.longest * arch.vocabulary > _MOST_LOGITS:
        raise ValueError(f"logits of one example must be at most {_MOST_LOGITS:,}")
