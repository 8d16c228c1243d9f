# SPDX-License-Identifier: BSD-2-Clause
"""What clients try where filters are asked: the same message again, commands ahead, leaving in the midst of it, one client's state in another's."""
import itertools
import os
import random
import re
import socket
import threading

import pytest

from rig import ground
from rig import milter_packet as say
from rig.deadline import until
from rig.filtered import LISTENER, block
from rig.judge import deliver, letter, new_token
from rig.milter import USUAL, Filter
from rig.sallyport import Health
from rig.wire import Closed


@pytest.fixture(scope="module")
def filter_():
    made = Filter()
    yield made
    made.kill()
    assert not made.faults, made.faults


@pytest.fixture(scope="module")
def gate(make_gate, sink, filter_):
    return make_gate(listeners={"submission": {"errors": "1000", "transactions": "0"}}, routes={"*": sink.target},
                     extra=f'milter "one" {{\n  address = "{filter_.target}"\n  change-envelope = yes\n}}\n'
                           'policy { milters = { "one" } }\n')


@pytest.fixture(autouse=True)
def _usual(filter_):
    yield
    filter_.play()


# ---- the same message again


def ids(gate, message, recipients):
    """What the client is told each message is queued as; one goes to each recipient."""
    found = []
    with gate.session() as wire:
        for recipient in recipients:
            reply = deliver(wire, message, recipient=recipient)
            assert reply.code == 250, reply
            found.append(reply.text.split()[-1])
    return found


@pytest.mark.sanitize
def test_the_same_again_is_known_whatever_a_filter_makes_of_it(gate, sink, filter_, token):
    """The filter writes another sender, field and recipient into it each time."""
    turn = itertools.count()

    def tagged(_connection, _payload):
        one = next(turn)
        return (say.add_header("X-Turn", f" {one}") + say.change_sender(f"<tag={one}=alice@lists.example.com>")
                + say.add_rcpt(f"<copy-{one}@example.net>") + say.CONTINUE)
    filter_.play({"E": tagged})
    first, again = ids(gate, letter(token), [b"u@example.net"] * 2)
    assert first == again
    gate.wait_until_queue_is_empty()
    found = sink.with_token(token)
    assert {message.sender for message in found} == {b"tag=0=alice@lists.example.com"}
    assert sorted(address for message in found for address, _ in message.recipients) == [
        b"copy-0@example.net", b"u@example.net"]


def test_two_messages_are_two_though_a_filter_gives_them_one_envelope(gate, sink, filter_, token):
    """Nothing that a client has sent to somebody else is taken for what it sent before."""
    recipients = [b"u@example.net", b"v@example.net"]
    filter_.play({"E": say.add_rcpt("<all@example.net>") + b"".join(
        say.delete_rcpt(f"<{path.decode()}>") for path in recipients) + say.CONTINUE})
    first, second = ids(gate, letter(token), recipients)
    assert first != second
    gate.wait_until_queue_is_empty()
    assert [message.recipients[0][0] for message in sink.with_token(token)] == [b"all@example.net"] * 2


# ---- commands ahead, and leaving in the midst of it

