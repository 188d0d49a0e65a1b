"""Random bits from a key and a counter: Philox4x32-10 in plain integer tensor operations."""

import torch
from torch import Tensor

__all__ = ["philox4x32", "uniform16"]

_LOW = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_HALVES = 8
# Counters at a time on a CPU: the tensors of a round, 128 KiB each, stay in its caches.
_CHUNK = 1 << 14

Counter = tuple[Tensor, Tensor, Tensor, Tensor]


def philox4x32(counter: Counter, key: Tensor) -> Counter:
    """Encrypt 128-bit counters with a 64-bit key: four random 32-bit words each.

    A word is an int64 tensor in [0, 2^32); the four of a counter broadcast against each other,
    and the key is a pair, int64 (2,). A key on the CPU serves counters on any device.

    A round maps ``(c0, c1, c2, c3)`` to
    ``(hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0))``.

    Reference: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.
    """
    c0, c1, c2, c3 = counter
    rounds = torch.arange(_ROUNDS, device=key.device)[:, None]
    schedule = key + torch.tensor(_WEYL, device=key.device) * rounds & _LOW
    for k0, k1 in zip(*schedule.T.unbind(), strict=True):
        # An int64 product wraps, but its 64 bits are those of the unsigned product; the mask
        # removes what the arithmetic shift drags in. c1 and c3 keep rubbish above their low
        # 32 bits: they are only ever XORed before a mask.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0 = ((p1 >> 32) ^ c1).bitwise_xor_(k0).bitwise_and_(_LOW)
        c2 = ((p0 >> 32) ^ c3).bitwise_xor_(k1).bitwise_and_(_LOW)
        c1, c3 = p1, p0
    return c0, c1 & _LOW, c2, c3 & _LOW


def uniform16(ids: Tensor, n: int, key: Tensor, places: Tensor | None = None) -> Tensor:
    """Return n uniform 16-bit integers per image: int32 (B, n) in [0, 65536).

    Element e of image i is the half-word ``e % 8`` (low half first) of the Philox block with
    counter ``(e // 8, id low, id high, place)``: a function of key, id, place and e alone. The
    ids, int64 (B,), may be any; the key, int64 (2,), is two 32-bit words. Places, int64 (B,) from
    0, tell rows of one id apart, such as its tokens; without them all are 0.
    """
    rows = max(1, _CHUNK * _HALVES // n)
    places = torch.zeros_like(ids) if places is None else places
    if torch.compiler.is_compiling() or ids.device.type != "cpu" or len(ids) <= rows:
        return _halves(ids, n, key, places)
    spans = (slice(start, start + rows) for start in range(0, len(ids), rows))
    return torch.cat([_halves(ids[span], n, key, places[span]) for span in spans])


def _halves(ids: Tensor, n: int, key: Tensor, places: Tensor) -> Tensor:
    ids = ids[:, None]
    blocks = torch.arange(-(-n // _HALVES), dtype=torch.int64, device=ids.device)[None]
    # Words that differ only by image, or only by block, stay small for the first two rounds.
    counter = (blocks, ids & _LOW, (ids >> 32) & _LOW, places[:, None])
    c0, c1, c2, c3 = philox4x32(counter, key)
    # 64 bits of a block at a time are its half-words in their order, low half first.
    pairs = torch.stack([c1 << 32 | c0, c3 << 32 | c2], dim=-1)
    return pairs.view(torch.int16).flatten(1)[:, :n].int().bitwise_and_(0xFFFF)
