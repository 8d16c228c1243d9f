# SPDX-License-Identifier: BSD-2-Clause
"""What filters change: header, body of any size, envelope; who may change it, and what the client hears."""
import random
import re

import pytest

from rig.judge import deliver, is_clean, letter, new_token
from rig.milter import Filter
from rig.milter_packet import (CONTINUE, add_header, add_rcpt, change_header, change_sender, delete_rcpt, insert_header,
                               quarantine, replace_body, reply)

MIB = 1 << 20
LISTENERS = {
    "submission": {"message-size": "5M"},
    "lists": {"policy": '"lists"'},
}
# bob reaches our own domains alone.
PERMITS = """permit "authenticated" { rights = { submit, relay } }
deny "login:bob" { rights = { relay } }
"""


@pytest.fixture(scope="module")
def filters():
    made = {name: Filter() for name in ("first", "second", "lists")}
    yield made
    for one in made.values():
        one.kill()
    faults = {name: one.faults for name, one in made.items() if one.faults}
    assert not faults, faults


@pytest.fixture(scope="module")
def gate(make_gate, sink, filters):
    sections = "".join(f'milter "{name}" {{ address = "{one.target}" {"change-envelope = yes" * (name == "lists")} }}\n'
                       for name, one in filters.items())
    policies = "policy { milters = { first, second } }\npolicy lists { milters = { lists } }\n"
    return make_gate(listeners=LISTENERS, routes={"*": sink.target}, permits=PERMITS, extra=sections + policies)


@pytest.fixture
def play(filters):
    """What the filters say at the end of a message, by name; afterwards nothing any more."""
    def start(**said):
        for name, answers in said.items():
            filters[name].play(answers if isinstance(answers, dict) else {"E": answers + CONTINUE})
    yield start
    for one in filters.values():
        one.play()


def event_of(gate, answer, name, **fields):
    """The event about the message that was queued as the answer says."""
    number = re.search(rb"queued as (\S+)", b" ".join(answer.lines))[1].decode()
    return gate.wait_for_event(name, {"id": number, **fields})


OWN = ("", "")     # our own Received: at a place, but of no name


def apply(fields, changes):
    """The fields as Sendmail would have them: one that is deleted keeps its number until its filter is done."""
    fields = [[name, value, True] for name, value in fields]
    for what, index, name, value in changes:
        same = [field for field in fields if field[0].lower() == name.lower()]
        if what == "insert":
            fields.insert(index, [name, value, True])
        elif what == "change" and max(index, 1) <= len(same):
            field = same[max(index, 1) - 1]
            field[1:] = [value or field[1], bool(value)]
        elif value:
            fields.append([name, value, True])
    return [(name, value) for name, value, there in fields if there]


def packets(changes):
    make = {"add": lambda _, *field: add_header(*field), "insert": insert_header, "change": change_header}
    return b"".join(make[what](index, name, value) for what, index, name, value in changes)


def any_changes(chance):
    found = []
    for number in range(chance.randint(0, 25)):
        what = chance.choice(["add", "insert", "insert", "change", "change", "change"])
        value = "" if what == "change" and chance.random() < 0.5 else f" v{number}"
        found.append((what, chance.choice([0, 1, 2, 3, 4, 5, 9, 14, 0x7fffffff]),
                      chance.choice(["X-A", "x-a", "X-B", "X-C", "X-AA", "Received", "Subject"]), value))
    return found


def fields_of(message):
    """(name, value) of what was delivered; our own Received as OWN."""
    lines = message.header.replace(b"\r\n\t", b"\n\t").replace(b"\r\n ", b"\n ").decode().split("\r\n")
    found = [tuple(line.split(":", 1)) for line in lines if line]
    return [OWN if "from client.example.org" in value else (name, value) for name, value in found]


def test_places_in_the_header_over_two_filters(gate, sink, filters, play):
    """Any changes at any places, and the second filter's are of what the first one left."""
    chance = random.Random(7)
    with gate.session() as wire:
        for _ in range(40):
            token = new_token()
            one, two = any_changes(chance), any_changes(chance)
            play(first=packets(one), second=packets(two))
            more = b"".join(b"X-%s: %d\r\n" % (chance.choice([b"A", b"B", b"C", b"AA"]), number) for number in range(chance.randint(0, 6)))
            assert deliver(wire, letter(token, more=more)).code == 250
            first, second = ([(name.decode(), value.decode()) for name, value in filters[name].wait_for_message(-1).fields]
                             for name in ("first", "second"))
            changed = apply([OWN, *first], one)
            assert second == [field for field in changed if field != OWN], (one, first)
            assert fields_of(sink.wait_for_token(token)) == apply(changed, two), (one, two, first)


