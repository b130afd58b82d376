"""Kills runs by `kill -9` at random moments, resumes them, and compares what they leave with runs that nobody killed.

    python3 scripts/stress/kills.py --work /tmp/stress [--kills 100] [--first 0] [--seed 1]

Kill i is a function of the seed and of i, so that a long series can be run in parts. One third each: GRPO, GRPO with an
adapter, SFT; in the first second, while a checkpoint is written, at any time; of the started process, of its group, of
the process that trains. A series is good when every run ends byte-equal, none is refused, and no process is left.
"""
import argparse, json, os, random, shutil, signal, subprocess, sys, time
from pathlib import Path
import project

parser = argparse.ArgumentParser()
parser.add_argument("--work", type=Path, required=True)
parser.add_argument("--kills", type=int, default=100)
parser.add_argument("--first", type=int, default=0)
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()
work = options.work.resolve()
METHODS, MOMENTS, VICTIMS = ["grpo", "lora", "sft"], ["first second", "checkpoint", "any time"], ["started", "group", "trainer"]


def start(method: str, out: Path, resume: bool) -> subprocess.Popen:
    log = open(f"{out}.log", "ab")
    words = project.words(work, method, out) + (["--resume"] if resume else [])
    return subprocess.Popen(["node", project.CLI, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def wait_for(moment: str, out: Path, running: subprocess.Popen, chance: random.Random) -> None:
    if moment == "first second":
        time.sleep(chance.random())
    elif moment == "any time":
        steps = chance.randrange(7)
        while running.poll() is None and lines(out / "metrics.jsonl") < steps:
            time.sleep(0.005)
        time.sleep(0.5 * chance.random())
    else:
        nth, delay = chance.randrange(1, 4), 0.02 * chance.random()
        seen = set()
        while running.poll() is None and len(seen) < nth:
            seen |= {name for name in names(out / "checkpoints") if name.endswith(".unfinished")}
            time.sleep(0.001)
        time.sleep(delay)


def lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.exists() else []


def kill(victim: str, out: Path, running: subprocess.Popen) -> None:
    try:
        if victim == "group":
            os.killpg(running.pid, signal.SIGKILL)
        else:
            below = [pid for pid in project.processes(out) if pid != running.pid]
            os.kill(below[0] if victim == "trainer" and below else running.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


bad = torn = 0
expected = {method: project.make(work) or project.reference(work, method) for method in ["sft", "grpo", "lora"]}
for i in range(options.first, options.first + options.kills):
    chance = random.Random(f"{options.seed}/{i}")
    method, moment, victim = METHODS[i % 3], MOMENTS[i // 3 % 3], VICTIMS[i // 9 % 3]
    out = work / "runs" / f"kill-{i}"
    shutil.rmtree(out, ignore_errors=True)
    running = start(method, out, resume=False)
    wait_for(moment, out, running, chance)
    was_running = running.poll() is None
    kill(victim, out, running)
    running.wait()
    time.sleep(0.5)
    deadline = time.time() + 5
    while project.processes(out) and time.time() < deadline:
        time.sleep(0.05)
    orphans = project.processes(out)
    for pid in orphans:
        os.kill(pid, signal.SIGKILL)
    half = any(name.endswith(".unfinished") for name in names(out / "checkpoints"))
    torn += half
    code = start(method, out, resume=True).wait()
    equal = code == 0 and project.outcome(out) == expected[method]
    good = equal and not orphans
    bad += not good
    print(json.dumps({"kill": i, "method": method, "moment": moment, "victim": victim, "was_running": was_running,
                      "half_checkpoint": half, "orphans": len(orphans), "resume_code": code, "equal": equal}), flush=True)
    if good:
        shutil.rmtree(out)
        os.remove(f"{out}.log")
print(f"{options.kills} kills, {torn} of them left a half-written checkpoint: {options.kills - bad} good, {bad} bad")
sys.exit(bad > 0)
