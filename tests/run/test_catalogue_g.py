# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue G: who may stand in From, Sender and the Resent- fields."""
import re

import pytest

from rig.judge import assert_zero, deliver, is_clean
from rig.sallyport import warm

pytestmark = pytest.mark.usefixtures("alive")

ALICE, BOB = b"<alice@example.org>", b"<bob@example.org>"
TAIL = b"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%s@client.example.org>\r\nSubject: %s\r\n\r\nbody\r\n"
OURS = re.compile(rb'\A\s*(?:(?:"(?:[^"\\]|\\.)*"|[^"<>@,;:()\r\n]*)\s*<(?:alice|ali|team)@example\.org>'
                  rb'|(?:alice|ali|team)@example\.org)\s*\Z', re.S | re.I)

ALLOWED = {
    "G01": b"From: Alice " + ALICE + b"\r\n",
    "G01_bare": b"From: alice@example.org\r\n",
    "G01_alias": b"From: <ali@example.org>\r\n",
    "G01_team": b"From: The Team <team@example.org>\r\n",
    "G01_quoted_name": b'From: "Doe, Alice" ' + ALICE + b"\r\n",
    "G01_folded": b"From: Alice\r\n " + ALICE + b"\r\n",
    "G01_case": b"FROM: Alice <alice@EXAMPLE.ORG>\r\n",
    "G01_no_blank": b"From:" + ALICE + b"\r\n",
    "G12": b'From: "bob@example.org" ' + ALICE + b"\r\n",
    "G14": b"From: =?utf-8?q?bob=40example=2Eorg?= " + ALICE + b"\r\n",
    "G14_name": b"From: =?utf-8?b?QWxpY2U=?= " + ALICE + b"\r\n",
    "G16_sender": b"From: " + ALICE + b"\r\nSender: <team@example.org>\r\n",
    "G16_two_own": b"From: " + ALICE + b", <team@example.org>\r\nSender: " + ALICE + b"\r\n",
    "G16_reply_to": b"From: " + ALICE + b"\r\nReply-To: " + BOB + b"\r\n",
    "G16_to": b"From: " + ALICE + b"\r\nTo: " + BOB + b"\r\n",
    "G16_resent": b"Resent-From: " + ALICE + b"\r\nFrom: " + ALICE + b"\r\n",
}

