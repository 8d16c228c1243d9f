# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue L, I14: a next hop that says the wrong things, too much, too little, too early, too slowly."""
import socket
import threading

import pytest

from rig.deadline import until
from rig.hop import Hop
from rig.judge import is_clean, letter, new_token
from rig.sallyport import warm

PIPELINING = (b"PIPELINING", b"8BITMIME", b"SIZE 104857600")
PLAIN = (b"8BITMIME",)
LARGE = (b"y" * 76 + b"\r\n") * (5 * 1024 * 1024 // 78)     # more than kernels take for a hop that reads little
SMALL_WINDOW = 16384
RELAY = """relay { connect-wait = 4s handshake-wait = 3s greet-wait = 3s command-wait = 3s data-wait = 3s content-wait = 8s
  end-wait = 5s reuse-idle = 30s }
queue { retry = { 1s } destination-rest = 100ms }
"""


class Case:
    """
    One misbehaving connection, one message. The message is then delivered by the good connection after it
    (attempts 2), unless another outcome is given.
    """

    def __init__(self, script=None, outcome="delivered", attempts=2, status=None, says=None, body=b"", recipients=1,
                 **hop):
        self.script = script
        self.outcome = outcome
        self.attempts = attempts
        self.status = status      # enhanced code of the last result
        self.says = says          # in the reason of the first result
        self.body = body
        self.recipients = recipients
        self.hop = hop


def banner(data, then=None):
    def script(talk):
        talk.send(data)
        talk.until_gone() if then is None else then(talk)
    return script


def at_ehlo(data):
    def script(talk):
        talk.send(b"220 hop.example.net\r\n")
        talk.next(b"EHLO")
        talk.send(data)
        talk.until_gone()
    return script


def ready(action, keywords=PIPELINING, verb=b"EHLO"):
    def script(talk):
        talk.greet(*keywords, verb=verb)
        return action(talk)
    return script


def reply_to(verb, data, keywords=PIPELINING, recipients=1, end=lambda talk: talk.until_gone()):
    """Everything before is answered well; this verb by data."""
    def action(talk):
        for command in [b"MAIL"] + [b"RCPT"] * recipients + [b"DATA", b"."]:
            if command == b".":
                talk.content()
            else:
                talk.next(command)
            if command == verb:
                talk.send(data) if isinstance(data, bytes) else data(talk)
                return end(talk)
            talk.send({b"DATA": b"354 go\r\n"}.get(command, b"250 2.1.0 ok\r\n"))
        return None
    return ready(action, keywords)


def slowly(data, seconds):
    return lambda talk: talk.trickle(data, seconds)


def forever(data):
    """Whole lines, each of them soon enough, the last one never."""
    return lambda talk: talk.trickle(data * 100, 30)


def leave(talk):
    talk.connection.close()


def go_ahead_then(action):
    def after_data(talk):
        talk.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
        talk.envelope()
        talk.send(b"354 go\r\n")
        return action(talk)
    return ready(after_data)


def some_content_then(action, size=100_000):
    def read_some(talk):
        while len(talk.pending) < size:
            talk._fill()
        action(talk)
    return go_ahead_then(read_some)


def shake_hands(data, seconds):
    """Agrees to STARTTLS, and then takes its time."""
    def action(talk):
        talk.next(b"STARTTLS")
        talk.send(b"220 2.0.0 go\r\n")
        talk._fill()     # the client's hello: what comes before it is an attack
        talk.trickle(data, seconds) if data else talk.until_gone()
    return ready(action, (*PIPELINING, b"STARTTLS"))


def read_steadily(talk):
    """Faster than the least rate, and too slow for the whole."""
    done = threading.Event()
    talk.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)    # what is not read stays there
    talk.connection.settimeout(1)
    for _ in range(60):
        talk.connection.recv(4096)
        done.wait(0.2)


IN_TIME = "no answer in time"

