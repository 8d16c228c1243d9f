# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue C: AUTH: state, brute force, enumeration."""
import base64
import random
import time

import pytest

from rig import ground, gssapi, kdc, scram
from rig.deadline import until
from rig.judge import assert_one, deliver, letter
from rig.sallyport import warm
from rig.wire import Closed, b64, new_source, plain

pytestmark = pytest.mark.usefixtures("alive")

OPEN = 'permit "anonymous" { rights = { submit, any-sender } }\n'


@pytest.fixture(scope="module")
def realm():
    """A KDC with alice in it, or None where there can be none."""
    if kdc.missing() or gssapi.missing():
        yield None
        return
    server = kdc.Kdc()
    server.add_user("alice", "alicepw")
    server.keytab = server.add_service("smtp/mail.example.org")
    server.start()
    server.login("alice", "alicepw")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gate(make_gate, sink, realm):
    mechanisms = ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1"]
    sasl = {}
    if realm:
        mechanisms.append("GSSAPI")
        sasl["keytab"] = f'"{realm.keytab}"'
    sasl["mechanisms"] = "{ " + ", ".join(f'"{m}"' for m in mechanisms) + " }"
    daemon = make_gate(
        routes={"*": sink.target}, sasl=sasl, environment=realm.environment if realm else {},
        listeners={
            "anonymous": "protocol = smtp\naddress = { \"127.0.0.1:0\" }\ntls = starttls\n" + OPEN,
            "challenge": {"tls": "none", "login": "secure-or-challenge"}})
    daemon.add_account("carol", "carolpw", ["carol@example.org"])
    daemon.ctl("account", "disable", "carol")
    daemon.add_account("dora", "dorapw")
    daemon.ctl("account", "set", "dora", "--expires", "2020-01-01")
    daemon.add_account("fred", "fredpw")
    daemon.ctl("account", "set", "fred", "--protocols", "imap")
    # For GSSAPI alone: the tool always wants a password.
    assert daemon.ask({"verb": "account add", "args": {"login": "emil"}})["ok"]
    warm(daemon)
    return daemon


# --- C1 to C4: the state of a session

def test_C01_a_second_login(gate):
    with gate.session() as wire:
        assert wire.auth_plain().code == 503
        assert wire.auth_plain("bob", "bobpw").code == 503


def test_C02_a_login_inside_a_transaction(gate):
    with gate.secure("anonymous") as wire:
        wire.expect(250, b"MAIL FROM:<somebody@example.net>")
        assert wire.auth_plain().code == 503
        wire.expect(250, b"RSET")
        wire.login()


@pytest.mark.parametrize("sender", [b"alice@example.org", b"", b"somebody@example.net"])
def test_C03_mail_without_login(gate, sender):
    with gate.secure() as wire:
        reply = wire.command(b"MAIL FROM:<" + sender + b">")
        assert (reply.code, reply.enhanced) == (530, "5.7.0")


def scram_second_step(wire):
    wire.expect(334, b"AUTH SCRAM-SHA-256 " + b64(scram.Scram("alice", "alicepw").first()))


def login_second_prompt(wire):
    wire.expect(334, b"AUTH LOGIN")
    wire.expect(334, b64("alice"))


STEPS = {
    "plain": lambda wire: wire.expect(334, b"AUTH PLAIN"),
    "login_user": lambda wire: wire.expect(334, b"AUTH LOGIN"),
    "login_password": login_second_prompt,
    "login_initial": lambda wire: wire.expect(334, b"AUTH LOGIN " + b64("alice")),
    "scram_256_first": lambda wire: wire.expect(334, b"AUTH SCRAM-SHA-256"),
    "scram_256_final": scram_second_step,
    "scram_1_first": lambda wire: wire.expect(334, b"AUTH SCRAM-SHA-1"),
}


@pytest.mark.sanitize
@pytest.mark.parametrize("step", STEPS)
def test_C04_cancelled(gate, step):
    with gate.secure() as wire:
        STEPS[step](wire)
        assert wire.command(b"*").code == 501
        assert wire.auth_plain().code == 235


def gssapi_steps(wire, realm, steps):
    """Goes that many steps into a GSSAPI exchange; the last challenge, and the initiator."""
    initiator = gssapi.Initiator("mail.example.org", realm.environment)
    reply = wire.expect(334, b"AUTH GSSAPI")
    if steps >= 2:
        reply = wire.expect(334, b64(initiator.step()))
    if steps >= 3:
        initiator.step(base64.b64decode(reply.text))
        reply = wire.expect(334, b"")
    return reply, initiator


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_C04_gssapi_cancelled(gate, realm, steps):
    if not realm:
        pytest.skip(kdc.missing() or gssapi.missing())
    with gate.secure() as wire:
        gssapi_steps(wire, realm, steps)
        assert wire.command(b"*").code == 501
        assert wire.auth_plain().code == 235


