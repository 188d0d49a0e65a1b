"""Transfer: the accuracy of probes of every depth of a frozen network on other data."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from acn_eval.probes import ProtocolName
from acn_eval.studies.robustness.suite import NamedRobustness
from acn_eval.study.suite import Suite

__all__ = ["SUITE", "Transfer"]


class Transfer(Suite, frozen=True):
    """Probes of every depth, in both readings; the primary endpoint is that of the last exit.

    Features are pooled and normed as the network's own head reads them. ``stream`` is the
    readout (in an ACN the sum of all outputs), ``block`` what the next block reads (in an ACN the
    last output alone); in a residual network the two are the same.

    Attributes:
        protocols: how probes are fitted and chosen; the endpoint is that of the first.
        side_by_side: allows several protocols, whose numbers are not comparable.
        block: also probe what the next block reads.
        noise: a robustness suite whose conditions the test images are also shown under; probes
            are fitted on clean images all the same.
    """

    question: ClassVar[str] = "Is the representation worth more?"
    reads_head: ClassVar[bool] = False
    has_losses: ClassVar[bool] = False

    kind: Literal["transfer"] = "transfer"
    protocols: Annotated[tuple[ProtocolName, ...], Field(min_length=1, max_length=100)] = (
        "linear",
    )
    side_by_side: bool = False
    block: bool = True
    noise: NamedRobustness | None = None

    @model_validator(mode="after")
    def _one_protocol(self) -> "Transfer":
        if len(set(self.protocols)) > 1 and not self.side_by_side:
            msg = "protocols must be one, or side_by_side true: their numbers are not comparable"
            raise ValueError(msg)
        return self


SUITE = Transfer
