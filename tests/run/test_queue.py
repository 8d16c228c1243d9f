# SPDX-License-Identifier: BSD-2-Clause
"""The way of mail through the queue: retries, notices, holds, large bodies, limits, stop and start."""
import base64
import email
import email.policy
import email.utils
import hashlib
import os
import re
import socket
import threading

import pytest

from rig.deadline import until
from rig.judge import deliver, letter
from rig.sink import Gone, Sink

STRICT = email.policy.SMTP.clone(raise_on_defect=True)
QUEUE = "queue { retry = { 1s } }\n"
WITHOUT_DSN = (b"PIPELINING", b"SIZE 104857600", b"8BITMIME", b"SMTPUTF8", b"ENHANCEDSTATUSCODES")


@pytest.fixture(scope="module")
def hops(sink):
    """One next hop for each domain; the sink takes all other mail, notices among it."""
    made = {"one": Sink(), "two": Sink(), "plain": Sink(keywords=WITHOUT_DSN), "lmtp": Sink("lmtp", keywords=WITHOUT_DSN)}
    yield made
    for hop in made.values():
        hop.stop()


@pytest.fixture(scope="module")
def routes(hops, sink):
    return {**{f"{name}.test": hop.target for name, hop in hops.items()}, "*": sink.target}


@pytest.fixture(scope="module")
def gate(make_gate, routes):
    return make_gate(routes=routes, extra=QUEUE)


@pytest.fixture(autouse=True)
def clean(hops, sink):
    yield
    for hop in [*hops.values(), sink]:
        hop.script.clear()


def submit(gate, token, recipients, sender=b"alice@example.org", mail=b"", more=b"", body=b""):
    """One message; recipients may carry parameters of RCPT behind a blank. The id."""
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<" + sender + b">" + mail)
        for recipient in recipients:
            address, _, parameters = recipient.partition(b" ")
            wire.expect(250, b"RCPT TO:<" + address + b">" + (b" " + parameters if parameters else b""))
        wire.expect(354, b"DATA")
        wire.send(letter(token, more=more, body=body) + b".\r\n")
        reply = wire.reply()
        assert reply.code == 250, reply
        return reply.text.split()[-1]


class Report:
    """A notice, read strictly."""

    def __init__(self, message):
        assert message.sender == b""
        assert [address for address, _ in message.recipients] == [b"alice@example.org"]
        self.whole = email.message_from_bytes(message.content, policy=STRICT)
        assert self.whole.get_content_type() == "multipart/report"
        assert self.whole.get_param("report-type") == "delivery-status"
        assert self.whole["Auto-Submitted"] == "auto-replied"
        assert [a.addr_spec for a in self.whole["To"].addresses] == ["alice@example.org"]
        assert [a.addr_spec for a in self.whole["From"].addresses] == ["postmaster@mail.example.org"]
        assert self.whole["Message-ID"] and email.utils.parsedate_to_datetime(self.whole["Date"])
        self.words, status, self.returned = self.whole.iter_parts()
        assert self.words.get_content_type() == "text/plain"
        assert status.get_content_type() == "message/delivery-status"
        self.message, *self.recipients = status.get_payload()
        assert self.message["Reporting-MTA"] == "dns; mail.example.org" and self.message["Arrival-Date"]
        for recipient in self.recipients:
            assert recipient["Final-Recipient"].startswith("rfc822; ")
            assert re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", recipient["Status"])

    def failed(self):
        return {recipient["Final-Recipient"][8:]: recipient["Status"] for recipient in self.recipients
                if recipient["Action"] == "failed"}

    def actions(self):
        return {recipient["Final-Recipient"][8:]: recipient["Action"] for recipient in self.recipients}


def reports(sink, token):
    token = token.encode() if isinstance(token, str) else token
    return [message for message in sink.messages if message.sender == b"" and token in message.raw]


def wait_for_report(sink, token):
    return Report(sink.wait_for(lambda m: m.sender == b"" and token in m.raw))


# --- later, but delivered

