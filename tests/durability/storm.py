# SPDX-License-Identifier: BSD-2-Clause
"""
Deaths under load, in a seeded order; then the queue drains and every message that was answered by
250 is looked for.

    storm.py --rounds 1000 --seed 7 --acts kill --result FILE.json

Acts: "kill" is kill -9 of each target of the server in turn (or name one: kill:queue), "stop:TARGET"
SIGSTOP for some seconds, "term" an orderly end and a new start, "upgrade" the same with other programs in
place of those that run, "hup" a reload by SIGHUP, "reload" one by the administrator, "oom:TARGET" kills by want of memory, "oom" lets all of them want
for it, "clock" sets the clock back or forth by up to a year.
"""
import argparse
import datetime
import json
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from server import Late, SallyportServer, ground, until  # noqa: E402

from judge import judge, read_lines  # noqa: E402
from load import Load  # noqa: E402
from sink import start_sink  # noqa: E402

ANSWER_S = 30
DRAIN_S = 60
STOPPED_S = (0.5, 3.0)
MEMORY_GROUPS = "/sys/fs/cgroup/memory"
STARVED_BYTES = 2 << 20     # beyond what it has
CROWDED_BYTES = 64 << 20    # for all of them
GREEDY = """import os, sys, time
open("/proc/self/oom_score_adj", "w").write("-1000")
open(sys.argv[1] + "/cgroup.procs", "w").write(str(os.getpid()))
kept = []
while True:
    kept.append(bytearray(os.urandom(4096)) * 64)
    time.sleep(0.001)
"""
DAY_S = 86400


def can_starve():
    """The reason why not, or nothing."""
    if not os.access(os.path.join(MEMORY_GROUPS, "memory.limit_in_bytes"), os.W_OK):
        return "no memory cgroup (version 1) that can be written"
    return None


def write_group(group, name, value):
    """Nothing happens with a process that is gone."""
    try:
        with open(os.path.join(group, name), "w", encoding="ascii") as setting:
            setting.write(str(value))
    except ProcessLookupError:
        pass


def oom_kills(group):
    with open(os.path.join(group, "memory.oom_control"), encoding="ascii") as told:
        return int(told.read().split("oom_kill ")[1].split()[0])


def _is_removed(group):
    try:
        os.rmdir(group)
        return True
    except OSError:
        return False


