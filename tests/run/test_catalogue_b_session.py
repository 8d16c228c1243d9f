# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue B11 to B17, B19, B23: tickets, tricks inside TLS, channel bindings."""
import os
import ssl
import subprocess
import time

import pytest

from rig import gnutls, ground, hello, scram, tls_gate
from rig.deadline import until
from rig.judge import assert_one, letter
from rig.tls_gate import SUBMISSION, SUBMISSIONS, answer_to, raw_until_end
from rig.wire import Closed, Wire, trusting_context

pytestmark = pytest.mark.usefixtures("alive")


@pytest.fixture(scope="module")
def gate(make_gate, sink, certificate, authority):
    return tls_gate.make(make_gate, sink, certificate, authority)


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
