# SPDX-License-Identifier: BSD-2-Clause
"""
The same deaths for Sallyport and its peers, one after the other: kill -9 of every process, and power
cuts on ext4. Prints a table.

    compare.py --kills 100 --cuts 40 --servers sallyport,postfix,exim,opensmtpd --result FILE.json
"""
import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from power import CUT_AFTER_S, LATER_SHARE, REST_S, PowerStorm, sallyport  # noqa: E402
from server import ground  # noqa: E402
from storm import Storm  # noqa: E402
from volume import SKIPPED, missing, stand_alone  # noqa: E402

import peers  # noqa: E402

KILLED_AFTER_S = (0.15, 1.2)
ROWS = (
    ("answered by 250", "messages"), ("recipients lost", "lost"), ("not known", "not_measured"),
    ("damaged", "corrupt"), ("sent twice, for each death", "twice"),
    ("nobody knows who sent it", "broken"), ("still queued in the end", "queued"),
)


def run_one(make_server, act, rounds, pause_s, seed):
    """The result of one server under one kind of death."""
    folder = ground.folder("compare")
    os.chmod(folder, 0o755)
    if act == "cut":
        storm = PowerStorm(seed, "ext4", make_server)
    else:
        storm = Storm(seed, lambda hop: make_server(hop, folder))
    begin = time.monotonic()
    try:
        verdict = storm.run(rounds, acts=(act,), pause_s=pause_s, rest_s=REST_S, later_share=LATER_SHARE)
        result = {**storm.result(verdict, time.monotonic() - begin), "version": getattr(storm.server, "version", str)()}
    finally:
        storm.close()
        ground.remove(folder)
    return {**result, "twice": round((verdict.duplicates + verdict.double_notices) / rounds, 2)}


def table(results):
    out = []
    for act in ("kill:all", "cut"):
        told = [result for result in results if result["act"] == act]
        out.append(f"{act}: " + ", ".join(f"{one['rounds']} x {one['server']} {one.get('version', '')}"
                                          for one in told))
        for text, name in ROWS:
            out.append(f"  {text:35}" + "".join(f"{one.get(name, one.get('failed', '-'))!s:>14}" for one in told))
    return "\n".join(out)


def run_all(options):
    for name in options.servers.split(","):
        for act, rounds, pause_s in (("kill:all", options.kills, KILLED_AFTER_S),
                                     ("cut", options.cuts, CUT_AFTER_S)):
            one = {"server": name, "act": act, "rounds": rounds}
            reason = peers.missing(name) if name in peers.PEERS else None
            if reason:
                one["failed"] = reason
            elif rounds:
                one.update(run_one(peers.PEERS.get(name, sallyport), act, rounds, pause_s, options.seed))
            print(json.dumps(one), flush=True)
            yield one


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--cuts", type=int, default=40)
    parser.add_argument("--servers", default="sallyport,postfix,exim,opensmtpd")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    parser.add_argument("--result")
    options = parser.parse_args()
    if missing("ext4"):
        print(missing("ext4"))
        sys.exit(SKIPPED)
    packages = peers.fetch_packages()
    try:
        stand_alone()
        peers.unpack_packages(packages)
        results = list(run_all(options))
    finally:
        ground.remove(packages)
    print(table(results))
    if options.result:
        with open(options.result, "w", encoding="ascii") as out:
            json.dump({"command": " ".join(sys.argv), "results": results}, out, indent=1)


if __name__ == "__main__":
    main()
