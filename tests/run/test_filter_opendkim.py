# SPDX-License-Identifier: BSD-2-Clause
"""OpenDKIM, configured as doc/milters.md says: its signatures are good, as dkimpy sees it, whatever was signed."""
import grp
import os
import re
import time

import pytest

from rig import ground
from rig.filters import gates, opendkim
from rig.judge import deliver, letter
from rig.sallyport import PERMITS, Sallyport

pytestmark = pytest.mark.skipif(opendkim.missing() is not None, reason=str(opendkim.missing()))

REWRITE = 'permit "login:bob" { wrong-sender = rewrite }\n' + PERMITS
# c=, and where it listens
KINDS = {"simple": ("simple/simple", False), "relaxed": ("relaxed/relaxed", True)}


@pytest.fixture(scope="module")
def signers():
    made = {name: opendkim.OpenDkim(kind, unix) for name, (kind, unix) in KINDS.items()}
    yield {name: signer.start() for name, signer in made.items()}
    for signer in made.values():
        signer.stop()


@pytest.fixture(scope="module")
def gate(make_gate, sink, signers):
    """For each signer a listener for logins and one for strangers."""
    listeners = {"submission": None, "submissions": None}
    for name in KINDS:
        listeners[name] = {**gates.logins(name), "message-size": "20M"}
        listeners[f"{name}-open"] = gates.strangers(name)
    return make_gate(routes={"*": sink.target}, listeners=listeners, permits=REWRITE, extra=gates.policies(
        [signer.section(name) for name, signer in signers.items()], **{name: [name] for name in KINDS}))


def signed(sink, signers, name, token):
    """The message as it left, whose one signature is good and of this kind."""
    message = sink.wait_for_token(token)
    assert len(message.fields("DKIM-Signature")) == 1, message.header
    tags = dict(re.findall(rb"(\w+)=([^;]*)", message.fields("DKIM-Signature")[0]))
    assert tags[b"c"].decode() == KINDS[name][0] and tags[b"d"] == b"example.org" and tags[b"s"] == b"mail"
    assert signers[name].verifies(message.content), message.content
    return message


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("write", [letter, gates.odd_letter])
def test_what_a_login_sends_is_signed(gate, sink, signers, token, name, write):
    with gate.session(listener=name) as wire:
        assert deliver(wire, write(token)).code == 250
    message = signed(sink, signers, name, token)
    assert message.header.index(b"Received:") < message.header.index(b"DKIM-Signature:") or \
        message.header.startswith(b"DKIM-Signature:")


@pytest.mark.parametrize("name", KINDS)
def test_each_message_of_a_session_is_signed_for_itself(gate, sink, signers, token, name):
    with gate.session(listener=name) as wire:
        assert deliver(wire, gates.odd_letter(token + b"first")).code == 250
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RSET")
        assert deliver(wire, gates.odd_letter(token + b"second")).code == 250
        assert deliver(wire, letter(token + b"third")).code == 250
    for which in (b"first", b"second", b"third"):
        signed(sink, signers, name, token + which)


@pytest.mark.parametrize("name", KINDS)
def test_from_is_rewritten_before_it_is_signed(gate, sink, signers, token, name):
    with gate.session("bob", listener=name) as wire:
        assert deliver(wire, gates.odd_letter(token, b"The Boss <boss@example.com>"), b"boss@example.com").code == 250
    message = signed(sink, signers, name, token)
    assert message.fields("From") == [b"bob@example.org"] or message.fields("From") == [b"<bob@example.org>"]
    assert b"boss@example.com" in message.fields("Reply-To")[0]


@pytest.mark.parametrize("name", KINDS)
def test_fields_that_we_add_are_signed_with_the_rest(gate, sink, signers, token, name):
    bare = b"From: <alice@example.org>\r\nTo:bob\r\nSubject: " + token + b"\r\n\r\nno date\r\n"
    with gate.session(listener=name) as wire:
        assert deliver(wire, bare).code == 250
    message = signed(sink, signers, name, token)
    assert len(message.fields("Date")) == 1 and len(message.fields("Message-ID")) == 1
    assert re.search(rb"h=[^;]*\bDate\b[^;]*;", message.fields("DKIM-Signature")[0])


@pytest.mark.parametrize("name", KINDS)
def test_a_large_body_is_signed_whole(gate, sink, signers, token, name):
    body = b"".join(b"%d %s\r\n" % (number, b"x" * 70) for number in range(65000))
    with gate.session(listener=name, seconds=30) as wire:
        assert deliver(wire, letter(token, body)).code == 250
    assert signed(sink, signers, name, token).body == body


