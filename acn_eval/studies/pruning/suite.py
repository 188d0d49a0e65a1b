"""Pruning: accuracy over the share of weights that is removed."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from acn_eval.errors import ConfigError
from acn_eval.studies.pruning.context import FineTuning
from acn_eval.studies.pruning.methods import AnyMethod, Method
from acn_eval.studies.robustness.suite import NamedRobustness
from acn_eval.study.suite import Suite

__all__ = ["SUITE", "Pruning"]


class Pruning(Suite, frozen=True):
    """Networks of every method and sparsity, each shown the same test images.

    Nothing is chosen: sparsities and trainings are those of the suite, the same for every
    network. The accuracy on validation is recorded for whoever has to choose one.

    Attributes:
        sparsities: shares of the prunable weights to remove, 0 among them; a method may have its
            own.
        methods: one curve each. Those of the whole network without fine-tuning make the primary
            endpoint, because fine-tuning gives some accuracy back.
        noise: a robustness suite whose conditions every pruned network is also shown; name,
            path or suite.
        seconds: wall time for each latency that is measured.
    """

    question: ClassVar[str] = "Which network is more robust to pruning?"

    kind: Literal["pruning"] = "pruning"
    sparsities: Annotated[
        tuple[Annotated[float, Field(ge=0, lt=1)], ...], Field(min_length=1, max_length=100)
    ]
    methods: Annotated[tuple[AnyMethod, ...], Field(min_length=1, max_length=100)]
    fine_tuning: FineTuning = FineTuning()
    noise: NamedRobustness | None = None
    seconds: Annotated[float, Field(gt=0, le=600)] = 0.02

    @field_validator("sparsities")
    @classmethod
    def _start_dense(cls, sparsities: tuple[float, ...]) -> tuple[float, ...]:
        if 0 not in sparsities or len(set(sparsities)) < len(sparsities):
            msg = "sparsities must be different numbers below 1, 0 among them"
            raise ValueError(msg)
        return tuple(sorted(sparsities))

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [(method.label, method.blocks) for method in self.methods]
        if len(set(names)) < len(names) or not any(m.measures_sparsity for m in self.methods):
            msg = (
                "methods must differ, and one must be of the whole network (without blocks) and"
                " without training, such as magnitude: it makes the endpoint"
            )
            raise ValueError(msg)
        return self

    def chosen(self, method: str, sparsity: float) -> Method:
        """Return a method of whole networks by its label.

        Raises:
            ConfigError: the suite has no such method, or the method no such sparsity.
        """
        whole = {m.label: m for m in self.methods if m.blocks is None}
        if method not in whole:
            msg = f"`method`: must be one of {', '.join(whole)}; got {method}"
            raise ConfigError(msg, "method")
        places = whole[method].places(self.sparsities)
        if sparsity not in places:
            known = ", ".join(f"{place:g}" for place in places)
            raise ConfigError(f"`sparsity`: must be one of {known}; got {sparsity:g}", "sparsity")
        return whole[method]

    def ordered(self) -> list[Method]:
        """Return whole networks without training first, so that the first cell is dense."""
        return sorted(self.methods, key=lambda m: (m.blocks is not None, m.trains))


SUITE = Pruning
