"""Regularizers against forgetting: what a method adds to the training of a task."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor, nn

from acn_eval.studies.continual.methods import EWC, SI

__all__ = ["Elastic", "Regularizer", "Shown", "Synaptic", "fisher_diagonal"]


class Shown(NamedTuple):
    """Images as the network sees them, and which of its outputs the loss reads.

    Attributes:
        images: float32 (n, channels, size, size), normalized.
        columns: int64 (n, classes), outputs that the loss reads.
        targets: int64 (n,), positions of the labels in `columns`.
    """

    images: Tensor
    columns: Tensor
    targets: Tensor


class Regularizer:
    """A method's part in every step; the base does nothing, which is naive fine-tuning.

    Attributes:
        state: sums by name, one tensor per parameter, that a resume needs after a step.
    """

    state: Mapping[str, list[Tensor]]

    def __init__(self) -> None:
        self.state = {}

    def add_gradient(self) -> None:
        """Add to the gradients, which are those of the task's loss alone; before clipping."""

    def after_step(self) -> None:
        """Follow the step that the optimizer has just done; gradients are still there."""

    def end_task(self, shown: Iterator[Shown]) -> None:
        """End a task; `shown` yields as many images of it as are wanted."""

    def restore(self, state: Mapping[str, Sequence[Tensor]]) -> None:
        """Restore a `state`."""
        for name, own in self.state.items():
            torch._foreach_copy_(own, list(state[name]))


class Elastic(Regularizer):
    r"""EWC: a quadratic pull to the weights after every task, by its Fisher information.

    The sum :math:`\frac{\lambda}{2} \sum_k F_k (w - w_k)^2` over tasks has the gradient
    :math:`\lambda (w \sum_k F_k - \sum_k F_k w_k)`, so that two sums are kept.

    References:
        Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks", PNAS 2017.
    """

    def __init__(self, method: EWC, network: nn.Module) -> None:
        self.method, self.network = method, network
        self.parameters: list[Tensor] = list(network.parameters())
        self.fisher, self.held = _zeros(self.parameters), _zeros(self.parameters)
        self.state = {"fisher": self.fisher, "held": self.held}

    @torch.no_grad()
    def add_gradient(self) -> None:
        """Add the gradient of the penalty."""
        pull = torch._foreach_mul(self.parameters, self.fisher)
        torch._foreach_sub_(pull, self.held)
        torch._foreach_add_(_gradients(self.parameters), pull, alpha=self.method.strength)

    def end_task(self, shown: Iterator[Shown]) -> None:
        """Add the information of the task that has just ended."""
        fisher = fisher_diagonal(self.network, islice(shown, self.method.images))
        with torch.no_grad():
            torch._foreach_add_(self.fisher, fisher)
            torch._foreach_addcmul_(self.held, fisher, self.parameters)


def fisher_diagonal(network: nn.Module, shown: Iterator[Shown]) -> list[Tensor]:
    r"""Return the diagonal of the Fisher information, one tensor per parameter of the network.

    The mean over images of :math:`\sum_y p(y) (\partial \log p(y) / \partial w)^2`, the
    exact expectation over the network's own predictions; labels are not used.

    Args:
        network: whose outputs are read.
        shown: one image at a time.
    """
    parameters = list(network.parameters())
    total = [torch.zeros_like(p) for p in parameters]
    count = 0
    for images, columns, _ in shown:
        logs = network(images).gather(1, columns).log_softmax(1)[0]
        for log in logs:
            gradients = torch.autograd.grad(
                log, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            weight = float(log.detach().exp())
            torch._foreach_addcmul_(total, gradients, gradients, value=weight)
        count += 1
    torch._foreach_div_(total, max(1, count))
    return total


class Synaptic(Regularizer):
    r"""SI: a quadratic pull to the weights after the last task, by each weight's path integral.

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
        sums = {"importance": self.importance, "anchors": self.anchors}
        self.state = {**sums, "path": self.path}

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
        """Turn the path integral into importance, and anchor the weights where they are."""
        change = torch._foreach_sub(self.parameters, self.anchors)
        torch._foreach_mul_(change, change)
        torch._foreach_add_(change, self.method.damping)
        torch._foreach_addcdiv_(self.importance, self.path, change)
        if self.method.variant == "zenke":
            torch._foreach_clamp_min_(self.importance, 0.0)
        torch._foreach_copy_(self.anchors, self.parameters)
        torch._foreach_zero_(self.path)


def _copies(parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return copies with memory of their own: on a CPU, `detach` alone would share it."""
    return [p.detach().clone() for p in parameters]


def _zeros(parameters: Sequence[Tensor]) -> list[Tensor]:
    return [torch.zeros_like(p) for p in parameters]


def _gradients(parameters: Sequence[Tensor]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]
