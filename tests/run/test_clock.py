# SPDX-License-Identifier: BSD-2-Clause
"""
I10: a clock that was set by a year, seen by the queue at its start: nothing is returned for it. The clock
of the machine stays as it is; what the queue has written of the time before is moved instead.
"""
import os
import sqlite3
import time

import pytest

from rig.judge import deliver, letter
from rig.sink import Sink

YEAR_MS = 365 * 24 * 3600 * 1000
LATER = [b"451 4.3.0 later\r\n"] * 50


def move(gate, ms):
    """All dates in the spool, and the time at which it was last seen."""
    path = os.path.join(gate.path, "state/queue/queue.db")
    owner = os.stat(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE message SET received = received + ?", (ms,))
        db.execute("UPDATE waiting SET due = due + ? WHERE due IS NOT NULL", (ms,))
        db.execute("UPDATE meta SET value = value + ? WHERE name = 'clock'", (ms,))
    db.close()
    for name in ("queue.db", "queue.db-wal", "queue.db-shm"):
        if os.path.exists(os.path.join(os.path.dirname(path), name)):
            os.chown(os.path.join(os.path.dirname(path), name), owner.st_uid, owner.st_gid)


@pytest.mark.parametrize("jump_ms", [YEAR_MS, -YEAR_MS], ids=["forward", "back"])
def test_I10_no_mail_is_returned_for_a_jump_of_the_clock(make_gate, sink, token, jump_ms):
    hop = Sink()
    hop.script["RCPT"] = LATER
    try:
        gate = make_gate(routes={"hop.test": hop.target, "*": sink.target},
                         extra="queue { retry = { 1s } expiry = 1h delay-notice = 30m }\n")
        for number in range(20):
            with gate.session() as wire:
                assert deliver(wire, letter(token + b"n%dx" % number), recipient=b"u%d@hop.test" % number).code == 250
        gate.wait_until_tried("u19@hop.test")
        gate.stop()
        gate.events.clear()
        move(gate, -jump_ms)   # the clock is that much ahead of what was written
        hop.script.clear()
        hop.script["RCPT"] = LATER[:10]
        begin = time.monotonic()
        gate.start()
        event = gate.wait_for_event("queue.gap")
        assert abs(int(event["ms"]) - jump_ms) < 120 * 1000, event
        hop.wait_for_token(token, seconds=20, count=20)
        gate.wait_until_queue_is_empty()
        assert time.monotonic() - begin < 20
        assert not [m for m in sink.messages if m.sender == b"" and token in m.raw]
        assert not gate.events_named("queue.notice")
    finally:
        hop.stop()