class Whims:
    """
    Two filters that answer each message in one of many ways, some of which end their connection. What passes
    has been seen by both: the second one says what it saw of the token in a field.
    """

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lock = threading.Lock()

    def choose(self, *choices):
        with self.lock:
            return self.random.choice(choices)

    def envelope(self, _connection, _payload):
        return self.choose(*[say.CONTINUE] * 60, say.PROGRESS * 3 + say.CONTINUE, say.TEMPFAIL, say.REJECT, None, USUAL)

    def mail(self, connection, payload):
        connection.is_gone(self.choose(0, 0, 0.005))
        return self.envelope(connection, payload)

    def body(self, _connection, _payload):
        return self.choose(*[say.CONTINUE] * 60, say.SKIP, say.REJECT, None)

    def end(self, connection, _payload):
        connection.is_gone(self.choose(0, 0, 0.01))
        seen = connection.message.field("Subject")[0].strip()
        mark = say.add_header("X-Seen", " " + seen.decode())
        return self.choose(*[mark + say.CONTINUE] * 8, mark + say.ACCEPT, mark + say.DISCARD, say.REJECT, mark + say.packet("!"),
                           mark + say.replace_body(b"small " + seen) + say.CONTINUE, None,
                           mark + say.replace_body((seen + b"\n") * 15000, 65535) + say.CONTINUE,
                           say.replace_body(seen * 20000, 65535) + say.TEMPFAIL,
                           mark + say.packet("b", b"half", length=70000))

    def play(self, filter_):
        filter_.play({"M": self.mail, "R": self.envelope, "T": self.envelope, "B": self.body, "E": self.end})


def talk(chance, large):
    """What one client pipelines in a session, and the tokens in it; chunks may say the end of the session in the midst."""
    said, tokens = [b"EHLO client.example.org\r\n"], []
    for _ in range(chance.randint(1, 4)):
        token = new_token()
        tokens.append(token)
        message = letter(token, large if chance.random() < 0.3 else b"")
        said.append(chance.choice([b"", b"", b"NOOP\r\n", b"RSET\r\n", b"EHLO again.example.org\r\n", b"RCPT TO:<early@example.net>\r\n"]))
        said.append(b"MAIL FROM:<alice@example.org> SIZE=%d\r\n" % chance.choice([0, 1, len(message)]))
        said.append(b"RCPT TO:<u@example.net>\r\n" * chance.randint(1, 2) + chance.choice([b"", b"RCPT TO:<v@example.net>\r\n"]))
        said.append(chance.choice([b"", b"", b"", b"RSET\r\n", b"EHLO in-between.example.org\r\n", b"MAIL FROM:<a@b.example>\r\n", b"QUIT\r\n"]))
        at = chance.randrange(len(message))
        said.append(b"BDAT %d\r\n" % at + message[:at])
        said.append(chance.choice([b"", b"", b"", b"RSET\r\n", b"NOOP\r\n", b"DATA\r\n"]))
        said.append(b"BDAT %d LAST\r\n" % (len(message) - at) + message[at:])
    return b"".join(said + [chance.choice([b"", b"QUIT\r\n"])]), tokens


def misbehave(gate, chance, large, sent):
    """One client; it leaves at any moment, in any way."""
    said, tokens = talk(chance, large)
    sent.update(tokens)
    end = chance.choice([len(said), len(said), chance.randrange(len(said))])
    with gate.wire("plain") as wire:
        try:
            wire.send(said[:end])
            how = chance.choice(["read", "read", "some", "none", "reset"])
            if how == "read" and end == len(said):
                wire.socket.shutdown(socket.SHUT_WR)
                wire.replies_until_end()
            elif how == "some":
                wire.replies(chance.randint(1, 2))     # the banner, and what the session begins with
            if how == "reset":
                wire.reset()
        except (Closed, OSError):
            pass


