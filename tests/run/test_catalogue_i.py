# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue I: recipients, relaying, loops, and notices that tell of failures without making new ones."""
import base64
import email
import email.policy
import re
import socket

import pytest

from rig import ground
from rig.deadline import until
from rig.judge import assert_one, assert_zero, deliver, letter, new_token
from rig.mirror import Mirror
from rig.sallyport import warm
from rig.sink import Sink
from rig.strangers import LOGINS_RELAY, port_25


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    daemon = make_gate(
        listeners={"smtp": port_25(errors="1000"), "submission": {"protocol": "smtp", "tls": "starttls", "errors": "1000"},
                   "submissions": {"protocol": "smtp", "tls": "implicit", "errors": "1000"}},
        routes={"*": sink.target}, permits=LOGINS_RELAY, extra="queue { retry = { 1s }  delay-notice = 0 }\n")
    warm(daemon)
    return daemon


@pytest.fixture(autouse=True)
def healthy(alive):
    """ALIVE, for all of these."""


def notices(hop, about):
    return [message for message in hop.messages if message.sender == b"" and about in message.raw]


# --- I1, I2: what may stand in RCPT

BAD_PATHS = [
    b"<a\nRCPT TO:<v@example.net>>", b"<a@example.net>\nRCPT TO:<v@example.net>", b"<a\r@example.net>", b"<a\0b@example.net>",
    b'<"a\rb"@example.net>', b'<"a\nb"@example.net>', b'<"a\0b"@example.net>', b"<>", b"<a@" + b"d" * 400 + b".example>",
    b"<a@[IPv6:zz]>", b"<a@[IPv6:1:2]>", b"<a@[1.2.3]>", b"<a@[999.1.1.1]>", b"<a..b@example.net>", b"<.a@example.net>",
    b"<a.@example.net>", b"<a@-bad.example>", b"<a@bad-.example>", b"<:include:/etc/passwd>", b"<a:b@example.net>",
    "<gr\u00fcn@example.net>".encode(), "<a@ex\u00e4mple.net>".encode(), b"<" + b"l" * 65 + b"@example.net>", b"<@example.net>",
    b"<a@>", b"<a b@example.net>", b"<a@example.net", b"a@example.net>", b"<a@example..net>", b"<a@b@example.net>",
    b"<a\\@example.net>", b"<a,b@example.net>", b"<a@example.net>x", b"<a@" + b".".join([b"d" * 60] * 5) + b">", b"<\x7f@example.net>",
]


@pytest.mark.sanitize
@pytest.mark.parametrize("path", BAD_PATHS, ids=range(len(BAD_PATHS)))
def test_I1_no_path_that_is_none(gate, sink, token, path):
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.send(b"RCPT TO:" + path + b"\r\n")
        replies = [wire.reply()]
        while wire.pending:
            replies.append(wire.reply())
        # 501 or 553 (and 500, 555 for what is no command or parameter), whatever the line was cut into.
        assert all(reply.code in (500, 501, 503, 553, 555) for reply in replies), replies
        wire.expect(250, b"RCPT TO:<good@example.net>")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    message = sink.wait_for_token(token)
    assert [address for address, _ in message.recipients] == [b"good@example.net"]


@pytest.mark.parametrize("address", [
    b"-oX@example.net", b"|id@example.net", b"`id`@example.net", b"$(id)@example.net", b"'x'@example.net", b"/etc/passwd@example.net",
    b'"|/bin/sh -c id"@example.net', b'"a;b"@example.net', b"u@[127.0.0.1]", b"u@xn--exmple-cua.org", b"a%b@example.net",
    b"root@example.net", b"~/x@example.net", b"*@example.net"])
def test_I2_legal_addresses_are_only_addresses(gate, sink, token, address):
    """Passed on byte for byte, or refused; nothing is opened, run or expanded."""
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        reply = wire.command(b"RCPT TO:<" + address + b">")
        if reply.code >= 500:
            return
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    message = assert_one(gate, sink, token)
    assert [a for a, _ in message.recipients] == [address]


# --- I3: nobody relays who may not

