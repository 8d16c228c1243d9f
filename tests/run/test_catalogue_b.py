# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue B1 to B10: STARTTLS, what is said around it, old TLS, ends and beginnings."""
import re
import socket
import ssl
import time

import pytest

from rig import hello, scram, tls_gate
from rig.judge import assert_one, deliver, letter
from rig.tls_gate import SUBMISSION, SUBMISSIONS, answer_to, raw_until_end
from rig.wire import Closed, b64, plain, trusting_context

pytestmark = pytest.mark.usefixtures("alive")


@pytest.fixture(scope="module")
def gate(make_gate, sink, certificate, authority):
    return tls_gate.make(make_gate, sink, certificate, authority)


# --- B1, B2: commands injected around STARTTLS

INJECTED = {
    "noop_rset": b"NOOP injected\r\nRSET\r\n",
    "ehlo_auth": b"EHLO x\r\nAUTH PLAIN " + plain("alice", "alicepw") + b"\r\n",
    "mail": b"EHLO x\r\nMAIL FROM:<alice@example.org>\r\nRCPT TO:<u@example.net>\r\n",
    "half_a_line": b"NOO",
    "empty_line": b"\r\n",
}


def assert_nothing_was_injected(gate, wire):
    """Either the handshake is refused, or it succeeds and nothing was carried into it."""
    try:
        wire.handshake(seconds=5)
    except (ssl.SSLError, Closed, OSError):
        return
    wire.send(b"EHLO again.example.org\r\nNOOP\r\nMAIL FROM:<alice@example.org>\r\nQUIT\r\n")
    replies = wire.replies_until_end(5)
    assert [r.code for r in replies] == [250, 250, 530, 221], replies
    assert b"again" in replies[0].lines[0] or len(replies[0].lines) > 1


@pytest.mark.sanitize
@pytest.mark.parametrize("form", INJECTED)
def test_B01_commands_in_the_write_of_starttls(gate, form):
    with gate.wire() as wire:
        wire.greet()
        wire.send(b"STARTTLS\r\n" + INJECTED[form])
        try:
            reply = wire.reply(5)
        except Closed:
            return
        if reply.code != 220:
            assert reply.code >= 400
            return
        assert wire.pending == b""
        assert_nothing_was_injected(gate, wire)


@pytest.mark.parametrize("form", INJECTED)
def test_B02_commands_before_the_client_hello(gate, form):
    with gate.wire() as wire:
        wire.greet()
        wire.expect(220, b"STARTTLS")
        wire.send_segments([INJECTED[form]])
        assert_nothing_was_injected(gate, wire)
        assert not re.search(rb"^[245]\d\d[ -]", wire.pending)


# --- B3 to B7: what may be said before and after STARTTLS

@pytest.mark.parametrize("command", [b"MAIL FROM:<alice@example.org>", b"AUTH PLAIN " + plain("alice", "alicepw")])
def test_B03_everything_learned_before_tls_is_forgotten(gate, command):
    with gate.wire() as wire:
        wire.greet()
        wire.starttls()
        wire.expect(503, command)
        wire.ehlo()
        wire.login()


def test_B03_the_name_said_before_tls_is_not_in_received(gate, sink, token):
    with gate.wire() as wire:
        wire.greet(b"before.example.org")
        wire.starttls()
        wire.ehlo(b"after.example.org")
        wire.login()
        assert deliver(wire, letter(token)).code == 250
    message = assert_one(gate, sink, token)
    assert b"before.example.org" not in message.raw


@pytest.mark.parametrize("listener", [SUBMISSION, SUBMISSIONS])
def test_B04_no_starttls_inside_tls(gate, listener):
    with gate.secure(listener) as wire:
        assert "STARTTLS" not in wire.offered
        wire.expect(5, b"STARTTLS")
        wire.login()


@pytest.mark.parametrize("command", [b"AUTH PLAIN " + plain("alice", "alicepw"), b"AUTH PLAIN", b"AUTH LOGIN",
                                     b"AUTH SCRAM-SHA-256", b"AUTH LOGIN " + b64("alice")])
