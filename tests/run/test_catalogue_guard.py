# SPDX-License-Identifier: BSD-2-Clause
"""
Catalogue N, first half: files, the control socket, and a role in the hands of an enemy. N2 is in the tests of the
spool and the upgrade, N6 to N12 in test_super.py, test_restart.py, test_secrets.py and test_reload.py; N5 has no
object, for there is no sendmail command.
"""
import json
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess

import pytest

from rig import crowd, ground, process
from rig.control import framed, read_exactly
from rig.deadline import Late, until
from rig.judge import assert_one, deliver, letter
from rig.sallyport import LISTENERS, Health, Sallyport, warm

ROGUE = os.path.join(ground.BUILD, "tests", "fake", "rogue_role")
STRANGER = {"user": 65533, "group": 65533, "extra_groups": []}


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    daemon = make_gate(routes={"*": sink.target}, log={"level": "info"})
    warm(daemon)
    return daemon


# --- N1: modes and owners

def walk(top):
    """(path, lstat) of everything below, top first."""
    yield top, os.lstat(top)
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            yield path, os.lstat(path)


@pytest.mark.skipif(not ground.IS_ROOT, reason="roles have users of their own only under root")
def test_N01_each_file_is_of_its_role_alone(certificate, sink, token):
    """As root, each role a user of its own: what is where, whose it is, and who else can get at it."""
    daemon = Sallyport(certificates=[certificate], as_root=True, routes={"*": sink.target},
                       users={role: f'"{user}"' for role, user in ground.USERS.items()})
    os.chmod(daemon.path, 0o755)
    os.chmod(f"{daemon.path}/state", 0o755)
    daemon.start()
    try:
        with daemon.session() as wire:
            assert deliver(wire, letter(token, b"x" * 76 + b"\r\n" * 3000)).code == 250
        owners = {"auth": _uid(ground.USERS["auth"]), "queue": _uid(ground.USERS["queue"])}
        for part, owner in owners.items():
            found = list(walk(f"{daemon.path}/state/{part}"))
            assert len(found) > 1
            for path, is_ in found:
                wanted = 0o700 if stat.S_ISDIR(is_.st_mode) else 0o600
                assert (is_.st_uid, stat.S_IMODE(is_.st_mode)) == (owner, wanted), path
        for path, is_ in walk(f"{daemon.path}/run"):
            assert is_.st_uid == 0, path
            assert not is_.st_mode & 0o007 or path == f"{daemon.path}/run", (path, oct(is_.st_mode))
        control = os.lstat(f"{daemon.path}/run/control.sock")
        assert stat.S_ISSOCK(control.st_mode) and stat.S_IMODE(control.st_mode) == 0o660
        # No folder on the way is open to be written by others.
        path = f"{daemon.path}/run"
        while path not in ("/tmp", "/"):
            assert not os.lstat(path).st_mode & 0o022, path
            path = os.path.dirname(path)
        # What belongs to one role is closed to all others, and to strangers.
        for user in (*ground.USERS.values(), "nobody"):
            for part, owner in owners.items():
                reads = subprocess.run(["find", f"{daemon.path}/state/{part}", "-type", "f"], capture_output=True,
                                       user=user, group="nogroup", extra_groups=[], text=True, check=False)
                assert bool(reads.stdout) == (_uid(user) == owner), (user, part, reads)
        assert_one(daemon, sink, token)
    finally:
        daemon.discard()


def _uid(name):
    return int(subprocess.run(["id", "-u", name], capture_output=True, text=True, check=True).stdout)


def test_N01_installed_files(installed):
    """Nothing that is installed can be written by anybody but root, and nothing is set-uid."""
    for path, is_ in walk(installed):
        assert not is_.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX), path
        assert stat.S_ISLNK(is_.st_mode) or not is_.st_mode & 0o022, (path, oct(is_.st_mode))
    programs = [path for path, is_ in walk(installed) if stat.S_ISREG(is_.st_mode) and is_.st_mode & 0o111]
    names = {os.path.basename(path) for path in programs}
    assert {"sallyportd", "sallyportctl", *(f"sallyport-{role}" for role in ground.ROLES)} <= names


# --- N3: the control socket

def said_to(gate, data):
    """All that the daemon answers to these bytes; what it makes of the end is its own."""
    with gate.control() as wire:
        try:
            wire.sendall(data)
            wire.shutdown(socket.SHUT_WR)
            said = b""
            while more := wire.recv(65536):
                said += more
            return said
        except (BrokenPipeError, ConnectionResetError):
            return b""


