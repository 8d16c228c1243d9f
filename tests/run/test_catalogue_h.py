# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue H: injection through parameters, names, logs and notices."""
import email
import email.policy
import os
import re

import pytest

from rig.deadline import until
from rig.judge import assert_one, deliver, is_clean, letter, new_token, stuffed
from rig.sallyport import warm
from rig.sink import Sink
from rig.wire import Closed, b64, plain

pytestmark = pytest.mark.usefixtures("alive")

ALICE = b"MAIL FROM:<alice@example.org>"


@pytest.fixture(scope="module")
def sink():
    """Refuses recipients named bounce, and cannot do DSN, so that notices are made here."""
    hop = Sink(keywords=(b"PIPELINING", b"SIZE", b"8BITMIME", b"SMTPUTF8", b"ENHANCEDSTATUSCODES"),
               script={("RCPT", rb"<bounce"): b"550 5.1.1 no such user here\r\n"})
    yield hop
    hop.stop()


# --- H1: the name a client gives itself

NAMES = [b"a b", b"[1.2.3.4", b"x\0y", b"(evil) by good", b"a" * 600, b"x\rReceived: evil", b"x\r\tby evil", b"%n%s",
         "\u00e9.example".encode(), b"x;y=z", b"[IPv6:zz]", b"[127.0.0.1]", b"-x", b"x-", b"x..y", b".x", b"x.", b"under_score",
         b"\x1b[31mred", b"x\ny", b"a" * 64 + b".example", b"a.b" * 100, b"localhost", b"<x>", b'"x"', b"x,y", b"x@y", b"[]", b"\xff\xfe",
         b"x (comment", b"x)\r with evil", b"xn--", b"1.2.3.4", b"[x:y]"]


@pytest.mark.sanitize
@pytest.mark.parametrize("name", NAMES)
def test_H01_names_of_clients(gate, sink, token, name):
    with gate.session() as wire:
        reply = wire.command(b"EHLO " + name)
        if reply.code != 250:
            assert reply.code in (500, 501), reply
            return
        assert deliver(wire, letter(token)).code == 250
    message = assert_one(gate, sink, token)
    received = message.fields("Received")
    assert len(received) == 1, received
    assert is_clean(message.raw)
    assert re.match(rb"(from [^()\s;]+(?: \([^()\r\n]*\))?\s+)?by mail\.example\.org\b", received[0]), received[0]
    assert received[0].count(b"by mail.example.org") == 1
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", received[0])


# --- H2, H3: parameters

BAD_MAIL = [b"ENVID=a b", b"ENVID=+ZZ", b"ENVID=+0", b"ENVID=+0d", b"ENVID=" + b"x" * 101, b"ENVID=", b"ENVID",
            b"ENVID=a=b", b"AUTH=<", b"AUTH=", b"AUTH=+ZZ", b"RET=BOTH", b"RET=", b"RET", b"BODY=9BIT", b"BODY=", b"BODY=BINARYMIME",
            b"FOO=BAR", b"FOO", b"ENVID=a ENVID=b", b"SIZE=1 SIZE=2", b"RET=FULL RET=HDRS", b"BODY=7BIT BODY=8BITMIME", b"SMTPUTF8 SMTPUTF8",
            b"AUTH=<> AUTH=<>", b"SMTPUTF8=1", b"NOTIFY=NEVER", b"ORCPT=rfc822;a@b", b"=x", b"-X=1", b"X Y=1", b"SIZE =1", b"SIZE= 1", b"HOLDFOR=100",
            b"BY=100;R", b"MT-PRIORITY=9", b"REQUIRETLS", b"ENVID=\xc3\xa9", b"ENVID=a\0b", b"ENVID=a\x01b"]


@pytest.mark.sanitize
@pytest.mark.parametrize("parameter", BAD_MAIL)
def test_H02_bad_parameters_of_mail(gate, parameter):
    with gate.session() as wire:
        reply = wire.command(ALICE + b" " + parameter)
        assert reply.code in (501, 504, 555) or (reply.code == 500 and re.search(rb"[\0-\x1f]", parameter)), reply
        wire.expect(503, b"RCPT TO:<u@example.net>")


