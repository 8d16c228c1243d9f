# SPDX-License-Identifier: BSD-2-Clause
"""Next hops that cannot be reached are left alone, and mail for others goes on."""
import csv
import json
import os
import socket
import time

import pytest

from rig import ground
from rig.deadline import until
from rig.hop import Hop
from rig.judge import deliver, letter
from rig.wire import b64, plain
from rig.sink import Sink


class Closed:
    """A port where nobody listens; when one does, it is the same port."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.target = "smtp:127.0.0.1:%d" % self.socket.getsockname()[1]


@pytest.fixture
def closed():
    hop = Closed()
    yield hop
    hop.socket.close()


def submit_many(gate, token, count, domain):
    """As many messages over one connection; their ids."""
    ids = []
    for first in range(0, count, 50):
        with gate.session() as wire:
            for number in range(first, min(first + 50, count)):
                wire.send(b"MAIL FROM:<alice@example.org>\r\nRCPT TO:<u%d@%s>\r\nDATA\r\n" % (number, domain))
                assert [wire.reply().code for _ in range(3)] == [250, 250, 354]
                wire.send(letter(token + b"n%dx" % number) + b".\r\n")
                reply = wire.reply()
                assert reply.code == 250, reply
                ids.append(reply.text.split()[-1])
    return ids


def standing(gate, route):
    for one in gate.ctl_json("queue", "destinations")["destinations"]:
        if one["route"] == route:
            return one
    return {}


def tries(gate):
    return len(gate.events_named("hop.failed"))


def test_E17_a_dead_route_keeps_nobody_else_waiting(make_gate, sink, closed, token):
    gate = make_gate(routes={"dead.test": closed.target, "*": sink.target})
    submit_many(gate, token + b"dead", 1000, b"dead.test")
    until(lambda: standing(gate, "dead.test").get("state") == "resting", 10, "a rest")
    submit_many(gate, token + b"well", 20, b"example.net")
    sink.wait_for_token(token + b"well", seconds=5, count=20)
    dead = standing(gate, "dead.test")
    assert dead["reason"] and dead["rest_until_ms"] and dead["outages"] < 5, dead
    assert dead["open"] == 1 < dead["slots"], dead
    # The connections of the first second, and hardly one since.
    assert tries(gate) <= 20 + dead["outages"], tries(gate)
    assert gate.status()["roles"]
    assert len([m for m in gate.queue() if token.decode() in m["recipients"][0] or m["recipients"][0].endswith("dead.test")]) == 1000


@pytest.mark.sanitize
def test_a_hop_that_comes_back_gets_its_mail(make_gate, sink, closed, token):
    gate = make_gate(routes={"dead.test": closed.target, "*": sink.target},
                     extra="queue { retry = { 1s } destination-rest = 500ms destination-rest-longest = 500ms }\n")
    submit_many(gate, token, 30, b"dead.test")
    until(lambda: standing(gate, "dead.test").get("state") == "down", 10, "down")
    # Put off as if they had been tried, and the reason says that they were not.
    until(lambda: "not tried" in gate.tried("u29@dead.test").get("reply", ""), 10, lambda: gate.tried("u29@dead.test"))
    port = closed.socket.getsockname()[1]
    closed.socket.close()
    hop = Sink(port=port)
    try:
        hop.wait_for_token(token, seconds=15, count=30)
        gate.wait_until_queue_is_empty()
        assert len(hop.messages) == 30
        assert standing(gate, "dead.test")["state"] == "open"
    finally:
        hop.stop()


def test_flush_does_not_wait_for_the_end_of_a_rest(make_gate, sink, closed, token):
    gate = make_gate(routes={"dead.test": closed.target, "*": sink.target},
                     extra="queue { retry = { 1h } destination-rest = 1h destination-rest-longest = 1h }\n")
    first, = submit_many(gate, token + b"a", 1, b"dead.test")
    until(lambda: standing(gate, "dead.test").get("state") == "down", 10, "down")
    second, = submit_many(gate, token + b"b", 1, b"dead.test")
    until(lambda: gate.tried("u0@dead.test"), 10, "put off")
    port = closed.socket.getsockname()[1]
    closed.socket.close()
    hop = Sink(port=port)
    try:
        gate.ctl("queue", "flush", second)
        hop.wait_for_token(token + b"b", seconds=10)
        gate.ctl("queue", "flush", first)
        hop.wait_for_token(token + b"a", seconds=10)
        gate.wait_until_queue_is_empty()
    finally:
        hop.stop()


def test_a_hop_that_swallows_replies_is_not_left_alone(make_gate, token):
    """A connection that took mail and broke off says nothing of the next one: there is no rest of a second between."""
    begun, ended = [], []

    def takes_one_of_two(talk):
        begun.append(time.monotonic())
        talk.greet(b"8BITMIME")
        for last in (False, True):
            talk.envelope()
            talk.send(b"354 go\r\n")
            talk.content()
            if last:
                ended.append(time.monotonic())
                return
            talk.send(b"250 2.0.0 taken\r\n")
    hop = Hop(*[takes_one_of_two] * 5)
    try:
        gate = make_gate(routes={"*": hop.target}, extra="queue { retry = { 1h } concurrency-per-destination = 1 }\n")
        submit_many(gate, token, 12, b"example.net")
        until(lambda: len(ended) == 5 and len(begun) == 5, 20, "five connections broke off")
        gaps = [begin - end for end, begin in zip(ended, begun[1:])]
        assert min(gaps) < 0.9, gaps     # on a busy machine some are longer
        assert not hop.faults, hop.faults
    finally:
        hop.stop()


FIELDS = ["time", "session", "sequence", "listener", "server", "client", "event", "text"]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_is_said_to_a_hop_is_in_the_protocol_log(make_gate, certificate, token, kind):
    """Commands and replies, line by line; no credential, no content."""
    hop = Sink(users={"relay": "relay-secret"}, mechanisms=b"LOGIN", keywords=(b"8BITMIME",))
    gate = make_gate(routes={"*": hop.target}, extra="relay { reuse-messages = 1 }\n")
    try:
        gate.stop()
        folder = os.path.join(gate.path, "protocol")
        os.mkdir(folder, 0o755)
        ground.give(folder)
        secret = ground.write(os.path.join(gate.path, "relay.secret"), "relay-secret\n")
        gate.parts["log"].update({"protocol-log": kind, "protocol-directory": f'"{folder}"'})
        gate.parts["routes"]["*"] = {"to": f'"{hop.target}"', "tls": "none", "user": '"relay"', "secret-file": f'"{secret}"',
                                     "mechanisms": '{ "LOGIN" }'}
        gate.start()
        with gate.session() as wire:
            assert deliver(wire, letter(token)).code == 250
        hop.wait_for_token(token)
        gate.wait_until_queue_is_empty()

        def written():
            with open(os.path.join(folder, "relay.log"), encoding="ascii", newline="") as log:
                return log.read()
        until(lambda: "QUIT" in written() and "221 " in written(), 10, "the connection is over")
        gate.stop()
        raw = written()
        if kind == "csv":
            lines = [dict(zip(FIELDS, row)) for row in csv.reader(raw.splitlines()) if not row[0].startswith("#")]
            assert raw.startswith("#Fields: " + ",".join(FIELDS))
        else:
            lines = [json.loads(line) for line in raw.splitlines()]
        assert all(list(line) == FIELDS for line in lines)
        assert len({line["session"] for line in lines}) == 1
        assert [int(line["sequence"]) for line in lines] == list(range(len(lines)))
        assert {line["listener"] for line in lines} == {"*"} and {line["server"] for line in lines} == {hop.target[5:]}
        said = [line["event"] + line["text"] for line in lines]
        for wanted in ("+", "<AUTH ***", "<***", ">334 ***", ">235 2.7.0 welcome", "<MAIL FROM:<alice@example.org>",
                       "<RCPT TO:<u@example.net>", "<DATA", "<QUIT", ">250-sink.example.net"):
            assert wanted in said, (wanted, said)
        assert said[-1][0] == "-"
        for hidden in ("relay-secret", b64("relay-secret").decode(), b64("relay").decode(), plain("relay", "relay-secret").decode(),
                       token.decode(), "VXNlcm5hbWU6"):
            assert hidden not in raw, hidden
    finally:
        hop.stop()
