# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue E12, E13: floods of connections, and what runs out then."""
import os
import signal
import time

import pytest

from rig import crowd, ground, process
from rig.deadline import Late, until
from rig.judge import assert_one, deliver, letter, new_token
from rig.sallyport import warm
from rig.wire import Wire

pytestmark = pytest.mark.usefixtures("alive")


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    return crowd.roomy(make_gate, sink)


def test_E12_connects_and_closes(gate):
    """As fast as one process can, for two seconds; afterwards nothing is left of it."""
    pids = gate.pids("smtp")
    files = process.open_files(pids) if ground.IS_ROOT else 0
    address = gate.address()
    count = 0
    begin = time.monotonic()
    names = [f"127.200.{n // 250 + 1}.{n % 250 + 1}" for n in range(2000)]
    while time.monotonic() - begin < 2:
        crowd.slam(crowd.knock(address, names[count % len(names)]))
        count += 1
    print(f"{count / 2:.0f} connects a second")
    assert crowd.served_within(gate, 5) < 5
    if ground.IS_ROOT:
        until(lambda: process.open_files(pids) <= files + 2, 10, "all are closed")
    assert gate.pids("smtp") == pids


def test_E12_more_connections_than_allowed(make_gate, sink):
    """Each beyond the limits is told 421; logins that are there go on."""
    daemon = make_gate(routes={"*": sink.target}, listeners={
        "submission": {"tls": "starttls", "connections": "60", "connections-before-login": "50",
                       "connections-per-address": "20"}, "submissions": None})
    held = []
    with daemon.session() as inside:
        try:
            codes = []
            for source in crowd.sources(100, each=15, net=190):
                held.append(crowd.knock(daemon.address(), source))
                codes.append(crowd.code_of_greeting(held[-1]))
            assert codes.count(220) == 50 and codes.count(421) == 50, codes
            one = []
            for _ in range(15):
                held.append(crowd.knock(daemon.address(), "127.191.1.1"))
                one.append(crowd.code_of_greeting(held[-1]))
            assert set(one) == {421}
            inside.expect(250, b"NOOP")
        finally:
            for sock in held:
                crowd.slam(sock)
        until(lambda: _sessions(daemon) == 1, 5, "there is room again")
        for _ in range(20):
            held.append(crowd.knock(daemon.address(), "127.191.1.2"))
            assert crowd.code_of_greeting(held[-1]) == 220
        with daemon.wire(source="127.191.1.2") as one_more:
            reply = one_more.reply()
            assert reply.code == 421 and reply.enhanced == "4.7.0"
        for sock in held[-20:]:
            crowd.slam(sock)


def _sessions(daemon):
    roles = [role for role in daemon.status()["roles"] if role["role"] == "smtp"]
    return sum(role["details"]["sessions"] for role in roles) if all(role["details"] for role in roles) else None


def _greeted(daemon):
    with daemon.wire(source="127.191.1.3") as wire:
        return wire.reply().code == 220


@pytest.mark.skipif(not ground.IS_ROOT, reason="only root may see how many descriptors there are")
def test_E12_no_more_descriptors(make_gate, sink):
    """At EMFILE clients are told or wait, nothing spins, and what is inside goes on."""
    daemon = make_gate(routes={"*": sink.target})
    warm(daemon)
    pids = daemon.pids("smtp")
    held = []
    with daemon.session() as inside:
        for pid in pids:
            used = max(map(int, os.listdir(f"/proc/{pid}/fd")))
            process.limit(pid, "nofile", used + 8)
        try:
            codes = []
            for source in crowd.sources(100, each=10, net=192):
                held.append(crowd.knock(daemon.address(), source))
                codes.append(crowd.code_of_greeting(held[-1]))
            assert set(codes) == {220, 421}, codes
            daemon.wait_for_event("accept.short")
            begin = process.cpu_s(pids)
            assert inside.is_silent(1)
            assert process.cpu_s(pids) - begin < 0.5, "it spins"
            inside.expect(250, b"NOOP")
        finally:
            for sock in held:
                crowd.slam(sock)
        until(lambda: _greeted(daemon), 5, "it accepts again")
    assert daemon.pids("smtp") == pids