def test_each_filter_sees_what_those_before_it_made(gate, sink, filters, play, token):
    play(first=insert_header(1, "X-One", " 1") + change_header(1, "subject", " changed " + token.decode())
         + change_header(1, "X-Gone", "") + change_header(2, "X-Gone", "") + change_header(1, "Received", "")
         + add_header("X-Two", "\n\tfolded") + replace_body(b"new " + token + b"\n"),
         second=change_header(1, "X-One", " 3") + add_rcpt("<v@example.net>", "NOTIFY=NEVER"))
    before = len(filters["second"].messages)
    sent = letter(token, more=b"X-Gone: 1\r\nX-Kept: 1\r\nX-Gone: 2\r\n")
    with gate.session() as wire:
        answer = deliver(wire, sent)
    assert answer.code == 250, answer
    seen = filters["second"].wait_for_message(before)
    names = [name for name, _ in seen.fields]
    assert names == [b"X-One", b"Date", b"From", b"To", b"Message-ID", b"Subject", b"X-Kept", b"X-Two"]
    assert seen.field("Subject") == [b" changed " + token] and seen.field("X-Two") == [b"\n\tfolded"]
    assert seen.body == b"new " + token + b"\r\n"
    message = sink.wait_for_token(b"changed " + token)
    assert [address for address, _ in message.recipients] == [b"u@example.net", b"v@example.net"]
    assert len(message.fields("Received")) == 1 and message.fields("X-One") == [b"3"]
    assert message.header.startswith(b"Received:") and message.body == seen.body
    done = event_of(gate, answer, "milter.changed", filter="first")
    assert (done["fields_added"], done["fields_changed"], done["fields_deleted"]) == (2, 1, 2)
    assert done["body"] == len(message.body)
    assert "body" not in event_of(gate, answer, "milter.changed", filter="second")
    assert event_of(gate, answer, "smtp.accepted")["size"] == len(message.content)


