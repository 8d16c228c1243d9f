# SPDX-License-Identifier: BSD-2-Clause
"""What filters want changed at the end of a message: done as a whole, seen by the next one, or not done at all."""
import struct

import pytest

from rig import milter_packet as say
from rig.filtered import Filtered, Row, run, say_and_close
from rig.judge import is_clean

HEAD = struct.Struct("!I").pack
MANY = b"X-Many: one\r\nX-Many: two\r\nX-Many: three\r\nX-Many: four\r\n"
RECEIVED = b"Received: from a by b; Sat, 21 Nov 2026 10:00:00 +0000\r\n"


def good(changes, queued, code=250, said=say.CONTINUE, kept=True, **more):
    return Row({"E": changes + said}, code=code, queued=queued, kept=kept, left=False, **more)


def refused(changes, **more):
    """The filter is at fault: its message is put off, whatever on-failure says, and nothing of it is done."""
    return Row({"E": changes + say.CONTINUE}, code=451, enhanced="4.7.1", fails="", **more)


def fields(message):
    """(name, value) of what is queued, in order; continuations are parted by LF."""
    lines = message.header.replace(b"\r\n\t", b"\n\t").replace(b"\r\n ", b"\n ").split(b"\r\n")[:-1]
    return [tuple(line.split(b":", 1)) for line in lines]


def names(message):
    return [name for name, _ in fields(message)]


def has(name, *values):
    """The queued message has exactly these values of the field, as they stand behind the colon."""
    def check(message):
        found = [value for other, value in fields(message) if other == name.encode()]
        assert found == [value.encode() if isinstance(value, str) else value for value in values], message.raw
        assert is_clean(message.raw) and b"X-Evil" not in message.body
    return check


def order(*wanted):
    """These fields come in this order, among others."""
    def check(message):
        found = [name.decode() for name in names(message) if name.decode() in wanted]
        assert found == list(wanted), message.raw
    return check


def at(index, name):
    def check(message):
        assert names(message)[index] == name.encode(), message.raw
    return check


def recipients(*wanted):
    def check(message):
        assert sorted(path for path, _ in message.recipients) == sorted(wanted), message.recipients
    return check


def body(wanted):
    def check(message):
        assert message.body == wanted, (message.body[:200], len(message.body))
        assert is_clean(message.raw)
    return check


def both(*checks):
    def check(message):
        for one in checks:
            one(message)
    return check


def sender(path, *parameters):
    def check(message):
        assert message.sender == path, message
        for parameter in parameters:
            assert parameter in message.parameters, message.parameters
    return check


# --- header fields

