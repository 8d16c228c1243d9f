# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue O, what a spool survives: errors of sync, damage, other versions, backups, many files."""
import hashlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from rig import ground
from rig.deadline import until
from rig.judge import deliver, letter
from rig.sink import Sink

LARGE = (b"y" * 76 + b"\r\n") * 2000     # more than stays in memory
LATER = b"451 4.7.1 later\r\n"


@pytest.fixture
def hop():
    sink = Sink()
    yield sink
    sink.stop()


@pytest.fixture
def gate(make_gate, hop):
    return make_gate(routes={"*": hop.target}, extra="queue { retry = { 1h } }\n")


def submit(gate, token, recipient=b"u@example.net", body=b""):
    """One message; its id, from the reply."""
    with gate.session() as wire:
        reply = deliver(wire, letter(token, body), recipient=recipient)
        assert reply.code == 250, reply
        return reply.text.split()[-1]


def hold(gate, hop, token, recipient, body=b""):
    """A message that was tried once, and is held."""
    hop.script["RCPT"] = LATER
    number = submit(gate, token, recipient, body)
    gate.wait_until_tried(recipient.decode())
    gate.ctl("queue", "hold", number)
    del hop.script["RCPT"]
    return number


def spool(gate, *names):
    return os.path.join(gate.path, "state", "queue", *names)


def restart(gate):
    gate.stop()
    gate.events.clear()
    gate.start()


def change_database(gate, sql, *values):
    """Between stop and start."""
    database = sqlite3.connect(spool(gate, "queue.db"))
    database.execute(sql, values)
    database.commit()
    database.close()
    for end in ("", "-wal", "-shm"):
        if os.path.exists(spool(gate, "queue.db" + end)):
            ground.give(spool(gate, "queue.db" + end))


# --- O15

def test_O15_a_record_of_another_version_is_held(gate, hop, token):
    """A message that a later Sallyport wrote is seen and kept; the others go their way."""
    hop.script["RCPT"] = LATER
    number = submit(gate, token + b"newer")
    other = submit(gate, token + b"other", b"v@example.net")
    for address in ("u@example.net", "v@example.net"):
        gate.wait_until_tried(address)
    gate.stop()
    database = sqlite3.connect(spool(gate, "queue.db"))
    seq, record = next((seq, record) for seq, record in database.execute("SELECT seq, record FROM message")
                       if number.encode() in record)
    database.close()
    change_database(gate, "UPDATE message SET record = ? WHERE seq = ?", b"\x02" + record[1:], seq)
    hop.script.clear()
    gate.events.clear()
    gate.start()
    gate.ctl("queue", "flush")
    hop.wait_for_token(token + b"other")
    held = until(lambda: [m for m in gate.queue() if m["held"]], 10, gate.queue)
    assert [m["id"] for m in held] == [f"seq:{seq}"] and len(gate.queue()) == 1
    assert gate.events_named("spool.torn")
    # It is as good as before for who can read it.
    gate.stop()
    change_database(gate, "UPDATE message SET record = ? WHERE seq = ?", record, seq)
    gate.events.clear()
    gate.start()
    assert [m["id"] for m in gate.queue()] == [number]
    gate.ctl("queue", "release", number)
    hop.wait_for_token(token + b"newer")
    gate.wait_until_queue_is_empty()
    assert other not in [m["id"] for m in gate.queue()]


# --- O17

def test_O17_N11_backup_and_restore(gate, hop, token):
    """Held mail that is restored is delivered once; no id is given twice, whatever came after the backup."""
    ids = [hold(gate, hop, token + b"small", b"s@example.net"),
           hold(gate, hop, token + b"large", b"l@example.net", LARGE)]
    made = gate.ctl_json("queue", "backup", "before")
    assert (made["name"], made["messages"], made["bodies"], made["missing"]) == ("before", 2, 1, 0), made
    again = gate.ctl("queue", "backup", "before", check=False)
    assert again.returncode == 1 and "before" in again.stderr
    assert gate.ctl("queue", "backup", "../before", check=False).returncode == 1
    by_time = gate.ctl_json("queue", "backup")["name"]
    assert re.fullmatch(r"\d{8}T\d{6}Z", by_time)
    ids.append(submit(gate, token + b"after"))
    hop.wait_for_token(token + b"after")
    gate.stop()
    os.rename(spool(gate), spool(gate) + ".old")
    shutil.copytree(spool(gate) + ".old/backup/before", spool(gate))
    for folder, _, names in os.walk(spool(gate)):
        for name in ["", *names]:
            ground.give(os.path.join(folder, name))
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=spool(gate), check=True)
    gate.events.clear()
    gate.start()
    waiting = gate.queue()
    assert {(m["id"], m["held"]) for m in waiting} == {(number, True) for number in ids[:2]}
    gate.ctl("queue", "flush")
    for number in ids[:2]:
        gate.ctl("queue", "release", number)
    assert hop.wait_for_token(token + b"large").body == LARGE
    hop.wait_for_token(token + b"small")
    ids.append(submit(gate, token + b"restored", body=LARGE))
    hop.wait_for_token(token + b"restored")
    gate.wait_until_queue_is_empty()
    assert len(set(ids)) == len(ids)
    for word in (b"small", b"large", b"after", b"restored"):
        assert len(hop.with_token(token + word)) == 1, word
    assert os.listdir(spool(gate, "corrupt")) == []


# --- O18

def test_O18_one_id_everywhere(gate, hop, token):
    """The 250, the log, queue show, track and the trace field speak of one id."""
    hop.script["RCPT"] = [LATER]
    number = submit(gate, token)
    assert gate.wait_for_event("smtp.accepted")["id"] == number
    gate.wait_until_tried("u@example.net")
    shown = gate.ctl_json("queue", "show", number)
    assert shown["id"] == number and number in shown["header"]
    assert gate.wait_for_event("queue.result", {"result": "deferred"})["id"] == number
    gate.ctl("queue", "flush", number)
    message = hop.wait_for_token(token)
    assert number.encode() in message.fields("Received")[0]
    gate.wait_until_queue_is_empty()
    assert gate.wait_for_event("queue.result", {"result": "delivered"})["id"] == number
    assert [m["id"] for m in gate.ctl_json("track", number)["messages"]] == [number]
