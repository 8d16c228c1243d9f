# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue E9 to E11, E15: slow and idle clients."""
import os
import signal
import time

import pytest

from rig import crowd, ground
from rig.deadline import until
from rig.hello import client_hello
from rig.judge import assert_one, deliver, letter
from rig.sallyport import Health, warm
from rig.wire import Wire, kernel_queues, new_source

pytestmark = pytest.mark.usefixtures("alive")


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    return crowd.roomy(make_gate, sink)


@pytest.fixture(scope="module")
def hasty(make_gate, sink):
    """The same with deadlines that a test can wait for."""
    daemon = make_gate(routes={"*": sink.target}, listeners={
        "submission": {"tls": "starttls", "before-login-wait": "3s", "handshake-wait": "2s", "send-wait": "1s",
                       "data-wait": "2s",
                       "rate-window": "2s", "minimum-rate": "500"},
        "submissions": None})
    warm(daemon)
    return daemon


# --- E9 to E11: slow clients

def test_E09_sixty_slow_clients(hasty):
    """Each is told and cut off in time; nobody else waits for them."""
    health = Health(hasty)
    wires = [Wire(hasty.address(), new_source(), 10) for _ in range(60)]
    waits = []

    def another():
        if len(waits) < 3:
            waits.append(crowd.served_within(hasty, 2))

    try:
        slow = crowd.Dripping(wires, b"N").until_closed(12, another)
        assert len(waits) == 3
        assert all(2.5 < seconds < 9 for seconds in slow.ended.values()), slow.ended.values()
        for said in slow.said.values():
            assert b"\r\n421 4.4.2 " in said, said
    finally:
        crowd.close_all(wires)
    health.check()


def test_E09_slow_handshakes(hasty):
    """A ClientHello byte by byte."""
    wires = []
    for _ in range(20):
        wire = Wire(hasty.address(), new_source(), 10)
        wire.greet()
        wire.expect(220, b"STARTTLS")
        wires.append(wire)
    try:
        slow = crowd.Dripping(wires, client_hello(), each=1).until_closed(12)
        assert all(1.5 < seconds < 9 for seconds in slow.ended.values()), slow.ended.values()
    finally:
        crowd.close_all(wires)
    hasty.wait_for_event("client.closed", {"why": "handshake", "client": wires[0].source})
    crowd.served_within(hasty, 2)


@pytest.mark.parametrize("by", ["data", "bdat"])
def test_E10_a_slow_body(hasty, by):
    """Not silent, but slower than the least rate."""
    wires = []
    for _ in range(5):
        wire = hasty.transaction(source=new_source())
        if by == "data":
            wire.expect(354, b"DATA")
        else:
            wire.send(b"BDAT 100000\r\n")
        wires.append(wire)
    try:
        slow = crowd.Dripping(wires, b"x").until_closed(12)
        for said in slow.said.values():
            assert said.startswith(b"421 4.4.2 "), said
    finally:
        crowd.close_all(wires)
    event = hasty.wait_for_event("client.closed", {"why": "slow", "client": wires[0].source})
    assert event["login"] == "alice"


def test_E10_a_body_that_is_fast_enough(hasty, sink, token):
    """Over two windows."""
    with hasty.transaction(source=new_source()) as wire:
        wire.expect(354, b"DATA")
        wire.send(letter(token))
        end = time.monotonic() + 2.2
        while time.monotonic() < end:
            wire.send(b"x" * 158 + b"\r\n")
            assert wire.is_silent(0.1)
        wire.send(b".\r\n")
        assert wire.reply().code == 250
    assert_one(hasty, sink, token)


def unsent(wire):
    """Bytes that the server's kernel holds for this client."""
    return kernel_queues(wire.address, wire.name)[1]


def unread_replies(wire, login):
    """Bytes to send, whose replies are never read."""
    if not login:
        wire.greet()
        return b"EHLO client.example.org\r\n" * 40000
    wire.expect(250, b"MAIL FROM:<alice@example.org>")
    for _ in range(400):
        wire.tls.write(b"RCPT TO:<u@example.net>\r\n" * 600)
    return wire.outgoing.read()