ADDED = {
    "add": good(say.add_header("X-A", " one") + say.add_header("X-A", "two"), both(has("X-A", " one", "two"), at(-1, "X-A"))),
    "insert-0": good(say.insert_header(0, "X-A", " b"), order("X-A", "Received", "Date")),
    "insert-1": good(say.insert_header(1, "X-A", " b"), at(1, "X-A")),
    "insert-2": good(say.insert_header(2, "X-A", " b"), both(at(1, "Date"), at(2, "X-A"))),
    "insert-most": good(say.insert_header(0x7fffffff, "X-A", " b"), at(-1, "X-A")),
    "insert-each-on-top": good(b"".join(say.insert_header(1, f"X-{name}", " b") for name in "ABC"),
                               order("X-C", "X-B", "X-A", "Date")),
    "insert-at-rising-places": good(b"".join(say.insert_header(place, f"X-{place}", " b") for place in (1, 2, 3)),
                                    order("X-1", "X-2", "X-3", "Date")),
    "change": good(say.change_header(1, "subject", " new"), has("Subject", " new")),
    "change-0-is-1": good(say.change_header(0, "Subject", " new"), has("Subject", " new")),
    "change-second": good(say.change_header(2, "X-Many", " new"), has("X-Many", " one", " new", " three", " four"), more=MANY),
    "change-none-is-add": good(say.change_header(999, "X-A", " new"), both(has("X-A", " new"), at(-1, "X-A"))),
    "delete-none": good(say.change_header(999, "X-Many", ""), has("X-Many", " one", " two", " three", " four"), more=MANY),
    "delete-rising": good(say.change_header(1, "X-Many", "") + say.change_header(2, "X-Many", ""),
                          has("X-Many", " three", " four"), more=MANY),
    "delete-falling": good(say.change_header(2, "X-Many", "") + say.change_header(1, "X-Many", ""),
                           has("X-Many", " three", " four"), more=MANY),
    "delete-twice": good(say.change_header(1, "X-Many", "") * 2 + say.change_header(2, "X-Many", ""),
                         has("X-Many", " three", " four"), more=MANY),
    "delete-all-then-set": good(b"".join(say.change_header(i, "X-Many", "") for i in (4, 3, 2, 1)) +
                                say.change_header(1, "X-Many", " new"), has("X-Many", " new"), more=MANY),
    "change-is-by-whole-name": good(say.change_header(1, "X-Man", " new"),
                                    both(has("X-Many", " one", " two", " three", " four"), has("X-Man", " new")), more=MANY),
    "our-received-is-not-there": good(say.change_header(1, "Received", "") + say.change_header(1, "Received", ""),
                                      lambda message: names(message).count(b"Received") == 1 or pytest.fail("ours is gone")),
    "others-received-is": good(say.change_header(1, "Received", ""), lambda message: names(message).count(b"Received") == 1
                               or pytest.fail("not deleted"), more=RECEIVED),
    "body-then-header": good(say.replace_body(b"new\r\n") + say.add_header("X-A", " b"), both(body(b"new\r\n"), has("X-A", " b"))),
    "folded-by-lf": good(say.add_header("X-A", " one\n\ttwo"), has("X-A", " one\n\ttwo")),
    "folded-by-crlf": good(say.add_header("X-A", " one\r\n two"), has("X-A", " one\n two")),
    "without-leading-space": good(say.add_header("X-A", "one"), has("X-A", " one"), kept=False, apart=True, steps=0),
    "leading-space-verbatim": good(say.add_header("X-A", "  one"), has("X-A", "  one")),
}
SANITISED = {
    "injected-field": good(say.add_header("X-A", " a\r\nBcc: victim@example.net"), has("X-A", " a\n\tBcc: victim@example.net")),
    "injected-by-cr": good(say.add_header("X-A", " a\rBcc: b\x85c".encode("latin-1")), has("X-A", " a\n\tBcc: b?c")),
    "injected-body": good(say.add_header("X-A", " a\r\n\r\nX-Evil: body"), has("X-A", " a\n\tX-Evil: body")),
    "injected-blank-line": good(say.add_header("X-A", " a\n \n\t\n b"), has("X-A", " a\n b")),
    "control-bytes": good(say.add_header("X-A", " a\x1b[2J\x07b"), has("X-A", " a?[2J?b")),
    "not-negotiated": good(say.add_header("X-Evil", " yes"), has("X-Evil"), kept=False, apart=True, actions=0),
    "rcpt-not-negotiated": good(say.add_rcpt("<evil@example.net>"), recipients(b"u@example.net"), kept=False, apart=True, actions=0),
    "sender-not-negotiated": good(say.change_sender("<evil@example.net>"), sender(b"alice@example.org"), kept=False, apart=True, actions=0),
    "quarantine-not-negotiated": good(say.quarantine("evil"), has("X-Evil"), kept=False, apart=True, actions=0),
}
REFUSED = {
    "name-empty": refused(say.add_header("", "x")),
    "name-with-blank": refused(say.add_header("X Evil", "x")),
    "name-with-colon": refused(say.add_header("X-Evil:", "x")),
    "name-with-crlf": refused(say.add_header("X\r\nBcc", "x")),
    "name-8-bit": refused(say.add_header(b"X-\xc3\xa9", "x")),
    "name-10-kb": refused(say.add_header("X" * 10240, "x")),
    "one-text": refused(say.packet("h", b"X-Evil\0")),
    "three-texts": refused(say.packet("h", b"X-Evil\0a\0b\0")),
    "no-nul": refused(say.packet("h", b"X-Evil\0a")),
    "empty": refused(say.packet("h")),
    "insert-3-bytes": refused(say.packet("i", b"\0\0\1")),
    "insert-negative": refused(say.insert_header(-1, "X-Evil", "x")),
    "insert-2-31": refused(say.insert_header(1 << 31, "X-Evil", "x")),
    "change-negative": refused(say.change_header(-10, "Subject", "x")),
    "change-torn": refused(say.packet("m", HEAD(1) + b"Subject")),
    "value-200-kb": refused(say.packet("h", b"X-Evil\0" + b"x" * 200_000 + b"\0")),
    "value-64-kb-line": refused(say.add_header("X-Evil", "x" * 65536), kept=None, left=False),
    "100000-fields": refused(say.add_header("X-Evil", " x") * 100_000, flat=True),
    "good-and-then-bad": refused(say.add_header("X-A", " b") + say.packet("h", b"torn")),
    "body-not-negotiated": refused(say.replace_body(b"evil\r\n"), apart=True, actions=0),
    "body-larger-than-a-message": refused(say.replace_body((b"x" * 76 + b"\r\n") * 14000) * 40, flat=True),
    "body-claims-2-gb": Row({"E": say.packet("b", b"evil", length=0x7fffffff)}, code=451, enhanced="4.7.1"),
    "rcpt-torn": refused(say.packet("+", b"<a@example.net>")),
    "rcpt-empty-packet": refused(say.packet("+")),
    "rcpt-20-kb": refused(say.add_rcpt("<" + "a" * 20000 + "@example.net>")),
    "sender-torn": refused(say.packet("e", b"<a@example.net>")),
    "100000-recipients": Row({"E": b"".join(say.add_rcpt(f"<r{i}@example.net>") for i in range(100_000)) + say.CONTINUE},
                             code=451, enhanced="4.7.1", flat=True),
}