def test_C04_gssapi_by_hand_is_good(gate, realm):
    """So that the cancelled ones were on the right way."""
    if not realm:
        pytest.skip(kdc.missing() or gssapi.missing())
    with gate.secure() as wire:
        reply, initiator = gssapi_steps(wire, realm, 3)
        offer = initiator.unwrap(base64.b64decode(reply.text))
        assert offer[0] == 1, "a security layer is offered under TLS"
        wire.expect(235, b64(initiator.wrap(b"\1\0\0\0")))


# --- C5 to C8: what is not a credential

RUBBISH = [b"=", b"====", b"A", b"!!!!", b"AGFsaWNl", b"AA==AAAA", b"\xff\xfe", plain("alice", "alicepw") + b"junk",
           plain("alice", "alicepw")[:-1], b"AGFs aWNlAGFsaWNlcHc=", b"AGFs\taWNlAGFsaWNlcHc=",
           b64(b"\0alice\0alicepw\0"), b64(b"alice"), b64(b"\0\0\0"), b64(b"\0\0"), b"AGFsaWNlAGFsaWNlcHc",
           b"AGFsaWNlAGFsaWNlcHd=", b"AGFsaWNlAGFsaWNlcHc==", b"AGFsaWNlAGFsaWNlcHc=\0", b"=AGFsaWNlAGFsaWNlcHc",
           b"AGFsaWNlAGFsaWNlcHc=AGFsaWNlAGFsaWNlcHc=", b"YWxpY2UAYWxpY2UAYWxpY2Vwdw_-"]


@pytest.mark.sanitize
@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("rubbish", RUBBISH)
def test_C05_rubbish_for_base64(gate, rubbish, initial):
    with gate.secure() as wire:
        if initial:
            reply = wire.command(b"AUTH PLAIN " + rubbish)
        else:
            wire.expect(334, b"AUTH PLAIN")
            reply = wire.command(rubbish)
        assert reply.code in (501, 535), reply
        wire.expect(250, b"NOOP")


@pytest.mark.parametrize("mechanism", [b"PLAIN", b"LOGIN", b"SCRAM-SHA-256"])
@pytest.mark.parametrize("empty", [b" =", b""])
def test_C05_an_empty_response(gate, mechanism, empty):
    with gate.secure() as wire:
        if empty:
            reply = wire.command(b"AUTH " + mechanism + empty)
        else:
            wire.expect(334, b"AUTH " + mechanism)
            reply = wire.command(b"")
        if reply.code == 334:
            reply = wire.command(b"")
        assert reply.code in (501, 535), reply


@pytest.mark.sanitize
@pytest.mark.parametrize("size", [9000, 12288, 12289, 16384, 70000, 1000000])
@pytest.mark.parametrize("place", ["initial", "response", "login_user", "login_password", "scram"])
def test_C06_a_long_response(gate, size, place):
    before = sum(gate.memory().values())
    rubbish = (b"A" * size)[:size]
    with gate.secure(seconds=20) as wire:
        prefix = b""
        if place == "initial":
            prefix = b"AUTH PLAIN "
        elif place == "response":
            wire.expect(334, b"AUTH PLAIN")
        elif place == "scram":
            wire.expect(334, b"AUTH SCRAM-SHA-256")
        else:
            STEPS[place](wire)
        try:
            wire.send(prefix + rubbish)
            if not ground.SANITIZED:
                assert sum(gate.memory().values()) - before < 1024
            wire.send(b"\r\nNOOP\r\n")
        except OSError:
            pass
        replies = []
        try:
            replies.append(wire.reply())
            if replies[0].code == 334:  # a long user name is answered like any other
                return
            replies.append(wire.reply())
        except Closed:
            pass
        codes = [reply.code for reply in replies]
        assert codes and codes[0] in (500, 501, 535, 421), replies
        assert codes[1:] in ([250], [421], []), "a part of the line was run as a command"


def test_C07_authorization_identity(gate):
    with gate.secure() as wire:
        reply = wire.auth_plain("alice", "alicepw", "bob")
        assert (reply.code, reply.enhanced) == (535, "5.7.8")
        assert wire.auth_plain("alice", "alicepw", "alice").code == 235