FORGED = {
    "G02": b"From: " + BOB + b"\r\n",
    "G02_bare": b"From: bob@example.org\r\n",
    "G02_outside": b"From: <ceo@example.com>\r\n",
    "G02_name": b'From: "alice@example.org" ' + BOB + b"\r\n",
    "G02_case": b"from: <BOB@EXAMPLE.ORG>\r\n",
    "G02_folded": b"From:\r\n " + BOB + b"\r\n",
    "G02_folded_twice": b"From: bob\r\n\t<bob@\r\n example.org>\r\n",
    "G03_own_first": b"From: " + ALICE + b"\r\nFrom: " + BOB + b"\r\n",
    "G03_own_last": b"From: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G03_far_apart": b"From: " + ALICE + b"\r\n" + b"X-Filler: x\r\n" * 500 + b"From: " + BOB + b"\r\n",
    "G03_case": b"From: " + ALICE + b"\r\nfROM: " + BOB + b"\r\n",
    "G03_three": b"From: " + ALICE + b"\r\nFrom: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G04": b"From: " + ALICE + b", " + BOB + b"\r\n",
    "G04_other_first": b"From: " + BOB + b", " + ALICE + b"\r\n",
    "G04_no_comma": b"From: " + ALICE + b" " + BOB + b"\r\n",
    "G04_semicolon": b"From: " + ALICE + b"; " + BOB + b"\r\n",
    "G04_empty_elements": b"From: ,, " + ALICE + b",, " + BOB + b"\r\n",
    "G05": b"From: " + ALICE + b", " + BOB + b"\r\nSender: " + ALICE + b"\r\n",
    "G06": b" From: " + ALICE + b"\r\nFrom: " + BOB + b"\r\n",
    "G06_tab": b"\tFrom: " + ALICE + b"\r\nFrom: " + BOB + b"\r\n",
    "G06_continuation": b"From: " + ALICE + b"\r\n From: " + BOB + b"\r\n",
    "G06_first": b" From: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G07": b"From : " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G07_alone": b"From : " + BOB + b"\r\n",
    "G07_tab": b"From\t: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G07_nbsp": b"From\xa0: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G08": b"From\r\n : " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G08_alone": b"From\r\n : " + BOB + b"\r\n",
    "G08_inside": b"Fr\r\n om: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G09": b"From: g:bob@example.org;\r\n",
    "G10": b"From: g:alice@example.org,bob@example.org;\r\n",
    "G10_empty_group": b"From: undisclosed:;\r\n",
    "G10_nested": b"From: a:b:" + BOB + b";;\r\n",
    "G10_open": b"From: g:" + ALICE + b"," + BOB + b"\r\n",
    "G10_group_then": b"From: g:" + ALICE + b";, " + BOB + b"\r\n",
    "G11": b"From: bob@example.org (a) (<alice@example.org>)\r\n",
    "G11_comment_before": b"From: (<alice@example.org>) bob@example.org\r\n",
    "G11_nested": b"From: ((" + ALICE + b")) " + BOB + b"\r\n",
    "G11_open": b"From: " + ALICE + b" (" + b"\r\n " + BOB + b"\r\n",
    "G11_in_domain": b"From: <bob@(alice@example.org)example.org>\r\n",
    "G13": b"From: =?utf-8?b?Ym9iQGV4YW1wbGUub3Jn?=,<alice@example.org>\r\n",
    "G13_alone": b"From: =?utf-8?b?PGJvYkBleGFtcGxlLm9yZz4=?=\r\n",
    "G13_q": b"From: =?utf-8?q?=3Cbob=40example=2Eorg=3E?=, " + ALICE + b"\r\n",
    "G13_in_brackets": b"From: <=?utf-8?q?bob?=@example.org>\r\n",
    "G13_newline": b"From: =?utf-8?q?x=0D=0AFrom:_bob=40example.org?= <bob@example.org>\r\n",
    "G15": b"From: <@example.org,@x:bob@example.org>\r\n",
    "G15_own": b"From: <@alice@example.org:bob@example.org>\r\n",
    "G17_sender": b"From: " + ALICE + b"\r\nSender: " + BOB + b"\r\n",
    "G17_sender_outside": b"From: " + ALICE + b"\r\nSender: <ceo@example.com>\r\n",
    "G17_two_senders": b"From: " + ALICE + b"\r\nSender: " + ALICE + b"\r\nSender: " + BOB + b"\r\n",
    "G17_sender_list": b"From: " + ALICE + b"\r\nSender: " + ALICE + b", " + BOB + b"\r\n",
    "G18_resent_from": b"Resent-From: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G18_resent_sender": b"Resent-Sender: " + BOB + b"\r\nResent-From: " + ALICE + b"\r\nFrom: " + ALICE + b"\r\n",
    "G18_resent_list": b"Resent-From: " + ALICE + b", " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G18_resent_twice": b"Resent-From: " + ALICE + b"\r\nResent-From: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G18_resent_of_bob": b"Resent-From: " + ALICE + b"\r\nFrom: " + BOB + b"\r\n",
    "G19_empty": b"From:\r\n",
    "G19_blank": b"From: \r\n",
    "G19_null": b"From: <>\r\n",
    "G19_word": b"From: alice\r\n",
    "G19_no_domain": b"From: <alice@>\r\n",
    "G19_phrase_only": b'From: "alice@example.org"\r\n',
    "G20_open_quote": b'From: "Alice ' + ALICE + b", " + BOB + b"\r\n",
    "G20_open_angle": b"From: <alice@example.org, bob@example.org>\r\n",
    "G20_unclosed": b"From: <bob@example.org\r\n",
    "G20_double_angle": b"From: <<bob@example.org>>\r\n",
    "G20_angle_in_angle": b"From: <alice@example.org<bob@example.org>>\r\n",
    "G20_backslash": b'From: "Alice\\" ' + BOB + b', "' + ALICE + b"\r\n",
    "G20_at_at": b"From: <bob@example.org@alice@example.org>\r\n",
    "G20_two_at": b"From: <alice@example.org@evil.example>\r\n",
    "G20_blank_in_address": b"From: <alice@example.org bob@example.org>\r\n",
    "G20_space_local": b"From: <bob @ example.org>\r\n",
    "G20_obs_dots": b"From: <bob . x@example . org>\r\n",
    "G20_quoted_at": b'From: <"alice@example.org"@evil.example>\r\n',
    "G20_literal": b"From: <alice@[127.0.0.1]>\r\n",
    "G20_percent": b"From: <bob%example.org@example.org>\r\n",
    "G20_bang": b"From: <example.org!bob>\r\n",
    "G21_nul_in_name": b"Fr\0om: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G21_nul_in_value": b"From: " + ALICE + b"\0, " + BOB + b"\r\n",
    "G21_nul_after": b"From\0: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G21_control": b"From\x01: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G21_backspace": b"From: bob@example.org\b\b\b" + ALICE + b"\r\n",
    "G21_vt_fold": b"From: " + ALICE + b"\x0b" + BOB + b"\r\n",
    "G22_bare_lf": b"X: y\nFrom: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G22_bare_cr": b"X: y\rFrom: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G22_crcrlf": b"X: y\r\r\nFrom: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G22_nel": b"X: y\x85From: " + BOB + b"\r\nFrom: " + BOB + b"\r\n",
    "G23_end_by_space": b"From: " + BOB + b"\r\n \r\nFrom: " + ALICE + b"\r\n",
    "G23_no_colon": b"no header at all\r\nFrom: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G23_no_colon_then_own": b"From: " + BOB + b"\r\nno header at all\r\nFrom: " + ALICE + b"\r\n",
    "G23_own_then_no_colon": b"From: " + ALICE + b"\r\nno header at all\r\nFrom: " + BOB + b"\r\n",
    "G23_colon_first": b": x\r\nFrom: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G23_mbox": b"From bob@example.org Sat Nov 21 10:00:00 2026\r\nFrom: " + BOB + b"\r\n",
    "G23_mbox_escaped": b">From: " + ALICE + b"\r\nFrom: " + BOB + b"\r\n",
    "G23_only_in_body": b"X-Empty: 1\r\n\r\nFrom: " + ALICE + b"\r\n\r\n",
    "G24_none": b"X-Nothing: here\r\n",
    "G24_prefix": b"X-From: " + ALICE + b"\r\n",
    "G24_plural": b"Froms: " + ALICE + b"\r\nFrom: " + BOB + b"\r\n",
    "G25_eight_bit_name": b"Fr\xc3\xb6m: x\r\nFrom: " + BOB + b"\r\n",
    "G25_full_width": "\uff26\uff52\uff4f\uff4d: ".encode() + ALICE + b"\r\nFrom: " + BOB + b"\r\n",
    "G25_bom": b"\xef\xbb\xbfFrom: " + BOB + b"\r\nFrom: " + ALICE + b"\r\n",
    "G25_bom_alone": b"\xef\xbb\xbfFrom: " + ALICE + b"\r\nX: y\r\n",
    "G26_utf8_local": "From: <\u0430lice@example.org>\r\n".encode(),
    "G26_utf8_domain": "From: <alice@ex\u0430mple.org>\r\n".encode(),
    "G26_full_width": "From: <\uff41lice@example.org>\r\n".encode(),
    "G26_zero_width": "From: <al\u200bice@example.org>\r\n".encode(),
    "G26_latin1": b"From: <al\xefce@example.org>\r\n",
    "G26_overlong_at": b"From: <alice\xc1\x80example.org>, " + BOB + b"\r\n",
    "G26_full_width_at": "From: alice\uff20example.org, <bob@example.org>\r\n".encode(),
    "G26_full_width_angle": "From: \uff1calice@example.org\uff1e, <bob@example.org>\r\n".encode(),
    "G27_long_padding": b"From: " + b" " * 900 + b"\r\n " + b" " * 900 + BOB + b"\r\n",
    "G27_long_name": b'From: "' + b"a" * 900 + b'"\r\n ' + BOB + b"\r\n",
    "G27_many": b"From: " + b"\r\n ,".join([ALICE] * 200) + b"\r\n ," + BOB + b"\r\n",
    "G27_deep_comment": b"From: " + b"(" * 400 + b")" * 400 + BOB + b"\r\n",
    "G27_deep_open_comment": b"From: " + ALICE + b"(" * 900 + b"\r\n " + BOB + b"\r\n",
    "G27_behind_64k": b"".join(b"X-%d: %s\r\n" % (i, b"y" * 60) for i in range(1100)) + b"From: " + BOB + b"\r\n",
    "G27_second_behind_64k": b"From: " + ALICE + b"\r\n"
                             + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 60) for i in range(1100)) + b"From: " + BOB + b"\r\n",
    "G28_plus": b"From: <alice+x@example.org>\r\n",
    "G28_trailing_dot": b"From: <bob@example.org.>\r\n",
    "G28_subdomain": b"From: <alice@mail.example.org>\r\n",
    "G29_comma_in_name": b"From: Doe, Alice " + ALICE + b"\r\n",
    "G29_unquoted_at": b"From: bob@example.org " + ALICE + b"\r\n",
    "G29_unquoted_at_behind": b"From: " + ALICE + b" bob@example.org\r\n",
    "G29_colon_in_name": b"From: bob@example.org: " + ALICE + b"\r\n",
    "G29_bracketed_name": b"From: [bob@example.org] " + ALICE + b"\r\n",
    "G30_apparently": b"Apparently-From: " + ALICE + b"\r\nFrom: " + BOB + b"\r\n",
    "G30_received_then": b"Received: by x; Sat, 21 Nov 2026 10:00:00 +0000\r\n From: " + ALICE + b"\r\nFrom: " + BOB + b"\r\n",
    "G31_quoted_local": b'From: <"bob"@example.org>\r\n',
    "G31_quoted_pair": b'From: <"b\\ob"@example.org>\r\n',
    "G31_comment_in_local": b"From: <bob(x)@example.org>\r\n",
    "G31_comment_splits": b"From: <bob(>)(<)@example.org>\r\n",
}


