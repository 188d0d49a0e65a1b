"""The card beside weights: which network of a library they are of, and what it reads.

``FILE.card.yaml`` lies beside ``FILE.safetensors``, ``.pt`` or ``.pth``. It declares what tensors
do not say; nothing in either file is executed.
"""

import glob
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from acn_eval.checkpoints.card import Mean, Std
from acn_eval.checkpoints.weight_files import card_of
from acn_eval.config_files import Config, Text, read_config
from acn_eval.data.framing import CropMode, Framing, Interpolation
from acn_eval.data.geometry import Geometry, PrepareImages, border_of
from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.reach import followed

__all__ = ["Argument", "LibraryCard", "read_card", "written_out"]


Argument = Literal[
    "img_size", "image_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads"
]
"""What a library's network may be made with: sizes, which cost nothing to state."""
_Model = Annotated[str, Field(max_length=200, pattern=r"^(timm|torchvision):[\w.-]+$")]
_Size = Annotated[int, Field(ge=1, le=4096)]


class LibraryCard(Config, frozen=True):
    """What a card beside weights states; what it leaves out is the library's own.

    Attributes:
        model: ``timm:NAME`` or ``torchvision:NAME``.
        arguments: sizes that the network was made with, where they are not those of its name.
        classes: names of the classes in the order of the logits.
        data: name of the data set that it was trained on.
        size: of the images in pixels.
        mean, std: normalization per channel, in units of [0, 1].
        crop_pct, crop_mode, interpolation: how images come to that size, see `Framing`.
        sha256: of the file of weights; another one is refused.
        origin: what the file was made from.
    """

    model: _Model
    arguments: dict[Argument, _Size] = Field(default_factory=dict)
    classes: Annotated[tuple[Text, ...], Field(max_length=2**16)] = ()
    data: Text = ""
    size: Annotated[int, Field(ge=1, le=1024)] | None = None
    mean: Annotated[tuple[Mean, ...], Field(max_length=3)] = ()
    std: Annotated[tuple[Std, ...], Field(max_length=3)] = ()
    crop_pct: Annotated[float, Field(ge=0.1, le=2)] | None = None
    crop_mode: CropMode | None = None
    interpolation: Interpolation | None = None
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    origin: Text = ""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes must be different names")
        if len(self.mean) != len(self.std):
            raise ValueError("mean and std must have one number per channel each")
        return self

    @property
    def library(self) -> str:
        """The library that has the network."""
        return self.model.partition(":")[0]

    @property
    def name(self) -> str:
        """The library's name of the network."""
        return self.model.partition(":")[2]

    @property
    def made_with(self) -> dict[str, int]:
        """The arguments, as the library takes them."""
        return {str(name): value for name, value in self.arguments.items()}

    def prepared(self, usual: PrepareImages) -> PrepareImages:
        """Return the preparation that the card states; `usual` is the library's own.

        Raises:
            CheckpointError: mean and std are not of as many channels as the network reads.
        """
        spec, framing = usual.spec, usual.spec.framing or Framing()
        mean, std = self.mean or usual.mean, self.std or usual.std
        channels = self.arguments.get("in_chans", spec.channels)
        if len(mean) != channels:
            what = f"mean and std must be {channels} numbers, one per channel"
            raise CheckpointError(f"{self.model}: {what}; got {len(mean)}")
        size = self.size or self.arguments.get("img_size") or self.arguments.get("image_size")
        framed = Framing(
            self.crop_pct or framing.crop_pct,
            self.crop_mode or framing.crop_mode,
            self.interpolation or framing.interpolation,
            border_of(mean),
        )
        return PrepareImages(Geometry(size or spec.size, channels, framed), mean, std)

    def answers(self, classes: int) -> tuple[str, ...]:
        """Return what so many logits stand for; nothing where the card does not say it.

        Raises:
            CheckpointError: the card names another number of classes.
        """
        if self.classes and len(self.classes) != classes:
            what = f"classes must be {classes} names, one per logit"
            raise CheckpointError(f"{self.model}: {what}; got {len(self.classes)}")
        return self.classes


def read_card(weights: Path) -> LibraryCard | None:
    """Return the card beside a file of weights; None where there is none.

    Raises:
        CheckpointError: it is no card.
    """
    near = weights.parent.glob(f"{glob.escape(weights.stem)}.*")
    found = card_of(weights, {str(path) for path in near if path.is_file()})
    if found is None:
        return None
    file = followed(Path(found))
    try:
        card: LibraryCard = read_config(file, LibraryCard, "a card of weights")
    except ConfigError as exc:
        raise CheckpointError(str(exc)) from exc
    return card


def written_out(card: LibraryCard, prepare: PrepareImages) -> LibraryCard:
    """Return the card with every number of a preparation, so that it can be read and edited."""
    framing = prepare.spec.framing or Framing()
    stated = {
        "size": prepare.spec.size,
        "mean": prepare.mean,
        "std": prepare.std,
        "crop_pct": framing.crop_pct,
        "crop_mode": framing.crop_mode,
        "interpolation": framing.interpolation,
    }
    return card.model_copy(update=stated)
