"""Ready-made corrupted images, as ImageNet-C and CIFAR-10-C have them: read, not computed."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from acn_eval.corruptions.base import Context, ImageCorruption, NoiseKey
from acn_eval.corruptions.common import Severity
from acn_eval.errors import Unsupported
from acn_eval.inputs import Place
from acn_eval.results import Scalar

__all__ = ["Given"]


class Given(ImageCorruption, frozen=True):
    """Images that somebody has corrupted, in a folder: of ImageNet-C, CIFAR-10-C and the like.

    The folder holds ``NAME/SEVERITY/CLASS/FILE`` for every clean image ``CLASS/FILE``, or
    ``NAME.npy``, uint8 (5 n, height, width, 3), severity after severity, and ``labels.npy``.

    Attributes:
        name: of the corruption, e.g. ``"fog"``; conditions are called by it.
        folder: where it is looked for: here, and then below the data root.
        framed: whether the images are cropped already, so that they are only resized to the size
            that a network reads; otherwise they are shown as the clean ones are.
    """

    kind: Literal["given"] = "given"
    levels: Annotated[tuple[Severity, ...], Field(max_length=5)] = (1, 2, 3, 4, 5)
    name: Annotated[str, Field(pattern=r"^\w[\w-]*$", max_length=100)]
    folder: Annotated[str, Field(min_length=1, max_length=1000)]
    framed: bool = False

    @property
    def called(self) -> str:
        """The name of the corruption."""
        return self.name

    def conditions(self) -> tuple[dict[str, Scalar], ...]:
        """One flat mapping per severity, called by the name of the corruption."""
        more: dict[str, Scalar] = {"folder": self.folder, "framed": self.framed}
        return tuple({"corruption": self.name, "level": k, **more} for k in self.levels)

    def require(self, context: Context) -> None:
        """Raise `Unsupported` where the images of some severity are not there."""
        if context.given is None:
            raise Unsupported(f"{self.name}: the clean examples must be images")
        for level in self.levels:
            if why := context.given.why_not(self._place(level)):
                raise Unsupported(f"{self.name}: {why}")

    def stamp(self, ids: Tensor, level: float, context: Context) -> tuple[str, ...]:
        """Say which files hold the images, and since when."""
        assert context.given is not None
        return (context.given.stamp(self._place(level), ids),)

    def _draw(self, shape: Sequence[int], ids: Tensor, key: NoiseKey) -> Tensor:
        return ids

    def corrupt(
        self, images: Tensor, draw: Tensor | None, level: float, context: Context
    ) -> Tensor:
        """Read the images of these ids; the clean ones and the key have no say."""
        assert draw is not None
        assert context.given is not None
        read: Tensor = context.given.read(self._place(level), draw)
        return read

    def _place(self, level: float) -> Place:
        return Place(self.folder, self.name, int(level), self.framed)
