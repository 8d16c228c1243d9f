# SPDX-License-Identifier: BSD-2-Clause
"""Filters that break the protocol before the end of message: each fails alone, and the next message is filtered."""
import struct

import pytest

from rig import milter_packet as say
from rig.filtered import ON_FAILURE, Filtered, Row, answer_fields_at_once, run, say_and_close

HEAD = struct.Struct("!I").pack
LARGE = (b"z" * 76 + b"\r\n") * 4000     # several pieces of a body


def reset(connection, _payload):
    connection.reset()


# --- the connection and the negotiation; what fails here the client hears at MAIL

ACCEPTED = {
    "close": Row({"accept": None}, at="MAIL"),
    "reset": Row({"accept": reset}, at="MAIL"),
    "speaks-smtp": Row({"accept": b"220 hello\r\n", "O": b""}, at="MAIL", fails="not a milter"),
    "speaks-clamd": Row({"O": b"UNKNOWN COMMAND\0"}, at="MAIL", fails="not a milter"),
    "speaks-http": Row({"O": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, at="MAIL", fails="not a milter"),
    "offer-closed": Row({"O": None}, at="MAIL", fails="does it know version 6"),
    "offer-reset": Row({"O": reset}, at="MAIL"),
    "offer-short": Row({"O": say.packet("O", HEAD(6) + HEAD(0x1ff))}, at="MAIL", fails="cut short"),
    "offer-11-bytes": Row({"O": say.packet("O", HEAD(6) + HEAD(0x1ff) + b"\0\0\0")}, at="MAIL", fails="cut short"),
    "offer-empty": Row({"O": say.packet("O")}, at="MAIL", fails="cut short"),
    "offer-other-answer": Row({"O": say.CONTINUE}, at="MAIL", fails="does not negotiate"),
    "offer-rejected": Row({"O": say.REJECT}, at="MAIL"),
    "offer-accepted": Row({"O": say.ACCEPT}, at="MAIL"),
    "offer-version-0": Row({"O": say.offer(version=0)}, at="MAIL", fails="speaks version 0"),
    "offer-version-1": Row({"O": say.offer(version=1)}, at="MAIL", fails="speaks version 1"),
    "offer-version-99": Row({"O": say.offer(version=99)}, at="MAIL", fails="speaks version 99"),
    "offer-version-7": Row({"O": say.offer(version=7)}, at="MAIL"),
    "offer-version-most": Row({"O": say.offer(version=0xffffffff)}, at="MAIL"),
    "offer-unknown-steps": Row({"O": say.offer(steps=0x80600000)}, at="MAIL", fails="unknown steps: 0x80600000"),
    "offer-half-of-it": Row({"O": say_and_close(say.offer()[:9])}, at="MAIL"),
    "offer-twice": Row({"O": say.offer() * 2}, at="MAIL"),
    "offer-and-answer": Row({"O": say.offer() + say.CONTINUE}, at="MAIL"),
    "list-without-nul": Row({"O": say.packet("O", say.offer()[5:] + HEAD(2) + b"i {auth_type}")}, at="MAIL",
                            fails="list of macros is cut short"),
    "list-of-3-bytes": Row({"O": say.packet("O", say.offer()[5:] + b"\0\0\2")}, at="MAIL"),
    "list-too-long": Row({"O": say.packet("O", say.offer()[5:] + HEAD(2) + b"i " * 40000 + b"\0")}, at="MAIL", fails="too long"),
}
# What is odd, and harmless.
TOLERATED = {
    "offer-unknown-actions": Row({}, code=250, kept=True, left=False, actions=0xffffffff),
    "offer-1-mb-packets": Row({}, code=250, kept=True, left=False, body=LARGE, steps=say.LEADING_SPACE | 0x20000000),
    "offer-nothing-wanted": Row({}, code=250, left=False, apart=True, steps=say.NO_ALL),
    "offer-no-actions": Row({}, code=250, left=False, apart=True, actions=0),
    "list-for-no-stage": Row({}, code=250, kept=True, left=False, macros={77: "i", 0xffffffff: "j"}),
    "list-of-8000": Row({}, code=250, kept=True, left=False, macros={"M": " ".join(f"{{m{i:x}}}" for i in range(7000))}),
    "list-of-rubbish": Row({}, code=250, kept=True, left=False, macros={"M": b"\x01\xff {i \r\n\t, {} } %s i {auth_authen}"}),
    "list-empty": Row({}, code=250, kept=True, left=False, macros={stage: "" for stage in say.STAGES}),
    "discard-at-connect": Row({"C": say.DISCARD}, code=250, kept=None, left=False),
    "discard-at-helo": Row({"H": say.DISCARD}, code=250, kept=None, left=False),
    **{f"closes-after-{name}": Row({step: [say_and_close(say.CONTINUE)]}, code=250, kept=None, left=False)
       for name, step in (("connect", "C"), ("helo", "H"), ("mail", "M"), ("rcpt", "R"), ("data", "T"), ("header", "L"))},
    **{f"closes-after-{name}": Row({step: [say_and_close(said)]}, code=code, kept=False, left=False, discarded=said == say.DISCARD)
       for name, step, said, code in (("accept-at-mail", "M", say.ACCEPT, 250), ("discard-at-rcpt", "R", say.DISCARD, 250),
                                      ("accept-at-end", "E", say.ACCEPT, 250), ("reject-at-end", "E", say.REJECT, 550))},
    "skip-at-connect": Row({"C": say.SKIP}, code=250, kept=None, left=False),
    "skip-at-data": Row({"T": say.SKIP}, code=250, kept=None, left=False),
    "skip-at-mail": Row({"M": say.SKIP}, code=250, kept=None, left=False),
    "skip-at-rcpt": Row({"R": say.SKIP}, code=250, kept=True, left=False, recipients=(b"u@example.net", b"w@example.net")),
    "skip-at-header": Row({"L": say.SKIP}, code=250, kept=None, left=False),
    "skip-at-body": Row({"B": say.SKIP}, code=250, kept=True, left=False, body=LARGE),
    "progress-everywhere": Row({step: say.PROGRESS * 3 + say.CONTINUE for step in "CHMRTNBE"}, code=250, kept=True, left=False),
    "bytes-alone": Row({step: lambda connection, payload: connection.drip(say.CONTINUE, 0.001) or b"" for step in "CHMRE"},
                       code=250, kept=True, left=False),
}


# --- packets, each in the place of the answer to MAIL

LENGTHS = {
    "length-most": HEAD(0xffffffff) + b"c",
    "length-negative": HEAD(0x80000000) + b"c",
    "length-2-gb": HEAD(0x7fffffff) + b"c" + b"x" * 1000,
    "length-64-mb": HEAD(64 << 20) + b"c" + b"x" * 1000,
    "continue-with-data": say.packet("c", b"12345"),
    "accept-with-data": say.packet("a", b"\0"),
    "reject-with-data": say.packet("r", b"550 no"),
    "progress-with-data": say.packet("p", b"x"),
    "reply-96-kb": say.packet("y", b"550-5.7.1 l\r\n" * 7600 + b"550 5.7.1 l\0"),
}
FRAMES = {
    "length-0": HEAD(0),
    "length-0-then-continue": HEAD(0) + say.CONTINUE,
    "unknown-0": say.packet("\0"),
    "unknown-z": say.packet("z"),
    "unknown-255": say.packet("\xff"),
    "shutdown": say.SHUTDOWN,
    "connection-failed": say.packet("f"),
    "set-symlist": say.packet("l", HEAD(2) + b"i\0"),
    "offer-late": say.offer(),
    "echo": say.packet("M", b"<alice@example.org>\0"),
    "abort": say.packet("A"),
    "macros": say.packet("D", b"Mi\0x\0"),
    "add-header": say.add_header("X-Evil", "yes"),
    "insert-header": say.insert_header(0, "X-Evil", "yes"),
    "change-header": say.change_header(1, "Subject", "yes"),
    "replace-body": say.replace_body(b"evil\r\n"),
    "replace-body-2-gb": say.packet("b", b"evil", length=0x7fffffff),
    "add-rcpt": say.add_rcpt("<evil@example.net>"),
    "add-rcpt-with": say.add_rcpt("<evil@example.net>", "NOTIFY=NEVER"),
    "delete-rcpt": say.delete_rcpt("<u@example.net>"),
    "change-sender": say.change_sender("<evil@example.net>"),
    "reply-empty": say.packet("y"),
    "reply-2xx": say.reply("250 2.0.0 fooled you"),
    "reply-3xx": say.reply("354 go ahead"),
    "reply-1xx": say.reply("150 x"),
    "reply-999": say.reply("999 9.9.9 x"),
    "reply-no-digit": say.reply("xyz"),
}
BEHIND = {
    "two-answers": say.CONTINUE * 2,
    "three-answers": say.CONTINUE * 3,
    "yes-and-no": say.CONTINUE + say.REJECT,
    "answer-and-half": say.CONTINUE + b"\0\0\0",
    "answer-and-speech": say.CONTINUE + b"hello\r\n",
}
BROKEN = {
    **{f"mail-{name}": Row({"M": said}, at="MAIL") for name, said in FRAMES.items()},
    **{f"mail-{name}": Row({"M": said}, at="MAIL", fails="too long") for name, said in LENGTHS.items()},
    # One answer is as it should be; what stands behind it is told at the next step.
    **{f"mail-{name}": Row({"M": said}, at="RCPT") for name, said in BEHIND.items()},
    **{f"rcpt-{name}": Row({"R": said}, at="DATA") for name, said in BEHIND.items()},
    **{f"data-{name}": Row({"T": said}, at="END") for name, said in BEHIND.items()},
    "mail-half-a-packet": Row({"M": say_and_close(HEAD(100) + b"y550 5.7.1")}, at="MAIL"),
    "mail-half-a-length": Row({"M": say_and_close(b"\0\0\0")}, at="MAIL"),
    "connect-answers-ahead": Row({"C": say.CONTINUE * 3, "H": b"", "M": b""}, at="MAIL"),
    "connect-modifies": Row({"C": say.add_header("X-Evil", "yes") + say.CONTINUE}, at="MAIL"),
    "helo-modifies": Row({"H": say.add_header("X-Evil", "yes") + say.CONTINUE}, at="MAIL"),
    **{f"quarantine-{name}": Row({step: say.quarantine("odd") + say.CONTINUE}, at=at)
       for name, step, at in (("at-connect", "C", "MAIL"), ("at-mail", "M", "MAIL"), ("at-rcpt", "R", "RCPT"), ("at-data", "T", "DATA"),
                              ("at-header", "L", "END"), ("at-body", "B", "END"))},
    "mute-and-answers-all-at-once": Row({"E": say.CONTINUE * 12}, steps=say.LEADING_SPACE | say.MUTE_ALL),
    "rcpt-modifies": Row({"R": say.add_header("X-Evil", "yes") + say.CONTINUE}, at="RCPT"),
    "data-modifies": Row({"T": say.add_header("X-Evil", "yes") + say.CONTINUE}, at="DATA"),
    "header-modifies": Row({"L": say.add_header("X-Evil", "yes") + say.CONTINUE}),
    "header-answers-though-mute": Row({"N": answer_fields_at_once}, steps=say.LEADING_SPACE | say.MUTE["L"]),
    "header-end-modifies": Row({"N": say.add_header("X-Evil", "yes") + say.CONTINUE}),
    "header-end-two-answers": Row({"N": say.CONTINUE * 2}),
    "body-modifies": Row({"B": say.add_header("X-Evil", "yes") + say.CONTINUE}),
    "body-two-answers": Row({"B": say.CONTINUE * 2}, body=LARGE),
    "body-closed": Row({"B": None}, body=LARGE),
    "body-reset": Row({"B": reset}, body=LARGE),
    "body-unknown": Row({"B": say.packet("z")}, body=LARGE),
}


@pytest.fixture(scope="module")
def filtered(make_gate, sink):
    made = Filtered(make_gate, sink, {name: {"on-failure": name} for name in ON_FAILURE})
    yield made
    made.judge()
    made.stop()


@pytest.mark.sanitize
@pytest.mark.parametrize("name", ACCEPTED)
def test_connection_and_negotiation(filtered, name):
    run(filtered, "tempfail", ACCEPTED[name])


@pytest.mark.parametrize("name", TOLERATED)
def test_what_is_odd_and_harmless(filtered, name):
    run(filtered, "tempfail", TOLERATED[name])


def test_odd_offers_are_told_once(make_gate, sink):
    """By each process that asks the filter, and not with every connection."""
    filtered = Filtered(make_gate, sink, {"odd": {}})
    processes = len(filtered.gate.pids("smtp"))
    for _ in range(processes + 3):
        run(filtered, "odd", Row({}, code=250, kept=True, left=False, actions=0xffffffff))
    filtered.gate.wait_for_event("milter.odd", {"filter": "odd"})
    assert len(filtered.gate.events_named("milter.odd")) <= processes
    filtered.judge()
    filtered.stop()


@pytest.mark.sanitize
@pytest.mark.parametrize("name", BROKEN)
def test_broken_answers(filtered, name):
    run(filtered, "tempfail", BROKEN[name])


# --- each way of failing, at each step, by each setting

LOST = {"close": None, "reset": reset, "rubbish": b"\0\0\0\0rubbish"}
STEPS = {"O": "MAIL", "C": "MAIL", "H": "MAIL", "M": "MAIL", "R": "RCPT", "T": "DATA", "L": "END", "N": "END", "B": "END", "E": "END"}


@pytest.mark.parametrize("on_failure", ON_FAILURE)
@pytest.mark.parametrize("step", STEPS)
def test_failure_at_each_step(filtered, step, on_failure):
    how = list(LOST)[(list(STEPS).index(step) + ON_FAILURE.index(on_failure)) % len(LOST)]
    run(filtered, on_failure, Row({step: LOST[how]}, at=STEPS[step], held=on_failure == "hold", left=False))
