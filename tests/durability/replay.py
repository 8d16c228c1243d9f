# SPDX-License-Identifier: BSD-2-Clause
"""
States of a disk that dies: a load is recorded by crashdisk; then the disk is put together as it would
have been found after a power cut, at flushes and with random parts of what was not flushed yet. On each
the server is started and drained: all that had been answered by 250 before that moment must be there.

    replay.py --states 1000 --seed 7 --result FILE.json
"""
import argparse
import collections
import datetime
import json
import mmap
import os
import random
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from server import SallyportServer, ground, until  # noqa: E402

from judge import judge, read_lines  # noqa: E402
from load import Load  # noqa: E402
from sink import start_sink  # noqa: E402
from volume import SKIPPED, Broken, Volume, missing, missing_fuse, run, stand_alone, work_folder  # noqa: E402

CRASHDISK = os.path.join(ground.BUILD, "tests", "durability", "crashdisk")
RECORD = struct.Struct("=IIQ")
WRITE, FLUSH, ACK, SINK = range(4)
SECTOR = 512
MEGABYTES = 96
MESSAGES = 150
REST_S = 0.1
DRAIN_S = 30
# How much is left of what was not flushed: little, half, most.
SHARES = (0.1, 0.5, 0.9)
QUEUE = "free-space = 0  free-space-resume = 0  free-files = 0"


def cannot():
    """Why no disk can be recorded here; None if it can."""
    return missing("ext4") or missing_fuse(CRASHDISK)


class CrashDisk:
    """A volume on a loop device on crashdisk; acks and sink are the files whose lines it logs."""

    def __init__(self, folder):
        self.log = os.path.join(folder, "log")
        self.mount = os.path.join(folder, "disk")
        os.mkdir(self.mount)
        image = os.path.join(folder, "recorded")
        self.volume = Volume("ext4", image)
        self.volume.make(MEGABYTES)
        self.volume.mount()
        os.mkdir(os.path.join(self.volume.folder, "state"), 0o700)
        ground.give(os.path.join(self.volume.folder, "state"))
        self.volume.unmount()
        self.base = os.path.join(folder, "base")
        shutil.copyfile(image, self.base)
        self.process = subprocess.Popen([CRASHDISK, image, self.log, self.mount])
        disk = os.path.join(self.mount, "disk")
        until(lambda: self.process.poll() is None and os.path.exists(disk), 10, "crashdisk serves")
        self.device = run("losetup", "-f", "--show", "--direct-io=on", disk).strip()
        self.volume.source = self.device
        self.volume.mount()
        self.acks, self.sink = (os.path.join(self.mount, name) for name in ("acks", "sink"))

    def close(self):
        if self.volume.is_mounted:
            self.volume.unmount()
        run("losetup", "-d", self.device)
        until(lambda: subprocess.run(["umount", self.mount], capture_output=True, check=False).returncode == 0,
              10, "the crash disk can be unmounted")
        if self.process.wait(10) != 0:
            raise Broken("crashdisk ended early: its log is not whole")
        self.volume.discard()


class Log:
    """
    What crashdisk wrote. events: (kind, offset on the disk, where its bytes stand, how many); flushes:
    the index after each flush; acked and taken: what the clients and the hop knew, and since when.
    """

    def __init__(self, path):
        self.events, self.flushes = [], [0]
        self.acked, self.taken = [], []
        with open(path, "rb") as log:
            self.bytes = mmap.mmap(log.fileno(), 0, access=mmap.ACCESS_READ)
        at = 0
        while at < len(self.bytes):
            kind, length, offset = RECORD.unpack_from(self.bytes, at)
            at += RECORD.size
            self._add(kind, offset, at, length)
            at += length

    def _add(self, kind, offset, at, length):
        self.events.append((kind, offset, at, length))
        if kind == FLUSH:
            self.flushes.append(len(self.events))
        elif kind in (ACK, SINK):
            for line in self.bytes[at:at + length].decode("ascii").splitlines():
                known = self.acked if kind == ACK else self.taken
                known.append((len(self.events), json.loads(line)))

    def acked_before(self, point):
        return {entry["token"]: entry["to"] for index, entry in self.acked if index <= point}

    def taken_before(self, point):
        return [entry for index, entry in self.taken if index <= point]

    def writes(self, begin, end):
        return [event[1:] for event in self.events[begin:end] if event[0] == WRITE]


class Front:
    """The disk as it is with every write up to a flush; moves on only."""

    def __init__(self, base, log):
        self.path = base
        self.log = log
        self.at = 0

    def build(self, point, share, chance, out):
        """
        The disk after `point` events, in the file `out`: all that was flushed by then, and of each sector
        written since then a random one of its contents, or with share 0 none of them.
        """
        flushed = max(index for index in self.log.flushes if index <= point)
        with open(self.path, "r+b") as front:
            for offset, at, length in self.log.writes(self.at, flushed):
                os.pwrite(front.fileno(), self.log.bytes[at:at + length], offset)
        self.at = flushed
        shutil.copyfile(self.path, out)
        versions = collections.defaultdict(list)
        for offset, at, length in self.log.writes(flushed, point):
            for step in range(0, length, SECTOR):
                versions[offset + step].append((at + step, min(SECTOR, length - step)))
        with open(out, "r+b") as image:
            for offset in sorted(versions):
                if chance.random() < share:
                    at, length = chance.choice(versions[offset])
                    os.pwrite(image.fileno(), self.log.bytes[at:at + length], offset)
        return len(versions)