def submit(gate, header, token):
    with gate.session() as wire:
        return deliver(wire, header + TAIL % (token, token))


@pytest.mark.sanitize
@pytest.mark.parametrize("item", ALLOWED)
def test_G01_own_header_senders(gate, sink, token, item):
    reply = submit(gate, ALLOWED[item], token)
    assert reply.code == 250, reply
    message = sink.wait_for_token(token)
    assert len(message.fields("From")) == 1


def assert_only_ours(message):
    """What reached the next hop shows one From, and nobody reads another into it."""
    assert is_clean(message.raw)
    header = message.header
    lines = re.split(rb"[\r\n\x85\x0b\x0c]+", header)
    froms = [line for line in lines if re.match(rb"[\s\0>\xef\xbb\xbf\xa0]*from[\s\0\x01\xa0]*(:|$)", line, re.I)]
    assert len(froms) == 1, froms
    (value,) = message.fields("From")
    assert OURS.match(value), value
    for name in ("Sender", "Resent-From", "Resent-Sender"):
        for value in message.fields(name):
            assert OURS.match(value), (name, value)


@pytest.mark.sanitize
@pytest.mark.parametrize("item", FORGED)
def test_G02_to_G31_forged_header_senders(gate, sink, token, item):
    reply = submit(gate, FORGED[item], token)
    if reply.code != 250:
        assert 500 <= reply.code < 600, reply
        assert reply.enhanced, reply
        assert not sink.with_token(token)
        return
    assert_only_ours(sink.wait_for_token(token))


