"""What the peers have in common: their options, the stopwatch, and the line of JSON that they print."""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable

import torch
import transformers

from prompt import VideoPrompt


def parser(description: str | None, dtypes: list[str]) -> argparse.ArgumentParser:
    """The options of every peer."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--model", required=True, help="a checkpoint folder with its tokenizer")
    options.add_argument("--tokens", type=int, default=640, help="prompt tokens, video included")
    options.add_argument("--generations", type=int, default=8)
    options.add_argument("--completion", type=int, default=64, help="tokens of each completion, neither more nor less")
    options.add_argument("--dtype", choices=dtypes, default="float32")
    options.add_argument("--steps", type=int, default=3, help="steps to time, after one to warm up")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--prompts", type=int, default=1, help="of a step and process; TRL and vau-rft")
    options.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options.add_argument("--lora", type=int, default=0, help="rank of adapters on all decoder linears; 0: the whole model is trained")
    return options


def now() -> float:
    """Seconds, when all that was asked of a GPU is done."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


class Clock:
    """Seconds of the phases of one step."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = {}

    @contextlib.contextmanager
    def timed(self, phase: str):
        start = now()
        yield
        self.phases[phase] = self.phases.get(phase, 0.0) + now() - start


def time_steps(step: Callable[[Clock], None], count: int) -> list[dict[str, float]]:
    """Runs `step` once to warm up, then `count` times. Seconds of each phase, and of the whole as `step`."""
    steps = []
    for _ in range(count + 1):
        clock, start = Clock(), now()
        step(clock)
        steps.append({"step": now() - start, **clock.phases})
    return steps[1:]


def run(options: argparse.Namespace, measured: Callable[[argparse.Namespace], dict]) -> None:
    """Measures with standard output kept for the one line of JSON."""
    torch.set_num_threads(options.threads)
    with contextlib.redirect_stdout(sys.stderr):
        result = measured(options)
    print(json.dumps(result))


def report(peer: str, options: argparse.Namespace, prompt: VideoPrompt, timed: list[dict[str, float]]) -> dict:
    """Medians over the timed steps. What the phases leave of a step is `rest`."""
    steps = [{**s, "rest": 2 * s["step"] - sum(s.values())} for s in timed]
    median = {phase: statistics.median(s[phase] for s in steps) for phase in steps[0]}
    seconds = median.pop("step")
    return {
        "peer": peer, "torch": torch.__version__, "transformers": transformers.__version__,
        "dtype": options.dtype, "threads": options.threads,
        "seconds": seconds, "phases": median, "step_seconds": [s["step"] for s in timed],
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "peak_gpu_bytes": torch.cuda.max_memory_allocated() if torch.cuda.is_initialized() else 0,
        "tokens": {"prompt": options.tokens, "vision": prompt.vision_tokens, "completion": options.completion,
                   "generations": options.generations},
        "prompt_sha256": prompt.digest,
    }