@pytest.mark.sanitize
def test_clients_that_leave_at_any_moment(make_gate, sink):
    """Nothing passes unseen or half changed, nothing is left behind, and the filters are told no nonsense."""
    filters = [Filter(), Filter()]
    gate = make_gate(
        base={"workers": "1"}, routes={"*": sink.target}, listeners={"plain": LISTENER},
        extra="".join(f'milter "{name}" {{\n  address = "{one.target}"\n  rest = 100ms\n  end-wait = 1s\n}}\n' for name, one in zip("ab", filters))
        + 'policy { milters = { "a", "b" } }\n')
    body = (b"z" * 70 + b"\r\n") * 3000
    sent = set()
    health = Health(gate)
    for turn in range(3):
        for number, one in enumerate(filters):
            Whims(1000 * turn + number).play(one)
        clients = [threading.Thread(target=misbehave, args=(gate, random.Random(1000 * turn + number), body, sent))
                   for number in range(16)]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
    def calm():
        return all(one.ended.is_set() for filter_ in filters for one in filter_.connections) and not gate.queue()
    until(calm, 30, "all connections are over")
    health.check()
    # Two pieces of a body may be under way; the second is read behind a verdict on the first.
    assert not [fault for one in filters for fault in one.faults if not fault.startswith("B after a verdict at B")]
    until(lambda: not os.listdir(os.path.join(gate.path, "state/queue/body")), 10, "no body file is left")
    seen = [message for message in sink.messages if message.fields("Subject")]
    passed = {token for message in seen for token in message.fields("Subject")} & sent
    assert passed and passed != sent
    for message in seen:
        for token in set(message.fields("Subject")) & sent:
            assert message.fields("X-Seen") == [token, token], message.raw[:2000]
            assert message.body in (body, b"first " + token + b"\r\n", b"small " + token + b"\r\n", (token + b"\r\n") * 15000)
    for one in filters:
        one.kill()


def test_recipients_ahead_each_with_an_answer_of_its_own(make_gate, sink):
    """Two filters refuse some of the recipients that a client pipelines with DATA behind them."""
    chance = random.Random(5)
    verdicts = {say.CONTINUE: 250, say.PROGRESS + say.CONTINUE: 250, say.REJECT: 550, say.TEMPFAIL: 451, say.reply("552 5.2.2 full"): 552}
    filters, said = [Filter(), Filter()], {}
    for number, one in enumerate(filters):
        one.play({"R": lambda _, payload, number=number: said[number, payload[1:payload.index(b">")]]})
    gate = make_gate(listeners={"submission": LISTENER, "submissions": None}, routes={"*": sink.target},
                     extra="".join(f'milter "{number}" {{ address = "{one.target}" }}\n' for number, one in enumerate(filters))
                           + 'policy { milters = { "0", "1" } }\n')
    with gate.wire() as wire:
        wire.greet()
        for _ in range(20):
            token = new_token()
            paths = [b"r%d@example.net" % number for number in range(chance.randint(1, 8))]
            said.update({(number, path): chance.choice([say.CONTINUE, *verdicts]) for number in (0, 1) for path in paths})
            codes = {path: max(verdicts[said[0, path]], 251) if verdicts[said[0, path]] != 250 else verdicts[said[1, path]] for path in paths}
            good = [path for path in paths if codes[path] == 250]
            wire.send(b"MAIL FROM:<alice@example.org>\r\n" + b"".join(b"RCPT TO:<%s>\r\n" % path for path in paths) + b"DATA\r\n")
            assert [wire.reply().code for _ in range(len(paths) + 2)] == [250, *(codes[path] for path in paths), 354 if good else 554]
            if not good:
                wire.expect(250, b"RSET")
                continue
            wire.send(letter(token) + b".\r\n")
            assert wire.reply().code == 250
            assert sorted(path for path, _ in sink.wait_for_token(token).recipients) == sorted(good)
            asked = [path[1:-1] for path, _ in filters[1].wait_for_message(-1).recipients]
            assert asked == [path for path in paths if verdicts[said[0, path]] == 250]
    for one in filters:
        one.wait_until_left()
        assert not one.faults, one.faults
        one.kill()


