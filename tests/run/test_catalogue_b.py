# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue B: TLS and STARTTLS, in both directions."""
import os
import re
import socket
import ssl
import subprocess
import time

import pytest

from rig import gnutls, ground, hello, scram
from rig.certificate import Authority
from rig.deadline import until
from rig.judge import assert_one, deliver, letter
from rig.sallyport import Sallyport, warm
from rig.sink import Sink
from rig.wire import Closed, Wire, b64, plain, trusting_context

pytestmark = pytest.mark.usefixtures("alive")

SUBMISSION, SUBMISSIONS = "submission", "submissions"


@pytest.fixture(scope="module")
def gate(make_gate, sink, certificate, authority):
    daemon = make_gate(
        routes={"*": sink.target},
        listeners={"quick": {"tls": "starttls", "handshake-wait": "2s"},
                   "quicks": {"tls": "implicit", "handshake-wait": "2s"}},
        certificates=[certificate, authority.issue("mail.example.org", kind="rsa")])
    warm(daemon)
    return daemon


def raw_until_end(wire, seconds=2):
    """Every byte on the socket up to its end, which must come in time."""
    data = b""
    end = time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        assert left > 0, f"the connection stays open; so far {data!r}"
        wire.socket.settimeout(left)
        try:
            more = wire.socket.recv(65536)
        except ConnectionError:
            return data
        except TimeoutError:
            continue
        if not more:
            return data
        data += more


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
    begin = len(gate.events)
    with gate.wire() as wire:
        assert "AUTH" not in wire.greet()
        assert wire.command(command).code in (503, 530, 538)
        wire.expect(250, b"NOOP")
    said = gate.story()
    assert plain("alice", "alicepw").decode() not in said and "alicepw" not in said
    assert not [event for event in gate.events[begin:] if event["event"].startswith("client.login")]


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

def answer_to(gate, record, listener=SUBMISSIONS):
    """The record types of the answer to one ClientHello."""
    with gate.wire(listener) as wire:
        wire.send_clear(record)
        wire.socket.settimeout(5)
        data = b""
        try:
            while not (data[:1] == b"\x16" or len(data) >= 7):
                more = wire.socket.recv(65536)
                if not more:
                    break
                data += more
        except ConnectionError:
            pass
    return data


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


# --- B11: tickets stay with their listener

def resumes(gate, listener, context, session):
    with gate.secure(listener, context=context, session=session) as wire:
        wire.expect(250, b"NOOP")
        return wire.tls.session_reused, wire.tls.session


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("here,there", [(SUBMISSION, SUBMISSIONS), (SUBMISSIONS, SUBMISSION)])
def test_B11_a_ticket_is_good_for_its_own_listener_only(gate, version, here, there):
    context = trusting_context(version, version)
    _, session = resumes(gate, here, context, None)
    assert resumes(gate, here, context, session)[0], "tickets do not work at all"
    _, session = resumes(gate, here, context, None)
    assert not resumes(gate, there, context, session)[0]


