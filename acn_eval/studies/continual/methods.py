"""Methods of learning tasks in turn: both bounds, and methods against forgetting."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from acn_eval.config_files import Config, Text
from acn_eval.training.recipe import Batch

__all__ = ["EWC", "SI", "AnyMethod", "Joint", "Method", "Naive", "Replay"]

_DAMPING = {"zenke": 1e-3, "mammoth": 1.0, "vandeven": 0.1}
_IMAGES = 200
Strength = Annotated[float, Field(ge=0, le=1e9)]


class Method(Config, frozen=True):
    """A way to learn tasks in turn."""

    method: str

    @property
    def label(self) -> str:
        """Name for tables, with every setting that differs from the default."""
        return self.method


class Naive(Method, frozen=True):
    """Every task is trained as if it were the only one: the lower bound."""

    method: Literal["naive"] = "naive"


class Joint(Method, frozen=True):
    """All tasks at once, for as many steps as the others have in all: the upper bound."""

    method: Literal["joint"] = "joint"


class Replay(Method, frozen=True):
    """Every step also sees images of earlier tasks (Chaudhry et al., 2019).

    Attributes:
        per_class: images that are remembered of every class, drawn by the seed.
        batch: remembered images per step, beside those of the task; None takes as many.
    """

    method: Literal["replay"] = "replay"
    per_class: Annotated[int, Field(gt=0, le=1_000_000)] = 20
    batch: Batch | None = None

    @property
    def label(self) -> str:
        """Name for tables."""
        beside = "" if self.batch is None else f" batch={self.batch}"
        return f"replay {self.per_class}{beside}"


class SI(Method, frozen=True):
    """SI, a quadratic pull to the weights after the last task, by each weight's path integral.

    Three implementations with this name differ; `regularizers.Synaptic` has their formulas.

    Attributes:
        variant: ``zenke`` (Zenke et al., 2017, and their code), ``mammoth`` or ``vandeven``
            (the code bases of Buzzega et al. and of van de Ven et al.).
        c: strength; the paper's lambda is taken to be this.
        xi: damping; None takes that of the variant, 1e-3, 1 or 0.1.
    """

    method: Literal["si"] = "si"
    variant: Literal["zenke", "mammoth", "vandeven"] = "zenke"
    c: Strength = 1.0
    xi: Annotated[float, Field(gt=0, le=1e9)] | None = None

    @property
    def damping(self) -> float:
        """The damping of the variant, unless xi replaces it."""
        return _DAMPING[self.variant] if self.xi is None else self.xi

    @property
    def label(self) -> str:
        """Name for tables."""
        damped = "" if self.xi is None else f" xi={self.xi:g}"
        return f"si {self.variant} c={self.c:g}{damped}"


class EWC(Method, frozen=True):
    """EWC, one quadratic pull per finished task, by Fisher information (Kirkpatrick et al., 2017).

    Attributes:
        strength: lambda of the penalty ``lambda / 2 sum_k F_k (w - w_k)^2``.
        images: of a task, drawn by the seed, on which the diagonal of F is computed exactly,
            over all classes that the loss reads.
    """

    method: Literal["ewc"] = "ewc"
    strength: Strength = 100.0
    images: Annotated[int, Field(gt=0, le=10_000_000)] = _IMAGES

    @property
    def label(self) -> str:
        """Name for tables."""
        looked = "" if self.images == _IMAGES else f" images={self.images}"
        return f"ewc {self.strength:g}{looked}"


def _named(value: Any) -> Any:
    return {"method": value} if isinstance(value, str) else value


AnyMethod = Annotated[
    Annotated[Naive | Joint | Replay | SI | EWC, Field(discriminator="method")],
    BeforeValidator(_named, json_schema_input_type=Text | dict[str, Any]),
]
"""Every method, chosen by ``method``; its name alone takes the defaults."""
