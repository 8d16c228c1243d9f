# SPDX-License-Identifier: BSD-2-Clause
"""Notices to senders, parsed as strictly as a mail program could: H3, H5, H6, I6, I7, I8, I13."""
import email
import email.policy
import re

import pytest

from rig.judge import letter
from rig.sink import Sink

RETRY = "queue { retry = { 1s }  delay-notice = 0 }\n"


@pytest.fixture(scope="module")
def hop():
    """A next hop that knows DSN, and refuses by name."""
    server = Sink(script={
        ("RCPT", rb"bad"): b"550 5.1.1 nobody here\r\n",
        ("RCPT", rb"worse"): b"550-5.7.1 no\x1b[31m\r\n550 5.7.1 \"way\" <x>\x80\r\n",
        ("RCPT", rb"silent"): b"550\r\n",
    })
    yield server
    server.stop()


@pytest.fixture(scope="module")
def plain_hop():
    """A next hop without DSN."""
    server = Sink(keywords=(b"PIPELINING", b"8BITMIME"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gate(make_gate, hop, plain_hop):
    return make_gate(routes={"*": hop.target, "plain.test": plain_hop.target}, extra=RETRY,
                     base={"postmaster": '"help@example.org"'})


def submit(gate, token, recipients, mail=b"", sender=b"alice@example.org", more=b"", body=b""):
    """recipients: (address, parameters)."""
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<" + sender + b">" + mail)
        for address, parameters in recipients:
            wire.expect(250, b"RCPT TO:<" + address + b">" + parameters)
        wire.expect(354, b"DATA")
        wire.send(letter(token, body, more=more) + b".\r\n")
        assert wire.reply().code == 250


def notices(hop, token):
    return [message for message in hop.with_token(token) if message.sender == b""]


def wait_for_notice(hop, token):
    return parse(hop.wait_for(lambda m: m.sender == b"" and token in m.raw))


class Notice:
    """The parts of one multipart/report, checked for form."""

    def __init__(self, raw):
        lines = raw.split(b"\r\n")
        assert all(b"\r" not in line and b"\n" not in line and b"\0" not in line for line in lines)
        assert max(map(len, lines)) <= 998
        self.root = email.message_from_bytes(raw, policy=email.policy.SMTP)
        assert not self.root.defects, self.root.defects
        assert self.root.get_content_type() == "multipart/report"
        assert self.root.get_param("report-type") == "delivery-status"
        assert self.root["Auto-Submitted"] == "auto-replied"
        parts = list(self.root.iter_parts())
        assert len(parts) == 3 and not any(part.defects for part in parts)
        self.words = parts[0].get_content()
        assert parts[1].get_content_type() == "message/delivery-status"
        self.message, *self.recipients = parts[1].get_payload()
        self.returned = parts[2]

    def recipient(self, address):
        found = [fields for fields in self.recipients
                 if fields["Final-Recipient"] == f"rfc822; {address}"]
        assert len(found) == 1, [dict(fields) for fields in self.recipients]
        return found[0]


def parse(message):
    return Notice(message.content)


def test_h3_fields_are_exact(gate, hop, token):
    submit(gate, token, [(b"bad@example.net", b" ORCPT=rfc822;b+2Bx+20y@orig.example"),
                         (b"good@example.net", b"")], b" ENVID=e+2Bnv+3D1 RET=HDRS")
    notice = wait_for_notice(hop, token)
    assert notice.root["From"] == "Mail Delivery System <help@example.org>"
    assert notice.root["To"] == "alice@example.org"
    assert notice.message["Original-Envelope-Id"] == "e+nv=1"
    assert notice.message["Reporting-MTA"] == "dns; mail.example.org"
    assert len(notice.recipients) == 1
    fields = notice.recipient("bad@example.net")
    assert fields["Original-Recipient"] == "rfc822;b+x y@orig.example"
    assert fields["Action"] == "failed" and fields["Status"] == "5.1.1"
    assert fields["Diagnostic-Code"] == "smtp; 550 5.1.1 nobody here"
    assert fields["Remote-MTA"].startswith("dns; ")
    assert notice.returned.get_content_type() == "text/rfc822-headers"
    assert token.decode() in str(notice.returned.get_payload())
    assert "<bad@example.net>" in notice.words and "nobody here" in notice.words
    gate.wait_until_queue_is_empty()


def test_i8_full_return(gate, hop, token):
    submit(gate, token, [(b"bad@example.net", b"")], b" RET=FULL", body=b"the very words\r\n")
    notice = wait_for_notice(hop, token)
    assert notice.returned.get_content_type() == "message/rfc822"
    assert "the very words" in notice.returned.as_string()


def test_i7_what_is_returned_is_capped(gate, hop, token):
    submit(gate, token, [(b"bad@example.net", b"")], b" RET=FULL", body=b"x" * 78 * 1000 + b"\r\n")
    message = hop.wait_for(lambda m: m.sender == b"" and token in m.raw)
    assert len(message.raw) < 60 * 1024
    assert parse(message).returned.get_content_type() == "text/rfc822-headers"


@pytest.mark.parametrize("name,status,text", [
    (b"worse", "5.7.1", r'smtp; 550 5\.7\.1 no\\x1b\[31m "way" <x>\\x80'),
    (b"silent", "5.0.0", r"smtp; 550\b.*"),
])
def test_h5_replies_of_the_hop(gate, hop, token, name, status, text):
    submit(gate, token, [(name + b"@example.net", b"")])
    fields = wait_for_notice(hop, token).recipients[0]
    assert fields["Status"] == status
    assert re.fullmatch(text, fields["Diagnostic-Code"]), fields["Diagnostic-Code"]


def test_h6_returned_header(gate, hop, token):
    submit(gate, token, [(b"bad@example.net", b"")],
           more=b"X-Part: --=_0123456789\r\nX-Long: " + b"y" * 900 + b"\r\nX-Folded: a\r\n b\r\n")
    notice = wait_for_notice(hop, token)
    returned = str(notice.returned.get_payload())
    assert "X-Folded: a" in returned and "y" * 900 in returned


def test_i8_never(gate, hop, token):
    submit(gate, token, [(b"bad@example.net", b" NOTIFY=NEVER"), (b"good@example.net", b"")])
    hop.wait_for(lambda m: token in m.raw and m.sender != b"")
    gate.wait_until_queue_is_empty()
    assert not notices(hop, token)


def test_i8_success_where_the_hop_knows_no_notices(gate, hop, plain_hop, token):
    submit(gate, token, [(b"one@plain.test", b" NOTIFY=SUCCESS ORCPT=rfc822;one@plain.test"),
                         (b"two@plain.test", b"")], b" ENVID=abc")
    notice = wait_for_notice(hop, token)
    assert len(notice.recipients) == 1
    fields = notice.recipient("one@plain.test")
    assert fields["Action"] == "relayed" and fields["Status"].startswith("2.")
    sent = plain_hop.wait_for_token(token)
    assert not sent.parameters or b"ENVID" not in b" ".join(sent.parameters)


def test_i8_success_is_the_hops_affair(gate, hop, token):
    submit(gate, token, [(b"good@example.net", b" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;g@x.example")],
           b" ENVID=abc RET=HDRS")
    message = hop.wait_for_token(token)
    gate.wait_until_queue_is_empty()
    assert not notices(hop, token)
    assert {b"ENVID=abc", b"RET=HDRS"} <= set(message.parameters)
    assert {b"NOTIFY=SUCCESS,FAILURE", b"ORCPT=rfc822;g@x.example"} <= set(message.recipients[0][1])


def test_i6_a_notice_that_fails(gate, hop, token):
    """The sender's own address is refused: it ends there, and there is never a third message."""
    hop.script[("RCPT", rb"ali@example.org")] = b"550 5.1.1 gone\r\n"
    before = len(gate.events)
    submit(gate, token, [(b"bad@example.net", b"")], sender=b"ali@example.org")
    gate.wait_for_event("queue.untold", start=before)
    gate.wait_until_queue_is_empty()
    assert not hop.with_token(token)


def test_i7_a_thousand_bad_recipients(gate, hop, token):
    recipients = [(b"bad%d@example.net" % number, b"") for number in range(100)]
    submit(gate, token, recipients)
    notice = wait_for_notice(hop, token)
    assert len(notice.recipients) == 100
    assert {fields["Final-Recipient"] for fields in notice.recipients} == {
        f"rfc822; {address.decode()}" for address, _ in recipients}
    gate.wait_until_queue_is_empty()
    assert len(notices(hop, token)) == 1


def test_i13_one_of_each(gate, hop, token):
    """One delivered once, one tried again, one returned once."""
    hop.script[("RCPT", rb"later-" + token)] = b"451 4.2.1 later\r\n"
    later = b"later-" + token + b"@example.net"
    submit(gate, token, [(b"good@example.net", b""), (later, b""), (b"bad@example.net", b"")])
    notice = wait_for_notice(hop, token)
    assert len(notice.recipients) == 1 and notice.recipient("bad@example.net")
    tried = gate.wait_until_tried(later.decode())
    assert tried["state"] == "waiting" and tried["reply"] == "451 4.2.1 later"
    del hop.script[("RCPT", rb"later-" + token)]
    gate.wait_until_queue_is_empty()
    delivered = [address for message in hop.with_token(token) if message.sender
                 for address, _ in message.recipients]
    assert sorted(delivered) == sorted([b"good@example.net", later])
    assert len(notices(hop, token)) == 1
    tracked = gate.ctl_json("track", later.decode())["messages"][0]
    assert tracked["state"] == "failed"
    assert {row["address"]: row["state"] for row in tracked["recipients"]} == {
        "good@example.net": "delivered", later.decode(): "delivered", "bad@example.net": "failed"}
