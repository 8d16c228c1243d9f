# SPDX-License-Identifier: BSD-2-Clause
"""A long queue: it stands in nobody's way, and is listed and changed a stretch at a time."""
import os
import subprocess
import time

import pytest

from rig import ground
from rig.deadline import until
from rig.judge import deliver, letter
from rig.process import resident
from rig.sallyport import Sallyport

FILL = os.path.join(os.environ.get("SALLYPORT_BUILD", os.path.join(os.path.dirname(__file__), "../..")), "tests/bench/fill")
MESSAGES = int(os.environ.get("SALLYPORT_BACKLOG", "20000"))

pytestmark = pytest.mark.skipif(not os.path.exists(FILL), reason="tests/bench/fill is not built")


def fill(gate, messages, state, domain):
    """Before it starts: so many messages in its queue."""
    path = os.path.join(gate.path, "state/queue")
    os.mkdir(path, 0o700)
    subprocess.run([FILL, path, str(messages), state, domain], check=True, stdout=subprocess.DEVNULL)
    for folder, _, names in os.walk(path):
        for name in [folder, *(os.path.join(folder, name) for name in names)]:
            ground.give(name)


@pytest.fixture
def make_full(certificate):
    made = []

    def make(messages, state, domain, **settings):
        gate = Sallyport(certificates=[certificate], **settings)
        made.append(gate)
        fill(gate, messages, state, domain)
        return gate
    yield make
    for gate in made:
        gate.discard()


@pytest.mark.parametrize("state", ["fresh", "tried", "held"])
def test_E19_new_mail_does_not_wait_for_old(make_full, sink, token, state):
    gate = make_full(MESSAGES, state, "dead.test", routes={"dead.test": "smtp:127.0.0.1:1", "*": sink.target},
                     extra="queue { messages = 0 }\n")
    begin = time.monotonic()
    gate.start(seconds=5)
    with gate.session() as wire:
        assert deliver(wire, letter(token)).code == 250
    assert time.monotonic() - begin < 5
    sink.wait_for_token(token, seconds=10 - (time.monotonic() - begin))
    status = [role for role in gate.status()["roles"] if role["role"] == "queue"]
    assert status and max(resident(pid) for pid in gate.pids("queue")) < 64 * 1024
    # A page is a page, wherever it begins.
    first = gate.ctl_json("queue", "list", "--limit", "3")["messages"]
    second = gate.ctl_json("queue", "list", "--limit", "3", "--after", first[-1]["id"])["messages"]
    assert len({m["id"] for m in first + second}) == 6


def test_all_of_it_is_delivered(make_full, sink):
    """More than the window has for one destination; each comes once."""
    gate = make_full(MESSAGES + 2000, "fresh", "bulk.test", routes={"*": sink.target}, extra="queue { sync = no }\n",
                     base={"workers": "1"}, log={"level": "notice"})
    before = len(sink.messages)
    gate.start()
    until(lambda: len(sink.messages) - before >= MESSAGES + 2000, 60, lambda: len(sink.messages) - before)
    gate.wait_until_queue_is_empty()
    seen = {message.recipients[0][0] for message in sink.messages[before:]}
    assert len(seen) == len(sink.messages) - before == MESSAGES + 2000


def test_many_are_changed_in_bounded_turns(make_full, sink, token):
    """While the administrator holds, releases and deletes them all, mail comes in and goes out."""
    count = MESSAGES // 4
    gate = make_full(count, "fresh", "dead.test", routes={"dead.test": "smtp:127.0.0.1:1", "*": sink.target},
                     extra="queue { messages = 0 }\n")
    gate.start()
    for number, verb in enumerate(("hold", "release", "hold", "delete")):
        arguments = [ground.program("sallyportctl"), "-c", gate.config, "queue", verb, "--recipient", "@dead.test", "--json"]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        word = token + b"n%dx" % number
        while process.poll() is None:
            with gate.session() as wire:
                begin = time.monotonic()
                assert deliver(wire, letter(word + b"y%d" % begin)).code == 250
                assert time.monotonic() - begin < 2
        assert str(count) in process.stdout.read()
        process.stdout.close()
        sink.wait_for_token(word)
    gate.wait_until_queue_is_empty()
