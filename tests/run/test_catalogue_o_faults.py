# SPDX-License-Identifier: BSD-2-Clause
"""
Catalogue O4, O5, O11 to O14, I9, I13: single faults of one message, and storms of other kinds than
kill -9 (test_storm.py). Samples: "make durability" runs all of them.
"""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "durability"))

from rig import crowd, ground, process  # noqa: E402
from server import SallyportServer  # noqa: E402
from interposed import Interposed  # noqa: E402
from single_faults import DISK_CALLS, Fault, Stand, enumerate_faults, run_all  # noqa: E402
from storm import Storm, can_starve, read_lines  # noqa: E402

pytestmark = pytest.mark.skipif(ground.SANITIZED, reason="a sanitizer wants to be preloaded first")
JOBS = 6
EVERY = 150


@pytest.fixture(scope="module")
def faults():
    stand = Stand()
    try:
        return enumerate_faults(stand, ("row", "file"))
    finally:
        stand.close()


def run(chosen):
    """All of them, and nothing wrong with any."""
    results = run_all(chosen, JOBS)
    assert len(results) == len(chosen)
    bad = [result for result in results if result["faults"]]
    assert not bad, bad
    return results


def syncs(faults, *actions):
    return [fault for fault in faults if fault.role == "queue" and "sync" in fault.call
            and fault.action in actions]


def test_O4_death_at_any_call(faults):
    deaths = [fault for fault in faults if fault.action in ("kill", "cut")]
    assert {"smtp", "queue", "relay", "auth"} <= {fault.role for fault in deaths} and len(deaths) > 500
    results = run(syncs(deaths, "kill") + deaths[::EVERY // 3])
    assert any(result["reply"] == "250" for result in results)
    assert any(result["reply"] != "250" for result in results)


def test_O5_a_call_fails(faults):
    failures = [fault for fault in faults if fault.action not in ("kill", "cut")]
    # an error that ends SQLite's transaction in its middle, too
    reads = [fault for fault in failures if (fault.role, fault.call, fault.action) == ("queue", "pread64", "EIO")]
    assert reads
    # what is not synced is not accepted: the first two syncs belong to the message
    for result in run(syncs(failures, "EIO") + reads + failures[::4 * EVERY]):
        role, call, at, action = result["fault"].split("/")[1:]
        if role == "queue" and "sync" in call and int(at) == 1 and action == "EIO":
            assert result["reply"].startswith("4"), result


def test_I9_I13_O11_each_of_three_recipients_once(faults):
    """Deaths between the first reply of the hop and the end of the message."""
    late = [fault for fault in faults if fault.scene == "file" and (
        fault.action == "kill" and (fault.role, fault.call) == ("relay", "recvfrom")
        or fault.action == "cut" and fault.role == "queue" and fault.call in DISK_CALLS)]
    for result in run(late[::16]):
        assert result["duplicates"] <= 2, result


def storm(seed, rounds, acts, make_server=SallyportServer, **load):
    """The verdict of a storm that lost nothing, and what its sink saw."""
    this = Storm(seed, make_server, {"drop_before_reply": 0, "defer": 0.02})
    try:
        verdict = this.run(rounds, 4, acts, **load)
        entries = read_lines(this.sink_log)
        assert sum(this.acts.values()) == rounds, this.acts
    finally:
        this.close()
    assert verdict.good and verdict.queued == 0 and verdict.messages > 20, verdict
    return verdict, entries


def test_O12_orderly_ends_repeat_nothing():
    verdict, _ = storm(12, 4, ("term", "reload"), later_share=0.05)
    assert verdict.duplicates == 0 and verdict.double_notices == 0, verdict


@pytest.mark.skipif(can_starve() is not None, reason=can_starve() or "")
def test_O13_the_queue_starves():
    storm(13, 1, ("oom:queue",))


def test_O14_the_clock_jumps():
    folder = ground.folder("clock")
    os.chmod(folder, 0o755)

    def make_server(hop):
        interposed = Interposed(folder)
        server = SallyportServer(hop, programs=folder, environment=interposed.environment)
        server.set_clock = interposed.plan.set_clock
        return server
    try:
        verdict, entries = storm(14, 4, ("clock", "kill:queue"), make_server, later_share=0.1)
    finally:
        ground.remove(folder)
    # nothing was given up because of its age
    assert verdict.returned > 0
    assert all("-never@" in address for entry in entries for address in entry.get("failed", ())), verdict


@pytest.mark.parametrize("error", ["ENFILE", "ENOMEM"])
def test_E12_the_whole_system_has_no_more(error):
    """Every accept of the front ends fails for a while: whoever is inside goes on, whoever knocks waits, nothing spins."""
    folder = ground.folder("enfile")
    os.chmod(folder, 0o755)
    interposed = Interposed(folder)
    server = SallyportServer(9, programs=folder, environment=interposed.environment)
    held = []
    try:
        server.start()
        gate, pids = server.gate, server.pids("smtp")
        with gate.session() as inside:
            interposed.plan.arm(Fault("row", "smtp", "accept4", 1, error + "+"))
            held += [crowd.knock(gate.address("trusted"), f"127.0.0.{number}") for number in range(20, 60)]
            gate.wait_for_event("accept.short")
            begin = process.cpu_s(pids)
            assert inside.is_silent(1)
            assert process.cpu_s(pids) - begin < 0.5, "it spins"
            inside.expect(250, b"NOOP")
            interposed.plan.disarm()
            assert {crowd.code_of_greeting(sock) for sock in held} == {220}
        assert server.pids("smtp") == pids
    finally:
        for sock in held:
            crowd.slam(sock)
        server.discard()
        ground.remove(folder)
