"""Times the token steps of `shared_prefix_step.py`'s sampling, in PyTorch. Prints one line of JSON.

A step is from a token's logits to the next token's: drawing, the layers on G rows, and the head.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

import grpo
import measure
from prompt import video_prompt
from shared_prefix_step import Decoder, undrawable


class Timed(Decoder):
    """Notes when logits are there."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.times: list[float] = []

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        logits = super().logits(hidden)
        self.times.append(time.perf_counter())
        return logits


def measured(options: argparse.Namespace) -> dict:
    torch.manual_seed(0)
    model = grpo.frozen(grpo.load(options.model, getattr(torch, options.dtype)))
    prompt = video_prompt(model.config, options.tokens)
    decoder = Timed(model, prompt)
    with torch.no_grad():
        prefix = decoder.prefix()
    seconds = []
    for _ in range(1 + options.steps):
        decoder.times.clear()
        decoder.sample(prefix, options.generations, options.completion, undrawable(model))
        seconds.append([after - before for before, after in zip(decoder.times, decoder.times[1:])])
    return {
        "peer": "shared-prefix", "dtype": options.dtype, "threads": options.threads,
        "seconds": statistics.median(s for completion in seconds[1:] for s in completion),  # the first one warms up
        "prompt_sha256": prompt.digest,
    }


if __name__ == "__main__":
    measure.run(measure.parser(__doc__, ["float32", "bfloat16"]).parse_args(), measured)
