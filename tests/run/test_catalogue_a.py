# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue A: the end of the data, and SMTP smuggling (CVE-2023-51764, -51765, -51766 and after)."""
import concurrent.futures

import pytest

from rig.judge import assert_one, assert_zero, is_clean, letter, new_token, stuffed
from rig.sallyport import Health, warm
from rig.sink import Sink
from rig.wire import Closed

pytestmark = pytest.mark.usefixtures("alive")

# Everything that some server takes for the end of the data, and that is not CR LF . CR LF.
FORMS = {
    "A01": b"\n.\n", "A02": b"\n.\r\n", "A03": b"\r\n.\n", "A04": b"\r.\r", "A05": b"\r.\n",
    "A06": b"\n.\r", "A07": b"\r.\r\n", "A08": b"\r\n.\r", "A09": b"\r\n.\r\r\n",
    "A10": b"\r\r\n.\r\r\n", "A11": b"\r\n.\n\r", "A12": b"\n\r.\n\r",
    "A13": b"\r\n.\0\r\n", "A14": b"\r\n\0.\r\n", "A15": b"\r\n. \r\n", "A16": b"\r\n.\t\r\n",
    "A17": b"\r\n .\r\n", "A18": b"\r\n..\r\n",
    "A18_lf_cr_dot_crlf": b"\n\r.\r\n", "A18_crcrlf_dot_lf": b"\r\r\n.\n",
    "A18_crcrlf_dot_cr": b"\r\r\n.\r", "A18_crlf_dot_crcr": b"\r\n.\r\r",
    "A18_crlf_dot_lflf": b"\r\n.\n\n", "A18_lflf_dot_lflf": b"\n\n.\n\n", "A18_crcr_dot_crcr": b"\r\r.\r\r",
    "A18_cr_nul_lf": b"\r\0\n.\r\0\n", "A18_crlf_dot_cr_nul_lf": b"\r\n.\r\0\n",
    "A18_lf_dot_nul_crlf": b"\n.\0\r\n", "A18_vt": b"\v.\v", "A18_ff": b"\f.\f",
    "A18_crlf_dot_vt": b"\r\n.\v", "A18_crlf_dot_ff": b"\r\n.\f", "A18_nel": b"\x85.\x85",
    "A18_nel_utf8": b"\xc2\x85.\xc2\x85", "A18_crlf_dot_nel": b"\r\n.\x85",
    "A18_line_separator": b"\xe2\x80\xa8.\xe2\x80\xa8", "A18_paragraph": b"\xe2\x80\xa9.\xe2\x80\xa9",
    "A18_overlong": b"\xc0\x8d\xc0\x8a.\xc0\x8d\xc0\x8a", "A18_high_bit": b"\x8d\x8a.\x8d\x8a",
    "A18_high_dot": b"\r\n\xae\r\n", "A18_full_width_dot": b"\r\n\xef\xbc\x8e\r\n",
    "A18_ideographic_dot": b"\r\n\xe3\x80\x82\r\n", "A18_utf16": b"\r\0\n\0.\0\r\0\n\0",
    "A18_utf16_be": b"\0\r\0\n\0.\0\r\0\n", "A18_backspace": b"\r\nx\b.\r\n",
    "A18_dot_backspace": b"\r\n.x\b\r\n", "A18_bom": b"\r\n\xef\xbb\xbf.\r\n",
    "A18_quoted_printable": b"=0D=0A.=0D=0A", "A18_eot": b"\x04", "A18_sub": b"\r\n\x1a\r\n",
    "A18_crlf_space_lf": b"\r \n.\r \n",
}
STRAY = {name for name, seq in FORMS.items()
         if b"\n" in seq.replace(b"\r\n", b"") or b"\r" in seq.replace(b"\r\n", b"")}
LISTENERS = ("submission", "normalize")
TAIL = (b"MAIL FROM:<alice@example.org>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\n"
        b"Subject: SMUG %s\r\n\r\nsmuggled\r\n.\r\n")


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    daemon = make_gate(
        listeners={"normalize": {"tls": "starttls", "bare-newline": "normalize"}},
        routes={"*": sink.target})
    warm(daemon)
    return daemon


def pieces_of(token, seq):
    return letter(token), seq, TAIL % token


def check_smuggling(gate, sink, listener, name, send):
    """One form: one reply, and nothing for the victim, whatever else comes of it."""
    token = new_token()
    with gate.transaction(listener=listener) as wire:
        wire.expect(354, b"DATA")
        send(wire, *pieces_of(token, FORMS[name]))
        replies = [wire.reply()]
        try:
            wire.send(b"QUIT\r\n")
            replies += wire.replies_until_end()
        except (Closed, OSError):
            pass
    codes = [reply.code for reply in replies]
    assert 354 not in codes and codes[1:] in ([], [221]), replies
    assert codes[0] == 250 or 500 <= codes[0] < 600, replies
    if codes[0] != 250:
        assert not sink.with_token(token)
        return
    assert name not in STRAY or listener == "normalize", "a bare CR or LF was accepted"
    message = sink.wait_for_token(token)
    assert [address for address, _ in message.recipients] == [b"u@example.net"]
    assert is_clean(message.raw)
    assert b"smuggled" in message.raw


@pytest.mark.sanitize
@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("name", FORMS)
def test_A01_to_A18_in_one_write(gate, sink, listener, name):
    check_smuggling(gate, sink, listener, name,
                    lambda wire, first, seq, tail: wire.send(first + seq + tail))


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("name", FORMS)
def test_A01_to_A18_each_byte_in_a_segment(gate, sink, listener, name):
    def send(wire, first, seq, tail):
        wire.send(first)
        wire.send_segments(seq[i:i + 1] for i in range(len(seq)))
        wire.send(tail)
    check_smuggling(gate, sink, listener, name, send)


