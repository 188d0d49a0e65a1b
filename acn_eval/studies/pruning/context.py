"""What every pruning method starts from: a network, its training images, and the store."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import safetensors.torch
from torch import Tensor

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints.checkpoint import Checkpoint, rewritten, training_preparation
from acn_eval.checkpoints.native import Native
from acn_eval.config_files import Config, Seed
from acn_eval.data import Examples
from acn_eval.inference.runtime import Runtime
from acn_eval.models import Encoder, read_arch
from acn_eval.seeds import seed_for
from acn_eval.studies.pruning.masks import Masks, apply_masks
from acn_eval.studies.pruning.structured import narrowed, widths
from acn_eval.tally import Tally
from acn_eval.training.fit import Fit, loop, start
from acn_eval.training.recipe import Batch, Decay, Rate, Recipe
from acn_eval.training.resume import Resume, state_key

__all__ = ["DuringTraining", "FineTuning", "PruningContext", "State"]

State = dict[str, Tensor]
DuringTraining = Callable[[Encoder], AbstractContextManager[Callable[[int], None]]]
"""What happens to a network while it trains: inside the context, called after every step."""


class FineTuning(Config, frozen=True):
    """How every network is fine-tuned while it is pruned.

    AdamW on the train split without augmentation, warm-up over a tenth of the steps, cosine to
    0, last weights: nothing is selected.

    Attributes:
        seed: of the order of the examples.
    """

    learning_rate: Rate = 1e-3
    weight_decay: Decay = 0.01
    batch: Batch = 64
    seed: Seed = 0


@dataclass(frozen=True)
class _Tuned:
    """A fine-tuning in progress."""

    fit: Fit
    held: State

    @property
    def done(self) -> int:
        return self.fit.done

    def state(self) -> dict[str, Any]:
        return {"fit": self.fit.state(), "held": self.held}

    def restore(self, state: dict[str, Any]) -> None:
        self.fit.restore(state["fit"])
        for name, own in self.held.items():
            own.copy_(state["held"][name])


@dataclass(frozen=True)
class PruningContext:
    """One network, whole or cut, before anything is removed.

    Attributes:
        native: content of the checkpoint's file.
        network: the start of every method, which changes copies of it.
        train: opens the train split, once, when the first method trains.
    """

    checkpoint: Checkpoint
    native: Native
    network: Encoder
    plan: FineTuning
    runtime: Runtime
    train: Callable[[], Examples]

    def cut(self, blocks: int | None) -> "PruningContext":
        """Return the context of the network that has the first so many blocks; None takes all."""
        return self if blocks is None else replace(self, network=self.network.truncated(blocks))

    def narrowed(self, sparsity: float) -> "PruningContext":
        """Return the context of the network without such a share of weights, in whole units."""
        return replace(self, network=narrowed(self.network, widths(self.network, sparsity)))

    def masked(self, masks: Masks) -> Encoder:
        """Return a copy of the network in which removed weights are zero."""
        network = deepcopy(self.network)
        apply_masks(network, masks)
        return network

    def filled(self, state: Mapping[str, Tensor]) -> Encoder:
        """Return a copy of the network with other weights, rounded as its exported file is."""
        network = deepcopy(self.network)
        network.load_state_dict(dict(state))
        network.load_state_dict(rewritten(self.native, network, "").state)
        return network

    def trained(
        self,
        state: Mapping[str, Tensor],
        steps: int,
        pruning: DuringTraining = lambda network: nullcontext(lambda done: None),
        *,
        held: State | None = None,
        round_: int = 0,
        address: str = "",
    ) -> State:
        """Fine-tune from a state for so many optimizer steps, and return the weights.

        Args:
            state: of the network, at the start.
            steps: of the optimizer.
            pruning: changes the network, and what is held, in place.
            held: what a resume needs beside the weights.
            round_: number of the training in a series; each has its own order of examples.
            address: where `kept` keeps what this is for, so that it resumes; "" keeps no state.

        Raises:
            MeasureError: the loss is no longer finite.
        """
        prepare, examples = training_preparation(self.checkpoint), self.train()
        unseen = examples.at(np.arange(0))  # nothing is selected, so nothing is looked at

        def fresh() -> _Tuned:
            fit = start(self._recipe(steps, round_), self.runtime.device)
            fit.network.load_state_dict(dict(state))
            return _Tuned(fit, held or {})

        with Tally(steps, "training steps") as tally:
            resume = Resume(self.runtime, address, tally.show)
            own = resume.begin(fresh)
            with pruning(own.fit.network) as prune, resume.following() as keep:

                def after(fit: Fit) -> None:
                    prune(fit.done)
                    keep(own)

                loop(own.fit, (examples, unseen), prepare, after, lambda *_: None)
        return own.fit.network.state_dict()

    def kept(self, facts: Any, make: Callable[[str], State]) -> State:
        """Return tensors from the store, or make and keep them: a killed run resumes there.

        They are found by the facts of a method (plain JSON), network, data and numeric profile;
        `make` is told the address.
        """
        store, identity = self.runtime.store, self.checkpoint.id
        own = [
            identity.sha256,
            identity.preprocessing,
            self.network.config.model_dump(mode="json"),
            self.plan.model_dump(mode="json"),
            self.train().fingerprint,
            self.runtime.profile().facts(),
        ]
        key = OutcomeCache.key(["pruned v2", *own, facts])
        content = store.read(key)
        if content is None:
            content = safetensors.torch.save(make(key))
            store.write(key, content)
            store.drop(state_key(key))
        device = self.runtime.device
        return {name: own.to(device) for name, own in safetensors.torch.load(content).items()}

    @property
    def epoch(self) -> int:
        """Steps that show every training image once."""
        return -(-len(self.train()) // self.plan.batch)

    def _recipe(self, steps: int, round_: int) -> Recipe:
        plan = self.plan.model_dump(exclude={"seed"})
        return Recipe(
            arch=read_arch(self.network.config.model_dump(), self.checkpoint.id.name),
            seed=seed_for("pruning", self.plan.seed, round_),
            data=self.train().name,
            steps=steps,
            warmup=steps // 10,
            **plan,
        )
