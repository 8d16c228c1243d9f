# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue E: what it takes to exhaust the daemon. E14 and E17 to E20 are of queue, relay and start."""
import os
import signal
import statistics
import subprocess
import time

import pytest

from rig import crowd, ground, process
from rig.deadline import Late, until
from rig.hello import HANDSHAKE, client_hello
from rig.judge import assert_one, assert_zero, deliver, letter, new_token
from rig.sallyport import Health, Sallyport, warm
from rig.wire import Wire, b64, kernel_queues, new_source

BEFORE_LOGIN_KIB = 128      # of one connection, whatever it sends
pytestmark = pytest.mark.usefixtures("alive")


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    daemon = make_gate(routes={"*": sink.target}, log={"level": "info"},
                       listeners={name: {"tls": tls, "connections": "2500", "connections-before-login": "2000"}
                                  for name, tls in (("submission", "starttls"), ("submissions", "implicit"))})
    warm(daemon)
    crowd.close_all(crowd.clients(daemon, 40, secure=True, net=179))
    return daemon


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


# --- E1, E2: lines

def pour(wire, size, piece=b"x" * 65536):
    """Sends up to so many bytes; how many went before the server had enough."""
    sent = 0
    try:
        while sent < size:
            wire.send(piece)
            sent += len(piece)
    except (OSError, Late):
        pass
    return sent


@pytest.mark.sanitize
@pytest.mark.parametrize("secure", [False, True])
def test_E01_a_line_without_end(gate, secure):
    wire = gate.secure() if secure else gate.wire()
    with wire:
        if not secure:
            wire.greet()
        before = crowd.cost_kib(gate)
        wire.send(b"x" * 20000)
        assert wire.reply().code == 500
        if not ground.SANITIZED:
            assert crowd.cost_kib(gate) - before <= BEFORE_LOGIN_KIB
        sent = pour(wire, 64 << 20)
        assert wire.is_closed(5)
        # What the kernels on both sides hold is not read.
        assert sent < 16 << 20, sent
    gate.wait_for_event("client.closed", {"why": "line", "client": wire.source})


@pytest.mark.sanitize
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("size,code", [(512, 250), (4096, 250), (4097, 500), (12288, 500), (16384, 500),
                                       (16385, 500), (20000, 500), (100000, 500)])
