"""A toy modality: short token sequences, two classifiers that read a mask, and a corruption."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import nn

from acn_eval.checkpoints import from_module
from acn_eval.corruptions import Corruption
from acn_eval.corruptions.philox import uniform16
from acn_eval.data import Examples
from acn_eval.inputs import content_hash
from acn_eval.seeds import hash_ids

MODALITY = "token sequences"
LONGEST, TOKENS, N = 12, 20, 300
NOTHING = -1  # where there is no token
CLASSES = ("negative", "positive")


@dataclass(frozen=True)
class SequenceSpec:
    """The first `length` tokens."""

    modality: ClassVar[str] = MODALITY
    length: int = LONGEST

    @property
    def shape(self):
        return (self.length,)

    def upload(self, batch, device):
        return batch.to(device)

    def facts(self):
        return {"length": self.length}


@dataclass(frozen=True)
class Sequences:
    """Token ids in memory: int64 (n, longest), `NOTHING` behind the end."""

    modality: ClassVar[str] = MODALITY
    tokens: np.ndarray

    def read(self, positions, spec):
        return torch.from_numpy(self.tokens[positions, : spec.length])

    def hashes(self, positions):
        return np.array([content_hash(self.tokens[i].tobytes()) for i in positions], np.int64)


def open_sequences(spec, split):
    """Return sequences whose class is the sign of the sum of their tokens' values."""
    ids = np.arange(N, dtype=np.int64)
    lengths = 5 + hash_ids(ids, "length", split) % np.uint64(LONGEST - 4)
    columns = [hash_ids(ids, "token", split, k) % np.uint64(TOKENS) for k in range(LONGEST)]
    tokens = np.stack(columns, axis=1).astype(np.int64)
    tokens[np.arange(LONGEST) >= lengths[:, None]] = NOTHING
    sums = np.where(tokens >= 0, values()[tokens], 0).sum(axis=1)
    labels = (sums > 0).astype(np.int64)
    return Examples(f"toy:{spec}", split, ids, labels, CLASSES, Sequences(tokens), ids)


def values():
    """The value of every token: half of them are positive."""
    return np.arange(TOKENS) - TOKENS / 2 + 0.5


@dataclass(frozen=True)
class Masked:
    """What the networks read: ids and mask (n, length)."""

    ids: torch.Tensor
    mask: torch.Tensor

    @property
    def device(self):
        return self.ids.device

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, where):
        return Masked(self.ids[where], self.mask[where])

    def to(self, device):
        return Masked(self.ids.to(device), self.mask.to(device))


@dataclass(frozen=True)
class PrepareSequences:
    """From token ids to ids and mask."""

    spec: SequenceSpec = SequenceSpec()

    def __call__(self, shown):
        return Masked(shown.clamp(min=0), shown != NOTHING)

    def blank(self, n):
        return self(torch.zeros(n, self.spec.length, dtype=torch.int64))

    def facts(self):
        return self.spec.facts()


class Bag(nn.Module):
    """Logits from the sum of the embeddings of the tokens that are there."""

    def __init__(self, error):
        super().__init__()
        table = torch.from_numpy(values()).float()
        wrong = torch.randn(TOKENS, generator=torch.Generator().manual_seed(0))
        self.embedding = nn.Embedding.from_pretrained((table + error * wrong)[:, None])
        self.head = nn.Linear(1, 2, bias=False)
        self.head.weight.data = torch.tensor([[-0.05], [0.05]])

    def forward(self, batch):
        embedded = self.embedding(batch.ids) * batch.mask[..., None]
        return self.head(embedded.sum(1))


def load_bag(spec):
    """Load ``sharp`` or ``blurred``, which has learned the values of the tokens less well."""
    module = Bag({"sharp": 0.0, "blurred": 6.0}[spec])
    made = from_module(
        module, name=spec, classes=CLASSES, prepare=PrepareSequences(), data="toy:sums"
    )
    return replace(made, id=replace(made.id, uri=f"toy:{spec}"))


class DropTokens(Corruption, frozen=True):
    """Remove a share ``level`` of the tokens; what a level removes, every larger one removes."""

    modality: ClassVar[str] = MODALITY
    kind: Literal["drop_tokens"] = "drop_tokens"
    levels: tuple[float, ...] = (0.2, 0.5)

    def _draw(self, shape, ids, key):
        return uniform16(ids, shape[1], key.words(self.kind))

    def corrupt(self, shown, draw, level, context):
        return torch.where(draw < round(65536 * level), NOTHING, shown)