BANNERS = {
    "500-lines": Case(banner(b"220-hop\r\n" * 500 + b"220 hop\r\n"), says="too many lines"),
    "10-mb-line": Case(banner(b"220 " + b"x" * 10_000_000 + b"\r\n"), says="too long"),
    "10-mb-lines": Case(banner((b"220-" + b"x" * 1000 + b"\r\n") * 10_000), says="too"),
    "silent": Case(lambda talk: talk.until_gone(), says=IN_TIME),
    "slow": Case(lambda talk: talk.trickle(b"220 hop.example.net\r\n" * 5, 20), says=IN_TIME),
    "slow-lines": Case(forever(b"220-hop\r\n"), says=IN_TIME),
    "421": Case(banner(b"421 4.3.2 full\r\n"), says="421 4.3.2 full"),
    "554": Case(banner(b"554 5.7.1 go away\r\n"), says="554 5.7.1 go away"),
    "220-and-close": Case(banner(b"220 hop\r\n", leave), says="connection"),
    "close": Case(leave, says="connection"),
    "reset": Case(lambda talk: talk.reset(), says="connection"),
    "http": Case(banner(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"), says="without a code"),
    "ssh": Case(banner(b"SSH-2.0-OpenSSH_9.2\r\n"), says="without a code"),
    "nul": Case(banner(b"220 \0hop\r\n\0"), says=IN_TIME),
    "lf-alone": Case(banner(b"220 hop\n"), says="bare LF"),
    "cr-alone": Case(banner(b"220 hop\r220 hop\r"), says=IN_TIME),
    "codes-differ": Case(banner(b"220-hop\r\n421 hop\r\n"), says="different codes"),
    "not-220": Case(banner(b"250 hop\r\n"), says="250"),
    "two": Case(banner(b"220 hop\r\n220 hop\r\n"), says="220"),
}
WAITS = {
    "ehlo-silent": Case(at_ehlo(b""), says=IN_TIME),
    "ehlo-slow": Case(lambda talk: (talk.send(b"220 hop\r\n"), talk.next(b"EHLO"), talk.trickle(b"250-X\r\n" * 60, 20)), says=IN_TIME),
    "handshake-silent": Case(shake_hands(b"", 0), says="no progress in time"),
    "handshake-slow": Case(shake_hands(b"\x16\x03\x03\x3f\xff" + b"\x02\x00\x3f\xfb" + b"\0" * 200, 25), says="no progress in time"),
    "mail-silent": Case(reply_to(b"MAIL", b""), says=IN_TIME),
    "mail-slow-lines": Case(reply_to(b"MAIL", forever(b"250-2.1.0 yes\r\n")), says=IN_TIME),
    "rcpt-silent": Case(reply_to(b"RCPT", b""), says=IN_TIME),
    "data-silent": Case(reply_to(b"DATA", b""), says=IN_TIME),
    "data-slow": Case(reply_to(b"DATA", slowly(b"354-go\r\n" * 50, 20)), says=IN_TIME),
    "end-silent": Case(reply_to(b".", b""), says=IN_TIME),
    "end-slow": Case(reply_to(b".", slowly(b"250-2.0.0 taken\r\n" * 5 + b"250 2.0.0 taken\r\n", 20)), says=IN_TIME),
    "content-unread": Case(go_ahead_then(lambda talk: talk.ignore()), body=LARGE, says="taken"),
    "content-slowly-read": Case(go_ahead_then(read_steadily), body=LARGE, says="taken"),
}
OFFERS = {
    "500-lines": Case(at_ehlo(b"250-X-LINE\r\n" * 500 + b"250 SIZE\r\n"), says="too many lines"),
    "auth-100-kb": Case(at_ehlo(b"250-hop\r\n250 AUTH " + b"PLAIN " * 17_000 + b"\r\n"), says="too long"),
    "size-1": Case(keywords=[b"SIZE 1"], outcome="failed", attempts=1, status="5.3.4"),
    "size-2-70": Case(keywords=[b"SIZE 1180591620717411303424"], attempts=1),
    "size-negative": Case(keywords=[b"SIZE -1"], attempts=1),
    "size-text": Case(keywords=[b"SIZE unlimited"], attempts=1),
    "size-none": Case(keywords=[b"SIZE"], attempts=1),
    "size-twice": Case(keywords=[b"SIZE 1", b"SIZE 1000000"], attempts=1),
    "keywords-twice": Case(keywords=[b"PIPELINING", b"PIPELINING", b"8BITMIME", b"8bitmime", b"DSN", b"dsn"], attempts=1),
    "keywords-odd": Case(keywords=[b"", b" PIPELINING", b"\x01\x02", b"X" * 400, b"=", b"AUTH", b"AUTH=", b"AUTH  "], attempts=1),
    "one-line": Case(keywords=[], attempts=1),
    "codes-differ": Case(at_ehlo(b"250-hop\r\n220 hop\r\n"), says="different codes"),
    "354": Case(at_ehlo(b"354 go\r\n"), says="354"),
    "starttls-without": Case(at_ehlo(b"250-hop\r\n250-STARTTLS\r\n250-STARTTLS\r\n250 STARTTLS now\r\n"), says=IN_TIME),
    "helo-alone": Case(at_ehlo(b"502 no\r\n"), says=IN_TIME),
}
VERDICTS = {
    "data-250": Case(reply_to(b"DATA", b"250 2.0.0 taken\r\n"), says="out of step"),
    "data-250-plain": Case(reply_to(b"DATA", b"250 2.0.0 taken\r\n", PLAIN), says="out of step"),
    "data-250-354": Case(reply_to(b"DATA", b"250 2.0.0 taken\r\n354 go\r\n250 2.0.0 taken\r\n"), says="out of step"),
    "354-for-mail": Case(reply_to(b"MAIL", b"354 go\r\n250 2.0.0 taken\r\n"), says="out of step"),
    "354-for-rcpt": Case(reply_to(b"RCPT", b"354 go\r\n250 2.0.0 taken\r\n"), says="out of step"),
    "354-for-rcpt-plain": Case(reply_to(b"RCPT", b"354 go\r\n250 2.0.0 taken\r\n", PLAIN), says="out of step"),
    "early-250": Case(reply_to(b"DATA", b"354 go\r\n250 2.0.0 taken\r\n"), says="out of step"),
    "early-250-large": Case(some_content_then(lambda talk: (talk.send(b"250 2.0.0 taken\r\n"), talk.ignore())), body=LARGE, says="out of step"),
    "5xx-in-body": Case(some_content_then(lambda talk: (talk.send(b"554 5.7.1 not this\r\n"), talk.ignore())), body=LARGE,
                        outcome="failed", attempts=1, status="5.7.1", says="not this"),
    "4xx-in-body": Case(some_content_then(lambda talk: (talk.send(b"452 4.3.1 full\r\n"), talk.ignore())), body=LARGE, says="full"),
    "421-in-body": Case(some_content_then(lambda talk: (talk.send(b"421 4.3.2 down\r\n"), talk.ignore())), body=LARGE, says="down"),
    "close-in-body": Case(some_content_then(leave), body=LARGE, says="connection"),
    "reset-in-body": Case(some_content_then(lambda talk: talk.reset()), body=LARGE, says="connection"),
    "close-at-dot": Case(reply_to(b".", b"", end=leave), says="connection"),
    "reset-at-dot": Case(reply_to(b".", b"", end=lambda talk: talk.reset()), says="connection"),
    "half-reply": Case(reply_to(b".", b"250-2.0.0 taken\r\n250", end=leave), says="connection"),
    "half-line": Case(reply_to(b".", b"250 2.0.0 taken\r", end=leave), says="connection"),
    "split-2xx": Case(reply_to(b".", slowly(b"250-2.0.0 ta\r\n250 2.0.0 ken\r\n", 1.5)), attempts=1),
    "codes-differ": Case(reply_to(b".", b"250-2.0.0 taken\r\n554 5.0.0 not\r\n"), says="different codes"),
    "354-at-dot": Case(reply_to(b".", b"354 more\r\n"), says="out of step"),
    "lf-alone": Case(reply_to(b".", b"250 2.0.0 taken\n"), says="bare LF"),
    "nul": Case(reply_to(b".", b"250\0 2.0.0 taken\r\n"), says="code"),
}
STEPS = {
    "two-for-mail": Case(reply_to(b"MAIL", b"250 ok\r\n250 ok\r\n", end=lambda talk: (
        talk.next(b"RCPT"), talk.send(b"250 ok\r\n"), talk.next(b"DATA"), talk.send(b"354 go\r\n"), talk.until_gone())), says="out of step"),
    "two-for-rcpt": Case(reply_to(b"RCPT", b"250 ok\r\n250 ok\r\n"), says="out of step"),
    "two-for-rcpt-plain": Case(reply_to(b"RCPT", b"250 ok\r\n250 ok\r\n", PLAIN), says="out of step"),
    # whichever of them was meant, the hop has it: no copy, and the connection is not used again
    "two-for-dot": Case(reply_to(b".", b"250 2.0.0 taken\r\n250 2.0.0 taken\r\n"), attempts=1),
    "two-for-dot-plain": Case(reply_to(b".", b"250 2.0.0 taken\r\n250 2.0.0 taken\r\n", PLAIN), attempts=1),
    "yes-and-no-for-dot": Case(reply_to(b".", b"250 2.0.0 taken\r\n554 5.7.1 not this\r\n"), says="out of step"),
    "none-for-mail": Case(reply_to(b"MAIL", b"", end=lambda talk: (
        talk.next(b"RCPT"), talk.send(b"250 ok\r\n"), talk.next(b"DATA"), talk.send(b"354 go\r\n"), talk.until_gone())), says="out of step"),
    "none-for-rcpt": Case(reply_to(b"RCPT", b"", end=lambda talk: (
        talk.next(b"DATA"), talk.send(b"354 go\r\n"), talk.until_gone())), says="out of step"),
    # whose refusal is it? Nobody is bounced for it.
    "none-for-one-of-two": Case(reply_to(b"RCPT", b"", end=lambda talk: (
        talk.next(b"RCPT"), talk.send(b"550 5.1.1 nobody\r\n"), talk.next(b"DATA"), talk.send(b"354 go\r\n"), talk.until_gone()), recipients=2),
        recipients=2, says="out of step"),
    "too-many-for-refused": Case(reply_to(b"RCPT", b"550 5.1.1 nobody\r\n250 ok\r\n"), outcome="delivered", attempts=2, says="out of step"),
}
GROUPS = {"L01": {**{f"banner-{name}": case for name, case in BANNERS.items()}, **WAITS}, "L02": OFFERS, "L03": VERDICTS, "L04": STEPS}
CASES = {f"{group}-{name}".lower(): case for group, cases in GROUPS.items() for name, case in cases.items()}


@pytest.fixture(scope="module")
def hops():
    made = {}
    for name, case in CASES.items():
        made[name] = Hop(*[case.script] if case.script else [], **{"keywords": PIPELINING, **case.hop})
    yield made
    for hop in made.values():
        hop.stop()


@pytest.fixture(scope="module")
def gate(make_gate, hops, sink):
    routes = {f"{name}.test": hop.target for name, hop in hops.items()}
    daemon = make_gate(routes={"*": sink.target, **routes}, extra=RELAY)
    warm(daemon)
    return daemon


@pytest.fixture(scope="module")
def sent(gate):
    """All at once, so that all the waiting is done once: case -> (token, id)."""
    made = {}
    with gate.session() as wire:
        for name, case in CASES.items():
            token = new_token()
            wire.expect(250, b"MAIL FROM:<alice@example.org>")
            for number in range(case.recipients):
                wire.expect(250, b"RCPT TO:<u%d@%s.test>" % (number, name.encode()))
            wire.expect(354, b"DATA")
            wire.send(letter(token, case.body) + b".\r\n")
            reply = wire.reply(30)
            assert reply.code == 250, reply
            made[name] = token, reply.text.split()[-1]
    return made


def results(gate, number):
    """What was written down of each try, in order."""
    return [event for event in gate.events_named("queue.result") if event["id"] == number]


def wait_for_end(gate, number, recipients=1, seconds=28):
    """All tries of a message, when nothing is left of it to try."""
    def ended():
        found = results(gate, number)
        return found if sum(event["result"] != "deferred" for event in found) == recipients else None
    return until(ended, seconds, lambda: f"an end of {number}: {results(gate, number)}\n{gate.story(15)}")


def judge(gate, hops, sink, sent, name):
    case, hop = CASES[name], hops[name]
    token, number = sent[name]
    tries = wait_for_end(gate, number, case.recipients)
    assert not hop.faults, hop.faults
    assert tries[-1]["result"] in (case.outcome, "relayed" if case.outcome == "delivered" else None), tries
    # a machine under load may cut off a good connection as well, but none is good at the first try
    assert tries[-1]["attempts"] == case.attempts or tries[-1]["attempts"] > case.attempts > 1, tries
    assert all(event["result"] == "deferred" for event in tries[:(case.attempts - 1) * case.recipients]), tries
    if case.says:
        assert case.says.lower() in tries[0]["text"].lower(), tries
    if case.status:
        assert tries[-1]["enhanced"] == case.status, tries
    if case.outcome == "delivered" and not (case.script and case.attempts == 1):
        hop.wait_for_token(token)     # the sink writes it down after it has answered
    assert len(hop.with_token(token)) == (case.outcome == "delivered" and not (case.script and case.attempts == 1))
    notices = [m for m in sink.messages if m.sender == b"" and token in m.raw]
    if case.outcome == "failed":
        notices = [sink.wait_for(lambda m: m.sender == b"" and token in m.raw)]
    assert len(notices) == (case.outcome == "failed") and all(is_clean(m.raw) for m in notices)
    if case.attempts > 1:
        # what was out of step is never used again
        first = hop.sessions[0]
        assert sum(line.upper().startswith(b"MAIL") for line in first.lines) <= 1 and hop.sessions[-1] is not first


@pytest.mark.sanitize
@pytest.mark.parametrize("name", GROUPS["L01"])
def test_L01_greetings_and_waits(gate, hops, sink, sent, name):
    judge(gate, hops, sink, sent, "l01-" + name)


@pytest.mark.sanitize
@pytest.mark.parametrize("name", OFFERS)
def test_L02_offers(gate, hops, sink, sent, name):
    judge(gate, hops, sink, sent, "l02-" + name)


@pytest.mark.sanitize
@pytest.mark.parametrize("name", VERDICTS)
def test_L03_delivered_is_a_whole_2xx_to_the_dot(gate, hops, sink, sent, name):
    judge(gate, hops, sink, sent, "l03-" + name)


@pytest.mark.sanitize
@pytest.mark.parametrize("name", STEPS)
def test_L04_out_of_step(gate, hops, sink, sent, name):
    judge(gate, hops, sink, sent, "l04-" + name)
