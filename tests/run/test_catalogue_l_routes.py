# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue L5 to L9, E18, I14, I15: kept connections, missing extensions, credentials, names, LMTP, late answers."""
import os
import re
import socket
import threading

import pytest

from rig import dns, ground
from rig.certificate import Authority
from rig.deadline import until
from rig.hop import Hop
from rig.judge import deliver, is_clean, letter, new_token
from rig.odd_names import LATER, ZONE, only
from rig.sallyport import warm
from rig.sink import Sink

PIPELINING = (b"PIPELINING", b"8BITMIME", b"SMTPUTF8", b"SIZE 104857600")
RELAY = """relay { connect-wait = 3s greet-wait = 5s command-wait = 5s end-wait = 3s reuse-idle = 60s resolvers = { "%s" } }
queue { retry = { 1s } destination-rest = 100ms }
"""


# --- L5: kept connections

def one_message(talk):
    talk.greet(*PIPELINING)
    talk.envelope()
    talk.send(b"354 go\r\n")
    talk.content()
    talk.send(b"250 2.0.0 taken\r\n")


def kept(then):
    def script(talk):
        one_message(talk)
        then(talk)
    return script


def at_mail(reply):
    def action(talk):
        talk.next(b"MAIL")
        if reply:
            talk.send(reply)
            talk.until_gone()
    return action


def say_unasked(data):
    def action(talk):
        talk.sink.idle.wait(10)
        talk.send(data)
        talk.session.after = talk.until_gone()
    return action


KEPT = {
    "closed-while-idle": kept(lambda talk: None),
    "closed-at-mail": kept(at_mail(None)),
    "reset-at-mail": kept(lambda talk: (talk.next(b"MAIL"), talk.reset())),
    "421-at-mail": kept(at_mail(b"421 4.4.2 idle for too long\r\n")),
    "unasked-421": kept(say_unasked(b"421 4.4.2 idle for too long\r\n")),
    "unasked-250": kept(say_unasked(b"250 2.0.0 and the next one too\r\n")),
    "unasked-354": kept(say_unasked(b"354 go\r\n")),
    "unasked-junk": kept(say_unasked(b"\x16\x03\x01 what\n")),
    "unasked-half": kept(say_unasked(b"250 2.0.0")),
}


# --- I14, I15: what comes behind the dot

def lmtp(replies, end=lambda talk: None):
    def script(talk):
        talk.greet(*PIPELINING, verb=b"LHLO")
        for verb, reply in ((b"MAIL", b"250 ok"), (b"RCPT", b"250 ok"), (b"RCPT", b"550 5.1.1 nobody"), (b"RCPT", b"250 ok"),
                            (b"DATA", b"354 go")):
            talk.next(verb)
            talk.send(reply + b"\r\n")
        talk.content()
        talk.send(replies)
        end(talk)
    return script


SAVED, FULL = b"250 2.0.0 saved\r\n", b"452 4.2.2 full\r\n"
# The replies, and what becomes of u1 and u3 at the first try; u2 is refused at RCPT.
LMTP = {
    "lmtp-right": (lmtp(SAVED + FULL), ("done", "deferred")),
    "lmtp-none": (lmtp(b""), ("deferred", "deferred")),
    "lmtp-few": (lmtp(SAVED), ("done", "deferred")),
    "lmtp-few-and-silence": (lmtp(SAVED, lambda talk: talk.until_gone()), ("done", "deferred")),
    "lmtp-half": (lmtp(SAVED + b"250 2.0.0 sav"), ("done", "deferred")),
    "lmtp-more": (lmtp(SAVED * 3), ("done", "done")),     # whichever of them was meant: a retry would be a copy
    "lmtp-more-refusals": (lmtp(b"550 5.1.1 nobody\r\n" + SAVED * 2), ("deferred", "deferred")),
    "lmtp-refused-then-goodbye": (lmtp(SAVED + FULL + b"421 4.3.2 enough\r\n"), ("done", "deferred")),
}


