# SPDX-License-Identifier: BSD-2-Clause
"""
Floods: many idle clients, many connects, ten thousand broken handshakes, hundreds of slow clients; and all the while
somebody logs in and is timed. Prints a table, writes a JSON file, and fails where a bound is broken.

    flood.py --idle 10000 --seconds 10 --handshakes 10000 --slow 500 --result FILE.json
"""
import argparse
import json
import multiprocessing
import os
import statistics
import sys
import threading
import time

TREE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TREE, "tests", "run"))

from rig import crowd, ground, process  # noqa: E402
from rig.certificate import Authority  # noqa: E402
from rig.deadline import until  # noqa: E402
from rig.sallyport import Sallyport  # noqa: E402
from rig.wire import Wire  # noqa: E402

BEFORE_LOGIN_KIB = 128
LOGIN_P99_S = 2.0
OWN_DESCRIPTORS = 200
BODY_FILES = 4096
KNOCKERS = 3


def knock_and_leave(address, number, seconds):
    """Connects and closes for so long, from addresses of its own; how often."""
    names = [f"127.{200 + number}.{n // 250 + 1}.{n % 250 + 1}" for n in range(5000)]
    count, begin = 0, time.monotonic()
    while time.monotonic() - begin < seconds:
        crowd.slam(crowd.knock(address, names[count % len(names)]))
        count += 1
    return count