@pytest.mark.sanitize
@pytest.mark.parametrize("data", [b"\0", b"\xff\xff\xff\xff" + b"x" * 70000, b"\0\x10\0\x01", framed(b"{}")[:5],
                                  framed({"verb": "status"})[:-1], framed({"verb": "status", "version": 99})[:-3],
                                  framed(b"\0" * 1000), b"GET / HTTP/1.0\r\n\r\n"])
def test_N03_what_is_no_request(gate, data):
    health = Health(gate)
    said = said_to(gate, data)
    assert not said or not json.loads(said[4:])["ok"], said[:200]
    health.check()


def test_N03_a_hundred_thousand_requests(gate):
    """Behind each other and answered; the daemon serves others meanwhile, and is as large as before."""
    health = Health(gate)
    request = framed({"verb": "nothing"})
    with gate.control() as wire:
        wire.settimeout(60)
        wire.sendall(request)
        one = read_exactly(wire, 4)
        one += read_exactly(wire, struct.unpack(">I", one)[0])
        assert not json.loads(one[4:])["ok"]
        for _ in range(20 if ground.SANITIZED else 100):
            wire.sendall(request * 1000)
            assert read_exactly(wire, len(one) * 1000) == one * 1000
        crowd.served_within(gate, 2)
    health.check()


def test_N03_who_never_reads(gate):
    """Its answers wait up to a cap, and it is not read any more."""
    health = Health(gate)
    data = framed({"verb": "account list"}) * 100000
    with gate.control() as wire:
        wire.setblocking(False)
        sent = 0
        try:
            while sent < len(data):
                sent += wire.send(data[sent:sent + 65536])
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
        assert sent < len(data), "it is read for ever"
        crowd.served_within(gate, 2)
        if not ground.SANITIZED:
            assert health.growth() < 4096
    health.check()


def test_N03_a_thousand_descriptors(gate):
    """They are closed; the daemon has as many as before."""
    crowd.descriptors(2000)
    health = Health(gate)
    before = process.open_files([gate.process.pid]) if ground.IS_ROOT else 0
    with gate.control() as wire:
        for _ in range(4):
            handed = [os.dup(0) for _ in range(250)]    # the most that goes in one message is 253
            try:
                socket.send_fds(wire, [b"\0"], handed)
            except (BrokenPipeError, ConnectionResetError):
                pass
            finally:
                for descriptor in handed:
                    os.close(descriptor)
        until(lambda: gate.ctl("status", check=False).returncode == 0, 5, "it answers")
    if ground.IS_ROOT:
        until(lambda: process.open_files([gate.process.pid]) <= before + 1, 5, "they are closed")
    health.check()


def test_N03_more_clients_than_it_takes(gate):
    health = Health(gate)
    wires = []
    try:
        for _ in range(200):
            try:
                wires.append(gate.control())
            except OSError:
                break
    finally:
        for wire in wires:
            wire.close()
    until(lambda: gate.ctl("status", check=False).returncode == 0, 5, "there is room again")
    health.check()


@pytest.mark.skipif(not ground.IS_ROOT, reason="needs a second user")
def test_N03_nobody_else_gets_in(make_gate, sink):
    """EACCES by the folder and the file; where both are open, the peer's uid decides (SO_PEERCRED)."""
    daemon = make_gate(routes={"*": sink.target})
    path = f"{daemon.path}/run/control.sock"
    code = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.settimeout(5)\ns.connect(sys.argv[1])\n"
            "sys.exit(0 if s.recv(1)==b'' else 9)")
    knock = ["/usr/bin/python3", "-c", code, path]
    assert "PermissionError" in subprocess.run(knock, **STRANGER, capture_output=True, text=True, check=False).stderr
    for folder in (daemon.path, f"{daemon.path}/run"):
        os.chmod(folder, 0o755)
    assert "PermissionError" in subprocess.run(knock, **STRANGER, capture_output=True, text=True, check=False).stderr
    os.chmod(path, 0o666)
    assert subprocess.run(knock, **STRANGER, capture_output=True, check=False).returncode == 0
    daemon.wait_for_event("control.refused", {"uid": 65533})


# --- N4: a role in the hands of an enemy

class Betrayed(Sallyport):
    """A daemon with programs of its own, of which any can be put in the place of a role."""

    def __init__(self, **settings):
        super().__init__(**settings)
        os.chmod(self.path, 0o755)
        self.programs = os.path.join(self.path, "bin")
        os.mkdir(self.programs)
        ground.copy_programs(self.programs)

    def program(self):
        return os.path.join(self.programs, "sallyportd")

    def betray(self, role, mode):
        """From its next start on this role is an enemy."""
        ground.write(os.path.join(self.programs, f"mode-{role}"), mode + "\n", 0o644)
        self._put(ROGUE, role)

    def redeem(self, role):
        self._put(os.path.join(ground.PROGRAMS, f"sallyport-{role}"), role)

    def _put(self, program, role):
        place = os.path.join(self.programs, f"sallyport-{role}")
        shutil.copy2(program, place + ".new")
        os.chmod(place + ".new", 0o755)
        os.rename(place + ".new", place)

    def details(self, role):
        for row in self.status()["roles"]:
            if row["role"] == role:
                return row["details"]
        return None


