# SPDX-License-Identifier: BSD-2-Clause
"""
kill -9 under load: each role, super, and all at once, in a seeded order; then the queue drains and
every message that was answered by 250 is looked for.

    storm.py --rounds 1000 --seed 7 --result FILE.json
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time

TREE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TREE, "tests", "run"))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from rig import ground  # noqa: E402
from rig.certificate import Authority  # noqa: E402
from rig.deadline import Late, until  # noqa: E402
from rig.sallyport import Sallyport  # noqa: E402

from judge import judge, read_lines  # noqa: E402
from load import Load  # noqa: E402

ROLES = ("smtp", "queue", "relay", "auth", "keys", "dial", "super", "all")
CONCURRENCY = 10
QUEUE = f"""queue {{ retry = {{ 1s, 1s, 2s }}  concurrency = {CONCURRENCY}  concurrency-per-destination = {CONCURRENCY}  delay-notice = 0 }}
listener "trusted" {{
  protocol = smtp
  address = {{ "127.0.0.1:0" }}
  tls = none
  login = off
  connections-per-address = 1000
  permit "network:127.0.0.0/8" {{ rights = {{ submit, relay }}  send-as = {{ "@example.org" }} }}
}}
"""
DRAIN_S = 60


class Storm:
    def __init__(self, seed=1, drop=0.02, defer=0.02):
        self.random = random.Random(seed)
        self.seed = seed
        self.folder = ground.folder("storm")
        os.chmod(self.folder, 0o755)
        self.sink_log = os.path.join(self.folder, "sink.log")
        self.ack_log = os.path.join(self.folder, "acks.log")
        self.sink = subprocess.Popen(
            [sys.executable, os.path.join(os.path.dirname(os.path.realpath(__file__)), "sink.py"),
             "--log", self.sink_log, "--fail=-fail@", "--drop-before-reply", str(drop),
             "--defer", str(defer), "--seed", str(seed)], stdout=subprocess.PIPE, text=True)
        port = int(self.sink.stdout.readline())
        certificate = Authority(self.folder).issue("mail.example.org")
        # The same ports at every start, so that clients find the daemon again; nobody else is given them.
        self.ports = {name: ground.free_port() for name in ("submission", "submissions", "trusted")}
        self.gate = Sallyport(
            certificates=[certificate], routes={"*": f"smtp:127.0.0.1:{port}"}, log={"level": "notice"},
            listeners={name: {"tls": tls, "address": f'{{ "127.0.0.1:{self.ports[name]}" }}'}
                       for name, tls in (("submission", "starttls"), ("submissions", "implicit"))},
            extra=QUEUE.replace('"127.0.0.1:0"', f'"127.0.0.1:{self.ports["trusted"]}"'))
        self.kills = {role: 0 for role in ROLES}
        self.load = None

    def close(self):
        if self.load:
            self.load.stopping.set()
        if self.gate.process is not None:
            self.gate.kill()
            self.gate.process = None
        self.sink.kill()
        self.sink.wait()
        ground.remove(self.gate.path)
        ground.remove(self.folder)

    def start(self):
        self.gate.start()

    def restart(self):
        """After super died its children end by themselves; the next one waits for that."""
        self.gate.process.wait()
        self.gate.tail.join(5)
        end = time.monotonic() + 30
        while True:
            try:
                self.gate.start()
                return
            except AssertionError:
                if time.monotonic() > end:
                    raise

    def kill(self, role):
        """False if that role has no process just now."""
        self.kills[role] += 1
        if role == "super":
            os.kill(self.gate.process.pid, signal.SIGKILL)
            self.restart()
            return True
        try:
            processes = self.gate.roles()
        except (AssertionError, subprocess.TimeoutExpired, ValueError):
            return False
        victims = [pid for name, pid in processes if role in ("all", name)]
        if role == "all":
            victims.insert(0, self.gate.process.pid)
        elif victims:
            victims = [self.random.choice(victims)]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if role == "all":
            self.restart()
        return bool(victims)

    def order(self, rounds):
        """Each role in turn, shuffled."""
        roles = [ROLES[index % len(ROLES)] for index in range(rounds)]
        self.random.shuffle(roles)
        return roles

    def run(self, rounds, threads=8):
        self.start()
        self.load = Load(self.ports, self.ack_log, threads=threads, seed=self.seed)
        for role in self.order(rounds):
            before = len(self.load.acked)
            # never idle between two kills: something was answered since the last one, or time is up
            wait = self.random.uniform(0.15, 0.8)
            self.load.pause.wait(wait)
            try:
                until(lambda: len(self.load.acked) > before, 10, "a message is answered")
            except Late:
                raise Late(f"nothing is answered any more before {role} is killed\n"
                           + self.gate.story()) from None
            self.kill(role)
        if not self.load.stop():
            raise Late("a client hangs")
        verdict = self.judge()
        if not all(self.load.acked_with_login.values()):
            verdict.broken.append(f"only some clients were served: {self.load.acked_with_login}")
        return verdict

    def drain(self):
        def is_empty():
            try:
                return not self.gate.queue()
            except AssertionError:
                return False  # a role is being started again
        try:
            until(is_empty, DRAIN_S, "the queue is empty")
        except Late:
            pass
        return self.gate.queue()

    def judge(self):
        left = self.drain()
        return judge(self.load.acked, self.load.begun, read_lines(self.sink_log),
                     [message["recipients"] for message in left])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--drop", type=float, default=0.02, help="share of 250s that the sink swallows")
    parser.add_argument("--result")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    storm = Storm(options.seed, drop=options.drop)
    begin = time.monotonic()
    try:
        verdict = storm.run(options.rounds, options.threads)
        kills = storm.kills
    finally:
        storm.close()
    print(f"{options.rounds} rounds in {time.monotonic() - begin:.0f} s, kills {kills}\n{verdict}")
    if options.result:
        with open(options.result, "w", encoding="ascii") as out:
            json.dump({"seed": options.seed, "rounds": options.rounds, "kills": kills,
                       **verdict.as_json()}, out, indent=1)
    sys.exit(0 if verdict.good else 1)


if __name__ == "__main__":
    main()
