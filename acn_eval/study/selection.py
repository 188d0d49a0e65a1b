"""The selection of examples, which is read without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acn_eval.inference import ClassOrder

__all__ = ["DataSelection"]


@dataclass(frozen=True)
class DataSelection:
    """Which examples, and how their classes correspond to those of the model.

    Attributes:
        data: name of the data set; "" takes what the checkpoints' cards name.
        root: folder where data sets lie; None takes ACN_EVAL_DATA or ``./data``.
        limit: the first so many in the keyed order; None takes all.
        classes: keep these classes of the data only, by name, or by position as in ``"0-4"``;
            empty takes all.
        class_names: class of the data to class of the model, where the names differ; None leaves
            the class out.
        class_order: how a model counts that does not name its classes; see `class_map`.
        restricted: predict among the classes of the data only.
    """

    data: str = ""
    root: Path | None = None
    limit: int | None = None
    classes: tuple[str, ...] = ()
    class_names: Mapping[str, str | None] = field(default_factory=dict)
    class_order: "ClassOrder | None" = None
    restricted: bool = False