def test_E12_super_without_descriptors(make_gate, sink, token):
    """It can neither accept on the control socket nor make pairs for a new process: it waits, and tries again."""
    daemon = make_gate(routes={"*": sink.target})
    warm(daemon)
    victim, other = daemon.pids("smtp")
    boss = daemon.process.pid
    process.limit(boss, "nofile", 8)
    try:
        daemon.expected_deaths += 1
        begin = len(daemon.events)
        os.kill(victim, signal.SIGKILL)
        event = daemon.wait_for_event("super.failed", {"of": "smtp"}, start=begin)
        assert "Too many open files" in event["reason"], event
        spent = process.cpu_s([boss])
        with daemon.session() as wire:     # by the other one
            assert deliver(wire, letter(token)).code == 250
            until(lambda: len(daemon.events_named("super.failed", begin)) >= 2, 10, "it tries again")
            wire.expect(250, b"NOOP")
        assert process.cpu_s([boss]) - spent < 0.5, "it spins"
    finally:
        process.limit(boss, "nofile", 1024)
    until(lambda: len(set(daemon.pids("smtp")) - {victim}) == 2, 15, "it is back")
    assert other in daemon.pids("smtp")
    assert_one(daemon, sink, token)


@pytest.mark.skipif(ground.SANITIZED, reason="sanitizers reserve more than there is")
def test_E12_no_more_memory(make_gate, sink):
    """A front end that gets no memory ends with a word; the others live, and it comes back."""
    daemon = make_gate(routes={"*": sink.target}, base={"workers": "2"})
    warm(daemon)
    tokens = [new_token() for _ in range(5)]
    with daemon.session() as wire:
        for token in tokens:
            assert deliver(wire, letter(token)).code == 250
    others = [pair for pair in daemon.roles() if pair[0] != "smtp"]
    victim = daemon.pids("smtp")[0]
    with open(f"/proc/{victim}/statm", encoding="ascii") as statm:
        size = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    daemon.expected_deaths += 1
    process.limit(victim, "as", size)
    held = []
    try:
        for source in crowd.sources(2000, each=20, net=193):
            try:
                held.append(Wire(daemon.address(), source, 2))
                held[-1].send(b"x" * 4000)
            except (OSError, Late):
                pass
            if daemon.events_named("role.died"):
                break
        event = daemon.wait_for_event("role.died", {"of-pid": victim}, 10)
        assert event["signal"] == signal.SIGABRT
    finally:
        crowd.close_all(held)
    assert any("out of memory" in line for line in daemon.stray)
    daemon.wait_for_event("role.ready", {"role": "smtp"}, 15, start=daemon.events.index(event))
    until(lambda: len(set(daemon.pids("smtp")) - {victim}) == 2, 10, "it is back")
    assert [pair for pair in daemon.roles() if pair[0] != "smtp"] == others
    crowd.served_within(daemon, 5)
    for token in tokens:
        assert_one(daemon, sink, token)


@pytest.mark.parametrize("how", ["close", "reset", "half a hello"])
def test_E13_starttls_and_away(gate, how):
    """A part of the ten thousand, which tests/durability/flood.py runs."""
    pids = gate.pids("smtp")
    files = process.open_files(pids) if ground.IS_ROOT else 0
    for _ in range(30 if ground.SANITIZED else 400):
        wire = gate.wire()
        wire.greet()
        wire.expect(220, b"STARTTLS")
        if how == "half a hello":
            wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100)
        if how == "close":
            wire.close()
        else:
            wire.reset()
    if ground.IS_ROOT:
        until(lambda: process.open_files(pids) <= files + 2, 10, "all are closed")
