"""The benchmark's prompt, made from numbers alone so that any program can make the same one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

SECONDS = 1.0
"""From slice to slice of the video: what transformers takes where nothing is said."""


@dataclass
class VideoPrompt:
    ids: list[int]
    """`[P]`: one text token, each block of placeholders between its vision_start and vision_end, text."""
    grid: list[int]
    """`[t, h, w]` in patches."""
    patches: torch.Tensor
    """`[t·h·w, columns]` float32."""
    vision_tokens: int
    positions: torch.Tensor
    """M-RoPE's, `[3, P]` int32; text after a block starts past the largest of them, as the models were trained."""

    @property
    def next_position(self) -> int:
        """Of a completion's first token, the same on all axes."""
        return int(self.positions.max()) + 1

    @property
    def digest(self) -> str:
        """sha256 of the ids, the positions (both little-endian int32) and the patches: equal for all who measure the same thing."""
        hashed = hashlib.sha256(np.asarray(self.ids, dtype="<i4").tobytes())
        hashed.update(self.positions.cpu().numpy().astype("<i4").tobytes())
        hashed.update(self.patches.cpu().numpy().astype("<f4").tobytes())
        return hashed.hexdigest()


def video_prompt(config, tokens: int) -> VideoPrompt:
    """A prompt of `tokens` tokens, about four fifths of them vision: slices of 16 × 16 patches (64 tokens), or 4 × 4 (4 tokens) where that is too long.

    They stand in one block; with Qwen3-VL each slice has its own (the times that it has between them are text like any).
    Text token i (counted in the text alone) is (i · 7919 + 13) mod 256. Patch value i, row by row, is
    ((i · 1103515245 + 12345) mod 2^31) / 2^31 · 4 − 2, in float64, then float32.
    """
    side = 16 if tokens >= 160 else 4
    a_slice = (side // 2) ** 2
    slices = max(1, int(0.8 * tokens / a_slice + 0.5))
    vision = slices * a_slice
    blocks = [1] * slices if config.model_type == "qwen3_vl" else [slices]
    around = 2 * len(blocks)
    if vision + around + 2 > tokens:
        raise SystemExit(f"--tokens {tokens} is too short: at least {vision + around + 2} are needed")
    text = [(i * 7919 + 13) % 256 for i in range(tokens - vision - around)]
    ids, axes = [text[0]], [torch.zeros(3, 1, dtype=torch.int32)]
    for length in blocks:
        ids += [config.vision_start_token_id, *[config.video_token_id] * length * a_slice, config.vision_end_token_id]
        axes.append(next_text(axes, 1))
        axes.append(block_positions(length, side // 2, interval(config)) + int(axes[-1].max()) + 1)
        axes.append(next_text(axes, 1))
    ids += text[1:]
    axes.append(next_text(axes, len(text) - 1))
    v = config.vision_config
    columns = v.in_channels * v.temporal_patch_size * v.patch_size**2
    i = np.arange(slices * side * side * columns, dtype=np.float64)
    values = np.mod(i * 1103515245 + 12345, 2**31) / 2**31 * 4 - 2
    patches = torch.from_numpy(values.astype(np.float32)).view(-1, columns).to(torch.get_default_device())
    return VideoPrompt(ids, [slices, side, side], patches, vision, torch.cat(axes, 1))


def interval(config) -> float:
    """Positions from slice to slice of a block."""
    return config.vision_config.tokens_per_second * SECONDS if config.model_type == "qwen2_5_vl" else 1.0


def block_positions(slices: int, side: int, step: float) -> torch.Tensor:
    """`[3, slices · side²]`, counted from the block's start."""
    time = (torch.arange(slices) * step).int()
    cell = torch.arange(side, dtype=torch.int32)
    return torch.stack(torch.meshgrid(time, cell, cell, indexing="ij")).flatten(1)


def next_text(axes: list[torch.Tensor], length: int) -> torch.Tensor:
    """`[3, length]` after all of these."""
    start = max(int(a.max()) for a in axes) + 1
    return torch.arange(start, start + length, dtype=torch.int32).expand(3, -1)
