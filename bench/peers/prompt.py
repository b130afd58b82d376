"""The benchmark's prompt, made from numbers alone so that any program can make the same one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch


@dataclass
class VideoPrompt:
    ids: list[int]
    """`[P]`: one text token, vision_start, the video's placeholders, vision_end, text."""
    grid: list[int]
    """`[t, h, w]` in patches."""
    patches: torch.Tensor
    """`[t·h·w, 1176]` float32."""
    vision_tokens: int

    @property
    def digest(self) -> str:
        """sha256 of the ids (little-endian int32) and the patches: equal for all who measure the same thing."""
        hashed = hashlib.sha256(np.asarray(self.ids, dtype="<i4").tobytes())
        hashed.update(self.patches.numpy().astype("<f4").tobytes())
        return hashed.hexdigest()


def video_prompt(config, tokens: int) -> VideoPrompt:
    """A prompt of `tokens` tokens, about four fifths of them vision: slices of 16 × 16 patches (64 tokens), or 4 × 4 (4 tokens) where that is too long.

    Text token i (counted in the text alone) is (i · 7919 + 13) mod 256. Patch value i, row by row, is
    ((i · 1103515245 + 12345) mod 2^31) / 2^31 · 4 − 2, in float64, then float32.
    """
    side = 16 if tokens >= 160 else 4
    a_slice = (side // 2) ** 2
    slices = max(1, int(0.8 * tokens / a_slice + 0.5))
    vision = slices * a_slice
    if vision + 4 > tokens:
        raise SystemExit(f"--tokens {tokens} is too short: at least {vision + 4} are needed")
    text = [(i * 7919 + 13) % 256 for i in range(tokens - vision - 2)]
    ids = [text[0], config.vision_start_token_id, *[config.video_token_id] * vision, config.vision_end_token_id, *text[1:]]
    grid = [slices, side, side]
    v = config.vision_config
    columns = v.in_channels * v.temporal_patch_size * v.patch_size**2
    i = np.arange(slices * side * side * columns, dtype=np.float64)
    values = np.mod(i * 1103515245 + 12345, 2**31) / 2**31 * 4 - 2
    return VideoPrompt(ids, grid, torch.from_numpy(values.astype(np.float32)).view(-1, columns), vision)
