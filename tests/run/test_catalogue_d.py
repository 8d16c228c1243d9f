# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue D: the SMTP state machine."""
import time

import pytest

from rig import ground, hello
from rig.deadline import Late
from rig.judge import assert_one, assert_zero, deliver, letter, new_token, stuffed
from rig.sallyport import warm
from rig.wire import Closed

pytestmark = pytest.mark.usefixtures("alive")
ALICE = b"MAIL FROM:<alice@example.org>"
RECIPIENT = b"RCPT TO:<u@example.net>"
SIZE = 200_000


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    daemon = make_gate(
        routes={"*": sink.target},
        listeners={
            "small": {"tls": "starttls", "message-size": str(SIZE)},
            "patient": {"tls": "starttls", "greet-delay": "300ms"},
            "deaf": {"tls": "starttls", "errors": "20"}})
    warm(daemon)
    return daemon


def chunk(data, last=False):
    return b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data


# --- D1 to D6: what may follow what

@pytest.mark.sanitize
@pytest.mark.parametrize("command", [RECIPIENT, b"DATA", b"BDAT 0 LAST", b"BDAT 6 LAST\r\nNOOP\r\n"])
def test_D01_before_mail(gate, command):
    with gate.session() as wire:
        reply = wire.command(command) if not command.endswith(b"\n") else (wire.send(command), wire.reply())[1]
        assert reply.code == 503, reply
        wire.expect(250, b"NOOP")
        assert not wire.pending


def test_D02_mail_twice(gate, sink, token):
    with gate.session() as wire:
        wire.expect(250, ALICE)
        wire.expect(503, b"MAIL FROM:<ali@example.org>")
        wire.expect(250, RECIPIENT)
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    assert assert_one(gate, sink, token).sender == b"alice@example.org"


@pytest.mark.sanitize
@pytest.mark.parametrize("size", [b"x", b"99999999999999999999", b"-1", b""])
def test_D03_data_after_a_broken_chunk_command(gate, size):
    """Postfix 2026-07-24."""
    with gate.transaction() as wire:
        reply = wire.command(b"BDAT " + size + b" LAST")
        assert 500 <= reply.code < 600 or reply.code == 421, reply
        try:
            wire.expect(250, b"RSET")
            wire.expect(503, b"DATA")
        except (Closed, OSError):
            pass


@pytest.mark.parametrize("size", [b"x", b"99999999999999999999"])
def test_D03_no_354_without_a_transaction(gate, size):
    with gate.session() as wire:
        try:
            wire.command(b"BDAT " + size + b" LAST")
            assert wire.command(b"DATA").code == 503
        except (Closed, OSError):
            pass


@pytest.mark.sanitize
@pytest.mark.parametrize("command", ["VRFY <\u00e9@example.net>", "VRFY \u00e9", "EXPN \u00e9", "NOOP \u00e9", "HELP \u00e9"])
def test_D04_eight_bits_without_smtputf8(gate, sink, token, command):
    """Postfix 2026-08-12."""
    with gate.transaction() as wire:
        wire.command(command.encode())
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    assert_one(gate, sink, token)


