# SPDX-License-Identifier: BSD-2-Clause
"""The device box: printers and old applications send through it as they can, and through nothing else."""
import subprocess

import pytest

from rig import ground
from rig.wire import Closed, Wire, b64, plain

SCANNER = ("scanner", "scannerpw", ("scanner@example.org",))
ALICE = ("alice", "alicepw", ("alice@example.org",))
BOX = {"tls": "starttls", "tls-minimum": "1.0", "login": "plain", "insecure-networks": '{ "127.0.0.0/8" }',
       "networks": '{ "127.0.0.0/8" }', "lenient": "yes", "qualify-domain": '"example.org"',
       "bare-newline": "normalize", "recipients-allowed": '{ "@example.net", ".example.net" }'}
LISTENERS = {
    "box": {**BOX, "identity": '"scanner"', "fixed-from": '"scanner@example.org"'},
    "application": {**BOX, "identity": '"scanner"'},
    "printer": {**BOX, "tls": "none", "tls-minimum": "1.2"},
    "elsewhere": {**BOX, "networks": '{ "192.0.2.0/24" }'},
}


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    return make_gate(listeners=LISTENERS, accounts=(ALICE, SCANNER), routes={"*": sink.target})


def connect(gate, listener, **options):
    return Wire(gate.address(listener), **options)


def talk(wire, lines):
    """The codes of a scripted device, banner first; it goes on whatever is said."""
    codes = [wire.reply().code]
    for line in lines:
        codes.append(wire.command(line).code)
    return codes


# --- the old printer: LOGIN without TLS, bad HELO, bare From, bare LF, no Date, no Message-ID

def printer(token):
    return [b"HELO HP LaserJet_4 (3rd floor)", b"auth login", b64("scanner").rstrip(b"="), b64("scannerpw").rstrip(b"=") + b"  ",
            b"MAIL FROM: scanner", b"RCPT TO:u@example.net", b"DATA",
            b"From: scanner\r\nTo: bob, u@example.net\r\nSubject: Scan\r\nX-Token: " + token + b"\n\npage one\nend\r\n."]


def test_old_printer_is_understood_in_the_box_alone(gate, sink, token):
    with connect(gate, "printer") as wire:
        assert talk(wire, printer(token)) == [220, 250, 334, 334, 235, 250, 250, 354, 250]
    message = sink.wait_for_token(token)
    assert message.sender == b"scanner@example.org"
    assert message.fields("From") == [b"scanner@example.org"]
    assert message.fields("To") == [b"bob@example.org, u@example.net"]
    assert message.fields("Date") and message.fields("Message-ID")
    assert b"from HP-LaserJet-4-3rd-floor" in message.fields("Received")[0]
    assert message.body == b"page one\r\nend\r\n"
    # The same dialogue elsewhere in the same daemon: no step of it is done.
    with connect(gate, "submission") as wire:
        codes = talk(wire, printer(token)[:2])
        assert codes == [220, 501, 503], codes
        assert [wire.command(line).code for line in printer(token)[4:7]] == [503, 503, 503]
    with connect(gate, "submission") as wire:
        wire.greet()
        assert wire.command(b"AUTH LOGIN").code == 538      # not without TLS
        wire.starttls()
        wire.ehlo()
        assert wire.command(b"AUTH LOGIN").code == 334
        assert wire.command(b64("scanner").rstrip(b"=")).code == 501    # nor without padding
        assert wire.auth_plain("scanner", "scannerpw").code == 235
        assert wire.command(b"MAIL FROM:scanner@example.org").code == 501
        assert wire.command(b"MAIL FROM:<scanner>").code == 501
        wire.expect(250, b"MAIL FROM:<scanner@example.org>")
        assert wire.command(b"RCPT TO:u@example.net").code == 501
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        assert wire.command(printer(token)[-1]).code == 554     # bare LF
    sink.wait_for_token(token)
    assert len(sink.with_token(token)) == 1


