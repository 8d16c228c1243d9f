# SPDX-License-Identifier: BSD-2-Clause
"""State of older versions is taken over with a copy beside it; that of later ones is refused, once."""
import os
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from rig import ground
from rig.judge import deliver, letter
from rig.sallyport import Sallyport

SCHEMA = os.path.join(os.path.dirname(os.path.realpath(__file__)), "schema")
REFUSED = 78
LARGE = b"large body of v1\r\n" * 4096


# As if all that had happened just now: mail that is too old is returned.
YOUNG = """UPDATE message SET received = {now} - 600000; UPDATE history SET finished = {now} - 600000;
           UPDATE waiting SET due = {now} + 300000 WHERE due IS NOT NULL;"""


def build(path, dump, then=""):
    """A database as SQL tells it, below a state folder."""
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    with open(os.path.join(SCHEMA, dump), encoding="ascii") as sql, sqlite3.connect(path) as database:
        database.executescript(sql.read() + then)
        database.execute("PRAGMA journal_mode = WAL")
    database.close()
    os.chmod(path, 0o600)
    ground.give(path)
    ground.give(os.path.dirname(path))


def number(path, pragma):
    """Of a database that nobody has open."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return database.execute(f"PRAGMA {pragma}").fetchone()[0]
    finally:
        database.close()


@pytest.fixture
def old(certificate, hop):
    """Not started yet: its state is that of version 1."""
    gate = Sallyport(certificates=[certificate], routes={"*": hop.target}, accounts=())
    build(f"{gate.path}/state/queue/queue.db", "queue_v1.sql",
          YOUNG.format(now=int(time.time() * 1000)))
    build(f"{gate.path}/state/auth/accounts.db", "accounts_v1.sql")
    os.mkdir(f"{gate.path}/state/queue/body", 0o700)
    ground.give(f"{gate.path}/state/queue/body")
    ground.write(f"{gate.path}/state/queue/body/1", LARGE)
    yield gate
    gate.discard()


def test_version_1_is_taken_over(old, hop):
    """Accounts log in, what waited is delivered, what was held is held, what is history is told."""
    old.start()
    waiting = {(message["held"], message.get("reason", ""), tuple(message["recipients"]), message["size"])
               for message in old.queue()}
    assert waiting == {(False, "", ("u@example.net", "later@example.net"), 356),
                       (True, "kept for the next version", ("later@example.net",), 377),
                       (False, "", ("later@example.net",), 74093)}
    told = old.ctl_json("track", "u@example.net")["messages"]
    assert {(message["state"], row["address"], row["state"]) for message in told
            for row in message["recipients"]} >= {("delivered", "u@example.net", "delivered")}
    held = [message["id"] for message in old.queue() if message["held"]]
    old.ctl("queue", "flush")
    old.ctl("queue", "release", *held)
    for token, recipients in ((b"v1later", [b"later@example.net"]), (b"v1held", [b"later@example.net"]),
                              (b"v1large", [b"later@example.net"])):
        message = hop.wait_for_token(token)
        # u@ has it already.
        assert [address for address, _ in message.recipients] == recipients
    assert hop.with_token(b"v1large")[0].body == LARGE
    old.wait_until_queue_is_empty()
    with old.session() as wire:
        assert deliver(wire, letter(b"new mail"), sender=b"ali@example.org").code == 250
    with old.session("carol") as wire:
        wire.expect(250, b"MAIL FROM:<team@example.org>")
    with old.secure() as wire:
        assert wire.command(b"AUTH PLAIN AGJvYgBib2Jwdw==").code == 535   # bob is disabled
    old.stop()
    for name in ("queue/queue.db", "auth/accounts.db"):
        path = f"{old.path}/state/{name}"
        # A version that is the first one still has no copy of itself.
        assert os.path.exists(path + ".v1") == (number(path, "user_version") > 1)


def refused(gate, name):
    """The start fails for good: one try, the status that says so, the reason in the log."""
    gate.write_config()
    done = subprocess.run([gate.program(), "-c", gate.config, "-f"], capture_output=True, text=True,
                          timeout=20, cwd="/", env=gate.environment, **ground.as_user())
    assert done.returncode == REFUSED, (done.returncode, done.stderr)
    assert name in done.stderr
    assert "role.restart" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", ("queue/queue.db", "auth/accounts.db"))
def test_a_later_version_is_refused(old, name):
    path = f"{old.path}/state/{name}"
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with open(path, "rb") as file:
        before = file.read()
    said = refused(old, os.path.basename(path))
    assert "99" in said
    with open(path, "rb") as file:
        assert file.read() == before
    shutil.rmtree(f"{old.path}/state")
    os.mkdir(f"{old.path}/state", 0o700)
    ground.give(f"{old.path}/state")


def test_a_later_version_under_a_running_daemon(old):
    """Restarted ever more rarely; the others go on, and clients are put off."""
    old.start()
    path = f"{old.path}/state/queue/queue.db"
    pid = old.pids("queue")[0]
    os.kill(pid, signal.SIGSTOP)
    old.expected_deaths = 10
    # Behind its back: the header alone, no lock.
    with open(path, "r+b") as file:
        file.seek(60)
        now = int.from_bytes(file.read(4), "big")
        file.seek(60)
        file.write((99).to_bytes(4, "big"))
    if os.path.exists(path + "-wal"):
        os.truncate(path + "-wal", 0)
    start = len(old.events)
    os.kill(pid, signal.SIGKILL)
    for _ in range(3):
        event = old.wait_for_event("role.failed", start=start)
        assert "later version" in event["reason"]
        start = old.events.index(event, start) + 1
    waits = [event["in-ms"] for event in old.events_named("role.restart") if event["of"] == "queue"]
    assert waits[:3] == sorted(waits[:3]) and waits[2] >= 1000, waits
    with old.session() as wire:
        reply = deliver(wire, letter(b"not now"), sender=b"ali@example.org")
        assert reply.code == 451, reply
    with open(path, "r+b") as file:
        file.seek(60)
        file.write(now.to_bytes(4, "big"))
