# SPDX-License-Identifier: BSD-2-Clause
"""The PROXY header of version 2: who must send one, what it does, and what is no such header."""
import os
import socket
import struct
import time

import pytest

from rig.deadline import until
from rig.judge import deliver, letter
from rig.wire import Closed

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PROXY, LOCAL = 0x21, 0x20
TCP4, TCP6, UDP4, UNIX, UNSPEC = 0x11, 0x21, 0x12, 0x31, 0x00
BALANCER = "127.0.4.1"

LISTENERS = {
    "submission": {"proxy-networks": '{ "127.0.4.0/24" }', "connections-per-address": "2",
                   "handshake-wait": "1s"},
    "submissions": {"tls": "implicit", "proxy-networks": '{ "127.0.4.0/24" }'},
    "six": {"tls": "none", "login": "off", "address": '{ "[::1]:0" }', "proxy-networks": '{ "::1" }'},
}
PERMITS = """permit "authenticated" { rights = { submit, relay } }
permit "network:198.51.100.0/24" { rights = { submit, relay } send-as = { "scanner@example.org" } }
permit "network:2001:db8:5::/48" { rights = { submit, relay } send-as = { "scanner@example.org" } }
"""


def header(body, command=PROXY, family=TCP4, signature=SIGNATURE):
    return signature + struct.pack("!BBH", command, family, len(body)) + body


def addresses(client, port=4711, server=None):
    """The address block of a connection from this client."""
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    server = server or ("2001:db8::25" if family == socket.AF_INET6 else "192.0.2.25")
    return (socket.inet_pton(family, client) + socket.inet_pton(family, server)
            + struct.pack("!HH", port, 587))


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


def proxied(client, more=b""):
    return header(addresses(client) + more, family=TCP6 if ":" in client else TCP4)


TLVS = (tlv(0x01, b"smtp") + tlv(0x02, b"mail.example.org") + tlv(0x04, b"\0" * 100)
        + tlv(0x05, b"id" * 30) + tlv(0x20, b"\1\0\0\0\0" + tlv(0x21, b"TLSv1.3")) + tlv(0xEE, b""))


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    return make_gate(listeners=LISTENERS, routes={"*": sink.target}, permits=PERMITS)


def balanced(gate, head, listener="submission"):
    """A connection from the balancer that has sent this header."""
    wire = gate.wire(listener, source=BALANCER)
    wire.send_clear(head)
    return wire


def submit(wire, sink, token, sender=b"scanner@example.org", hello=True):
    if hello:
        wire.ehlo()
    reply = deliver(wire, letter(token, sender=b"<" + sender + b">"), sender=sender)
    assert reply.code == 250, reply
    return sink.wait_for_token(token).fields("Received")[0]


@pytest.mark.parametrize("client", ["198.51.100.7", "2001:db8:5::7"])
@pytest.mark.parametrize("more", [b"", TLVS], ids=["plain", "tlvs"])
def test_the_client_is_who_the_header_says(gate, sink, token, client, more):
    """For rights, for the trace, for the log."""
    start = len(gate.events)
    with balanced(gate, proxied(client, more)) as wire:
        assert wire.reply().code == 220
        received = submit(wire, sink, token)
        assert (f"[IPv6:{client}]" if ":" in client else f"[{client}]") in received.decode(), received
        wire.expect(221, b"QUIT")
    for event in ("client.opened", "smtp.accepted", "client.closed"):
        gate.wait_for_event(event, {"client": client}, start=start)
    assert not any(BALANCER in str(event) for event in gate.events[start:])


def test_an_ipv4_address_in_ipv6_form_is_one(gate, sink, token):
    with balanced(gate, proxied("::ffff:198.51.100.7")) as wire:
        assert wire.reply().code == 220
        assert b"[198.51.100.7]" in submit(wire, sink, token)


def test_another_client_has_no_such_rights(gate):
    with balanced(gate, proxied("203.0.113.7")) as wire:
        assert wire.reply().code == 220
        wire.ehlo()
        assert wire.command(b"MAIL FROM:<scanner@example.org>").code in (530, 550)


@pytest.mark.parametrize("head", [header(b"", LOCAL, UNSPEC), header(addresses("198.51.100.7"), LOCAL),
                                  header(TLVS, LOCAL, UNSPEC), header(b"rubbish", LOCAL, UNIX),
                                  header(TLVS, PROXY, UNSPEC)])
def test_without_addresses_it_is_the_balancer_itself(gate, head):
    start = len(gate.events)
    with balanced(gate, head) as wire:
        assert wire.reply().code == 220
        wire.ehlo()
        assert wire.command(b"MAIL FROM:<scanner@example.org>").code in (530, 550)
    gate.wait_for_event("client.opened", {"client": BALANCER}, start=start)


def test_a_header_in_pieces_with_a_command_behind(gate):
    with gate.wire(source=BALANCER) as wire:
        head = proxied("198.51.100.7", TLVS)
        wire.send_segments([head[n:n + 1] for n in range(40)])
        wire.send(head[40:] + b"EHLO client.example.org\r\n")
        assert wire.reply().code == 220
        assert wire.reply().code == 250


def test_implicit_tls_behind_a_header(gate, sink, token):
    with balanced(gate, proxied("198.51.100.8"), "submissions") as wire:
        wire.handshake()
        wire.greet()
        wire.login()
        assert b"[198.51.100.8]" in submit(wire, sink, token, b"alice@example.org", hello=False)
    # The header is never looked for inside TLS.
    with gate.wire("submissions", source=BALANCER) as wire:
        with pytest.raises((Closed, OSError)):
            wire.handshake()