def test_prompts_and_keywords_of_old_clients(gate):
    with connect(gate, "printer") as wire:
        wire.reply()
        offered = wire.command(b"EHLO printer").texts
        assert b"AUTH=LOGIN" in offered and any(line.startswith(b"AUTH ") and b"LOGIN" in line for line in offered)
        assert wire.command(b"AUTH LOGIN").texts == [b"VXNlcm5hbWU6"]
        assert wire.command(b64("scanner")).texts == [b"UGFzc3dvcmQ6"]
        wire.expect(235, b64("scannerpw"))
    for lines in ([b"AUTH login " + b64("scanner").rstrip(b"="), b64("scannerpw")],
                  [b"AUTH PLAIN", plain("scanner", "scannerpw").rstrip(b"=") + b" "],
                  [b"AUTH PLAIN " + plain("scanner", "scannerpw").rstrip(b"=")]):
        with connect(gate, "printer") as wire:
            wire.reply()
            wire.expect(250, b"HELO printer")
            assert [wire.command(line).code for line in lines][-1] == 235, lines
    with connect(gate, "submission") as wire:
        wire.greet()
        wire.starttls()
        assert "AUTH=LOGIN" not in wire.ehlo()


@pytest.mark.parametrize("hello", [b"HELO", b"HELO ", b"EHLO a b", b"HELO under_score", b"EHLO 192.0.2.7", b"HELO -", b"EHLO \xe4"])
def test_odd_greetings(gate, hello):
    with connect(gate, "box") as wire:
        assert talk(wire, [hello, b"MAIL FROM:<x@example.com>"])[1:] == [250, 250]


# --- who it is, without a word

def test_network_counts_as_the_account(gate, sink, token):
    start = len(gate.events)
    with connect(gate, "box") as wire:
        wire.greet()
        wire.expect(250, b"MAIL FROM:<anybody@example.com> SIZE=500")
        assert wire.command(b"RCPT TO:<u@example.com>").enhanced == "5.7.1"     # recipients-allowed
        wire.expect(250, b"RCPT TO:<u@sub.example.net>")
        wire.expect(354, b"DATA")
        wire.expect(250, b"From: B\xfcro <a@x>, <b@y>\r\nFrom: c@example.com\r\nSubject: B\xfcro\r\nX-Token: " + token + b"\r\n\r\nx\r\n.")
        sid = gate.wait_for_event("smtp.accepted", {"login": "scanner"}, start=start)["sid"]
        assert [s["mechanism"] for s in gate.ctl_json("sessions", "list")["sessions"] if s["session"] == sid] == ["NETWORK"]
    message = sink.wait_for_token(token)
    assert message.sender == b"scanner@example.org" and message.fields("From") == [b"scanner@example.org"]
    assert b"with ESMTPA" in message.fields("Received")[0]
    gate.wait_for_event("client.login", {"login": "scanner", "mech": "NETWORK"}, start=start)


