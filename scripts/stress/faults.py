"""Lets the processes of a run meet with what befalls them, and compares what they leave with a run that had peace.

    python3 scripts/stress/faults.py --work /tmp/stress [--faults 40] [--first 0] [--seed 1] [--workers 2]

Fault i is a function of the seed and of i, and the kinds come in turn. A run goes on by itself (`launch --restart`) or, where
it was told that something is wrong with its call, by the same call made right. Good: within the time stated nobody waits
any more, somebody says who or what it was, nothing is torn, and in the end the bytes are those of the run in peace.
"""
import argparse, json, os, random, re, shutil, signal, socket, subprocess, sys, time
from pathlib import Path
import project

parser = argparse.ArgumentParser()
parser.add_argument("--work", type=Path, required=True)
parser.add_argument("--faults", type=int, default=40)
parser.add_argument("--first", type=int, default=0)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--workers", type=int, default=2)
options = parser.parse_args()
work, size = options.work.resolve(), options.workers
HEARTBEAT, STEP_TIMEOUT, JOIN = 15, 8, ["--join-timeout", "6"]
REWARD = work / "reward.mjs"
REWARDS = f"rewards=[{{name: accuracy, weight: 1}}, {{name: format, weight: 1}}, {{name: module, path: {REWARD}, weight: 0, timeout_s: 600}}]"
SETS = ["training.max_steps=8", f"training.prompts_per_step={2 * size}", "training.save_steps=2", "training.eval_steps=4", REWARDS,
        # Found from where a process works.
        "data.train.0.annotations=clips/train.jsonl"]


def ports() -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(size)]
    found = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return found


def words(out: Path, *more: str) -> list[str]:
    return project.words(work, "grpo", out) + [word for one in SETS for word in ("--set", one)] + list(more)


class Run:
    """The processes of a run, each started by itself, with what they say."""

    def __init__(self, out: Path, hosts: list[str] | None = None, only: list[int] | None = None,
                 resume: bool = False, more: dict[int, list[str]] = {}, environment: dict[int, dict] = {},
                 folders: dict[int, Path] = {}, programs: dict[int, str] = {}):
        hosts = hosts or [f"127.0.0.1:{port}" for port in ports()]
        self.out, self.log = out, Path(f"{out}.log")
        self.hosts = hosts
        self.stopped, self.blocker = None, None
        self.all = {}
        for rank in only or range(size):
            own = [*words(out), "--hosts", ",".join(hosts), "--rank", str(rank), *(["--resume"] if resume else [])]
            self.start(rank, [*own, "--step-timeout", str(STEP_TIMEOUT), *more.get(rank, [])], environment.get(rank, {}), folders.get(rank, work), programs.get(rank, project.CLI))

    def start(self, rank: int, own: list[str], environment: dict, folder: Path, program: str = project.CLI) -> None:
        log = open(self.log, "ab")
        threads = {"TF_NUM_INTRAOP_THREADS": "1"}
        self.all[rank] = subprocess.Popen(["node", program, *own], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env={**os.environ, **threads, **environment}, cwd=folder, start_new_session=True)

    def trainer(self, rank: int) -> int:
        """The process that computes: the child of the one that was started."""
        started = self.all[rank].pid
        children = Path(f"/proc/{started}/task/{started}/children").read_text().split()
        return int(children[0]) if children else started

    def wait(self, seconds: float) -> tuple[dict, float]:
        """Exit codes by rank, and how long it took; whoever hangs is killed, and has no code."""
        began, codes = time.time(), {}
        awaited = [rank for rank in self.all if rank != self.stopped]
        while not all(rank in codes for rank in awaited) and time.time() < began + seconds:
            codes = {rank: one.poll() for rank, one in self.all.items() if one.poll() is not None}
            time.sleep(0.05)
        took = time.time() - began
        for rank, one in self.all.items():
            try:
                os.killpg(one.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for pid in project.processes(self.out):
            os.kill(pid, signal.SIGKILL)
        return {rank: codes.get(rank) for rank in self.all}, took

    def until(self, steps: int) -> None:
        while lines(self.out / "metrics.jsonl") < steps and all(one.poll() is None for one in self.all.values()):
            time.sleep(0.01)


def lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def killed(out, chance):
    run = Run(out)
    run.until(chance.randrange(7))
    time.sleep(0.3 * chance.random())
    os.kill(run.trainer(chance.randrange(size)), signal.SIGKILL)
    return run, HEARTBEAT + 5, "PEER_LOST|CLUSTER_NOT_JOINED"


def stopped(out, chance):
    run = Run(out)
    run.until(1 + chance.randrange(6))
    os.kill(run.trainer(victim := chance.randrange(size)), signal.SIGSTOP)
    time.sleep(0.1)
    run.stopped = victim
    return run, 2 * HEARTBEAT + 10, "PEER_LOST"


def slow(out, chance):
    """Late, and alive: waited for."""
    run = Run(out)
    run.until(1 + chance.randrange(6))
    pid = run.trainer(chance.randrange(size))
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1 + 3 * chance.random())
    os.kill(pid, signal.SIGCONT)
    return run, 60, None


def stuck(out, chance):
    """Alive, and getting nowhere: a reward of its own that does not come back."""
    late = chance.randrange(size)
    return Run(out, environment={late: {"VAU_RFT_STRESS_STUCK": "1"}}), STEP_TIMEOUT + HEARTBEAT + 30, "step-timeout"


