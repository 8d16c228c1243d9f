# SPDX-License-Identifier: BSD-2-Clause
"""The look-up socket: who is told what, and what becomes of those who ask badly, of restarts and reloads."""
import os
import pwd
import signal
import socket
import stat
import struct
import subprocess
import sys

import pytest

from rig import ground
from rig.deadline import until
from rig.lookup import FOUND, UNKNOWN, Lookup, question
from rig.milter_filter import HEAD, Filter
from rig.sallyport import Sallyport

# Somebody on this machine who is neither root nor the one whom the daemon runs as.
OTHER = "games"
CLIENTS_PER_USER = 32


def section(path, users=""):
    return f'lookup {{ socket = "{path}"\n users = {{ {users} }} }}\n'


def path_of(gate):
    return f"{gate.path}/run/lookup.sock"


@pytest.fixture(scope="module")
def gate(make_gate):
    path = ground.folder("gate")
    made = make_gate(path=path, extra=section(f"{path}/run/lookup.sock"))
    made.ctl("group", "add", "staff")
    made.ctl("account", "join", "alice", "staff")
    made.ctl("grant", "add", "alice", "send-as", "desk@example.org")
    made.ctl("grant", "add", "group:staff", "on-behalf", "boss@example.org")
    return made


@pytest.fixture
def restored(gate):
    """The shared daemon; after the test its socket is as before."""
    extra = gate.parts["extra"]
    yield gate
    gate.parts["extra"] = extra
    gate.reload()
    assert ask(gate, "alice")[0] == FOUND


def ask(gate, login):
    with Lookup(path_of(gate)) as lookup:
        return lookup.ask(login)


def role_pid(gate, name):
    return next((role["pid"] for role in gate.status()["roles"] if role["role"] == name), None)


@pytest.mark.sanitize
def test_an_identity_is_told_whole_and_without_secrets(gate):
    with Lookup(path_of(gate)) as lookup:
        result, told = lookup.ask("alice")
        assert result == FOUND
        assert told["login"] == "alice" and told["addresses"] == ["alice@example.org", "ali@example.org"]
        assert told["groups"] == ["staff"]
        assert told["send_as"] == [("desk@example.org", 0)] and told["on_behalf"] == [("boss@example.org", 1)]
        assert (told["mechanism"], told["credential"], told["credential_id"]) == ("", "", 0)
        assert lookup.ask("Alice@Example.org") == (FOUND, told)     # the realm
        assert lookup.ask("bob")[1]["addresses"] == ["bob@example.org"]
        for name in ("carol", "alice@example.net", "root", "alice ", "' OR '1'='1", "\0", b"\xff"):
            assert lookup.ask(name) == (UNKNOWN, ""), name


@pytest.mark.parametrize("change", [("disable", "{}"), ("set", "{}", "--expires", "2001-01-01"),
                                    ("set", "{}", "--protocols", "imap"), ("delete", "{}")],
                         ids=["disabled", "expired", "imap", "deleted"])
def test_who_may_not_send_is_not_there_from_that_moment(gate, token, change):
    login = "t" + token.decode()
    gate.add_account(login, "temppw", [f"{login}@example.org"])
    with Lookup(path_of(gate)) as lookup:
        assert lookup.ask(login)[0] == FOUND
        gate.ctl("account", *(word.format(login) for word in change))
        assert lookup.ask(login) == (UNKNOWN, "")


# --- who may ask

ASK = """
import os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]))
wire = socket.socket(socket.AF_UNIX)
wire.settimeout(30)
try:
    wire.connect(sys.argv[3])
    wire.sendall(bytes.fromhex(sys.argv[4]))
    print("answered" if wire.recv(1) else "cut off")
except PermissionError:
    print("no way in")
except OSError:
    print("cut off")
"""


def ask_as(user, path, login="alice"):
    entry = pwd.getpwnam(user)
    argv = [sys.executable, "-c", ASK, str(entry.pw_uid), str(entry.pw_gid), path, question(login).hex()]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.strip()


def test_the_socket_is_for_its_user_and_group(gate):
    status = os.stat(path_of(gate))
    assert stat.S_IMODE(status.st_mode) == 0o660
    assert status.st_uid == ground.USER.pw_uid and stat.S_ISSOCK(status.st_mode)


