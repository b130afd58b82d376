"""Makes runs by one, two and three processes, and compares what they leave.

    python3 scripts/stress/processes.py --work /tmp/stress [--steps 6] [--only lora]

For GRPO (whole model, adapter), three ways to average the loss (bnpo is by the micro-batch of a process, and another with each number of them), advantages by the batch, and SFT: completions and advantages
must be equal to those of one process, and weights within 1e-5 of their norm; the same number of processes, run again,
must leave the same bytes. (Adam divides by the size of gradients: where one is next to nothing, its last digits decide
about a step of the learning rate. At rates of 1e-3 and more weights are further apart for that.) All but the first process have a folder of their own, as on a disk that is not shared.
"""
import argparse, array, json, math, os, shutil, socket, subprocess, sys
from pathlib import Path
import project

parser = argparse.ArgumentParser()
parser.add_argument("--work", type=Path, required=True)
parser.add_argument("--steps", type=int, default=6)
parser.add_argument("--learning-rate", type=float, default=1e-4)
parser.add_argument("--only", nargs="*")
options = parser.parse_args()
work = options.work.resolve()
SETTINGS = {
    "grpo": ("grpo", []),
    "lora": ("lora", []),
    "sft": ("sft", []),
    "dapo": ("grpo", ["grpo.loss_type=dapo"]),
    "dr_grpo": ("grpo", ["grpo.loss_type=dr_grpo"]),
    "batch": ("grpo", ["grpo.scale_rewards=batch"]),
}


def ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return found


def run(name: str, count: int, again: bool = False) -> Path:
    method, extra = SETTINGS[name]
    out = work / "runs" / f"processes-{name}-{count}{'-again' if again else ''}"
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports(count))
    running = []
    for rank in range(count):
        own = out if rank == 0 else Path(f"{out}-rank{rank}")
        shutil.rmtree(own, ignore_errors=True)
        sets = [f"training.max_steps={options.steps}", "training.prompts_per_step=6", "training.save_steps=2",
                f"training.learning_rate={options.learning_rate}", *extra]
        words = project.words(work, method, own) + [word for one in sets for word in ("--set", one)]
        words += ["--hosts", hosts, "--rank", str(rank)] if count > 1 else []
        log = open(f"{own}.log", "wb")
        environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1"}
        running.append(subprocess.Popen(["node", project.CLI, *words], stdout=log, stderr=log, env=environment))
    codes = [one.wait() for one in running]
    if any(codes):
        sys.exit(f"{out}: {codes}; see {out}*.log")
    assert not any(Path(f"{out}-rank{rank}").exists() for rank in range(1, count)), "only the first process writes"
    return out


def completions(out: Path) -> list[tuple]:
    file = out / "completions.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [(line["step"], line["sample_id"], line["text"], line["advantage"]) for line in lines]


def weights(out: Path) -> dict[str, array.array]:
    folder = out / "checkpoints" / f"step-{options.steps:06d}"
    file = next(one for one in folder.iterdir() if one.name in ("model.safetensors", "adapter_model.safetensors"))
    data = file.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    found = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            assert entry["dtype"] == "F32", entry
            begin, end = entry["data_offsets"]
            found[name] = array.array("f", data[start + begin : start + end])
    return found


def distance(first: dict, second: dict) -> float:
    """Of all weights together, in parts of their norm."""
    apart = math.hypot(*(math.dist(first[name], second[name]) for name in first))
    return apart / math.hypot(*(math.hypot(*values) for values in first.values()))


def agreeing(one: list[tuple], several: list[tuple]) -> int:
    return sum(a[:3] == b[:3] and abs((a[3] or 0) - (b[3] or 0)) < 1e-6 for a, b in zip(one, several, strict=True))


project.make(work)
project.reference(work, "sft")
bad = 0
for name in options.only or SETTINGS:
    one = run(name, 1)
    base = completions(one)
    for count in (2, 3):
        several, again = run(name, count), run(name, count, again=True)
        line = {"setting": name, "processes": count, "completions": len(base), "equal": agreeing(base, completions(several)),
                "weights": distance(weights(one), weights(several)), "again": project.outcome(several) == project.outcome(again)}
        good = line["equal"] == len(base) and line["weights"] <= 1e-5 and line["again"]
        bad += not good
        print(json.dumps({**line, "good": good}), flush=True)
sys.exit(bad > 0)
