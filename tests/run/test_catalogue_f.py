# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue F: who may stand in MAIL FROM."""
import unicodedata

import pytest

from rig.judge import assert_one, assert_zero, deliver, letter, new_token
from rig.sallyport import PERMITS, warm

pytestmark = pytest.mark.usefixtures("alive")

NFC = unicodedata.normalize("NFC", "ali\u0308ce").encode()
NFD = unicodedata.normalize("NFD", "al\u00efce").encode()


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    daemon = make_gate(
        routes={"*": sink.target},
        base={"authoritative-domains": '{ "example.org", "plus.example.org", "xn--exmple-cua.org" }'},
        permits=PERMITS, extra='domain "plus.example.org" { plus-address = "+" }\n')
    for address in ("alice@plus.example.org", "al\u00efce@example.org", "alice@ex\u00e4mple.org"):
        daemon.ctl("address", "add", "alice", address)
    warm(daemon)
    return daemon


def mail(gate, argument, login="alice"):
    """The replies to MAIL and, if that was taken, RCPT."""
    with gate.session(login) as wire:
        replies = [wire.command(b"MAIL FROM:" + argument)]
        if replies[0].code == 250:
            replies.append(wire.command(b"RCPT TO:<u@example.net>"))
    return replies


def assert_allowed(gate, argument, login="alice"):
    assert [reply.code for reply in mail(gate, argument, login)] == [250, 250]


def assert_not_ours(gate, argument, login="alice"):
    """Refused at MAIL, where the sender is blamed, and with the text that says so."""
    (reply,) = mail(gate, argument, login)
    assert (reply.code, reply.enhanced) == (550, "5.7.1"), reply
    assert "permission to send as this sender" in reply.text


def assert_refused(gate, argument, codes=range(500, 600)):
    (reply,) = mail(gate, argument)
    assert reply.code in codes, reply


@pytest.mark.sanitize
@pytest.mark.parametrize("argument", [b"<alice@example.org>", b"<ali@example.org>", b"<alice@EXAMPLE.ORG>",
                                      b'<"alice"@example.org>', b'<"a\\lice"@example.org>', b"<team@example.org>"],
                         ids=["F01", "F02_alias", "F05_domain_case", "F08_quoted", "F09_quoted_pair", "F30_member"])
def test_F01_F02_F05_F08_F09_own_addresses(gate, argument):
    assert_allowed(gate, argument)


@pytest.mark.parametrize("argument", [b"<bob@example.org>", b"<nobody@example.org>", b"<ceo@example.com>", b"<postmaster@example.org>",
                                      b"<alice@example.net>", b"<alice@sub.example.org>", b"<alice@example.org.evil.example>",
                                      b"<ceo@localhost.localdomain>", b"<alice@xample.org>", b"<lice@example.org>"])
def test_F03_F04_addresses_of_others(gate, argument):
    assert_not_ours(gate, argument)


def test_F06_case_of_the_local_part_is_one_choice(gate, sink):
    """The same verdict for MAIL FROM and for From."""
    by_envelope = len(mail(gate, b"<ALICE@example.org>")) == 2
    token = new_token()
    with gate.session() as wire:
        by_header = deliver(wire, letter(token, sender=b"<ALICE@example.org>")).code == 250
    assert by_envelope == by_header


def test_F07_plus_addresses_where_the_domain_has_them(gate):
    assert_not_ours(gate, b"<alice+x@example.org>")
    assert_allowed(gate, b"<alice+x@plus.example.org>")
    assert_not_ours(gate, b"<bob+alice@plus.example.org>")
    assert_not_ours(gate, b"<alice-x@plus.example.org>")
    assert_not_ours(gate, b"<+alice@plus.example.org>")


REFUSED = {
    "F10": b'<"alice@example.org"@example.com>', "F11": b"<@evil.example,@b:bob@example.org>",
    "F11_short": b"<@example.org:bob@example.org>",
    "F13_percent": b"<bob%example.org@example.org>", "F13_bang": b"<example.org!bob@example.org>",
    "F13_two_at": b"<bob@example.org@example.org>", "F13_two_at_own": b"<alice@example.org@example.com>",
    "F13_colon": b"<bob:alice@example.org>", "F13_semicolon": b"<bob;alice@example.org>",
    "F19_id": b"<;id;>", "F19_backtick": b'<"`id`"@example.org>', "F19_pipe": b"<|id@example.org>",
    "F19_dash": b"<-oX@example.org>", "F19_dollar": b"<$(id)@example.org>", "F19_path": b"</etc/passwd@example.org>",
    "F19_include": b"<:include:/etc/passwd@example.org>", "F19_newline": b'<"a\\\nb"@example.org>',
    "F20_local": b"<" + b"a" * 300 + b"@example.org>", "F20_local_65": b"<" + b"a" * 65 + b"@example.org>",
    "F20_domain": b"<alice@" + b"a." * 127 + b"example.org>", "F20_label": b"<alice@" + b"a" * 64 + b".example.org>",
    "F21_v4": b"<alice@[127.0.0.1]>", "F21_v6": b"<alice@[IPv6:::1]>", "F21_odd": b"<alice@[example.org]>",
    "F21_open": b"<alice@[127.0.0.1>", "F21_tag": b"<alice@[x:example.org]>",
}