class Guest:
    """Somebody who logs in again and again while others are at it."""

    def __init__(self, gate):
        self.gate = gate
        self.times = []
        self.failed = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(30)

    def _run(self):
        while not self.stopping.is_set():
            begin = time.monotonic()
            try:
                with self.gate.session(source="127.0.0.9", seconds=10) as wire:
                    wire.expect(250, b"NOOP")
                self.times.append(time.monotonic() - begin)
            except (AssertionError, OSError):
                self.failed += 1
            self.stopping.wait(0.05)

    def told(self):
        times = sorted(self.times)
        return {"logins": len(times), "failed": self.failed,
                "p50_ms": round(statistics.median(times) * 1e3, 1),
                "p99_ms": round(times[min(len(times) - 1, len(times) * 99 // 100)] * 1e3, 1)}


class Flood:
    def __init__(self):
        self.folder = ground.folder("flood")
        os.chmod(self.folder, 0o755)
        limit = crowd.descriptors(100000)
        # A front end wants one descriptor for each connection it may get, and those of its body files.
        self.most = limit - OWN_DESCRIPTORS - BODY_FILES
        self.gate = Sallyport(
            certificates=[Authority(self.folder).issue("mail.example.org")], routes={"*": "smtp:127.0.0.1:9"},
            log={"level": "notice"}, listeners={
                "submission": {"tls": "starttls", "connections": str(self.most),
                               "connections-before-login": str(self.most), "before-login-wait": "1h",
                               "idle-wait": "1h", "command-wait": "10s"},
                "submissions": None})
        self.results = {}
        self.broken = []

    def __enter__(self):
        self.gate.start()
        crowd.close_all(crowd.clients(self.gate, 40, secure=True, net=179))
        self.pids = self.gate.pids("smtp")
        return self

    def __exit__(self, *_):
        try:
            self.gate.discard()
        finally:
            ground.remove(self.folder)

    def note(self, name, bounds, **found):
        self.results[name] = found
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in found.items()), flush=True)
        for key, most in bounds.items():
            if found[key] > most:
                self.broken.append(f"{name}: {key} {found[key]} > {most}")

    # --- the floods

    def idle(self, count, login):
        count = min(count, self.most - 100)
        before = crowd.cost_kib(self.gate)
        # Each from an address of its own, of which there are more than the gate has rows.
        wires = crowd.clients(self.gate, count, each=1, login=login)
        try:
            each = (crowd.cost_kib(self.gate) - before) / count
            with Guest(self.gate) as guest:
                for wire in wires[::max(1, count // 200)]:
                    wire.expect(250, b"NOOP")
                until(lambda: len(guest.times) >= 50 or guest.failed, 60, "fifty logins")
            found = guest.told()
            self.note("idle logins" if login else "idle clients",
                      {"failed": 0, "p99_ms": LOGIN_P99_S * 1e3, "kib_each": BEFORE_LOGIN_KIB},
                      clients=count, kib_each=round(each, 1), **found)
        finally:
            crowd.close_all(wires)

    def connects(self, seconds):
        """By processes: one alone does not come to five thousand a second."""
        files = self._files()
        cpu = process.cpu_s(self.pids)
        with Guest(self.gate) as guest:
            with multiprocessing.Pool(KNOCKERS) as pool:
                counts = pool.starmap(knock_and_leave, [
                    (self.gate.address(), number, seconds) for number in range(KNOCKERS)])
        count, spent = sum(counts), process.cpu_s(self.pids) - cpu
        self._until_files(files)
        self.note("connects and closes", {"failed": 0, "p99_ms": LOGIN_P99_S * 1e3},
                  per_second=round(count / seconds), cpu_us_each=round(spent / count * 1e6, 1), **guest.told())

    def handshakes(self, count):
        before, files = crowd.cost_kib(self.gate), self._files()
        with Guest(self.gate) as guest:
            for source in crowd.sources(count, each=40, net=210):
                wire = Wire(self.gate.address(), source)
                wire.greet()
                wire.expect(220, b"STARTTLS")
                wire.reset()
        self._until_files(files)
        self.note("EHLO, STARTTLS, away", {"failed": 0, "grown_kib": 2048, "p99_ms": LOGIN_P99_S * 1e3},
                  times=count, grown_kib=crowd.cost_kib(self.gate) - before, **guest.told())

    def slow(self, count):
        wires = [Wire(self.gate.address(), source) for source in crowd.sources(count, net=220)]
        try:
            with Guest(self.gate) as guest:
                told = crowd.Dripping(wires, b"N", pause_s=1.0).until_closed(60)
            last = max(told.ended.values())
            self.note("a byte a second", {"failed": 0, "p99_ms": LOGIN_P99_S * 1e3, "last_cut_off_s": 20},
                      clients=count, last_cut_off_s=round(last, 1), **guest.told())
        finally:
            crowd.close_all(wires)

    def unread(self, count):
        wires = [Wire(self.gate.address(), source, window=8192) for source in crowd.sources(count, net=230)]
        before = crowd.cost_kib(self.gate)
        data = b"EHLO client.example.org\r\n" * 4000
        try:
            with Guest(self.gate) as guest:
                for wire in wires:
                    wire.greet()
                    wire.pour(data, 0.02, lambda: None)
                until(lambda: len(guest.times) >= 30 or guest.failed, 60, "thirty logins")
                each = (crowd.cost_kib(self.gate) - before) / count
            self.note("replies that nobody reads",
                      {"failed": 0, "p99_ms": LOGIN_P99_S * 1e3, "kib_each": BEFORE_LOGIN_KIB},
                      clients=count, kib_each=round(each, 1), **guest.told())
        finally:
            crowd.close_all(wires)

    # --- what is left behind

    def _files(self):
        return process.open_files(self.pids) if ground.IS_ROOT else 0

    def _until_files(self, before):
        if ground.IS_ROOT:
            until(lambda: process.open_files(self.pids) <= before + 2, 20, "all are closed")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle", type=int, default=10000)
    parser.add_argument("--logins", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--handshakes", type=int, default=10000)
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--result")
    arguments = parser.parse_args()
    with Flood() as flood:
        flood.idle(arguments.logins, login=True)
        flood.idle(arguments.idle, login=False)
        flood.connects(arguments.seconds)
        flood.handshakes(arguments.handshakes)
        flood.slow(arguments.slow)
        flood.unread(arguments.slow)
        if flood.gate.pids("smtp") != flood.pids:
            flood.broken.append("a front end ended")
    if arguments.result:
        with open(arguments.result, "w", encoding="utf-8") as out:
            json.dump(flood.results, out, indent=1)
    for line in flood.broken:
        print(line)
    return 1 if flood.broken else 0


if __name__ == "__main__":
    sys.exit(main())