@pytest.mark.sanitize
@pytest.mark.parametrize("size", [None, 65535], ids=["one-packet", "packets"])
def test_bodies_of_any_size(gate, sink, play, token, size):
    """From memory and from a file into each; every message has the whole size for itself."""
    large = b"".join(b"%061d\r\n" % line for line in range(3 * MIB // 63))
    with gate.session() as wire:
        for turn, (sent, new) in enumerate([(b"small\r\n", large), (large, large), (large, b"small\r\n"),
                                            (b"small\r\n", b"")]):
            mark = b"%s turn %d " % (token, turn)
            play(second=replace_body(new, size) + add_header("X-Mark", mark.decode()))
            assert deliver(wire, letter(mark, body=sent)).code == 250
            message = sink.wait_for(lambda message, mark=mark: mark.strip() in message.fields("X-Mark"))
            assert message.body == new
    gate.wait_until_queue_is_empty()


def test_a_body_ends_no_message(gate, sink, play, token):
    play(first=b"".join(replace_body(piece) for piece in (
        b"first " + token + b"\r", b"\n.", b"\nMAIL FROM:<alice@example.org>\r.\rRCPT TO:<v@example.net>\n.", b"\r\n..\n.")))
    with gate.session() as wire:
        answer = deliver(wire, letter(token))
    event_of(gate, answer, "milter.verdict", filter="first", changed="yes")
    message = sink.wait_for_token(token)
    gate.wait_until_queue_is_empty()
    assert len(sink.with_token(token)) == 1 and is_clean(message.raw)
    assert message.body == (b"first " + token + b"\r\n.\r\nMAIL FROM:<alice@example.org>\r\n.\r\n"
                            b"RCPT TO:<v@example.net>\r\n.\r\n..\r\n.\r\n")


@pytest.mark.sanitize
@pytest.mark.parametrize("listener, sender, recipients", [
    ("lists", b"bounce@lists.example.com", [b"bob@example.org", b"v@example.net"]),
    ("submission", b"bob@example.org", [b"bob@example.org"]),
])
def test_whom_the_client_may_not_name(gate, sink, play, token, listener, sender, recipients):
    said = change_sender("<bounce@lists.example.com>") + add_rcpt("<v@example.net>") + add_rcpt("junk")
    play(lists=said, first=said)
    with gate.session("bob", listener=listener) as wire:
        answer = deliver(wire, letter(token, sender=b"<bob@example.org>"), sender=b"bob@example.org",
                         recipient=b"bob@example.org")
    assert answer.code == 250, answer
    found = sink.wait_for_token(token, count=1)
    gate.wait_until_queue_is_empty()
    assert found.sender == sender
    assert sorted(address for message in sink.with_token(token) for address, _ in message.recipients) == recipients
    event_of(gate, answer, "milter.passed-over", value="junk")
    if listener == "submission":
        event_of(gate, answer, "milter.passed-over", change="sender", value="<bounce@lists.example.com>")
        event_of(gate, answer, "milter.passed-over", change="add-recipient", value="<v@example.net>")


@pytest.mark.parametrize("utf8", [True, False], ids=["smtputf8", "ascii"])
def test_what_is_not_ascii(gate, sink, filters, play, token, utf8):
    """It goes into a message that says SMTPUTF8, as long as it is UTF-8; no other message is made one that hops refuse."""
    play(first=add_header("X-A", " gr\u00fc\u00df".encode()) + add_header("X-B", b" \xff\xfe") + change_header(1, "Subject", " \u00fc".encode())
         + add_rcpt("<k\u00e4the@example.net>".encode()) + replace_body("b\u00f6dy\n".encode()))
    before = len(filters["second"].messages)
    recipient = "j\u00f6rg@example.net".encode() if utf8 else b"u@example.net"
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>" + (b" SMTPUTF8 BODY=8BITMIME" if utf8 else b""))
        wire.expect(250, b"RCPT TO:<" + recipient + b">")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        answer = wire.reply()
    assert answer.code == 250, answer
    message = sink.wait_for_token(token)
    assert message.fields("X-A") == ["gr\u00fc\u00df".encode() if utf8 else b"gr????"] and message.fields("X-B") == [b"??"]
    assert message.fields("Subject") == ["\u00fc".encode() if utf8 else b"??"] and message.body == "b\u00f6dy\r\n".encode()
    assert (b"SMTPUTF8" in message.parameters, b"BODY=8BITMIME" in message.parameters) == (utf8, True)
    assert [path for path, _ in message.recipients] == ([recipient, "k\u00e4the@example.net".encode()] if utf8 else [recipient])
    seen = filters["second"].wait_for_message(before)
    assert (seen.parameters, seen.recipients[0][0]) == ([b"SMTPUTF8", b"BODY=8BITMIME"] if utf8 else [], b"<" + recipient + b">")
    if not utf8:
        event_of(gate, answer, "milter.passed-over", change="add-recipient")


def test_nobody_left(gate, sink, play, token):
    play(first=delete_rcpt("U@example.net") + delete_rcpt("<u@EXAMPLE.net>"))
    with gate.session() as wire:
        answer = deliver(wire, letter(token))
    assert answer.code == 250, answer
    event_of(gate, answer, "smtp.discarded", where="milter first at end of message")
    assert not gate.queue() and not sink.with_token(token)


def test_quarantine(gate, sink, play, token):
    play(second=quarantine("looks odd") + add_header("X-Odd", "yes"))
    with gate.session() as wire:
        answer = deliver(wire, letter(token))
    assert answer.code == 250, answer
    number = event_of(gate, answer, "smtp.accepted", held="second: looks odd")["id"]
    [waiting] = gate.queue()
    assert (waiting["id"], waiting["held"], waiting["reason"]) == (number, True, "second: looks odd")
    assert not sink.with_token(token)
    gate.ctl("queue", "release", number)
    assert sink.wait_for_token(token).fields("X-Odd") == [b"yes"]


@pytest.mark.parametrize("at", ["M", "R", "E"])
def test_refusals_of_several_lines(gate, sink, play, token, at):
    play(first={at: reply("550-5.7.1 no\r\n550-5.7.1 not at all\r\n550 5.7.1 never")})
    with gate.session() as wire:
        answer = deliver(wire, letter(token))
        assert answer.lines == [b"550-5.7.1 no", b"550-5.7.1 not at all", b"550 5.7.1 never"]
        play(first=b"")
        wire.expect(250, b"RSET")
        assert deliver(wire, letter(token)).code == 250
    sink.wait_for_token(token)


@pytest.mark.parametrize("at", ["M", "R", "E"])
def test_421_closes(gate, sink, play, token, at):
    play(first={at: reply("421 4.7.0 come back later")})
    with gate.session() as wire:
        assert deliver(wire, letter(token)).lines == [b"421 4.7.0 come back later"]
        assert wire.is_closed()
    gate.wait_for_event("client.closed", {"why": "policy"})
    assert not sink.with_token(token)
