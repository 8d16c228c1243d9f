# SPDX-License-Identifier: BSD-2-Clause
"""Filters that hang, drip, flood or stop reading: each costs its own message a bounded time, and nobody else's."""
import concurrent.futures
import struct
import threading
import time

import pytest

from rig import milter_packet as say
from rig.deadline import until
from rig.filtered import GOOD, Filtered, Row, check_reply, saw, send, told
from rig.judge import letter, new_token

WAITS = {"connect-wait": "1s", "command-wait": "1s", "content-wait": "1s", "end-wait": "1s", "budget": "3s",
         "rest": "200ms"}
LARGE = (b"z" * 76 + b"\r\n") * (12 * 1024 * 1024 // 78)     # more than socket buffers take


STEPS = ("MAIL", "RCPT", "DATA", "END")


def drip(data, pause=0.1):
    return lambda connection, payload: connection.drip(data * 1000, pause) or b""


def flood(packet):
    def action(connection, _payload):
        connection.flood(packet * 1000)
        connection.close()
    return action


def ignore(said=b""):
    """Reads nothing more until the client has its answer; the end of a connection stands behind what is unread."""
    def action(connection, _payload):
        connection.send(said)
        connection.owner.answered.wait(60)
        return b""
    return action


def body_for_ever(connection, _payload):
    connection.send(struct.pack("!I", 1 + (20 << 20)) + b"b")
    connection.drip(b"x" * 1000, 0.05)
    return b""


HANGS = {
    "connected": Row({"O": b""}, at="MAIL"),
    "connect": Row({"C": b""}, at="MAIL"),
    "helo": Row({"H": b""}, at="MAIL"),
    "mail": Row({"M": b""}, at="MAIL"),
    "rcpt": Row({"R": b""}, at="RCPT"),
    "data": Row({"T": b""}, at="DATA"),
    "header": Row({"L": b""}),
    "header-end": Row({"N": b""}),
    "body": Row({"B": b""}),
    "end": Row({"E": b""}),
    "half-a-length": Row({"M": b"\0\0\0"}, at="MAIL"),
    "half-a-packet": Row({"M": struct.pack("!I", 100) + b"y550 5.7.1"}, at="MAIL"),
    "2-gb-in-drips": Row({"M": lambda connection, payload: connection.drip(struct.pack("!I", 0x7fffffff) + b"b" + b"x" * 1000, 0.1)},
                         at="MAIL"),
    "drip-of-a-reply": Row({"M": drip(struct.pack("!I", 60000) + b"y550 5.7.1 ")}, at="MAIL"),
    "drip-of-an-offer": Row({"O": drip(struct.pack("!I", 60000) + b"O")}, at="MAIL"),
    "progress-for-ever": Row({"M": drip(say.PROGRESS, 0.02)}, at="MAIL"),
    "progress-for-ever-at-end": Row({"E": drip(say.PROGRESS, 0.02)}),
    "progress-flood": Row({"E": flood(say.PROGRESS)}),
    "progress-flood-at-mail": Row({"M": flood(say.PROGRESS)}, at="MAIL"),
    "flood-not-negotiated": Row({"E": flood(say.add_header("X-Evil", " yes"))}, actions=0),
    "quarantine-flood": Row({"E": flood(say.quarantine("again"))}),
    "empty-body-flood": Row({"E": flood(say.packet("b"))}),
    "body-in-drips": Row({"E": body_for_ever}),
    "never-reads": Row({"C": ignore(say.CONTINUE)}, at="MAIL"),
    "stops-reading": Row({"T": ignore(say.CONTINUE)}, body=LARGE),
    "stops-reading-and-answers-nothing": Row({"N": ignore()}, body=LARGE, steps=say.MUTE_ALL),
    "refuses-and-stops-reading": Row({"B": ignore(say.REJECT)}, code=550, enhanced="5.7.1", body=LARGE),
    "refuses-the-header-and-stops-reading": Row({"L": ignore(say.REJECT)}, code=550, enhanced="5.7.1", body=LARGE),
    "floods-and-stops-reading": Row({"B": flood(say.PROGRESS)}, body=LARGE),
}


@pytest.fixture(scope="module")
def filtered(make_gate, sink):
    made = Filtered(make_gate, sink, {**{name: WAITS for name in HANGS}, "good": {}})
    yield made
    made.judge()
    made.stop()


def next_is_filtered(filtered, name, wire):
    """
    The waits are short: on a machine under load even a good filter may miss one, or five and be let alone for a
    while. So it is asked again.
    """
    filter_ = filtered.filters[name]
    filter_.play({"E": saw}, **GOOD)

    def passes():
        token = new_token()
        step, reply = send(wire, letter(token))
        if reply.code == 250:
            message = filter_.wait_for_message(-1)
            assert filtered.sink.wait_for_token(token).fields("X-Saw") == [told(message)]
            assert not message.connection.faults, message.connection.faults
            return True
        assert reply.code == 451, (step, reply)
        return False
    until(passes, 20, lambda: f"{name} filters again\n{filtered.gate.story(15)}")


def suffer(filtered, name):
    """One row, on a session of its own; how long the client waited."""
    row, filter_ = HANGS[name], filtered.filters[name]
    filter_.answered = threading.Event()
    filter_.play(row.script, **{**GOOD, **row.negotiation})
    token = new_token()
    with filtered.session(name, 30) as wire:
        filtered.refused.append(token)

        def hangs():
            begin = time.monotonic()
            step, reply = send(wire, letter(token, row.body), row.recipients)
            # a good answer before the bad one may be late, as above
            early = reply.code == 451 and (row.code or STEPS.index(step) < STEPS.index(row.at))
            return None if early else (step, reply, time.monotonic() - begin)
        step, reply, took = until(hangs, 20, lambda: f"{name} hangs\n{filtered.gate.story(15)}")
        filter_.answered.set()
        check_reply(row, "tempfail", step, reply, filtered.gate.story)
        filter_.wait_until_left(list(filter_.connections))
        next_is_filtered(filtered, name, wire)
    filter_.wait_until_left()
    return took


def others(filtered, rows):
    """Messages of a session with a good filter, while the rows hang; how many there were."""
    count = 0
    with filtered.session("good") as wire:
        while not all(row.done() for row in rows):
            step, reply = send(wire, letter(new_token()))
            assert (step, reply.code) == ("END", 250), (step, reply)
            count += 1
    return count


@pytest.fixture(scope="module")
def suffered(filtered):
    """All rows at once, so that all the waiting is done once."""
    memory = sum(filtered.gate.memory().values())
    with concurrent.futures.ThreadPoolExecutor(len(HANGS) + 1) as pool:
        rows = {name: pool.submit(suffer, filtered, name) for name in HANGS}
        rows["others"] = pool.submit(others, filtered, list(rows.values()))
    rows["grown"] = sum(filtered.gate.memory().values()) - memory
    return rows


@pytest.mark.sanitize
@pytest.mark.parametrize("name", HANGS)
def test_waits_end(suffered, name):
    assert suffered[name].result() < 60


def test_others_go_on_meanwhile(suffered):
    assert suffered["others"].result() >= 1


def test_memory_stays(suffered, filtered):
    assert suffered["grown"] < 64 * 1024, suffered["grown"]
