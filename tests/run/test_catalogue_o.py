# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue O, what a spool survives: errors of sync, damage, other versions, backups, many files."""
import errno
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import time

import pytest

from rig import ground
from rig.deadline import until
from rig.judge import deliver, letter
from rig.sallyport import Sallyport

LARGE = (b"y" * 76 + b"\r\n") * 2000     # more than stays in memory
LATER = b"451 4.7.1 later\r\n"


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


# --- O6

class Faulty(Sallyport):
    """A daemon whose queue meets errors of its disk when it is told to: see rig/faulty_disk.c."""

    def program(self):
        programs = os.path.join(self.path, "programs")
        if not os.path.isdir(programs):
            os.mkdir(programs)
            ground.copy_programs(programs)
            library = os.path.join(programs, "faulty_disk.so")
            source = os.path.join(os.path.dirname(ground.__file__), "faulty_disk.c")
            subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
            queue = os.path.join(programs, "sallyport-queue")
            os.rename(queue, queue + ".real")
            with open(queue, "w", encoding="ascii") as script:
                script.write(f"#!/bin/sh\nLD_PRELOAD={library} FAULTY_DISK={spool(self)} exec {queue}.real\n")
            os.chmod(queue, 0o755)
        return os.path.join(programs, "sallyportd")

    def fault(self, call, error, once=False):
        path = spool(self, f"{call}.{error}" + (".once" if once else ""))
        ground.write(path, "")
        return path


@pytest.fixture
def faulty(certificate, hop):
    if ground.SANITIZED:
        pytest.skip("a sanitizer wants to be the first library")
    gate = Faulty(certificates=[certificate], routes={"*": hop.target}, extra="queue { retry = { 1h } }\n")
    yield gate.start()
    gate.discard()


@pytest.mark.parametrize("size, call", (("small", "fdatasync"), ("large", "fsync")))
def test_O6_an_error_of_sync_is_believed(faulty, hop, token, size, call):
    """EIO once, and the next sync succeeds: the message is refused, and nothing of it is ever sent."""
    gate = faulty
    body = LARGE if size == "large" else b""
    with gate.session() as wire:
        assert deliver(wire, letter(token + b"before")).code == 250
        hop.wait_for_token(token + b"before")
        gate.wait_until_queue_is_empty()
        told = gate.fault(call, errno.EIO, once=True)
        reply = deliver(wire, letter(token + b"refused", body))
        assert (reply.code, reply.enhanced) == (451, "4.3.0"), reply
        assert not os.path.exists(told)
        # By itself it works again; what was written with the refused one is written anew.
        until(lambda: deliver(wire, letter(token + b"after", body)).code == 250, 10, "mail is taken")
    hop.wait_for_token(token + b"after")
    gate.wait_until_queue_is_empty()
    restart(gate)
    assert gate.queue() == [] and not hop.with_token(token + b"refused")
    assert os.listdir(spool(gate, "body")) == []


def test_O10_a_quota_is_a_full_disk(faulty, hop, token):
    """EDQUOT, where the kernel has no quotas to show it with: 452, results are kept and tried again, nothing is lost."""
    gate = faulty
    hop.script["RCPT"] = [LATER]
    number = submit(gate, token + b"waits")
    gate.wait_until_tried("u@example.net")
    told = gate.fault("pwrite", errno.EDQUOT)
    with gate.session() as wire:
        reply = deliver(wire, letter(token + b"refused"))
        assert (reply.code, reply.enhanced) == (452, "4.3.1"), reply
        gate.ctl("queue", "flush", number, check=False)
        os.unlink(told)
        until(lambda: deliver(wire, letter(token + b"after")).code == 250, 10, "mail is taken")
    gate.ctl("queue", "flush")
    for word in (b"waits", b"after"):
        hop.wait_for_token(token + word)
    gate.wait_until_queue_is_empty()
    assert not hop.with_token(token + b"refused")
    assert [len(hop.with_token(token + word)) for word in (b"waits", b"after")] == [1, 1]


# --- O8 and N2

