"""Attention of a group's completions to a prefix that they share and to themselves, by two fused kernels."""

from __future__ import annotations

import torch


def flash(q, k, v, is_causal: bool = False):
    """The output, the log-sum-exp `[B, H, S]`, and what the backward of a GPU's kernel wants beside them."""
    if q.is_cuda:
        out, lse, *rest, _ = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, is_causal)
        return out, lse, rest
    return *torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, is_causal), []


def flash_backward(grad, q, k, v, out, lse, rest, is_causal: bool = False):
    if q.is_cuda:
        cum_q, cum_k, max_q, max_k, seed, offset = rest
        return torch.ops.aten._scaled_dot_product_flash_attention_backward(
            grad, q, k, v, out, lse.contiguous(), cum_q, cum_k, max_q, max_k, 0.0, is_causal, seed, offset)
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
        grad, q, k, v, out, kernel_layout(lse), 0.0, is_causal)


class Cascade(torch.autograd.Function):
    """Two softmaxes, over the prefix and over the completion, made one by their log-sum-exps (cascade attention).

    The backward of flash attention rebuilds its weights from the output and the log-sum-exp: given those of the whole
    softmax, each half gives its exact part of the gradient.
    """

    @staticmethod
    def forward(ctx, q, prefix_k, prefix_v, own_k, own_v):
        """q `[G, H, C, D]`, prefix `[KV, P, D]`, own `[G, KV, C, D]` → `[G, H, C, D]`"""
        KV = len(prefix_k)
        by_prefix = to_prefix(q, KV)
        out_p, lse_p, ctx.on_prefix = flash(by_prefix, prefix_k[None], prefix_v[None])
        k, v = (x.repeat_interleave(q.shape[1] // KV, 1) for x in (own_k, own_v))
        out_o, lse_o, ctx.on_own = flash(q, k, v, True)
        lse_p = to_own(lse_p[..., None], q.shape)[..., 0]
        lse = torch.logaddexp(lse_p, lse_o)
        out = to_own(out_p, q.shape) * (lse_p - lse).exp()[..., None] + out_o * (lse_o - lse).exp()[..., None]
        out = out.to(q.dtype)
        ctx.save_for_backward(q, prefix_k, prefix_v, own_k, own_v, out, lse)
        return out

    @staticmethod
    def backward(ctx, grad):
        q, prefix_k, prefix_v, own_k, own_v, out, lse = ctx.saved_tensors
        KV, R = len(prefix_k), q.shape[1] // len(prefix_k)
        part = lambda x: to_prefix(x, KV)
        lse_p = to_prefix(lse[..., None], KV)[..., 0]
        dq_p, dk_p, dv_p = flash_backward(
            part(grad), part(q), prefix_k[None], prefix_v[None], part(out), lse_p, ctx.on_prefix)
        k, v = (x.repeat_interleave(R, 1) for x in (own_k, own_v))
        dq_o, dk_o, dv_o = flash_backward(grad.contiguous(), q, k, v, out, lse, ctx.on_own, True)
        over_heads = lambda x: x.unflatten(1, (KV, R)).sum(2)
        return to_own(dq_p, q.shape) + dq_o, dk_p[0], dv_p[0], over_heads(dk_o), over_heads(dv_o)


cascade = Cascade.apply


def to_prefix(x: torch.Tensor, KV: int) -> torch.Tensor:
    """`[G, KV · R, C, W]` → `[1, KV, G · R · C, W]`: all that share keys as rows of one matrix."""
    return x.unflatten(1, (KV, -1)).transpose(0, 1).flatten(1, 3)[None]


def to_own(x: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """The way back to `[G, KV · R, C, W]`."""
    G, H, C, _ = shape
    KV = x.shape[1]
    return x[0].reshape(KV, G, H // KV, C, -1).transpose(0, 1).flatten(1, 2)


def kernel_layout(lse: torch.Tensor) -> torch.Tensor:
    """The CPU's kernel writes and reads `[B, H, S]` with heads innermost."""
    return lse.transpose(1, 2).contiguous().transpose(1, 2)
