# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue E1 to E8, E16: lines, recipients and messages that exhaust. E14 and E17 to E20 are of queue, relay and start."""
import statistics
import subprocess

import pytest

from rig import crowd, ground, process
from rig.deadline import Late, until
from rig.hello import HANDSHAKE
from rig.judge import assert_one, assert_zero, deliver, letter, new_token
from rig.sallyport import Sallyport, warm
from rig.wire import b64, kernel_queues, new_source

pytestmark = pytest.mark.usefixtures("alive")


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    return crowd.roomy(make_gate, sink)


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
            assert crowd.cost_kib(gate) - before <= crowd.BEFORE_LOGIN_KIB
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
        assert statistics.median(each) <= crowd.BEFORE_LOGIN_KIB
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