def test_O8_damaged_files_and_the_rest_goes_on(gate, hop, token):
    """A body that was cut, one with a bit flipped, one with a block of zeros: held and named; all other mail is sent."""
    damages = {b"cut": lambda file: file.truncate(70000), b"bit": lambda file: (file.seek(1), file.write(b"x")),
               b"block": lambda file: (file.seek(4096), file.write(bytes(4096)))}
    hop.script["RCPT"] = LATER
    numbers = {}
    for word in (*damages, b"good"):
        numbers[word] = submit(gate, token + word, word + b"@example.net", word[:1] + LARGE)
        gate.wait_until_tried(word.decode() + "@example.net")
    gate.stop()
    paths = {}
    for name in os.listdir(spool(gate, "body")):
        with open(spool(gate, "body", name), "rb") as file:
            content = file.read()
        for word in damages:
            if content == word[:1] + LARGE and word not in paths:
                paths[word] = (spool(gate, "body", name), content)
                break
    # "bit" and "block" begin alike: either may be either.
    assert len(paths) == 3
    for word, (path, _) in paths.items():
        with open(path, "r+b") as file:
            damages[word](file)
    hop.script.clear()
    gate.events.clear()
    gate.start()
    gate.ctl("queue", "flush")
    hop.wait_for_token(token + b"good")
    held = until(lambda: len(gate.queue()) == 3 and all(m["held"] for m in gate.queue()) and gate.queue(), 10,
                 gate.queue)
    assert {m["id"] for m in held} == {numbers[word] for word in damages}
    assert all("body" in m["reason"] for m in held), held
    assert len(gate.events_named("spool.torn")) == 3
    # The file is made whole, and the message is as good as ever.
    for path, content in paths.values():
        with open(path, "wb") as file:
            file.write(content)
    for word in damages:
        gate.ctl("queue", "release", numbers[word])
        assert hop.wait_for_token(token + word).body == word[:1] + LARGE
    gate.wait_until_queue_is_empty()


def test_O8_a_damaged_database(gate, hop, token):
    """One page of zeros in the middle: the rest is salvaged, the damaged file kept, what is lost is named."""
    hop.script["RCPT"] = LATER
    numbers = {}
    with gate.session() as wire:
        for count in range(60):
            word = b"%02dth" % count
            reply = deliver(wire, letter(token + word, b"z" * 700 + b"\r\n"))
            numbers[word] = reply.text.split()[-1]
    gate.ctl("queue", "flush")
    until(lambda: all(m.get("due_ms") for m in gate.queue()), 20, "all were tried")
    gate.stop()
    with open(spool(gate, "queue.db"), "r+b") as file:
        content = file.read()
        first = content.index(b"30th")
        file.seek(first - first % 4096)
        file.write(bytes(4096))
    hop.script.clear()
    gate.events.clear()
    gate.expected_deaths = 3
    gate.start()
    gate.wait_for_event("spool.salvaged", seconds=20)
    lost = {event["id"] for event in gate.events_named("spool.lost")}
    kept = {word for word, number in numbers.items() if number not in lost}
    assert 50 <= len(kept) < 60 and numbers[b"30th"] in lost, lost
    until(lambda: gate.ctl("queue", "flush", check=False).returncode == 0, 10, "queue serves")
    for word in kept:
        hop.wait_for_token(token + word)
    gate.wait_until_queue_is_empty()
    assert all(len(hop.with_token(token + word)) == 1 for word in kept)
    assert os.path.getsize(spool(gate, "corrupt", "queue.db.corrupt-1")) == len(content)