@pytest.mark.parametrize("authzid,code", [("bob", 535), ("alice", 235), ("", 235)])
def test_C07_authorization_identity_by_scram(gate, authzid, code):
    with gate.secure() as wire:
        client = scram.Scram("alice", "alicepw", authzid=authzid)
        reply = scram.authenticate(lambda line: wire.send(line + b"\r\n"), wire.reply, b"SCRAM-SHA-256", client)
        assert reply.code == code


NAMES = ["alice\r\nX", "alice\n", "alice\r", " alice", "alice ", "alice\t", "\talice", "alice\x01", "alice\x7f",
         "\x1balice", "alice\x0b", "alice\u00a0", "\u200balice", "ali\u00adce", "ALICE\n", "alice\x80", "alice@", "@alice"]


@pytest.mark.sanitize
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mechanism", ["plain", "login", "scram"])
def test_C08_names_that_only_look_like_alice(gate, name, mechanism):
    with gate.secure() as wire:
        if mechanism == "plain":
            reply = wire.auth_plain(name, "alicepw")
        elif mechanism == "login":
            wire.expect(334, b"AUTH LOGIN")
            reply = wire.command(b64(name))
            if reply.code == 334:
                reply = wire.command(b64("alicepw"))
        else:
            reply = scram.authenticate(lambda line: wire.send(line + b"\r\n"), wire.reply, b"SCRAM-SHA-256",
                                       scram.Scram(name, "alicepw"))
        assert reply.code == 535, reply


@pytest.mark.parametrize("response", [b"\0alice\0x\0alicepw", b"\0alice\0alicepw\0evil", b"\0alice\0alicepw\0",
                                      b"\0alice\0alicepw\n", b"\0alice\0alicepw\r\n", b"\0alice\0 alicepw",
                                      b"\0alice\0ALICEPW", b"alice\0bob\0bobpw\0", b"\0\0alice\0alicepw"])
def test_C08_passwords_that_only_look_right(gate, response):
    with gate.secure() as wire:
        assert wire.command(b"AUTH PLAIN " + b64(response)).code in (501, 535)


@pytest.mark.parametrize("password", ["alicepw\n", "alicepw\0evil", "alicepw ", "alicepw\r"])
def test_C08_passwords_that_only_look_right_by_login(gate, password):
    with gate.secure() as wire:
        login_second_prompt(wire)
        assert wire.command(b64(password)).code in (501, 535)


# --- C9, C10: nobody learns who exists

STRANGERS = {"unknown": ("nobody-here", "x"), "wrong": ("alice", "wrong"), "disabled": ("carol", "carolpw"),
             "disabled_wrong": ("carol", "wrong"), "odd": ("al*ce", "x"), "long": ("a" * 200, "x"),
             "expired": ("dora", "dorapw"), "expired_wrong": ("dora", "wrong"), "no_password": ("emil", "emilpw"),
             "no_protocol": ("fred", "fredpw"), "no_password_empty": ("emil", " ")}


def refusal(gate, login, password, mechanism):
    """The reply lines to one failed login."""
    with gate.secure() as wire:
        if mechanism == "plain":
            return wire.auth_plain(login, password).lines
        if mechanism == "login":
            wire.expect(334, b"AUTH LOGIN")
            wire.expect(334, b64(login))
            return wire.command(b64(password)).lines
        return scram.authenticate(lambda line: wire.send(line + b"\r\n"), wire.reply, b"SCRAM-SHA-256",
                                  scram.Scram(login, password)).lines


@pytest.mark.parametrize("mechanism", ["plain", "login", "scram"])
@pytest.mark.parametrize("stranger", STRANGERS)
def test_C09_every_refusal_is_the_same(gate, stranger, mechanism):
    expected = refusal(gate, "alice", "wrong password", mechanism)
    assert expected[0].startswith(b"535 5.7.8")
    assert refusal(gate, *STRANGERS[stranger], mechanism) == expected


def challenge_of(gate, login):
    with gate.secure() as wire:
        client = scram.Scram(login, "x")
        reply = wire.expect(334, b"AUTH SCRAM-SHA-256 " + b64(client.first()))
        return dict(part.split("=", 1) for part in base64.b64decode(reply.text).decode().split(","))


@pytest.mark.parametrize("stranger", ["nobody-here", "carol", "dora", "emil", "fred", "a" * 200])
def test_C10_a_stranger_gets_a_lasting_salt(gate, stranger):
    known = challenge_of(gate, "alice")
    first, second = challenge_of(gate, stranger), challenge_of(gate, stranger)
    assert first["s"] == second["s"] and first["i"] == known["i"]
    assert len(base64.b64decode(first["s"])) == len(base64.b64decode(known["s"]))
    assert first["s"] != known["s"] != challenge_of(gate, "nobody-else")["s"]