def test_deferred_is_delivered_at_a_later_try(gate, hops, token):
    hops["one"].script["RCPT"] = [b"451 4.7.1 greylisted\r\n"] * 50
    number = submit(gate, token, [b"u@one.test"])
    waiting = gate.wait_until_tried("u@one.test")
    assert waiting["attempts"] >= 1 and waiting["id"] == number
    assert "greylisted" in waiting["reply"]
    assert gate.queue()[0]["due_ms"] > 0
    hops["one"].script.clear()
    hops["one"].wait_for_token(token)
    gate.wait_until_queue_is_empty()
    tracked = gate.ctl_json("track", number)["messages"][0]
    assert tracked["state"] == "delivered" and tracked["recipients"][0]["attempts"] >= 2


def test_a_hop_that_is_down_and_comes_back(make_gate, token):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gate = make_gate(routes={"*": "smtp:127.0.0.1:%d" % closed.getsockname()[1]},
                         extra="queue { retry = { 1h } destination-rest = 200ms }\n")
        for number in range(3):
            submit(gate, token + b"%dx" % number, [b"u%d@down.test" % number])
        for number in range(3):
            assert "refused" in gate.wait_until_tried(f"u{number}@down.test")["reply"]
    hop = Sink()
    try:
        gate.parts["routes"]["*"] = hop.target
        gate.reload()
        assert gate.ctl_json("queue", "flush")["messages"] == 3
        hop.wait_for_token(token, count=3)
        gate.wait_until_queue_is_empty()
        assert len(hop.messages) == 3
    finally:
        hop.stop()


def test_a_hop_that_ends_the_connection_has_another_try(gate, hops, token):
    """No full reply to the end of the message was read, so it may not have been taken."""
    drops = []
    hops["one"].script["END"] = lambda *_: drops.append(1) if not drops else b"250 2.0.0 taken\r\n"
    submit(gate, token, [b"u@one.test"])
    hops["one"].wait_for_token(token)
    gate.wait_until_queue_is_empty()
    assert len(hops["one"].with_token(token)) == 1
    assert drops


# --- notices

def test_permanent_failures_are_told_in_one_notice(gate, hops, sink, token):
    hops["one"].script[("RCPT", rb"bad\d@")] = b"550 5.1.1 <script>no such \xffuser\r\n"
    people = [b"good1@one.test", b"bad1@one.test", b"bad2@one.test", b"good2@one.test",
              b"bad3@one.test ORCPT=rfc822;old@elsewhere.test"]
    submit(gate, token, people, mail=b" ENVID=QQ314159+2B RET=HDRS")
    report = wait_for_report(sink, token)
    gate.wait_until_queue_is_empty()
    assert report.failed() == {f"bad{n}@one.test": "5.1.1" for n in (1, 2, 3)}
    assert len(report.recipients) == 3
    assert report.message["Original-Envelope-Id"] == "QQ314159+"
    assert report.recipients[2]["Original-Recipient"] == "rfc822;old@elsewhere.test"
    assert report.recipients[0]["Original-Recipient"] is None
    assert report.recipients[0]["Diagnostic-Code"].startswith("smtp; 550 5.1.1 ")
    assert "no such" in report.words.get_content() and "bad3@one.test" in report.words.get_content()
    assert report.returned.get_content_type() == "text/rfc822-headers"
    assert token.decode() in report.returned.get_content()
    assert len(reports(sink, token)) == 1
    arrived = hops["one"].with_token(token)
    assert sorted(a for m in arrived for a, _ in m.recipients) == [b"good1@one.test", b"good2@one.test"]


def test_the_whole_message_comes_back_if_asked_for(gate, hops, sink, token):
    hops["one"].script["END"] = b"554 5.7.1 not this\r\n"
    submit(gate, token, [b"u@one.test"], mail=b" RET=FULL", body=b"the body " + token + b"\r\n")
    report = wait_for_report(sink, token)
    assert report.failed() == {"u@one.test": "5.7.1"}
    original = report.returned.get_payload()[0]
    assert report.returned.get_content_type() == "message/rfc822"
    assert original.get_payload().encode() == b"the body " + token + b"\r\n"
    assert original["Bcc"] is None and original["Received"]


