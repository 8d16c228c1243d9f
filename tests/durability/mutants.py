# SPDX-License-Identifier: BSD-2-Clause
"""
Builds with a bug planted in them: a harness that never failed proves nothing. Each is this build's tree
with one text of its source replaced, made anew; every layer that is named with it must show it: power
cuts, the states of a dying disk, single faults.

    mutants.py --cuts 10 --states 40 --result FILE.json
    mutants.py --layers faults
"""
import argparse
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from power import sallyport, storm  # noqa: E402
from replay import MESSAGES, Replay, cannot  # noqa: E402
from server import ground  # noqa: E402
from single_faults import Fault, Stand, count_all, run_all  # noqa: E402
from volume import SKIPPED, missing, stand_alone  # noqa: E402

LAYERS = ("faults", "cuts", "states")
# What is left out, or done too early: file, text, what stands there instead, who must see it. A folder
# that is not synced is seen in cuts on "names" alone: ext4 keeps the name of a file with the file.
MUTANTS = {
    "skip-body-sync": ("src/queue/folder.c", "sync && fsync(fd) < 0", "sync && fd < 0", LAYERS),
    "skip-directory-sync": ("src/queue/folder.c", "return fsync(folder->bodies) == 0 ||",
                            "return folder->bodies >= 0 ||", ("faults", "cuts")),
    "skip-log-sync": ("src/queue/spool_db.c", '"PRAGMA synchronous = FULL" :', '"PRAGMA synchronous = OFF" :',
                      LAYERS),
    "answer-early": ("src/queue/intake.c", "	commit->spool.held_most = held_most;\n",
                     "	commit->spool.held_most = held_most;\n	answer_committed(commit);\n", LAYERS),
    "forget-bounce": ("src/queue/spool_write.c", "i < settle->notice_count;", "i + 1 < settle->notice_count;",
                      ("faults",)),
    "unlink-before-record": ("src/queue/spool_write.c", "	if (!file)\n		return;\n",
                             "	if (!file)\n		return;\n	folder_remove_body(store->folder, file);\n",
                             ("faults",)),
}
KINDS = {"skip-directory-sync": "names"}


def build_mutant(name, folder):
    """The folder with its programs; in `folder`, which is new."""
    path, text, instead, _ = MUTANTS[name]
    tree = os.path.join(folder, name)
    shutil.copytree(ground.BUILD, tree, symlinks=True,
                    ignore=shutil.ignore_patterns(".git", "build-sanitize", "__pycache__", ".run"))
    with open(os.path.join(tree, path), encoding="utf-8") as source:
        planted = source.read().replace(text, instead)
    with open(os.path.join(tree, path), "w", encoding="utf-8") as source:
        source.write(planted)
    made = subprocess.run(["make", "-s", "-j2", "all"], cwd=tree, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    assert instead in planted and text not in planted.replace(instead, ""), f"{name}: {path} has changed"
    programs = os.path.join(folder, name + "-programs")
    os.mkdir(programs)
    for entry in os.listdir(os.path.join(tree, "src")):
        built = os.path.join(tree, "src", entry)
        if os.path.isfile(built) and os.access(built, os.X_OK):
            shutil.copy2(built, programs)
    ground.remove(tree)
    os.chmod(programs, 0o755)
    return programs


def lost_in_cuts(programs, cuts, seed, kind):
    """A number; or why the storm came to no end, which is as red."""
    try:
        verdict, _ = storm(cuts, seed, kind, lambda hop, folder: sallyport(hop, folder, programs))
    except AssertionError as fault:
        return str(fault).partition("\n")[0]
    return len(verdict.lost)


def lost_in_states(programs, states, seed):
    replay = Replay(seed, programs)
    try:
        return replay.run(states, MESSAGES)["lost"]
    finally:
        replay.close()


def bad_in_faults(programs):
    """A run without a fault that is judged bad counts as one; else all die at each call of the queue."""
    stand = Stand(programs)
    try:
        points = count_all(stand, ("row", "file"), times=1)
    except AssertionError:
        return 1
    finally:
        stand.close()
    faults = [Fault(*point, "cut") for point in points if point[1] == "queue"]
    return sum(1 for result in run_all(faults, 8, programs) if result["faults"])


def look(layer, name, programs, options):
    if layer == "faults":
        return bad_in_faults(programs)
    if layer == "cuts":
        return lost_in_cuts(programs, options.cuts, options.seed, KINDS.get(name, "ext4"))
    return lost_in_states(programs, options.states, options.seed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=sorted(MUTANTS))
    parser.add_argument("--layers", default=",".join(LAYERS))
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--states", type=int, default=40)
    parser.add_argument("--seed", type=int, default=9)
    parser.add_argument("--result")
    options = parser.parse_args()
    layers = options.layers.split(",")
    names = [options.only] if options.only else list(MUTANTS)
    reasons = [missing(KINDS.get(name, "ext4")) for name in names] if "cuts" in layers else []
    reasons += [cannot()] if "states" in layers else []
    if any(reasons):
        print(*filter(None, reasons), sep="; ")
        sys.exit(SKIPPED)
    if layers != ["faults"]:
        stand_alone()
    folder = ground.folder("mutants")
    os.chmod(folder, 0o755)
    result = {}
    try:
        for name in names:
            programs = build_mutant(name, folder)
            result[name] = {layer: look(layer, name, programs, options)
                            for layer in layers if layer in MUTANTS[name][3]}
            print(name, result[name], flush=True)
    finally:
        ground.remove(folder)
    if options.result:
        with open(options.result, "w", encoding="ascii") as out:
            json.dump({"command": " ".join(sys.argv), **result}, out, indent=1)
    sys.exit(0 if all(all(seen.values()) for seen in result.values()) else 1)


if __name__ == "__main__":
    main()