def test_B05_no_login_before_tls(gate, command):
    with gate.wire() as wire:
        assert "AUTH" not in wire.greet()
        assert wire.command(command).code in (503, 530, 538)
        wire.expect(250, b"NOOP")
    gate.wait_for_event("client.closed", {"client": wire.source})
    said = gate.story()
    assert plain("alice", "alicepw").decode() not in said and "alicepw" not in said
    assert not [event for event in gate.events
                if event["event"].startswith("client.login") and event.get("client") == wire.source]


@pytest.mark.parametrize("argument", [b" foo", b" a b", b" \0"])
def test_B06_starttls_takes_no_argument(gate, argument):
    with gate.wire() as wire:
        wire.greet()
        wire.expect(501 if b"\0" not in argument else 5, b"STARTTLS" + argument)
        wire.starttls()


@pytest.mark.parametrize("command", [
    b"MAIL FROM:<alice@example.org>", b"MAIL FROM:<>", b"RCPT TO:<u@example.net>", b"DATA",
    b"BDAT 7 LAST\r\nNOOP\r\n\0"[:-1] + b"", b"VRFY alice", b"EXPN list"])
def test_B07_tls_first(gate, command):
    with gate.wire() as wire:
        wire.greet()
        if command.startswith(b"BDAT"):
            wire.send(b"BDAT 6 LAST\r\nNOOP\r\n")
            reply = wire.reply()
        else:
            reply = wire.command(command)
        assert (reply.code, reply.enhanced) == (530, "5.7.0"), reply
        reply = wire.command(b"NOOP")
        assert reply.code == 250
        assert wire.pending == b"", "the chunk was taken for a command"


# --- B8: old versions and suites


def test_B08_the_hello_of_this_test_is_good(gate):
    assert answer_to(gate, hello.client_hello())[:1] == b"\x16"


@pytest.mark.sanitize
@pytest.mark.parametrize("version", [hello.SSL_3, hello.TLS_1_0, hello.TLS_1_1])
@pytest.mark.parametrize("suites", ["old", "ecdhe_aead", "rc4", "3des"])
def test_B08_old_versions_are_refused(gate, version, suites):
    assert answer_to(gate, hello.client_hello(version, suites))[:1] in (b"", b"\x15")


@pytest.mark.parametrize("suites", ["rc4", "3des", "null", "export", "anonymous", "rsa_exchange", "dhe", "cbc"])
def test_B08_weak_suites_are_refused(gate, suites):
    assert answer_to(gate, hello.client_hello(hello.TLS_1_2, suites))[:1] in (b"", b"\x15")


def test_B08_old_versions_are_refused_in_supported_versions(gate):
    record = hello.client_hello(versions=[hello.TLS_1_1, hello.TLS_1_0], suites="old")
    assert answer_to(gate, record)[:1] in (b"", b"\x15")


# --- B9: the end of TLS in the middle of something (CVE-2026-45185)

def to_chunk(wire):
    wire.expect(250, b"MAIL FROM:<alice@example.org>")
    wire.expect(250, b"RCPT TO:<u@example.net>")
    wire.send(b"BDAT 1000\r\nabc")


def to_data(wire):
    wire.expect(250, b"MAIL FROM:<alice@example.org>")
    wire.expect(250, b"RCPT TO:<u@example.net>")
    wire.expect(354, b"DATA")
    wire.send(b"Subject: half\r\n\r\nabc")


PLACES = {
    "bdat": (True, to_chunk),
    "data": (True, to_data),
    "auth_plain": (False, lambda wire: wire.expect(334, b"AUTH PLAIN")),
    "auth_login": (False, lambda wire: wire.expect(334, b"AUTH LOGIN")),
    "auth_scram": (False, lambda wire: wire.expect(
        334, b"AUTH SCRAM-SHA-256 " + b64(scram.Scram("alice", "alicepw").first()))),
    "command": (True, lambda wire: wire.expect(250, b"NOOP")),
    "half_command": (True, lambda wire: wire.send(b"NOO")),
}


def at_place(gate, place, context=None):
    logged_in, go = PLACES[place]
    wire = gate.secure(context=context)
    if logged_in:
        wire.login()
    go(wire)
    return wire


