"""A project of seconds for the stress scripts, and what a run of it has to leave behind."""
import hashlib, json, os, re, subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLI = str(ROOT / "dist/cli/main.js")


def make(work: Path) -> None:
    """Drawn clips, a Qwen2-VL of random weights and a config, once."""
    if (work / "config.json").exists():
        return
    work.mkdir(parents=True, exist_ok=True)
    clips = ["dataset", "synthesize", "--out", str(work / "clips"), "--seed", "5", "--clips", "16", "--splits", "train:3,test:1"]
    subprocess.run(["node", CLI, *clips], check=True)
    module = (ROOT / "dist/quickstart/tiny-model.js").as_uri()
    script = f"await (await import({module!r})).writeTinyModel({{ folder: {str(work / 'model')!r}, seed: 1 }})"
    subprocess.run(["node", "--input-type=module", "-e", script], check=True)
    source = lambda split: [{"source": "jsonl", "annotations": str(work / f"clips/{split}.jsonl"), "videos": str(work / "clips/videos")}]
    lines = [json.loads(line) for split in ("train", "test") for line in (work / f"clips/{split}.jsonl").read_text().splitlines()]
    config = {
        "name": "stress", "method": "sft", "seed": 1,
        "model": {"path": str(work / "model"), "dtype": "float32", "freeze_vision": False},
        "data": {
            "train": source("train"), "eval": source("test"), "prompt": "direct",
            "prompt_templates": {"qa": "{question}\n{options}", "tag": "When?", "cls": "Which class?"},
            "video": {"fps": 1, "max_frames": 4, "min_pixels": 3136, "max_pixels": 7056},
            "classes": sorted({line["class"] for line in lines if "class" in line}),
        },
        "rollout": {"num_generations": 4, "max_completion_length": 16},
        "training": {
            "max_steps": 12, "prompts_per_step": 4, "learning_rate": 4e-3, "lr_scheduler_type": "constant",
            "adam_beta2": 0.95, "save_steps": 2, "eval_steps": 5,
        },
        "evaluation": {"batch_size": 64},
    }
    (work / "config.json").write_text(json.dumps(config, indent=2))


def words(work: Path, method: str, out: Path) -> list[str]:
    """The arguments of `vau-rft` for a run of a method: sft, grpo, lora (GRPO with an adapter, several epochs a rollout)."""
    sets = [f"output_dir={out}"]
    if method != "sft":
        sets += ["method=grpo", f"model.path={work}/runs/sft/checkpoints/step-000012", "training.max_steps=8",
                 "training.learning_rate=1e-3", "training.eval_steps=3"]
    if method == "lora":
        sets += ["model.lora.r=4", "model.freeze_vision=true", "grpo.num_iterations=2", "training.learning_rate=0.01"]
    return ["train", str(work / "config.json"), *(word for one in sets for word in ("--set", one))]


def outcome(out: Path) -> dict:
    """All that must be the same however often the run was stopped: files by their digests, times and memory aside."""
    metrics = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    same = [{key: value for key, value in line.items() if not re.match("(time|memory)/", key)} for line in metrics]
    files = ["completions.jsonl", "evaluations.jsonl", "finished.json"]
    checkpoints = sorted(os.listdir(out / "checkpoints"))
    # The manifest holds the digest of every other file of the checkpoint.
    files += [f"checkpoints/{name}/manifest.json" for name in checkpoints]
    return {
        "folder": sorted(os.listdir(out)),
        "metrics": hashlib.sha256(json.dumps(same).encode()).hexdigest(),
        **{name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in files},
    }


def processes(out: Path) -> list[int]:
    """The processes of a run: those with its folder among their arguments."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            command = Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ")
            state = Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if re.search(re.escape(f"output_dir={out}").encode() + rb"(\s|$|['\"])", command) and state not in "ZX":
            found.append(int(name))
    return found


def last(result: dict) -> dict:
    """An outcome without the checkpoints before the last, which depend on where a run was stopped."""
    checkpoints = sorted(name for name in result if name.startswith("checkpoints/"))
    return {name: value for name, value in result.items() if name not in checkpoints[:-1]}


def reference(work: Path, method: str, extra: list[str] = [], name: str | None = None) -> dict:
    """The outcome of a run that nobody stops, made once."""
    out = work / "runs" / (name or method)
    if not (out / "finished.json").exists():
        if method != "sft":
            reference(work, "sft")
        resume = ["--resume"] if out.exists() else []
        subprocess.run(["node", CLI, *words(work, method, out), *extra, *resume], check=True, stderr=subprocess.DEVNULL)
    return outcome(out)