@pytest.mark.parametrize("wishes,told", [(b"NEVER", False), (b"DELAY", False), (b"SUCCESS", False),
                                         (b"FAILURE", True), (b"SUCCESS,FAILURE", True)])
def test_who_wants_to_hear_of_failure(gate, hops, sink, token, wishes, told):
    hops["one"].script["RCPT"] = b"550 5.1.1 no such user\r\n"
    number = submit(gate, token, [b"u@one.test NOTIFY=" + wishes])
    if told:
        assert wait_for_report(sink, token).failed() == {"u@one.test": "5.1.1"}
    gate.wait_until_queue_is_empty()
    assert len(reports(sink, token)) == told
    tracked = {m["id"]: m["state"] for m in gate.ctl_json("track", number)["messages"]}
    assert tracked == {number: "failed", **({number + ".F0": "delivered"} if told else {})}


@pytest.mark.parametrize("hop,action", [("one", None), ("plain", "relayed"), ("lmtp", "delivered")])
def test_success_is_told_where_the_hop_does_not(gate, hops, sink, token, hop, action):
    """RFC 3461 5.2.7, 6.2: what a hop with DSN is asked, we do not do as well."""
    address = b"u@%s.test" % hop.encode()
    submit(gate, token, [address + b" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;u@old.test"], mail=b" ENVID=e1 RET=HDRS")
    message = hops[hop].wait_for_token(token)
    if action:
        report = wait_for_report(sink, token)
        assert report.actions() == {address.decode(): action}
        assert report.recipients[0]["Status"].startswith("2.")
        assert report.recipients[0]["Original-Recipient"] == "rfc822;u@old.test"
        assert report.message["Original-Envelope-Id"] == "e1"
    gate.wait_until_queue_is_empty()
    assert len(reports(sink, token)) == bool(action)
    if hop != "one":
        return
    assert b"ENVID=e1" in message.parameters and b"RET=HDRS" in message.parameters
    assert message.recipients[0][1] == [b"NOTIFY=SUCCESS,FAILURE", b"ORCPT=rfc822;u@old.test"]


def test_a_thousand_failures_are_one_notice(gate, hops, sink, token):
    hops["one"].script["RCPT"] = b"550 5.1.1 " + b"no such user here, sorry " * 15 + b"\r\n"
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org> RET=HDRS")
        wire.send(b"".join(b"RCPT TO:<nobody%d@one.test>\r\n" % n for n in range(1000)))
        assert all(reply.code == 250 for reply in wire.replies(1000))
        wire.expect(354, b"DATA")
        wire.send(letter(token, body=b"x" * 900 + b"\r\n") + b".\r\n")
        assert wire.reply().code == 250
    report = wait_for_report(sink, token)
    gate.wait_until_queue_is_empty()
    assert len(report.recipients) == len(report.failed()) == 1000
    assert len(reports(sink, token)) == 1


def test_expiry_and_delay_are_told(make_gate, hops, sink, routes, token):
    gate = make_gate(routes=routes, extra="queue { retry = { 1s } expiry = 3s delay-notice = 1s }\n")
    hops["one"].script["RCPT"] = b"451 4.2.1 mailbox busy\r\n"
    submit(gate, token, [b"u@one.test", b"quiet@one.test NOTIFY=FAILURE"])
    sink.wait_for(lambda m: m.sender == b"" and token in m.raw and b"Action: failed" in m.raw)
    gate.wait_until_queue_is_empty()
    delay, failure = [Report(message) for message in reports(sink, token)]
    assert delay.actions() == {"u@one.test": "delayed"}
    assert delay.recipients[0]["Will-Retry-Until"] and delay.recipients[0]["Status"] == "4.2.1"
    assert failure.failed() == {"u@one.test": "5.4.7", "quiet@one.test": "5.4.7"}
    # The hop is quoted as it spoke.
    assert failure.recipients[0]["Diagnostic-Code"] == "smtp; 451 mailbox busy"
    assert "busy" in failure.words.get_content()


# --- recipients apart

