# SPDX-License-Identifier: BSD-2-Clause
"""
Every single fault of one message with three recipients, one delivered, one deferred once, one refused
for good: first its system calls are counted by process, then there is a run for each (process, call,
k): one where the process is killed at call k, one where all processes are, one for each error that the
call gives, one where the call does less than asked. Faults of a disk also come to stay, until the
harness takes them away.

    single_faults.py --jobs 8 --result FILE.json            all of them
    single_faults.py --only queue/fdatasync --actions kill,EIO

A run fails if the message was answered by 250 and a recipient is lost, or if content was not synced at
that moment; if the disk failed and it was refused, and is delivered; if something arrives twice that was not under way; if it is damaged; if a process ends that
was not killed; if the daemon does not go on by itself.
"""
import argparse
import collections
import datetime
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from server import Late, SallyportServer, children, ground, kill_all, until  # noqa: E402

from rig.sallyport import REPORTS  # noqa: E402
from interposed import Interposed  # noqa: E402
from judge import judge, read_lines  # noqa: E402
from load import Client, Message, Refused  # noqa: E402
from sink import start_sink  # noqa: E402

ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EINTR", "EAGAIN", "EMFILE", "ENFILE", "ENOMEM", "EROFS", "ESTALE")
LASTING = ("EIO", "ENOSPC", "EDQUOT", "EROFS")
DISK_CALLS = ("openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate", "unlinkat")
PARTIAL = ("write", "pwrite64", "writev", "sendmsg", "recvmsg", "sendto", "recvfrom", "read", "pread64")
SIZES = {"row": 300, "file": 200_000}
MOST_S = 10

Fault = collections.namedtuple("Fault", "scene role call at action")
# scene: "row", "file" (where the body is kept), or "start" (of a queue that finds that message);
# action: "kill", "cut" (all processes), "short", the name of an error, or one with "+": from then on, every time.


class Stand:
    """One place to run faults at, one after the other: a daemon that is given its old state each time."""

    def __init__(self, programs=None):
        self.folder = ground.folder("faults")
        os.chmod(self.folder, 0o755)
        self.state = os.path.join(self.folder, "state")
        os.mkdir(self.state, 0o700)
        ground.give(self.state)
        self.gate_file = os.path.join(self.folder, "open")
        self.sink_log = os.path.join(self.folder, "sink.log")
        self.sink, port = start_sink(self.sink_log, perm_rcpt="-never@", fail_rcpt="-later@",
                                     gate=self.gate_file)
        interposed = Interposed(self.folder, programs)
        self.plan = interposed.plan
        self.server = SallyportServer(port, state=self.state, programs=self.folder, log_level="info",
                                      keep_ports=False, environment=interposed.environment)
        self.server.gate.settings["workers"] = "1"
        self.random = random.Random(1)
        self.number = 0
        self.seen = 0       # lines of the sink's log that belong to earlier runs
        self.make_templates()

    def close(self):
        self.server.discard()
        self.sink.kill()
        self.sink.wait()
        ground.remove(self.folder)

    # --- state

    def make_templates(self):
        self.server.start()
        self.server.stop()
        self.keep("new")
        for scene in SIZES:
            self.restore("new")
            self.server.start()
            self.loaded = self.write(scene, "loaded" + scene)
            client = Client(self.server.ports, True)
            client.send(self.loaded)
            client.close()
            self.server.cut()
            self.keep("loaded-" + scene)

    def keep(self, name):
        ground.remove(os.path.join(self.state, "queue", "reserve"))
        subprocess.run(["cp", "-a", self.state, os.path.join(self.folder, name)], check=True)
        subprocess.run(["rm", "-f", os.path.join(self.folder, name, "queue", "reserve")], check=True)

    def restore(self, name):
        ground.remove(self.state)
        subprocess.run(["cp", "-a", os.path.join(self.folder, name), self.state], check=True)

    def write(self, scene, token):
        recipients = [f"{token}-{index}{kind}@example.net" for index, kind in
                      enumerate(("", "-later", "-never"))]
        return Message(token, recipients, SIZES[scene], self.random)

    # --- one run

    def run(self, fault):
        return Run(self, fault).run()

    def count(self, scene):
        """The calls of a run in which nothing fails."""
        run = Run(self, Fault(scene, None, None, 0, None))
        result = run.run()
        if result["faults"]:
            raise AssertionError(f"without a fault: {result}\n{self.server.story()}")
        return run.counts