RELAY_FORMS = [
    b"<victim@example.net>", b'<"victim@example.net">', b"<victim%example.net@example.org>", b"<victim%example.net@mail.example.org>",
    b"<victim%example.net@[127.0.0.1]>", b"<example.net!victim>", b"<example.net!victim@example.org>", b"<example.net!victim@[127.0.0.1]>",
    b"<@example.org:victim@example.net>", b"<@mail.example.org,@example.org:victim@example.net>", b"<@[127.0.0.1]:victim@example.net>",
    b"<victim@example.net@example.org>", b"<victim@[127.0.0.1]>", b"<victim@[IPv6:::1]>", b"<victim@localhost>", b"<victim@mail.example.org>",
    b'<"victim@example.net"@example.org>', b'<"victim@example.net"@[127.0.0.1]>', b"<victim@example.net.>", b"<victim@EXAMPLE.ORG.example.net>",
    b"<victim@sub.example.org>", b"<victim@example.org%00.example.net>", b"<victim(@example.org)@example.net>",
    "<victim@example.org\uff0eexample.net>".encode(), b"<victim@example.net>\t<x@example.org>", b"victim@example.net",
]
SENDERS = [b"spammer@example.com", b"", b"alice@example.org", b"postmaster", b"spammer@[127.0.0.1]", b"root@localhost",
           b"spammer@mail.example.org"]


@pytest.fixture(scope="module")
def picky():
    """The mailbox server of our domain knows alice alone."""
    server = Sink(script={("RCPT", rb"TO:<(?!alice@)"): b"550 5.1.1 nobody\r\n"})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def guarded(make_gate, picky):
    return make_gate(listeners={"smtp": port_25(errors="1000"), "submission": {"tls": "starttls", "errors": "1000"},
                                "submissions": {"tls": "implicit", "errors": "1000"}},
                     routes={"*": picky.target}, permits=LOGINS_RELAY)


@pytest.mark.sanitize
@pytest.mark.parametrize("where", ["smtp", "submission", "submissions"])
@pytest.mark.parametrize("sender", SENDERS)
def test_I3_no_open_relay(guarded, picky, where, sender):
    """Every classical form, from every sender, on every port, without a login: 5xx."""
    accepted = []
    for form in RELAY_FORMS:
        wire = guarded.secure(where) if where == "submissions" else guarded.wire(where)
        with wire:
            if where != "submissions":
                wire.greet()
            reply = wire.command(b"MAIL FROM:<" + sender + b">")
            if reply.code == 250:
                reply = wire.command(b"RCPT TO:" + form)
            if not 500 <= reply.code < 600:
                accepted.append((form, reply))
            if wire.command(b"DATA").code == 354:
                accepted.append((form, "DATA"))
    assert not accepted
    assert not picky.messages


def test_I3_what_logged_in_elsewhere_opens_nothing(guarded, picky):
    """Neither an address that a login came from (POP before SMTP), nor a login of a connection before STARTTLS."""
    with guarded.session(source="127.0.0.77"):
        with guarded.wire("smtp", source="127.0.0.77") as wire:
            wire.greet()
            wire.expect(250, b"MAIL FROM:<spammer@example.com>")
            wire.expect(550, b"RCPT TO:<victim@example.net>")
        with guarded.wire("submission", source="127.0.0.77") as wire:
            wire.greet()
            assert wire.command(b"MAIL FROM:<alice@example.org>").code in (530, 550)


# --- I4, I5: mail that comes back

@pytest.mark.parametrize("to", ["localhost", "127.0.0.1", "[::1]"])
def test_I4_a_route_to_ourselves_is_refused(make_gate, to):
    gate = make_gate(listeners={"smtp": port_25(errors="1000", address=f'{{ "127.0.0.1:{ground.free_port()}" }}')})
    port = ground.free_port()
    gate.parts["listeners"]["smtp"] = port_25(errors="1000", address=f'{{ "*:{port}" }}')
    gate.parts["routes"] = {"*": f"smtp:{to}:{port}"}
    done = gate.reload(check=False)
    assert done.returncode != 0 and "leads back to listener" in done.stderr, done


