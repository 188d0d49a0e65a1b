"""The base of every suite: a suite is its config, and says nothing of how it is run."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from acn_eval.config_files import Config, Name, Text

__all__ = ["Margin", "Suite"]

Margin = Annotated[float, Field(gt=0, lt=1)]


class Suite(Config, frozen=True):
    """A frozen config; its YAML, its Python and its repr are the same thing.

    Attributes:
        name: of the suite, shown everywhere.
        description: one sentence: the question that it answers.
        equivalence_margin: difference on the end point, in accuracy, that is as good as none:
            a tie lies within it. None: there is no tie.
        reads_head: whether the network's own head answers, so that it must know the classes.
        has_losses: whether outcomes hold the losses of their labels, as those of a head do.
        checkpoints: whether checkpoints must, may or must not be given; without any, the suite
            trains networks of its own.
        by_blocks: whether each example is judged by itself, so that a block of examples is judged
            as in the whole run: nothing is chosen, fitted or timed.
    """

    kind: str
    name: Name
    description: Text = ""
    equivalence_margin: Margin | None = None
    question: ClassVar[str] = ""
    reads_head: ClassVar[bool] = True
    has_losses: ClassVar[bool] = True
    checkpoints: ClassVar[Literal["required", "optional", "none"]] = "required"
    by_blocks: ClassVar[bool] = False