def test_B11_a_ticket_serves_every_process_of_its_listener(gate):
    context = trusting_context(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    _, session = resumes(gate, SUBMISSION, context, None)
    assert all(resumes(gate, SUBMISSION, context, session)[0] for _ in range(12))


# --- B12 to B17, B19: tricks inside TLS

@pytest.fixture
def by_gnutls(gate):
    """A GnuTLS client past the handshake on the implicit listener, for a priority string."""
    if gnutls.missing():
        pytest.skip(gnutls.missing())
    clients = []

    def connect(priority):
        client = gnutls.Gnutls(Wire(gate.address(SUBMISSIONS)).socket, priority)
        clients.append(client)
        assert client.reply().startswith(b"220")
        return client

    yield connect
    for client in clients:
        client.close()


class OpensslClient:
    """`openssl s_client` on the implicit listener, spoken to line by line."""

    def __init__(self, gate, *options):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-quiet", "-no_ign_eof", *options, "-connect",
             "127.0.0.1:%d" % gate.address(SUBMISSIONS)[1]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.told = b""

    def read_until(self, word):
        for line in self.process.stdout:
            self.told += line
            if word in line:
                return

    def write(self, line):
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def end(self):
        """Everything that the client has shown."""
        try:
            self.told += self.process.communicate(timeout=20)[0]
        finally:
            self.process.kill()
        return self.told


def test_B12_no_renegotiation(gate):
    client = OpensslClient(gate, "-tls1_2")
    client.read_until(b"220 ")
    client.write(b"R\n")
    client.read_until(b"RENEGOTIATING")
    client.write(b"NOOP\r\n")
    told = client.end()
    assert b"RENEGOTIATING" in told and b"\n250" not in told, told


def test_B12_a_thousand_key_updates(gate, by_gnutls):
    client = by_gnutls(gnutls.NORMAL_1_3)
    before = gate.cpu_s()
    try:
        for _ in range(1000):
            client.update_key()
            client.send(b"NOOP\r\n")
            client.reply()
    except gnutls.Failed:
        pass
    assert gate.cpu_s() - before < 1 * (10 if ground.SANITIZED else 1)


def test_B13_no_early_data(gate):
    folder = ground.folder("early")
    ticket, early = os.path.join(folder, "ticket"), os.path.join(folder, "early")
    with open(early, "wb") as out:
        out.write(b"EHLO x\r\nMAIL FROM:<alice@example.org>\r\n")
    try:
        client = OpensslClient(gate, "-tls1_3", "-sess_out", ticket)
        client.read_until(b"220 ")
        client.write(b"NOOP\r\n")
        client.read_until(b"250 ")
        client.write(b"QUIT\r\n")
        client.end()
        assert os.path.exists(ticket), "no ticket was given"
        shown = subprocess.run(["openssl", "sess_id", "-in", ticket, "-noout", "-text"],
                               capture_output=True, text=True).stdout
        assert "Max Early Data: 0" in shown, shown
        client = OpensslClient(gate, "-tls1_3", "-sess_in", ticket, "-early_data", early)
        client.write(b"QUIT\r\n")
        assert b"\n250" not in client.end()
    finally:
        ground.remove(folder)


@pytest.mark.parametrize("listener", ["quick", "quicks"])
def test_B14_a_flood_of_unfinished_handshakes(gate, listener):
    record = hello.client_hello(name=b"mail.example.org")
    flood = []
    for _ in range(200):
        wire = gate.wire(listener)
        if listener == "quick":
            assert wire.reply().code == 220
            wire.expect(250, b"EHLO x.example.org")
            wire.expect(220, b"STARTTLS")
        wire.send_clear(record)
        flood.append(wire)
    begin = time.monotonic()
    with gate.session() as wire:
        wire.expect(250, b"NOOP")
    assert time.monotonic() - begin < 2
    for wire in flood:
        with wire:
            raw_until_end(wire, 30)


@pytest.mark.sanitize
@pytest.mark.parametrize("name", [b"a" * 255, b"mail\0.example.org", b"192.0.2.1", b"../../etc/passwd", b"*",
                                  b"mail.example.org.", b"MAIL.EXAMPLE.ORG", b"", b"\xff\xfe", b"." * 200,
                                  b"-x", b"%n%s"])
def test_B15_odd_server_names(gate, name):
    """The default certificate, or an alert; the next client is served."""
    assert answer_to(gate, hello.client_hello(name=name))[:1] in (b"\x15", b"\x16", b"")


def test_B15_ten_thousand_server_names(gate):
    """The hello offers no usable group, so that the name is looked up and little else is done."""
    names = 500 if ground.SANITIZED else 10000
    before = sum(gate.memory().values())
    for number in range(names):
        with gate.wire(SUBMISSIONS) as wire:
            wire.send_clear(hello.client_hello(name=b"host%d.example.org" % number, groups=(0x4242,)))
            wire.socket.recv(1)
    with gate.session() as wire:
        wire.expect(250, b"NOOP")
    if not ground.SANITIZED:
        until(lambda: sum(gate.memory().values()) - before < 1024, 10, "memory is flat")


@pytest.mark.parametrize("protocols", [["http/1.1"], ["h2"], ["h2", "http/1.1"], ["imap"], ["pop3"]])
@pytest.mark.parametrize("listener", [SUBMISSION, SUBMISSIONS])
def test_B16_another_protocol_by_alpn(gate, protocols, listener):
    context = trusting_context()
    context.set_alpn_protocols(protocols)
    with gate.wire(listener) as wire:
        if listener == SUBMISSION:
            wire.greet()
            wire.expect(220, b"STARTTLS")
        with pytest.raises((ssl.SSLError, Closed)) as refusal:
            wire.handshake(context)
            wire.command(b"NOOP")
        if isinstance(refusal.value, ssl.SSLError):
            assert "NO_APPLICATION_PROTOCOL" in str(refusal.value).upper().replace(" ", "_")


def test_B17_no_certificate_is_asked_for(gate):
    done = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect",
                           "127.0.0.1:%d" % gate.address(SUBMISSIONS)[1]],
                          input=b"QUIT\r\n", capture_output=True, timeout=20)
    assert b"Client Certificate Types" not in done.stdout
    done = subprocess.run(["openssl", "s_client", "-tls1_3", "-connect",
                           "127.0.0.1:%d" % gate.address(SUBMISSIONS)[1]],
                          input=b"QUIT\r\n", capture_output=True, timeout=20)
    assert b"Requested Signature Algorithms" not in done.stdout