@pytest.mark.parametrize("login", [False, True])
def test_E11_replies_that_nobody_reads(hasty, login):
    wire = hasty.wire(source=new_source(), seconds=15, window=8192)
    with wire:
        grown, waiting = [], []
        if login:
            wire.greet()
            wire.starttls()
            wire.ehlo()
            wire.login()
        before = crowd.cost_kib(hasty)

        def look():
            grown.append(crowd.cost_kib(hasty) - before)
            waiting.append(unsent(wire))

        view = memoryview(unread_replies(wire, login))
        assert wire.pour(view, 20, look), "the server puts up with it"
    hasty.wait_for_event("client.closed", {"why": "unread", "client": wire.source})
    print(f"replies unread: {max(grown)} KiB in smtp, {max(waiting)} bytes in the kernel")
    if not ground.SANITIZED:
        assert max(grown) <= 512
    assert max(waiting) <= 256 << 10, max(waiting)


# --- idle clients

@pytest.mark.skipif(ground.SANITIZED, reason="sanitizers have memory of their own")
def test_E09_a_thousand_idle_clients(gate):
    """tests/durability/flood.py has ten times as many."""
    crowd.descriptors(4000)
    alone = crowd.served_within(gate, 5)
    before = crowd.cost_kib(gate)
    wires = crowd.clients(gate, 1000)
    try:
        each = (crowd.cost_kib(gate) - before) / len(wires)
        beside = crowd.served_within(gate, 2)
        print(f"{each:.1f} KiB for each idle client; a login takes {beside * 1e3:.0f} ms, alone {alone * 1e3:.0f} ms")
        assert each <= crowd.BEFORE_LOGIN_KIB
        for wire in wires[::100]:
            wire.expect(250, b"NOOP")
    finally:
        crowd.close_all(wires)


CGROUP = "/sys/fs/cgroup/memory"


@pytest.fixture
def small_memory():
    """A memory cgroup of 64 MiB."""
    path = f"{CGROUP}/sallyport-{os.getpid()}"
    try:
        os.mkdir(path)
        with open(f"{path}/memory.limit_in_bytes", "w", encoding="ascii") as limit:
            limit.write(str(64 << 20))
    except OSError as fault:
        pytest.skip(f"no memory cgroup: {fault}")
    yield path
    for _ in range(100):
        try:
            os.rmdir(path)
            break
        except OSError:
            with open(f"{path}/cgroup.procs", encoding="ascii") as inside:
                for pid in inside.read().split():
                    move(pid, CGROUP)


def move(pid, path):
    try:
        with open(f"{path}/cgroup.procs", "w", encoding="ascii") as procs:
            procs.write(str(pid))
    except OSError:
        pass


@pytest.mark.skipif(ground.SANITIZED, reason="sanitizers have memory of their own")
def test_E15_five_hundred_sessions_in_64_MiB(make_gate, sink, small_memory, token):
    """All of the daemon in one group: nobody is killed, and mail goes on."""
    daemon = make_gate(routes={"*": sink.target}, listeners={
        "submission": {"connections": "700", "connections-before-login": "700"}, "submissions": None})
    move(daemon.process.pid, small_memory)
    for _, pid in daemon.roles():
        move(pid, small_memory)
    before = set(daemon.pids("smtp"))
    for pid in before:
        os.kill(pid, signal.SIGKILL)    # born anew inside, so that their memory is counted there
        daemon.expected_deaths += 1
    until(lambda: len(set(daemon.pids("smtp")) - before) == 2, 10, "the front ends are back")
    roles = daemon.roles()
    wires = crowd.clients(daemon, 500, login=True, net=194)
    try:
        assert deliver(wires[0], letter(token, b"x" * 76 + b"\r\n" * 20000)).code == 250
        assert_one(daemon, sink, token)
        with open(f"{small_memory}/memory.max_usage_in_bytes", encoding="ascii") as usage:
            print(f"most memory in the group: {int(usage.read()) / (1 << 20):.1f} MiB")
        with open(f"{small_memory}/memory.oom_control", encoding="ascii") as control:
            assert "oom_kill 0" in control.read()
        assert daemon.roles() == roles
    finally:
        crowd.close_all(wires)