# --- the envelope

JUNK = b"".join(say.add_rcpt(path) for path in ("", "<>", "a b", "<a@b> SIZE=1", "<a@b\r\n>", "<x@example.net", "a@b@c", "<@>"))
ENVELOPE = {
    "add-rcpt": good(say.add_rcpt("<v@example.net>") + say.add_rcpt("w@example.net"),
                     recipients(b"u@example.net", b"v@example.net", b"w@example.net")),
    "add-rcpt-twice": good(say.add_rcpt("<u@example.net>") + say.add_rcpt("<v@EXAMPLE.net>") * 2, None),
    "add-rcpt-with": good(say.add_rcpt("<v@example.net>", "NOTIFY=NEVER ORCPT=rfc822;x@example.net BOGUS=1"),
                          recipients(b"u@example.net", b"v@example.net")),
    "add-rcpt-without-parameters": good(say.packet("2", b"<v@example.net>\0"), recipients(b"u@example.net", b"v@example.net")),
    "add-junk": good(JUNK + say.add_rcpt("<v@example.net>"), recipients(b"u@example.net", b"v@example.net")),
    "delete-rcpt": good(say.delete_rcpt("<u@EXAMPLE.NET>"), recipients(b"w@example.net"), recipients=(b"u@example.net", b"w@example.net")),
    "delete-unknown": good(say.delete_rcpt("<nobody@example.net>"), recipients(b"u@example.net")),
    "delete-then-add": good(say.delete_rcpt("<u@example.net>") + say.add_rcpt("<u@example.net>"), recipients(b"u@example.net")),
    "delete-then-add-other": good(say.delete_rcpt("u@example.net") + say.add_rcpt("v@example.net"), recipients(b"v@example.net")),
    "delete-everybody": good(say.delete_rcpt("<u@example.net>"), None, discarded=True),
    "sender": good(say.change_sender("<ali@example.org>"), sender(b"ali@example.org")),
    "sender-with": good(say.change_sender("<ali@example.org>", "RET=HDRS ENVID=x123 SIZE=1 AUTH=<> SMTPUTF8"),
                        sender(b"ali@example.org", b"RET=HDRS", b"ENVID=x123")),
    "sender-empty": good(say.change_sender(""), sender(b"alice@example.org")),
    "sender-junk": good(say.change_sender("<a@b> <c@d>") + say.change_sender("a@b\r\nRSET"), sender(b"alice@example.org")),
}

# --- the body