def test_B19_a_flood_of_empty_records(gate, by_gnutls):
    client = by_gnutls(gnutls.NORMAL_1_3)
    before = gate.cpu_s()
    try:
        for _ in range(20000):
            client.send_empty()
        client.command(b"NOOP")
    except gnutls.Failed:
        pass
    assert gate.cpu_s() - before < 2 * (10 if ground.SANITIZED else 1)


def test_B19_a_megabyte_in_records_of_one_byte(gate, sink, token):
    size = 50_000 if ground.SANITIZED else 1_000_000
    sent = letter(token, (b"x" * 76 + b"\r\n") * (size // 78))
    before = gate.cpu_s()
    with gate.transaction(seconds=120) as wire:
        wire.expect(354, b"DATA")
        for begin in range(0, len(sent), 4096):
            for byte in sent[begin:begin + 4096]:
                wire.tls.write(bytes([byte]))
            wire.send_clear(wire.outgoing.read())
        wire.send(b".\r\n")
        assert wire.reply(60).code == 250
    assert gate.cpu_s() - before < 20
    assert_one(gate, sink, token, sent)


# --- B18: certificate files

def start_fails(path_of_pair, base=None):
    """What a daemon with this certificate says on its refusal to start."""
    daemon = Sallyport(certificates=[path_of_pair], base=base or {})
    daemon.write_config()
    try:
        done = subprocess.run([ground.program("sallyportd"), "-c", daemon.config, "-f"], timeout=20,
                              capture_output=True, text=True, cwd="/", **ground.as_user())
        assert done.returncode != 0
        return done.stderr + done.stdout
    finally:
        ground.remove(daemon.path)


def test_B18_start_is_refused_with_the_key_of_another(authority, certificate):
    _, other = authority.issue("mail.example.org")
    said = start_fails((certificate[0], other))
    assert os.path.basename(other) in said or os.path.basename(certificate[0]) in said


def test_B18_start_is_refused_with_an_expired_certificate(authority):
    expired = authority.issue("mail.example.org", days=-1)
    assert "expired" in start_fails(expired).lower()


def test_B18_start_is_refused_with_another_name(authority):
    other = authority.issue("www.example.net")
    assert "name" in start_fails(other).lower()


def test_B18_start_is_refused_without_the_key_file(certificate):
    said = start_fails((certificate[0], "/nonexistent/key.pem"))
    assert "/nonexistent/key.pem" in said


def served(daemon, name="mail.example.org"):
    """The DER of the certificate that a new client is shown."""
    with daemon.secure(SUBMISSIONS, name=name) as wire:
        return wire.tls.getpeercert(True)


@pytest.fixture
def replaceable(make_gate, authority, sink):
    """A daemon whose certificate files the test may replace: (daemon, certificate, key)."""
    folder = ground.folder("tls")
    pair = authority.issue("mail.example.org")
    mine = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    put_pair(mine, pair)
    yield make_gate(certificates=[mine], routes={"*": sink.target}), mine
    ground.remove(folder)


def put_pair(mine, pair):
    for target, source in zip(mine, pair):
        with open(source, "rb") as data:
            ground.write(target, data.read())


def test_B18_reload_takes_a_new_certificate_and_drops_nobody(replaceable, authority):
    daemon, mine = replaceable
    before, roles = served(daemon), daemon.roles()
    with daemon.session() as wire:
        put_pair(mine, authority.issue("mail.example.org"))
        daemon.reload()
        until(lambda: served(daemon) != before, 10, "the new certificate is served")
        wire.expect(250, b"NOOP")
    assert daemon.pids("keys") == [pid for role, pid in roles if role == "keys"]


@pytest.mark.parametrize("fault", ["expired", "other_key", "garbage", "missing", "other_name"])
def test_B18_reload_refuses_a_bad_certificate_and_keeps_the_old(replaceable, authority, fault):
    daemon, mine = replaceable
    before = served(daemon)
    if fault == "expired":
        put_pair(mine, authority.issue("mail.example.org", days=-1))
    elif fault == "other_key":
        put_pair((mine[1],), (authority.issue("mail.example.org")[1],))
    elif fault == "other_name":
        put_pair(mine, authority.issue("www.example.net"))
    elif fault == "garbage":
        ground.write(mine[0], "-----BEGIN CERTIFICATE-----\nAAAA\n")
    else:
        os.unlink(mine[1])
    with daemon.session() as wire:
        done = daemon.reload(check=False)
        assert done.returncode != 0
        assert mine[0] in done.stderr + done.stdout or mine[1] in done.stderr + done.stdout
        wire.expect(250, b"NOOP")
    assert served(daemon) == before


def test_B18_reload_refuses_a_priority_that_means_nothing(replaceable):
    daemon, _ = replaceable
    before = served(daemon)
    listeners = daemon.parts["listeners"]
    listeners[SUBMISSIONS] = {**listeners[SUBMISSIONS], "tls-priority": '"NORMAL:+NONSENSE"'}
    with daemon.session() as wire:
        done = daemon.reload(check=False)
        assert done.returncode != 0
        assert "+NONSENSE" in done.stderr + done.stdout
        wire.expect(250, b"NOOP")
    assert served(daemon) == before


# --- B20, B21: a next hop that plays tricks with STARTTLS

def trick_plain_after_220(sink, session, talk):
    talk.send(b"220 go\r\n")
    talk._line()
    return b"250 not TLS at all\r\n"


def old_context(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    context.load_cert_chain(*pair)
    return context


class Hops:
    """One tricky next hop a domain."""

    def __init__(self, authority):
        good = authority.issue("hop.example.net")
        other_folder = ground.folder("other")
        stranger = Authority(other_folder).issue("hop.example.net")
        users = {"relay": "relay-secret"}
        self.by_domain = {
            "good": Sink(certificate=good, users=users),
            "stripped": Sink(users=users),
            "454": Sink(certificate=good, users=users, script={"STARTTLS": b"454 4.7.0 no\r\n"}),
            "plain": Sink(certificate=good, users=users, script={"STARTTLS": trick_plain_after_220}),
            "injected": Sink(certificate=good, users=users, script={
                "STARTTLS": b"220 ready\r\n250-SIZE 1\r\n250 AUTH PLAIN\r\n"}),
            "stranger": Sink(certificate=stranger, users=users),
            "name": Sink(certificate=authority.issue("elsewhere.example.net"), users=users),
            "expired": Sink(certificate=authority.issue("hop.example.net", days=-1), users=users),
            "tls10": Sink(context=old_context(good), users=users),
        }
        self.folder = other_folder

    def stop(self):
        for hop in self.by_domain.values():
            hop.stop()
        ground.remove(self.folder)


@pytest.fixture(scope="module")
def hops(authority):
    tricky = Hops(authority)
    yield tricky.by_domain
    tricky.stop()


def relay_gate(make_gate, hops, settings):
    return make_gate(routes={f"{domain}.test": {"to": f'"{hop.target}"', **settings}
                             for domain, hop in hops.items()}, extra="queue { retry = { 1h } }\n")


@pytest.fixture(scope="module")
def required(make_gate, authority, hops):
    secret = ground.write(os.path.join(authority.path, "secret"), "relay-secret\n")
    return relay_gate(make_gate, hops, {
        "tls": "verify", "tls-name": '"hop.example.net"', "trust-file": f'"{authority.trust}"',
        "user": '"relay"', "secret-file": f'"{secret}"'})


@pytest.fixture(scope="module")
def opportunistic(make_gate, hops):
    return relay_gate(make_gate, hops, {"tls": "may"})


def submit(daemon, domain, token):
    with daemon.session() as wire:
        reply = deliver(wire, letter(token), recipient=f"u@{domain}.test".encode())
        assert reply.code == 250, reply


def test_B20_the_good_hop_gets_mail_and_login(required, hops, token):
    submit(required, "good", token)
    message = hops["good"].wait_for_token(token)
    assert message.session.tls and message.session.login[1:] == (b"relay", b"relay-secret")


@pytest.mark.parametrize("trick", ["stripped", "454", "plain", "injected", "stranger", "name", "expired", "tls10"])
def test_B20_required_tls_keeps_the_message(required, hops, token, trick):
    hop = hops[trick]
    submit(required, trick, token)
    recipient = required.wait_until_tried(f"u@{trick}.test")
    assert recipient["reply"], recipient
    assert not hop.messages
    for session in hop.sessions:
        assert not any(verb in ("MAIL", "AUTH", "DATA") for verb, tls in session.commands if not tls)
        assert session.login is None
    required.ctl("queue", "delete", str(recipient["id"]))


@pytest.mark.parametrize("trick", ["stripped", "454", "stranger", "name", "expired"])
def test_B21_opportunistic_tls_delivers(opportunistic, hops, token, trick):
    submit(opportunistic, trick, token)
    message = hops[trick].wait_for_token(token)
    assert message.session.login is None
    if trick in ("stranger", "name", "expired"):
        assert message.session.tls


@pytest.mark.parametrize("trick", ["injected", "plain"])
def test_B21_what_was_said_before_tls_is_forgotten(opportunistic, hops, token, trick):
    """Injected keywords are never believed: SIZE 1 would refuse the message."""
    submit(opportunistic, trick, token)
    opportunistic.wait_until_tried(f"u@{trick}.test")
    assert not hops[trick].with_token(token)
    opportunistic.empty_queue()


# --- B23: channel binding

def scram_login(wire, mechanism, client):
    def send_line(line):
        wire.send(line + b"\r\n")
    return scram.authenticate(send_line, wire.reply, mechanism, client)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("mechanism,digest", [(b"SCRAM-SHA-256-PLUS", "sha256"), (b"SCRAM-SHA-1-PLUS", "sha1")])
def test_B23_server_end_point(gate, version, mechanism, digest):
    with gate.secure(context=trusting_context(version, version)) as wire:
        assert mechanism in wire.offered["AUTH"]
        bound = scram.server_end_point(wire.tls.getpeercert(True))
        client = scram.Scram("alice", "alicepw", digest, ("tls-server-end-point", bound))
        assert scram_login(wire, mechanism, client).code == 235


@pytest.mark.parametrize("binding", [("tls-server-end-point", b"wrong" * 8), ("tls-exporter", bytes(32)),
                                     ("tls-unique", bytes(12)), ("tls-nonsense", b"x" * 32),
                                     ("tls-server-end-point", b"")])
def test_B23_a_wrong_binding(gate, binding):
    with gate.secure() as wire:
        client = scram.Scram("alice", "alicepw", binding=binding)
        reply = scram_login(wire, b"SCRAM-SHA-256-PLUS", client)
        assert (reply.code, reply.enhanced) == (535, "5.7.8"), reply


@pytest.mark.parametrize("listener", [SUBMISSION, SUBMISSIONS])
def test_B23_a_downgrade_is_noticed(gate, listener):
    """The client could bind and believes that the server cannot: somebody took PLUS off the list."""
    with gate.secure(listener) as wire:
        reply = scram_login(wire, b"SCRAM-SHA-256", scram.Scram("alice", "alicepw", flag="y"))
        assert reply.code == 535, reply


def test_B23_a_binding_without_plus(gate):
    with gate.secure() as wire:
        bound = scram.server_end_point(wire.tls.getpeercert(True))
        client = scram.Scram("alice", "alicepw", binding=("tls-server-end-point", bound))
        assert scram_login(wire, b"SCRAM-SHA-256", client).code in (501, 535)


def test_B23_no_binding_with_plus(gate):
    with gate.secure() as wire:
        assert scram_login(wire, b"SCRAM-SHA-256-PLUS", scram.Scram("alice", "alicepw")).code in (501, 535)


@pytest.mark.parametrize("priority,kind,name", [
    (gnutls.NORMAL_1_3, gnutls.BINDING_EXPORTER, "tls-exporter"),
    (gnutls.NORMAL_1_2, gnutls.BINDING_EXPORTER, "tls-exporter"),
    (gnutls.NORMAL_1_3, gnutls.BINDING_SERVER_END_POINT, "tls-server-end-point")])
def test_B23_bindings_of_the_session(by_gnutls, priority, kind, name):
    client = by_gnutls(priority)
    client.command(b"EHLO client.example.org")
    try:
        bound = client.binding(kind)
    except gnutls.Failed as fault:
        pytest.skip(f"this GnuTLS gives no {name} here: {fault}")
    exchange = scram.Scram("alice", "alicepw", binding=(name, bound))

    class Said:
        def __init__(self, line):
            self.code, self.text = int(line[:3]), line[4:].strip().decode()
    reply = scram.authenticate(lambda line: client.send(line + b"\r\n"), lambda: Said(client.reply()),
                               b"SCRAM-SHA-256-PLUS", exchange)
    assert reply.code == 235, reply.text
