# SPDX-License-Identifier: BSD-2-Clause
"""Recipients in our own domains: refused at RCPT if nobody has them, so that nothing is accepted to be returned."""
import os
import signal
import socket
import threading

import pytest

from rig import dovecot, judge
from rig.deadline import until
from rig.sallyport import Health
from rig.sink import Sink
from rig.strangers import LOGINS_RELAY, port_25


@pytest.fixture(scope="module")
def hop():
    """Knows what begins with "known"."""
    server = Sink(script={
        ("RCPT", rb"TO:<unknown"): b"550 5.1.1 <x>\x1b[0m never heard of\r\n",
        ("RCPT", rb"TO:<full"): b"552 5.2.2 mailbox full\r\n",
        ("RCPT", rb"TO:<grey"): b"451 4.7.1 greylisted\r\n",
        ("RCPT", rb"TO:<bye"): b"421 4.3.2 too many of you\r\n",
        ("RCPT", rb"TO:<odd"): b"354 go ahead\r\n",
        ("RCPT", rb"TO:<gone"): None,
    })
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gate(make_gate, hop):
    return make_gate(listeners={"smtp": port_25(errors="1000")}, routes={"*": hop.target}, permits=LOGINS_RELAY,
                     extra="queue { retry = { 1s } }\nrelay { call-ahead-wait = 1s  reuse-idle = 1s }\n")


def rcpt(gate, recipient, sender=b"stranger@example.com", listener="smtp", seconds=10):
    """The reply to a stranger's RCPT."""
    with gate.wire(listener, seconds=seconds) as wire:
        wire.greet()
        wire.expect(250, b"MAIL FROM:<" + sender + b">")
        return wire.command(b"RCPT TO:<" + recipient + b">")


def login_rcpt(gate, recipient):
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        return wire.command(b"RCPT TO:<" + recipient + b">")


def probes(hop, recipient):
    """How often the hop was asked for the recipient, and never given content for it."""
    asked = [session for session in hop.sessions
             if any(line.upper().startswith(b"RCPT TO:<" + recipient.upper()) for line in session.lines)]
    return sum(line.upper().startswith(b"RCPT TO:<" + recipient.upper()) for session in asked for line in session.lines)


# --- call-ahead

@pytest.mark.sanitize
@pytest.mark.parametrize("name,code,enhanced,login", [
    (b"known", 250, "2.1.5", (250, "2.1.5")),
    (b"unknown", 550, "5.1.1", (550, "5.1.1")),
    (b"full", 550, "5.2.2", (550, "5.2.2")),
    # Whoever has a login can be told later: it is the stranger's mail that must not be accepted in doubt.
    (b"grey", 450, "4.7.1", (250, "2.1.5")),
    (b"bye", 450, "4.4.3", (250, "2.1.5")),
    (b"odd", 450, "4.4.3", (250, "2.1.5")),
    (b"gone", 450, "4.4.3", (250, "2.1.5")),
])
def test_I7_what_the_hop_says_at_rcpt(gate, hop, name, code, enhanced, login):
    token = judge.new_token()
    reply = rcpt(gate, name + token + b"@example.org")
    assert (reply.code, reply.enhanced) == (code, enhanced), reply
    assert "never heard" not in reply.text and "\x1b" not in reply.text
    reply = login_rcpt(gate, name + token + b"2@example.org")
    assert (reply.code, reply.enhanced) == login, reply
    assert not hop.with_token(token)


def test_I7_the_probe_is_from_the_null_sender_and_ends_without_data(gate, hop):
    token = judge.new_token()
    recipient = b"unknown" + token + b"@example.org"
    assert rcpt(gate, recipient).code == 550
    session = hop.wait_for_session(lambda s: any(recipient in line for line in s.lines))
    at = next(i for i, line in enumerate(session.lines) if recipient in line)
    assert session.lines[at - 1] == b"MAIL FROM:<> SMTPUTF8" or session.lines[at - 1] == b"MAIL FROM:<>"
    until(lambda: len(session.lines) > at + 1, 5, "a line behind RCPT")
    assert session.lines[at + 1] == b"RSET"
    hop.wait_for_session(lambda s: s is session and s.lines[-1] == b"QUIT")
    assert not any(verb in ("DATA", "BDAT") for verb, _ in session.commands)


def test_I7_answers_are_remembered(gate, hop):
    for name, code in ((b"known", 250), (b"unknown", 550)):
        recipient = name + judge.new_token() + b"@example.org"
        assert [rcpt(gate, recipient).code for _ in range(3)] == [code] * 3
        assert login_rcpt(gate, recipient).code == code
        assert probes(hop, recipient) == 1
    recipient = b"grey" + judge.new_token() + b"@example.org"
    assert [rcpt(gate, recipient).code for _ in range(2)] == [450] * 2
    assert probes(hop, recipient) == 2


