"""Attention of a group's completions to a prefix that they share and to themselves, by two fused kernels."""

from __future__ import annotations

import torch

flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
flash_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


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
        out_p, lse_p = flash(by_prefix, prefix_k[None], prefix_v[None])
        k, v = (x.repeat_interleave(q.shape[1] // KV, 1) for x in (own_k, own_v))
        out_o, lse_o = flash(q, k, v, 0.0, True)
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
        lse_p = kernel_layout(to_prefix(lse[..., None], KV)[..., 0])
        dq_p, dk_p, dv_p = flash_backward(
            part(grad), part(q), prefix_k[None], prefix_v[None], part(out), lse_p, 0.0, False)
        k, v = (x.repeat_interleave(R, 1) for x in (own_k, own_v))
        dq_o, dk_o, dv_o = flash_backward(grad.contiguous(), q, k, v, out, kernel_layout(lse), 0.0, True)
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
    """The kernel writes and reads `[B, H, S]` with heads innermost."""
    return lse.transpose(1, 2).contiguous().transpose(1, 2)