def test_without_fixed_from_the_rights_of_the_account_hold(gate, sink, token):
    with connect(gate, "application") as wire:
        wire.greet()
        assert wire.command(b"MAIL FROM:<alice@example.org>").enhanced == "5.7.1"
        wire.expect(250, b"MAIL FROM:<scanner>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        wire.expect(550, b"From: alice@example.org\r\n\r\nx\r\n.")
        # No From at all: it is the sender.
        wire.expect(250, b"MAIL FROM:<scanner>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        wire.expect(250, b"Subject: x\r\nX-Token: " + token + b"\r\n\r\nx\r\n.")
    assert sink.wait_for_token(token).fields("From") == [b"scanner@example.org"]
    with connect(gate, "application") as wire:
        wire.greet()
        # What ends a line for some readers would show them another From.
        for end in (b"\x0b", b"\x0c", b"\x1e", b"\xc2\x85", b"\xe2\x80\xa8"):
            wire.expect(250, b"MAIL FROM:<scanner>")
            wire.expect(250, b"RCPT TO:<u@example.net>")
            wire.expect(354, b"DATA")
            wire.expect(554, b"Subject: B\xfcro" + end + b"From: alice@example.org\r\n\r\nx\r\n.")
    # Who logs in is who it is.
    with connect(gate, "application") as wire:
        wire.greet()
        wire.expect(235, b"AUTH PLAIN " + plain("alice", "alicepw"))
        wire.expect(250, b"MAIL FROM:<alice@example.org>")


def test_reply_goes_to_the_old_from(gate, sink, token):
    with connect(gate, "box") as wire:
        wire.greet()
        for line, code in ((b"MAIL FROM:<x@example.com>", 250), (b"RCPT TO:<u@example.net>", 250), (b"DATA", 354),
                           (b"From: Third floor <floor3@example.com>\r\nX-Token: " + token + b"\r\n\r\nx\r\n.", 250)):
            wire.expect(code, line)
    assert sink.wait_for_token(token).fields("Reply-To") == [b"Third floor <floor3@example.com>"]


def test_explain_says_the_same(gate):
    def explained(listener, *more):
        done = gate.ctl("explain", "--listener", listener, "--ip", "127.0.0.1", "--mail-from", "x@example.com", *more, "--json", check=False)
        return done.returncode, done.stdout
    code, said = explained("box", "--from", "a@x, <b", "--rcpt", "u@example.net")
    assert code == 0 and "scanner@example.org" in said, said
    code, said = explained("box", "--rcpt", "u@example.com")
    assert code == 1 and "Mail to this recipient is not taken here" in said, said
    code, said = explained("application")
    assert code == 1 and "550" in said, said
    code, said = explained("elsewhere")
    assert code == 1 and "No service for your network" in said, said


def test_nothing_of_it_without_the_settings(gate):
    with connect(gate, "submission") as wire:
        wire.greet()
        assert wire.command(b"MAIL FROM:<scanner@example.org>").code == 530
        assert wire.command(b"RCPT TO:<u@example.net>").code in (503, 530)


def test_other_networks_are_turned_away(gate):
    start = len(gate.events)
    with connect(gate, "elsewhere") as wire:
        reply = wire.reply()
        assert reply.code == 554 and reply.enhanced == "5.7.1", reply
        with pytest.raises(Closed):
            wire.reply()
    event = gate.wait_for_event("client.refused", {"listener": "elsewhere"}, start=start)
    assert "network" in event["limit"]


def test_disabled_account_ends_it(make_gate, sink):
    gate = make_gate(listeners=LISTENERS, accounts=(ALICE, SCANNER), routes={"*": sink.target})
    with connect(gate, "box") as wire:
        wire.greet()
        wire.expect(250, b"MAIL FROM:<scanner@example.org>")
        wire.expect(250, b"RSET")
        gate.ctl("account", "disable", "scanner")
        gate.wait_for_event("client.revoked", {"login": "scanner"})
        assert wire.command(b"MAIL FROM:<scanner@example.org>").code == 421
    with connect(gate, "box") as wire:
        wire.greet()
        for _ in range(7):      # no failed login, which would be counted
            reply = wire.command(b"MAIL FROM:<scanner@example.org>")
            assert (reply.code, reply.enhanced) == (550, "5.7.1")
    gate.wait_for_event("client.login-failed", {"mech": "NETWORK", "why": "refused"})
    gate.ctl("account", "enable", "scanner", check=False)


# --- real clients

def run(argv, stdin=b""):
    program = ground.find_program(argv[0])
    if not program:
        pytest.skip(f"{argv[0]} is not installed")
    done = subprocess.run([program, *argv[1:]], input=stdin, capture_output=True, timeout=30, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def swaks(gate, listener, token):
    return run(["swaks", "--server", "127.0.0.1", "--port", str(gate.address(listener)[1]), "--helo", "HP_Scanner 1",
                "--auth", "LOGIN", "--auth-user", "scanner", "--auth-password", "scannerpw", "--from", "scanner@example.org",
                "--to", "u@example.net", "--h-X-Token", token.decode(), "--body", "scan"])


def curl(gate, listener, token):
    return run(["curl", "-sS", f"smtp://127.0.0.1:{gate.address(listener)[1]}/HP_Scanner_1", "--login-options", "AUTH=LOGIN", "-u",
                "scanner:scannerpw", "--mail-from", "scanner@example.org", "--mail-rcpt", "u@example.net", "-T", "-"],
               b"Subject: scan\r\nX-Token: " + token + b"\r\n\r\nscan\r\n")


@pytest.mark.parametrize("client", [swaks, curl])
def test_real_clients(gate, sink, token, client):
    code, said = client(gate, "printer", token)
    assert code == 0, said
    message = sink.wait_for_token(token)
    assert message.sender == b"scanner@example.org" and len(message.fields("From")) == 1
    code, said = client(gate, "submission", token)
    assert code != 0, said
    assert len(sink.with_token(token)) == 1