@pytest.mark.sanitize
@pytest.mark.parametrize("item", REFUSED)
def test_F10_F11_F13_F19_F20_F21_odd_addresses(gate, item):
    assert_refused(gate, REFUSED[item])


@pytest.mark.parametrize("argument", [b"<@b.example:alice@example.org>", b"<@a.example,@b.example:alice@example.org>"])
def test_F12_a_route_is_dropped_or_refused(gate, sink, token, argument):
    replies = mail(gate, argument)
    if replies[0].code != 250:
        assert 500 <= replies[0].code < 600
        return
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:" + argument)
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    assert assert_one(gate, sink, token).sender == b"alice@example.org"


@pytest.mark.parametrize("domain", [b"example.org.", b"example.org..", b".example.org", b"example..org"])
def test_F14_dots_about_the_domain(gate, sink, token, domain):
    replies = mail(gate, b"<alice@" + domain + b">")
    if replies[0].code == 250:
        assert domain == b"example.org."
        with gate.session() as wire:
            assert deliver(wire, letter(token), sender=b"alice@" + domain).code == 250
        assert assert_one(gate, sink, token).sender == b"alice@example.org"
    else:
        assert 500 <= replies[0].code < 600


SYNTAX = {
    "F15_bare": b"alice@example.org", "F15_blank_before": b"< alice@example.org>", "F15_blank_inside": b"<alice @example.org>",
    "F15_blank_behind": b"<alice@example.org >", "F15_blank_after_at": b"<alice@ example.org>", "F15_open": b"<alice@example.org",
    "F15_close": b"alice@example.org>", "F15_double": b"<<alice@example.org>>", "F15_name": b"Alice <alice@example.org>",
    "F16": b"<alice(bob)@example.org>", "F16_domain": b"<alice@example.org(bob)>", "F16_before": b"(bob)<alice@example.org>",
    "F17_01": b"<alice@example.org\x01>", "F17_nul": b"<alice@example.org\0>", "F17_del": b"<alice@example.org\x7f>",
    "F17_tab": b"<alice@example.org\t>", "F17_local_tab": b"<al\tice@example.org>", "F17_local_nul": b"<alice\0@example.org>",
    "F17_quoted_nul": b'<"alice\0"@example.org>', "F17_bell": b"<\x07alice@example.org>", "F17_escape": b"<\x1b[malice@example.org>",
    "F18": b"<alice@example.org><bob@example.org>", "F18_comma": b"<alice@example.org,bob@example.org>",
    "F18_blank": b"<alice@example.org bob@example.org>", "F18_list": b"<alice@example.org>,<bob@example.org>",
    "F22": b"<alice>", "F22_at": b"<alice@>", "F22_no_local": b"<@example.org>", "F22_dot": b"<.alice@example.org>",
    "F22_dots": b"<al..ice@example.org>", "F22_end_dot": b"<alice.@example.org>", "F22_quote": b'<"alice@example.org>',
    "F22_half_quote": b'<al"ice"@example.org>', "F22_underscore": b"<alice@exa_mple.org>", "F22_dash": b"<alice@-example.org>",
    "F22_dash_end": b"<alice@example-.org>",
}


@pytest.mark.sanitize
@pytest.mark.parametrize("item", SYNTAX)
def test_F15_to_F18_F22_syntax(gate, item):
    argument = SYNTAX[item]
    control = any(byte < 32 for byte in argument)
    assert_refused(gate, argument, (500, 501, 553) if control else (501, 553))


def test_F23_the_empty_path_with_own_from(gate, sink, token):
    with gate.session() as wire:
        assert deliver(wire, letter(token), sender=b"").code == 250
    assert assert_one(gate, sink, token).sender == b""


@pytest.mark.parametrize("sender", [b"<bob@example.org>", b"<mailer-daemon@example.org>", b"<ceo@example.com>",
                                    b"<alice@example.org>, <bob@example.org>"])
def test_F23_the_empty_path_with_the_from_of_another(gate, sink, token, sender):
    with gate.session() as wire:
        reply = deliver(wire, letter(token, sender=sender), sender=b"")
        assert (reply.code, reply.enhanced) == (550, "5.7.1"), reply
    assert_zero(gate, sink, token)


def test_F24_utf8_needs_smtputf8(gate):
    (reply,) = mail(gate, b"<" + NFC + b"@example.org>")
    assert reply.code in (550, 553) and reply.enhanced == "5.6.7", reply
    assert_allowed(gate, b"<" + NFC + b"@example.org> SMTPUTF8")