def precedence(one, two):
    """How probable it is that a value of one is below a value of two; one half if nothing tells them apart."""
    return sum((x < y) + (x == y) / 2 for x in one for y in two) / len(one) / len(two)


def refusal_time(gate, mechanism, login):
    with gate.secure(source=new_source()) as wire:
        begin = time.monotonic()
        if mechanism == "plain":
            wire.auth_plain(login, "wrong")
        else:
            scram.authenticate(lambda line: wire.send(line + b"\r\n"), wire.reply, b"SCRAM-SHA-256",
                               scram.Scram(login, "wrong"))
        return time.monotonic() - begin


NAMES = 8    # taken in turn, so that the brake on each does not grow


def make_strangers(gate, kind, names):
    for name in names:
        if kind == "no_password":
            assert gate.ask({"verb": "account add", "args": {"login": name}})["ok"]
        elif kind != "unknown":
            gate.add_account(name, "rightpw")
        if kind == "expired":
            gate.ctl("account", "set", name, "--expires", "2020-01-01")


@pytest.mark.parametrize("kind,tries", [("unknown", 80), ("no_password", 40), ("expired", 40)])
@pytest.mark.parametrize("mechanism", ["plain", "scram"])
def test_C09_C10_a_stranger_waits_as_long(gate, mechanism, kind, tries):
    """
    Pairs of tries in random order. If nothing tells the two apart, the precedence deviates from one half by
    less than 6 sigma; a look-up or a hash that is left out makes it 0 or 1.
    """
    dice = random.Random(7)
    known = [f"known{n}-{mechanism}-{kind}" for n in range(NAMES)]
    strangers = [f"other{n}-{mechanism}-{kind}" for n in range(NAMES)]
    make_strangers(gate, "known", known)
    make_strangers(gate, kind, strangers)
    times = {"known": [], "stranger": []}
    for turn in range(tries):
        pair = [("known", known[turn % NAMES]), ("stranger", strangers[turn % NAMES])]
        for who, login in dice.sample(pair, 2):
            times[who].append(refusal_time(gate, mechanism, login))
    sigma = ((2 * tries + 1) / (12 * tries * tries)) ** 0.5
    assert abs(precedence(times["known"], times["stranger"]) - 0.5) < 6 * sigma, times


def test_C10_strangers_look_like_old_and_new_accounts(make_gate, sink):
    """Where accounts have keys of an older setting, so have names that nobody has; each keeps what it shows."""
    daemon = make_gate(routes={"*": sink.target}, sasl={"iterations": "4096"})   # alice, bob
    assert {challenge_of(daemon, f"stranger{n}")["i"] for n in range(5)} == {"4096"}
    daemon.parts["sasl"]["iterations"] = "9000"
    daemon.reload()
    for login in ("carol", "dave"):
        daemon.add_account(login, "pw-of-" + login)
    assert challenge_of(daemon, "alice")["i"] == "4096" and challenge_of(daemon, "carol")["i"] == "9000"
    shown = [challenge_of(daemon, f"stranger{n}") for n in range(24)]
    assert {one["i"] for one in shown} == {"4096", "9000"}
    again = [challenge_of(daemon, f"stranger{n}") for n in range(24)]
    assert [(one["s"], one["i"]) for one in again] == [(one["s"], one["i"]) for one in shown]
    # The last old accounts take new passwords: nobody shows the old count any more.
    for login in ("alice", "bob"):
        daemon.ctl("account", "passwd", login, "--password-stdin", stdin="new\n")
    assert {challenge_of(daemon, f"stranger{n}")["i"] for n in range(24)} == {"9000"}


# --- C13 to C17

def test_C13_rset_and_ehlo_keep_the_login(gate, sink, token):
    with gate.session() as wire:
        wire.expect(250, b"RSET")
        wire.ehlo()
        assert wire.command(b"STARTTLS").code in (502, 503, 554)
        assert deliver(wire, letter(token)).code == 250
    assert_one(gate, sink, token)