@pytest.mark.parametrize("parameter", [b"ENVID=a+0D+0AX", b"AUTH=bob+0A@x", b"ENVID=+00", b"ENVID=+1B", b"ENVID=+7F"])
def test_H02_control_bytes_in_xtext_of_mail(gate, sink, token, parameter):
    """Refused, or kept encoded for ever."""
    with gate.session() as wire:
        reply = wire.command(ALICE + b" " + parameter)
        if reply.code != 250:
            assert reply.code in (501, 555)
            return
        wire.expect(250, b"RCPT TO:<bounce@example.net> NOTIFY=FAILURE")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    notice = wait_for_notice(sink, token)
    assert is_clean(notice.raw) and b"\r\nX\r\n" not in notice.raw


BAD_RCPT = [b"ORCPT=rfc822;", b"ORCPT=", b"ORCPT=rfc822", b"ORCPT=;a@b", b"ORCPT=a+0D;x", b"ORCPT=rfc822;" + b"x" * 900, b"ORCPT=rfc822;a b",
            b"ORCPT=rfc822;+ZZ", b"ORCPT=utf-8;\\x{D800}", b"ORCPT=utf-8;\\x{110000}", b"ORCPT=utf-8;\\x{0A}", b"ORCPT=utf-8;\\x{}", b"ORCPT=utf-8;\\x{41",
            b"NOTIFY=NEVER,SUCCESS", b"NOTIFY=", b"NOTIFY", b"NOTIFY=SUCCESS,", b"NOTIFY=,SUCCESS", b"NOTIFY=ALWAYS", b"NOTIFY=SUCCESS FAILURE",
            b"NOTIFY=NEVER NOTIFY=NEVER", b"ORCPT=rfc822;a@b ORCPT=rfc822;a@b", b"FOO=BAR", b"SIZE=1", b"BODY=7BIT", b"ENVID=x", b"RET=FULL", b"NOTIFY=FAILURE,NEVER",
            b"RRVS=2014-04-03T23:01:00Z"]


@pytest.mark.sanitize
@pytest.mark.parametrize("parameter", BAD_RCPT)
def test_H02_bad_parameters_of_rcpt(gate, parameter):
    with gate.session() as wire:
        wire.expect(250, ALICE)
        assert wire.command(b"RCPT TO:<u@example.net> " + parameter).code in (501, 555)
        wire.expect(5, b"DATA")


def wait_for_notice(sink, token):
    """The failure notice about the message with the token."""
    return sink.wait_for(lambda m: m.sender == b"" and token in m.raw, 20)


def parse_notice(notice):
    """(whole message, per-message fields, list of per-recipient fields), parsed strictly."""
    policy = email.policy.SMTP.clone(raise_on_defect=True)
    whole = email.message_from_bytes(notice.content, policy=policy)
    assert whole.get_content_type() == "multipart/report"
    assert whole.get_param("report-type") == "delivery-status"
    parts = list(whole.iter_parts())
    assert [p.get_content_type() for p in parts][1] == "message/delivery-status"
    assert parts[0].get_content_type() == "text/plain"
    blocks = parts[1].get_payload()
    return whole, blocks[0], blocks[1:], parts


@pytest.mark.parametrize("envid,decoded", [(b"abc", "abc"), (b"QQ314159", "QQ314159"), (b"a+2Bb+3Dc", "a+b=c"), (b"x" * 100, "x" * 100),
                                           (b"A+20B", "A B"), (b"<a@b>", "<a@b>"), (b"+28paren+29", "(paren)")])
def test_H03_parameters_come_back_exactly(gate, sink, token, envid, decoded):
    with gate.session() as wire:
        wire.expect(250, ALICE + b" RET=HDRS ENVID=" + envid)
        wire.expect(250, b"RCPT TO:<bounce@example.net> NOTIFY=FAILURE ORCPT=rfc822;Bounce+2Bx@example.net")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    notice = wait_for_notice(sink, token)
    assert is_clean(notice.raw)
    assert [address for address, _ in notice.recipients] == [b"alice@example.org"]
    whole, message, recipients, parts = parse_notice(notice)
    assert message["Original-Envelope-Id"] == decoded
    assert message["Reporting-MTA"] == "dns; mail.example.org" or message["Reporting-MTA"] == "dns;mail.example.org"
    (fields,) = recipients
    assert fields["Original-Recipient"].replace("; ", ";") in ("rfc822;Bounce+x@example.net", "rfc822;Bounce+2Bx@example.net")
    assert fields["Final-Recipient"].replace("; ", ";") == "rfc822;bounce@example.net"
    assert fields["Action"] == "failed" and fields["Status"] == "5.1.1"
    assert "550 5.1.1 no such user here" in fields["Diagnostic-Code"]
    assert parts[2].get_content_type() in ("text/rfc822-headers", "message/rfc822-headers")
    assert whole["Auto-Submitted"] == "auto-replied" and whole["To"]


