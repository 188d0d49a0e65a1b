"""Settings of torch are told, set elsewhere, and undone."""

import pytest
import torch

from acn_eval.engine.settings import having, settings

ODD = {
    "default_dtype": "float64",
    "deterministic": 1,
    "flush_denormal": True,
    "matmul_precision": "medium",
    "mkldnn.enabled": False,
    "cudnn.benchmark": True,
    "flash_sdp": False,
}


@pytest.fixture(autouse=True)
def defaults():
    with having(()):
        yield
    assert settings() == ()


@pytest.mark.parametrize("name", ODD)
def test_one_is_set_during_the_body_alone(name):
    with having(((name, ODD[name]),)):
        assert dict(settings())[name] == ODD[name]
    assert settings() == ()


def test_others_have_their_defaults():
    torch.set_default_dtype(torch.float64)
    with having((("mkldnn.enabled", False),)):
        assert torch.get_default_dtype() == torch.float32
        assert not torch.backends.mkldnn.enabled
    assert settings() == (("default_dtype", "float64"),)
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("path", ["", "mkldnn.matmul.", "cuda.matmul."])
def test_precision_of_a_backend_survives_another_body(path):
    """Torch refuses to tell a precision for all backends once one of them has its own."""
    with having(((f"{path}fp32_precision", "tf32"),)):
        told = settings()
        assert dict(told)[f"{path}fp32_precision"] == "tf32"
        with having(()):
            assert settings() == ()
        assert settings() == told