class Run:
    def __init__(self, stand, fault):
        self.stand = stand
        self.server = stand.server
        self.fault = fault
        self.acked = {}
        self.begun = set()
        self.faults = []
        self.counts = {}
        self.reply = ""
        self.over = threading.Event()

    def run(self):
        begin = time.monotonic()
        stand = self.stand
        stand.number += 1
        starting = self.fault.scene.startswith("start")
        stand.restore("loaded-" + self.fault.scene.split("-")[1] if starting else "new")
        if os.path.exists(stand.gate_file):
            os.unlink(stand.gate_file)
        self.first_event = len(self.server.gate.events)
        stand.plan.clear()
        self.plan_arm(starting)
        cutter = threading.Thread(target=self.cut)
        try:
            if self.fault.action == "cut":
                cutter.start()
            self.start()
            self.plan_arm(not starting)
            if starting:
                self.expect_loaded()
            else:
                self.send()
            with open(stand.gate_file, "w", encoding="ascii"):
                pass
            self.settle()
            self.go_on()
            self.end()
        except (Late, AssertionError, OSError, Refused, subprocess.TimeoutExpired) as late:
            self.faults.append(f"does not go on: {late}"[:2000])
            self.server.cut()
        self.stand.plan.disarm()
        self.over.set()
        if self.fault.action == "cut":
            cutter.join()
        self.judge()
        return {"fault": "/".join(str(part) for part in self.fault), "fired": stand.plan.fired(),
                "reply": self.reply, "faults": self.faults, "duplicates": self.duplicates,
                "seconds": round(time.monotonic() - begin, 2)}

    def start(self):
        """What lasts may keep it from starting: then it starts when that is over."""
        if self.fault.action and self.fault.action.endswith("+") and not self.server.try_start():
            self.stand.plan.disarm()
        if self.server.gate.process is None or self.server.gate.process.poll() is not None:
            self.server.start()

    def plan_arm(self, now):
        if now:
            self.stand.plan.arm(self.fault if self.fault.role else None)

    def send(self):
        message = self.stand.write(self.fault.scene, f"m{os.getpid()}n{self.stand.number}")
        try:
            client = Client(self.server.ports, True, MOST_S)
            try:
                client.send(message, lambda: self.begun.add(message.token))
                self.acked[message.token] = message.recipients
                self.reply = "250"
                self.check_ledger()
            finally:
                client.close()
        except TimeoutError:
            self.faults.append(f"no answer within {MOST_S} s")
        except (OSError, Refused) as refused:
            self.reply = str(refused)

    def expect_loaded(self):
        token = "loaded" + self.fault.scene.split("-")[1]
        self.begun.add(token)
        self.acked[token] = [f"{token}-{index}{kind}@example.net" for index, kind in
                             enumerate(("", "-later", "-never"))]

    def check_ledger(self):
        """
        Nothing is delivered yet: what the queue has written belongs to what was just answered. Not
        where relay had its fault: queue may be writing down what became of that.
        """
        if self.fault.role == "relay":
            return
        unsynced = self.stand.plan.unsynced()
        for folder, _, names in os.walk(os.path.join(self.stand.state, "queue")):
            for path in [folder] + [os.path.join(folder, name) for name in names]:
                last = os.path.basename(path)
                if (last.endswith("-wal") or "/body" in path) and os.stat(path).st_ino in unsynced:
                    self.faults.append(f"250, but {last} is not on disk")

    def lines(self):
        return read_lines(self.stand.sink_log)[self.stand.seen:]

    def revive(self):
        """Super is started again by whoever started it."""
        if (self.fault.action == "cut" or self.fault[1::3] == ("super", "kill")) and \
                self.server.gate.process.poll() is not None:
            self.server.start()

    def cut(self):
        """
        One stands at its call: that is how far it comes, and with it all others. Super goes last: its death
        would continue the one that is stopped.
        """
        while not self.over.wait(0.002):
            if self.stand.plan.fired():
                pid = self.server.gate.process.pid
                kill_all([pid], signal.SIGSTOP)
                kill_all(children(pid))
                kill_all([pid])
                return

    def is_complete(self):
        self.revive()
        verdict = judge(self.acked, self.begun, self.lines(), [])
        return not verdict.lost and self.server.queued() == []

    def settle(self):
        """A lasting fault has its time with what it broke; then it is taken away."""
        if self.fault.action and self.fault.action.endswith("+"):
            try:
                until(self.is_complete, 0.7, "all is well in spite of it")
            except Late:
                pass
            self.stand.plan.disarm()
        until(self.is_complete, 2 * MOST_S, lambda: f"everybody is answered for: {self.server.queued()}")
        self.counts = self.stand.plan.counts()
        self.stand.plan.disarm()

    def go_on(self):
        """The next message is taken and delivered."""
        message = self.stand.write("row", f"n{os.getpid()}n{self.stand.number}")
        message.recipients = message.recipients[:1]

        def taken():
            try:
                self.revive()
                client = Client(self.server.ports, True, MOST_S)
                try:
                    client.send(message, lambda: self.begun.add(message.token))
                finally:
                    client.close()
                return True
            except (OSError, Refused) as refused:
                self.last = refused
                return False
        until(taken, MOST_S, lambda: f"the next message is taken: {self.last}")
        self.acked[message.token] = message.recipients
        until(self.is_complete, MOST_S, "the next message is delivered")

    def end(self):
        process = self.server.gate.process
        self.server.stop()
        if process.returncode != 0:
            self.faults.append(f"exit code {process.returncode}")

    def judge(self):
        verdict = judge(self.acked, self.begun, self.lines(), [])
        self.stand.seen += len(self.lines())
        self.duplicates = verdict.duplicates + verdict.double_notices
        for name in ("lost", "corrupt", "broken", "renamed"):
            self.faults += [f"{name}: {what}" for what in getattr(verdict, name)]
        if self.reply.startswith("4") and verdict.unacked and self.fault.role == "queue" and \
                self.fault.action not in ("kill", "cut") and self.fault.call in (*DISK_CALLS, "pread64"):
            self.faults.append("refused, and delivered")
        if self.duplicates > self.may_repeat():
            self.faults.append(f"{self.duplicates} twice")
        events = self.server.gate.events[self.first_event:]
        self.faults += [f"torn: {event}" for event in events if event["event"] == "spool.torn"]
        deaths = [event for event in events if event["event"] == "role.died"]
        for death in deaths:
            if death.get("signal", 9) != 9 or not self.may_end(death):
                self.faults.append(f"died: {death}")
        self.faults += [f"said: {line}" for line in self.server.gate.stray
                        if any(word in line for word in (*REPORTS, "forbidden system call"))]
        self.server.gate.stray.clear()

    def may_repeat(self):
        """What relay had under way when it died, or lost the word of; the hop's answer can be lost too."""
        return 2 if self.fault.action == "cut" or self.fault.role in ("relay", "super") else 0

    def may_end(self, death):
        """Killed; or in order, because a channel failed or the spool could not be opened."""
        own = death.get("of") == self.fault.role or self.fault.role == "super"
        if self.fault.action == "kill":
            return own
        return own and "status" in death and (
            self.fault.call in ("sendmsg", "recvmsg") or self.fault.scene.startswith("start"))


