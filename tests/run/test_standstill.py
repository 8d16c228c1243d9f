# SPDX-License-Identifier: BSD-2-Clause
"""A role that stands still for a while (SIGSTOP) and goes on: nothing is lost, nothing is delivered twice for it."""
import os
import signal
import threading

import pytest

from rig import ground
from rig.deadline import until
from rig.judge import deliver, letter, new_token
from rig.process import resident
from rig.hop import Hop

STANDING_S = 3      # longer than any wait of relay below
SETTINGS = """relay { greet-wait = 2s command-wait = 2s data-wait = 2s end-wait = 2s reuse-idle = 2s }
queue { retry = { 1s } destination-rest = 100ms }
"""


@pytest.fixture
def gate(make_gate, hop):
    return make_gate(routes={"*": hop.target}, extra=SETTINGS)


class Standing:
    """with Standing(gate, role): the role stands still, at least so long."""

    def __init__(self, gate, role, seconds=STANDING_S):
        self.pid, = gate.pids(role)
        self.seconds = seconds
        self.over = threading.Event()

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        self.timer = threading.Timer(self.seconds, self.over.set)
        self.timer.start()
        return self

    def __exit__(self, *fault):
        if not any(fault):
            self.over.wait(self.seconds + 5)
        self.timer.cancel()
        os.kill(self.pid, signal.SIGCONT)


def send(gate, count):
    """So many messages, each answered by 250; their tokens."""
    tokens = [new_token() for _ in range(count)]
    with gate.session() as wire:
        for token in tokens:
            assert deliver(wire, letter(token)).code == 250
    return tokens


def judge(gate, hop, tokens, seconds=30):
    """Each is delivered once, and written down so."""
    gate.wait_until_queue_is_empty(seconds)
    for token in tokens:
        hop.wait_for_token(token)     # a sink writes down after it has answered
    assert [len(hop.with_token(token)) for token in tokens] == [1] * len(tokens)
    states = [message["state"] for message in gate.ctl_json("track", "alice")["messages"]]
    assert states == ["delivered"] * len(tokens)
    assert not gate.events_named("role.died") and not gate.events_named("channel.refused")


def test_relay_stands_while_mail_comes_in(gate, hop):
    with Standing(gate, "relay"):
        tokens = send(gate, 20)
    judge(gate, hop, tokens)


def test_relay_stands_in_the_middle_of_a_message(gate, hop):
    """Its waits are over when it wakes up; what the hop said meanwhile is there, and counts or does not."""
    answer = threading.Event()
    hop.script["DATA"] = answer
    tokens = send(gate, 3)
    hop.wait_for_session(lambda s: any(verb == "DATA" for verb, _ in s.commands))
    with Standing(gate, "relay"):
        answer.set()
        del hop.script["DATA"]
    judge(gate, hop, tokens)


def test_queue_stands_while_results_come_in(gate, hop):
    """Relay keeps them until queue has."""
    answer = threading.Event()
    hop.script["END"] = answer
    tokens = send(gate, 5)
    until(lambda: sum(verb == "DATA" for s in hop.sessions for verb, _ in s.commands) == 5, 10, "all are under way")
    with Standing(gate, "queue"):
        answer.set()
        for token in tokens:
            hop.wait_for_token(token)
    judge(gate, hop, tokens)
    assert all(event["attempts"] == 1 for event in gate.events_named("queue.result"))


def test_queue_stands_while_mail_comes_in(gate, hop):
    """The clients wait, and hear of it when it goes on; nothing is taken twice."""
    wires = [gate.session(seconds=20) for _ in range(4)]
    tokens = [new_token() for _ in wires]
    for wire in wires:
        for line in (b"MAIL FROM:<alice@example.org>", b"RCPT TO:<u@example.net>", b"DATA"):
            assert wire.command(line).code in (250, 354)
    with Standing(gate, "queue"):
        for wire, token in zip(wires, tokens):
            wire.send(letter(token) + b".\r\n")
            assert wire.is_silent(0.1)
    replies = [wire.reply() for wire in wires]
    assert all(reply.code == 250 for reply in replies), replies
    judge(gate, hop, tokens)
    for wire in wires:
        wire.close()


# --- L1: what a hop says is not kept

FLOOD = 10 * 1000 * 1000
# What it may cost at its worst: a reply of its cap and a buffer of TLS or socket beside it.
PER_HOP_KIB = 192


def flood(piece):
    """10 MB, or less if nobody listens any more."""
    def script(talk):
        try:
            for _ in range(FLOOD // len(piece)):
                talk.send(piece)
        finally:
            talk.session.flooded = True
    return script


FLOODS = {"line": b"x" * 1000, "lines": b"220-" + b"x" * 900 + b"\r\n", "short-lines": b"220-\r\n" * 200}


@pytest.mark.sanitize
def test_L01_a_flood_costs_no_memory(make_gate):
    hops = {f"{name}-{n}.test": Hop(flood(piece)) for name, piece in FLOODS.items() for n in range(4)}
    gate = make_gate(routes={domain: hop.target for domain, hop in hops.items()}, extra=SETTINGS)
    pid, = gate.pids("relay")
    before, most = resident(pid), 0
    with gate.session() as wire:
        for domain in hops:
            assert deliver(wire, letter(new_token()), recipient=b"u@" + domain.encode()).code == 250
    end = threading.Event()
    while not all(hop.sessions and hasattr(hop.sessions[0], "flooded") for hop in hops.values()):
        most = max(most, resident(pid))
        assert not end.wait(0.005)
    gate.wait_until_queue_is_empty(30)
    for hop in hops.values():
        hop.wait_for(lambda m: True)
    assert all(len(hop.messages) == 1 for hop in hops.values())
    print(f"relay: {before} KiB before, {most} KiB at most, {resident(pid)} KiB after")
    if not ground.SANITIZED:
        assert most - before <= len(hops) * PER_HOP_KIB, (before, most)
    for hop in hops.values():
        hop.stop()
