# SPDX-License-Identifier: BSD-2-Clause
"""Verbs about accounts say and do the same whether the daemon runs or not, and files stay whose they are."""
import json
import os
import stat

import pytest

from rig import ground
from rig.control import NO

TIMES = ("changed_ms", "created_ms")


def open_folder():
    """Each role finds its way to its own part."""
    path = ground.folder("gate")
    os.chmod(path, 0o755)
    os.mkdir(os.path.join(path, "state"))
    os.chmod(os.path.join(path, "state"), 0o755)
    ground.give(os.path.join(path, "state"))
    return path


def owners(path):
    """Owner, group and mode of a folder and of all that is in it."""
    found = {".": os.lstat(path), **{name: os.lstat(os.path.join(path, name)) for name in os.listdir(path)}}
    return {name: (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) for name, status in found.items()}


def story(gate, name):
    """Work on an account of this name: all that was answered, without the name, and the app password."""
    group = f"{name}-desk"
    said = []

    def bare(value):
        """Without what differs each time: the name, moments, and the password that is made up."""
        if isinstance(value, dict):
            return {key: bare(item) for key, item in value.items() if key not in TIMES and key != "password"}
        if isinstance(value, list):
            return [bare(item) for item in value]
        return value.replace(name, "NAME") if isinstance(value, str) else value

    def tell(*words, stdin=None):
        done = gate.ctl(*words, "--json", stdin=stdin, check=False)
        data = json.loads(done.stdout)
        said.append((bare(list(words)), done.returncode, bare(data)))
        return data

    tell("group", "add", group)
    tell("group", "add", group)
    tell("account", "add", name, "--password-stdin", stdin="first\n")
    tell("address", "add", name, f"{name}@example.org")
    tell("account", "join", name, group)
    tell("account", "join", name, "nobodys")
    tell("grant", "add", f"group:{group}", "send-as", "@desk.example.org")
    tell("grant", "add", name, "on-behalf", "boss@example.org")
    tell("grant", "add", name, "on-behalf", "no pattern")
    tell("grant", "list", name)
    tell("group", "show", group)
    tell("group", "members", group)
    made = tell("account", "app-password", "add", name, "--label", "Scanner", "--scope", "smtp", "--expires", "2099-12-31")
    tell("account", "app-password", "add", name, "--label", "scanner")
    tell("account", "app-password", "add", name, "--label", "old")
    tell("account", "app-password", "revoke", name, "old")
    tell("account", "app-password", "revoke", name, "old")
    tell("account", "app-password", "list", name)
    tell("account", "set", name, "--protocols", "smtp,imap", "--expires", "2099-12-31")
    tell("account", "show", name)
    tell("report", "logins", "--login", name)
    tell("report", "logins", "--login", f"{name}/x")
    document = gate.ctl("account", "export", "--secrets").stdout
    ours = [row for row in json.loads(document)["accounts"] if row["login"] == name]
    one = json.dumps({"version": 1, "accounts": ours})
    tell("account", "import", "-", stdin=one)
    tell("account", "delete", name)
    tell("account", "import", "-", "--dry-run", stdin=one)
    tell("account", "show", name)
    tell("account", "import", "-", stdin=one)
    tell("account", "import", "-", stdin=one.replace('"disabled": false', '"disabled": true'))
    tell("account", "import", "-", "--replace", stdin=one.replace('"disabled": false', '"disabled": 7'))
    tell("account", "show", name)
    tell("account", "app-password", "list", name)
    tell("group", "list")
    return said, made["password"]


@pytest.mark.parametrize("as_root", [False, pytest.param(True, marks=pytest.mark.skipif(
    not ground.IS_ROOT, reason="not root"))])
def test_verbs_are_the_same_while_the_daemon_is_down(make_gate, sink, as_root):
    gate = make_gate(routes={"*": sink.target}, as_root=as_root, path=open_folder(),
                     users={role: f'"{user}"' for role, user in ground.USERS.items()} if as_root else None)
    folder = f"{gate.path}/state/auth"
    with gate.session() as wire:
        wire.expect(250, b"NOOP")
    seen = gate.ctl_json("report", "logins", "--login", "alice")
    assert [row["successes"] for row in seen["logins"]] == [1]
    running, password = story(gate, "carol")
    gate.ctl("group", "delete", "carol-desk")
    gate.stop()
    before = owners(folder)
    assert gate.ctl_json("report", "logins", "--login", "alice") == seen
    assert gate.ctl("status", check=False).returncode not in (0, NO)
    down, other = story(gate, "doris")
    for one, two in zip(running, down, strict=True):
        assert one == two
    assert [" ".join(words[:3]) for words, code, _ in running if code == NO] == [
        "group add NAME-desk", "account join NAME", "grant add NAME", "account app-password add", "account app-password revoke",
        "account show NAME", "account import -", "account import -"]
    assert {code for _, code, _ in running} == {0, NO}
    assert owners(folder) == before
    assert all(mode & 0o077 == 0 for _, _, mode in before.values())
    gate.start()
    # The daemon has a file more beside the database while it runs.
    now = owners(folder)
    assert now == {**before, **dict.fromkeys(now.keys() - before.keys(), before["accounts.db"])}
    for login, secret in (("doris", other), ("doris", "first"), ("carol", password)):
        with gate.session(login, secret) as wire:
            wire.expect(250, b"MAIL FROM:<" + login.encode() + b"@example.org>")
            wire.expect(250, b"RSET")
    with gate.session("doris", other) as wire:
        wire.expect(250, b"MAIL FROM:<any@desk.example.org>")