def test_I4_a_name_that_leads_back_is_found_out(make_gate, token):
    """By an address that nobody can know for ours before it is connected to: put off, with the reason, and not one turn."""
    port = ground.free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))    # sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback")
        own = probe.getsockname()[0]
    gate = make_gate(listeners={"smtp": port_25(errors="1000", address=f'{{ "*:{port}" }}')}, permits=LOGINS_RELAY,
                     routes={"*": f"smtp:{own}:{port}"}, extra="queue { retry = { 1s } }\n")
    with gate.session() as wire:
        assert deliver(wire, letter(token)).code == 250
    tried = gate.wait_until_tried("u@example.net")
    assert "leads back to this server" in tried["reply"], tried
    assert len(gate.queue()) == 1
    gate.empty_queue()


def test_I4_logins_relay_by_the_route_alone(gate, sink):
    """Literals and names of this machine are what the route's next hop makes of them: nothing is connected to here."""
    for number, domain in enumerate((b"localhost.localdomain", b"mail.example.org", b"[127.0.0.1]", b"[IPv6:::1]", b"[10.0.0.1]")):
        token = new_token()
        with gate.session() as wire:
            wire.expect(250, b"MAIL FROM:<alice@example.org>")
            wire.expect(250, b"RCPT TO:<u%d@" % number + domain + b">")
            wire.expect(354, b"DATA")
            wire.send(letter(token) + b".\r\n")
            assert wire.reply().code == 250
        assert_one(gate, sink, token)


@pytest.mark.parametrize("fields,code", [(48, 250), (49, 250), (50, 554), (120, 554)])
def test_I5_received_fields_are_counted(gate, sink, token, fields, code):
    """Refused at the fiftieth, before there is anything to return."""
    more = b"".join(b"Received: by host%d.example; Sat, 21 Nov 2026 10:00:00 +0000\r\n" % n for n in range(fields))
    with gate.session() as wire:
        reply = deliver(wire, letter(token, more=more))
    assert reply.code == code, reply
    if code == 554:
        assert reply.enhanced == "5.4.6"
        assert_zero(gate, sink, token)


def test_I5_a_hop_that_sends_everything_back(make_gate, sink, token):
    """Stopped within the hop limit, with one notice at most."""
    mirror = Mirror()
    gate = make_gate(
        listeners={"back": 'protocol = smtp\n  address = { "127.0.0.1:0" }\n  tls = none\n  login = off\n  hops = 10\n'
                           '  permit "network:127.0.0.0/8" { rights = { submit, relay, any-sender, own-domain-sender } }'},
        permits=LOGINS_RELAY, routes={"example.net": mirror.target, "*": sink.target},
        extra="queue { retry = { 1s } }\n")
    mirror.port_back = gate.ports["back"][0]
    try:
        with gate.session() as wire:
            assert deliver(wire, letter(token), b"alice@example.org", b"round@example.net").code in (250, 550)
        until(lambda: mirror.verdicts, 30, lambda: f"the end of the circle after {mirror.turns} turns")
        gate.wait_until_queue_is_empty(30)
        assert mirror.verdicts == [554] and mirror.turns <= 10
        assert len(notices(sink, token)) == 1
    finally:
        mirror.stop()


# --- I6: what has no sender

@pytest.fixture
def refusing():
    hop = Sink(script={("RCPT", rb"bad@"): b"550 5.1.1 nobody here\r\n", ("RCPT", rb"alice@example.org"): b"550 5.1.1 gone\r\n"})
    yield hop
    hop.stop()


def fails(gate, token, sender=b"alice@example.org"):
    with gate.session() as wire:
        reply = deliver(wire, letter(token), sender, b"bad@example.net")
        assert reply.code == 250, reply
        return reply.text.split()[-1].encode()


