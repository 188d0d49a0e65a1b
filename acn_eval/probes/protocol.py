"""Named protocols: how a probe is fitted and chosen, as published; numbers of two never mix."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["PROTOCOLS", "FineTune", "Protocol", "ProtocolName", "Scale"]

Scale = Literal["none", "standardise", "l2"]
"""What is done to features before a probe reads them; ``l2`` is unit length."""
ProtocolName = Literal[
    "linear", "ridge", "clip-a3", "dinov2-logreg", "ridge-fewshot", "knn", "acn-paper"
]


def _penalties(first: float, last: float, many: int) -> tuple[float, ...]:
    """Return penalties from ``10^first`` to ``10^last``, evenly spaced in the logarithm."""
    return tuple(np.logspace(first, last, many).tolist())


@dataclass(frozen=True)
class FineTune:
    """The fine-tuning of a whole network: AdamW, warm-up of a tenth, cosine to 0, last weights."""

    steps: int = 300
    batch: int = 64
    learning_rate: float = 1e-3


@dataclass(frozen=True)
class Protocol:
    """Everything that decides the numbers of a probe.

    Attributes:
        version: raised whenever its numbers change.
        source: where it is published, and what differs here.
        scale: applied to the features first, with the moments of the training images.
        penalties: strongest first; one is chosen on validation. For the objectives see
            `logistic_path` and `ridge_path`.
        tenth: hold out a tenth of train + validation, instead of the data's own validation.
        merge: fit the chosen penalty once more on train and validation together.
        tolerance: of the logistic solver, see `logistic_path`.
        shots: training images per class, nested, in so many `draws`; empty takes all.
        fine_tune: also fine-tune the whole network with a new head; None does not.
    """

    name: ProtocolName
    solver: Literal["logistic", "ridge", "knn"]
    source: str
    version: int = 1
    scale: Scale = "none"
    penalties: tuple[float, ...] = (1.0,)
    tenth: bool = False
    merge: bool = True
    tolerance: float = 1e-6
    shots: tuple[int, ...] = ()
    draws: int = 1
    fine_tune: FineTune | None = None

    @property
    def label(self) -> str:
        """Name and version, as in the condition of every cell."""
        return f"{self.name}-{self.version}"

    def facts(self) -> dict[str, Any]:
        """Return plain types for the result."""
        return {**asdict(self), "penalties": list(self.penalties), "shots": list(self.shots)}


_PROTOCOLS = (
    Protocol(
        name="linear",
        solver="logistic",
        source="ours: 13 penalties on standardized features, chosen on validation",
        scale="standardise",
        penalties=_penalties(4, -2, 13),
    ),
    Protocol(
        name="ridge",
        solver="ridge",
        source="ours: closed form, for a first look at every depth of large data",
        scale="standardise",
        penalties=_penalties(6, -2, 17),
    ),
    Protocol(
        name="clip-a3",
        solver="logistic",
        source="Radford et al. 2021, appendix A.3; all 96 penalties, not a binary search",
        penalties=_penalties(6, -6, 96),
        tolerance=1e-4,
    ),
    Protocol(
        name="dinov2-logreg",
        solver="logistic",
        source="Oquab et al. 2023, log_regression.py: 45 C, 1e-6 to 1e5; to 1e-6, not 1e-12",
        penalties=_penalties(6, -5, 45),
        tenth=True,
    ),
    Protocol(
        name="ridge-fewshot",
        solver="ridge",
        source="big_vision, fewshot_lsr.py: l2 = 2^10; the bias is not penalised at all",
        scale="standardise",
        penalties=(2.0**10,),
        merge=False,
        shots=(1, 5, 10, 25),
        draws=3,
    ),
    Protocol(
        name="knn",
        solver="knn",
        source="DINO (Caron et al. 2021): cosine, 20 votes, temperature 0.07",
        scale="l2",
        merge=False,
    ),
    Protocol(
        name="acn-paper",
        solver="logistic",
        source="ACN paper, transfer table, which does not say whether it is a probe or fine-tuned",
        scale="standardise",
        penalties=_penalties(4, -2, 13),
        fine_tune=FineTune(),
    ),
)
PROTOCOLS: dict[ProtocolName, Protocol] = {protocol.name: protocol for protocol in _PROTOCOLS}
"""Every protocol by name."""
