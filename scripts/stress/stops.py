"""Stops a run in every way that people, containers and clusters do, resumes it, and compares it with one left alone.

    python3 scripts/stress/stops.py --work /tmp/stress [WAY ...]

A way is good when it leaves a checkpoint and no process, and the resumed run ends byte-equal; or, for what is meant to
outlive its terminal, when it runs to its end. The container is a PID namespace (`unshare`, as root).
"""
import argparse, json, os, pty, select, shlex, shutil, signal, subprocess, sys, time
from pathlib import Path
import project

parser = argparse.ArgumentParser()
parser.add_argument("--work", type=Path, required=True)
parser.add_argument("ways", nargs="*")
options = parser.parse_args()
work = options.work.resolve()
SLOW = ["--set", "training.max_steps=40", "--set", "training.save_steps=1000"]

# How it is started, who is told to stop (the process that was started, all at once, the process of the container's
# inside), and how.
NODE, NPX, NPM = ["node", project.CLI], ["npx", "--no-install", "vau-rft"], ["npm", "exec", "--", "vau-rft"]
SENT = {
    **{f"node {name}": (NODE, "started", name) for name in ["INT", "TERM", "HUP", "USR1", "USR2"]},
    "npx TERM": (NPX, "started", "TERM"),
    "npx KILL": (NPX, "started", "KILL"),
    "npm exec TERM": (NPM, "started", "TERM"),
    "timeout": (["timeout", "3600", *NODE], "started", "TERM"),
    "all at once TERM": (NODE, "all", "TERM"),
    "all at once USR1": (NODE, "all", "USR1"),
    "npx all at once TERM": (NPX, "all", "TERM"),
    "container node TERM": (["unshare", "-pf", "--mount-proc", *NODE], "inside", "TERM"),
    "container npx TERM": (["unshare", "-pf", "--mount-proc", *NPX], "inside", "TERM"),
    "container npm exec TERM": (["unshare", "-pf", "--mount-proc", *NPM], "inside", "TERM"),
}
# Typed into an interactive shell; `^C` is Ctrl-C, else the terminal is closed.
TYPED = {
    "Ctrl-C node": (NODE, "{}", "^C"),
    "Ctrl-C npx": (NPX, "{}", "^C"),
    "Ctrl-C npm exec": (NPM, "{}", "^C"),
    "Ctrl-C with tee": (NODE, "{} 2>&1 | tee /dev/null", "^C"),
    "closed terminal node": (NODE, "{}", ""),
    "closed terminal npx": (NPX, "{}", ""),
    "closed terminal in the background": (NODE, "{} &", ""),
}
OUTLIVES = {
    "nohup": (NODE, "nohup {} > {out}.log 2>&1 &", ""),
    "nohup in a terminal": (NODE, "cd {work} && nohup {} &", ""),
    "nohup npx": (NPX, "nohup {} > {out}.log 2>&1 &", ""),
    "setsid": (NODE, "setsid {} &", ""),
    "setsid npx": (NPX, "setsid {} &", ""),
    "disown": (NODE, "{} & disown", ""),
    "disown npx": (NPX, "{} & disown", ""),
}


def steps(out: Path) -> int:
    file = out / "metrics.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def wait_for(condition, seconds: float = 120) -> bool:
    deadline = time.time() + seconds
    while not condition() and time.time() < deadline:
        time.sleep(0.02)
    return condition()


def below(pid: int) -> list[int]:
    kids = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    return [pid] + [one for kid in kids for one in below(int(kid))]


def send(way: str, command: list[str], out: Path) -> None:
    start, whom, name = SENT[way]
    log = open(f"{out}.log", "wb")
    running = subprocess.Popen([*start, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    wait_for(lambda: steps(out) >= 4)
    family = below(running.pid)
    for pid in {"started": family[:1], "all": family, "inside": family[1:2]}[whom]:
        try:
            os.kill(pid, getattr(signal, f"SIG{name}"))
        except ProcessLookupError:
            pass
    running.wait()


def type_in(way: str, command: list[str], out: Path) -> None:
    start, line, key = {**TYPED, **OUTLIVES}[way]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("bash", ["bash", "--norc", "-i"])
    text = line.replace("{out}", str(out)).replace("{work}", str(work)).replace("{}", shlex.join([*start, *command]))

    def read() -> bool:
        while select.select([terminal], [], [], 0)[0]:
            os.read(terminal, 65536)
        return steps(out) >= 4

    os.write(terminal, f"{text}\n".encode())
    wait_for(read)
    if key == "^C":
        os.write(terminal, b"\x03")
        wait_for(lambda: read() and not project.processes(out), 60)
    os.close(terminal)
    os.waitpid(pid, 0)


bad = 0
project.make(work)
os.chdir(project.ROOT)
expected = project.reference(work, "sft", SLOW, "sft-40")
for way in options.ways or [*SENT, *TYPED, *OUTLIVES]:
    out = work / "runs" / f"stop-{way.replace(' ', '-')}"
    shutil.rmtree(out, ignore_errors=True)
    command = [*project.words(work, "sft", out), *SLOW]
    (send if way in SENT else type_in)(way, command, out)
    gone = wait_for(lambda: not project.processes(out), 60)
    for pid in project.processes(out):
        os.kill(pid, signal.SIGKILL)
    ended, saved = (out / "finished.json").exists(), os.listdir(out / "checkpoints")
    result = {"way": way, "steps": steps(out), "checkpoints": saved, "no process left": gone}
    if way in OUTLIVES:
        good = gone and ended
        result["ran to its end"] = ended
    else:
        code = subprocess.run(["node", project.CLI, *command, "--resume"], stderr=subprocess.DEVNULL).returncode
        same = project.last(project.outcome(out)) == project.last(expected)
        good = gone and not ended and len(saved) == 1 and code == 0 and same
        result |= {"resumed": code, "byte-equal": same}
    bad += not good
    print(json.dumps({**result, "good": good}), flush=True)
sys.exit(bad > 0)