def test_I6_a_notice_that_fails_goes_to_the_postmaster(make_gate, refusing, token):
    gate = make_gate(routes={"*": refusing.target}, permits=LOGINS_RELAY, base={"postmaster": '"boss@example.org"'})
    number = fails(gate, token)
    message = refusing.wait_for(lambda m: token in m.raw)
    gate.wait_until_queue_is_empty()
    assert message.sender == b"" and [a for a, _ in message.recipients] == [b"boss@example.org"]
    whole = email.message_from_bytes(message.content, policy=email.policy.SMTP)
    assert number.decode() + ".F0.P0" in whole["Message-ID"]
    words, report, returned = whole.iter_parts()
    assert "<alice@example.org>" in words.get_content()
    _, fields = report.get_payload()
    assert fields["Final-Recipient"] == "rfc822; alice@example.org" and fields["Status"] == "5.1.1"
    # The notice that could not be delivered is in it as a whole, with what it tells of.
    first = returned.get_payload(0)
    assert first["Message-ID"].startswith(f"<{number.decode()}.F0@") and first.get_content_type() == "multipart/report"
    assert len(refusing.messages) == 1 and len(gate.events_named("queue.notice")) == 2


def test_I6_behind_the_postmaster_is_nobody(make_gate, refusing, token):
    refusing.script[("RCPT", rb"boss@")] = b"550 5.1.1 no boss either\r\n"
    gate = make_gate(routes={"*": refusing.target}, permits=LOGINS_RELAY, base={"postmaster": '"boss@example.org"'},
                     extra="queue { retry = { 1s } }\n")
    number = fails(gate, token).decode()
    event = gate.wait_for_event("queue.held", {"id": number + ".F0.P0"})
    assert "550" in event["why"]
    (held,) = until(lambda: [m for m in gate.queue() if m["id"] == number + ".F0.P0"], 5, "it is held")
    shown = gate.ctl_json("queue", "show", held["id"])
    assert "the postmaster cannot be told" in str(shown)
    assert len(gate.queue()) == 1 and len(gate.events_named("queue.notice")) == 2
    # Released it is tried once more, and held again: never a third notice.
    gate.ctl("queue", "release", held["id"])
    until(lambda: len(gate.events_named("queue.held")) == 2, 10, "it is held again")
    assert len(gate.events_named("queue.notice")) == 2 and not refusing.messages
    del refusing.script[("RCPT", rb"boss@")]
    gate.ctl("queue", "release", held["id"])
    gate.wait_until_queue_is_empty()
    assert [m.recipients[0][0] for m in refusing.messages] == [b"boss@example.org"]


def test_I6_or_it_is_dropped(make_gate, refusing, token):
    gate = make_gate(routes={"*": refusing.target}, permits=LOGINS_RELAY, extra="queue { double-bounce = drop }\n")
    number = fails(gate, token).decode()
    gate.wait_for_event("queue.untold", {"id": number + ".F0"})
    gate.wait_until_queue_is_empty()
    assert not refusing.messages and len(gate.events_named("queue.notice")) == 1


@pytest.mark.parametrize("wish,told", [(b"", True), (b" NOTIFY=FAILURE", True), (b" NOTIFY=NEVER", False)])
def test_I6_a_null_sender_of_the_clients_own(make_gate, refusing, token, wish, told):
    """It has nobody to answer to: the postmaster hears of it, unless nobody was to hear."""
    gate = make_gate(routes={"*": refusing.target}, permits=LOGINS_RELAY, base={"postmaster": '"boss@example.org"'})
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<>")
        wire.expect(250, b"RCPT TO:<bad@example.net>" + wish)
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    if told:
        message = refusing.wait_for(lambda m: token in m.raw)
        assert [a for a, _ in message.recipients] == [b"boss@example.org"] and message.sender == b""
    else:
        gate.wait_for_event("queue.untold")
    gate.wait_until_queue_is_empty()
    assert len(refusing.messages) == told


# --- I7: no backscatter (and test_recipients.py)