# ---- all of them


def points(counts, scene):
    return [(scene, role, call, at) for (role, call), count in sorted(counts.items())
            for at in range(1, count + 1)]


def actions_of(role, call):
    actions = ["kill", "cut", *ERRORS]
    if call in PARTIAL:
        actions.append("short")
    if role == "queue" and call in DISK_CALLS:
        actions += [name + "+" for name in LASTING]
    return actions


def count_all(stand, scenes, times=2):
    """The most calls that any of some runs made: timers make a few more or less."""
    found = []
    for scene in scenes:
        most = collections.Counter()
        for _ in range(times):
            for key, count in stand.count(scene).items():
                most[key] = max(most[key], count)
        found += points(most, scene)
    return found


def enumerate_faults(stand, scenes=("row", "file", "start-row", "start-file")):
    faults = []
    for point in count_all(stand, scenes):
        if point[0].startswith("start") and point[1] != "queue":
            continue
        faults += [Fault(*point, action) for action in actions_of(*point[1:3])]
    return faults


def _work(faults, index, results, programs):
    stand = Stand(programs)
    try:
        while True:
            with index.get_lock():
                now = index.value
                index.value += 1
            if now >= len(faults):
                break
            results.put(stand.run(faults[now]))
    finally:
        stand.close()
        results.put(None)