def test_I7_only_our_own_domains_are_asked_for(gate, hop):
    recipient = b"unknown" + judge.new_token() + b"@example.net"
    assert login_rcpt(gate, recipient).code == 250
    assert rcpt(gate, recipient).code == 550    # relaying denied, and the hop not asked
    assert probes(hop, recipient) == 0


def test_I7_nothing_of_a_refused_recipient_is_queued(gate, hop, token):
    with gate.wire("smtp") as wire:
        wire.greet()
        wire.send(b"MAIL FROM:<victim@example.com>\r\nRCPT TO:<unknown1@example.org>\r\nRCPT TO:<known1@example.org>\r\n"
                  b"RCPT TO:<unknown2@example.org>\r\nDATA\r\n")
        assert [reply.code for reply in wire.replies(5)] == [250, 550, 250, 550, 354]
        wire.send(judge.letter(token, sender=b"<victim@example.com>") + b".\r\n")
        assert wire.reply().code == 250
    message = hop.wait_for_token(token)
    assert [address for address, _ in message.recipients] == [b"known1@example.org"]
    gate.wait_until_queue_is_empty()
    assert len(hop.with_token(token)) == 1


def test_I7_a_thousand_guesses(gate, hop):
    """A dictionary gets 5xx for each word, over two connections to the hop, and not one notice."""
    begun = len(hop.sessions)
    with gate.wire("smtp", seconds=30) as wire:
        wire.greet()
        wire.expect(250, b"MAIL FROM:<>")
        wire.send(b"".join(b"RCPT TO:<unknown-%d@example.org>\r\n" % n for n in range(300)))
        assert {reply.code for reply in wire.replies(300)} == {550}
        wire.expect(554, b"DATA")
    assert len(hop.sessions) - begun <= 8   # a connection is used a hundred times
    assert not gate.queue()


