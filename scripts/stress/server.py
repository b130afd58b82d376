"""Trains on completions that a server samples (`rollout.engine: {name: openai}`), with bench/peers/openai_server.py as the server.

    python3 scripts/stress/server.py --work /tmp/stress --python PYTHON [--only fresh faults kills stale learns]

PYTHON has the peers' packages (bench/peers/README.md). `fresh`: recorded log-probs against the policy's own; `faults`: a
server that fails in seven ways, each counted, none trained on; `kills`: kill -9 and resume leave the bytes of a run in peace,
and repeat the very completions of a server that samples otherwise each time; `stale`: one step ahead; `learns`: the reward
beside that of the local engine.
"""
import argparse, json, os, shutil, signal, socket, subprocess, sys, time, urllib.request
from pathlib import Path
import project

parser = argparse.ArgumentParser()
parser.add_argument("--work", type=Path, required=True)
parser.add_argument("--python", required=True)
parser.add_argument("--only", nargs="*", default=["fresh", "faults", "kills", "stale", "learns"])
parser.add_argument("--steps", type=int, default=260, help="of `learns`")
parser.add_argument("--quickstart", type=Path, help="of `learns`: the folder of a quickstart; runs/quickstart of this checkout")
options = parser.parse_args()
work = options.work.resolve()
START = work / "runs/sft/checkpoints/step-000012"
LORA = ["method=grpo", f"model.path={START}", "model.lora.r=4", "model.freeze_vision=true", "training.learning_rate=1e-3"]


class Server:
    def __init__(self, *words: str, model: Path = START):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        script = project.ROOT / "bench/peers/openai_server.py"
        command = [options.python, str(script), "--model", str(model), "--port", str(self.port), *words]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                self.get("version")
                return
            except OSError:
                assert self.process.poll() is None, "the server has ended"
                time.sleep(0.2)

    def get(self, path: str) -> dict:
        return json.load(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=5))

    def engine(self, **more) -> str:
        url = f"http://127.0.0.1:{self.port}/v1"
        return "rollout.engine=" + json.dumps({"name": "openai", "base_url": url, "model": "base", **more})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def words(out: Path, sets: list[str], config: Path = work / "config.json") -> list[str]:
    all_sets = [f"output_dir={out}", *sets]
    return ["node", project.CLI, "train", str(config), *(word for one in all_sets for word in ("--set", one))]


def train(name: str, sets: list[str], kills: list[int] = [], config: Path = work / "config.json") -> Path:
    out = work / "runs" / f"server-{name}"
    shutil.rmtree(out, ignore_errors=True)
    log = open(f"{out}.log", "wb")
    start = lambda *more: subprocess.Popen([*words(out, sets, config), *more], stdout=log, stderr=log, start_new_session=True)
    running = start()
    for steps in kills:
        while len(lines(out, "metrics")) < steps and running.poll() is None:
            time.sleep(0.01)
        time.sleep(0.1)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        while project.processes(out):
            time.sleep(0.05)
        running = start("--resume")
    if running.wait():
        sys.exit(f"{out}.log")
    return out


def lines(out: Path, name: str) -> list[dict]:
    file = out / f"{name}.jsonl"
    text = file.read_text() if file.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def column(out: Path, name: str) -> list[float]:
    return [line[name] for line in lines(out, "metrics") if line.get(name) is not None]


def said(check: str, good: bool, **figures) -> bool:
    print(json.dumps({"check": check, **figures, "good": good}), flush=True)
    return good


DIFFERENCE = "sampling/sampling_logp_difference"


def fresh() -> bool:
    good = True
    for kind in ("vllm", "sglang"):
        with Server("--kind", kind) as server:
            out = train(f"fresh-{kind}", [*LORA, "training.max_steps=8", server.engine(server=kind)])
        mean, most = max(column(out, f"{DIFFERENCE}/mean")), max(column(out, f"{DIFFERENCE}/max"))
        good &= said(f"fresh, {kind}", most < 1e-4, mean=mean, max=most)
    return good


def faults() -> bool:
    with Server("--faults", "0.3", "--hang", "3") as server:
        sets = ["training.max_steps=40", "training.eval_steps=0", "data.eval=[]", server.engine(timeout_s=1.5, max_retries=20)]
        out = train("faults", [*LORA, *sets])
        served = {kind: count for kind, count in server.get("faults").items() if kind != "none"}
    counted: dict[str, int] = {}
    for line in lines(out, "metrics"):
        for name, count in line.items():
            if name.startswith("rollout/faults/"):
                counted[name.removeprefix("rollout/faults/")] = counted.get(name.removeprefix("rollout/faults/"), 0) + count
    kinds = {"429": "rate_limit", "500": "server_error", "hang": "timeout", "lost_adapter": "adapter_lost",
             "wrong_ids": "unusable_reply", "no_logprobs": "unusable_reply", "short_group": "unusable_reply"}
    expected: dict[str, int] = {}
    for kind, count in served.items():
        expected[kinds[kind]] = expected.get(kinds[kind], 0) + count
    most = max(column(out, f"{DIFFERENCE}/max"))
    return said("faults", counted == expected and most < 1e-4 and len(served) == len(kinds), served=served, counted=counted, max_difference=most)


