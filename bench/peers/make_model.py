"""make_model.py FOLDER [--family F] [--size S] [--seed N]: a random checkpoint, complete with tokenizer and processor.

`small` is the model of the benchmarks: about 24 M decoder and 8 M vision parameters. `tiny` is for trying a script out.
`2B`, `3B` and `4B` have the shapes of the published models of these names, in bfloat16, with a tokenizer that uses the
first of their tokens.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2VLImageProcessor

SMALL = dict(hidden_size=512, num_hidden_layers=8, num_attention_heads=8, num_key_value_heads=2, intermediate_size=1408,
             vocab_size=2000)
TINY = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=128,
            vocab_size=400)
QWEN3_TOWER = dict(depth=24, hidden_size=1024, num_heads=16, intermediate_size=4096,
                   deepstack_visual_indexes=[5, 11, 17])
PUBLISHED = dict(vocab_size=151936)
"""How many tokens there are; what has these is in bfloat16, and its tokenizer uses 2,000 of them."""

# Of the decoder, of the tower, and the pairs of a head that M-RoPE gives to time, rows and columns.
SIZES = {
    "qwen2_vl": {
        "small": (SMALL, dict(depth=8, embed_dim=256, num_heads=4, mlp_ratio=4), [8, 12, 12]),
        "tiny": (TINY, dict(depth=1, embed_dim=32, num_heads=2, mlp_ratio=2), [2, 3, 3]),
        "2B": (dict(hidden_size=1536, num_hidden_layers=28, num_attention_heads=12, num_key_value_heads=2,
                    intermediate_size=8960, **PUBLISHED),
               dict(depth=32, embed_dim=1280, num_heads=16, mlp_ratio=4), [16, 24, 24]),
    },
    "qwen2_5_vl": {
        "small": (SMALL, dict(depth=8, hidden_size=256, num_heads=4, intermediate_size=684, tokens_per_second=2,
                              fullatt_block_indexes=[3, 7]), [8, 12, 12]),
        "tiny": (TINY, dict(depth=2, hidden_size=32, num_heads=2, intermediate_size=68, tokens_per_second=2,
                            fullatt_block_indexes=[1]), [2, 3, 3]),
        "3B": (dict(hidden_size=2048, num_hidden_layers=36, num_attention_heads=16, num_key_value_heads=2,
                    intermediate_size=11008, **PUBLISHED),
               dict(depth=32, hidden_size=1280, num_heads=16, intermediate_size=3420, tokens_per_second=2),
               [16, 24, 24]),
    },
    "qwen3_vl": {
        "small": (dict(**SMALL, head_dim=64), dict(depth=8, hidden_size=256, num_heads=4, intermediate_size=1024,
                                                   deepstack_visual_indexes=[1, 3, 5]), [12, 10, 10]),
        "tiny": (dict(**TINY, head_dim=16), dict(depth=2, hidden_size=32, num_heads=2, intermediate_size=64,
                                                 num_position_embeddings=64, deepstack_visual_indexes=[0]), [4, 2, 2]),
        "2B": (dict(hidden_size=2048, num_hidden_layers=28, num_attention_heads=16, num_key_value_heads=8, head_dim=128,
                    intermediate_size=6144, **PUBLISHED), QWEN3_TOWER, [24, 20, 20]),
        "4B": (dict(hidden_size=2560, num_hidden_layers=36, num_attention_heads=32, num_key_value_heads=8, head_dim=128,
                    intermediate_size=9728, **PUBLISHED), QWEN3_TOWER, [24, 20, 20]),
    },
}

CLASSES = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL"}
VIDEO_PROCESSORS = {"qwen3_vl": "Qwen3VLVideoProcessor"}
ROPE_THETA = {"qwen3_vl": 5e6}

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]

CHAT_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_level_tokenizer(vocab_size: int, seed: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE of exactly `vocab_size` tokens, trained on made-up words."""
    rng = random.Random(seed)
    syllables = [c + v + e for c in "bdfgklmnprst" for v in "aeiou" for e in ("", "n", "r", "s")]
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(6000)]
    text = [" ".join(rng.choices(words, k=20)) for _ in range(4000)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size - len(SPECIAL), initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.add_special_tokens(SPECIAL)
    assert tokenizer.get_vocab_size() == vocab_size, tokenizer.get_vocab_size()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=CHAT_TEMPLATE,
        model_max_length=32768, clean_up_tokenization_spaces=False)


def make(folder: Path, family: str, size: str, seed: int) -> None:
    text, vision, section = SIZES[family][size]
    published = text["vocab_size"] == PUBLISHED["vocab_size"]
    tokenizer = byte_level_tokenizer(2000 if published else text["vocab_size"], seed)
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIAL}
    torch.manual_seed(seed)
    torch.set_default_dtype(torch.bfloat16 if published else torch.float32)
    of = lambda kind: getattr(transformers, CLASSES[family] + kind)
    out = "hidden_size" if family == "qwen2_vl" else "out_hidden_size"
    model = of("ForConditionalGeneration")(of("Config")(
        text_config={
            **text, "rms_norm_eps": 1e-6, "bos_token_id": ids["<|endoftext|>"], "eos_token_id": ids["<|im_end|>"],
            "rope_parameters": {"rope_type": "default", "rope_theta": ROPE_THETA.get(family, 1e6), "mrope_section": section},
            "tie_word_embeddings": True,
        },
        vision_config={**vision, out: text["hidden_size"]},
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    ))
    model.generation_config = GenerationConfig(
        bos_token_id=ids["<|endoftext|>"], pad_token_id=ids["<|endoftext|>"],
        eos_token_id=[ids["<|im_end|>"], ids["<|endoftext|>"]])
    model.save_pretrained(folder)
    patch = {"patch_size": model.config.vision_config.patch_size}
    video = getattr(transformers, VIDEO_PROCESSORS.get(family, "Qwen2VLVideoProcessor"))(**patch)
    processor = of("Processor")(
        image_processor=Qwen2VLImageProcessor(**patch), video_processor=video, tokenizer=tokenizer,
        chat_template=CHAT_TEMPLATE)
    processor.save_pretrained(folder)
    vision = sum(p.numel() for p in model.model.visual.parameters())
    total = sum(p.numel() for p in model.parameters())
    print(f"{folder}: {total / 1e6:.1f} M parameters, {vision / 1e6:.1f} M of them vision")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--family", choices=list(SIZES), default="qwen2_vl")
    parser.add_argument("--size", default="small")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.size not in SIZES[arguments.family]:
        parser.error(f"{arguments.family} has no size {arguments.size}: it has {', '.join(SIZES[arguments.family])}")
    make(arguments.folder, arguments.family, arguments.size, arguments.seed)
