"""Times GRPO steps of TRL's GRPOTrainer on a video prompt. Prints one line of JSON; logs go to standard error.

TRL feeds images only. What a video needs is added by a subclass in two places, with the real `pixel_values_videos`:
where the prompt is tokenized (from there generation gets it) and where log-probs are computed. Everything else is TRL's.
"""

from __future__ import annotations

import argparse
import functools
import tempfile

import torch
import trl
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForImageTextToText, AutoTokenizer, TrainerCallback

import measure
from grpo import placeholders
from prompt import VideoPrompt, video_prompt


class VideoGRPOTrainer(trl.GRPOTrainer):
    """GRPOTrainer with one video prompt for every row, and a stopwatch."""

    def __init__(self, *args, prompt: VideoPrompt, **kwargs) -> None:
        self.video, self.clock = prompt, measure.Clock()
        super().__init__(*args, **kwargs)

    def video_inputs(self, rows: int) -> dict:
        return {
            "pixel_values_videos": self.video.patches.to(self.model.device, self.model.dtype).repeat(rows, 1),
            "video_grid_thw": torch.tensor([self.video.grid], device=self.model.device).repeat(rows, 1),
        }

    def token_types(self, ids: torch.Tensor) -> torch.Tensor:
        """1 of transformers' `mm_token_type_ids` is an image, 2 a video; completions count as text."""
        types = torch.zeros_like(ids)
        types[:, : len(self.video.ids)] = 2 * (ids[:, : len(self.video.ids)] == self.model.config.video_token_id)
        return types

    def _tokenize_prompts(self, prompts):
        rows = len(prompts)
        ids = torch.tensor([self.video.ids] * rows, device=self.model.device)
        fields = {**self.video_inputs(rows), "mm_token_type_ids": self.token_types(ids)}
        return ids.tolist(), None, fields

    def _generate_single_turn(self, *args, **kwargs):
        with self.clock.timed("rollout"):
            return super()._generate_single_turn(*args, **kwargs)

    def _get_per_token_logps_and_entropies(self, model, input_ids, *args, **kwargs):
        model = functools.partial(model, **self.video_inputs(len(input_ids)))
        kwargs["mm_token_type_ids"] = self.token_types(input_ids)
        with self.clock.timed("policy_forward" if torch.is_grad_enabled() else "reference"):
            return super()._get_per_token_logps_and_entropies(model, input_ids, *args, **kwargs)


class Stopwatch(TrainerCallback):
    """Seconds of each step, from before its generation to after its update, and of each phase."""

    def __init__(self) -> None:
        self.trainer, self.steps = None, []

    def on_step_begin(self, *args, **kwargs) -> None:
        self.trainer.clock = measure.Clock()
        self.start = measure.now()

    def on_pre_optimizer_step(self, *args, **kwargs) -> None:
        self.before_optimizer = measure.now()

    def on_step_end(self, *args, **kwargs) -> None:
        end = measure.now()
        phases = {**self.trainer.clock.phases, "optimizer": end - self.before_optimizer}
        # What is between the policy's forward and the optimizer is the backward pass, and all that is not measured.
        phases["backward"] = end - self.start - sum(phases.values())
        self.steps.append({"step": end - self.start, **phases})


def load(folder: str, dtype: torch.dtype):
    return AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype)


def adapters(rank: int) -> LoraConfig | None:
    """On every linear layer of the decoder; the vision tower has layers of other names."""
    if rank == 0:
        return None
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=names)


def run(options: argparse.Namespace) -> dict:
    model = load(options.model, torch.bfloat16 if options.dtype == "bfloat16" else torch.float32)
    stopwatch, lengths = Stopwatch(), []

    def reward(completions, completion_ids, **_) -> list[float]:
        """Differs within the group, so that no advantage is zero."""
        lengths.append([len(ids) for ids in completion_ids])
        return [float(i) for i in range(len(completions))]

    with tempfile.TemporaryDirectory() as folder:
        trainer = VideoGRPOTrainer(
            model=model,
            prompt=video_prompt(model.config, options.tokens),
            reward_funcs=reward,
            processing_class=AutoTokenizer.from_pretrained(options.model),
            train_dataset=Dataset.from_list([{"prompt": "a video"}] * 16 * (options.steps + 1)),
            callbacks=[stopwatch],
            peft_config=adapters(options.lora),
            args=trl.GRPOConfig(
                output_dir=folder, use_cpu=options.device == "cpu", bf16=options.dtype == "autocast", max_steps=options.steps + 1,
                per_device_train_batch_size=options.prompts * options.generations, num_generations=options.generations,
                max_completion_length=options.completion, generation_kwargs={
                    "min_new_tokens": options.completion, "suppress_tokens": placeholders(model.config)},
                temperature=1.0, beta=0.04, loss_type="grpo", learning_rate=1e-6,
                gradient_checkpointing=options.gradient_checkpointing,
                report_to="none", save_strategy="no", logging_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
            ),
        )
        stopwatch.trainer = trainer
        trainer.train()

    assert all(n == options.completion for row in lengths for n in row), "a completion was shorter than it had to be"
    timed = stopwatch.steps[1:]  # the first one warms up
    return {
        **measure.report("trl", options, trainer.video, timed),
        "trl": trl.__version__, "gradient_checkpointing": options.gradient_checkpointing,
    }


if __name__ == "__main__":
    # autocast: float32 weights under bfloat16 autocast; bfloat16: weights in bfloat16.
    parser = measure.parser(__doc__, ["float32", "bfloat16", "autocast"])
    parser.add_argument("--gradient-checkpointing", action="store_true")
    measure.run(parser.parse_args(), run)
