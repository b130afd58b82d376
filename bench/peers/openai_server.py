"""openai_server.py --model FOLDER [--port 8000] [--kind vllm|sglang] [--faults 0.2] [--seed 1]: a stand-in for vLLM or SGLang.

Answers the endpoints that `rollout.engine: {name: openai}` uses, with transformers and peft behind them: another engine,
with other rounding, and the same fields. One request is computed at a time. With `--faults` that part of the requests
meets with a fault instead (429, 500, a hang, a lost adapter, token ids that are not the text's, no log-probs, a group cut
short); `GET /faults` says how many of each there were.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import peft
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--name", default="base")
parser.add_argument("--port", type=int, default=8000)
parser.add_argument("--kind", choices=["vllm", "sglang"], default="vllm")
parser.add_argument("--faults", type=float, default=0)
parser.add_argument("--hang", type=float, default=30, help="seconds that a hang lasts")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--ignore-seed", action="store_true", help="sample otherwise each time, as servers with other requests beside do")
parser.add_argument("--dtype", default="float32")
options = parser.parse_args()

VERSION = {"vllm": "0.11.0", "sglang": "0.5.6"}[options.kind]
FAULTS = ["429", "500", "hang", "lost_adapter", "wrong_ids", "no_logprobs", "short_group"]
torch.set_num_threads(1)
processor = AutoProcessor.from_pretrained(options.model)
base = AutoModelForImageTextToText.from_pretrained(options.model, dtype=getattr(torch, options.dtype)).eval()
model: torch.nn.Module = base
adapters: set[str] = set()
turn = threading.Lock()
chance = random.Random(options.seed)
faults: Counter = Counter()


class Refused(Exception):
    def __init__(self, status: int, message: str, headers: dict[str, str] = {}) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers


def load(name: str, path: str) -> None:
    global model
    if name in adapters:
        raise Refused(400, f"The lora adapter '{name}' has already been loaded.")
    if isinstance(model, peft.PeftModel):
        model.load_adapter(path, adapter_name=name)
    else:
        model = peft.PeftModel.from_pretrained(base, path, adapter_name=name)
    model.eval()
    adapters.add(name)


def unload(name: str) -> None:
    global model
    if name not in adapters:
        raise Refused(404, f"The lora adapter '{name}' cannot be found.")
    adapters.remove(name)
    if adapters:
        model.delete_adapter(name)
    else:
        model = model.unload()


def picture(data: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def inputs_of(request: dict):
    """Token ids, patches and grids, as the processor makes them of the messages."""
    messages, images, videos = [], [], []
    for message in request["messages"]:
        parts = message["content"]
        if isinstance(parts, str):
            parts = [{"type": "text", "text": parts}]
        shown = []
        for part in parts:
            kind = part["type"].removesuffix("_url")
            if kind == "image":
                images.append(picture(part["image_url"]["url"].split(",", 1)[1]))
            elif kind == "video":
                frames = part["video_url"]["url"].split(",")[1:]
                videos.append(torch.from_numpy(np.stack([picture(frame) for frame in frames])).permute(0, 3, 1, 2))
            shown.append({"type": kind} if kind != "text" else part)
        messages.append({"role": message["role"], "content": shown})
    text = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    rate = request.get("mm_processor_kwargs", {}).get("fps")
    extra = {"fps": rate} if rate and "second_per_grid_ts" in getattr(processor, "model_input_names", []) else {}
    return processor(text=[text], images=images or None, videos=videos or None, return_tensors="pt",
                     do_resize=False, do_sample_frames=False, **extra)


@torch.no_grad()
def complete(request: dict) -> dict:
    name = request["model"]
    adapter = name.split(":", 1)[1] if ":" in name else name
    if adapter != options.name and adapter not in adapters:
        raise Refused(404, f"The model `{name}` does not exist.")
    inputs = inputs_of(request)
    if isinstance(model, peft.PeftModel) and adapter in adapters:
        model.set_adapter(adapter)
    n, temperature = request.get("n", 1), request.get("temperature", 1.0)
    torch.manual_seed(time.time_ns() % 2**31 if options.ignore_seed else request.get("seed") or 0)
    stops = request["stop_token_ids"]
    made = model.generate(
        **inputs, num_return_sequences=n, return_dict_in_generate=True,
        output_logits=True, max_new_tokens=request["max_tokens"], min_new_tokens=request.get("min_tokens") or None,
        eos_token_id=stops, pad_token_id=stops[0], **sampling(request),
    )
    length = inputs["input_ids"].shape[1]
    logits = torch.stack(made.logits, dim=1).float() / (temperature or 1.0)
    tokens = made.sequences[:, length:]
    logprobs = logits.log_softmax(-1).gather(-1, tokens[..., None])[..., 0]
    prompt = inputs["input_ids"][0].tolist()
    choices = []
    for i in range(n):
        own = tokens[i].tolist()
        end = next((at for at, token in enumerate(own) if token in stops), None)
        own = own if end is None else own[: end + 1]
        content = [{"token": f"token_id:{token}", "logprob": logprobs[i, at].item()} for at, token in enumerate(own)]
        choices.append({
            "index": i, "finish_reason": "length" if end is None else "stop",
            "message": {"role": "assistant", "content": processor.tokenizer.decode(own, skip_special_tokens=True)},
            "token_ids": own, "logprobs": {"content": content},
            **({"prompt_token_ids": prompt} if request.get("return_prompt_token_ids") else {}),
        })
    return {"id": "chatcmpl", "object": "chat.completion", "created": int(time.time()), "model": name, "choices": choices,
            "prompt_token_ids": prompt if options.kind == "vllm" else None,
            "usage": {"prompt_tokens": len(prompt), "completion_tokens": sum(len(one["token_ids"]) for one in choices)}}


def sampling(request: dict) -> dict:
    """Of `generate`, from the fields of vLLM and SGLang."""
    if request.get("temperature") == 0:
        return {"do_sample": False}
    top_k = request.get("top_k", -1)
    return {"do_sample": True, "temperature": request["temperature"], "top_p": request.get("top_p", 1.0), "top_k": top_k if top_k > 0 else 0,
            "min_p": request.get("min_p") or None, "repetition_penalty": request.get("repetition_penalty", 1.0)}


def with_fault(request: dict) -> dict:
    with turn:
        kind = chance.choice(FAULTS) if chance.random() < options.faults else "none"
    seen = kind
    try:
        if kind == "429":
            raise Refused(429, "slow down", {"retry-after": "0.1"})
        if kind == "500":
            raise Refused(500, "out of luck")
        if kind == "hang":
            time.sleep(options.hang)
        with turn:
            if kind == "lost_adapter":
                seen = "none"
                for name in list(adapters):
                    unload(name)
            reply = complete(request)
        first = reply["choices"][0]
        if kind == "wrong_ids":
            first["token_ids"][0] = (first["token_ids"][0] + 1) % 256
        elif kind == "no_logprobs":
            first["logprobs"] = None
        elif kind == "short_group":
            reply["choices"].pop()
        return reply
    except Refused as refused:
        # Whoever asks after it was lost sees that, and nothing else.
        if refused.status == 404 and kind != "hang":
            seen = "lost_adapter"
        raise
    finally:
        with turn:
            faults[seen] += 1


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        names = [options.name, *sorted(adapters)]
        self.answer({
            "/version": lambda: {"version": VERSION},
            "/get_server_info": lambda: {"version": VERSION},
            "/v1/models": lambda: {"object": "list", "data": [{"id": name, "object": "model"} for name in names]},
            "/faults": lambda: dict(faults),
        })

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        root = "/v1" if options.kind == "vllm" else ""
        self.answer({
            "/v1/chat/completions": lambda: with_fault(request),
            f"{root}/load_lora_adapter": lambda: self.locked(load, request["lora_name"], request.get("lora_path")),
            f"{root}/unload_lora_adapter": lambda: self.locked(unload, request["lora_name"]),
        })

    def locked(self, task, *args) -> dict:
        with turn:
            task(*args)
        return {"success": True}

    def answer(self, by_path: dict) -> None:
        try:
            if self.path not in by_path:
                raise Refused(404, f"no {self.path}")
            status, body, headers = 200, by_path[self.path](), {}
        except Refused as refused:
            status, body, headers = refused.status, {"error": {"message": str(refused)}}, refused.headers
        except Exception as error:
            status, body, headers = 500, {"error": {"message": repr(error)}}, {}
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            for name, value in {"content-type": "application/json", "content-length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
        except BrokenPipeError:
            pass

    def log_message(self, *args) -> None:
        pass


print(f"{options.kind} stand-in on http://127.0.0.1:{options.port}/v1, model {options.name}", flush=True)
ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()
