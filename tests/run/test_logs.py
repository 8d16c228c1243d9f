# SPDX-License-Identifier: BSD-2-Clause
"""What the logs say: the forms of the event log, and of the protocol log."""
import csv
import datetime
import json
import os
import re
import stat

import pytest

from rig import ground, scram
from rig.deadline import until
from rig.judge import deliver, letter
from rig.wire import b64, plain

LINE = re.compile(r'(\S+) (debug|info|notice|warning|error) ([a-z]+)\[(\d+)\] ([a-z]+\.[a-z-]+)'
                  r'((?: [a-z0-9_-]+=(?:[^ "=]+|"(?:[^"\\]|\\.)*"))*)')


@pytest.mark.parametrize("form", ["text", "json"])
def test_event_log_forms(make_gate, sink, token, form):
    folder = ground.folder("events")
    path = os.path.join(folder, "events.log")
    gate = make_gate(routes={"*": sink.target}, log={"format": form, "file": f'"{path}"', "level": "info"})
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.command(b"MAIL FROM:<\"sp ace=\\\"x\\\"\"@example.org>")
        wire.expect(250, b"RSET")
        assert deliver(wire, letter(token)).code == 250
        wire.expect(221, b"QUIT")

    def lines():
        with open(path, encoding="ascii") as log:
            return log.read().splitlines()
    until(lambda: any("client.closed" in line for line in lines()), 5, lines)
    until(lambda: any("queue.result" in line for line in lines()), 5, lines)
    assert stat.S_IMODE(os.stat(path).st_mode) in (0o600, 0o640)
    seen = {}
    for line in lines():
        if form == "json":
            event = json.loads(line)
            assert list(event)[:5] == ["time", "level", "role", "pid", "event"], line
            if "sid" in event:
                assert list(event)[5] == "sid"
            when, name = event["time"], event["event"]
            fields = {key: str(value) for key, value in event.items()}
        else:
            match = LINE.fullmatch(line)
            assert match, line
            when, name = match.group(1), match.group(5)
            fields = dict(re.findall(r' ([a-z0-9_-]+)=("(?:[^"\\]|\\.)*"|[^ "=]+)', match.group(6)))
            if "sid" in fields:
                assert list(fields)[0] == "sid"
        assert datetime.datetime.strptime(when, "%Y-%m-%dT%H:%M:%S.%fZ")
        assert "alicepw" not in line
        seen.setdefault(name, []).append(fields)
    assert {"super.ready", "client.login", "smtp.accepted", "queue.result", "client.closed"} <= set(seen)
    sids = {seen[name][0]["sid"] for name in ("client.login", "smtp.accepted", "client.closed")}
    assert len(sids) == 1
    assert seen["queue.result"][0]["id"] == seen["smtp.accepted"][0]["id"]
    assert not any(name.startswith("client.phase") for name in seen), "debug is not written at info"
    gate.stop()
    ground.remove(folder)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_protocol_log(make_gate, sink, token, form):
    """A row for each line of dialogue, in order, with no credential in any."""
    folder = ground.folder("protocol")
    gate = make_gate(routes={"*": sink.target}, log={"protocol-log": form, "protocol-directory": f'"{folder}"'})
    with gate.session() as wire:
        assert deliver(wire, letter(token)).code == 250
        wire.expect(500, b'NONSENSE "quoted, with comma"')
        wire.expect(221, b"QUIT")
    with gate.secure() as wire:
        wire.send(b"AUTH LOGIN\r\n" + b64("alice") + b"\r\n" + b64("alicepw") + b"\r\n")
        assert [wire.reply().code for _ in range(3)] == [334, 334, 235]
        wire.expect(221, b"QUIT")
    with gate.secure() as wire:
        client = scram.Scram("alice", "alicepw")
        sent = []

        def send_line(line):
            sent.append(line)
            wire.send(line + b"\r\n")
        assert scram.authenticate(send_line, wire.reply, b"SCRAM-SHA-256", client).code == 235
        wire.command(b"AUTH PLAIN " + plain("alice", "otherpw"))
    path = os.path.join(folder, "smtp.log")

    def closed():
        return rows_of(path, form)[0].count("-") == 3
    until(closed, 5, "three sessions have ended")
    events, rows, text = rows_of(path, form)
    sessions = {}
    for row in rows:
        sessions.setdefault(row["session"], []).append(row)
    assert len(sessions) == 3 and events.count("+") == 3
    for dialogue in sessions.values():
        assert [int(row["sequence"]) for row in dialogue] == list(range(len(dialogue)))
        assert (dialogue[0]["event"], dialogue[-1]["event"]) == ("+", "-")
        assert {row["listener"] for row in dialogue} == {"submission"}
        assert {row["server"] for row in dialogue} == {"127.0.0.1:%d" % gate.ports["submission"][0]}
        assert len({row["client"] for row in dialogue}) == 1
    first = next(iter(sessions.values()))
    said = [row["text"] for row in first if row["event"] == "<"]
    assert said[:3] == ["EHLO client.example.org", "STARTTLS", "EHLO client.example.org"]
    assert "MAIL FROM:<alice@example.org>" in said and 'NONSENSE "quoted, with comma"' in said
    assert not any(token.decode() in row["text"] for row in rows), "content is not logged"
    for secret in ("alicepw", "otherpw", b64("alicepw").decode(), plain("alice", "alicepw").decode(),
                   plain("alice", "otherpw").decode(), b64(client.first()).decode(), sent[1].decode()):
        assert secret not in text, secret
    gate.stop()
    ground.remove(folder)


def rows_of(path, form):
    """(events, rows, the whole text) of a protocol log."""
    with open(path, encoding="ascii") as log:
        text = log.read()
    lines = text.splitlines()
    if form == "json":
        rows = [json.loads(line) for line in lines]
    else:
        assert lines[0] == "#Fields: time,session,sequence,listener,server,client,event,text"
        names = lines[0].split(" ")[1].split(",")
        rows = [dict(zip(names, row, strict=True)) for row in csv.reader(
            [line for line in lines if not line.startswith("#")], strict=True)]
    return [row["event"] for row in rows], rows, text
