"""What a card states becomes a preparation; what reads no images has no geometry."""

import pytest

from acn_eval.checkpoints.preparation import geometry_of, prepare_of
from acn_eval.data.geometry import Geometry
from acn_eval.errors import ConfigError
from acn_eval.models import BertConfig, ViTConfig
from tests.checkpoints.files import card, text_card


def test_images_are_of_the_size_that_the_network_reads():
    assert geometry_of(ViTConfig(image_size=16, channels=3)) == Geometry(16, 3)
    with pytest.raises(ConfigError, match="must read images here; bert reads none"):
        geometry_of(BertConfig())


def test_the_modality_is_that_of_the_card():
    assert [prepare_of(c).spec.modality for c in (card(), text_card())] == ["images", "sentences"]