REFUSED_AT_THE_END = {
    "policy": lambda token: letter(token, sender=b"<bob@example.org>"),
    "size": lambda token: letter(token, b"x" * 76 + b"\r\n" * (SIZE // 2)),
    "bare_newline": lambda token: letter(token, b"a\nb\r\n"),
}


@pytest.mark.sanitize
@pytest.mark.parametrize("cause", REFUSED_AT_THE_END)
@pytest.mark.parametrize("by", ["data", "bdat"])
def test_D05_a_refusal_at_the_end_resets_everything(gate, sink, token, cause, by):
    """Postfix 2026-08-03."""
    bad = REFUSED_AT_THE_END[cause](token)
    with gate.transaction(listener="small") as wire:
        if by == "data":
            wire.expect(354, b"DATA")
            wire.send(bad + b".\r\n")
        else:
            wire.send(chunk(bad, last=True))
        assert 500 <= wire.reply().code < 600
        wire.expect(503, b"RCPT TO:<x@y.example>")
        wire.expect(503, b"DATA")
        wire.expect(550, b"MAIL FROM:<bob@example.org>")
        again = deliver(wire, letter(token, sender=b"<bob@example.org>"))
        assert again.code == 550 and again.enhanced == "5.7.1"
        good = new_token()
        assert deliver(wire, letter(good)).code == 250
    assert_one(gate, sink, good)
    assert not sink.with_token(token)


def test_D06_data_after_a_chunk(gate):
    with gate.transaction() as wire:
        wire.send(chunk(b"From: <alice@example.org>\r\n"))
        assert wire.reply().code == 250
        wire.expect(503, b"DATA")


def test_D06_a_chunk_command_inside_data_is_content(gate, sink, token):
    with gate.transaction() as wire:
        wire.expect(354, b"DATA")
        wire.send(letter(token, b"BDAT 3 LAST\r\nabc\r\n") + b".\r\n")
        assert wire.reply().code == 250
    assert b"BDAT 3 LAST\r\nabc\r\n" in assert_one(gate, sink, token).raw


# --- D7 to D9: chunks

SIZES = [b"-1", b"0x10", b"+5", b"5 LAST LAST", b"5 FIRST", b"", b"1e3", b"5LAST", b"5 LASTLY", b" 5", b"5  LAST", b"5,0", b"\xd9\xa5",
         b"2147483648", b"4294967296", b"4294967301", b"9223372036854775808", b"18446744073709551616",
         b"18446744073709551621 LAST", b"00000000000000000000000000000000000005 LAST", b"1" * 300]


@pytest.mark.sanitize
@pytest.mark.parametrize("size", SIZES)
def test_D07_odd_chunk_sizes(gate, sink, token, size):
    with gate.transaction() as wire:
        wire.send(b"BDAT " + size + b"\r\n")
        try:
            reply = wire.reply(2)
        except Closed:
            return
        except Late:
            # Taken for a size: what follows is content, and far more of it than we mean to send.
            assert size.split()[0].lstrip(b"0").isdigit()
            return
        assert reply.code in (501, 552, 421) or (reply.code == 500 and len(size) > 200), reply
        try:
            wire.expect(250, b"NOOP")
        except (Closed, OSError):
            pass
    assert_zero(gate, sink, token)


def test_D07_a_chunk_over_the_limit(gate, sink, token):
    with gate.transaction(listener="small", seconds=20) as wire:
        try:
            wire.send(chunk(letter(token, b"x" * 76 + b"\r\n" * SIZE), last=True))
        except (OSError, Late):
            pass
        assert wire.reply().code in (552, 421)
    assert_zero(gate, sink, token)


def test_D08_ten_thousand_chunks_of_one_byte(gate, sink, token):
    """Postfix 2026-08-05."""
    sent = letter(token, (b"x" * 76 + b"\r\n") * 126)[:10000]
    before_cpu, before = gate.cpu_s(), sum(gate.memory().values())
    with gate.transaction(seconds=60) as wire:
        for begin in range(0, len(sent), 500):
            part = sent[begin:begin + 500]
            wire.send(b"".join(chunk(part[i:i + 1]) for i in range(len(part))))
            assert [r.code for r in wire.replies(len(part))] == [250] * len(part)
        if not ground.SANITIZED:
            assert sum(gate.memory().values()) - before < 1024
        wire.send(b"BDAT 0 LAST\r\n")
        assert wire.reply().code == 250
    assert gate.cpu_s() - before_cpu < 2 * (5 if ground.SANITIZED else 1)
    assert_one(gate, sink, token)


@pytest.mark.sanitize
@pytest.mark.parametrize("before", [b"RCPT TO:<bad address>\r\n", b""])
def test_D09_a_refused_chunk_is_thrown_away_by_count(gate, sink, before):
    """The transaction has no valid recipient; what stands in the chunk must not be run."""
    with gate.session() as wire:
        wire.expect(250, ALICE)
        commands = b"RSET\r\nMAIL FROM:<alice@example.org>\r\nQUIT\r\n"
        wire.send(before + chunk(commands) + chunk(commands, last=True) + b"NOOP\r\n")
        replies = wire.replies(4 if before else 3)
        assert all(500 <= r.code < 600 for r in replies[:-1]), replies
        assert replies[-1].code == 250
        assert wire.is_silent(0.05)


def test_D09_a_chunk_after_a_refused_chunk(gate, sink, token):
    """The size is over the limit in the first; the second is swallowed and refused as well."""
    with gate.transaction(listener="small") as wire:
        big = b"x" * (SIZE + 1000)
        wire.send(chunk(big))
        assert wire.reply().code == 552
        wire.send(chunk(letter(token), last=True))
        assert wire.reply().code in (503, 552)
        assert deliver(wire, letter(new_token())).code == 250
    assert_zero(gate, sink, token)


# --- D10, D11: who is no mail client

def refusals_until_closed(wire):
    """How many unknown verbs are answered before the connection ends."""
    refused = 0
    try:
        for number in range(300):
            reply = wire.command(b"XYZZY%d" % number)
            assert reply.code in (500, 502, 421)
            refused += reply.code != 421
    except (Closed, OSError):
        pass
    assert wire.is_closed(2)
    return refused


@pytest.mark.sanitize
@pytest.mark.parametrize("listener", ["deaf", "submission"])
def test_D10_three_hundred_unknown_verbs(gate, listener):
    with gate.secure(listener) as wire:
        assert refusals_until_closed(wire) <= 20


OTHERS = {
    "post": b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", "get": b"GET / HTTP/1.0\r\n\r\n",
    "connect": b"CONNECT x:25 HTTP/1.1\r\n\r\n", "options": b"OPTIONS * HTTP/1.1\r\n\r\n",
    "put": b"PUT /x HTTP/1.1\r\n\r\n", "head": b"HEAD / HTTP/1.1\r\n\r\n", "delete": b"DELETE / HTTP/1.1\r\n\r\n",
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "tls": hello.client_hello(),
    "json": b"{\"jsonrpc\": 1}\r\n", "ssh": b"SSH-2.0-x\r\n",
}


@pytest.mark.sanitize
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("secure", [False, True])
def test_D10_other_protocols(gate, other, secure):
    """HTTP and TLS end at once; others by the limit of errors; no line of theirs is a mail command."""
    body = b"EHLO x\r\nMAIL FROM:<alice@example.org>\r\n"
    with (gate.session() if secure else gate.wire()) as wire:
        if not secure:
            assert wire.reply().code == 220
        wire.send(OTHERS[other] + body)
        at_once = other == "tls" or b"HTTP" in OTHERS[other]
        codes = []
        if at_once:
            assert wire.is_closed(2)
            codes = [int(line[:3]) for line in wire.pending.split(b"\r\n") if line[:3].isdigit()]
            assert not any(200 <= code < 400 for code in codes), wire.pending


def test_D11_bytes_before_the_banner(gate):
    with gate.wire() as wire:
        wire.send(b"EHLO early.example.org\r\n")
        code = wire.reply().code
        assert code in (220, 421, 554)
        if code == 220:
            assert wire.reply().code == 250


def test_D11_who_does_not_wait_for_the_banner(gate):
    with gate.wire("patient") as wire:
        wire.send(b"EHLO early.example.org\r\n")
        replies = wire.replies_until_end(2)
        assert [r.code for r in replies] in ([554], [421], [])


def test_D11_who_waits_for_the_banner(gate):
    with gate.wire("patient") as wire:
        begin = time.monotonic()
        assert wire.reply().code == 220
        assert time.monotonic() - begin >= 0.2    # of 0.3: a busy loop's clock is some way behind


# --- D12 to D15: commands

@pytest.mark.sanitize
def test_D12_no_valid_recipient_in_a_pipeline(gate, sink, token):
    with gate.session() as wire:
        wire.send(ALICE + b"\r\nRCPT TO:<bad address>\r\nRCPT TO:<worse>\r\nDATA\r\n"
                  + letter(token, ALICE + b"\r\nRCPT TO:<victim@example.net>\r\nDATA\r\nRSET\r\n") + b".\r\n")
        replies = []
        try:
            while True:
                replies.append(wire.reply(2))
        except (Closed, Late):
            pass
    codes = [r.code for r in replies]
    assert codes[0] == 250 and all(500 <= code < 600 for code in codes[1:4]), replies
    assert replies[3].code == 554 and replies[3].enhanced == "5.5.1", replies
    assert 354 not in codes and not any(200 <= code < 300 for code in codes[4:]), replies
    assert_zero(gate, sink, token)


def test_D12_some_valid_recipients_in_a_pipeline(gate, sink, token):
    with gate.session() as wire:
        wire.send(ALICE + b"\r\nRCPT TO:<bad address>\r\n" + RECIPIENT + b"\r\nDATA\r\n")
        codes = [r.code for r in wire.replies(4)]
        assert codes[0] == 250 and codes[1] >= 500 and codes[2:] == [250, 354]
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    assert_one(gate, sink, token)


ODD = {
    b"DATA x": (501,), b"QUIT x": (501, 221), b"RSET x": (501, 250), b"EHLO": (501,), b"EHLO ": (501,),
    b"NOOP " + b"a" * 400: (250,), b"noop": (250,), b"NoOp": (250,), b"NOOP  ": (250,), b"NOOP\t": (250, 500, 501),
    b"MAIL FROM :<alice@example.org>": (501,), b"MAIL FROM: <alice@example.org>": (250, 501),
    b"MAIL  FROM:<alice@example.org>": (250, 501), b"MAIL\tFROM:<alice@example.org>": (500, 501),
    b"MAIL FROM:<alice@example.org>\t": (250, 501), b"MAIL FROM:<alice@example.org> ": (250, 501),
    b"MAIL FROM:<alice@example.org>  ": (250, 501), b"MAIL FROM:<alice@example.org>SIZE=1": (501,),
    b"MAIL FROM:<alice@example.org>\tSIZE=1": (501,), b"MAIL FROM:": (501,), b"MAIL": (501,), b"MAIL FROM": (501,),
    b"MAIL TO:<alice@example.org>": (501,), b"mail from:<alice@example.org>": (250,),
    b"MAIL FROM:<alice@example.org> size=1 BODY=8bitmime": (250,), b"MAILFROM:<alice@example.org>": (500, 501, 502),
    b"RCPT TO:<a@b> \t": (501, 503), b" NOOP": (500, 501, 502), b"": (500, 501, 502, 250), b"\0": (500, 501),
    b"NO\0OP": (500, 501, 502), b"NOOP\0": (250, 500, 501), b"RSET;NOOP": (500, 501, 502), b"QUIT;": (500, 501, 502),
    b"\xef\xbb\xbfNOOP": (500, 501, 502), b"N\xc3\x96OP": (500, 501, 502),
}


@pytest.mark.sanitize
@pytest.mark.parametrize("command", ODD)
def test_D13_one_reading_of_odd_commands(gate, command):
    with gate.session() as wire:
        reply = wire.command(command)
        assert reply.code in ODD[command], reply
        if reply.code != 221:
            wire.expect(250, b"RSET")


@pytest.mark.sanitize
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\n\r", b"\0", b"\x0b"])
def test_D13_command_lines_end_with_crlf_alone(gate, end):
    """A bare CR or LF never separates two commands."""
    with gate.session() as wire:
        wire.send(b"NOOP" + end + b"MAIL FROM:<alice@example.org>\r\n")
        replies = []
        try:
            replies.append(wire.reply())
            wire.send(b"QUIT\r\n")
            replies += wire.replies_until_end(5)
        except (Closed, OSError):
            pass
        codes = [r.code for r in replies]
        assert codes[:1] in ([500], [501], [502], [421]), replies
        assert not any(r.code == 250 for r in replies), replies


def test_D13_helo_offers_nothing(gate):
    with gate.secure() as wire:
        assert len(wire.expect(250, b"HELO client.example.org").lines) == 1
        assert wire.auth_plain().code in (235, 503)
        assert len(wire.expect(250, b"HELO client.example.org").lines) == 1
        assert wire.command(ALICE + b" SIZE=100").code in (250, 501, 503, 530, 555)


def test_D13_a_line_that_ends_in_two_cr(gate):
    """CR CR LF ends a line, which is none of ours; the next one is."""
    with gate.session() as wire:
        wire.send(b"NOOP\r\r\nMAIL FROM:<alice@example.org>\r\n")
        assert wire.reply().code in (500, 501)
        assert wire.reply().code == 250


@pytest.mark.sanitize
@pytest.mark.parametrize("verb", [b"TURN", b"ETRN example.org", b"ATRN", b"SEND FROM:<a@b>", b"SAML FROM:<a@b>", b"SOML FROM:<a@b>",
                                  b"BURL imap://x LAST", b"XEXCH50 1 1", b"XCLIENT ADDR=127.0.0.1", b"XFORWARD NAME=x",
                                  b"VERB", b"ONEX", b"XUSR", b"XADR", b"XRCPTTO", b"DEBUG", b"WIZ", b"KILL", b"SHOWQ",
                                  b"X-EXPS GSSAPI", b"XEXPS", b"X-LINK2STATE", b"STAR", b"BDATA 3"])
def test_D14_verbs_that_are_not_offered(gate, verb):
    with gate.session() as wire:
        assert wire.command(verb).code in (500, 502), verb
        keyword = verb.split(b" ")[0].decode()
        assert keyword not in wire.ehlo()


@pytest.mark.parametrize("verb", [b"VRFY ", b"EXPN "])
def test_D14_nobody_learns_who_exists(gate, verb):
    with gate.session() as wire:
        replies = {wire.command(verb + name).lines[0].replace(name, b"")
                   for name in (b"alice@example.org", b"nobody@example.org", b"postmaster", b"root", b"team@example.org")}
        assert len(replies) == 1
        assert next(iter(replies))[:3] in (b"252", b"502")


def test_D14_help_is_harmless(gate):
    with gate.session() as wire:
        assert wire.command(b"HELP").code in (211, 214, 502)
        assert wire.command(b"HELP AUTH").code in (211, 214, 502, 504)


@pytest.mark.sanitize
@pytest.mark.parametrize("size,codes", [
    (b"%d" % (SIZE + 1), (552,)), (b"99999999999", (552,)), (b"-1", (501,)), (b"abc", (501,)), (b"", (501,)),
    (b"18446744073709551616", (501, 552)), (b"1" * 21, (501,)), (b"0x10", (501,)), (b"1.5", (501,)), (b"+1", (501,)), (b"1 ", (250, 501)),
    (b"0", (250,)), (b"1", (250,)), (b"%d" % SIZE, (250,))])
def test_D15_size_is_judged_at_mail(gate, size, codes):
    with gate.session(listener="small") as wire:
        assert wire.offered["SIZE"] == [b"%d" % SIZE]
        reply = wire.command(ALICE + b" SIZE=" + size)
        assert reply.code in codes, reply


def test_D15_more_than_was_declared(gate, sink, token):
    with gate.session() as wire:
        wire.expect(250, ALICE + b" SIZE=10")
        wire.expect(250, RECIPIENT)
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code in (250, 552)


@pytest.mark.sanitize
@pytest.mark.parametrize("by", ["data", "bdat"])
def test_D15_more_than_is_allowed(gate, sink, token, by):
    """The rest is read and thrown away, and the session goes on in step."""
    sent = letter(token, (b"x" * 76 + b"\r\n") * (SIZE // 78 + 100))
    with gate.transaction(listener="small") as wire:
        if by == "data":
            wire.expect(354, b"DATA")
            wire.send(sent + b".\r\n")
        else:
            wire.send(chunk(sent, last=True))
        reply = wire.reply()
        assert reply.code == 552 and reply.enhanced == "5.3.4", reply
        wire.expect(250, b"NOOP")
    assert_zero(gate, sink, token)


@pytest.mark.parametrize("over", [-3, -2, -1, 0, 1, 2])
@pytest.mark.parametrize("by", ["data", "bdat"])
def test_D15_to_the_byte(gate, sink, token, over, by):
    """The size is that of the message as sent, its line ends counted, dots not stuffed."""
    sent = letter(token, b".x" * 30 + b"\r\n" + b"x" * 76 + b"\r\n")
    lines, rest = divmod(SIZE + over - len(sent), 78)
    sent += (b"x" * 76 + b"\r\n") * (lines - 1) + b"." * (76 + rest) + b"\r\n"
    assert len(sent) == SIZE + over
    with gate.transaction(listener="small") as wire:
        if by == "data":
            wire.expect(354, b"DATA")
            wire.send(stuffed(sent) + b".\r\n")
        else:
            wire.send(chunk(sent, last=True))
        assert wire.reply().code == (250 if over <= 0 else 552)
    if over <= 0:
        assert_one(gate, sink, token, sent)