class Storm:
    """make_server(port of the sink) gives the server under test; sink: options of sink.py."""

    make_folder = staticmethod(ground.folder)   # where the sink and the clients write down what they know

    def __init__(self, seed=1, make_server=SallyportServer, sink=None):
        self.seed = seed
        self.random = random.Random(seed)
        self.folder = self.make_folder("storm")
        self.sink_log = os.path.join(self.folder, "sink.log")
        options = {"perm_rcpt": "-never@", "fail_rcpt": "-later@", "seed": seed, **(sink or {})}
        self.sink, port = start_sink(self.sink_log, **options)
        self.server = make_server(port)
        self.acts = {}
        self.load = None
        self.slowest_s = 0.0    # from an act to the next 250

    def close(self):
        if self.load:
            self.load.stopping.set()
        self.server.discard()
        self.sink.kill()
        self.sink.wait()
        ground.remove(self.folder)

    # --- acts

    def act(self, what):
        verb, _, target = what.partition(":")
        if verb == "kill":
            done = self.server.kill(target, self.random)
        elif verb == "stop":
            done = self.suspend(target, self.random.uniform(*STOPPED_S))
        elif verb == "term":
            self.server.stop()
            self.server.start()
            done = True
        elif verb == "reload":
            done = self.server.reload()
        elif verb == "hup":
            done = self.server.hang_up()
        elif verb == "upgrade":
            done = self.server.upgrade()
        elif verb == "oom":
            done = self.starve(target) if target else self.crowd_out()
        elif verb == "clock":
            self.server.set_clock(self.random.choice((0, 3600, -3600, DAY_S, -DAY_S, 365 * DAY_S, -365 * DAY_S)))
            done = True
        else:
            raise ValueError(what)
        self.acts[what] = self.acts.get(what, 0) + bool(done)

    def suspend(self, target, seconds):
        pids = self.server.pids(target)
        for pid, number in [(pid, number) for number in (signal.SIGSTOP, signal.SIGCONT) for pid in pids]:
            if number == signal.SIGCONT and pid == pids[0]:
                self.load.pause.wait(seconds)
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass    # super found it silent and ended it
        return bool(pids)

    def starve(self, target):
        """What it asks for from now on does not fit: the kernel kills it, as its own log says."""
        group = os.path.join(MEMORY_GROUPS, f"storm-{os.getpid()}")
        os.mkdir(group)
        try:
            pids = self.server.pids(target)
            for name, value in (("memory.limit_in_bytes", STARVED_BYTES),
                                *(("cgroup.procs", pid) for pid in pids)):
                write_group(group, name, value)
            until(lambda: not set(pids) & set(self.server.pids(target)), ANSWER_S, f"{target} starves")
            return oom_kills(group) > 0
        finally:
            until(lambda: _is_removed(group), ANSWER_S, f"{group} is empty")

    def crowd_out(self):
        """
        All processes in 64 MiB, beside somebody who takes what is left of it and whom the kernel spares: so it
        kills the largest of ours, and goes on until the other one leaves.
        """
        group = os.path.join(MEMORY_GROUPS, f"storm-{os.getpid()}")
        os.mkdir(group)
        other = None
        try:
            write_group(group, "memory.limit_in_bytes", CROWDED_BYTES)
            for pid in self.server.pids("all"):     # super first: who comes later is born inside
                write_group(group, "cgroup.procs", pid)
            other = subprocess.Popen([sys.executable, "-c", GREEDY, group], stdout=subprocess.DEVNULL)
            until(lambda: oom_kills(group), ANSWER_S, "somebody is killed")
        finally:
            if other:
                other.kill()
                other.wait()
            until(lambda: self._is_left(group), ANSWER_S, f"{group} is empty")
        self.server.revive()
        return True

    def _is_left(self, group):
        for pid in self.server.pids("all"):
            write_group(MEMORY_GROUPS, "cgroup.procs", pid)
        return _is_removed(group)

    def order(self, acts, rounds):
        """Each act in turn, and each target of one that names none; shuffled."""
        each = [one for act in acts for one in
                ([f"{act}:{target}" for target in self.server.targets] if act in ("kill", "stop") else [act])]
        order = [each[index % len(each)] for index in range(rounds)]
        self.random.shuffle(order)
        return order

    # --- the run

    def run(self, rounds, threads=8, acts=("kill",), pause_s=(0.15, 0.8), **load):
        self.server.start()
        self.load = Load(self.server.ports, os.path.join(self.folder, "acks.log"), threads=threads,
                         seed=self.seed, **load)
        for number, act in enumerate(self.order(acts, rounds), 1):
            if number % 100 == 0:
                print(f"{number} acts, {len(self.load.acked)} messages", flush=True)
            self.wait_for_answer(act)
            self.load.pause.wait(self.random.uniform(*pause_s))
            self.act(act)
        self.wait_for_answer("the end")
        if not self.load.stop():
            raise Late("a client hangs")
        verdict = self.judge()
        if not all(self.load.served.values()):
            verdict.broken.append(f"only some clients were served: {self.load.served}")
        return verdict

    def wait_for_answer(self, before):
        """Never idle between two acts."""
        begin = time.monotonic()
        count = len(self.load.acked)
        try:
            until(lambda: len(self.load.acked) > count, ANSWER_S, "a message is answered")
        except Late:
            raise Late(f"nothing is answered any more before {before}\n" + self.server.story()) from None
        self.slowest_s = max(self.slowest_s, time.monotonic() - begin)

    def judge(self):
        left = self.server.drain(DRAIN_S)
        return judge(self.load.acked, self.load.begun, read_lines(self.sink_log), left)

    def result(self, verdict, seconds):
        return {"server": self.server.name, "date": datetime.date.today().isoformat(), "seed": self.seed,
                "seconds": round(seconds), "acts": self.acts, "slowest_answer_s": round(self.slowest_s, 2),
                **verdict.as_json()}


def parse(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--acts", default="kill", help="with commas between; one of each in turn")
    parser.add_argument("--drop-before-reply", type=float, default=0.02)
    parser.add_argument("--defer", type=float, default=0.02)
    parser.add_argument("--later", type=float, default=0.05, help="share of recipients deferred once")
    parser.add_argument("--never", type=float, default=0.1, help="share of recipients refused for good")
    parser.add_argument("--result")
    return parser.parse_args(argv)


def main():
    options = parse()
    print(f"seed {options.seed}", flush=True)
    storm = Storm(options.seed, sink={"drop_before_reply": options.drop_before_reply, "defer": options.defer})
    begin = time.monotonic()
    try:
        verdict = storm.run(options.rounds, options.threads, options.acts.split(","),
                            never_share=options.never, later_share=options.later)
        result = storm.result(verdict, time.monotonic() - begin)
    finally:
        storm.close()
    print(f"{options.rounds} rounds in {result['seconds']} s, {result['acts']}\n{verdict}")
    if options.result:
        with open(options.result, "w", encoding="ascii") as out:
            json.dump({"command": " ".join(sys.argv), **result}, out, indent=1)
    sys.exit(0 if verdict.good else 1)


if __name__ == "__main__":
    main()