def late_250(talk):
    """Takes the message, and says so when nobody listens any more."""
    talk.greet(*PIPELINING)
    talk.envelope()
    talk.send(b"354 go\r\n")
    talk.session.content = []
    while (line := talk._line()) != b".":
        talk.session.content.append(line)
    talk.until_gone()
    talk.session.late = True
    talk.send(b"250 2.0.0 taken\r\n")


# --- L8, E18: names

@pytest.fixture(scope="module")
def names():
    server = dns.NameServer({f"{name}.example.net": answer for name, (answer, _) in ZONE.items() if answer is not None})
    server.zone["later.example.net"] = LATER
    for word in ("aliased", "long-aliased", "circle"):
        server.zone.update({f"{word}{number}.example.net": ZONE[word][0] for number in range(1, 20)})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def hops(sink):
    made = {name: Hop(script, keywords=PIPELINING) for name, script in KEPT.items()}
    for hop in made.values():
        hop.idle = threading.Event()
    made["twice"] = Hop(KEPT["closed-at-mail"], lambda talk: (talk.greet(*PIPELINING), talk.next(b"MAIL")), keywords=PIPELINING)
    made["shared"] = Sink(users={"one": "pw1", "two": "pw2"})
    made["bare"] = Sink(keywords=(b"PIPELINING",))
    made["utf8"] = Sink(keywords=PIPELINING)
    made["lmtp-plain"] = Sink("lmtp", keywords=PIPELINING)
    made["late"] = Hop(late_250, keywords=PIPELINING)
    for name, (script, _) in LMTP.items():
        made[name] = Hop(script, protocol="lmtp", keywords=PIPELINING)
    yield made
    for hop in made.values():
        hop.stop()


@pytest.fixture(scope="module")
def gate(make_gate, hops, sink, names):
    routes = {f"{name}.test": hop.target for name, hop in hops.items()}
    for name in ("closed-at-mail", "421-at-mail"):    # the slot of the lost connection is the only one
        routes[f"{name}.test"] = {"to": f'"{hops[name].target}"', "concurrency": "1"}
    path = ground.folder("secrets")
    for user, password in (("one", "pw1"), ("two", "pw2")):
        secret = ground.write(os.path.join(path, user), password + "\n")
        routes[f"{user}.shared.test"] = {"to": f'"{hops["shared"].target}"', "tls": "none", "user": f'"{user}"', "secret-file": f'"{secret}"'}
    for name in [*ZONE, "later"]:
        routes[f"{name}.dns.test"] = f"smtp:{name}.example.net:{sink.port}"
    daemon = make_gate(routes={"*": sink.target, **routes}, extra=RELAY % names.target)
    warm(daemon)
    yield daemon
    ground.remove(path)


def submit(gate, domain, token, body=b"", mail=b"", recipients=(b"u",), more=b""):
    """The id of a message to these recipients."""
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>" + mail)
        for local in recipients:
            wire.expect(250, b"RCPT TO:<" + local + b"@" + domain.encode() + b">")
        wire.expect(354, b"DATA")
        wire.send(letter(token, body, more=more) + b".\r\n")
        reply = wire.reply()
        assert reply.code == 250, reply
        return reply.text.split()[-1]


def results(gate, number):
    return [event for event in gate.events_named("queue.result") if event["id"] == number]


def wait_for_results(gate, number, count=1, seconds=20):
    def enough():
        found = results(gate, number)
        return found if len(found) >= count else None
    return until(enough, seconds, lambda: f"{count} results of {number}: {results(gate, number)}\n{gate.story(15)}")


@pytest.mark.sanitize
@pytest.mark.parametrize("name", KEPT)
def test_L05_a_kept_connection_that_is_lost_costs_no_attempt(gate, hops, name):
    hop = hops[name]
    first, second = new_token(), new_token()
    done, = wait_for_results(gate, submit(gate, f"{name}.test", first))
    assert (done["attempts"], done["result"]) == (1, "relayed"), done["text"]
    hop.idle.set()
    until(lambda: not name.endswith("idle") or hop.sessions[0].ended, 5, "the hop has closed")
    if name.startswith("unasked"):
        until(lambda: hasattr(hop.sessions[0], "after"), 10, "an unasked word ends the connection")
        assert hop.sessions[0].after == b""     # and nothing more is said on it
    done = wait_for_results(gate, submit(gate, f"{name}.test", second))[0]
    assert (done["attempts"], done["result"]) == (1, "relayed"), done["text"]
    hop.wait_for_token(second)     # a sink writes down after it has answered
    assert len(hop.sessions) == 2 and len(hop.with_token(second)) == 1 and not hop.faults
    assert hop.sessions[1].lines[0].startswith(b"EHLO")