@pytest.mark.parametrize("name", ["marker-user", "marker-us\ner", "marker-us\x1b[31mer", "marker-user" + "x" * 2000])
def test_C14_neither_name_nor_password_is_echoed(gate, name):
    secret = "marker-password"
    begin = len(gate.events)
    with gate.secure() as wire:
        said = [wire.expect(334, b"AUTH LOGIN"), wire.command(b64(name))]
        if said[-1].code == 334:
            said.append(wire.command(b64(secret)))
        assert said[-1].code in (501, 535)
        for reply in said:
            assert "marker" not in repr(reply) and b64("marker").decode()[:6] not in repr(reply)
    until(lambda: len(gate.events) > begin, 5, "an event")
    for event in gate.events[begin:]:
        for value in map(str, event.values()):
            assert secret not in value and b64(secret).decode() not in value
            assert "\n" not in value and "\x1b" not in value
            if "marker" in value:
                assert len(value) <= 256 + 3
    assert not any(secret in line for line in gate.stray)


def test_C14_the_protocol_log_holds_no_credential(make_gate, sink, certificate):
    daemon = make_gate(routes={"*": sink.target})
    folder = daemon.path + "/protocol"
    import os
    os.mkdir(folder, 0o755)
    ground.give(folder)
    daemon.parts["log"].update({"protocol-log": "csv", "protocol-directory": f'"{folder}"'})
    daemon.stop()
    daemon.start()
    with daemon.secure() as wire:
        login_second_prompt(wire)
        wire.expect(235, b64("alicepw"))
        wire.expect(250, b"NOOP")
    with daemon.session(login="bob") as wire:
        wire.expect(221, b"QUIT")

    def text():
        return b"".join(open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder))
    until(lambda: b"QUIT" in text(), 5, "the protocol log is written")
    logged = text()
    assert b"NOOP" in logged
    for secret in (b"alicepw", b64("alicepw"), b"bobpw", plain("bob", "bobpw")):
        assert secret not in logged


def test_C15_a_password_given_for_the_user_name(gate):
    """The names of unknown users are not written down as they are."""
    slip = "Secret-Slip-4711"
    begin = len(gate.events)
    for _ in range(3):
        with gate.secure() as wire:
            assert wire.auth_plain(slip, "alice").code == 535
    until(lambda: len(gate.events) > begin, 5, "an event")
    assert slip not in gate.story(10000)


@pytest.mark.parametrize("step", ["scram_256_first", "scram_256_final", "scram_1_first"])
def test_C16_ten_thousand_disconnects(gate, step):
    """A third of them in each test; without TLS, which is not what is tested here."""
    rounds = 200 if ground.SANITIZED else 3333
    for _ in range(rounds):
        wire = gate.wire("challenge")
        wire.greet()
        STEPS[step](wire)
        wire.close()


@pytest.mark.parametrize("step", STEPS)
def test_C16_disconnects_inside_tls(gate, step):
    for number in range(60):
        wire = gate.secure()
        STEPS[step](wire)
        if number % 2:
            wire.reset()
        else:
            wire.close()


@pytest.mark.sanitize
@pytest.mark.parametrize("argument", [
    b"", b" ", b" " + b"A" * 300, b" pl ain", b" ../x", b" ANONYMOUS", b" ANONYMOUS YQ==", b" EXTERNAL =", b" EXTERNAL",
    b" NTLM", b" DIGEST-MD5", b" CRAM-MD5", b" OTP", b" GS2-KRB5", b" GSS-SPNEGO", b" GSSAPI-PLUS", b" SCRAM-SHA-512",
    b" SCRAM-SHA-256-PLUS-PLUS", b" PLAIN\0", b" \xff", b" *", b" PLAI", b" PLAINX", b" LOGIN-PLUS", b" %s%n",
    b" SCRAM-SHA-224", b" XOAUTH2", b" OAUTHBEARER", b" KERBEROS_V4", b" -", b" plain" * 20])
def test_C17_mechanisms_that_are_not_offered(gate, argument):
    with gate.secure() as wire:
        reply = wire.command(b"AUTH" + argument)
        assert reply.code in ((500, 501, 504) if b"\0" in argument else (501, 504)), reply
        wire.expect(250, b"NOOP")
        wire.login()


@pytest.mark.parametrize("word", [b"plain", b"PlAiN"])
def test_C17_mechanism_names_ignore_case(gate, word):
    with gate.secure() as wire:
        wire.expect(235, b"AUTH " + word + b" " + plain("alice", "alicepw"))


def test_C17_only_what_is_configured_is_offered(gate, realm):
    with gate.secure() as wire:
        expected = {b"PLAIN", b"LOGIN", b"SCRAM-SHA-256", b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-1"}
        assert set(wire.offered["AUTH"]) == expected | ({b"GSSAPI"} if realm else set())
