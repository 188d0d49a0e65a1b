"""Elastic weight consolidation, with the exact diagonal of the Fisher information."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from acn_eval.studies.continual.methods import EWC
from acn_eval.studies.continual.regularizer import Regularizer, Shown

__all__ = ["Elastic", "fisher_diagonal"]


class Elastic(Regularizer):
    r"""A quadratic pull to the weights after every task, by that task's Fisher information.

    The sum :math:`\frac{\lambda}{2} \sum_k F_k (w - w_k)^2` over tasks has the gradient
    :math:`\lambda (w \sum_k F_k - \sum_k F_k w_k)`, so that two sums are all that is kept.

    References:
        Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks", PNAS 2017.
    """

    def __init__(self, method: EWC, network: nn.Module) -> None:
        self.method, self.network = method, network
        self.parameters: list[Tensor] = list(network.parameters())
        self.fisher = [torch.zeros_like(p) for p in self.parameters]
        self.held = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def add_gradient(self) -> None:
        """Add the gradient of the penalty."""
        pull = torch._foreach_mul(self.parameters, self.fisher)
        torch._foreach_sub_(pull, self.held)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        torch._foreach_add_(gradients, pull, alpha=self.method.strength)

    def end_task(self, shown: Iterator[Shown]) -> None:
        """Add the information of the task that has just ended."""
        fisher = fisher_diagonal(self.network, islice(shown, self.method.images))
        with torch.no_grad():
            torch._foreach_add_(self.fisher, fisher)
            torch._foreach_addcmul_(self.held, fisher, self.parameters)

    def state(self) -> Mapping[str, Sequence[Tensor]]:
        """Return both sums."""
        return {"fisher": self.fisher, "held": self.held}

    def restore(self, state: Mapping[str, Sequence[Tensor]]) -> None:
        """Take up what `state` returned."""
        torch._foreach_copy_(self.fisher, list(state["fisher"]))
        torch._foreach_copy_(self.held, list(state["held"]))


def fisher_diagonal(network: nn.Module, shown: Iterator[Shown]) -> list[Tensor]:
    r"""Return the diagonal of the Fisher information, one tensor per parameter of the network.

    The mean over images of :math:`\sum_y p(y) (\partial \log p(y) / \partial w)^2`, the
    expectation over the network's own answers taken exactly; labels are not used.

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
