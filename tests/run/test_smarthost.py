# SPDX-License-Identifier: BSD-2-Clause
"""A private Postfix as smarthost: TLS, AUTH, and everything that it forwards arrives once."""
import os

import pytest

from rig import dovecot, ground, postfix
from rig.judge import deliver, letter, new_token
from rig.sink import Sink

RELAY = ("relay", "relay-secret")


@pytest.fixture(scope="module")
def destination():
    hop = Sink(keywords=(b"PIPELINING", b"8BITMIME", b"SMTPUTF8", b"DSN", b"ENHANCEDSTATUSCODES"))
    yield hop
    hop.stop()


@pytest.fixture(scope="module")
def smarthost(authority, destination):
    reason = postfix.missing() or dovecot.missing()
    if reason:
        pytest.skip(reason)
    logins = dovecot.Dovecot(users=dict([RELAY])).start()
    server = postfix.Postfix(authority.issue("smarthost.example.net"), logins.auth_port,
                             f"[127.0.0.1]:{destination.port}").start()
    yield server
    server.stop()
    logins.stop()


@pytest.fixture(scope="module")
def secret(authority):
    return ground.write(os.path.join(authority.path, "relay.secret"), RELAY[1] + "\n")


@pytest.fixture(scope="module")
def gate(make_gate, authority, smarthost, secret):
    def route(scheme, port, mechanism, tls="verify"):
        verify = {"tls-name": '"smarthost.example.net"', "trust-file": f'"{authority.trust}"'}
        return {"to": f'"{scheme}:127.0.0.1:{port}"', "tls": tls, **(verify if tls == "verify" else {}), "user": f'"{RELAY[0]}"', "secret-file": f'"{secret}"',
                "mechanisms": f'{{ "{mechanism}" }}'}

    wrong = ground.write(os.path.join(authority.path, "wrong.secret"), "not it\n")
    routes = {f"{mechanism.lower()}-{scheme}.test": route(scheme, port, mechanism)
              for scheme, port in (("smtp", smarthost.port), ("smtps", smarthost.tls_port))
              for mechanism in ("PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1")}
    routes["wrong.test"] = {**route("smtp", smarthost.port, "PLAIN"), "secret-file": f'"{wrong}"'}
    routes["clear.test"] = {name: value for name, value in route("smtp", smarthost.port, "PLAIN", tls="none").items()
                            if name not in ("tls-name", "trust-file")}
    routes["anonymous.test"] = {"to": f'"smtp:127.0.0.1:{smarthost.port}"', "tls": "may"}
    return make_gate(routes=routes, extra="queue { retry = { 1h } }\n")


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1"])
def test_login_at_the_smarthost(gate, destination, token, scheme, mechanism):
    domain = f"{mechanism.lower()}-{scheme}.test".encode()
    sent = letter(token)
    with gate.session() as wire:
        assert deliver(wire, sent, recipient=b"u@" + domain).code == 250
    message = destination.wait_for_token(token, 20)
    gate.wait_until_queue_is_empty()
    assert len(destination.with_token(token)) == 1
    assert message.sender == b"alice@example.org" and message.recipients[0][0] == b"u@" + domain
    assert message.content.endswith(sent)
    received = b" ".join(message.fields("Received"))
    assert b"by smarthost.example.net" in received and b"with ESMTPSA" in received


def keep(gate, token, domain):
    """Submits, and waits until delivery was tried in vain; the queue is emptied again."""
    with gate.session() as wire:
        assert deliver(wire, letter(token), recipient=b"u@" + domain.encode()).code == 250
    recipient = gate.wait_until_tried(f"u@{domain}")
    gate.ctl("queue", "delete", str(recipient["id"]))
    return recipient


def test_a_wrong_password_keeps_the_mail(gate, destination, token):
    """Our fault, not the sender's: nothing is bounced."""
    assert "535" in keep(gate, token, "wrong.test")["reply"]
    assert not destination.with_token(token)


def test_no_login_in_clear(gate, destination, token):
    keep(gate, token, "clear.test")
    assert not destination.with_token(token)


def test_a_refusal_of_the_smarthost_is_told_to_the_sender(gate, make_gate, smarthost, token):
    """Without login Postfix refuses to relay: a failure notice goes to alice."""
    home = Sink()
    daemon = make_gate(routes={"anonymous.test": {"to": f'"smtp:127.0.0.1:{smarthost.port}"', "tls": "may"}, "*": home.target})
    with daemon.session() as wire:
        assert deliver(wire, letter(token), recipient=b"u@anonymous.test").code == 250
    notice = home.wait_for(lambda m: m.sender == b"" and token in m.raw)
    assert notice.recipients[0][0] == b"alice@example.org"
    assert b"Status: 5.7.1" in notice.raw and b"Access denied" in notice.raw
    home.stop()


def test_many_messages_reuse_connections(gate, destination):
    tokens = [new_token() for _ in range(40)]
    with gate.session() as wire:
        for token in tokens:
            assert deliver(wire, letter(token), recipient=b"u@plain-smtp.test").code == 250
    for token in tokens:
        destination.wait_for_token(token, 30)
    gate.wait_until_queue_is_empty()
    assert all(len(destination.with_token(token)) == 1 for token in tokens)
