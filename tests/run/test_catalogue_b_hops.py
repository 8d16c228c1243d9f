# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue B20, B21: a next hop that plays tricks with STARTTLS."""
import os
import ssl

import pytest

from rig import ground
from rig.certificate import Authority
from rig.judge import deliver, letter
from rig.sink import Sink

pytestmark = pytest.mark.usefixtures("alive")


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