def test_E02_the_longest_line(gate, size, code, secure):
    """The limit is exact, CR LF counted, and nothing of a longer line is run."""
    wire = gate.secure() if secure else gate.wire()
    with wire:
        if not secure:
            wire.greet()
        line = b"NOOP " + b"QUIT " * (size // 5 + 1)
        wire.send(line[:size - 2] + b"\r\n")
        assert wire.reply().code == code
        wire.send(b"VRFY x\r\n")
        assert wire.reply().code in (252, 530)


@pytest.mark.parametrize("verb", [b"MAIL FROM:<alice@example.org> X=", b"RCPT TO:<", b"EHLO ", b"XYZZY "])
def test_E02_a_long_command_is_never_cut_and_run(gate, verb):
    with gate.session() as wire:
        if verb.startswith(b"RCPT"):
            wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.send(verb + b"a" * 4100 + b"\r\nNOOP\r\n")
        assert [reply.code for reply in wire.replies(2)] == [500, 250]


# --- E3: recipients

def test_E03_a_hundred_thousand_recipients(gate, sink, token):
    begin = gate.cpu_s()
    with gate.session(seconds=60) as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        codes = []
        for start in range(0, 100000, 2000):
            wire.send(b"".join(b"RCPT TO:<u%d@example.net>\r\n" % n for n in range(start, start + 2000)))
            replies = wire.replies(2000)
            codes += [reply.code for reply in replies]
            if start:
                assert all(reply.enhanced == "4.5.3" for reply in replies)
        assert codes == [250] * 1000 + [452] * 99000
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    assert gate.cpu_s() - begin < 10 * (10 if ground.SANITIZED else 1)
    gate.wait_until_queue_is_empty(60)
    delivered = [address for message in sink.with_token(token) for address, _ in message.recipients]
    assert sorted(delivered) == sorted(b"u%d@example.net" % n for n in range(1000))


def test_E03_one_recipient_ten_thousand_times(gate, sink, token):
    with gate.session(seconds=60) as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        for _ in range(10):
            wire.send(b"RCPT TO:<u@example.net>\r\n" * 1000)
            assert {reply.code for reply in wire.replies(1000)} == {250}
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    message = assert_one(gate, sink, token)
    assert len(message.recipients) == 1


# --- E4 to E8: odd messages; each costs less than a second of CPU, and is refused or arrives as it is

HEAD = (b"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nFrom: <alice@example.org>\r\nTo: <u@example.net>\r\n"
        b"Message-ID: <e@client.example.org>\r\n")
MOST = 180 * 1024     # what the header may have, so that it is looked at


def fold(value, every=900):
    return b"\r\n ".join(value[at:at + every] for at in range(0, len(value), every))


def parts(depth):
    head = b"".join(b'--b%d\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n' % (n, n + 1)
                    for n in range(depth))
    return b'--b%d\r\n\r\nx\r\n' % depth + head


ODD = {
    # E4
    "E04_header_lines": HEAD + b"X: y\r\n" * 200000 + b"\r\nbody\r\n",
    "E04_header_lines_that_fit": HEAD + b"X: y\r\n" * 29000 + b"\r\nbody\r\n",
    # E5, E6
    "E05_one_header_of_5_MB": HEAD + b"Subject: " + b"x" * 5000000 + b"\r\n\r\nbody\r\n",
    "E05_one_header_that_fits": HEAD + b"X-Long: " + fold(b"z" * MOST) + b"\r\n\r\nbody\r\n",
    "E05_one_header_line_of_64_KB": HEAD + b"X-Long: " + b"z " * 32768 + b"\r\n\r\nbody\r\n",
    # E7
    "E07_ten_thousand_addresses": HEAD.replace(b"To: <u@example.net>", b"To: " + fold(
        b", ".join(b"a%d@example.net" % n for n in range(10000)), 899)) + b"\r\nbody\r\n",
    "E07_addresses_in_From": HEAD.replace(b"From: <alice@example.org>", b"From: " + b",\r\n ".join(
        [b"alice@example.org"] * 9000)) + b"\r\nbody\r\n",
    "E07_comments": HEAD.replace(b"From: ", b"From: " + fold(b"(x)" * (MOST // 3), 900)) + b"\r\nbody\r\n",
    "E07_nested_comments": HEAD.replace(b"From: ", b"From: " + fold(b"(" * (MOST // 2)) + fold(
        b")" * (MOST // 2)) + b" ") + b"\r\nbody\r\n",
    "E07_open_comments": HEAD.replace(b"From: ", b"From: " + fold(b"(" * MOST) + b" ") + b"\r\nbody\r\n",
    "E07_quoted_string": HEAD.replace(b"From: ", b'From: "' + fold(b"q" * MOST) + b'" ') + b"\r\nbody\r\n",
    "E07_quoted_pairs": HEAD.replace(b"From: ", b'From: "' + fold(b"\\q" * (MOST // 2)) + b'" ') + b"\r\nbody\r\n",
    "E07_commas": HEAD.replace(b"From: ", b"From: " + fold(b"," * MOST)) + b"\r\nbody\r\n",
    "E07_groups": HEAD.replace(b"To: ", b"To: " + fold(b"g:;," * (MOST // 4))) + b"\r\nbody\r\n",
    "E07_angles": HEAD.replace(b"From: ", b"From: " + fold(b"<" * MOST)) + b"\r\nbody\r\n",
    "E07_dots": HEAD.replace(b"From: ", b"From: " + fold(b"a." * (MOST // 2))) + b"\r\nbody\r\n",
    # E8
    "E08_parameters": HEAD + b"MIME-Version: 1.0\r\nContent-Type: text/plain;\r\n " + b";\r\n ".join(
        b"a*%d=x" % n for n in range(15000)) + b"\r\n\r\nbody\r\n",
    "E08_long_boundary": HEAD + b"Content-Type: multipart/mixed;\r\n boundary=" + fold(b"b" * 70000) + b"\r\n\r\nbody\r\n",
    "E08_depth_5000": HEAD + b'Content-Type: multipart/mixed; boundary="b5000"\r\n\r\n' + parts(5000),
    "E08_parts_100000": HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 100000,
    "E08_messages_1000_deep": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 1000 + b"body\r\n",
    "E08_boundaries_in_each_other": HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"".join(
        b'--%s\r\nContent-Type: multipart/mixed; boundary="%s"\r\n\r\n' % (b"b" * n, b"b" * (n + 1))
        for n in range(1, 300)),
}


@pytest.mark.parametrize("name", ODD)
def test_E04_E05_E07_E08_odd_messages(gate, sink, name):
    """Refused with a reason, or the same on the other side; quick either way, and the stack holds."""
    token = new_token()
    message = ODD[name].replace(b"<e@", b"<" + token + b"@", 1)
    pids = gate.pids("smtp") + gate.pids("queue")
    begin = process.cpu_s(pids)
    with gate.session(seconds=30) as wire:
        reply = deliver(wire, message)
        wire.expect(250, b"NOOP")
    if not ground.SANITIZED:
        assert process.cpu_s(pids) - begin < 1
    if reply.code == 250:
        found = assert_one(gate, sink, token)
        assert all(len(line) <= 1000 for line in found.raw.splitlines(keepends=True))
        body = message.partition(b"\r\n\r\n")[2]
        assert found.content.endswith(body)
    else:
        assert reply.code in (552, 554, 550), reply
        assert_zero(gate, sink, token)


@pytest.mark.parametrize("size", [998, 999, 65536, 1 << 20])
def test_E06_one_line_of_the_body(gate, sink, token, size):
    """No z is lost, and what leaves has lines of 998 bytes at most."""
    with gate.session(seconds=30) as wire:
        reply = deliver(wire, letter(token, b"z" * size + b"\r\n"))
        assert reply.code == 250 or 500 <= reply.code < 600, reply
    if reply.code != 250:
        assert_zero(gate, sink, token)
        return
    message = sink.wait_for_token(token)
    assert message.body.count(b"z") == size
    assert all(len(line) <= 1000 for line in message.raw.splitlines(keepends=True))


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


# --- memory before a login

def worst_inputs():
    """What a stranger may leave lying in a connection, each at its largest."""
    hello = bytes([HANDSHAKE, 3, 1])
    record = hello + (16384).to_bytes(2, "big")
    return {
        "a line without end": (False, b"x" * 100000),
        "a line just too short": (False, b"x" * 4000),
        "a login line just too short": (False, b"AUTH PLAIN " + b"A" * 16000),
        "half a record": (True, record + b"\x01\x00\xff\xff" + b"x" * 16000),
        "a hello of 64 KiB in records": (True, (record + b"\x01\x01\x00\x00" + b"x" * 16380)
                                         + (record + b"x" * 16384) * 3),
        "a hello of 16 MiB in records": (True, (record + b"\x01\xff\xff\xff" + b"x" * 16380)
                                         + (record + b"x" * 16384) * 9),
        "an alert in small pieces": (True, bytes([21, 3, 1, 0, 1, 1]) * 5000),
        "change cipher specs": (True, bytes([20, 3, 1, 0, 1, 1]) * 5000),
        "commands behind a login": (None, b"AUTH PLAIN " + b64(b"\0alice\0wrong") + b"\r\n" + b"NOOP\r\n" * 40000),
        "replies unread": (False, b"EHLO client.example.org\r\n" * 40000),
    }


CROWD = 20


@pytest.mark.skipif(ground.SANITIZED, reason="sanitizers have memory of their own")
@pytest.mark.parametrize("name", worst_inputs())
def test_E01_memory_before_a_login(make_gate, gate, name):
    """At most 128 KiB for each of forty connections, and the same after more of it."""
    handshake, data = worst_inputs()[name]
    wires = []
    for _ in range(CROWD):
        wire = gate.secure(source=new_source()) if handshake is None else gate.wire(source=new_source())
        wires.append(wire)
        if handshake is not None:
            wire.greet()
        if handshake:
            wire.expect(220, b"STARTTLS")
    before = crowd.cost_kib(gate)
    try:
        each = []
        for _ in range(5):
            for wire in wires:
                stuff(wire, data)
            each.append((crowd.cost_kib(gate) - before) / CROWD)
        print(f"{name}: " + ", ".join(f"{kib:.0f}" for kib in each) + " KiB for each connection")
        assert statistics.median(each) <= BEFORE_LOGIN_KIB
        assert each[4] <= max(each[:3]) + 32, "not flat"
    finally:
        crowd.close_all(wires)


def stuff(wire, data):
    """As much as the server takes at once, unread."""
    if wire.tls:
        try:
            wire.tls.write(data)
        except OSError:
            return
        data = wire.outgoing.read()
    wire.socket.setblocking(False)
    view = memoryview(data)
    try:
        while len(view):
            view = view[wire.socket.send(view):]
    except OSError:
        pass
    try:
        until(lambda: not kernel_queues(wire.address, wire.name)[0], 0.02, "read")
    except Late:
        pass


# --- E12, E13: floods

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
        until(lambda: daemon.status()["roles"] and _greeted(daemon), 5, "there is room again")
        for _ in range(20):
            held.append(crowd.knock(daemon.address(), "127.191.1.2"))
        with daemon.wire(source="127.191.1.2") as one_more:
            reply = one_more.reply()
            assert reply.code == 421 and reply.enhanced == "4.7.0"
        for sock in held[-20:]:
            crowd.slam(sock)


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
        assert each <= BEFORE_LOGIN_KIB
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


# --- E16: patterns

@pytest.mark.parametrize("pattern", ["^.*$", "*@example.org", "a*b*c*d", "@*.example.org", "[a-z]*", "a?b@"])
def test_E16_no_pattern_engine(certificate, pattern):
    """Patterns are an address, "@domain", ".domain" and "*": there is nothing that could run away."""
    made = Sallyport(certificates=[certificate], permits=f'permit "authenticated" {{ rights = {{ submit, relay }} '
                     f'send-as = {{ "{pattern}" }} }}\n')
    try:
        made.write_config()
        done = subprocess.run([ground.program("sallyportd"), "-c", made.config, "-t"], capture_output=True, text=True,
                              cwd="/", check=False, **ground.as_user())
        if pattern == "*@example.org":
            assert done.returncode == 0    # that address, letter by letter
        else:
            assert done.returncode != 0 and "send-as" in done.stderr, done
    finally:
        ground.remove(made.path)


def test_E16_many_patterns_cost_little(make_gate, sink, token):
    grants = ", ".join(f'"@d{n}.example.org"' for n in range(990))
    daemon = make_gate(routes={"*": sink.target}, permits='permit "authenticated" { rights = { submit, relay } '
                       f'send-as = {{ {grants} }} }}\n')
    warm(daemon)
    pids = daemon.pids("smtp") + daemon.pids("queue")
    begin = process.cpu_s(pids)
    with daemon.session() as wire:
        for _ in range(100):
            reply = wire.command(b"MAIL FROM:<x@" + b"d." * 60 + b"example.org>")
            if reply.code == 421:
                break
            assert reply.code == 550, reply
    assert process.cpu_s(pids) - begin < 1

