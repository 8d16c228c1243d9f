# SPDX-License-Identifier: BSD-2-Clause
"""What filters tell the client, and what of it the client hears: one reply, of their class, in printable text."""
import pytest

from rig import milter_packet as say
from rig.filtered import Filtered, Row, run

REFUSED = "Command rejected"


def told(line, code=550, enhanced="5.7.1", says=None, **more):
    return Row({"M": say.reply(line)}, at="MAIL", code=code, enhanced=enhanced, says=says, kept=True, left=False, **more)


def crooked(line, code=550, enhanced="5.7.1"):
    """Of what is malformed the class alone is believed."""
    return told(line, code, enhanced, REFUSED)


# Answers to MAIL.
REPLIES = {
    "plain": told("550 5.7.1 not you", says="not you"),
    "other-code": told("554 5.6.0 bad", 554, "5.6.0", "bad"),
    "4xx": told("451 4.3.0 later", 451, "4.3.0", "later"),
    "no-enhanced-code": told("550 not you", says="not you"),
    "no-enhanced-code-4xx": told("450 not you", 450, "4.7.1", "not you"),
    "enhanced-code-of-other-class": told("550 4.7.1 mixed", says="mixed"),
    "enhanced-code-of-4-numbers": told("550 5.7.1.1 x", says="5.7.1.1 x"),
    "enhanced-code-of-2-numbers": told("550 5.7 x", says="5.7 x"),
    "enhanced-code-of-4-digits": told("550 5.1000.1 x", says="5.1000.1 x"),
    "enhanced-code-the-longest": told("550 5.999.999 x", enhanced="5.999.999", says="x"),
    "enhanced-code-with-tab": told("550 5.7.9\tx", says="5.7.9?x"),
    "enhanced-code-alone": told("550 5.7.9", enhanced="5.7.9"),
    "enhanced-code-with-percent": told("550 5.7.%%9 x", says="5.7.%9 x"),
    "percent-alone": told("550 %"),
    "no-blank": crooked("550%5.7.1 x"),
    "lines": told("550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three", says="three"),
    "32-lines": told("\r\n".join(["550-5.7.1 line"] * 31 + ["550 5.7.1 end"]), says="end"),
    "33-lines": crooked("\r\n".join(["550-5.7.1 line"] * 32 + ["550 5.7.1 end"])),
    "5000-lines": crooked("\r\n".join(["550-5.7.1 l"] * 4999 + ["550 5.7.1 l"])),
    "two-digits": crooked("55 x"),
    "letters": crooked("5xx 5.7.1 x"),
    "600": Row({"M": say.reply("600 x")}, at="MAIL"),
    "then-250": crooked("550 5.7.1 x\r\n250 2.0.0 ok"),
    "then-250-continued": crooked("550-5.7.1 x\r\n250 2.0.0 ok"),
    "then-250-by-lf": crooked("550 5.7.1 x\n250 ok"),
    "then-250-by-cr": told("550 5.7.1 x\r250 ok", says="x?250 ok"),
    "never-ends": crooked("550-5.7.1 a\r\n550-5.7.1 b"),
    "code-changes": crooked("550-5.7.1 a\r\n451 4.7.1 b"),
    "code-changes-4xx": crooked("451-4.7.1 a\r\n550 5.7.1 b", 451, "4.7.1"),
    "nul": crooked("550 5.7.1 a\0b"),
    "percent": told("550 5.7.1 100%% %s%n%s", says="100% sns"),
    "8-bit": told(b"550 5.7.1 \xff\xfe\x80 \xc3\xa9.", says="??? ??."),
    "escapes": told("550 5.7.1 \x1b[2J\x07.", says="?[2J?."),
    "60-kb-line": told("550 5.7.1 " + "a" * 60000, says="aaaaaaaa"),
    "line-end-behind": told("550 5.7.1 x\r\n", says="x"),
    "code-alone": told("550"),
    "code-and-blank": told("550 "),
    "no-nul": Row({"M": say.packet("y", b"550 5.7.1 no nul")}, at="MAIL", code=550, enhanced="5.7.1", says=REFUSED,
                  kept=True, left=False),
    "421": Row({"M": say.reply("421 4.7.0 closing")}, at="MAIL", code=421, enhanced="4.7.0", says="closing", left=True),
    "421-at-rcpt": Row({"R": say.reply("421 4.7.0 closing")}, at="RCPT", code=421, enhanced="4.7.0", left=True),
    **{f"421-{name}": Row({step: say.reply("421 4.7.0 closing")}, at=at, code=421, enhanced="4.7.0", left=True)
       for name, step, at in (("at-data", "T", "DATA"), ("at-header", "L", "END"), ("at-header-end", "N", "END"), ("at-body", "B", "END"))},
    "421-at-the-end": Row({"E": say.reply("421 4.7.0 closing")}, code=421, enhanced="4.7.0", left=True),
    "421-crooked": Row({"M": say.packet("y", b"421 4.7.0 closing")}, at="MAIL", code=451, enhanced="4.7.1", kept=True, left=False),
    "reject": Row({"M": say.REJECT}, at="MAIL", code=550, enhanced="5.7.1", kept=True, left=False),
    "tempfail": Row({"M": say.TEMPFAIL}, at="MAIL", code=451, enhanced="4.7.1", kept=True, left=False),
}


def verdict(step, said, at, code, enhanced, says=None, **more):
    """kept: a verdict in the midst of a header ends the connection, for there may be answers behind it."""
    return Row({step: said}, at=at, code=code, enhanced=enhanced, says=says,
               **{"kept": step not in "CHL", "left": step in "CHL", **more})


NO, LATER = say.reply("550 5.7.9 not this"), say.reply("452 4.3.1 full")
VERDICTS = {
    **{f"{name}-{kind}": verdict(step, said, at, code, enhanced, says)
       for name, step, at in (("rcpt", "R", "RCPT"), ("data", "T", "DATA"), ("header", "L", "END"), ("header-end", "N", "END"),
                              ("body", "B", "END"), ("end", "E", "END"))
       for kind, said, code, enhanced, says in (
           ("reject", say.REJECT, 550, "5.7.1", None), ("tempfail", say.TEMPFAIL, 451, "4.7.1", None),
           ("reply", NO, 550, "5.7.9", "not this"), ("reply-4xx", LATER, 452, "4.3.1", "full"),
           ("reply-lines", say.reply("550-5.7.9 one\r\n550 5.7.9 two"), 550, "5.7.9", "two"))},
    **{f"{name}-discard": Row({step: say.DISCARD}, code=250, discarded=True, kept=step != "L", left=step == "L")
       for name, step in (("mail", "M"), ("rcpt", "R"), ("data", "T"), ("header", "L"), ("header-end", "N"), ("body", "B"), ("end", "E"))},
    **{f"{name}-accept": Row({step: say.ACCEPT}, code=250, kept=step != "L", left=step == "L")
       for name, step in (("mail", "M"), ("rcpt", "R"), ("data", "T"), ("header", "L"), ("header-end", "N"), ("body", "B"), ("end", "E"))},
}


@pytest.fixture(scope="module")
def filtered(make_gate, sink):
    made = Filtered(make_gate, sink, {"tempfail": {}})
    yield made
    made.judge()
    made.stop()


@pytest.mark.sanitize
@pytest.mark.parametrize("name", REPLIES)
def test_text_of_a_filter(filtered, name):
    run(filtered, "tempfail", REPLIES[name])


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict_at_each_step(filtered, name):
    run(filtered, "tempfail", VERDICTS[name])
