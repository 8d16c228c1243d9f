# SPDX-License-Identifier: BSD-2-Clause
"""Real mail clients submit, with each mechanism; a private Dovecot takes the mail and gives it back."""
import email
import os
import smtplib
import ssl
import subprocess

import pytest

from rig import dovecot, ground, gssapi, kdc
from rig.judge import letter

HOST = "mail.example.org"


@pytest.fixture(scope="module")
def mailboxes():
    if dovecot.missing():
        pytest.skip(dovecot.missing())
    server = dovecot.Dovecot().start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def realm():
    if kdc.missing():
        yield None
        return
    server = kdc.Kdc()
    server.add_user("alice", "alicepw")
    server.keytab = server.add_service(f"smtp/{HOST}")
    server.start()
    server.login("alice", "alicepw")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gate(make_gate, mailboxes, realm):
    mechanisms = ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"]
    sasl = {}
    if realm:
        mechanisms.append("GSSAPI")
        sasl["keytab"] = f'"{realm.keytab}"'
    sasl["mechanisms"] = "{ " + ", ".join(f'"{m}"' for m in mechanisms) + " }"
    return make_gate(sasl=sasl, environment=realm.environment if realm else {}, routes={
        "tcp.example.net": f"lmtp:127.0.0.1:{mailboxes.lmtp_port}",
        "*": f"lmtp:unix:{mailboxes.lmtp_path}"})


@pytest.fixture
def trust(authority):
    return authority.trust


def run(argv, stdin=b"", environment=None):
    if not ground.find_program(argv[0]):
        pytest.skip(f"{argv[0]} is not installed")
    done = subprocess.run([ground.find_program(argv[0]), *argv[1:]], input=stdin, capture_output=True, timeout=30,
                          env={**os.environ, **(environment or {})})
    assert done.returncode == 0, (done.stdout + done.stderr).decode("utf-8", "replace")
    return done.stdout + done.stderr


def port(gate, tls):
    return gate.address("submission" if tls == "starttls" else "submissions")[1]


def read_back(mailboxes, token, mailbox="u@example.net", login="alice"):
    """The message as IMAP shows it, judged for what the gate must have put into it."""
    raw = mailboxes.wait_for_message(mailbox, token)
    message = email.message_from_bytes(raw)
    received = " ".join(" ".join(message.get_all("Received")).split())
    assert f"by {HOST}" in received and "with ESMTPSA" in received, received
    assert message["From"] and message["Date"] and message["Message-ID"]
    assert f"{login}@example.org" in message["Return-Path"]
    return message