@pytest.mark.parametrize("hop", ["one", "lmtp"])
def test_I13_recipients_meet_different_fates(gate, hops, sink, token, hop):
    """One is delivered once, one is tried again, one comes back, whether by RCPT or (LMTP) at the end."""
    sink_of = hops[hop]
    verb = "END" if hop == "lmtp" else "RCPT"
    again = []

    def once(*_):
        again.append(1)
        return b"450 4.2.0 again later\r\n" if len(again) == 1 else b"250 2.1.5 well now\r\n"
    sink_of.script[(verb, rb"later@")] = once
    sink_of.script[(verb, rb"never@")] = b"550 5.1.1 no such user\r\n"
    people = [name + b"@%s.test" % hop.encode() for name in (b"well", b"later", b"never")]
    submit(gate, token, people)
    assert wait_for_report(sink, token).failed() == {f"never@{hop}.test": "5.1.1"}
    gate.wait_until_queue_is_empty()
    found = [m for m in sink_of.with_token(token)]
    assert sorted(address for m in found for address, _ in m.recipients) == sorted(people[:2])
    assert len(reports(sink, token)) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_I14_a_wrong_number_of_replies_by_lmtp(gate, hops, sink, token, count):
    """Too few are waited for in vain; too many end the connection. Nobody is left out or told twice."""
    people = [b"a@lmtp.test", b"b@lmtp.test"]

    def odd(sink_, session, talk):
        talk.sink.script.pop("END", None)
        for _ in range(count):
            talk.send(b"250 2.0.0 odd\r\n")
        raise Gone
    hops["lmtp"].script["END"] = odd
    number = submit(gate, token, people)
    gate.wait_until_queue_is_empty()
    rows = gate.ctl_json("track", number)["messages"][0]["recipients"]
    assert {row["state"] for row in rows} <= {"delivered"} and len(rows) == 2
    assert not reports(sink, token)


def test_one_message_to_many_hops(gate, hops, sink, token):
    body = os.urandom(200_000).hex().encode()
    body = b"\r\n".join(body[n:n + 76] for n in range(0, len(body), 76)) + b"\r\n"
    submit(gate, token, [b"u@one.test", b"u@two.test", b"u@lmtp.test", b"u@else.test"], body=body)
    for hop in (hops["one"], hops["two"], hops["lmtp"], sink):
        assert hop.wait_for_token(token).body == body
        assert len(hop.with_token(token)[0].recipients) == 1
    gate.wait_until_queue_is_empty()
    assert not os.listdir(f"{gate.path}/state/queue/body")


# --- what the hop can do

UMLAUT = "grün".encode()


@pytest.fixture
def bare(make_gate, sink):
    """(daemon, hop): this hop has none of the extensions."""
    hop = Sink(keywords=(b"SIZE 1000000",))
    yield make_gate(routes={"bare.test": hop.target, "*": sink.target}, extra=QUEUE), hop
    hop.stop()


def test_L6_a_hop_without_extensions(bare, sink, token):
    """Plain mail goes as it is, without parameters that the hop does not know."""
    gate, hop = bare
    submit(gate, token, [b"u@bare.test NOTIFY=FAILURE ORCPT=rfc822;u@old.test"], mail=b" RET=HDRS ENVID=e7 BODY=8BITMIME")
    message = hop.wait_for_token(token)
    assert all(word.startswith(b"SIZE=") for word in message.parameters), message.parameters
    assert message.recipients == [(b"u@bare.test", [])]
    gate.wait_until_queue_is_empty()
    assert not reports(sink, token)