@pytest.mark.parametrize("original", [b"rfc822;a+0D+0AX: y@b", b"rfc822;a+0Ab@x", b"rfc822;a+00b@x", b"x-odd;+0D+0A+0D+0A--boundary"])
def test_H03_nothing_is_injected_by_orcpt(gate, sink, token, original):
    with gate.session() as wire:
        wire.expect(250, ALICE)
        reply = wire.command(b"RCPT TO:<bounce@example.net> ORCPT=" + original.replace(b" ", b"+20"))
        if reply.code != 250:
            assert reply.code == 501
            return
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    notice = wait_for_notice(sink, token)
    assert is_clean(notice.raw)
    _, _, recipients, _ = parse_notice(notice)
    (fields,) = recipients
    assert set(fields.keys()) <= {"Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code",
                                  "Last-Attempt-Date", "Final-Log-ID", "Will-Retry-Until"}


# --- H4: the log

LOG_LINE = re.compile(
    r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|notice|warning|error) [a-z]+\[\d+\] [a-z0-9.-]+'
    r'( [a-z0-9-]+=([!#-<>-\[\]-~]+|"([ !#-\[\]-~]|\\["\\]|\\x[0-9a-f]{2})*"))*$')
EVIL = [b"a\nb", b"a\r\nb login.accepted login=root", b"a\x1b[2Jb", b"a\x9bb", b'a"b', b'a" login="root', b"a=b", b"a b=c", b"a\\", b"\xff" * 20,
        b"x" * 4096, "\u202egnp".encode(), b"\0", b"%s%n%x", b"' or 1=1"]


@pytest.fixture(scope="module")
def plain_log(make_gate, sink):
    daemon = make_gate(routes={"*": sink.target}, log={"format": "text"},
                       permits='permit "authenticated" { rights = { submit, relay } }\n')
    warm(daemon)
    return daemon