@pytest.fixture
def silent():
    """Accepts connections and says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    yield f"smtp:127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def test_I7_no_answer_in_time(make_gate, silent):
    gate = make_gate(listeners={"smtp": port_25()}, routes={"*": silent}, permits=LOGINS_RELAY,
                     extra="relay { call-ahead-wait = 1s }\n")
    health = Health(gate)
    replies = []

    def ask(number):
        replies.append(rcpt(gate, b"u%d@example.org" % number))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(reply.code, reply.enhanced) for reply in replies} == {(450, "4.4.3")}
    assert login_rcpt(gate, b"u9@example.org").code == 250
    gate.wait_for_event("smtp.recipient", {"finding": "unsure", "text": "the next hop does not answer in time"})
    health.check()


def test_I7_the_hop_is_down(make_gate):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nowhere = f"smtp:127.0.0.1:{listener.getsockname()[1]}"
    gate = make_gate(listeners={"smtp": port_25()}, routes={"*": nowhere}, permits=LOGINS_RELAY,
                     base={"authoritative-domains": '{ "example.org", "open.example", "noroute.example" }'},
                     extra='domain "open.example" { unsure = accept }\n')
    assert (rcpt(gate, b"u@example.org").code, rcpt(gate, b"u@open.example").code) == (450, 250)
    assert login_rcpt(gate, b"u@example.org").code == 250


def test_I7_the_client_leaves_before_the_answer(gate, hop):
    health = Health(gate)
    event = threading.Event()
    hop.script[("RCPT", rb"TO:<wait")] = event
    for number in range(5):
        with gate.wire("smtp") as wire:
            wire.greet()
            wire.expect(250, b"MAIL FROM:<a@example.com>")
            wire.send(b"RCPT TO:<wait%d@example.org>\r\n" % number)
    event.set()
    assert rcpt(gate, b"known-after@example.org").code == 250
    del hop.script[("RCPT", rb"TO:<wait")]
    health.check()


@pytest.mark.parametrize("role", ["relay", "queue"])
def test_I7_who_is_asked_dies(gate, hop, role):
    """450 to whoever waits, and the next is answered."""
    event = threading.Event()
    hop.script[("RCPT", rb"TO:<wait")] = event
    with gate.wire("smtp") as wire:
        wire.greet()
        wire.expect(250, b"MAIL FROM:<a@example.com>")
        wire.send(b"RCPT TO:<wait-" + role.encode() + b"@example.org>\r\n")
        hop.wait_for_session(lambda s: any(b"RCPT TO:<wait-" + role.encode() in line for line in s.lines))
        gate.expected_deaths += 1
        os.kill(gate.pids(role)[0], signal.SIGKILL)
        assert wire.reply().code == 450
        event.set()
        del hop.script[("RCPT", rb"TO:<wait")]
        until(lambda: wire.command(b"RCPT TO:<known-%s@example.org>" % role.encode()).code == 250, 15,
              "the next question is answered")


def test_I7_a_reload_asks_the_new_hop(make_gate, hop):
    other = Sink(script={("RCPT", rb"known"): b"550 5.1.1 not here\r\n"})
    gate = make_gate(listeners={"smtp": port_25()}, routes={"example.org": hop.target}, permits=LOGINS_RELAY)
    try:
        assert rcpt(gate, b"known@example.org").code == 250
        gate.parts["routes"]["example.org"] = other.target
        gate.reload()
        assert rcpt(gate, b"known@example.org").code == 550
    finally:
        other.stop()


# --- the directory

@pytest.fixture(scope="module")
def listed(make_gate, sink):
    gate = make_gate(listeners={"smtp": port_25()}, routes={"*": sink.target}, permits=LOGINS_RELAY,
                     base={"authoritative-domains": '{ "example.org", "open.example" }'},
                     extra='domain "example.org" { recipients = directory  plus-address = "+" }\n'
                           'domain "open.example" { recipients = any }\n')
    gate.ctl("address", "add", "alice", "gr\u00fcn@example.org")
    return gate


@pytest.mark.sanitize
@pytest.mark.parametrize("recipient,code", [
    (b"alice@example.org", 250), (b"ALI@Example.ORG", 250), (b"bob+tag@example.org", 250), (b'"bob"@example.org', 250),
    (b"postmaster@example.org", 250), (b"POSTMASTER@example.org", 250), (b"nobody@example.org", 550),
    (b"alice+@example.org", 250), (b"+alice@example.org", 550), (b"ali_e@example.org", 550), (b"%@example.org", 550),
    (b"alice@sub.example.org", 550), (b"anybody@open.example", 250),
])
def test_I7_addresses_of_accounts(listed, sink, recipient, code):
    reply = rcpt(listed, recipient)
    assert reply.code == code, reply
    assert probes(sink, recipient) == 0


def test_I7_addresses_beyond_ascii(listed):
    with listed.wire("smtp") as wire:
        wire.greet()
        wire.expect(250, b"MAIL FROM:<a@example.com> SMTPUTF8")
        wire.expect(250, "RCPT TO:<gr\u00fcn@example.org>".encode())
        wire.expect(550, "RCPT TO:<gr\u00fcner@example.org>".encode())


def test_I7_a_new_address_is_known_at_once(listed):
    assert rcpt(listed, b"late@example.org").code == 550
    listed.ctl("address", "add", "bob", "late@example.org")
    assert rcpt(listed, b"late@example.org").code == 250
    listed.ctl("address", "delete", "bob", "late@example.org")
    assert rcpt(listed, b"late@example.org").code == 550
    assert login_rcpt(listed, b"late@example.org").code == 550


def test_I7_auth_dies(listed):
    listed.expected_deaths += 1
    os.kill(listed.pids("auth")[0], signal.SIGKILL)
    assert rcpt(listed, b"alice@example.org").code in (250, 450)
    until(lambda: rcpt(listed, b"alice@example.org").code == 250, 15, "the directory is back")


# --- a real mailbox server

@pytest.mark.parametrize("way", ["unix", "tcp"])
def test_I7_unknown_to_dovecot(make_gate, way, token):
    if dovecot.missing():
        pytest.skip(dovecot.missing())
    server = dovecot.Dovecot(users={"ann@example.org": "annpw"}, any_mailbox=False, all_users=False).start()
    try:
        target = f"lmtp:unix:{server.lmtp_path}" if way == "unix" else f"lmtp:127.0.0.1:{server.lmtp_port}"
        gate = make_gate(listeners={"smtp": port_25()}, routes={"example.org": target}, permits=LOGINS_RELAY)
        for ask in (rcpt, login_rcpt):
            assert (ask(gate, b"nobody@example.org").code, ask(gate, b"ann@example.org").code) == (550, 250)
        with gate.wire("smtp") as wire:
            wire.greet()
            assert judge.deliver(wire, judge.letter(token), b"a@example.com", b"ann@example.org").code == 250
        gate.wait_until_queue_is_empty()
        assert not gate.events_named("queue.notice")
        server.program.stop()
        # What was asked before is remembered; what was not, nobody can say.
        assert (rcpt(gate, b"ann@example.org").code, rcpt(gate, b"eve@example.org").code) == (250, 450)
    finally:
        server.stop()
