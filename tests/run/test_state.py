# SPDX-License-Identifier: BSD-2-Clause
"""Files and sockets of the daemon: whose they are, what the control socket stands, what goes without the daemon."""
import json
import os
import socket
import stat
import struct

import pytest

from rig import ground
from rig.control import NO, UNREACHED, framed
from rig.sallyport import Health


def owners(path):
    return {name: (os.lstat(os.path.join(path, name)).st_uid, stat.S_IMODE(os.lstat(os.path.join(path, name)).st_mode))
            for name in os.listdir(path)}


@pytest.mark.parametrize("as_root", [False, pytest.param(True, marks=pytest.mark.skipif(
    not ground.IS_ROOT, reason="not root"))])
def test_accounts_while_the_daemon_is_down(make_gate, sink, as_root):
    gate = make_gate(routes={"*": sink.target}, as_root=as_root, path=open_folder(),
                     users={role: f'"{user}"' for role, user in ground.USERS.items()} if as_root else None)
    folder = f"{gate.path}/state/auth"
    gate.stop()
    before = owners(folder), os.lstat(folder).st_uid
    gate.ctl("account", "add", "dora", "--password-stdin", stdin="dorapw\n")
    gate.ctl("address", "add", "dora", "dora@example.org")
    gate.ctl("account", "disable", "bob")
    assert {row["login"]: row["disabled"] for row in gate.ctl_json("account", "list")["accounts"]} == {
        "alice": False, "bob": True, "dora": False}
    assert gate.ctl("account", "show", "nobody", check=False).returncode == NO
    assert gate.ctl("account", "add", "dora", "--password-stdin", stdin="x\n", check=False).returncode == NO
    for verb in (["status"], ["queue", "list"], ["sessions", "list"], ["reload"]):
        assert gate.ctl(*verb, check=False).returncode == UNREACHED
    assert (owners(folder), os.lstat(folder).st_uid) == before
    assert all(mode == 0o600 for _, mode in before[0].values())
    gate.start()
    with gate.session("dora") as wire:
        wire.expect(250, b"MAIL FROM:<dora@example.org>")
    with gate.secure() as wire:
        assert wire.auth_plain("bob", "bobpw").code == 535


def open_folder():
    """Each role finds its way to its own part."""
    path = ground.folder("gate")
    os.chmod(path, 0o755)
    os.mkdir(os.path.join(path, "state"))
    os.chmod(os.path.join(path, "state"), 0o755)
    ground.give(os.path.join(path, "state"))
    return path


def test_N01_modes_and_owners(gate):
    """Nothing of state or run is for anybody else."""
    owner = os.stat(f"{gate.path}/state").st_uid
    for base in ("state", "run"):
        for folder, names, files in os.walk(f"{gate.path}/{base}"):
            assert not os.lstat(folder).st_mode & 0o022, folder
            for name in names + files:
                found = os.lstat(os.path.join(folder, name))
                assert found.st_uid == owner and not found.st_mode & 0o007, os.path.join(folder, name)
                if base == "state":
                    assert stat.S_IMODE(found.st_mode) == (0o700 if stat.S_ISDIR(found.st_mode) else 0o600)
    assert stat.S_ISSOCK(os.lstat(f"{gate.path}/run/control.sock").st_mode)


ATTACKS = {
    "one byte": b"\0", "4 GiB": b"\xff\xff\xff\xff" + b"x" * 1000, "cut": struct.pack(">I", 1000) + b'{"verb"',
    "empty": framed(b""), "no object": framed(b'"status"'), "no verb": framed({"args": {}}),
    "verb of another kind": framed({"verb": 7}), "unknown": framed({"verb": "\u0000\u001b[31m"}),
    "args of another kind": framed({"verb": "queue list", "args": [1]}), "deep": framed(b"[" * 60000),
    "not UTF-8": framed(b'{"verb":"\xff\xfe"}'), "long id": framed({"verb": "queue show", "args": {"id": "x" * 100000}}),
    "text for a number": framed({"verb": "account set", "args": {"login": "alice", "expires_ms": "soon"}}),
    "verbs of roles": framed({"verb": "relay nonsense"}), "odd login": framed(
        {"verb": "account add", "args": {"login": "a\r\nb", "password": "x"}}),
    "a thousand at once": framed({"verb": "account list"}) * 1000,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_N03_control_socket_attacks(gate, name):
    health = Health(gate)
    accounts = gate.ctl_json("account", "list")
    with gate.control() as wire:
        try:
            wire.sendall(ATTACKS[name])
            wire.shutdown(socket.SHUT_WR)
            said = b""
            while data := wire.recv(65536):
                said += data
        except (BrokenPipeError, ConnectionResetError):
            said = b""
    if said and name != "a thousand at once":
        size = struct.unpack(">I", said[:4])[0]
        assert not json.loads(said[4:4 + size])["ok"], said[:300]
    assert gate.ctl_json("account", "list") == accounts
    health.check()


def test_N03_clients_that_never_read(gate):
    with gate.control() as wire:
        wire.setblocking(False)
        data = framed({"verb": "status"}) * 20000
        try:
            while data:
                data = data[wire.send(data):]
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
        with gate.session() as client:
            client.expect(250, b"NOOP")
        assert gate.status()["generation"] >= 1
