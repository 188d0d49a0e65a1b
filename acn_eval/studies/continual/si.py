"""Synaptic Intelligence, in the three forms of which code is public."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from acn_eval.studies.continual.methods import SI
from acn_eval.studies.continual.regularizer import Regularizer, Shown

__all__ = ["Synaptic"]


class Synaptic(Regularizer):
    r"""A quadratic pull to the weights after the last task, by each weight's path integral.

    With g the gradient of the task's loss, h the whole gradient that the optimizer is given, and
    \Delta w what a step changed, each step adds to the path integral of every weight

    .. math::
        \text{zenke: } -g\,\Delta w \qquad \text{mammoth: } \eta h^2 \qquad
        \text{vandeven: } -h\,\Delta w

    and the end of a task, D being what the task changed in all, adds to its importance

    .. math:: \Omega \leftarrow \Omega + \frac{\text{path}}{D^2 + \xi}

    of which zenke then keeps the positive part. The penalty is
    :math:`c \sum \Omega (w - \tilde w)^2`; its gradient is added in closed form.

    References:
        Zenke, Poole and Ganguli, "Continual learning through synaptic intelligence", ICML 2017,
        and its code. Buzzega et al., "Dark experience for general continual learning", NeurIPS
        2020, whose code is mammoth. Van de Ven, Tuytelaars and Tolias, "Three types of
        incremental learning", Nature Machine Intelligence 2022, and its code.
    """

    def __init__(self, method: SI, parameters: Sequence[nn.Parameter], rate: float) -> None:
        self.method, self.rate = method, rate
        self.parameters: list[Tensor] = list(parameters)
        self.anchors = _copies(self.parameters)
        self.before = _copies(self.parameters)
        self.own = _zeros(self.parameters)
        self.path = _zeros(self.parameters)
        self.importance = _zeros(self.parameters)

    @torch.no_grad()
    def add_gradient(self) -> None:
        """Remember weights and the task's own gradient, and add the gradient of the penalty."""
        gradients = _gradients(self.parameters)
        torch._foreach_copy_(self.before, self.parameters)
        torch._foreach_copy_(self.own, gradients)
        pull = torch._foreach_sub(self.parameters, self.anchors)
        torch._foreach_mul_(pull, self.importance)
        torch._foreach_add_(gradients, pull, alpha=2 * self.method.c)

    @torch.no_grad()
    def after_step(self) -> None:
        """Add the step to the path integral."""
        gradients = _gradients(self.parameters)
        if self.method.variant == "mammoth":
            torch._foreach_addcmul_(self.path, gradients, gradients, value=self.rate)
            return
        own = self.own if self.method.variant == "zenke" else gradients
        change = torch._foreach_sub(self.parameters, self.before)
        torch._foreach_addcmul_(self.path, own, change, value=-1.0)

    @torch.no_grad()
    def end_task(self, shown: Iterator[Shown]) -> None:
        """Turn the path into importance, and hold on to the weights as they are."""
        change = torch._foreach_sub(self.parameters, self.anchors)
        torch._foreach_mul_(change, change)
        torch._foreach_add_(change, self.method.damping)
        torch._foreach_addcdiv_(self.importance, self.path, change)
        if self.method.variant == "zenke":
            torch._foreach_clamp_min_(self.importance, 0.0)
        torch._foreach_copy_(self.anchors, self.parameters)
        torch._foreach_zero_(self.path)

    def state(self) -> Mapping[str, Sequence[Tensor]]:
        """Return the importance and what weights are held to."""
        return {"importance": self.importance, "anchors": self.anchors}

    def restore(self, state: Mapping[str, Sequence[Tensor]]) -> None:
        """Take up what `state` returned."""
        torch._foreach_copy_(self.importance, list(state["importance"]))
        torch._foreach_copy_(self.anchors, list(state["anchors"]))


def _copies(parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return copies with memory of their own: on a CPU, `detach` alone would share it."""
    return [p.detach().clone() for p in parameters]


def _zeros(parameters: Sequence[Tensor]) -> list[Tensor]:
    return [torch.zeros_like(p) for p in parameters]


def _gradients(parameters: Sequence[Tensor]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]