def test_F24_the_other_normal_form(gate):
    """The same mailbox, or refused; here alice owns the composed form."""
    replies = mail(gate, b"<" + NFD + b"@example.org> SMTPUTF8")
    assert replies[0].code == 250 or 500 <= replies[0].code < 600
    assert_not_ours(gate, b"<" + NFC + b"@example.org> SMTPUTF8", login="bob")
    assert 500 <= mail(gate, b"<" + NFD + b"@example.org> SMTPUTF8", login="bob")[0].code < 600


@pytest.mark.parametrize("broken", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc3", b"\xe2\x82"])
def test_F24_what_is_no_utf8(gate, broken):
    assert_refused(gate, b"<al" + broken + b"ice@example.org> SMTPUTF8")


LOOKALIKES = ["\u0430lice", "\uff41lice", "ali\u0441e", "al\u0131ce", "al\u00edce", "alic\u0435", "\u017flice", "al\u200dice",
              "\u202ealice", "al\u00adice", "alice\ufe0f", "\u2060alice", "alice\u200b", "\uff41\uff4c\uff49\uff43\uff45",
              "\U0001d41alice", "\u24d0lice", "al\u2170ce", "alice\u0307", "\ufeffalice", "al\u034fice"]


@pytest.mark.parametrize("local", LOOKALIKES)
def test_F25_lookalikes(gate, local):
    assert_refused(gate, b"<" + local.encode() + b"@example.org> SMTPUTF8")


@pytest.mark.parametrize("local", ["te\ufb00am", "\ufb01", "t\u0435am", "\u1d57eam", "tea\u2098"])
def test_F25_lookalikes_of_a_grant(gate, local):
    assert_refused(gate, b"<" + local.encode() + b"@example.org> SMTPUTF8")


@pytest.mark.parametrize("argument", [b"<alice@xn--exmple-cua.org>", b"<alice@XN--EXMPLE-CUA.ORG>",
                                      b"<alice@ex\xc3\xa4mple.org> SMTPUTF8", b"<alice@EX\xc3\x84MPLE.ORG> SMTPUTF8"])
def test_F26_two_spellings_of_one_domain(gate, argument):
    assert_allowed(gate, argument)


@pytest.mark.parametrize("domain", ["xn--.org", "xn--\u00e4.org", "xn--exmple-cuaa.org", "xn--99999999999.org", "-ex\u00e4mple.org", "exampl\u0435.org",
                                    "exa\u00dfmple.org", "example\u200b.org", "\u202eexample.org"])
def test_F26_other_spellings(gate, domain):
    assert_refused(gate, b"<alice@" + domain.encode() + b"> SMTPUTF8")


@pytest.mark.parametrize("dot", ["\u3002", "\uff0e", "\uff61"])
def test_F26_other_full_stops(gate, sink, token, dot):
    """Refused, or the IDNA2008 result: an ordinary dot."""
    argument = b"<alice@example" + dot.encode() + b"org> SMTPUTF8"
    if mail(gate, argument)[0].code != 250:
        return
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:" + argument)
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        wire.reply()
    assert assert_one(gate, sink, token).sender == b"alice@example.org"


@pytest.mark.parametrize("parameter", [b"AUTH=<bob@example.org>", b"AUTH=bob@example.org", b"AUTH=<>", b"AUTH=alice@example.org"])
def test_F27_the_auth_parameter_is_not_passed_on(gate, sink, token, parameter):
    with gate.session() as wire:
        reply = wire.command(b"MAIL FROM:<alice@example.org> " + parameter)
        if reply.code != 250:
            assert reply.code == 501 and parameter == b"AUTH=<bob@example.org>"
            return
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    message = assert_one(gate, sink, token)
    assert not [p for p in message.parameters if p.upper().startswith(b"AUTH=") and p.upper() != b"AUTH=<>"]


def test_F28_the_second_transaction(gate, sink, token):
    with gate.session() as wire:
        assert deliver(wire, letter(token)).code == 250
        wire.expect(550, b"MAIL FROM:<bob@example.org>")
        wire.expect(503, b"RCPT TO:<u@example.net>")
    assert_one(gate, sink, token)


def test_F29_after_rset(gate):
    with gate.session() as wire:
        wire.expect(250, b"RSET")
        wire.expect(550, b"MAIL FROM:<bob@example.org>")
        wire.expect(250, b"MAIL FROM:<alice@example.org>")


@pytest.mark.parametrize("login,address", [("bob", b"team@example.org"), ("bob", b"alice@example.org"), ("bob", b"ali@example.org"),
                                           ("bob", b"TEAM@EXAMPLE.ORG"), ("bob", b'"team"@example.org')])
def test_F30_a_shared_address_of_others(gate, login, address):
    assert_not_ours(gate, b"<" + address + b">", login)