def test_strangers_are_signed_for_by_the_name_of_the_daemon(gate, sink, signers, token):
    with gate.wire("simple-open") as wire:
        wire.greet()
        assert deliver(wire, gates.odd_letter(token)).code == 250
    signed(sink, signers, "simple", token)


def test_another_domain_is_not_signed_for(gate, sink, token):
    with gate.wire("simple-open") as wire:
        wire.greet()
        assert deliver(wire, letter(token, sender=b"<someone@example.com>"), b"someone@example.com").code == 250
    assert sink.wait_for_token(token).fields("DKIM-Signature") == []


def test_without_the_macro_strangers_are_not_signed_for(make_gate, sink, signers, token):
    section = signers["simple"].section("plain").replace('"{daemon_name}=ORIGINATING"', "")
    gate = make_gate(routes={"*": sink.target}, listeners={"open": gates.strangers("plain")},
                     extra=gates.policies([section], plain=["plain"]))
    with gate.wire("open") as wire:
        wire.greet()
        assert deliver(wire, letter(token)).code == 250
    assert sink.wait_for_token(token).fields("DKIM-Signature") == []


def test_a_signer_that_goes_and_comes_again_is_met_again_by_the_same_session(make_gate, sink, token):
    signer = opendkim.OpenDkim()
    try:
        signer.start()
        gate = make_gate(routes={"*": sink.target}, listeners={"submission": gates.logins("signed")},
                         extra=gates.policies([signer.section()], signed=["opendkim"]))
        with gate.session(seconds=30) as wire:
            assert deliver(wire, letter(token + b"before")).code == 250
            signer.kill()
            assert deliver(wire, letter(token + b"lost")).code == 451
            signer.start()
            assert deliver(wire, letter(token + b"after")).code == 250
        for which in (b"before", b"after"):
            assert signer.verifies(sink.wait_for_token(token + which).content)
        assert not sink.with_token(token + b"lost")
    finally:
        signer.stop()


@pytest.mark.skipif(not ground.IS_ROOT, reason="roles with users of their own need root")
def test_a_socket_in_a_folder_of_the_role_that_connects(certificate, sink, token):
    """As the page says: the folder has dial's group and the setgid bit, so the socket has that group."""
    signer, gate = opendkim.OpenDkim(unix=True), None
    try:
        os.chmod(signer.path, 0o755)
        folder = os.path.join(signer.path, "door")
        os.mkdir(folder)
        os.chown(folder, ground.USER.pw_uid, grp.getgrnam(ground.USERS["dial"]).gr_gid)
        os.chmod(folder, 0o2750)
        with open(signer.config, encoding="ascii") as config:
            text = config.read().replace(f"{signer.path}/socket", f"{folder}/socket")
        signer.write("opendkim.conf", text)
        signer.address = f"unix:{folder}/socket"
        signer.start()
        assert os.stat(f"{folder}/socket").st_gid == grp.getgrnam(ground.USERS["dial"]).gr_gid
        gate = Sallyport(certificates=[certificate], as_root=True, routes={"*": sink.target},
                         users={role: f'"{user}"' for role, user in ground.USERS.items()},
                         listeners={"submission": gates.logins("signed")},
                         extra=gates.policies([signer.section()], signed=["opendkim"]))
        for path in (gate.path, f"{gate.path}/state"):
            os.chmod(path, 0o755)
        gate.start()
        with gate.session() as wire:
            assert deliver(wire, letter(token)).code == 250
        assert signer.verifies(sink.wait_for_token(token).content)
    finally:
        if gate:
            gate.discard()
        signer.stop()


def test_over_tcp_no_message_waits_for_an_acknowledgement(gate, token):
    """Nagle's algorithm on its side and a late acknowledgement on ours would cost each message 40 ms or more."""
    times = []
    with gate.session(listener="simple") as wire:
        for number in range(200):     # on a slow machine others are in the way; one that has none of it is enough
            for line in (b"MAIL FROM:<alice@example.org>", b"RCPT TO:<u@example.net>", b"DATA"):
                assert wire.command(line).code < 400
            begin = time.monotonic()
            wire.send(letter(token + b"%d" % number) + b".\r\n")
            assert wire.reply().code == 250
            times.append(time.monotonic() - begin)
            if times[-1] < 0.035:
                return
    raise AssertionError(times)