def test_L05_a_new_connection_that_is_lost_is_an_attempt(gate, hops, token):
    hop = hops["twice"]
    wait_for_results(gate, submit(gate, "twice.test", new_token()))
    lost, done = wait_for_results(gate, submit(gate, "twice.test", token), 2)
    assert (lost["result"], lost["attempts"], done["attempts"]) == ("deferred", 1, 2)
    hop.wait_for_token(token)
    assert len(hop.sessions) == 3 and len(hop.with_token(token)) == 1


def test_L05_connections_are_kept_for_their_own_login(gate, hops):
    domains = ["one.shared.test", "two.shared.test", "shared.test"] * 2
    for domain in domains:
        token = new_token()
        number = submit(gate, domain, token)
        message = hops["shared"].wait_for_token(token)
        wait_for_results(gate, number)
        wanted = {"one": b"one", "two": b"two"}.get(domain.split(".")[0])
        assert (message.session.login[1] if message.session.login else None) == wanted
    assert len(hops["shared"].sessions) == 3 and [session.messages for session in hops["shared"].sessions] == [2, 2, 2]


# --- L6: what the hop cannot do

@pytest.mark.parametrize("what, domain, status", [
    ("8-bit body", "bare.test", "5.6.3"), ("address", "bare.test", "5.6.7"), ("header", "bare.test", "5.6.7"),
    ("8-bit body", "utf8.test", None), ("address", "utf8.test", None), ("header", "utf8.test", None),
    ("asked for, not needed", "bare.test", None)])
def test_L06_missing_extensions(gate, hops, sink, token, what, domain, status):
    hop = hops[domain.split(".")[0]]
    message = {"8-bit body": {"mail": b" BODY=8BITMIME", "body": "grün\r\n".encode()},
               "address": {"mail": b" BODY=8BITMIME SMTPUTF8", "recipients": ("grün".encode(),)},
               "header": {"mail": b" BODY=8BITMIME SMTPUTF8", "more": "X-Colour: grün\r\n".encode()},
               "asked for, not needed": {"mail": b" BODY=8BITMIME SMTPUTF8"}}[what]
    done, = wait_for_results(gate, submit(gate, domain, token, **message))
    if status:
        assert (done["result"], done["enhanced"], done["attempts"]) == ("failed", status, 1), done
        notice = sink.wait_for(lambda m: m.sender == b"" and token in m.raw)
        assert status.encode() in notice.raw or what == "address"     # where it is encoded
        assert not hop.with_token(token)
        return
    assert done["result"] in ("delivered", "relayed"), done
    hop.wait_for_token(token)
    found, = hop.with_token(token)
    assert (b"SMTPUTF8" in found.parameters) == (what in ("address", "header"))
    assert (b"BODY=8BITMIME" in found.parameters) == (domain == "utf8.test")


# --- L7: credentials

