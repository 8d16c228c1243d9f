# SPDX-License-Identifier: BSD-2-Clause
"""Notices to senders, in every combination of what was asked and what happened, parsed by another's parser."""
import base64
import email
import email.policy
import email.utils
import itertools
import re

import pytest

from rig.judge import letter, new_token
from rig.sink import Sink

QUEUE = "queue { retry = { 1s }  delay-notice = 0 }\n"
UMLAUT = "gr\u00fcn"
DATE = ("Arrival-Date", "Last-Attempt-Date", "Will-Retry-Until")


@pytest.fixture(scope="module")
def hop():
    """A next hop that knows DSN, and refuses by name."""
    server = Sink(script={
        ("RCPT", rb"bad"): b"550 5.1.1 nobody here\r\n",
        ("RCPT", rb"worse"): b"550-5.7.1 no\x1b[31m\r\n550 5.7.1 \"way\" <x>\x80\r\n",
        ("RCPT", rb"silent"): b"550\r\n",
        ("RCPT", rb"late@"): b"451 4.2.1 busy\r\n",
    })
    yield server
    server.stop()


@pytest.fixture(scope="module")
def plain_hop():
    """A next hop without DSN."""
    server = Sink(keywords=(b"PIPELINING", b"8BITMIME", b"SMTPUTF8"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def mailboxes():
    server = Sink(protocol="lmtp", keywords=(b"PIPELINING", b"8BITMIME", b"SMTPUTF8"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def routes(hop, plain_hop, mailboxes):
    return {"*": hop.target, "plain.test": plain_hop.target, "box.test": mailboxes.target}


@pytest.fixture(scope="module")
def gate(make_gate, routes):
    return make_gate(routes=routes, extra=QUEUE, base={"postmaster": '"help@example.org"'},
                     permits=PERMITS)


@pytest.fixture(scope="module")
def hasty(make_gate, routes):
    """Every second try that fails is late already."""
    return make_gate(routes=routes, permits=PERMITS,
                     extra="queue { retry = { 1s }  delay-notice = 1ms }\n")


PERMITS = """permit "authenticated" { rights = { submit, relay } }
permit "login:alice" { send-as = { "%s@example.org" } }
""" % UMLAUT


def submit(gate, token, recipients, mail=b"", sender=b"alice@example.org", more=b"", body=b""):
    """recipients: (address, parameters)."""
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<" + sender + b">" + mail)
        for address, parameters in recipients:
            wire.expect(250, b"RCPT TO:<" + address + b">" + parameters)
        wire.expect(354, b"DATA")
        wire.send(letter(token, body, more=more) + b".\r\n")
        reply = wire.reply()
        assert reply.code == 250, reply
        return reply.text.split()[-1]


def notices(hop, token):
    return [message for message in hop.with_token(token) if message.sender == b""]


def wait_for_notice(hop, token, about=None):
    """about: the number of the message, where what is returned is encoded."""
    mark = about.encode() if about else token
    return Notice(hop.wait_for(lambda m: m.sender == b"" and mark in m.raw).content)


class Notice:
    """The parts of one multipart/report, checked for form; fields of the report by recipient."""

    def __init__(self, raw):
        lines = raw.split(b"\r\n")
        assert all(b"\r" not in line and b"\n" not in line and b"\0" not in line for line in lines)
        assert max(map(len, lines)) <= 998
        self.root = email.message_from_bytes(raw, policy=email.policy.SMTP)
        assert not self.root.defects, self.root.defects
        assert self.root.get_content_type() == "multipart/report"
        assert self.root["Auto-Submitted"] == "auto-replied"
        assert email.utils.parsedate_to_datetime(self.root["Date"])
        assert len(self.root["Message-ID"]) and len(self.root.get_all("From")) == 1
        assert self.root["In-Reply-To"] == self.root["References"] is not None
        words, report, *returned = self.root.iter_parts()
        assert len(returned) <= 1 and not words.defects
        self.words = words.get_content()
        self.type = report.get_content_type()
        self.is_global = self.type == "message/global-delivery-status"
        # RFC 6522 3: the type of the report is that of its second part.
        assert f"message/{self.root.get_param('report-type')}" == self.type
        assert self.is_global or self.type == "message/delivery-status"
        self.message, *self.recipients = self.blocks(report)
        self.returned = returned[0] if returned else None

    @staticmethod
    def blocks(part):
        """The groups of fields, each read as a header. Python knows no base64 in message parts."""
        text = Notice.content(part)
        assert text.endswith("\r\n")
        found = [email.message_from_string(block, policy=email.policy.compat32)
                 for block in text.rstrip().replace("\r\n", "\n").split("\n\n")]
        assert not any(block.defects or block.get_payload() for block in found)
        return found

    @staticmethod
    def content(part):
        """The bytes of a message part as text, whatever its encoding."""
        if part["Content-Transfer-Encoding"] == "base64":
            encoded = part.get_payload(0).get_payload() if part.is_multipart() else part.get_payload()
            return base64.b64decode(encoded).decode()
        return part.as_string().partition("\r\n\r\n")[2]

    def recipient(self, address):
        found = [fields for fields in self.recipients
                 if fields["Final-Recipient"].partition("; ")[2] == address]
        assert len(found) == 1, [dict(fields) for fields in self.recipients]
        return found[0]


# --- every combination

OUTCOMES = {
    # recipient, class of the status, action, says in words
    "failed": ("bad@example.net", "5.1.1", "failed", "could not be delivered"),
    "delayed": ("late@example.net", "4.2.1", "delayed", "not yet been delivered"),
    "relayed": ("good@plain.test", "2.0.0", "relayed", "passed on"),
    "delivered": ("good@box.test", "2.0.0", "delivered", "was delivered"),
}
RETURNS = (None, "HDRS", "FULL")
LETTERS = ("ascii", "recipient", "header", "sender")


@pytest.mark.parametrize("letters", LETTERS)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_I8_every_notice(gate, hasty, hop, outcome, letters):
    """Outcome by RET by ORCPT by what is beyond ASCII: the fields of RFC 3464 and 6533, exactly."""
    server = hasty if outcome == "delayed" else gate
    cases = []
    for ret, orcpt in itertools.product(RETURNS, (False, True)):
        token = new_token()
        cases.append((token, ret, orcpt, send(server, token, outcome, letters, ret, orcpt)))
    for token, ret, orcpt, number in cases:
        check(wait_for_notice(hop, token, number), outcome, letters, ret, orcpt, number)
    if outcome != "delayed":
        gate.wait_until_queue_is_empty()
    for token, _, _, number in cases:
        assert len([m for m in hop.messages if m.sender == b"" and number.encode() in m.raw]) == 1
    if outcome == "delayed":
        hasty.empty_queue()


def address_of(outcome, letters):
    address = OUTCOMES[outcome][0]
    return UMLAUT + address if letters == "recipient" else address


def send(server, token, outcome, letters, ret, orcpt):
    mail = (f" RET={ret}" if ret else "") + " ENVID=e+2Bnv+3D1"
    recipient = " NOTIFY=SUCCESS,FAILURE,DELAY"
    if orcpt:
        recipient += " ORCPT=" + ("utf-8;o\\x{FC}r@orig.example" if letters != "ascii" else "rfc822;o+2Br@orig.example")
    mail += " SMTPUTF8" if letters != "ascii" else ""
    sender = UMLAUT + "@example.org" if letters == "sender" else "alice@example.org"
    more = f"X-Letters: {UMLAUT}\r\n".encode() if letters == "header" else b""
    return submit(server, token, [(address_of(outcome, letters).encode(), recipient.encode())], mail.encode(),
                  sender.encode(), more + b"X-Very-Own: " + token + b"\r\n", b"the very words\r\n")


def check(notice, outcome, letters, ret, orcpt, number):
    _, status, action, says = OUTCOMES[outcome]
    sender = UMLAUT + "@example.org" if letters == "sender" else "alice@example.org"
    assert str(notice.root["To"]) in (sender, f"<{sender}>")
    # The global forms where what is returned needs them: the Received line of it names the recipient.
    assert notice.is_global == (letters != "ascii"), notice.type
    assert says in notice.words and number in notice.words and address_of(outcome, letters) in notice.words
    assert notice.message["Original-Envelope-Id"] == "e+nv=1"
    assert notice.message["Reporting-MTA"] == "dns; mail.example.org"
    assert len(notice.recipients) == 1
    fields = notice.recipients[0]
    kind = "utf-8" if letters == "recipient" else "rfc822"
    assert fields["Final-Recipient"] == f"{kind}; {address_of(outcome, letters)}"
    original = None if not orcpt else "rfc822;o+r@orig.example" if letters == "ascii" else "utf-8;o\u00fcr@orig.example"
    assert fields["Original-Recipient"] == original
    assert (fields["Action"], fields["Status"]) == (action, status)
    assert fields["Remote-MTA"] == "dns; [127.0.0.1]"
    assert fields["Diagnostic-Code"].startswith("smtp; ")
    present = {name for name in DATE if notice.message[name] or fields[name]}
    assert present == set(DATE) - (set() if outcome == "delayed" else {"Will-Retry-Until"})
    assert all(email.utils.parsedate_to_datetime(notice.message[name] or fields[name]) for name in present)
    # RFC 3461 4.3: all of it comes back only of what failed.
    whole = outcome == "failed" and ret != "HDRS"
    if whole:
        wanted = "message/rfc822" if letters == "ascii" else "message/global"
    else:
        wanted = "message/global-headers" if letters in ("header", "recipient") else "text/rfc822-headers"
    assert notice.returned.get_content_type() == wanted
    content = Notice.content(notice.returned)
    assert "X-Very-Own: " in content and ("the very words" in content) == whole


# --- fields

def test_H3_fields_are_exact(gate, hop, token):
    submit(gate, token, [(b"bad@example.net", b" ORCPT=rfc822;b+2Bx+20y@orig.example"),
                         (b"good@example.net", b"")], b" ENVID=e+2Bnv+3D1 RET=HDRS")
    notice = wait_for_notice(hop, token)
    assert notice.root["From"] == "Mail Delivery System <help@example.org>"
    assert notice.root["Subject"] == "Undeliverable: " + token.decode()
    assert notice.root["In-Reply-To"] == f"<{token.decode()}@client.example.org>"
    fields = notice.recipient("bad@example.net")
    assert len(notice.recipients) == 1
    assert fields["Original-Recipient"] == "rfc822;b+x y@orig.example"
    assert fields["Diagnostic-Code"] == "smtp; 550 5.1.1 nobody here"
    for said in ("<bad@example.net>", "There is no such address", "127.0.0.1 said: 550 5.1.1 nobody here",
                 "Subject: " + token.decode(), "help@example.org"):
        assert said in notice.words, notice.words
    # What a person reads first comes first.
    order = [notice.words.index(part) for part in
             ("could not be delivered", "bad@example.net", "no such address", "550", "will not be tried again")]
    assert order == sorted(order)
    gate.wait_until_queue_is_empty()


@pytest.mark.parametrize("name,status,text", [
    (b"worse", "5.7.1", r'smtp; 550 5\.7\.1 no\\x1b\[31m "way" <x>\\x80'),
    (b"silent", "5.0.0", r"smtp; 550\b.*"),
])
def test_H5_replies_of_the_hop(gate, hop, token, name, status, text):
    submit(gate, token, [(name + b"@example.net", b"")])
    fields = wait_for_notice(hop, token).recipients[0]
    assert fields["Status"] == status
    assert re.fullmatch(text, fields["Diagnostic-Code"]), fields["Diagnostic-Code"]


def test_H6_returned_header(gate, hop, token):
    submit(gate, token, [(b"bad@example.net", b"")], b" RET=HDRS",
           more=b"X-Part: --=_0123456789\r\nX-Long: " + b"y" * 900 + b"\r\nX-Folded: a\r\n b\r\n")
    notice = wait_for_notice(hop, token)
    returned = Notice.content(notice.returned)
    assert "X-Folded: a" in returned and "y" * 900 in returned


def test_return_size_of_nothing(make_gate, routes, hop, token):
    gate = make_gate(routes=routes, extra="queue { return-size = 0 }\n")
    number = submit(gate, token, [(b"bad@example.net", b"")], b" RET=FULL", more=b"X-Very-Own: 1\r\n")
    notice = wait_for_notice(hop, token, number)
    assert notice.returned is None and notice.recipient("bad@example.net")


def test_I13_one_of_each(gate, hop, token):
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


# --- a hop that takes seven bits

@pytest.fixture
def seven_bits(make_gate, hop):
    """(daemon, hop): there the sender is reached, without any extension."""
    bare = Sink(keywords=(b"SIZE 1000000",))
    yield make_gate(routes={"example.org": bare.target, "*": hop.target}, extra=QUEUE,
                    base={"postmaster": '"help@post.test"'}), bare
    bare.stop()


def test_L6_a_notice_of_eight_bits_to_a_hop_of_seven(seven_bits, hop, token):
    """It reaches the sender with what such a hop takes, and the postmaster hears nothing of it."""
    gate, bare = seven_bits
    number = submit(gate, token, [(b"bad@example.net", b"")], mail=b" BODY=8BITMIME",
                    body=b"not seven bits: \xc3\xa4\r\n")
    message = bare.wait_for(lambda m: m.sender == b"" and token in m.raw)
    assert message.recipients == [(b"alice@example.org", [])]
    assert not [byte for byte in message.raw if byte > 127]
    notice = Notice(message.content)
    assert notice.recipient("bad@example.net")["Status"] == "5.1.1" and not notice.is_global
    assert notice.returned.get_content_type() == "text/rfc822-headers"
    assert token.decode() in notice.returned.get_content()
    assert "seven bits" not in notice.returned.get_content()
    gate.wait_until_queue_is_empty()
    assert gate.ctl_json("track", f"{number}.F0.F0")["messages"][0]["about"] == number
    assert len(bare.with_token(token)) == 1 and not notices(hop, token)