def run_all(faults, jobs=8, programs=None, on_result=None):
    """The results, in the order in which they came."""
    index = multiprocessing.Value("L", 0)
    results = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=_work, args=(faults, index, results, programs))
               for _ in range(min(jobs, len(faults)))]
    for worker in workers:
        worker.start()
    done = []
    running = len(workers)
    while running:
        result = results.get()
        if result is None:
            running -= 1
            continue
        done.append(result)
        if on_result:
            on_result(result, len(done))
    for worker in workers:
        worker.join()
    return done


def summary(faults, results, seconds):
    bad = [result for result in results if result["faults"]]
    return {"date": datetime.date.today().isoformat(), "seconds": round(seconds), "runs": len(results),
            "points": len({fault[:4] for fault in faults}),
            "not_reached": sum(1 for result in results if not result["fired"]),
            "not_run": len(faults) - len(results),
            "acked": sum(1 for result in results if result["reply"] == "250"),
            "duplicates": sum(result["duplicates"] for result in results),
            "slowest_s": max((result["seconds"] for result in results), default=0),
            "lost": sum(1 for result in bad if any(what.startswith("lost") for what in result["faults"])),
            "failed": len(bad), "failures": bad}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--scenes", default="row,file,start-row,start-file")
    parser.add_argument("--only", default="", help="role/call, or role")
    parser.add_argument("--actions", default="", help="with commas between")
    parser.add_argument("--every", type=int, default=1, help="only each such run")
    parser.add_argument("--programs", help="the folder with the programs of another build")
    parser.add_argument("--result")
    options = parser.parse_args()
    stand = Stand(options.programs)
    try:
        faults = enumerate_faults(stand, options.scenes.split(","))
    finally:
        stand.close()
    if options.only:
        faults = [fault for fault in faults
                  if options.only in (fault.role, f"{fault.role}/{fault.call}")]
    if options.actions:
        faults = [fault for fault in faults if fault.action in options.actions.split(",")]
    faults = faults[::options.every]
    print(f"{len({fault[:4] for fault in faults})} points, {len(faults)} runs", flush=True)
    begin = time.monotonic()

    def show(result, count):
        if result["faults"]:
            print(json.dumps(result), flush=True)
        elif count % 200 == 0:
            print(f"{count} in {time.monotonic() - begin:.0f} s", flush=True)
    results = run_all(faults, options.jobs, options.programs, show)
    told = summary(faults, results, time.monotonic() - begin)
    print({name: value for name, value in told.items() if name != "failures"})
    if options.result:
        with open(options.result, "w", encoding="ascii") as out:
            json.dump({"command": " ".join(sys.argv), **told}, out, indent=1)
    sys.exit(1 if told["failed"] or told["not_run"] else 0)


if __name__ == "__main__":
    main()
