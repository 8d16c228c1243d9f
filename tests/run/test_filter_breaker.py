# SPDX-License-Identifier: BSD-2-Clause
"""The breaker of a filter, shared by all front ends: who finds out, who is told, who goes by what it saw itself."""
import os
import signal
import struct
import threading
import time

import pytest

from rig import ground, process
from rig.deadline import until
from rig.filtered import LISTENER, milter_section
from rig.judge import deliver, letter, new_token
from rig.milter import Filter
from rig.wire import Wire

FAILURES = 5                                       # in a row, and the breaker opens
BROKEN = b"220 mail.example.org ESMTP\r\n"         # is no negotiation
ROWS = 1024                                        # tag and word, at the end of proc/gate_layout.h
WAITS = {"command-wait": "90s", "rest": "1h"}      # no rest ends while a test runs


def sections(filters, rest):
    return "".join(milter_section(name, filter_, {**WAITS, "rest": rest, **settings}) +
                   f'policy "{name}" {{ milters = {{ "{name}" }} }}\n' for name, (filter_, settings) in filters.items())


@pytest.fixture
def filters():
    made = {"strict": (Filter({"O": BROKEN}), {}), "lenient": (Filter({"O": BROKEN}), {"on-failure": "accept"})}
    yield made
    for filter_, _ in made.values():
        filter_.kill()


@pytest.fixture
def gate(make_gate, sink, filters):
    listeners = {name: {**LISTENER, "policy": f'"{name}"'} for name in filters}
    made = make_gate(base={"workers": "3"}, routes={"*": sink.target}, extra=sections(filters, "1h"),
                     listeners={"submission": None, "submissions": None, **listeners})
    made.wait_until_serving()
    return made


class Alone:
    """with Alone(gate, pid): whoever connects is served by this one, for the other front ends stand still."""

    def __init__(self, gate, pid):
        self.others = [other for other in gate.pids("smtp") if other != pid]

    def __enter__(self):
        for pid in self.others:
            os.kill(pid, signal.SIGSTOP)
        until(lambda: all(process.state(pid) == "T" for pid in self.others), 10, "the others stand still")

    def __exit__(self, *fault):
        for pid in self.others:
            os.kill(pid, signal.SIGCONT)


def session(gate, listener, pid):
    with Alone(gate, pid):
        wire = Wire(gate.address(listener), seconds=60)
        wire.greet()
    return wire


def ask(gate, listener, pid):
    """The code of the answer to MAIL, of this front end."""
    with session(gate, listener, pid) as wire:
        return wire.command(b"MAIL FROM:<alice@example.org>").code


def seen(gate, name, key="state"):
    """What each front end tells of the filter."""
    return sorted(row[key] for role in gate.status()["roles"] if role["role"] == "smtp"
                  for row in role["details"]["filters"] if row["name"] == name)


def of_filter(gate, event, name):
    return [found for found in gate.events_named(event) if found["filter"] == name]


def kill_one(gate):
    """Of the front ends one dies; the pid of the one in its place."""
    before = gate.pids("smtp")
    gate.expected_deaths += 1
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(set(gate.pids("smtp")) - {before[0]}) == 3, 20, "there are three again")
    gate.wait_until_serving()
    return (set(gate.pids("smtp")) - set(before)).pop()


def set_rest(gate, filters, rest):
    gate.parts["extra"] = sections(filters, rest)
    gate.reload()


@pytest.mark.sanitize
def test_workers_share_the_breaker(gate, filters, sink):
    """Five failures of all, one trial of all, and all are told how it went."""
    filter_, _ = filters["strict"]
    workers = gate.pids("smtp")
    assert len(workers) == 3
    for number in range(FAILURES):
        assert ask(gate, "strict", workers[number % 3]) == 451
    gate.wait_for_event("milter.rests", {"filter": "strict", "failures": FAILURES})
    assert [ask(gate, "strict", pid) for pid in workers] == [451] * 3
    assert (seen(gate, "strict"), seen(gate, "strict", "failures_in_row")) == (["resting"] * 3, [FAILURES] * 3)
    assert seen(gate, "strict", "skipped") == [1] * 3
    row = next(row for row in gate.ctl_json("milter", "list")["filters"] if row["name"] == "strict")
    assert (row["state"], row["failures"], row["failures_in_row"], row["skipped"]) == ("resting", 5, 5, 3), row
    # One that starts anew knows as well.
    assert ask(gate, "strict", kill_one(gate)) == 451
    assert len(filter_.connections) == FAILURES

    # A rest that is longer than new settings say is over: one message tries, and all others wait for how it goes.
    enough = threading.Event()
    filter_.play({"O": lambda _connection, _payload: enough.wait(100) and BROKEN})
    set_rest(gate, filters, "20m")
    workers = gate.pids("smtp")
    with session(gate, "strict", workers[0]) as wire:
        wire.send(b"MAIL FROM:<alice@example.org>\r\n")
        filter_.wait_for(lambda: len(filter_.connections) > FAILURES)
        assert seen(gate, "strict") == ["trying"] * 3
        assert [ask(gate, "strict", pid) for pid in workers] == [451] * 3
        enough.set()
        assert wire.reply().code == 451
    assert seen(gate, "strict") == ["resting"] * 3
    assert [ask(gate, "strict", pid) for pid in workers] == [451] * 3
    assert len(filter_.connections) == FAILURES + 1

    # It is back, as one finds out and all know.
    filter_.play()
    set_rest(gate, filters, "5m")
    for pid in workers[1:] + workers[:1]:
        token = new_token()
        with session(gate, "strict", pid) as wire:
            assert deliver(wire, letter(token)).code == 250
        sink.wait_for_token(token)
    assert len(filter_.messages) == 3 and seen(gate, "strict") == ["ok"] * 3
    gate.wait_for_event("milter.back", {"filter": "strict"})
    assert (len(of_filter(gate, "milter.rests", "strict")), len(of_filter(gate, "milter.back", "strict"))) == (1, 1)