TLS = ["starttls", "implicit"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("tls", TLS)
def test_swaks(gate, mailboxes, token, tls, mechanism):
    run(["swaks", "--server", f"127.0.0.1:{port(gate, tls)}", "--tls" if tls == "starttls" else "--tls-on-connect",
         "--auth", mechanism, "--auth-user", "alice", "--auth-password", "alicepw", "--from", "alice@example.org",
         "--to", "u@example.net", "--helo", "client.example.org", "--data", letter(token).decode().replace("\r\n", "\\n")])
    read_back(mailboxes, token)


@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256", "scram-sha-1"])
@pytest.mark.parametrize("tls", TLS)
def test_msmtp(gate, mailboxes, token, trust, tls, mechanism):
    run(["msmtp", "--file=/dev/null", "--host=127.0.0.1", f"--port={port(gate, tls)}", "--tls=on", f"--tls-trust-file={trust}",
         f"--tls-host-override={HOST}", "--tls-starttls=" + ("on" if tls == "starttls" else "off"), f"--auth={mechanism}", "--user=alice",
         "--passwordeval=echo alicepw", "--from=alice@example.org", "u@example.net"], letter(token).replace(b"\r\n", b"\n"))
    read_back(mailboxes, token)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("tls", TLS)
def test_curl(gate, mailboxes, token, trust, tls, mechanism):
    scheme = "smtp" if tls == "starttls" else "smtps"
    number = port(gate, tls)
    run(["curl", "-sS", "--ssl-reqd", "--cacert", trust, "--resolve", f"{HOST}:{number}:127.0.0.1", f"{scheme}://{HOST}:{number}/client.example.org",
         "--login-options", f"AUTH={mechanism}", "-u", "alice:alicepw", "--mail-from", "alice@example.org", "--mail-rcpt", "u@tcp.example.net",
         "-T", "-"], letter(token))
    read_back(mailboxes, token, "u@tcp.example.net")


@pytest.mark.sanitize
@pytest.mark.parametrize("login", ["alice", "bob"])
@pytest.mark.parametrize("tls", TLS)
def test_smtplib(gate, mailboxes, token, trust, tls, login):
    context = ssl.create_default_context(cafile=trust)
    if tls == "starttls":
        client = smtplib.SMTP("127.0.0.1", port(gate, tls), local_hostname="client.example.org")
        client._host = HOST
        client.starttls(context=context)
    else:
        class Named(smtplib.SMTP_SSL):
            def _get_socket(self, *arguments):
                self._host = HOST
                return super()._get_socket(*arguments)
        client = Named("127.0.0.1", port(gate, tls), context=context, local_hostname="client.example.org")
    with client:
        client.login(login, login + "pw")
        client.sendmail(f"{login}@example.org", ["u@example.net", "v@example.net"],
                        letter(token, sender=f"<{login}@example.org>".encode()))
    for mailbox in ("u@example.net", "v@example.net"):
        read_back(mailboxes, token, mailbox, login)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"])
def test_gsasl(gate, trust, mechanism):
    run(["gsasl", "--smtp", f"--connect=127.0.0.1:{port(gate, 'starttls')}", f"--x509-ca-file={trust}", f"--hostname={HOST}",
         "--service=smtp", f"--mechanism={mechanism}", "-a", "alice", "-p", "alicepw", "--quiet"])


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
def test_gsasl_without_binding(gate, trust, mechanism):
    run(["gsasl", "--smtp", f"--connect=127.0.0.1:{port(gate, 'starttls')}", f"--x509-ca-file={trust}", f"--hostname={HOST}",
         "--service=smtp", f"--mechanism={mechanism}", "--no-cb", "-a", "alice", "-p", "alicepw", "--quiet"])


def test_gsasl_gssapi(gate, realm, trust):
    if not realm:
        pytest.skip(kdc.missing())
    run(["gsasl", "--smtp", f"--connect=127.0.0.1:{port(gate, 'starttls')}", f"--x509-ca-file={trust}", f"--hostname={HOST}",
         "--service=smtp", "--mechanism=GSSAPI", "-a", "alice", "--quiet"], environment=realm.environment)


@pytest.mark.parametrize("tls", TLS)
def test_curl_gssapi(gate, mailboxes, realm, token, trust, tls):
    if not realm or gssapi.missing():
        pytest.skip(kdc.missing() or gssapi.missing())
    scheme = "smtp" if tls == "starttls" else "smtps"
    number = port(gate, tls)
    run(["curl", "-sS", "--ssl-reqd", "--cacert", trust, "--resolve", f"{HOST}:{number}:127.0.0.1", f"{scheme}://{HOST}:{number}/client.example.org",
         "--login-options", "AUTH=GSSAPI", "-u", "alice@EXAMPLE.ORG:", "--mail-from", "alice@example.org", "--mail-rcpt", "u@example.net",
         "-T", "-"], letter(token), realm.environment)
    read_back(mailboxes, token)


def test_a_wrong_password_is_told_by_each_client(gate, trust):
    with smtplib.SMTP("127.0.0.1", port(gate, "starttls")) as client:
        client.starttls(context=ssl._create_unverified_context())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("alice", "wrong")


def test_recipients_are_told_apart(gate, mailboxes, token):
    """Two domains, two routes, one message: each mailbox gets its copy once."""
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        for recipient in (b"a@tcp.example.net", b"b@tcp.example.net", b"c@example.net"):
            wire.expect(250, b"RCPT TO:<" + recipient + b">")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    for mailbox in ("a@tcp.example.net", "b@tcp.example.net", "c@example.net"):
        mailboxes.wait_for_message(mailbox, token)
    gate.wait_until_queue_is_empty()
    for mailbox in ("a@tcp.example.net", "b@tcp.example.net", "c@example.net"):
        assert sum(token in raw for raw in mailboxes.messages(mailbox)) == 1


def test_bcc_is_taken_out(gate, mailboxes, token):
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        wire.send(letter(token, more=b"Bcc: secret@example.net\r\n") + b".\r\n")
        assert wire.reply().code == 250
    assert read_back(mailboxes, token)["Bcc"] is None
