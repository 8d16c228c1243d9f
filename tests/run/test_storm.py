# SPDX-License-Identifier: BSD-2-Clause
"""O1, O2, O11, I9, I13, I15 in small: kill -9 of each role and of all at once, under load."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "durability"))

from storm import Storm  # noqa: E402

ROUNDS = 30
RECIPIENTS = 2


def test_O1_O2_O11_nothing_is_lost():
    storm = Storm(seed=30)
    try:
        verdict = storm.run(ROUNDS, later_share=0.05)
        acts = storm.acts
    finally:
        storm.close()
    print(verdict)
    assert verdict.good, verdict
    assert verdict.queued == 0, verdict
    assert verdict.messages > 300 and verdict.returned > 10, verdict
    assert sum(acts.values()) >= ROUNDS - 4 and all(acts.values()), acts
    # Sent twice is at most what was under way when relay died.
    deaths = sum(acts[f"kill:{name}"] for name in ("relay", "super", "all"))
    assert verdict.duplicates + verdict.double_notices <= \
        deaths * storm.server.concurrency * RECIPIENTS, verdict


def test_I15_a_250_that_is_never_read():
    storm = Storm(seed=31, sink={"drop_before_reply": 0.1})
    try:
        verdict = storm.run(4)
    finally:
        storm.close()
    assert verdict.good, verdict
    assert verdict.queued == 0 and verdict.duplicates > 0, verdict
