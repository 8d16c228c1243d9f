# SPDX-License-Identifier: BSD-2-Clause
"""The supervisor, with roles that do little: its control socket, under attack too, and the end."""
import json
import os
import socket
import struct
import subprocess

import pytest

from rig import ground, process
from rig.control import answer, ask
from rig.deadline import until


@pytest.fixture
def gate(make_fake):
    return make_fake().start()


def test_control_pages_and_unknown_verbs(gate):
    with gate.control() as wire:
        first = ask(wire, {"verb": "queue list", "args": {}})
        assert first["ok"] and first["more"] and not answer(wire)["more"]
        assert ask(wire, {"verb": "account list"})["ok"]
        assert ask(wire, {"verb": "nothing"}) == {"ok": False, "kind": "usage", "error": "no such verb"}
        assert ask(wire, b"[]")["kind"] == "usage"
        assert ask(wire, {"verb": "status"})["ok"]


ATTACKS = {
    "one byte": b"\0",
    "4 GiB": b"\xff\xff\xff\xff",
    "too long by one": struct.pack(">I", 1024 * 1024 + 1),
    "empty": struct.pack(">I", 0),
    "cut": struct.pack(">I", 100) + b"{",
    "not JSON": struct.pack(">I", 4) + b"GET ",
    "deep": struct.pack(">I", 100000) + b"[" * 100000,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_n3_control_attacks(gate, attack):
    before = gate.roles()
    with gate.control() as wire:
        wire.sendall(ATTACKS[attack])
        wire.shutdown(socket.SHUT_WR)
        while wire.recv(4096):
            pass
    assert gate.roles() == before and gate.status()["generation"] == 1


def test_n3_many_requests_unread(gate):
    request = json.dumps({"verb": "status"}).encode()
    with gate.control() as wire:
        wire.setblocking(False)
        data = (struct.pack(">I", len(request)) + request) * 100000
        try:
            while data:
                data = data[wire.send(data):]
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
        assert gate.status()["generation"] == 1


def test_n3_descriptors_and_many_clients(gate):
    wires = [gate.control() for _ in range(40)]
    try:
        descriptors = [os.dup(0) for _ in range(200)]
        try:
            socket.send_fds(wires[0], [b"\0\0"], descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
    finally:
        for wire in wires:
            wire.close()
    until(lambda: gate.ctl("status", check=False).returncode == 0, 5, "there is room again")
    if ground.IS_ROOT:
        assert len(os.listdir(f"/proc/{gate.process.pid}/fd")) < 60


@pytest.mark.skipif(not ground.IS_ROOT, reason="needs a second user")
def test_n3_another_user_is_turned_away(gate):
    path = f"{gate.path}/run/control.sock"
    code = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\n"
            "s.connect(sys.argv[1])\ns.settimeout(5)\nsys.exit(0 if s.recv(1)==b'' else 9)")
    stranger = {"user": 65533, "group": 65533, "extra_groups": []}
    done = subprocess.run(["/usr/bin/python3", "-c", code, path], **stranger, capture_output=True, text=True)
    assert "PermissionError" in done.stderr
    # Even with the file open to all, who it is decides.
    os.chmod(f"{gate.path}/run", 0o755)
    os.chmod(path, 0o666)
    done = subprocess.run(["/usr/bin/python3", "-c", code, path], **stranger, capture_output=True, text=True)
    assert done.returncode == 0, done
    gate.wait_for_event("control.refused", {"uid": 65533})


def test_stop_by_control(gate):
    children = process.children(gate.process.pid)
    gate.ctl("stop")
    assert gate.process.wait(10) == 0
    assert not any(process.lives(pid) for pid in children)
    assert not os.path.exists(f"{gate.path}/run/control.sock")
