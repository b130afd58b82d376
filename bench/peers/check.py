"""Compares the two peers of plain PyTorch on fixed completions: log-probs, loss, and the gradient of every weight."""

from __future__ import annotations

import argparse

import torch
from safetensors.torch import save_file

import grpo
from prompt import video_prompt
from shared_prefix_step import SharedPrefix
from vau_r1_step import RepeatedPrompt

TOLERANCE = 1e-4


def fixed_completions(G: int, C: int) -> torch.Tensor:
    """Token c of completion g is (g · 7907 + c · 131 + 7) mod 256. `[G, C]`"""
    return (torch.arange(G)[:, None] * 7907 + torch.arange(C) * 131 + 7) % 256


def move(model, factor: float, noise: float, seed: int) -> None:
    """Scales matrices and adds noise: fresh random weights are too flat for attention to matter."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, p in sorted(model.named_parameters()):
            spread = p.std() if p.numel() > 1 else 0.0
            p.mul_(factor if p.dim() > 1 else 1.0).add_(torch.randn(p.shape, generator=generator) * spread * noise)


def check(options: argparse.Namespace) -> dict:
    """Saves `policy/`, `reference/`, `gradients.safetensors` (of the repeated prompt) under `options.check`.

    Raises AssertionError where the two differ by more than `TOLERANCE` relative.
    """
    policy, reference = (grpo.load(options.model, torch.float32) for _ in range(2))
    move(policy, 3.0, 0.1, 1)
    move(reference, 3.0, 0.0, 2)
    policy.save_pretrained(options.check / "policy")
    reference.save_pretrained(options.check / "reference")
    prompt = video_prompt(policy.config, options.tokens)
    completions = fixed_completions(options.generations, options.completion)

    gradients, results = [], []
    for method in (RepeatedPrompt, SharedPrefix):
        policy.zero_grad(set_to_none=True)
        steps = method(policy, grpo.frozen(reference), prompt)
        logprobs = steps.policy_logprobs(completions)
        with torch.no_grad():
            reference_logprobs = steps.reference_logprobs(completions)
        loss = grpo.grpo_loss(logprobs, reference_logprobs)
        loss.backward()
        gradients.append({name: p.grad for name, p in policy.named_parameters()})
        results.append((loss.detach(), logprobs.detach(), reference_logprobs))
    repeated, shared = gradients
    save_file({name: g.contiguous() for name, g in repeated.items()}, options.check / "gradients.safetensors")

    worst = max(float((repeated[n] - shared[n]).norm() / repeated[n].norm().clamp_min(1e-12)) for n in repeated)
    logprob = max(float((a - b).abs().max()) for a, b in zip(results[0][1:], results[1][1:]))
    with torch.no_grad():
        prefix = steps.policy.prefix()
        sampled, as_sampled = steps.policy.sample(prefix, *completions.shape, steps.forbidden)
        logprob = max(logprob, float((steps.policy.logprobs(prefix, sampled) - as_sampled).abs().max()))
    assert worst < TOLERANCE, f"a gradient differs by {worst:.1e} relative"
    assert logprob < TOLERANCE, f"a log-prob differs by {logprob:.1e}"
    apart = float((results[0][1] - results[0][2]).abs().mean())
    return {
        "loss": [float(loss) for loss, *_ in results], "gradient_difference": worst, "logprob_difference": logprob,
        "policy_to_reference": apart, "prompt_sha256": prompt.digest,
    }