OLD = b"first line\r\nsecond\r\n"
LONG = (b"y" * 76 + b"\r\n") * 4000
THIRTY_MB = (b"w" * 76 + b"\r\n") * (30 * 1024 * 1024 // 78)
BODIES = {
    "replaced": good(say.replace_body(b"new\r\n"), body(b"new\r\n"), body=OLD),
    "by-nothing": good(say.replace_body(b""), body(b""), body=OLD),
    "of-nothing": good(say.replace_body(b"new\r\n"), body(b"new\r\n"), body=b"\r\n"),
    "in-many-packets": good(say.replace_body(LONG, 1000), body(LONG), body=OLD),
    "in-packets-of-64-kb": good(say.replace_body(LONG), body(LONG), body=OLD),
    "by-a-shorter-one": good(say.replace_body(b"x\r\n"), body(b"x\r\n"), body=LONG),
    "cr-lf-parted": good(say.replace_body(b"one\r") + say.replace_body(b"\ntwo\n") + say.replace_body(b"three\r\n"),
                         body(b"one\r\ntwo\r\nthree\r\n")),
    "dots": good(say.replace_body(b"one\r\n.\r\n..\r\nMAIL FROM:<x>\r\n"), body(b"one\r\n.\r\n..\r\nMAIL FROM:<x>\r\n")),
    "bare-lf-dot": good(say.replace_body(b"one\n.\nMAIL FROM:<evil@example.net>\n"), body(b"one\r\n.\r\nMAIL FROM:<evil@example.net>\r\n")),
    "no-line-end": good(say.replace_body(b"one"), body(b"one\r\n")),
    "header-in-between": good(say.replace_body(b"one\r\n") + say.add_header("X-A", " b") + say.replace_body(b"two\r\n"),
                              both(body(b"one\r\ntwo\r\n"), has("X-A", " b"))),
    "empty-lines-stay": good(say.replace_body(b"\r\n\r\nx\r\n\r\n\r\n"), body(b"\r\n\r\nx\r\n\r\n\r\n")),
}

# --- the end itself

AFTER = say.add_header("X-Evil", " late")
ENDS = {
    "accept-then-change": Row({"E": say.ACCEPT + AFTER}, code=250, queued=has("X-Evil")),
    "continue-then-change": Row({"E": say.CONTINUE + AFTER}, code=250, queued=has("X-Evil")),
    "continue-then-reject": Row({"E": say.CONTINUE + say.REJECT}, code=250, queued=has("X-Evil")),
    "reject-then-continue": Row({"E": say.REJECT + say.CONTINUE}, code=550, enhanced="5.7.1"),
    "change-then-reject": good(AFTER + say.replace_body(b"evil\r\n"), None, code=550, said=say.REJECT),
    "change-then-tempfail": good(AFTER + say.add_rcpt("<v@example.net>"), None, code=451, said=say.TEMPFAIL),
    "change-then-discard": good(AFTER, None, said=say.DISCARD, discarded=True),
    "skip": Row({"E": say.SKIP}),
    "unknown": Row({"E": say.packet("z")}),
    "offer": Row({"E": say.offer()}),
    "quarantine": good(say.quarantine("suspect"), has("X-Evil"), held=True),
    "quarantine-accept": good(say.quarantine("suspect") + say.add_header("X-A", " b"), has("X-A", " b"), said=say.ACCEPT, held=True),
    "quarantine-60-kb": good(say.quarantine("bad\r\n\x1b[2J" + "x" * 60000), has("X-Evil"), held=True),
    "quarantine-no-nul": good(say.packet("q", b"bad"), has("X-Evil"), held=True),
    "quarantine-empty": good(say.packet("q"), has("X-Evil"), held=True),
    "quarantine-then-reject": good(say.quarantine("bad"), None, code=550, said=say.REJECT),
}


@pytest.fixture(scope="module")
def filtered(make_gate, sink):
    made = Filtered(make_gate, sink, {"tempfail": {}, "accept": {"on-failure": "accept"}})
    yield made
    made.judge()
    made.stop()


@pytest.mark.parametrize("name", ADDED)
def test_header(filtered, name):
    run(filtered, "tempfail", ADDED[name])


@pytest.mark.parametrize("name", SANITISED)
def test_change_that_is_made_safe(filtered, name):
    run(filtered, "tempfail", SANITISED[name])


@pytest.mark.sanitize
@pytest.mark.parametrize("name", REFUSED)
def test_change_that_fails_whatever_on_failure_says(filtered, name):
    run(filtered, "accept", REFUSED[name])


@pytest.mark.parametrize("name", ENVELOPE)
def test_envelope(filtered, name):
    run(filtered, "tempfail", ENVELOPE[name])


@pytest.mark.sanitize
@pytest.mark.parametrize("name", BODIES)
def test_body(filtered, name):
    run(filtered, "tempfail", BODIES[name])


def test_body_of_30_mb_in_one_packet(filtered):
    def check(message):
        assert message.raw.endswith(b"\r\n\r\n" + THIRTY_MB)
        message.raw = message.raw[:-len(THIRTY_MB)]     # which others would search for their tokens
    run(filtered, "tempfail", good(say.replace_body(THIRTY_MB, None), check, body=OLD, flat=True))


@pytest.mark.parametrize("name", ENDS)
def test_end(filtered, name):
    run(filtered, "tempfail", ENDS[name])


# --- a filter that is lost with half of its changes told: never "accept"

def lost_after(said):
    return Row({"E": say_and_close(said)}, code=451, enhanced="4.7.1", fails="", left=False)


LOST = {
    "a-field": lost_after(AFTER),
    "a-body": lost_after(say.replace_body(b"evil\r\n")),
    "half-a-body": lost_after(say.replace_body(LONG, None)[:100_000]),
    "a-recipient": lost_after(say.add_rcpt("<evil@example.net>")),
    "a-field-and-a-half": lost_after(AFTER + AFTER[:10]),
    "half-a-field": lost_after(AFTER[:10]),
    "the-head-of-a-body": lost_after(say.packet("b", length=1000)),
}


@pytest.mark.parametrize("name", LOST)
def test_lost_after(filtered, name):
    run(filtered, "accept", LOST[name])