@pytest.fixture
def betrayed(certificate, sink):
    if not os.path.exists(ROGUE):
        pytest.skip("tests/fake/rogue_role is not built")
    made = []

    def make(**settings):
        made.append(Betrayed(certificates=[certificate], routes={"*": sink.target}, log={"level": "info"}, **settings))
        return made[-1]

    yield make
    for daemon in made:
        daemon.discard()


@pytest.mark.sanitize
@pytest.mark.parametrize("role", ground.ROLES)
def test_N04_a_role_that_talks_nonsense(betrayed, sink, token, role):
    """Each peer refuses it, none dies of it; super ends it, and with an honest one all is well again."""
    daemon = betrayed(accounts=())
    daemon.betray(role, f"garbage {os.getpid()}")
    daemon.start()
    others = [pair for pair in daemon.roles() if pair[0] != role]
    rogues = len(daemon.pids(role))
    daemon.redeem(role)
    daemon.expected_deaths += 3 * rogues    # one that ended early was followed by another
    if role != "dial":      # to which nobody listens
        daemon.wait_for_event("channel.refused", {"peer": role}, 15)
    daemon.wait_for_event("role.killed", {"of": role}, 15)
    until(lambda: len(daemon.events_named("role.died")) >= rogues, 10, "all of them are ended")
    until(lambda: all(row["phase"] == "serving" and row["pid"] for row in daemon.status()["roles"]), 15,
          lambda: f"all serve: {daemon.status()}")
    assert [pair for pair in daemon.roles() if pair[0] != role] == others
    daemon.add_account("alice", "alicepw", ["alice@example.org"])

    def delivered():
        try:
            with daemon.session(seconds=5) as wire:
                return deliver(wire, letter(token)).code == 250
        except (AssertionError, Late, OSError):
            return False
    until(delivered, 20, lambda: f"mail is taken: {daemon.story(20)}")
    sink.wait_for_token(token)
    daemon.wait_until_queue_is_empty()


@pytest.mark.sanitize
def test_N04_what_a_captured_session_process_may_not_send(betrayed, sink):
    """
    It has alice's login and grant. With them goes what alice may send, once; nothing else does, whatever it
    says: not by another sender, login, session or listener, not with any byte of the grant changed.
    """
    # Nobody but the enemy listens: it does not accept.
    daemon = betrayed(base={"workers": "1"}, listeners={name: dict(LISTENERS[name]) for name in LISTENERS})
    daemon.start()
    daemon.betray("smtp", "forge alice alicepw alice@example.org bob@example.org")
    daemon.expected_deaths += 1
    os.kill(daemon.pids("smtp")[0], signal.SIGKILL)
    results = until(lambda: daemon.details("smtp"), 15, lambda: daemon.story(20))
    print(results)
    ACCEPTED = {"own": 250, "again": 250}
    opened = results.pop("open") == 0, results.pop("list") == 0
    assert ground.SANITIZED or not any(opened), "a file could be opened"
    assert {name: code for name, code in results.items() if code < 400} == ACCEPTED, results
    assert results["flipped"] == results["made up"] == results["cut"] == 451
    assert results["other sender"] == 550 and results["no login"] == 550
    assert results["changed sender"] == results["added recipient"] == 451, "no filter may"
    assert results["odd id"] == 554
    message = sink.wait_for_token(b"rogue")
    assert message.sender == b"alice@example.org"
    daemon.wait_until_queue_is_empty()
    assert len(sink.with_token(b"rogue")) == 1, "replayed"

    # What is taken from alice it keeps the grant of, and that is worth nothing any more.
    daemon.ctl("account", "passwd", "alice", "--password-stdin", stdin="new\n")
    assert daemon.details("smtp")["own"] == 451
    # Not even after all who remember have died.
    for pair in daemon.roles():
        if pair[0] in ("auth", "queue"):
            os.kill(pair[1], signal.SIGKILL)
            daemon.expected_deaths += 1

    def answered():
        found = daemon.details("smtp")
        return found if found and found.get("own") else None
    assert until(answered, 20, lambda: daemon.story(20))["own"] == 451
    assert len(sink.with_token(b"rogue")) == 1
