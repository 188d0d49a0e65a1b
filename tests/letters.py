"""A network that reads sentences, made in a moment."""

import torch

from acn_eval.checkpoints import from_module
from acn_eval.data.sentences import SentenceSpec
from acn_eval.data.tokens import SPECIAL, PrepareTokens, Vocabulary

__all__ = ["reader"]

ALPHABET = [chr(number) for number in range(ord("a"), ord("z") + 1)]
VOCABULARY = Vocabulary((*SPECIAL, *ALPHABET, *(f"##{letter}" for letter in ALPHABET)))


class Letters(torch.nn.Module):
    """Two logits from the numbers of the tokens."""

    def forward(self, tokens):
        total = (tokens.ids * tokens.mask).sum(1).float()
        return torch.stack([total % 3, total % 5], dim=1)


def reader(device, classes=("negative", "positive"), longest=64):
    """Return a checkpoint in memory that reads so many letters."""
    prepare = PrepareTokens(SentenceSpec(), VOCABULARY, longest)
    module = Letters().to(device)
    return from_module(module, name="letters", classes=classes, prepare=prepare, data="text")
