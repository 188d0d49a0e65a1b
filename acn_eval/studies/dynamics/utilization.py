"""How much every layer is used: deleted blocks, stable rank and similarity of features."""

import numpy as np
from numpy.typing import NDArray

from acn_eval.errors import Unsupported
from acn_eval.models import Encoder, build

__all__ = ["linear_cka", "stable_rank", "without"]

Matrix = NDArray[np.float64]


def without(network: Encoder, block: int) -> Encoder:
    """Return a new network that lacks one block, 1 .. L; nothing is retrained.

    The next block reads what the deleted one would have read, and the deleted output is missing
    in a readout that is a sum. Branch heads are dropped.

    Raises:
        Unsupported: the combination has parameters, which belong to a fixed number of units.
    """
    config, state = network.config, network.state_dict()
    if any(name.startswith("combine.") for name in state):
        msg = f"{config.connectivity}: a block cannot be deleted, the combination counts on it"
        raise Unsupported(msg)
    fewer = config.model_copy(update={"depth": config.depth - 1, "branches": ()})
    cut = build(fewer)  # type: ignore[arg-type]
    kept = [k for k in range(config.depth) if k != block - 1]
    cut.load_state_dict({name: state[_origin(name, kept)] for name in cut.state_dict()})
    return cut.to(next(network.parameters())).train(network.training)


def stable_rank(x: Matrix) -> float:
    """Return ``|X|_F^2 / |X|_2^2`` of features (n, width), each centered; NaN if all are constant.

    Between 1 (one direction) and the rank (all directions alike), and insensitive to small
    singular values (Rudelson and Vershynin, "Sampling from large matrices", 2007).
    """
    squares = np.linalg.svd(_centered(x), compute_uv=False) ** 2
    return float(squares.sum() / squares[0]) if squares[0] > 0 else float("nan")


def linear_cka(x: Matrix, y: Matrix) -> float:
    """Return ``|Y'X|_F^2 / (|X'X|_F |Y'Y|_F)`` of centered features (n, width) of the same images.

    1 where one is a rotation and a scaling of the other; NaN if either is constant (Kornblith et
    al., "Similarity of neural network representations revisited", 2019). The plain estimate: it
    is above 0 for unrelated features when there are not many more images than features.
    """
    x, y = _centered(x), _centered(y)
    size = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(y.T @ x) ** 2 / size) if size > 0 else float("nan")


def _origin(name: str, kept: list[int]) -> str:
    """Return a parameter's name in the whole network: ``blocks.2.`` may come from 3."""
    top, _, rest = name.partition(".")
    number, _, own = rest.partition(".")
    return f"{top}.{kept[int(number)]}.{own}" if top == "blocks" else name


def _centered(x: Matrix) -> Matrix:
    """Subtract the mean; features that differ by rounding alone are constant."""
    centered = x - x.mean(axis=0)
    constant = np.linalg.norm(centered) <= 1e-6 * np.linalg.norm(x)
    return np.zeros_like(centered) if constant else centered