def poke(gate, evil):
    """The evil text in every place that may be logged."""
    with gate.secure() as wire:
        wire.command(b"EHLO " + evil.replace(b"\r\n", b" ").replace(b"\n", b" ")[:400])
        wire.command(b"AUTH PLAIN " + plain(evil, b"x"))
        wire.command(b"AUTH PLAIN " + plain(b"alice", b"alicepw", evil))
        wire.command(b"AUTH " + evil.replace(b"\n", b"")[:100])
        wire.expect(334, b"AUTH LOGIN")
        if wire.command(b64(evil)).code == 334:
            wire.command(b64("x"))
    with gate.session() as wire:
        inner = evil.replace(b"\r\n", b"").replace(b"\n", b"")[:400]
        for command in (b"MAIL FROM:<" + inner + b"@example.org>", b'MAIL FROM:<"' + inner + b'"@example.org>', ALICE + b" ENVID=" + inner,
                        ALICE):
            wire.command(command)
        wire.command(b'RCPT TO:<"' + inner + b'"@example.net>')
        wire.command(b"RCPT TO:<" + inner + b"@example.net>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        token = new_token()
        wire.send(stuffed(letter(token, more=b"X-Evil: " + inner + b"\r\n").replace(b"client.example.org>", inner + b">")) + b".\r\n")
        wire.reply()


def raw_log(daemon):
    with open(os.path.join(daemon.path, "log"), "rb") as log:
        return log.read()


@pytest.mark.parametrize("evil", EVIL)
def test_H04_one_event_is_one_line(plain_log, evil):
    before = len(raw_log(plain_log))
    poke(plain_log, evil)
    until(lambda: len(raw_log(plain_log)) > before, 5, "events")
    plain_log.wait_until_queue_is_empty()
    for line in raw_log(plain_log)[before:].split(b"\n"):
        if not line:
            continue
        assert not re.search(rb"[^\x20-\x7e]", line), line
        text = line.decode("ascii")
        assert LOG_LINE.match(text), text
        for value in re.findall(r'"((?:[^"\\]|\\.)*)"', text):
            assert len(re.sub(r"\\x..|\\.", "x", value)) <= 1024 + 3


# --- H5: what the next hop says

HOP_REPLIES = {
    "control": ("END", b"250 2.0.0 \x1b[2J\x07 ok\r\n", "delivered"),
    "no_text": ("END", b"250\r\n", "delivered"),
    "no_text_blank": ("END", b"250 \r\n", "delivered"),
    "odd_status": ("END", b"250 5.0.0 fine\r\n", "delivered"),
    "refusal_with_2": ("RCPT", b"550 2.0.0 not fine\r\n", "failed"),
    "control_refusal": ("RCPT", b"550 5.1.1 \x1b[2J\x00\x07\x9b bad\r\n", "failed"),
    "bare_cr": ("RCPT", b"550 5.1.1 one\rX-Injected: two\r\n", "any"),
    "eight_bit": ("RCPT", b"550 5.1.1 \xff\xfe\xc3\x28\r\n", "failed"),
    "many_lines": ("RCPT", b"".join(b"550-5.1.1 line %d\r\n" % i for i in range(80)) + b"550 5.1.1 end\r\n", "failed"),
    "refusal_no_text": ("RCPT", b"550\r\n", "failed"),
    "crlf_as_text": ("RCPT", b"550 5.1.1 a\\r\\nRCPT TO:<x>\r\n", "failed"),
    "tempfail": ("RCPT", b"450 4.2.0 \x1b later\r\n", "kept"),
    "long": ("END", b"250 " + b"x" * 100_000 + b"\r\n", "any"),
    "long_refusal": ("RCPT", b"550 " + b"x" * 100_000 + b"\r\n", "any"),
    "lines_500": ("RCPT", b"550-x\r\n" * 500 + b"550 x\r\n", "any"),
    "endless": ("RCPT", None, "kept"),
    "no_code": ("RCPT", b"what\r\n", "kept"),
    "code_000": ("RCPT", b"000 zero\r\n", "kept"),
    "code_999": ("RCPT", b"999 nine\r\n", "kept"),
    "code_2x0": ("RCPT", b"2x0 ok\r\n", "kept"),
    "code_25": ("RCPT", b"25 ok\r\n", "kept"),
    "code_2500": ("RCPT", b"2500 ok\r\n", "kept"),
    "code_354": ("RCPT", b"354 go\r\n", "kept"),
    "mixed_codes": ("RCPT", b"250-yes\r\n550 no\r\n", "kept"),
    "two_replies": ("MAIL", b"250 2.1.0 ok\r\n250 2.1.5 ok too\r\n", "any"),
    "end_354": ("END", b"354 more\r\n", "kept"),
    "banner_junk": ("CONNECT", b"\x00\x01\x02\r\n", "kept"),
    "banner_500": ("CONNECT", b"500 no\r\n", "any"),
    "lf_only": ("RCPT", b"550 5.1.1 bare\n", "any"),
}


def endless_reply(sink, session, talk):
    try:
        for _ in range(200_000):
            talk.send(b"250-more and more and more\r\n")
    except OSError:
        pass
    return None


@pytest.fixture(scope="module")
def sayers():
    hops = {}
    for name, (verb, reply, _) in HOP_REPLIES.items():
        hops[name] = Sink(keywords=(b"PIPELINING", b"8BITMIME"), script={verb: endless_reply if name == "endless" else reply})
    yield hops
    for hop in hops.values():
        hop.stop()


@pytest.fixture(scope="module")
def gate(make_gate, sink, sayers):
    routes = {f"{name.replace('_', '-')}.test": hop.target for name, hop in sayers.items()}
    daemon = make_gate(routes={"*": sink.target, **routes}, extra="queue { retry = { 1h } }\n"
                       "relay { greet-wait = 3s command-wait = 3s end-wait = 3s }\n")
    warm(daemon)
    return daemon


@pytest.mark.sanitize
@pytest.mark.parametrize("name", HOP_REPLIES)
def test_H05_what_the_next_hop_says(gate, sayers, sink, token, name):
    """CVE-2020-8794: classified by a well formed code alone, and never copied raw."""
    hop = sayers[name]
    domain = f"{name.replace('_', '-')}.test"
    with gate.session() as wire:
        assert deliver(wire, letter(token), recipient=b"u@" + domain.encode()).code == 250

    def settled():
        if hop.with_token(token) and not gate.queue():
            return "delivered"
        if any(m.sender == b"" and token in m.raw for m in sink.messages):
            return "failed"
        return "kept" if gate.tried(f"u@{domain}") else None

    became = until(settled, 30, lambda: f"an outcome\n{gate.story(10)}")
    wanted = HOP_REPLIES[name][2]
    assert wanted in ("any", became), became
    for message in sink.messages:
        if message.sender == b"" and token in message.raw:
            assert is_clean(message.raw)
            assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x9b]", message.raw)
            _, _, (fields,), _ = parse_notice(message)
            assert "X-Injected" not in fields and len(fields["Diagnostic-Code"]) < 2000
    gate.empty_queue()


