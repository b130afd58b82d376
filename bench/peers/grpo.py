"""One GRPO step in plain PyTorch; how completions are sampled and scored is left to the peer."""

from __future__ import annotations

import argparse
from typing import Protocol

import torch
from transformers import AutoModelForImageTextToText

import measure
from prompt import VideoPrompt, video_prompt

BETA = 0.04
LEARNING_RATE = 1e-6
DTYPES = ["float32", "bfloat16", "mixed"]
"""bfloat16: weights and optimizer in bfloat16; mixed: computed in bfloat16, weights and optimizer in float32."""


class Method(Protocol):
    """How a peer makes the completions of a prompt and their log-probs."""

    def __init__(self, policy, reference, prompt: VideoPrompt) -> None: ...

    def rollout(self, generations: int, length: int) -> torch.Tensor:
        """Samples completions of exactly `length` tokens. `[G, C]`"""

    def reference_logprobs(self, completions: torch.Tensor) -> torch.Tensor:
        """`[G, C]`, without a gradient."""

    def policy_logprobs(self, completions: torch.Tensor) -> torch.Tensor:
        """`[G, C]`, with a graph."""


def grpo_loss(policy: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """GRPO on-policy, as VAU-R1 has it, with rewards 0 … G − 1. `[G, C]` each"""
    rewards = torch.arange(len(policy), dtype=torch.float32)
    advantages = ((rewards - rewards.mean()) / (rewards.std() + 1e-4))[:, None]
    log_ratio = reference - policy
    kl = torch.exp(log_ratio) - log_ratio - 1
    per_token = torch.exp(policy - policy.detach()) * advantages - BETA * kl
    return -per_token.mean(1).mean()


class Optimizer:
    """AdamW with clipping; `mixed` has float32 masters beside the weights that the model computes with."""

    def __init__(self, model: torch.nn.Module, dtype: str) -> None:
        self.weights = list(model.parameters())
        self.masters = [p.detach().float().requires_grad_() for p in self.weights] if dtype == "mixed" else self.weights
        self.adam = torch.optim.AdamW(self.masters, lr=LEARNING_RATE, weight_decay=0.0, fused=True)

    def step(self) -> None:
        if self.masters is not self.weights:
            for master, weight in zip(self.masters, self.weights):
                master.grad, weight.grad = weight.grad.float(), None
        torch.nn.utils.clip_grad_norm_(self.masters, 1.0)
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        if self.masters is not self.weights:
            with torch.no_grad():
                torch._foreach_copy_(self.weights, self.masters)


def placeholders(config) -> list[int]:
    """Tokens that must not be drawn: transformers refuses rows with more of them than the video has."""
    return [config.image_token_id, config.video_token_id]


def load(folder, dtype: torch.dtype):
    return AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype).to(torch.get_default_device()).eval()


def frozen(model):
    return model.requires_grad_(False)


def measured(peer: str, method: type[Method], options: argparse.Namespace) -> dict:
    dtype = torch.float32 if options.dtype == "float32" else torch.bfloat16
    torch.manual_seed(0)
    torch.set_default_device(options.device)
    policy, reference = load(options.model, dtype), frozen(load(options.model, dtype))
    prompt = video_prompt(policy.config, options.tokens)
    optimizer, steps = Optimizer(policy, options.dtype), method(policy, reference, prompt)

    def step(clock: measure.Clock) -> None:
        with clock.timed("rollout"):
            completions = steps.rollout(options.generations, options.completion)
        assert completions.shape == (options.generations, options.completion), completions.shape
        with clock.timed("reference"), torch.no_grad():
            reference_logprobs = steps.reference_logprobs(completions)
        with clock.timed("policy_forward"):
            loss = grpo_loss(steps.policy_logprobs(completions), reference_logprobs)
        with clock.timed("backward"):
            loss.backward()
        with clock.timed("optimizer"):
            optimizer.step()

    return measure.report(peer, options, prompt, measure.time_steps(step, options.steps))
