# SPDX-License-Identifier: BSD-2-Clause
"""O3, O7 and O9 in small: power cuts under load, states of a dying disk; "make durability" has hundreds of them."""
import json
import os
import subprocess
import sys

import pytest

from rig import ground

DURABILITY = os.path.join(ground.TREE, "tests", "durability")
SKIPPED = 77


def run(tmp_path, program, *options):
    """The result of a program of its own: it leaves the mounts of everybody else."""
    result = tmp_path / "result.json"
    done = subprocess.run([sys.executable, "-B", os.path.join(DURABILITY, program), *options,
                           "--result", str(result)], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == SKIPPED:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(result.read_text())


@pytest.mark.parametrize("kind, cuts", [("ext4", 5), ("xfs", 3), ("names", 2)])
def test_O3_power_cuts(tmp_path, kind, cuts):
    result = run(tmp_path, "power.py", f"--cuts={cuts}", f"--kind={kind}", "--seed=3")
    assert result["acts"] == {"cut": cuts}, result
    assert result["lost"] == result["corrupt"] == result["queued"] == 0, result
    assert result["messages"] > 10 * cuts, result
    # What was under way at a server of ten deliveries at once, two recipients each.
    assert result["duplicates_per_cut"] <= 20, result


def test_O9_a_planted_bug_is_seen(tmp_path):
    result = run(tmp_path, "mutants.py", "--only=skip-body-sync", "--layers=cuts", "--cuts=3")
    assert result["skip-body-sync"]["cuts"] > 0, result


def test_O7_block_states(tmp_path):
    result = run(tmp_path, "replay.py", "--states=12", "--messages=60", "--seed=7")
    assert result["states"] == 12 and result["at_flushes"] == 6 and result["with_sectors_lost"] >= 6, result
    assert result["judged"] > 200 and not result["samples"], result
