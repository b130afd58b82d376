"""Times the GRPO step of VAU-R1's trainer in plain PyTorch. Prints one line of JSON; logs go to standard error.

As there: Hugging Face's `generate` with `num_return_sequences`, which repeats prompt and video G times; one forward of the
reference and one of the policy over G rows of prompt and completion, each with its own copy of the video; logits of
all tokens, prompt included. Attention is PyTorch's fused one; nothing is checkpointed.
"""

from __future__ import annotations

import torch
from transformers import GenerationConfig

import grpo
import measure
from prompt import VideoPrompt


class RepeatedPrompt:
    def __init__(self, policy, reference, prompt: VideoPrompt) -> None:
        self.policy, self.reference, self.prompt = policy, reference, prompt

    def inputs(self, ids: torch.Tensor) -> dict:
        """Model inputs of rows that start with the prompt, all but their positions. `ids`: `[rows, P or more]`"""
        rows = len(ids)
        return {
            "input_ids": ids, "attention_mask": torch.ones_like(ids),
            "mm_token_type_ids": 2 * (ids == self.policy.config.video_token_id),  # 2: a video
            "pixel_values_videos": self.prompt.patches.to(self.policy.dtype).repeat(rows, 1),
            "video_grid_thw": torch.tensor([self.prompt.grid]).repeat(rows, 1),
        }

    def rollout(self, generations: int, length: int) -> torch.Tensor:
        settings = GenerationConfig(
            do_sample=True, temperature=1.0, top_k=0, num_return_sequences=generations, min_new_tokens=length,
            max_new_tokens=length, suppress_tokens=grpo.placeholders(self.policy.config),
            eos_token_id=self.policy.generation_config.eos_token_id,
            pad_token_id=self.policy.generation_config.pad_token_id)
        with torch.no_grad():
            rows = self.policy.generate(**self.inputs(torch.tensor([self.prompt.ids])), generation_config=settings)
        return rows[:, len(self.prompt.ids) :]

    def logprobs(self, model, completions: torch.Tensor) -> torch.Tensor:
        G, C = completions.shape
        ids = torch.cat([torch.tensor([self.prompt.ids]).expand(G, -1), completions], 1)
        after = torch.arange(C, dtype=torch.int32).expand(3, -1) + self.prompt.next_position
        positions = torch.cat([self.prompt.positions, after], 1)[:, None].expand(-1, G, -1)
        logits = model(**self.inputs(ids), position_ids=positions, use_cache=False).logits[:, :-1]
        rows = [row.log_softmax(-1).gather(1, of[1:, None])[:, 0] for row, of in zip(logits, ids)]
        return torch.stack(rows)[:, -C:].float()

    def reference_logprobs(self, completions: torch.Tensor) -> torch.Tensor:
        return self.logprobs(self.reference, completions)

    def policy_logprobs(self, completions: torch.Tensor) -> torch.Tensor:
        return self.logprobs(self.policy, completions)


if __name__ == "__main__":
    options = measure.parser(__doc__, grpo.DTYPES).parse_args()
    measure.run(options, lambda o: grpo.measured("vau-r1", RepeatedPrompt, o))