def test_I7_a_thousand_bad_recipients_are_one_notice(make_gate, token):
    hop = Sink(script={("RCPT", rb"bad\d"): b"550 5.1.1 nobody here\r\n"})
    try:
        gate = make_gate(routes={"*": hop.target}, permits=LOGINS_RELAY)
        with gate.session(seconds=30) as wire:
            wire.expect(250, b"MAIL FROM:<alice@example.org> RET=FULL")
            wire.send(b"".join(b"RCPT TO:<bad%d@example.net>\r\n" % n for n in range(1000)))
            assert all(reply.code == 250 for reply in wire.replies(1000))
            wire.expect(354, b"DATA")
            wire.send(letter(token, b"y" * 70 + b"\r\n" + b"x" * 70 * 1000 + b"\r\n") + b".\r\n")
            assert wire.reply().code == 250
        message = hop.wait_for(lambda m: m.sender == b"" and token in m.raw, 30)
        gate.wait_until_queue_is_empty()
        assert len(hop.messages) == 1
        whole = email.message_from_bytes(message.content, policy=email.policy.SMTP)
        _, report, returned = whole.iter_parts()
        _, *recipients = report.get_payload()
        assert sorted(fields["Final-Recipient"] for fields in recipients) == sorted(
            f"rfc822; bad{n}@example.net" for n in range(1000))
        # Too large to come back: its header does.
        assert returned.get_content_type() == "text/rfc822-headers" and len(returned.as_bytes()) < 50 * 1024
    finally:
        hop.stop()


@pytest.mark.parametrize("size,ret,whole", [(1000, b"FULL", True), (49 * 1024, b"FULL", True), (52 * 1024, b"FULL", False),
                                            (1000, b"HDRS", False), (49 * 1024, b"", True)])