def test_L6_eight_bits_to_a_hop_of_seven(bare, sink, token):
    """Converted, or returned: never sent raw, never held for ever."""
    gate, hop = bare
    submit(gate, token, [b"u@bare.test"], mail=b" BODY=8BITMIME", body=b"not seven bits: \xc3\xa4\r\n",
           more=b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n")
    gate.wait_until_queue_is_empty()
    for message in hop.with_token(token):
        assert not [byte for byte in message.raw if byte > 127]
        assert b"\xc3\xa4" in email.message_from_bytes(message.content).get_payload(decode=True)
    if not hop.with_token(token):
        assert wait_for_report(sink, token).failed() == {"u@bare.test": "5.6.3"}


@pytest.mark.parametrize("where", ["address", "header"])
def test_L6_utf8_to_a_hop_without(bare, sink, token, where):
    gate, hop = bare
    recipient = UMLAUT + b"@bare.test" if where == "address" else b"u@bare.test"
    more = b"" if where == "address" else b"Comments: " + UMLAUT + b"\r\n"
    start = len(gate.events)
    number = submit(gate, token, [recipient], mail=b" SMTPUTF8 BODY=8BITMIME", more=more)
    # Not read strictly: Python knows no base64 in the parts of RFC 6533.
    notice = email.message_from_bytes(
        sink.wait_for(lambda m: m.sender == b"" and number.encode() in m.header).content, policy=email.policy.SMTP)
    words, status, returned = notice.iter_parts()
    report = status.get_payload(0).get_payload().encode()
    if status["Content-Transfer-Encoding"] == "base64":
        report = base64.b64decode(report)
    assert b"Status: 5.6.7" in report and b"Diagnostic-Code" not in report
    assert recipient.decode() in words.get_content() and " said: " not in words.get_content()
    if where == "address":
        assert b"Final-Recipient: utf-8; " + recipient + b"\r\n" in report
        assert returned.get_content_type() == "message/global"
    gate.wait_for_event("queue.result", {"id": number, "to": recipient.decode()}, start=start)
    gate.wait_until_queue_is_empty()
    assert not hop.with_token(token)


def test_L6_size_is_told_before_the_message(bare, sink, token):
    gate, hop = bare
    submit(gate, token, [b"u@bare.test"], body=(b"x" * 78 + b"\r\n") * 15000)
    assert wait_for_report(sink, token).failed() == {"u@bare.test": "5.3.4"}
    gate.wait_until_queue_is_empty()
    assert not hop.with_token(token)


# --- large ones

@pytest.mark.parametrize("size", [64 * 1024, 1_000_000, 20_000_000])
@pytest.mark.parametrize("by", ["DATA", "BDAT"])
def test_large_messages_arrive_bit_by_bit(gate, sink, token, size, by):
    line = bytes(range(32, 127)) + b"\xc3\xa4\x80\xff"
    lines = [b"." * (n % 3) + line[n % 50:] + b"%d\r\n" % n for n in range(2 + size // 80)]
    body = b"".join(lines)
    sent = letter(token, body=body[:size - 2] + b"\r\n")
    with gate.session(seconds=60) as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org> BODY=8BITMIME SIZE=%d" % len(sent))
        wire.expect(250, b"RCPT TO:<u@example.net>")
        if by == "DATA":
            wire.expect(354, b"DATA")
            wire.send(re.sub(rb"(?m)^\.", b"..", sent) + b".\r\n")
        else:
            half = len(sent) // 2
            wire.send(b"BDAT %d\r\n" % half + sent[:half])
            assert wire.reply().code == 250
            wire.send(b"BDAT %d LAST\r\n" % (len(sent) - half) + sent[half:])
        assert wire.reply().code == 250
    message = sink.wait_for_token(token, seconds=30)
    assert b"BODY=8BITMIME" in message.parameters
    assert hashlib.sha256(message.body).digest() == hashlib.sha256(sent.partition(b"\r\n\r\n")[2]).digest()


# --- held, limited, full

def test_held_mail_waits_for_the_administrator(gate, hops, token):
    hops["one"].script["RCPT"] = [b"451 4.7.1 later\r\n"]
    number = submit(gate, token, [b"u@one.test"])
    gate.wait_until_tried("u@one.test")
    gate.ctl("queue", "hold", number, "--reason", "looks odd")
    assert [(m["id"], m["held"], m["reason"]) for m in gate.queue()] == [(number, True, "looks odd")]
    gate.ctl("queue", "flush")
    gate.ctl("queue", "flush", number, check=False)
    submit(gate, token + b"next", [b"u@one.test"])
    hops["one"].wait_for_token(token + b"next")
    assert [m for m in hops["one"].with_token(token) if token + b"next" not in m.raw] == []
    gate.ctl("queue", "release", number)
    hops["one"].wait_for_token(token, count=2)
    gate.wait_until_queue_is_empty()


def test_mail_over_the_hourly_limit_is_held(make_gate, sink, token):
    gate = make_gate(routes={"*": sink.target}, extra=QUEUE,
                     limits={"messages-per-hour": "2", "over": "hold", "held-messages": "1"})
    numbers = [submit(gate, token + b"%dx" % n, [b"u@example.net"]) for n in range(3)]
    with gate.session() as wire:
        reply = deliver(wire, letter(token))
        assert (reply.code, reply.enhanced[0]) == (452, "4"), reply
    held = [m for m in gate.queue() if m["held"]]    # not the notices of it, which may still be there
    assert [m["id"] for m in held] == [numbers[2]], held
    assert "hour" in held[0]["reason"]
    gate.ctl("queue", "release", numbers[2])
    sink.wait_for_token(token, count=3)


def test_no_more_connections_than_allowed(make_gate, hops, sink, token):
    """And one destination that hangs does not keep the others from their mail."""
    gate = make_gate(routes={"one.test": {"to": f'"{hops["one"].target}"', "concurrency": "3"},
                             "*": sink.target}, extra=QUEUE)
    busy = threading.Event()
    hops["one"].script["DATA"] = busy
    before = len(hops["one"].sessions)
    for number in range(8):
        submit(gate, token + b"%dx" % number, [b"u%d@one.test" % number])
    submit(gate, token + b"other", [b"u@example.net"])
    sink.wait_for_token(token + b"other")

    def waiting():
        return [s for s in hops["one"].sessions[before:] if s.commands and s.commands[-1][0] == "DATA"]
    until(lambda: len(waiting()) == 3, 5, "three of them")
    assert len(hops["one"].sessions) - before == 3
    busy.set()
    del hops["one"].script["DATA"]
    hops["one"].wait_for_token(token, count=8)
    gate.wait_until_queue_is_empty()
    assert len(hops["one"].sessions) - before <= 6
    assert len(hops["one"].with_token(token)) == 8


def test_a_full_queue_puts_off_and_takes_again(make_gate, hops, routes, token):
    gate = make_gate(routes=routes, extra="queue { retry = { 1h } messages = 2 }\n")
    hops["one"].script["RCPT"] = b"451 4.7.1 later\r\n"
    numbers = [submit(gate, token + b"%dx" % n, [b"u%d@one.test" % n]) for n in range(2)]

    def told():
        with gate.session() as wire:
            return wire.command(b"MAIL FROM:<alice@example.org>")
    until(lambda: (reply := told()).code == 452 and reply.enhanced == "4.3.1", 5, told)
    for number in numbers:
        gate.ctl("queue", "delete", number)
    until(lambda: told().code == 250, 5, told)


# --- over the end of the daemon

def test_mail_outlives_stop_and_start(make_gate, hops, routes, token):
    gate = make_gate(routes=routes, extra="queue { retry = { 1h } }\n")
    body = b"z" * 70 + b"\r\n"
    hops["one"].script["RCPT"] = b"451 4.7.1 later\r\n"
    small = submit(gate, token + b"small", [b"u@one.test"])
    large = submit(gate, token + b"large", [b"v@one.test"], body=body * 5000)
    held = submit(gate, token + b"held", [b"w@one.test"])
    for address in ("u@one.test", "v@one.test", "w@one.test"):
        gate.wait_until_tried(address)
    gate.ctl("queue", "hold", held)
    before = sorted(gate.queue(), key=lambda m: m["id"])
    gate.stop()
    gate.events.clear()
    gate.start()
    assert sorted(gate.queue(), key=lambda m: m["id"]) == before
    assert [gate.tried(a)["attempts"] for a in ("u@one.test", "v@one.test")] == [1, 1]
    hops["one"].script.clear()
    gate.ctl("queue", "flush")
    hops["one"].wait_for_token(token + b"small")
    assert hops["one"].wait_for_token(token + b"large").body == body * 5000
    assert [m["id"] for m in gate.queue() if m["id"] in (small, large, held)] == [held]
    gate.ctl("queue", "release", held)
    hops["one"].wait_for_token(token + b"held")
    gate.wait_until_queue_is_empty()
    for word in (b"small", b"large", b"held"):
        assert len(hops["one"].with_token(token + word)) == 1