def missing(out, chance):
    return Run(out, only=[0], more={0: JOIN}), 40, "CLUSTER_NOT_JOINED"


def wrong_address(out, chance):
    own, other = ports()[:2]
    run = Run(out, only=[0], hosts=[f"127.0.0.1:{own}", f"127.0.0.1:{other}"], more={0: JOIN})
    wrong = ",".join([f"127.0.0.1:{ports()[0]}", f"127.0.0.1:{other}"])
    run.start(1, [*words(out), "--hosts", wrong, "--rank", "1", *JOIN], {}, work)
    return run, 60, "CLUSTER_NOT_JOINED"


def taken_port(out, chance):
    hosts = [f"127.0.0.1:{port}" for port in ports()]
    taken = chance.randrange(size)
    blocker = socket.create_server(("0.0.0.0", int(hosts[taken].split(":")[1])))
    run = Run(out, hosts=hosts, more={rank: JOIN for rank in range(size)})
    run.blocker = blocker
    return run, 60, "CLUSTER_NOT_JOINED"


def other_data(out, chance):
    elsewhere = work / "elsewhere"
    (elsewhere / "clips").mkdir(parents=True, exist_ok=True)
    samples = (work / "clips/train.jsonl").read_text().splitlines(keepends=True)
    (elsewhere / "clips/train.jsonl").write_text("".join(samples[:-2]))
    return Run(out, folders={1: elsewhere}), 60, "other training data"


def other_version(out, chance):
    """A copy of the program that calls itself another one."""
    copy = work / "copy"
    if not copy.exists():
        shutil.copytree(project.ROOT / "dist", copy / "dist")
        for name in ("node_modules", "native", "configs", "data"):
            (copy / name).symlink_to(project.ROOT / name)
        package = json.loads((project.ROOT / "package.json").read_text())
        (copy / "package.json").write_text(json.dumps({**package, "version": "0.0.1"}))
    return Run(out, programs={1: str(copy / "dist/cli/main.js")}), 60, "another version of vau-rft"


def other_options(out, chance):
    return Run(out, more={1: ["--set", "grpo.beta=0.01"]}), 60, "other options"


def memory(out, chance):
    """Not a byte of address space beyond what a process has."""
    run = Run(out)
    run.until(1 + chance.randrange(3))
    pid = run.trainer(victim := chance.randrange(size))
    vm = int(re.search(r"VmSize:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) * 1024
    subprocess.run(["prlimit", f"--pid={pid}", f"--as={vm // 2}"], check=True)
    return run, 2 * HEARTBEAT + 20, None


def asked(out, chance):
    run = Run(out)
    run.until(1 + chance.randrange(5))
    os.kill(run.all[chance.randrange(size)].pid, signal.SIGTERM)
    return run, 40, None


KINDS = [killed, stopped, slow, stuck, missing, wrong_address, taken_port, other_data, other_version, other_options, memory, asked]


def torn(out: Path) -> bool:
    """Whether a checkpoint under its own name is not whole."""
    folder = out / "checkpoints"
    names = os.listdir(folder) if folder.exists() else []
    return any(not (folder / name / "manifest.json").exists() for name in names if name.startswith("step-"))


def main() -> int:
    bad = 0
    project.make(work)
    REWARD.write_text("let calls = 0;\nexport default async (group) => {\n"
                      "  if (process.env.VAU_RFT_STRESS_STUCK && ++calls > 5) await new Promise(() => {});\n"
                      "  return group.map(() => 0);\n};\n")
    project.reference(work, "sft")
    peace = work / "runs" / f"peace-{size}"
    if not (peace / "finished.json").exists():
        shutil.rmtree(peace, ignore_errors=True)
        codes, _ = Run(peace).wait(300)
        assert not any(codes.values()), codes
    expected = project.last(project.outcome(peace))
    for i in range(options.first, options.first + options.faults):
        chance, kind = random.Random(f"{options.seed}/{i}"), KINDS[i % len(KINDS)]
        out = work / "runs" / f"fault-{i}"
        shutil.rmtree(out, ignore_errors=True)
        Path(f"{out}.log").unlink(missing_ok=True)
        run, limit, sentence = kind(out, chance)
        codes, took = run.wait(limit)
        log = run.log.read_text()
        hung = [rank for rank, code in codes.items() if code is None and rank != run.stopped]
        told = sentence is None or re.search(sentence, log) is not None
        if run.blocker:
            run.blocker.close()
        was_torn = torn(out)
        again = Run(out, resume=True).wait(300)[0] if not (out / "finished.json").exists() else {0: 0}
        equal = not any(again.values()) and project.last(project.outcome(out)) == expected
        good = not hung and told and not was_torn and equal
        bad += not good
        print(json.dumps({"fault": i, "kind": kind.__name__, "codes": list(codes.values()), "seconds": round(took, 1), "limit": limit,
                          "hung": hung, "told": told, "torn": was_torn, "equal": equal, "good": good}), flush=True)
        if good:
            shutil.rmtree(out)
            run.log.unlink()
    print(f"{options.faults} faults: {options.faults - bad} good, {bad} bad")
    return bad > 0


sys.exit(main())
