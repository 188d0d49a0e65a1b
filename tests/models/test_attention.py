"""Attention against plain products in float64, in bf16, and with padding."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from acn_eval.models.attention import Attention, attended
from tests.models.networks import randomised


@pytest.mark.parametrize("tokens", [5, 65])
def test_attention_that_trains_in_bf16_equals_softmax_in_float64(tokens):
    """Errors of values and gradients stay below 1 %, and below twice those of the fused kernel."""
    random = torch.Generator().manual_seed(tokens)
    exact = torch.randn(3, 2, 2, tokens, 32, generator=random)  # (q, k, v), batch, heads
    upstream = torch.randn(2, 2, tokens, 32, generator=random)

    def trained(attend, dtype):
        inputs = exact.bfloat16().to(dtype).requires_grad_()
        out = attend(*inputs)
        out.backward(upstream.bfloat16().to(dtype))
        return torch.cat([out.detach().flatten(), inputs.grad.flatten()]).double()

    def reference(q, k, v):
        return torch.einsum("bhqk,bhkd->bhqd", (q @ k.mT / 32**0.5).softmax(-1), v)

    right = trained(reference, torch.float64)
    ours = (trained(attended, torch.bfloat16) - right).norm()
    fused = (trained(scaled_dot_product_attention, torch.bfloat16) - right).norm()
    assert ours < 0.01 * right.norm()
    assert ours < 2 * fused


def test_attention_without_gradients_or_in_fp32_is_torchs():
    q = torch.randn(1, 2, 5, 8, generator=torch.Generator().manual_seed(0))
    low, tracked = q.bfloat16(), q.clone().requires_grad_()
    for x in (low, tracked):
        assert torch.equal(attended(x, x, x), scaled_dot_product_attention(x, x, x))


@pytest.mark.parametrize("trains", [False, True])
def test_tokens_that_are_padding_are_not_read(trains):
    """In bf16 with gradients it is computed as plain products, otherwise by the fused kernel."""
    dtype = torch.bfloat16 if trains else torch.float32
    attention = randomised(Attention(12, 3)).to(dtype).requires_grad_(trains)
    x = torch.randn(2, 7, 12, generator=torch.Generator().manual_seed(0)).to(dtype)
    present = torch.tensor([[True] * 4 + [False] * 3, [True] * 7])
    got = attention(x, present)
    other = x.clone()
    other[0, 4:] = 9.0
    assert torch.equal(attention(other, present)[0, :4], got[0, :4])
    torch.testing.assert_close(
        got[0, :4], attention(x[:1, :4])[0], atol=0.02 if trains else 1e-6, rtol=0.02
    )
    torch.testing.assert_close(
        got[1], attention(x[1:])[0], atol=0.02 if trains else 1e-6, rtol=0.02
    )