@pytest.mark.parametrize("step", "CHMRTLNBE")
def test_client_that_leaves_while_a_filter_is_asked(gate, filter_, token, step):
    """Behind TLS, by a reset or an end of it: what the filter answers is for nobody, and the next message is in step."""
    asked, gone = threading.Event(), threading.Event()

    def wait(_connection, _payload):
        asked.set()
        gone.wait(30)
        return USUAL
    filter_.play({step: [wait]})
    first = len(filter_.connections)
    wire = gate.session()
    lines = (b"MAIL FROM:<alice@example.org>\r\n", b"RCPT TO:<u@example.net>\r\n", b"DATA\r\n")
    for number, line in enumerate(lines[:{"R": 2, "T": 3}.get(step, 3 if step in "LNBE" else 1)]):
        wire.send(line)
        if step in "LNBE" or number < "MRT".find(step):
            wire.reply()
    if step in "LNBE":
        wire.send(letter(token) + b".\r\n")
    assert asked.wait(20)
    if step in "CMTNE":
        wire.reset()
    else:
        wire.close()
    gone.set()
    filter_.wait_until_left(filter_.connections[first:])
    with gate.session() as wire:
        assert deliver(wire, letter(new_token())).code == 250


def test_a_thousand_messages_of_one_session(gate, filter_):
    """Each changed in every way, which leaves nothing behind."""
    large = (b"z" * 76 + b"\r\n") * 1000
    turn = itertools.count()

    def change(_connection, _payload):
        new = large if next(turn) % 50 == 0 else b"new\r\n"
        return (say.add_header("X-A", " b" * 500) + say.insert_header(1, "X-B", " c") + say.change_header(1, "Subject", " d")
                + say.change_header(1, "To", "") + say.change_sender("<ali@example.org>", "RET=HDRS") + say.replace_body(new)
                + say.add_rcpt("<v@example.net>") + say.delete_rcpt("<v@example.net>") + say.delete_rcpt("<u@example.net>") + say.CONTINUE)
    filter_.play({"E": change})
    text = letter(new_token())
    with gate.session() as wire:
        def some(count):
            wire.send((b"MAIL FROM:<alice@example.org>\r\nRCPT TO:<u@example.net>\r\nBDAT %d LAST\r\n" % len(text) + text) * count)
            assert {wire.reply().code for _ in range(3 * count)} == {250}
        for _ in range(10):
            some(20)
        before = gate.memory()
        for _ in range(40):
            some(20)
        grown = {pid: size - before[pid] for pid, size in gate.memory().items()}
    assert ground.SANITIZED or max(grown.values()) < 512, grown     # whose freed memory stays for a while
    assert next(turn) == 1000


# ---- one message, seen in one way

HEAD = b"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nFrom: <alice@example.org>\r\nTo: <u@example.net>\r\nMessage-ID: <%s@c.example.org>\r\n"
# What the client sends behind HEAD; by BDAT, so that every byte comes as it is.
ODD = {
    "no-body": b"Subject: x\r\n\r\n",
    "no-blank-line": b"Subject: x\r\n",
    "no-end": b"Subject: x\r\n\r\nabc",
    "dots": b"Subject: x\r\n\r\n.\r\n..\r\n.\r\nMAIL FROM:<x@y.example>\r\n",
    "blank-lines": b"Subject: x\r\n\r\n\r\n\r\n",
    "tight": b"Subject:x\r\nX-Empty:\r\nX-Blank: \r\nX-Tab:\tx\r\n\r\nbody\r\n",
    "folds": b"Subject: one\r\n two\r\n\tthree\r\nX-First:\r\n behind\r\n\r\nbody\r\n",
    "blank-before-colon": b"Subject : x\r\n\r\nbody\r\n",
    "blank-fold": b"Subject: x\r\n \r\nBcc: <v@example.net>\r\n\r\nbody\r\n",
    "bare-lf": b"Subject: x\nBcc: <v@example.net>\r\n\r\nbody\r\n",
    "bare-cr": b"Subject: x\rBcc: <v@example.net>\r\n\r\nbody\r\n",
    "lf-lf": b"Subject: x\r\n\n\nX-Body: or header\r\n\r\nbody\r\n",
    "nul": b"Subject: x\0y\r\n\r\nbody\r\n",
    "nul-in-body": b"Subject: x\r\n\r\nbo\0dy\r\n",
    "8-bit": b"Subject: caf\xc3\xa9\r\n\r\nna\xc3\xafve\r\n",
    "control": b"Subject: \x1b[2J\x07\r\n\r\nbody\r\n",
    "no-colon": b"Subject: x\r\nnonsense\r\n\r\nbody\r\n",
    "own-received": b"Received: from me by you; Sat, 21 Nov 2026 10:00:00 +0000\r\nSubject: x\r\nReceived: from a by b; Sat, 21 Nov 2026 10:00:00 +0000\r\n\r\nb\r\n",
    "taken-away": b"Subject: x\r\nBcc: <v@example.net>\r\nReturn-Path: <a@b.example>\r\n\r\nbody\r\n",
    "long-line": b"Subject: " + b"x" * 900 + b"\r\n\r\n" + b"y" * 990 + b"\r\n",
}