class Replay:
    def __init__(self, seed=1, programs=None):
        self.seed = seed
        self.programs = programs
        self.random = random.Random(seed)
        self.folder = work_folder("replay")
        self.begun = set()
        self.servers = []
        self.sinks = []
        self.judge = None

    def close(self):
        for server in self.servers:
            server.discard()
        for sink in self.sinks:
            sink.kill()
            sink.wait()
        if self.judge:
            self.judge.volume.discard()
        ground.remove(self.folder)

    def start_sink(self, log, **options):
        sink, port = start_sink(log, perm_rcpt="-never@", **options)
        self.sinks.append(sink)
        return sink, port

    def make_server(self, port, state, **settings):
        server = SallyportServer(port, state=state, programs=self.programs, queue=QUEUE, **settings)
        self.servers.append(server)
        return server

    def record(self, messages):
        """The log of a load with a death in the middle."""
        disk = CrashDisk(self.folder)
        try:
            sink, port = self.start_sink(disk.sink, fail_rcpt="-later@")
            server = self.make_server(port, os.path.join(disk.volume.folder, "state"))
            server.start()
            load = Load(server.ports, disk.acks, seed=self.seed, never_share=0.1, later_share=0.1, rest_s=REST_S)
            until(lambda: len(load.acked) > messages / 2, 60, "half of the messages are answered")
            server.kill("all", self.random)
            until(lambda: len(load.acked) > messages, 60, "the messages are answered")
            if not load.stop():
                raise Broken("a client hangs")
            server.drain(DRAIN_S)
            server.stop()
            sink.kill()
            sink.wait()
            os.close(load.acks.fd)
            self.begun = load.begun
        finally:
            disk.close()
        return disk.base, Log(disk.log)

    def choose(self, log, count):
        """(point, share) in order: flushes first, all if there is room for them; then what is between."""
        flushes = log.flushes[1:]
        if len(flushes) > count // 2:
            flushes = self.random.sample(flushes, count // 2)
        written = [index + 1 for index, event in enumerate(log.events) if event[0] == WRITE]
        between = [(self.random.choice(written), self.random.choice(SHARES))
                   for _ in range(count - len(flushes))]
        return sorted([(point, 0.0) for point in flushes] + between), len(flushes)

    def run(self, states, messages):
        begin = time.monotonic()
        base, log = self.record(messages)
        chosen, flush_count = self.choose(log, states)
        result = {"server": "sallyport", "date": datetime.date.today().isoformat(), "seed": self.seed,
                  "events": len(log.events), "flushes": len(log.flushes) - 1, "states": len(chosen),
                  "at_flushes": flush_count, "recorded": len(log.acked), "with_sectors_lost": 0,
                  "judged": 0, "lost": 0, "corrupt": 0, "duplicates": 0, "broken": 0, "not_measured": 0,
                  "renamed": 0, "queued": 0, "samples": []}
        judge_state = self.judge = Judge(self, os.path.join(self.folder, "state"), log)
        front = Front(base, log)
        for point, share in chosen:
            pending = front.build(point, share, self.random, judge_state.image)
            result["with_sectors_lost"] += pending > 0
            self._count(result, judge_state.run(point), point, share)
        return {**result, "repaired": judge_state.repaired, "seconds": round(time.monotonic() - begin)}

    @staticmethod
    def _count(result, verdict, point, share):
        result["judged"] += verdict.messages
        result["duplicates"] += verdict.duplicates + verdict.double_notices
        result["queued"] += verdict.queued
        for name in ("lost", "corrupt", "broken", "not_measured", "renamed"):
            result[name] += len(getattr(verdict, name))
        if not verdict.good and len(result["samples"]) < 10:
            result["samples"].append(f"after {point} events, {share:.0%} of the rest: {verdict}")


class Judge:
    """Starts the server on one image after the other."""

    def __init__(self, replay, image, log):
        self.image = image
        self.log = log
        self.begun = replay.begun
        self.volume = Volume("ext4", image)
        self.repaired = 0   # states that could not be mounted as they were
        self.sink_log = os.path.join(replay.folder, "sink.log")
        _, port = replay.start_sink(self.sink_log)
        self.server = replay.make_server(port, os.path.join(self.volume.folder, "state"), accounts=())

    def run(self, point):
        seen = len(read_lines(self.sink_log))
        try:
            self.volume.mount()
        except Broken:
            # half of a superblock: no file system stands that on a disk of small sectors
            self.volume.repair()
            self.volume.mount()
            self.repaired += 1
        try:
            self.server.start()
            left = self.server.drain(DRAIN_S)
            self.server.cut()
        finally:
            self.volume.unmount()
        taken = self.log.taken_before(point) + read_lines(self.sink_log)[seen:]
        verdict = judge(self.log.acked_before(point), self.begun, taken, left)
        wrong = self.volume.check()
        if wrong:
            verdict.broken.append(f"the file system is not whole: {wrong}")
        return verdict


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--states", type=int, default=60)
    parser.add_argument("--messages", type=int, default=MESSAGES, help="how many are recorded, at least")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    parser.add_argument("--programs", help="a folder with the programs of another build")
    parser.add_argument("--result")
    options = parser.parse_args()
    if cannot():
        print(cannot())
        sys.exit(SKIPPED)
    stand_alone()
    print(f"seed {options.seed}", flush=True)
    replay = Replay(options.seed, options.programs)
    try:
        result = replay.run(options.states, options.messages)
    finally:
        replay.close()
    print(json.dumps(result, indent=1))
    if options.result:
        with open(options.result, "w", encoding="ascii") as out:
            json.dump({"command": " ".join(sys.argv), **result}, out, indent=1)
    sys.exit(0 if not result["samples"] else 1)


if __name__ == "__main__":
    main()
