"""Where a training begins that does not begin at random weights: the encoder of a file."""

from dataclasses import dataclass, field

from torch import Tensor

from acn_eval.checkpoints.card import Start
from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.checkpoints.load import load
from acn_eval.data.tokens import PrepareTokens, Vocabulary
from acn_eval.errors import ConfigError
from acn_eval.models.encoder import Encoder
from acn_eval.training.recipe import Recipe

__all__ = ["Initial", "initial_of"]

_OF_HEADS = {"head", "classes", "branches", "pool"}


@dataclass(frozen=True)
class Initial:
    """What is taken from a file; nothing where there is none.

    Attributes:
        state: all parameters but those of heads.
        vocabulary: of the network.
        start: what its card says.
    """

    state: dict[str, Tensor] = field(default_factory=dict)
    vocabulary: Vocabulary | None = None
    start: Start | None = None


def initial_of(recipe: Recipe) -> Initial:
    """Return what a recipe starts from.

    Raises:
        CheckpointError: the file is no checkpoint.
        ConfigError: its network reads no text, or is of another architecture.
    """
    if not recipe.start_from:
        return Initial()
    start = load(recipe.start_from)
    network, prepare = start.model, start.prepare
    if not isinstance(network, Encoder) or not isinstance(prepare, PrepareTokens):
        what = "must be a network of ours that reads text"
        raise ConfigError(f"recipe: start_from {what}; got {recipe.start_from}")
    have, want = (arch.model_dump(exclude=_OF_HEADS) for arch in (network.config, recipe.arch))
    for name in want:
        if have[name] != want[name]:
            what = f"arch.{name} must be {have[name]}, as start_from has it"
            raise ConfigError(f"recipe: {what}; got {want[name]}")
    heads = ("head.", "branches.")
    state = {k: v for k, v in network.state_dict().items() if not k.startswith(heads)}
    return Initial(state, prepare.vocabulary, _described(start))


def _described(checkpoint: Checkpoint) -> Start:
    known = {k: checkpoint.id.training.get(k) or 0 for k in ("steps", "tokens")}
    return Start(sha256=checkpoint.id.sha256, data=checkpoint.data, **known)
