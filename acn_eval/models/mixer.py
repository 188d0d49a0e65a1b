"""MLP-Mixer (Tolstikhin et al., 2021), and the official Auto-Compressing Mixer block."""

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from torch import Tensor, nn

from acn_eval.models.configs import ImageConfig, Size
from acn_eval.models.connectivity import Skips, Unit
from acn_eval.models.encoder import Block, Encoder
from acn_eval.models.images import PatchEmbed

__all__ = ["Mixer", "MixerConfig", "OfficialMixer", "OfficialMixerConfig"]

_WITH_NAME = Field(json_schema_extra={"enum": ["acn", "ffn", "residual"]})
"""The other name of ``ffn`` is read, too, and an editor must not mark it."""


class MixerConfig(ImageConfig, frozen=True):
    """An MLP-Mixer; the paper's: depth 16, width 128, patch 4, hidden 64 (tokens), 512."""

    kind: Literal["mixer"] = "mixer"
    token_hidden: Size = 64
    channel_hidden: Size = 128


class OfficialMixerConfig(MixerConfig, frozen=True):
    """The authors' released block, alike in parameters for both of their networks.

    The released AC-Mixer is ``connectivity="acn", skips="none"``. The released Res-Mixer is
    ``connectivity="ffn", skips="both"``: its output is x_L, there is no outer sum;
    ``connectivity="residual"`` is another name for it.
    """

    kind: Literal["official_mixer"] = "official_mixer"  # type: ignore[assignment]
    connectivity: Annotated[Literal["acn", "ffn"], _WITH_NAME] = "acn"
    grain: Literal["block"] | None = None
    skips: Skips = "none"

    @model_validator(mode="before")
    @classmethod
    def _released(cls, fields: Any) -> Any:
        if not isinstance(fields, dict):
            return fields
        connectivity, skips = fields.get("connectivity", "acn"), fields.get("skips")
        if skips is None or isinstance(skips, bool):  # a flag in earlier cards
            with_skips = connectivity != "acn" if skips is None else skips
            skips = "both" if with_skips else "none"
        if connectivity == "residual" and skips != "both":
            raise ValueError("skips must be both where the connectivity is residual")
        wired = "ffn" if connectivity == "residual" else connectivity
        return {**fields, "connectivity": wired, "skips": skips}


class NormedMLP(nn.Module):
    """Norm, then an MLP of two linear maps: (batch, tokens, width) to the same."""

    def __init__(self, width: int, fc1: nn.Module, fc2: nn.Module) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(width)
        self.fc1 = fc1
        self.act = nn.GELU()
        self.fc2 = fc2

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(self.act(self.fc1(self.ln(x))))
        return out


class MixerBlock(Block):
    """Sub-layers: token mixing, channel mixing."""

    def __init__(self, config: MixerConfig) -> None:
        super().__init__()
        width, tokens, channels = config.width, config.token_hidden, config.channel_hidden
        fc1, fc2 = nn.Conv1d(config.tokens, tokens, 1), nn.Conv1d(tokens, config.tokens, 1)
        self.mlp1 = NormedMLP(width, fc1, fc2)
        self.mlp2 = NormedMLP(width, nn.Linear(width, channels), nn.Linear(channels, width))

    def sublayers(self, present: Tensor | None) -> tuple[Unit, Unit]:
        """Token mixing, then channel mixing."""
        return self.mlp1, self.mlp2


class OfficialMixerBlock(MixerBlock):
    """LN(ReLU(Linear(mlp2(mlp1(x))) + x)); inner skips add + x in mlp1 and mlp2.

    Read from the official code: both released networks keep the outer ``+ x`` inside the block.
    """

    def __init__(self, config: OfficialMixerConfig) -> None:
        super().__init__(config)
        self.linear = nn.Linear(config.width, config.width)
        self.ln = nn.LayerNorm(config.width)

    def run(self, x: Tensor, skips: Skips, present: Tensor | None) -> Tensor:
        """Compose the block, which cannot be split at its norm."""
        out: Tensor = self.ln((self.linear(super().run(x, skips, present)) + x).relu())
        return out


class Mixer(Encoder):
    """The encoder over Mixer blocks; token mixing knows positions, so none are added."""

    def __init__(self, config: MixerConfig) -> None:
        embed = PatchEmbed(config, positions=False)
        super().__init__(config, embed, partial(MixerBlock, config), eps=1e-5)


class OfficialMixer(Encoder):
    """The encoder over the authors' released block, which starts as PyTorch's layers do."""

    start = "torch"

    def __init__(self, config: OfficialMixerConfig) -> None:
        embed = PatchEmbed(config, positions=False)
        super().__init__(config, embed, partial(OfficialMixerBlock, config), eps=1e-5)