# --- H6, H7: what a message carries

@pytest.mark.parametrize("more", [b"X-Odd: a\rb\r\n", b"X-Odd: a\0b\r\n", b"X-Odd: \x1b[2J\r\n", b"X-Odd: \xff\xfe\r\n", b"X-Odd: a\x0bb\r\n"])
def test_H06_odd_header_bytes_in_a_notice(gate, sink, token, more):
    with gate.session() as wire:
        reply = deliver(wire, letter(token, more=more), recipient=b"bounce@example.net")
    if reply.code != 250:
        assert 500 <= reply.code < 600
        return
    notice = wait_for_notice(sink, token)
    assert is_clean(notice.raw)
    parse_notice(notice)


def test_H07_every_byte_survives_the_spool(make_gate, token):
    """Written, the daemon killed and started anew, read, sent: unchanged."""
    hop = Sink(script={"CONNECT": [b"421 4.3.2 later\r\n"] * 3})
    daemon = make_gate(routes={"*": hop.target}, extra="queue { retry = { 1s } }\n")
    local = bytes(c for c in range(32, 127) if c not in b'"\\')[:60]
    rest = bytes(c for c in range(32, 127) if c not in b'"\\')[60:]
    every = bytes(c for c in range(256) if c not in b"\0\r\n")
    sent = letter(token, b"body " + every + b"\r\n" + b"." + every + b"\r\n",
                  more=b"X-Bytes: " + "".join(map(chr, [*range(33, 127), *range(160, 512)])).encode() + b"\r\n")
    with daemon.session() as wire:
        wire.expect(250, ALICE + b" BODY=8BITMIME SMTPUTF8 ENVID=" + b"".join(
            bytes([c]) if chr(c).isalnum() else b"+%02X" % c for c in range(33, 127))[:95].rsplit(b"+", 1)[0])
        for part in (local, rest):
            wire.expect(250, b'RCPT TO:<"' + part + b'"@example.net>')
        wire.expect(354, b"DATA")
        wire.send(stuffed(sent) + b".\r\n")
        assert wire.reply().code == 250
    daemon.kill()
    daemon.start()
    message = hop.wait_for_token(token, 30)
    # RFC 5321 4.1.2: quotes that are not needed are not part of the name
    assert [address.replace(b'"', b"") for address, _ in message.recipients] == [local + b"@example.net", rest + b"@example.net"]
    assert message.content.endswith(sent)
    hop.stop()


# --- H8: replies

ECHO = [b"<script>alert(1)</script>", b"\x1b[2J", b"250 ok", b"x" * 1000, b"%s%n", b"\xff\xfe", b'"', b"a\x00b", b"a\rb"]


@pytest.mark.sanitize
@pytest.mark.parametrize("text", ECHO)
@pytest.mark.parametrize("where", [b"%s", b"EHLO %s", b"MAIL FROM:<%s>", b"MAIL FROM:<alice@example.org> %s=1", b"AUTH %s", b"VRFY %s", b"STARTTLS %s"])
def test_H08_replies_hold_nothing_dangerous(gate, text, where):
    with gate.secure() as wire:
        try:
            reply = wire.command(where.replace(b"%s", text))
        except Closed:
            return
        for line in reply.lines:
            assert len(line) <= 510 and not re.search(rb"[\x00-\x1f\x7f-\xff]", line), line
        wire.command(b"NOOP")
        assert not wire.pending