@pytest.mark.sanitize
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("place", PLACES)
def test_B09_clear_text_behind_close_notify(gate, sink, place, version):
    arrived = len(sink.messages)
    with at_place(gate, place, trusting_context(version, version)) as wire:
        wire.close_notify()
        try:
            wire.send_clear(b"Z")
            wire.send_clear(b"\r\n.\r\nQUIT\r\n")
        except OSError:
            pass
        said = raw_until_end(wire)
    types = hello.record_types(said)
    assert types is not None, f"an answer in clear: {said!r}"
    gate.wait_until_queue_is_empty()
    assert len(sink.messages) == arrived


@pytest.mark.sanitize
@pytest.mark.parametrize("place", PLACES)
def test_B09_reset(gate, sink, place):
    arrived = len(sink.messages)
    at_place(gate, place).reset()
    gate.wait_until_queue_is_empty()
    assert len(sink.messages) == arrived


@pytest.mark.sanitize
@pytest.mark.parametrize("place", PLACES)
def test_B09_close_notify_with_half_a_record_behind(gate, sink, place):
    arrived = len(sink.messages)
    with at_place(gate, place) as wire:
        wire.tls.write(b"x" * 500)
        whole = wire.outgoing.read()
        wire.tls.write(b"\r\n.\r\nQUIT\r\n")
        half = wire.outgoing.read()[:-7]
        try:
            wire.tls.unwrap()
        except ssl.SSLError:
            pass
        try:
            wire.send_clear(whole + wire.outgoing.read() + half)
        except OSError:
            pass
        assert hello.record_types(raw_until_end(wire)) is not None
    gate.wait_until_queue_is_empty()
    assert len(sink.messages) == arrived


@pytest.mark.parametrize("place", PLACES)
def test_B09_a_record_that_was_changed_on_the_way(gate, sink, place):
    arrived = len(sink.messages)
    with at_place(gate, place) as wire:
        wire.tls.write(b"\r\n.\r\nNOOP\r\n")
        record = bytearray(wire.outgoing.read())
        record[-1] ^= 1
        wire.send_clear(bytes(record))
        assert hello.record_types(raw_until_end(wire)) is not None
    gate.wait_until_queue_is_empty()
    assert len(sink.messages) == arrived


# --- B10: no ClientHello

@pytest.mark.sanitize
@pytest.mark.parametrize("listener", [SUBMISSION, SUBMISSIONS])
@pytest.mark.parametrize("garbage", [b"EHLO x\r\nQUIT\r\n", hello.SSL_2_HELLO, b"\x16\x03\x01\xff\xff" + b"A" * 300,
                                     b"\x16\x03\x01\0\0" * 50, b"\x17\x03\x03\0\1A" * 20, b"\x15\x03\1\0\2\1\0",
                                     b"GET / HTTP/1.1\r\n\r\n", bytes(2000), b"\x80\0" * 500])
def test_B10_garbage_for_a_client_hello(gate, listener, garbage):
    with gate.wire(listener) as wire:
        if listener == SUBMISSION:
            wire.greet()
            wire.expect(220, b"STARTTLS")
        wire.send_clear(garbage)
        wire.socket.shutdown(socket.SHUT_WR)
        said = raw_until_end(wire, 30)
    assert not re.search(rb"(?m)^[245]\d\d[ -]", said)


@pytest.mark.parametrize("listener", ["quick", "quicks"])
def test_B10_a_hello_that_trickles(gate, listener):
    """The limit holds for the whole handshake, however often a byte arrives."""
    with gate.wire(listener) as wire:
        if listener == "quick":
            wire.greet()
            wire.expect(220, b"STARTTLS")
        begin = time.monotonic()
        for byte in hello.client_hello():
            try:
                wire.send_clear(bytes([byte]))
            except OSError:
                break
            if wire.is_closed(0.2):
                break
        assert wire.is_closed(0)
        assert 1.5 < time.monotonic() - begin < 5


def test_B10_the_default_limit_is_at_most_30_s(gate):
    shown = gate.ctl("config", "show").stdout
    match = re.search(r"handshake-wait\s*=\s*\"?(\d+)(ms|s)", shown)
    assert match, shown
    assert int(match.group(1)) <= (30 if match.group(2) == "s" else 30000)
