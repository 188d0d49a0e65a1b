"""Random bits from a key and a counter: Philox4x32-10 in plain integer tensor operations."""

import torch
from torch import Tensor

__all__ = ["philox4x32", "uniform16"]

_LOW = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_HALVES = 8
# Counters at a time on a CPU: 2 MiB a tensor bounds the working memory for large images.
_CHUNK = 1 << 18

Counter = tuple[Tensor, Tensor, Tensor, Tensor]


def philox4x32(counter: Counter, key: tuple[int, int]) -> Counter:
    """Encrypt a 128-bit counter with a 64-bit key: four random 32-bit words.

    Each word is an int64 tensor whose low 32 bits count; the four broadcast against each other.
    A round maps ``(c0, c1, c2, c3)`` to
    ``(hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0))``.

    Reference: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        # An int64 product wraps, but its 64 bits are those of the unsigned product; the mask
        # removes what the arithmetic shift drags in. c1 and c3 keep rubbish above their low
        # 32 bits: they are only ever XORed before a mask.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0 = ((p1 >> 32) ^ c1).bitwise_xor_(k0).bitwise_and_(_LOW)
        c2 = ((p0 >> 32) ^ c3).bitwise_xor_(k1).bitwise_and_(_LOW)
        c1, c3 = p1, p0
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return c0, c1 & _LOW, c2, c3 & _LOW


def uniform16(ids: Tensor, n: int, key: tuple[int, int]) -> Tensor:
    """Return n uniform 16-bit integers per image: int64 (B, n) in [0, 65536).

    Element e of image i is the half-word ``e % 8`` (low half first) of the Philox block with
    counter ``(e // 8, id low, id high, 0)``: a function of key, id and e alone.

    Args:
        ids: int64 (B,), any 64-bit value.
        n: how many per image.
        key: two 32-bit words.
    """
    rows = max(1, _CHUNK * _HALVES // n)
    if torch.compiler.is_compiling() or ids.device.type != "cpu" or len(ids) <= rows:
        return _halves(ids, n, key)
    return torch.cat([_halves(ids[i : i + rows], n, key) for i in range(0, len(ids), rows)])


def _halves(ids: Tensor, n: int, key: tuple[int, int]) -> Tensor:
    ids = ids[:, None]
    blocks = torch.arange(-(-n // _HALVES), dtype=torch.int64, device=ids.device)[None]
    # Words that differ only by image, or only by block, stay small for the first two rounds.
    counter = (blocks, ids & _LOW, (ids >> 32) & _LOW, torch.zeros_like(ids))
    w0, w1, w2, w3 = philox4x32(counter, key)
    # Every device that torch runs on is little-endian: the view lists w0 low, w0 high, w1 low, ...
    pairs = torch.stack((w0 | (w1 << 32), w2 | (w3 << 32)), dim=-1)
    halves = pairs.view(torch.int16).flatten(1)[:, :n]
    return halves.to(torch.int64).bitwise_and_(0xFFFF)
