# SPDX-License-Identifier: BSD-2-Clause
"""
Power cuts under load: at random moments the server's processes stop, and the file system with its state
forgets what is not on the device; the journal is recovered, the server started again, the load goes on.
In the end every message that was answered by 250 is looked for.

    power.py --cuts 500 --kind ext4 --seed 7 --result FILE.json

--kind names forgets the names of new files whose folder was not synced, and nothing else.
"""
import argparse
import json
import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from server import SallyportServer, ground, kill_all  # noqa: E402
from storm import Storm  # noqa: E402
from volume import SKIPPED, make_volume, missing, stand_alone, work_folder  # noqa: E402

CUT_AFTER_S = (0.3, 1.2)
# As busy as a server of a large office; a flood says nothing of how much is sent twice after a cut.
REST_S = 0.2
# Recipients deferred once, for a second: mail that is delivered at once has little to lose.
LATER_SHARE = 0.4
# The volume is small; what finds no room is refused, and comes again.
QUEUE = "free-space = 64M  free-space-resume = 96M  free-files = 0"


def sallyport(hop, folder, programs=None):
    """With its state in this folder."""
    state = os.path.join(folder, "state")
    os.mkdir(state, 0o700)
    return SallyportServer(hop, state=ground.give(state), programs=programs, queue=QUEUE)


class PowerStorm(Storm):
    """make_server(port of the sink, folder for its state) gives the server under test."""

    make_folder = staticmethod(work_folder)     # what waits for the hop's disk is sent twice, whoever sends it
    keep = None     # a folder for the logs and the state, should mail be lost

    def __init__(self, seed=1, kind="ext4", make_server=sallyport, sink=None):
        self.volume = make_volume(kind)
        super().__init__(seed, lambda hop: make_server(hop, self.volume.folder), sink)
        self.volume.sync()  # the first cut may come before the server has written anything

    def act(self, what):
        if what != "cut":
            super().act(what)
            return
        # Whoever runs on after the shutdown may be told by fdatasync that all is well (ext4 and XFS of Linux
        # 6.18; a plain loop of writes shows it). Children first: one whose parent ends would be continued.
        pids = self.server.pids("all")
        kill_all(pids, signal.SIGSTOP)
        self.volume.cut()
        kill_all(reversed(pids))
        self.server.cut()
        self.volume.unmount()
        self.volume.mount()
        self.server.start()
        self.acts[what] = self.acts.get(what, 0) + 1

    def judge(self):
        verdict = super().judge()
        self.server.stop()
        if self.keep and not verdict.good:
            self.keep_evidence(verdict)
        self.volume.unmount()
        wrong = self.volume.check()
        if wrong:
            verdict.broken.append(f"the file system is not whole: {wrong}")
        return verdict

    def keep_evidence(self, verdict):
        for path in (self.volume.folder, self.folder):
            shutil.copytree(path, os.path.join(self.keep, os.path.basename(path)), dirs_exist_ok=True)
        with open(os.path.join(self.keep, "story"), "w", encoding="utf-8") as out:
            out.write(f"{verdict}\n{self.server.story()}\n")

    def result(self, verdict, seconds):
        repeated = verdict.duplicates + verdict.double_notices
        return {**super().result(verdict, seconds), "kind": self.volume.kind,
                "duplicates_per_cut": round(repeated / max(sum(self.acts.values()), 1), 3)}

    def close(self):
        super().close()
        self.volume.discard()


def storm(cuts, seed, kind="ext4", make_server=sallyport, sink=None, **load):
    """(verdict, result) of a run of its own."""
    power = PowerStorm(seed, kind, make_server, sink)
    begin = time.monotonic()
    try:
        verdict = power.run(cuts, acts=("cut",), pause_s=CUT_AFTER_S,
                            **{"rest_s": REST_S, "later_share": LATER_SHARE, **load})
        return verdict, power.result(verdict, time.monotonic() - begin)
    finally:
        power.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--kind", choices=("ext4", "xfs", "names"), default="ext4")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    parser.add_argument("--rest", type=float, default=REST_S, help="a client's pause between messages, at most")
    parser.add_argument("--programs", help="a folder with the programs of another build")
    parser.add_argument("--keep", help="a folder for the logs and the state, should mail be lost")
    parser.add_argument("--result")
    options = parser.parse_args()
    if missing(options.kind):
        print(missing(options.kind))
        sys.exit(SKIPPED)
    stand_alone()
    PowerStorm.keep = options.keep
    print(f"seed {options.seed}", flush=True)
    verdict, result = storm(options.cuts, options.seed, options.kind,
                            lambda hop, folder: sallyport(hop, folder, options.programs),
                            {"defer": 0.02}, rest_s=options.rest)
    print(f"{options.cuts} cuts of {options.kind} in {result['seconds']} s, "
          f"{result['duplicates_per_cut']} duplicates a cut\n{verdict}")
    if options.result:
        with open(options.result, "w", encoding="ascii") as out:
            json.dump({"command": " ".join(sys.argv), **result}, out, indent=1)
    sys.exit(0 if verdict.good else 1)


if __name__ == "__main__":
    main()