def test_I7_what_comes_back_is_capped(gate, sink, token, size, ret, whole):
    sink.script[("RCPT", rb"bad@")] = b"550 5.1.1 nobody here\r\n"
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>" + (b" RET=" + ret if ret else b""))
        wire.expect(250, b"RCPT TO:<bad@example.net>")
        wire.expect(354, b"DATA")
        wire.send(letter(token, (b"x" * 78 + b"\r\n") * (size // 80)) + b".\r\n")
        assert wire.reply().code == 250
    message = sink.wait_for(lambda m: m.sender == b"" and token in m.raw)
    assert len(message.raw) < 60 * 1024
    assert (b"x" * 78 in message.raw) == whole
    gate.wait_until_queue_is_empty()


def test_I7_a_stranger_makes_no_notice_to_another(gate, sink, token):
    """With the victim as sender, to somebody who is not there: refused in the session."""
    sink.script[("RCPT", rb"TO:<nobody-" + token)] = b"550 5.1.1 nobody\r\n"
    start = len(gate.events)
    with gate.wire("smtp") as wire:
        wire.greet()
        wire.expect(250, b"MAIL FROM:<victim@example.com>")
        wire.expect(550, b"RCPT TO:<nobody-" + token + b"@example.org>")
        wire.expect(554, b"DATA")
    assert not gate.events_named("queue.notice", start)


# --- I8: who is told, and what goes on to the next hop (and test_notices.py)

@pytest.fixture(scope="module")
def plain():
    hop = Sink(keywords=(b"PIPELINING", b"8BITMIME"), script={("RCPT", rb"bad@"): b"550 5.1.1 nobody here\r\n"})
    yield hop
    hop.stop()


@pytest.fixture(scope="module")
def both(make_gate, sink, plain):
    return make_gate(routes={"*": sink.target, "plain.test": plain.target}, permits=LOGINS_RELAY)


WISHES = [b"NEVER", b"SUCCESS", b"FAILURE", b"DELAY", b"SUCCESS,FAILURE", b"SUCCESS,FAILURE,DELAY", b""]


@pytest.mark.parametrize("wishes", WISHES)
@pytest.mark.parametrize("domain", [b"example.net", b"plain.test"])
@pytest.mark.parametrize("name", [b"bad", b"good"])
def test_I8_notify(both, sink, plain, token, name, domain, wishes):
    sink.script[("RCPT", rb"bad@")] = b"550 5.1.1 nobody here\r\n"
    hop = plain if domain == b"plain.test" else sink
    notify = b" NOTIFY=" + wishes if wishes else b""
    with both.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org> RET=HDRS ENVID=QQ" + token)
        wire.expect(250, b"RCPT TO:<" + name + b"@" + domain + b">" + notify + b" ORCPT=rfc822;o@x.example")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        number = wire.reply().text.split()[-1]
    both.wait_for_event("queue.result", {"id": number})
    both.wait_until_queue_is_empty()
    asked = wishes.split(b",") if wishes else [b"FAILURE"]
    # A good one at a hop that knows DSN is that hop's affair; at another it was "relayed".
    told = b"FAILURE" in asked if name == b"bad" else b"SUCCESS" in asked and hop is plain
    found = notices(sink, token)
    assert len(found) == told
    if told:
        action = b"failed" if name == b"bad" else b"relayed"
        assert b"Action: " + action in found[0].raw and b"Original-Envelope-Id: QQ" + token in found[0].raw
        assert b"Original-Recipient: rfc822;o@x.example" in found[0].raw
        # A notice asks for none, and answers none.
        assert found[0].recipients[0][1] == [b"NOTIFY=NEVER"]
    if name == b"good":
        message = [m for m in hop.with_token(token) if m.sender][0]
        sent = b" ".join(message.parameters + message.recipients[0][1])
        assert (b"ENVID=QQ" + token in sent, b"RET=HDRS" in sent, b"ORCPT=rfc822;o@x.example" in sent) == \
            ((True,) * 3 if hop is sink else (False,) * 3)
        assert (b"NOTIFY=" + wishes in sent) == (hop is sink and bool(wishes))


# --- I11, I12: what nobody else is to know

@pytest.mark.parametrize("bcc", [b"Bcc: <secret@example.net>\r\n", b"BCC: <a@example.net>,\r\n\t<secret@example.net>\r\n",
                                 b"bcc:secret@example.net\r\n", b"Bcc: Name <secret@example.net>\r\nBcc: <other@example.net>\r\n",
                                 b"Resent-Bcc: <secret@example.net>\r\n", b"Bcc:\r\n"])
def test_I11_blind_copies_stay_blind(gate, sink, token, bcc):
    """Not on the wire, and not in what comes back of it."""
    sink.script[("RCPT", rb"bad@")] = b"550 5.1.1 nobody here\r\n"
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org> RET=FULL")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(250, b"RCPT TO:<bad@example.net>")
        wire.expect(354, b"DATA")
        wire.send(letter(token, more=bcc) + b".\r\n")
        reply = wire.reply()
        assert reply.code == 250, reply
    sink.wait_for(lambda m: m.sender == b"" and token in m.raw)
    gate.wait_until_queue_is_empty()
    found = sink.with_token(token)
    assert len(found) == 2
    for message in found:
        assert b"secret@" not in message.raw and not re.search(rb"(?im)^(resent-)?bcc:", message.raw)


def test_I11_recipients_are_not_told_of_each_other(gate, sink, token):
    """Received names a recipient only where there is no other."""
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        for name in (b"one", b"two"):
            wire.expect(250, b"RCPT TO:<" + name + b"@example.net>")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    header = assert_one(gate, sink, token).header
    assert b"one@example.net" not in header and b"two@example.net" not in header


@pytest.mark.parametrize("hidden", [False, True])
def test_I12_what_received_discloses(make_gate, sink, token, hidden):
    """Never the login; with hide-client neither address nor name of a client that logged in."""
    gate = make_gate(listeners={"submission": {"tls": "starttls", "hide-client": "yes" if hidden else "no"}},
                     routes={"*": sink.target}, permits=LOGINS_RELAY, accounts=(("a-login-name", "pw", ("alice@example.org",)),))
    with gate.secure(source="127.0.0.99") as wire:
        wire.ehlo(b"inner-host.corp.example")
        wire.login("a-login-name", "pw")
        assert deliver(wire, letter(token)).code == 250
    message = assert_one(gate, sink, token)
    received = b" ".join(message.fields("Received"))
    assert len(message.fields("Received")) == 1 and b"by mail.example.org" in received
    assert (b"inner-host" in message.header, b"127.0.0.99" in message.header) == (not hidden, not hidden)
    assert b"a-login-name" not in message.raw
    for leak in (gate.path.encode(), b"localhost", base64.b64encode(b"a-login-name")):
        assert leak not in message.header