PAUSE_S = 1.5


@pytest.fixture(scope="module")
def paused(gate, sink):
    """Every form with a pause behind it, all at once; what was found wrong with each."""
    def send(wire, first, seq, tail):
        wire.send(first)
        wire.wait_until_read()
        wire.send(seq)
        assert wire.is_silent(PAUSE_S), f"an answer in the pause: {wire.pending!r}"
        wire.send(tail)

    def run(case):
        listener, name = case
        try:
            check_smuggling(gate, sink, listener, name, send)
            return None
        except (AssertionError, Closed) as fault:
            return fault

    cases = [(listener, name) for listener in LISTENERS for name in FORMS]
    health = Health(gate)
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        found = dict(zip(cases, pool.map(run, cases)))
    health.check()
    return found


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("name", FORMS)
def test_A01_to_A18_with_a_pause(paused, listener, name):
    if paused[listener, name]:
        raise paused[listener, name]


def test_A19_the_dot_in_pieces(gate, sink, token):
    """No time between the pieces, but each is read before the next is sent."""
    sent = letter(token, b"A\r\n.dot\r\nB\r\n")
    with gate.transaction() as wire:
        wire.expect(354, b"DATA")
        wire.send(stuffed(sent)[:-2])
        wire.send_segments([b"\r", b"\n", b".", b"\r", b"\n"])
        assert wire.reply().code == 250
    assert b"\r\n..dot\r\n" in assert_one(gate, sink, token, sent).raw


def chunk(data, last=False):
    return b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data


@pytest.mark.sanitize
def test_A20_dots_and_commands_in_a_chunk_are_content(gate, sink, token):
    sent = letter(token, b"first\r\n.\r\n.\r\nMAIL FROM:<x@y>\r\nend\r\n")
    with gate.transaction() as wire:
        wire.send(chunk(sent, last=True))
        assert wire.reply().code == 250
        assert wire.command(b"NOOP").code == 250
    assert b"\r\n..\r\n..\r\nMAIL FROM" in assert_one(gate, sink, token, sent).raw


def test_A21_a_line_end_split_over_two_chunks(gate, sink, token):
    sent = letter(token, b"body\r\n.\r\nMAIL FROM:<x@y>\r\n")
    middle = sent.index(b"\n.\r\nMAIL")
    with gate.transaction() as wire:
        wire.send(chunk(sent[:middle]))
        assert wire.reply().code == 250
        wire.send(chunk(sent[middle:], last=True))
        assert wire.reply().code == 250
    assert_one(gate, sink, token, sent)


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("stray", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\nb\r\n", b"a\n.\nb\r\n", b"a\r\r\nb\r\n",
                                   b"a\0b\r\n", b"end\r", b"end\n"])
def test_A22_stray_line_ends_in_chunks(gate, sink, token, listener, stray):
    with gate.transaction(listener=listener) as wire:
        wire.send(chunk(letter(token, stray), last=True))
        reply = wire.reply()
        assert wire.command(b"NOOP").code == 250
    if reply.code == 250:
        assert_one(gate, sink, token)
    else:
        assert 500 <= reply.code < 600, reply
        assert_zero(gate, sink, token)


def test_A23_a_last_line_without_its_end(gate, sink, token):
    with gate.transaction() as wire:
        wire.send(chunk(letter(token, b"abc"), last=True))
        assert wire.reply().code == 250
    assert assert_one(gate, sink, token).raw.endswith(b"\r\nabc\r\n")


def test_A25_pipelining_behind_the_end(gate, sink, token):
    other = new_token()
    with gate.transaction() as wire:
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\nMAIL FROM:<alice@example.org>\r\nRCPT TO:<u@example.net>\r\nDATA\r\n")
        assert [reply.code for reply in wire.replies(4)] == [250, 250, 250, 354]
        wire.send(letter(other) + b".\r\n")
        assert wire.reply().code == 250
    assert_one(gate, sink, token)
    assert_one(gate, sink, other)


def test_A25_the_next_354_waits_for_all_replies(gate, sink, token):
    """The second transaction stands whole in the same write as the first."""
    letters = [letter(token, b"number %d\r\n" % number) for number in range(3)]
    transactions = [b"MAIL FROM:<alice@example.org>\r\nRCPT TO:<u@example.net>\r\nBDAT %d LAST\r\n"
                    % len(each) + each for each in letters]
    with gate.session() as wire:
        wire.send(b"".join(transactions) + b"MAIL FROM:<alice@example.org>\r\nRCPT TO:<u@example.net>\r\nDATA\r\n")
        assert [r.code for r in wire.replies(12)] == [250] * 9 + [250, 250, 354]
    assert len(sink.wait_for_token(token, count=3)) == 3


@pytest.mark.parametrize("stray", [b"x\ny\r\n", b"x\ry\r\n", b"x\0y\r\n"])
def test_A26_no_stray_byte_goes_out_by_lmtp(make_gate, token, stray):
    hop = Sink(protocol="lmtp")
    daemon = make_gate(listeners={"normalize": {"tls": "starttls", "bare-newline": "normalize"}},
                       routes={"*": hop.target})
    for listener in LISTENERS:
        with daemon.transaction(listener=listener) as wire:
            wire.send(chunk(letter(token, stray), last=True))
            if wire.reply().code == 250:
                message = hop.wait_for_token(token)
                assert is_clean(message.raw)
    daemon.wait_until_queue_is_empty()
    hop.stop()


def test_A26_no_stray_byte_went_out_by_smtp(sink):
    assert sink.messages
    for message in sink.messages:
        assert is_clean(message.raw), message