@pytest.mark.skipif(not ground.IS_ROOT, reason="not root")
def test_only_those_whom_the_settings_name_are_answered(restored):
    gate, path = restored, path_of(restored)
    assert ask_as(ground.USER.pw_name, path) == "answered"
    assert ask_as(OTHER, path) == "no way in"
    # Now with every door open but the last.
    os.chmod(gate.path, 0o711)
    os.chmod(f"{gate.path}/run", 0o711)
    os.chmod(path, 0o666)
    start = len(gate.events)
    assert ask_as(OTHER, path) == ask_as(OTHER, path, "nobody-here") == "cut off"
    refused = gate.wait_for_event("lookup.refused", {"reason": "may not ask"}, start=start)
    assert refused["uid"] == pwd.getpwnam(OTHER).pw_uid
    before = role_pid(gate, "auth")
    gate.parts["extra"] = section(path, f'"{OTHER}", "nobody-has-this-name"')
    gate.reload()
    until(lambda: role_pid(gate, "auth") not in (None, before), 10, "auth looks the names up in a new process")
    assert ask_as(OTHER, path) == ask_as(ground.USER.pw_name, path) == "answered"
    assert ask_as("mail", path) == "cut off"
    gate.wait_for_event("lookup.refused", {"user": "nobody-has-this-name"}, start=start)
    gate.parts["extra"] = section(path)
    gate.reload()
    until(lambda: ask_as(OTHER, path) == "cut off", 10, "the name is forgotten")


@pytest.mark.skipif(not ground.IS_ROOT, reason="roles have users of their own only under root")
def test_started_by_root_it_is_for_the_group_of_its_folder(certificate):
    """As installed: the folder is root's and open to one group, auth has a user of its own."""
    user = pwd.getpwnam("www-data")
    daemon = Sallyport(certificates=[certificate], as_root=True,
                       users={role: f'"{name}"' for role, name in ground.USERS.items()})
    daemon.parts["extra"] = section(path_of(daemon), '"www-data"')
    os.chmod(daemon.path, 0o755)
    os.chmod(f"{daemon.path}/state", 0o755)
    os.chown(f"{daemon.path}/run", 0, user.pw_gid)
    os.chmod(f"{daemon.path}/run", 0o750)
    daemon.start()
    try:
        status = os.stat(path_of(daemon))
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, user.pw_gid, 0o660)
        assert ask_as("www-data", path_of(daemon)) == "answered"
        assert ask_as("mail", path_of(daemon)) == "no way in"
        assert ask(daemon, "alice")[0] == FOUND     # root
        daemon.parts["extra"] = section(path_of(daemon))
        daemon.reload()
        until(lambda: ask_as("www-data", path_of(daemon)) == "cut off", 10, "in the group, but not named any more")
    finally:
        daemon.discard()


# --- those who ask badly

ATTACKS = {
    "one byte": b"\0",
    "empty": struct.pack(">I", 0),
    "4 GiB": b"\xff\xff\xff\xff",
    "too long by one": struct.pack(">I", 261) + b"\1" + b"a" * 260,
    "longest": question("a" * 256),
    "another version": question("alice", version=2),
    "no login": question(""),
    "short": struct.pack(">I", 6) + b"\1\0\0\0\2a",
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "torn": question("alice")[:-1],
}


@pytest.mark.sanitize
def test_what_is_no_question_ends_that_connection_alone(gate):
    before = role_pid(gate, "auth")
    with Lookup(path_of(gate)) as good:
        for name, attack in ATTACKS.items():
            with Lookup(path_of(gate)) as bad:
                bad.wire.sendall(attack)
                bad.wire.shutdown(socket.SHUT_WR)
                assert bad.is_cut_off(), name
            assert good.ask("alice")[0] == FOUND, name
    assert role_pid(gate, "auth") == before


def test_descriptors_are_not_taken(gate):
    with Lookup(path_of(gate)) as lookup:
        ends = [os.dup(0) for _ in range(200)]
        try:
            socket.send_fds(lookup.wire, [question("alice")], ends)
        finally:
            for end in ends:
                os.close(end)
        assert lookup.answer()[0] == FOUND
        if ground.IS_ROOT:
            assert len(os.listdir(f"/proc/{role_pid(gate, 'auth')}/fd")) < 150


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as sizes:
        return int(sizes.read().split()[1]) * 4096


def ask_or_none(gate):
    """What is told of alice; None if there is no room."""
    try:
        return ask(gate, "alice")
    except (EOFError, ConnectionError):
        return None


def let_in(gate):
    """A connection that is served; None if there is no room, perhaps because nobody has yet noticed who left."""
    lookup = Lookup(path_of(gate))
    try:
        assert lookup.ask("alice")[0] == FOUND
    except (EOFError, ConnectionError):
        lookup.wire.close()
        return None
    return lookup