def own_address():
    """An address of this machine that is not loopback; no packet is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]


# tls, certificate, the name it must have, does the password go out?
PROOFS = {
    "stripped": ("verify", None, None, False),
    "stranger": ("verify", "stranger", "hop.example.net", False),
    "other-name": ("verify", "good", "other.example.net", False),
    "proved": ("verify", "good", "hop.example.net", True),
}


@pytest.fixture(scope="module")
def proofs(make_gate, authority):
    """A daemon and hops that are not on its own machine, as far as it can tell."""
    address = own_address()
    if not address or address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    folder = ground.folder("stranger")
    pairs = {"good": authority.issue("hop.example.net"), "stranger": Authority(folder).issue("hop.example.net"), None: None}
    secret = ground.write(os.path.join(folder, "secret"), "relay-secret\n")
    ground.give(folder)
    hops, routes = {}, {}
    for case, (tls, certificate, name, _) in PROOFS.items():
        hops[case] = Sink(certificate=pairs[certificate], users={"relay": "relay-secret"}, address=address)
        routes[f"{case}.test"] = {"to": f'"{hops[case].target}"', "tls": tls, "user": '"relay"', "secret-file": f'"{secret}"',
                                  **({"trust-file": f'"{authority.trust}"', "tls-name": f'"{name}"'} if name else {})}
    yield make_gate(routes=routes, extra="queue { retry = { 1h } }\n"), hops
    for hop in hops.values():
        hop.stop()
    ground.remove(folder)


@pytest.mark.parametrize("tls", ["none", "may", "encrypt"])
def test_L07_no_password_without_proof(gate, tls):
    """It is not even taken from the administrator."""
    text = gate.text() + f'route "proof.test" {{ to = "smtp:hop.example.net:25" tls = {tls} user = "relay" secret-file = "/nowhere" }}\n'
    path = ground.write(os.path.join(gate.path, f"proof-{tls}.conf"), text)
    done = gate.ctl("-c", path, "config", "check", check=False)
    assert done.returncode and "a password goes to nobody else" in done.stderr


@pytest.mark.parametrize("case", PROOFS)
def test_L07_passwords_go_to_a_proved_hop_alone(proofs, token, case):
    daemon, hop = proofs[0], proofs[1][case]
    number = submit(daemon, f"{case}.test", token)
    done, = wait_for_results(daemon, number)
    if PROOFS[case][3]:
        assert hop.wait_for_token(token).session.login[1:] == (b"relay", b"relay-secret")
        return
    assert done["result"] == "deferred" and not hop.messages
    assert hop.sessions and not any(line.upper().startswith(b"AUTH") for session in hop.sessions for line in session.lines)


# --- L8, E18

@pytest.fixture(scope="module")
def dead_ones(names, sink):
    """Addresses that answer no connection, before the one that does: listeners that are full."""
    opened = []
    addresses = [f"127.0.3.{number}" for number in range(1, 7)]
    for address in addresses:
        listener = socket.socket()
        listener.bind((address, sink.port))
        listener.listen(0)
        opened.append(listener)
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((address, sink.port))
            opened.append(filler)
    names.zone["dead-ones-first.example.net"] = only(dns.A, lambda question: question.answer(
        [dns.address(question.name, address) for address in [*addresses, "127.0.0.1"]]))
    yield
    for end in opened:
        end.close()


@pytest.fixture(scope="module")
def asked(gate, dead_ones):
    """All at once: case -> (token, id)."""
    made = {}
    for name in ZONE:
        token = new_token()
        made[name] = token, submit(gate, f"{name}.dns.test", token)
    # and one whose server recovers; what failed is remembered for some seconds
    made["later"] = new_token(), None
    number = submit(gate, "later.dns.test", made["later"][0])
    assert wait_for_results(gate, number)[0]["result"] == "deferred"
    LATER.broken = False
    return made


@pytest.mark.parametrize("name", ZONE)
def test_L08_names(gate, sink, asked, name):
    wanted = ZONE[name][1]
    token, number = asked[name]
    done = wait_for_results(gate, number)[0]
    if wanted is True:
        assert done["result"] in ("delivered", "relayed") and done["attempts"] == 1, done["text"]
        sink.wait_for_token(token)
        assert len(sink.with_token(token)) == 1 and not results(gate, number)[1:]
        return
    gate.ctl("queue", "delete", number, check=False)
    # a name that cannot be resolved is the administrator's to repair: no sender is told
    assert done["result"] != "failed" and not any(m.sender == b"" and token in m.raw for m in sink.messages)
    if wanted is not None:
        assert done["result"] == "deferred" and wanted in done["text"], done
    assert not re.search(r"[^\x20-\x7e]", done["text"] + done["hop"]), done


def test_L08_evil_names_reach_neither_hop_nor_log(gate, sink, asked):
    """CVE-2026-28753: what the DNS says is an address and nothing else."""
    wait_for_results(gate, asked["evil-alias"][1])
    with open(os.path.join(gate.path, "log"), "rb") as log:
        assert b"evil@example" not in log.read()
    assert not any(b"evil" in line for session in sink.sessions for line in session.lines)


def test_L08_other_servers_by_reload(make_gate, sink, token):
    """A reload reads the resolvers anew, inside the sandbox; what waits for a name finds it then."""
    wrong, right = dns.NameServer(), dns.NameServer({"hop.example.net": ["127.0.0.1"]})
    daemon = make_gate(routes={"*": f"smtp:hop.example.net:{sink.port}"}, extra=RELAY % wrong.target)
    number = submit(daemon, "example.net", token)
    assert "no such host" in wait_for_results(daemon, number)[0]["text"]
    daemon.parts["extra"] = RELAY % right.target
    daemon.reload()
    sink.wait_for_token(token)
    right.wait_until_asked("hop.example.net")
    for server in (wrong, right):
        server.stop()


# --- L9

@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_L09_dots_and_long_lines(gate, hops, token, protocol):
    lines = [b".", b"..", b". x", b"..x", b"", b"." + b"x" * 996, b"x" * 997, b"y" * 998, b".", b"." * 998]
    body = b"\r\n".join(lines) + b"\r\n"
    name = {"smtp": "utf8", "lmtp": "lmtp-plain"}[protocol]
    with gate.session() as wire:
        assert deliver(wire, letter(token, body), recipient=f"u@{name}.test".encode()).code == 250
    message = hops[name].wait_for_token(token)
    assert is_clean(message.raw) and message.content.endswith(b"\r\n" + body)
    assert all(len(line) <= 999 for line in message.raw.split(b"\r\n"))


# --- I14, I15

@pytest.fixture(scope="module")
def answered(gate):
    return {name: submit(gate, f"{name}.test", new_token(), recipients=(b"u1", b"u2", b"u3")) for name in LMTP}


@pytest.mark.sanitize
@pytest.mark.parametrize("name", LMTP)
def test_I14_each_recipient_is_accounted_for_once(gate, hops, answered, name):
    def ended():
        ends = [event["to"][:2] for event in results(gate, answered[name]) if event["result"] != "deferred"]
        return len(ends) >= 3 and ends
    ends = until(ended, 20, lambda: f"three ends: {results(gate, answered[name])}")
    assert sorted(ends) == ["u1", "u2", "u3"]
    found = results(gate, answered[name])
    first = {event["to"][:2]: "done" if event["result"] in ("delivered", "relayed") else event["result"] for event in found if event["attempts"] == 1}
    assert (first["u1"], first["u3"]) == LMTP[name][1], found
    assert not hops[name].faults
    # by the good connection: those who were left, and once
    if "deferred" in first.values():
        hops[name].wait_for(lambda m: True)
    later = [address for message in hops[name].messages for address, _ in message.recipients]
    assert sorted(later) == sorted(b"%s@%s.test" % (event["to"][:2].encode(), name.encode()) for event in found
                                   if event["attempts"] == 2 and event["result"] != "deferred")


def test_I15_a_250_that_comes_too_late(gate, hops, token):
    """Twice at most, and with the same Message-ID: the hop can tell."""
    hop = hops["late"]
    wait_for_results(gate, submit(gate, "late.test", token), 2)
    until(lambda: hasattr(hop.sessions[0], "late"), 10, "the late 250")
    hop.wait_for_token(token)
    message, = hop.with_token(token)
    assert len(hop.sessions) == 2
    first = [line for line in hop.sessions[0].content if line.lower().startswith(b"message-id:")]
    assert first == [b"Message-ID: " + value for value in message.fields("Message-ID")] and len(first) == 1


def test_L08_a_server_that_recovers(sink, asked):
    """At the end: it takes as long as a failure is remembered."""
    token = asked["later"][0]
    sink.wait_for_token(token, 30)
    assert len(sink.with_token(token)) == 1