def test_starttls_and_login_behind_a_header(gate):
    with balanced(gate, proxied("198.51.100.9")) as wire:
        wire.greet()
        wire.starttls()
        wire.ehlo()
        wire.login()
        rows = gate.ctl_json("sessions", "list", "alice")["sessions"]
        assert [row["address"] for row in rows] == ["198.51.100.9"], rows


def test_a_balancer_on_ipv6(gate, sink, token):
    with socket.create_connection(("::1", gate.ports["six"][0]), timeout=10) as raw:
        raw.sendall(proxied("2001:db8:5::6"))
        answer = raw.makefile("rb")
        assert answer.readline().startswith(b"220 ")
        raw.sendall(b"HELO x.example\r\nMAIL FROM:<scanner@example.org>\r\n")
        assert [answer.readline()[:3] for _ in range(2)] == [b"250", b"250"]


def test_limits_count_the_client_not_the_balancer(gate):
    wires = [balanced(gate, proxied("198.51.100.20")) for _ in range(2)]
    for wire in wires:
        assert wire.reply().code == 220
    with balanced(gate, proxied("198.51.100.20")) as wire:
        assert wire.reply().code == 421
    with balanced(gate, proxied("198.51.100.21")) as wire:
        assert wire.reply().code == 220
    for wire in wires:
        wire.close()


BAD = {
    "version 1": b"PROXY TCP4 198.51.100.7 192.0.2.25 4711 587\r\n",
    "version 3": header(addresses("198.51.100.7"), command=0x31),
    "command 2": header(addresses("198.51.100.7"), command=0x22),
    "udp": header(addresses("198.51.100.7"), family=UDP4),
    "unix": header(b"\0" * 216, family=UNIX),
    "family 5": header(addresses("198.51.100.7"), family=0x51),
    "short addresses": header(addresses("198.51.100.7")[:11]),
    "short addresses 6": header(addresses("2001:db8::7")[:35], family=TCP6),
    "no addresses": header(b""),
    "tlv too long": header(addresses("198.51.100.7") + b"\1\xff\xff"),
    "tlv cut": header(addresses("198.51.100.7") + b"\1\0"),
    "too long": SIGNATURE + struct.pack("!BBH", PROXY, TCP4, 4097) + b"x" * 4097,
    "longest": SIGNATURE + struct.pack("!BBH", PROXY, TCP4, 65535) + b"x" * 5000,
    "signature": header(addresses("198.51.100.7"), signature=SIGNATURE[:-1] + b"\r"),
    "none": b"EHLO client.example.org\r\n",
    "hello of TLS": b"\x16\x03\x01\x02\x00\x01" + b"x" * 500,
    "line ends": b"\r\n" * 20,
    "random": os.urandom(300),
}


@pytest.mark.parametrize("name", BAD)
def test_C24_what_is_no_header_ends_the_connection(gate, name):
    """No word is said to whoever is not the balancer's client, and nothing of it is run."""
    start = len(gate.events)
    with balanced(gate, BAD[name]) as wire:
        begin = time.monotonic()
        assert wire.is_closed(3)
        assert time.monotonic() - begin < 0.9, "at once, not at the deadline"
        assert not wire.pending
    event = gate.wait_for_event("client.proxy-bad", start=start)
    assert event["client"] == BALANCER and event["level"] == "warning"


@pytest.mark.parametrize("sent", [0, 1, 15, 16, 20])
def test_C24_a_header_that_does_not_come_ends_the_connection(gate, sent):
    with balanced(gate, proxied("198.51.100.7")[:sent]) as wire:
        assert wire.is_closed(3)
        assert not wire.pending


def test_C24_a_header_that_trickles(gate):
    """One byte now and then does not move the deadline."""
    with gate.wire(source=BALANCER) as wire:
        begin = time.monotonic()
        for byte in proxied("198.51.100.7", TLVS):
            wire.send(bytes([byte]))
            if wire.is_closed(0.1):
                break
        assert wire.ended and time.monotonic() - begin < 2.5


@pytest.mark.parametrize("head", [proxied("198.51.100.7"), BAD["version 1"]])
def test_C24_from_a_stranger_it_is_garbage(gate, head):
    """127.0.5.1 is not in the networks: what it sends are command lines, and it gains no rights."""
    start = len(gate.events)
    with gate.wire(source="127.0.5.1") as wire:
        wire.send(head)
        assert wire.reply().code == 220
        codes = [reply.code for reply in wire.replies_until_end(2)] if wire.is_closed(0.5) else None
        if codes is None:
            wire.pending = b""
            assert wire.command(b"MAIL FROM:<scanner@example.org>").code >= 500
        else:
            assert all(code >= 400 for code in codes), codes
    gate.wait_for_event("client.opened", {"client": "127.0.5.1"}, start=start)
    assert not any("198.51.100.7" == event.get("client") for event in gate.events[start:])


def test_C24_a_second_header_is_garbage(gate):
    with balanced(gate, proxied("203.0.113.7") + proxied("198.51.100.7")) as wire:
        assert wire.reply().code == 220
        assert not wire.is_closed(0.2) or all(r.code >= 400 for r in wire.replies_until_end())
        if not wire.ended:
            wire.pending = b""
            assert wire.command(b"MAIL FROM:<scanner@example.org>").code >= 500


def test_nothing_of_them_is_left(gate):
    assert len(gate.pids("smtp")) == 2
    until(lambda: all(role["details"]["sessions"] == 0 for role in gate.status()["roles"]
                      if role["role"] == "smtp"), 5, lambda: gate.status()["roles"])
