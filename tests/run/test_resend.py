# SPDX-License-Identifier: BSD-2-Clause
"""A client that did not read the 250 sends its message again: it is told the first id, and one is delivered."""
import os

import pytest

from rig.deadline import until
from rig.judge import deliver, letter

FAR = b"u@example.net"


def ids(gate, message, count, recipients=(FAR,), **session):
    """The same message by as many connections; the ids in the replies."""
    found = []
    for _ in range(count):
        with gate.session(**session) as wire:
            wire.expect(250, b"MAIL FROM:<alice@example.org>")
            for recipient in recipients:
                wire.expect(250, b"RCPT TO:<" + recipient + b">")
            wire.expect(354, b"DATA")
            wire.send(message + b".\r\n")
            reply = wire.reply()
            assert reply.code == 250, reply
            found.append(reply.text.split()[-1])
    return found


def files(gate):
    return os.listdir(os.path.join(gate.path, "state/queue/body"))


@pytest.mark.sanitize
def test_the_same_is_queued_once(gate, sink, token):
    """Also when the first one has been delivered since, and its recipients come in another order."""
    message = letter(token)
    both = (FAR, b"v@example.net")
    first, again = ids(gate, message, 2, both)
    sink.wait_for_token(token)
    gate.wait_until_queue_is_empty()
    third, = ids(gate, message, 1, both[::-1])
    assert first == again == third
    def said():
        return [event.get("again_as") for event in gate.events_named("smtp.accepted") if event["id"] == first]
    until(lambda: said()[:1] == [None] and len(set(said())) == 3, 5, said)
    assert len(sink.with_token(token)) == 1


def test_the_client_that_lost_its_250(gate, sink, token):
    """It leaves without reading the reply, and comes again."""
    message = letter(token)
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<" + FAR + b">")
        wire.expect(354, b"DATA")
        wire.send(message + b".\r\n")
        wire.reset()
    sink.wait_for_token(token)
    with gate.session() as wire:
        reply = deliver(wire, message)
    assert reply.code == 250
    gate.wait_until_queue_is_empty()
    assert [m["id"] for m in gate.ctl_json("track", reply.text.split()[-1])["messages"]] == [reply.text.split()[-1]]
    assert len(sink.with_token(token)) == 1


def test_what_differs_is_another_message(gate, sink, token):
    plain = letter(token)
    sent = [(plain, (FAR,)), (letter(token, body=b"second " + token + b"\r\n"), (FAR,)),
            (letter(token, more=b"X-Again: yes\r\n"), (FAR,)), (plain, (b"w@example.net",)), (plain, (FAR, b"w@example.net"))]
    found = [ids(gate, message, 1, recipients)[0] for message, recipients in sent]
    assert len(set(found)) == len(sent)
    sink.wait_for_token(token, count=len(sent))
    gate.wait_until_queue_is_empty()
    assert len(sink.with_token(token)) == len(sent)


def test_without_message_id_nothing_is_the_same(gate, sink, token):
    message = b"".join(line for line in letter(token).splitlines(True) if not line.startswith(b"Message-ID"))
    assert len(set(ids(gate, message, 2))) == 2
    sink.wait_for_token(token, count=2)


def test_another_login_and_no_login(make_gate, sink, token):
    gate = make_gate(routes={"*": sink.target},
                     permits='permit "authenticated" { rights = { submit, relay } send-as = { "*" } }\n'
                             'permit "network:127.0.0.0/8" { rights = { submit, relay, any-sender } }\n')
    message = letter(token, sender=b"<out@example.com>")

    def send(login):
        with gate.session(login=login) if login else gate.secure() as wire:
            if not login:
                wire.ehlo()
            reply = deliver(wire, message, sender=b"out@example.com")
            assert reply.code == 250, reply
            return reply.text.split()[-1]
    found = [send(login) for login in ("alice", "bob", "alice", None, None)]
    assert found[0] == found[2] and len(set(found)) == 4
    sink.wait_for_token(token, count=4)


@pytest.mark.sanitize
def test_a_large_one_leaves_no_file(gate, sink, token):
    message = letter(token, body=(b"y" * 76 + b"\r\n") * 4000)
    assert len(set(ids(gate, message, 3))) == 1
    sink.wait_for_token(token)
    gate.wait_until_queue_is_empty()
    until(lambda: not files(gate), 5, lambda: files(gate))
    assert len(sink.with_token(token)) == 1


def test_over_a_restart(gate, sink, token):
    message = letter(token)
    first, = ids(gate, message, 1)
    gate.stop()
    gate.events.clear()
    gate.start()
    again, = ids(gate, message, 1)
    assert first == again
    sink.wait_for_token(token)
    gate.wait_until_queue_is_empty()
    assert len(sink.with_token(token)) == 1


def test_the_window_ends_and_may_be_none(make_gate, sink, token):
    gate = make_gate(routes={"*": sink.target}, extra="queue { resend-window = 1s }\n")
    message = letter(token)
    first, again = ids(gate, message, 2)
    assert first == again
    until(lambda: ids(gate, message, 1)[0] != first, 5, "another id")
    gate.parts["extra"] = "queue { resend-window = 0 }\n"
    gate.reload()
    assert len(set(ids(gate, message, 3))) == 3
