"""Noise on embeddings: sentences stay as they are, and the network adds it to their embeddings.

An element is a dimension of a token, both counted from 0 in the tokens of the network that reads
them: numbers do not depend on batch, order and padding, but networks with other vocabularies have
other tokens, and those of other widths more or fewer dimensions.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor

from acn_eval.corruptions.base import Context, Corruption, Levels, NoiseKey
from acn_eval.corruptions.noise import quantile_table
from acn_eval.corruptions.philox import uniform16
from acn_eval.texts import SentenceBatch
from acn_eval.tokens import EmbeddingNoise

__all__ = ["EmbeddingGaussian"]


class EmbeddingGaussian(Corruption, frozen=True):
    """Gaussian noise on the embeddings of words, of ``level`` times their std in the example.

    Embeddings are what the first block of a network reads. Their standard deviation, without
    noise, is over all words of the example and all dimensions, divided by their number. Tokens
    around sentences, [CLS], [SEP] and [PAD], are neither counted nor changed.

    Attributes:
        levels: sigma, in units of that standard deviation.
    """

    modality: ClassVar[str] = "sentences"
    inside: ClassVar[bool] = True
    kind: Literal["embedding_gaussian"] = "embedding_gaussian"
    levels: Levels = (0.1, 0.2, 0.4)

    def _draw(self, shape: Sequence[int], ids: Tensor, key: NoiseKey) -> Tensor:
        """Return int64 (n, 3), id and key: how many numbers there are only the network knows."""
        words = key.words(self.kind).to(ids.device)
        return torch.cat([ids[:, None], words.expand(len(ids), 2)], dim=1)

    def corrupt(
        self, shown: SentenceBatch, draw: Tensor | None, level: float, context: Context
    ) -> SentenceBatch:
        """Return the same sentences, whose embeddings are to get noise."""
        assert draw is not None
        return replace(shown, noise=EmbeddingNoise(draw, partial(_noisy, sigma=level)))


def _noisy(x: Tensor, draw: Tensor, words: Tensor, *, sigma: float) -> Tensor:
    """Add noise to the words, bool (n, tokens), of embeddings (n, tokens, width)."""
    example, place = words.nonzero(as_tuple=True)
    index = uniform16(draw[example, 0], x.shape[2], draw[0, 1:], place)
    z = quantile_table((sigma,), x.device).index_select(0, index.flatten()).view_as(index)
    scale = _spread(x, words)[example, None]
    return x.index_put((example, place), x[example, place] + scale * z)


def _spread(x: Tensor, words: Tensor) -> Tensor:
    """Return the standard deviation (n,) over words and dimensions of every example."""
    own, count = words[..., None], words.sum(1) * x.shape[2]
    mean = (x * own).sum((1, 2)) / count
    return (((x - mean[:, None, None]) * own).square().sum((1, 2)) / count).sqrt()