def kills() -> bool:
    good = True
    for name, more in {"kills": [], "kills-ahead": ["rollout.max_staleness=1"], "kills-every-3": []}.items():
        with Server() as server:
            engine = server.engine(sync_steps=3) if name.endswith("3") else server.engine()
            sets = [*LORA, "training.max_steps=12", "training.save_steps=4", "training.eval_steps=5", engine, *more]
            peace = project.outcome(train(f"{name}-peace", sets))
            killed = project.outcome(train(name, sets, kills=[3, 6, 10]))
        different = [key for key in peace if peace[key] != killed.get(key)]
        good &= said(name, not different, different=different)
    with Server("--ignore-seed") as server:
        sets = [*LORA, "training.max_steps=12", "training.save_steps=6", "training.eval_steps=0", "data.eval=[]", server.engine()]
        out = work / "runs" / "server-other"
        shutil.rmtree(out, ignore_errors=True)
        running = subprocess.Popen(words(out, sets), stderr=subprocess.DEVNULL, start_new_session=True)
        while len(lines(out, "metrics")) < 10 and running.poll() is None:
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        before = lines(out, "completions")
        subprocess.run([*words(out, sets), "--resume"], stderr=subprocess.DEVNULL, check=True)
        after = lines(out, "completions")
    texts = lambda all_lines: [(one["step"], one["text"], one["advantage"]) for one in all_lines if one["step"] <= 9]
    good &= said("a server that samples otherwise each time", texts(before) == texts(after), steps_repeated=3, completions=len(texts(before)))
    return good


def stale() -> bool:
    with Server() as server:
        sets = [*LORA, "training.max_steps=12", server.engine()]
        now, ahead = train("now", sets), train("ahead", [*sets, "rollout.max_staleness=1"])
    one, other = (column(out, f"{DIFFERENCE}/mean") for out in (now, ahead))
    # The first two steps are of the weights that the run starts from; ahead, the others are of those a step before.
    return said("one step ahead", max(other[:1]) < 1e-4 and min(other[1:]) > 1e-4, now=max(one), ahead=sum(other[1:]) / len(other[1:]),
                weights_min=min(column(ahead, "sampling/importance_sampling_ratio/min")),
                weights_max=max(column(ahead, "sampling/importance_sampling_ratio/max")))


def learns() -> bool:
    """The held-out reward before and after, on the quickstart's data (`npm run quickstart` has to have been run)."""
    quickstart = project.ROOT / "runs/quickstart" if options.quickstart is None else options.quickstart.resolve()
    start = sorted((quickstart / "sft/checkpoints").iterdir())[-1]
    source = lambda split: [{"source": "jsonl", "annotations": str(quickstart / f"clips/{split}.jsonl"), "videos": str(quickstart / "clips/videos")}]
    sets = [f"model.path={start}", "model.lora.r=16", "model.freeze_vision=true", "model.dtype=float32", "training.learning_rate=3e-3",
            f"training.max_steps={options.steps}", f"training.save_steps={options.steps}", f"training.eval_steps={options.steps}",
            "training.eval_on_start=true", "grpo.guide_all_wrong=false",
            f"data.train={json.dumps(source('train'))}", f"data.eval={json.dumps(source('test'))}"]
    config = project.ROOT / "configs/quickstart/grpo.yaml"
    rewards = {}
    with Server(model=start) as server:
        for name, more in {"local": [], "served": [server.engine()]}.items():
            out = train(f"learns-{name}", [*sets, *more], config=config)
            found = [line["reward"] for line in lines(out, "evaluations")]
            rewards[name] = [round(found[0], 4), round(found[-1], 4)]
    (before, local), (_, served) = rewards["local"], rewards["served"]
    return said("learns", local > before and served - before > 0.5 * (local - before), steps=options.steps, **rewards)


project.make(work)
project.reference(work, "sft")
checks = {"fresh": fresh, "faults": faults, "kills": kills, "stale": stale, "learns": learns}
sys.exit(not all([checks[name]() for name in options.only]))
