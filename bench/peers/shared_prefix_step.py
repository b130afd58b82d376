"""Times a GRPO step that computes the prompt once for all completions, in PyTorch. Prints one line of JSON.

The strongest opponent: the same mathematics as VAU-R1's step with the prefix shared in rollout, reference and policy.
The policy that samples is the one that is updated, so rollout's pass over the prompt is made with a graph and serves
the update too. Completions attend by cascade attention; logits exist for completion tokens alone.

`--check FOLDER` compares its loss and gradients with those of `vau_r1_step.py` instead, in float32 on fixed
completions, and leaves both models and the gradients in the folder for others to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers.models.qwen2_vl.modeling_qwen2_vl import rotate_half

import grpo
import measure
from cascade import cascade
from prompt import VideoPrompt, video_prompt


@dataclass
class Prefix:
    keys: list[torch.Tensor]
    """By layer `[KV, P, D]`, after the rotation."""
    values: list[torch.Tensor]
    last: torch.Tensor
    """The last layer's output at the prompt's last token. `[hidden]`"""


class Decoder:
    """The decoder of a Hugging Face model of any of the families, layer by layer on its own weights."""

    def __init__(self, model, prompt: VideoPrompt) -> None:
        self.model, self.prompt = model, prompt
        self.text = model.model.language_model
        config = model.config.text_config
        self.H, self.KV = config.num_attention_heads, config.num_key_value_heads
        self.D = self.text.layers[0].self_attn.head_dim
        self.ids = torch.tensor([prompt.ids])
        self.is_video = self.ids == model.config.video_token_id

    def rotary(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """positions `[3, 1, T]` → cos and sin `[T, D]`"""
        cos, sin = self.text.rotary_emb(self.text.embed_tokens.weight, positions)
        return cos[0], sin[0]

    def completion_rotary(self, start: int, end: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Of completion tokens `start` … `end`, which have one position on all axes."""
        at = torch.arange(start, end) + self.prompt.next_position
        return self.rotary(at.expand(3, 1, -1))

    def project(self, layer, x: torch.Tensor, rotary) -> list[torch.Tensor]:
        """x `[B, T, hidden]` → q `[B, H, T, D]`, k and v `[B, KV, T, D]`"""
        normed = layer.input_layernorm(x)
        a = layer.self_attn
        q, k, v = (p(normed).unflatten(-1, (-1, self.D)) for p in (a.q_proj, a.k_proj, a.v_proj))
        if hasattr(a, "q_norm"):
            q, k = a.q_norm(q), a.k_norm(k)
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        cos, sin = rotary
        return [q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin, v]

    def finish(self, layer, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """attended `[B, H, T, D]` → the layer's output `[B, T, hidden]`"""
        x = x + layer.self_attn.o_proj(attended.transpose(1, 2).flatten(2))
        return x + layer.mlp(layer.post_attention_layernorm(x))

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.model.lm_head(self.text.norm(hidden)).float()

    def prefix(self) -> Prefix:
        vision = self.model.model.get_video_features(
            self.prompt.patches.to(self.model.dtype), torch.tensor([self.prompt.grid]))
        x = self.text.embed_tokens(self.ids)
        x = x.masked_scatter(self.is_video[..., None], torch.cat(list(vision.pooler_output)).to(x.dtype))
        deep = [torch.cat(list(of)) for of in getattr(vision, "deepstack_features", None) or []]
        rotary, keys, values = self.rotary(self.prompt.positions[:, None]), [], []
        for i, layer in enumerate(self.text.layers):
            q, k, v = self.project(layer, x, rotary)
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            x = self.finish(layer, x, attended)
            if i < len(deep):
                x = x.masked_scatter(self.is_video[..., None], x[self.is_video] + deep[i].to(x.dtype))
            keys.append(k[0])
            values.append(v[0])
        return Prefix(keys, values, x[0, -1])

    def logprobs(self, prefix: Prefix, completions: torch.Tensor) -> torch.Tensor:
        """`[G, C]`"""
        G, C = completions.shape
        x = self.text.embed_tokens(completions[:, :-1])
        rotary = self.completion_rotary(0, C - 1)
        for layer, prefix_k, prefix_v in zip(self.text.layers, prefix.keys, prefix.values):
            q, k, v = self.project(layer, x, rotary)
            x = self.finish(layer, x, cascade(q, prefix_k, prefix_v, k, v))
        hidden = torch.cat([prefix.last.expand(G, 1, -1), x], 1)
        return -F.cross_entropy(self.logits(hidden).flatten(0, 1), completions.flatten(), reduction="none").view(G, C)

    @torch.no_grad()
    def sample(self, prefix: Prefix, G: int, C: int, forbidden: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens and their log-probs, `[G, C]` each.

        The prefix's keys serve all G rows in one product; a completion's own grow in place.
        """
        KV, D, R = self.KV, self.D, self.H // self.KV
        own = [torch.empty(2, G, KV, C, D, dtype=self.model.dtype) for _ in self.text.layers]
        rotary = self.completion_rotary(0, C)
        tokens, logprobs, forbidden = [], [], torch.tensor(forbidden)
        logits = self.logits(prefix.last).expand(G, -1)
        for t in range(C):
            p = logits.index_fill(1, forbidden, float("-inf")).softmax(-1)
            tokens.append(torch.multinomial(p, 1))
            logprobs.append(-F.cross_entropy(logits, tokens[-1][:, 0], reduction="none"))
            if t + 1 == C:
                break
            x = self.text.embed_tokens(tokens[-1])
            for layer, cache, prefix_k, prefix_v in zip(self.text.layers, own, prefix.keys, prefix.values):
                q, cache[0, :, :, t : t + 1], cache[1, :, :, t : t + 1] = self.project(
                    layer, x, (rotary[0][t : t + 1], rotary[1][t : t + 1]))
                q = q.view(G, KV, R, D) * D**-0.5
                k, v = cache[:, :, :, : t + 1]
                shared = q.transpose(0, 1).reshape(KV, G * R, D)
                on_prefix = (shared @ prefix_k.transpose(1, 2)).view(KV, G, R, -1).transpose(0, 1)
                weights = torch.cat([on_prefix, q @ k.transpose(2, 3)], -1).softmax(-1, torch.float32).to(q.dtype)
                P = prefix_k.shape[1]
                from_prefix = weights[..., :P].transpose(0, 1).reshape(KV, G * R, P) @ prefix_v
                attended = from_prefix.view(KV, G, R, D).transpose(0, 1) + weights[..., P:] @ v
                x = self.finish(layer, x, attended.reshape(G, self.H, 1, D))
            logits = self.logits(x[:, 0])
        return torch.cat(tokens, 1), torch.stack(logprobs, 1)


def undrawable(model) -> list[int]:
    """Tokens that must not be drawn, so that completions have exactly the length that they are to have."""
    end = model.generation_config.eos_token_id
    return [*(end if isinstance(end, list) else [end]), *grpo.placeholders(model.config)]


class SharedPrefix:
    def __init__(self, policy, reference, prompt: VideoPrompt) -> None:
        self.policy, self.reference = Decoder(policy, prompt), Decoder(reference, prompt)
        self.on_policy: Prefix | None = None
        self.forbidden = undrawable(policy)

    def rollout(self, generations: int, length: int) -> torch.Tensor:
        self.on_policy = self.policy.prefix()
        tokens, _ = self.policy.sample(self.on_policy, generations, length, self.forbidden)
        return tokens

    def reference_logprobs(self, completions: torch.Tensor) -> torch.Tensor:
        return self.reference.logprobs(self.reference.prefix(), completions)

    def policy_logprobs(self, completions: torch.Tensor) -> torch.Tensor:
        prefix, self.on_policy = self.on_policy or self.policy.prefix(), None
        return self.policy.logprobs(prefix, completions)


if __name__ == "__main__":
    parser = measure.parser(__doc__, grpo.DTYPES)
    parser.add_argument("--check", type=Path, metavar="FOLDER", help="compare instead of measuring")
    options = parser.parse_args()
    if options.check:
        from check import check

        measure.run(options, check)
    else:
        measure.run(options, lambda o: grpo.measured("shared-prefix", SharedPrefix, o))
