"""The fields of ``evaluator_config``, and the metadata of a logged model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field

from acn_eval.config_files import Config, Seed, recorded
from acn_eval.errors import ConfigError
from acn_eval.inference import ClassOrder

__all__ = ["METADATA", "Plan", "Reads", "reads_of"]

METADATA = "acn_eval"
_T = TypeVar("_T", bound=BaseModel)


class Reads(Config, frozen=True):
    """The input and output of a network.

    A model may carry it: ``mlflow.pytorch.log_model(..., metadata={"acn_eval": {...}})``.

    Attributes:
        size: height and width of the input; None means those of the images.
        channels: 1 or 3; None means those of the images.
        mean, std: per channel in [0, 1], subtracted and divided by; empty leaves [0, 1].
        classes: names in the order of the logits; empty where the logits have no names.
        name: in tables and in the record, so two networks need two names.
    """

    size: Annotated[int, Field(ge=1, le=4096)] | None = None
    channels: Annotated[int, Field(ge=1)] | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()
    name: str = ""


class Plan(Reads, frozen=True, arbitrary_types_allowed=True):
    """The ``evaluator_config`` of one evaluation; fields of `Reads` override the model's own.

    Attributes:
        suite: name of a shipped suite, or path of a YAML.
        data: name of a data set, whose test split is measured; "" measures the rows that are
            given to ``mlflow.models.evaluate``.
        image: (height, width, channels) of such a row.
        class_order: order of logits without names: ``position``, as the classes of the data, or
            ``name``, logit i is the class called i.
        limit: number of images, the first in the keyed order.
        baseline: an address of acn-eval (``res_vit.pt``, ``timm:...``), a torch module, or what
            ``mlflow.pyfunc.load_model`` returned.
        baseline_arch: of a baseline that is one of the authors' files: ``official/vit``, see
            `acn_eval.checkpoints.load`.
        seed: of the noise.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
    """

    suite: str
    data: str = ""
    data_root: Path | None = None
    image: tuple[int, int, int] | None = None
    class_order: ClassOrder | None = None
    limit: Annotated[int, Field(ge=1)] | None = None
    baseline: Any = None
    baseline_arch: str | None = None
    seed: Seed = 0
    device: str = "auto"

    @staticmethod
    def of(config: Mapping[str, Any]) -> "Plan":
        """Return the plan; raise `ConfigError` for unknown or invalid fields."""
        return _validated(Plan, config, "evaluator_config")


def reads_of(model: Any, plan: Plan | None) -> Reads:
    """Return the metadata of a loaded model, updated with the fields of the plan that are set.

    Raises:
        ConfigError: the metadata is no `Reads`.
    """
    metadata = model.metadata.metadata or {}
    own = _validated(Reads, metadata.get(METADATA) or {}, f"metadata[{METADATA!r}]")
    if plan is None:
        return own
    said = {name for name in plan.model_fields_set if name in Reads.model_fields}
    return own.model_copy(update={name: getattr(plan, name) for name in said})


def _validated(model: type[_T], fields: Any, where: str) -> _T:
    try:
        valid: _T = recorded(fields, model)
    except ValueError as exc:
        raise ConfigError(f"{where}: {exc}. Fields: {', '.join(model.model_fields)}") from exc
    return valid