@pytest.mark.parametrize("odd", ODD)
def test_what_a_filter_sees_is_what_is_sent(gate, sink, filter_, token, odd):
    """Or the message is refused, and it has seen nothing. Else a signature, or a scanner's word, would be about another one."""
    text = HEAD % token + ODD[odd]
    seen = len(filter_.messages)
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org> BODY=8BITMIME")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.send(b"BDAT %d LAST\r\n" % len(text) + text)
        reply = wire.reply()
    told_of = filter_.wait_for_message(seen)
    if reply.code != 250:
        assert reply.code >= 500 and told_of.end == "A" and not told_of.fields, reply
        return
    sent = sink.wait_for(lambda message: token in message.raw)
    trace, _, rest = sent.content.partition(b"\r\nDate: ")
    assert trace.startswith(b"Received: ") and not re.search(rb"\r\n[^ \t]", trace)
    body = bytes(told_of.body)
    whole = body if body.endswith(b"\r\n") or not body else body + b"\r\n"     # as a signer counts it, too
    assert b"Date: " + rest == block(told_of) + b"\r\n" + whole, (block(told_of), body)
    assert len(sink.with_token(token)) <= 1


# ---- who it is, between two messages


@pytest.fixture(scope="module")
def open_gate(make_gate, sink, filter_):
    """Takes mail of strangers, too."""
    return make_gate(
        listeners={"submission": 'protocol = smtp\n  address = { "127.0.0.1:0" }\n  tls = starttls\n  login = secure\n'
                                 '  permit "network:127.0.0.0/8" { rights = { submit, relay, any-sender, own-domain-sender } }'},
        routes={"*": sink.target},
        extra=f'milter "one" {{\n  address = "{filter_.target}"\n}}\npolicy {{ milters = {{ "one" }} }}\n')


@pytest.mark.sanitize
@pytest.mark.parametrize("step", ["C", "H", "M", "R", "E"])
def test_what_is_said_of_a_stranger_is_not_said_of_a_login(open_gate, filter_, step):
    """Nor of a client before its TLS: what a filter has let pass for good is asked about anew, by another connection."""
    first = len(filter_.connections)
    filter_.play({step: [say.ACCEPT] * 2})
    with open_gate.wire() as wire:
        wire.greet()
        assert deliver(wire, letter(new_token())).code == 250
        wire.starttls()
        wire.ehlo(b"secure.example.org")
        assert deliver(wire, letter(new_token())).code == 250
        wire.login()
        assert deliver(wire, letter(new_token())).code == 250
        told_of = filter_.wait_for_message(-1)
    plain, second, third = filter_.connections[first:]
    assert not {"{tls_version}", "{auth_authen}"} & {*plain.macros.get("H", {}), *plain.macros["C"]}
    assert second.helo in (None, b"secure.example.org") and "{auth_authen}" not in second.macros["C"]
    assert third.macros["C"]["{auth_authen}"] == told_of.macros["M"]["{auth_authen}"] == b"alice"
    assert third.macros["H"]["{tls_version}"].startswith(b"TLS") and told_of.commands[-1] == "E"