def test_a_flood_keeps_nobody_out_for_long(gate):
    """As many connections as one user may have, full of questions; one more torn in two; they are made to go."""
    pid, before = role_pid(gate, "auth"), resident(role_pid(gate, "auth"))
    idle, torn, *flood = [until(lambda: let_in(gate), 10, "there is room") for _ in range(CLIENTS_PER_USER)]
    try:
        with Lookup(path_of(gate)) as more:
            assert more.is_cut_off()
        torn.wire.sendall(question("alice")[:-1])
        # All that both directions hold: answers that nobody reads.
        for number, lookup in enumerate(flood):
            lookup.wire.setblocking(False)
            try:
                while True:
                    lookup.wire.send(question(f"x{number}" if number % 2 else "alice") * 100)
            except (BlockingIOError, BrokenPipeError):
                pass
        with gate.session() as wire:    # logins go on meanwhile
            wire.expect(250, b"MAIL FROM:<alice@example.org>")
        assert resident(pid) < before + 8 * 1024 * 1024 or ground.SANITIZED
        until(lambda: ask_or_none(gate), 20, "whoever does not read is dropped")
        assert torn.is_cut_off()
        assert idle.ask("alice")[0] == FOUND    # who only waits with a next question is not
    finally:
        for lookup in (idle, torn, *flood):
            lookup.wire.close()
    assert role_pid(gate, "auth") == pid


# --- restart, reload

def test_auth_may_start_again(gate):
    with Lookup(path_of(gate)) as lookup:
        assert lookup.ask("alice")[0] == FOUND
        before = role_pid(gate, "auth")
        gate.expected_deaths += 1
        os.kill(before, signal.SIGKILL)
        assert lookup.is_cut_off()
        # The socket is super's: who comes now waits in line.
        assert ask(gate, "alice")[0] == FOUND
    assert role_pid(gate, "auth") not in (None, before)


def test_a_daemon_that_was_killed_starts_again(make_gate):
    path = ground.folder("gate")
    gate = make_gate(path=path, extra=section(f"{path}/run/lookup.sock"))
    gate.kill()
    assert os.path.exists(path_of(gate))
    gate.start()
    assert ask(gate, "alice")[0] == FOUND
    gate.stop()
    assert not os.path.exists(path_of(gate))


def test_reload_makes_moves_and_removes_it(restored):
    gate, path = restored, path_of(restored)
    other = f"{gate.path}/run/other.sock"
    before = role_pid(gate, "auth")
    with Lookup(path) as kept:
        gate.reload()
        assert kept.ask("alice")[0] == FOUND
        gate.parts["extra"] = section(other)
        gate.reload()
        assert not os.path.exists(path)
        with Lookup(other) as lookup:
            assert lookup.ask("bob")[0] == FOUND
            gate.parts["extra"] = ""
            gate.reload()
            assert lookup.is_cut_off()
    assert not os.path.exists(other)
    gate.parts["extra"] = section(path)
    gate.reload()
    assert ask(gate, "alice")[0] == FOUND
    assert role_pid(gate, "auth") == before


def test_a_folder_where_others_may_write_is_refused(restored):
    gate = restored
    gate.parts["extra"] = section("/tmp/sallyport-lookup.sock")
    done = gate.reload(check=False)
    assert done.returncode == 1 and "others may write to the folder of /tmp/sallyport-lookup.sock" in done.stderr + done.stdout
    assert ask(gate, "alice")[0] == FOUND and not os.path.exists("/tmp/sallyport-lookup.sock")


# --- sallyport-milter, which asks there

def verdict(running, sender="alice@example.org", login="alice"):
    """What it says to MAIL: 250 is "go on"."""
    with running.mta() as mta:
        answer = mta.mail(sender, mail_addr=sender, auth_authen=login, auth_type="PLAIN")
        return 250 if answer.verdict == "continue" else answer.code


def test_sallyport_milter_through_restarts_and_changes(make_gate):
    path = ground.folder("gate")
    gate = make_gate(path=path, extra=section(f"{path}/run/lookup.sock"))
    running = Filter(HEAD + f'filter {{ socket = "{{socket}}"  lookup-socket = "{path_of(gate)}"\n'
                     'lookup-wait = 30s }\n').start()
    try:
        assert [verdict(running), verdict(running, "bob@example.org"), verdict(running, login="carol")] == [250, 550, 550]
        gate.ctl("grant", "add", "alice", "send-as", "bob@example.org")
        assert verdict(running, "bob@example.org") == 250
        gate.ctl("grant", "delete", "alice", "send-as", "bob@example.org")
        assert verdict(running, "bob@example.org") == 550
        # Its connection is stale, the socket is not: nobody's mail is put off.
        gate.expected_deaths += 1
        os.kill(role_pid(gate, "auth"), signal.SIGKILL)
        assert verdict(running) == 250
        gate.stop()
        assert verdict(running) == 451
        gate.start()
        assert verdict(running) == 250
        gate.ctl("account", "disable", "alice")
        assert verdict(running) == 550
    finally:
        running.stop()
