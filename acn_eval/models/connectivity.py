"""Connectivity, the one idea that the compared networks differ in.

A connectivity is two choices: what the next unit reads, and what is read out. A unit is a block
or, at the finer grain, one of its sub-layers. The table is `CONNECTIVITIES`.

acn_direct reads x_0 over the long connection alone: with the class token as readout, the patch
projection gets no gradient and stays as it was initialized; pool="mean" trains it.

Beside it stand the inner skips: the skips that a block keeps around its own sub-layers where it is
wired as a whole (see `acn_eval.models.encoder.Block`).

Sources: "Auto-Compressing Networks" (arXiv 2506.09714) section 3 for the first four; Srivastava et
al., "Highway Networks", 2015; Pagliardini et al., "DenseFormer", 2024 (depth-weighted average);
Huang et al., "Densely Connected Convolutional Networks", 2017 (concatenation, here with a linear
projection back to the width so that all exits share one head). hybrid is our form of what a
follow-up of the paper discusses: r_i is the sum of all outputs so far, which is read out; the next
unit reads x_i + a_i r_{i-1} with a trained number a_i, where 0, its start, is acn and 1 residual.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

__all__ = [
    "CONNECTIVITIES",
    "Connectivity",
    "ConnectivityName",
    "Grain",
    "Skips",
    "Stream",
    "streams",
]

ConnectivityName = Literal[
    "residual", "acn", "ffn", "acn_direct", "hybrid", "highway", "denseformer", "concat"
]
Grain = Literal["block", "sublayer"]
Skips = Literal["none", "attention", "mlp", "both"]
"""Of a block: around token mixing (attention), around channel mixing (the MLP), or both."""
Unit = Callable[[Tensor], Tensor]


class Stream(NamedTuple):
    """What is known after a unit: what it passes on, the combination so far, all outputs."""

    last: Tensor
    combined: Tensor
    past: tuple[Tensor, ...]


class Combination(nn.Module):
    """Keeps what is read out; built with (units, width), and called with (i, before, output)."""

    def passed_on(self, i: int, before: Stream, output: Tensor) -> Tensor:
        """Return what the chain passes on after unit i: its output."""
        return output


class Sum(Combination):
    """x_0 + x_1 + ... + x_i, unweighted."""

    def __init__(self, units: int, width: int) -> None:
        super().__init__()

    def forward(self, i: int, before: Stream, output: Tensor) -> Tensor:
        return before.combined + output


class Hybrid(Sum):
    """The sum; x_i + a_i r_{i-1} is passed on, with a trained number a_i per unit but the last."""

    def __init__(self, units: int, width: int) -> None:
        super().__init__(units, width)
        self.shares = nn.ParameterList(torch.zeros(1) for _ in range(units - 1))

    def reset_parameters(self) -> None:
        """Start as the ACN."""
        for share in self.shares:
            nn.init.zeros_(share)

    def passed_on(self, i: int, before: Stream, output: Tensor) -> Tensor:
        """Return x_i + a_i r_{i-1}."""
        if i == len(self.shares):  # nothing reads it
            return output
        mixed: Tensor = output + self.shares[i] * before.combined
        return mixed


class Highway(Combination):
    """t * x_i + (1 - t) * r_{i-1} with the gate t = sigmoid(W_i r_{i-1} + b_i), b_i from -1."""

    def __init__(self, units: int, width: int) -> None:
        super().__init__()
        self.gates = nn.ModuleList(nn.Linear(width, width) for _ in range(units))

    def reset_parameters(self) -> None:
        """Start close to carrying, as the authors of highway networks advise."""
        for gate in self.gates:
            nn.init.constant_(gate.get_parameter("bias"), -1.0)

    def forward(self, i: int, before: Stream, output: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gates[i](before.combined))
        return before.combined + gate * (output - before.combined)


class DepthWeighted(Combination):
    """sum_j a_ij x_j over all outputs so far, starting at the last one (DenseFormer)."""

    def __init__(self, units: int, width: int) -> None:
        super().__init__()
        self.weights = nn.ParameterList(torch.zeros(i + 2) for i in range(units))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as the identity: all weight on the last output."""
        for weight in self.weights:
            nn.init.zeros_(weight)
            nn.init.ones_(weight[-1:])

    def forward(self, i: int, before: Stream, output: Tensor) -> Tensor:
        outputs = (*before.past, output)
        total: Tensor = self.weights[i][0] * outputs[0]
        for j, x in enumerate(outputs[1:], start=1):
            total = total + self.weights[i][j] * x
        return total


class Concat(Combination):
    """W_i [x_0, ..., x_i]: a linear projection of the concatenation back to the width."""

    def __init__(self, units: int, width: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Linear((i + 2) * width, width) for i in range(units))

    def forward(self, i: int, before: Stream, output: Tensor) -> Tensor:
        projected: Tensor = self.projections[i](torch.cat((*before.past, output), dim=-1))
        return projected


@dataclass(frozen=True)
class Connectivity:
    """One row of `CONNECTIVITIES`.

    Attributes:
        reads: what the next unit reads.
        readout: what norm and head read at an exit.
        combine: the module that keeps the combination.
        grain: the usual unit: whole blocks or their sub-layers.
        skips: the usual inner skips of a whole block.
    """

    reads: Callable[[Stream], Tensor]
    readout: Callable[[Stream], Tensor]
    combine: Callable[[int, int], Combination]
    grain: Grain
    skips: Skips = "none"


_last, _combined = attrgetter("last"), attrgetter("combined")


def _detached(stream: Stream) -> Tensor:
    return stream.last.detach()


CONNECTIVITIES: dict[ConnectivityName, Connectivity] = {
    "residual": Connectivity(_combined, _combined, Sum, "sublayer"),
    "acn": Connectivity(_last, _combined, Sum, "block"),
    "ffn": Connectivity(_last, _last, Sum, "block"),
    "acn_direct": Connectivity(_detached, _combined, Sum, "block"),
    "hybrid": Connectivity(_last, _combined, Hybrid, "block"),
    "highway": Connectivity(_combined, _combined, Highway, "sublayer"),
    "denseformer": Connectivity(_combined, _combined, DepthWeighted, "block", "both"),
    "concat": Connectivity(_combined, _combined, Concat, "block", "both"),
}


def streams(
    x: Tensor, units: Sequence[Unit], connectivity: Connectivity, combine: Combination
) -> Iterator[Stream]:
    """Yield what is known before the first unit, where all is x_0, and then after every unit.

    The row says what to take of it: ``connectivity.readout`` or ``connectivity.reads``.

    Args:
        x: the input embedding (batch, tokens, width).
        units: the functions f_1 .. f_U, each from and to (batch, tokens, width).
        connectivity: the row of the table.
        combine: its combining module, built for these units.
    """
    keep_past = isinstance(combine, DepthWeighted | Concat)
    stream = Stream(x, x, (x,) if keep_past else ())
    yield stream
    for i, unit in enumerate(units):
        output = unit(connectivity.reads(stream))
        past = (*stream.past, output) if keep_past else ()
        passed_on = combine.passed_on(i, stream, output)
        stream = Stream(passed_on, combine(i, stream, output), past)
        yield stream