@pytest.mark.parametrize("item", ["G02", "G04", "G17_sender", "G18_resent_from"])
def test_G32_the_reply_blames_the_sender(gate, sink, token, item):
    reply = submit(gate, FORGED[item], token)
    assert (reply.code, reply.enhanced) == (550, "5.7.1"), reply
    assert "permission to send as this sender" in reply.text
    assert_zero(gate, sink, token)


@pytest.mark.parametrize("item", ["G03_own_first", "G02", "G23_end_by_space", "G27_second_behind_64k"])
def test_G33_the_same_by_chunks(gate, sink, token, item):
    """The header may be cut anywhere by BDAT."""
    sent = FORGED[item] + TAIL % (token, token)
    with gate.transaction() as wire:
        middle = sent.index(BOB) + 3
        for part, last in ((sent[:middle], b""), (sent[middle:], b" LAST")):
            wire.send(b"BDAT %d%s\r\n" % (len(part), last) + part)
            reply = wire.reply()
            if reply.code != 250:
                break
        if reply.code != 250:
            assert 500 <= reply.code < 600
            assert not sink.with_token(token)
        else:
            assert_only_ours(sink.wait_for_token(token))


@pytest.mark.parametrize("item", ["G26_utf8_local", "G26_full_width", "G26_zero_width", "G25_full_width", "G26_full_width_at"])
def test_G34_the_same_with_smtputf8(gate, sink, token, item):
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org> SMTPUTF8")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        wire.send(FORGED[item] + TAIL % (token, token) + b".\r\n")
        reply = wire.reply()
    assert 500 <= reply.code < 600, reply
    assert_zero(gate, sink, token)


def test_G35_utf8_in_a_display_name(gate, sink, token):
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org> SMTPUTF8")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        wire.send("From: \u00c4lice <alice@example.org>\r\n".encode() + TAIL % (token, token) + b".\r\n")
        assert wire.reply().code == 250
    sink.wait_for_token(token)


@pytest.mark.parametrize("login,code", [("alice", 250), ("bob", 550)])
def test_G36_a_shared_address(gate, sink, token, login, code):
    with gate.session(login) as wire:
        reply = deliver(wire, b"From: <team@example.org>\r\n" + TAIL % (token, token), sender=login.encode() + b"@example.org")
        assert reply.code == code


def test_G37_the_second_message_is_judged_afresh(gate, sink, token):
    with gate.session() as wire:
        assert deliver(wire, ALLOWED["G01"] + TAIL % (token, token)).code == 250
        assert deliver(wire, FORGED["G02"] + TAIL % (b"x", b"x")).code == 550
        assert deliver(wire, ALLOWED["G01"] + TAIL % (token + b"-2", token)).code == 250
    assert len(sink.wait_for_token(token, count=2)) == 2


def test_G38_an_attached_message_may_be_from_anybody(gate, sink, token):
    body = (b"From: " + ALICE + b"\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n" + TAIL % (token, token)
            ).replace(b"body\r\n", b"From: " + BOB + b"\r\nSubject: forwarded\r\n\r\nx\r\n")
    with gate.session() as wire:
        assert deliver(wire, body).code == 250
    sink.wait_for_token(token)


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    daemon = make_gate(routes={"*": sink.target})
    warm(daemon)
    return daemon