def test_nobody_lets_pass_on_the_word_of_another(gate, filters):
    """With on-failure = accept each front end goes by what it saw itself."""
    filter_, _ = filters["lenient"]
    first, second, _ = gate.pids("smtp")
    assert [ask(gate, "lenient", first) for _ in range(FAILURES + 1)] == [250] * (FAILURES + 1)
    assert gate.wait_for_event("milter.rests", {"filter": "lenient"})["pid"] == first
    assert len(filter_.connections) == FAILURES
    assert ask(gate, "lenient", second) == 250
    assert len(filter_.connections) == FAILURES + 1
    assert seen(gate, "lenient") == ["failing", "resting", "unknown"]


# --- a front end that was taken over

class Table:
    """The shared one, as whoever has taken over a front end can write it."""

    def __init__(self, gate):
        folder = f"/proc/{gate.process.pid}/fd"
        [name] = [name for name in os.listdir(folder) if self.is_it(f"{folder}/{name}")]
        self.fd = os.open(f"{folder}/{name}", os.O_RDWR)
        self.start = os.fstat(self.fd).st_size - ROWS * 16

    @staticmethod
    def is_it(path):
        try:
            return os.readlink(path).startswith("/memfd:sallyport-gate")
        except FileNotFoundError:      # closed since
            return False

    def fill(self, word, tags=False):
        """Each row's word; where tags are told, its tag too."""
        rows = list(struct.iter_unpack("=QQ", os.pread(self.fd, ROWS * 16, self.start)))
        assert len([tag for tag, _ in rows if tag]) == 1, "only one filter is shared"
        os.pwrite(self.fd, b"".join(struct.pack("=QQ", word if tags else tag, word) for tag, _ in rows), self.start)

    def close(self):
        os.close(self.fd)


def word_of(rests, until_ms, trying=False, failures=FAILURES):
    return trying << 63 | rests << 60 | failures << 44 | until_ms


def send(gate, listener, pid):
    with session(gate, listener, pid) as wire:
        return deliver(wire, letter(new_token())).code


@pytest.mark.sanitize
@pytest.mark.skipif(not ground.IS_ROOT, reason="only root may write in the table from outside")
def test_what_a_captured_front_end_can_write(gate, filters):
    """It can have mail put off, but not let it pass; nonsense holds up nobody, and nobody falls over it."""
    strict, lenient = filters["strict"][0], filters["lenient"][0]
    strict.play()
    lenient.play()
    worker = gate.pids("smtp")[1]
    table = Table(gate)
    soon_ms = int(time.monotonic() * 1000) + 30 * 60 * 1000
    for trying in (False, True):
        table.fill(word_of(1, soon_ms, trying))
        assert (ask(gate, "strict", worker), send(gate, "lenient", worker)) == (451, 250)
    assert (len(strict.messages), len(lenient.messages)) == (0, 2)
    nonsense = [word_of(7, (1 << 44) - 1, True, 65535), word_of(1, soon_ms + 3600 * 1000), word_of(7, 0),
                word_of(0, soon_ms, True), 1, 1 << 63, (1 << 64) - 1]
    for count, word in enumerate(nonsense, 1):
        table.fill(word)
        assert send(gate, "strict", worker) == 250, hex(word)
        assert len(strict.messages) == count
    # Without room in the table a front end goes by what it saw itself.
    table.fill((1 << 64) - 1, tags=True)
    assert send(gate, "strict", kill_one(gate)) == 250
    table.close()
    assert send(gate, "lenient", gate.pids("smtp")[0]) == 250