def test_N2_planted_things(gate, hop, token):
    """What is not the queue's own is not followed, not read, not deleted; mail goes its way."""
    number = hold(gate, hop, token + b"held", b"h@example.net", LARGE)
    gate.stop()
    outside = os.path.join(gate.path, "outside")
    ground.write(outside, "precious")
    planted = []
    for below in ("", "body", "corrupt"):
        def plant(name, how, below=below):
            how(spool(gate, below, name))
            planted.append((below, name))
        plant("link", lambda path: os.symlink(outside, path))
        plant("1001", lambda path: os.link(outside, path))
        plant("fifo", os.mkfifo)
        plant("1002", lambda path: (os.mkdir(path), ground.give(path)))
        plant("sparse", lambda path: ground.write(path, ""))
        os.truncate(spool(gate, below, "sparse"), 1 << 40)
        if ground.IS_ROOT:
            plant("device", lambda path: os.mknod(path, 0o600 | 0o020000, os.makedev(1, 3)))
    os.unlink(spool(gate, "reserve"))
    os.link(outside, spool(gate, "reserve"))
    gate.events.clear()
    began = time.monotonic()
    gate.start()
    assert time.monotonic() - began < 5
    with open(outside, encoding="ascii") as file:
        assert file.read() == "precious"
    for below, name in planted:
        where = os.listdir(spool(gate, "corrupt"))
        assert any(found == name or found.startswith(name + ".") for found in where), (below, name)
        assert below == "corrupt" or not os.path.lexists(spool(gate, below, name)), (below, name)
    assert os.lstat(outside).st_nlink == 5
    assert len(gate.events_named("spool.set-aside")) == len(planted) * 2 // 3 + 1
    gate.ctl("queue", "release", number)
    hop.wait_for_token(token + b"held")
    submit(gate, token + b"after", body=LARGE)
    hop.wait_for_token(token + b"after")
    gate.wait_until_queue_is_empty()


# --- O16

# "make durability-files" has the 200,000 of the catalogue.
FILES = int(os.environ.get("SALLYPORT_FILES", "20000"))


def test_O16_many_files(gate, hop, token):
    """Many messages with bodies in files, held; kill -9; ready within five seconds, all are there, nothing is swept."""
    number = hold(gate, hop, token + b"held", b"h@example.net", LARGE)
    gate.stop()
    database = sqlite3.connect(spool(gate, "queue.db"))
    seq, record, content = database.execute("SELECT seq, record, content FROM message").fetchone()
    body = bytes(100)
    # The record ends: header length, file, body length, hash of the body, hash of the content.
    head, tail = record[17:-80], hashlib.sha256(body).digest() + record[-32:]
    messages, waiting = [], []
    for file in range(10, 10 + FILES):
        fields = head + file.to_bytes(8, "big") + len(body).to_bytes(8, "big") + tail
        messages.append((seq + file, file, record[:1] + hashlib.sha256(fields).digest()[:16] + fields, content))
        waiting.append((seq + file, "many"))
    database.executemany("INSERT INTO message (seq, file, received, record, content) VALUES (?, ?, 0, ?, ?)", messages)
    database.executemany("INSERT INTO waiting (seq, reason) VALUES (?, ?)", waiting)
    database.execute("UPDATE meta SET value = ? WHERE name = 'file-limit'", (FILES + 100,))
    database.execute("UPDATE meta SET value = ? WHERE name = 'messages'", (FILES + 1,))
    database.commit()
    database.close()
    ground.give(spool(gate, "queue.db"))
    folder = os.open(spool(gate, "body"), os.O_RDONLY | os.O_DIRECTORY)
    for file in range(10, 10 + FILES):
        fd = os.open(str(file), os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=folder)
        os.fchown(fd, ground.USER.pw_uid, -1)
        os.truncate(fd, len(body))
        os.close(fd)
    os.close(folder)
    gate.events.clear()
    gate.start(seconds=60)
    gate.kill()
    gate.expected_deaths = 10    # super goes first, and may see others go
    gate.events.clear()
    began = time.monotonic()
    gate.start(seconds=60)
    took = time.monotonic() - began
    opened = gate.wait_for_event("spool.opened")
    assert (opened["messages"], opened["held"]) == (FILES + 1, FILES + 1)
    assert os.listdir(spool(gate, "corrupt")) == [] and len(os.listdir(spool(gate, "body"))) == FILES + 1
    print(f"ready after {took:.1f} s")
    assert took < 5 * (4 if ground.SANITIZED else 1)
    gate.ctl("queue", "release", number)
    hop.wait_for_token(token + b"held")
