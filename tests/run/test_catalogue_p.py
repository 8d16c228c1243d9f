# SPDX-License-Identifier: BSD-2-Clause
"""
Catalogue P: the walls between the processes, seen from outside. What each process may and may not do is tried from
inside, row by row, in tests/unit/test_proc_confine.c (P2); P6 is in test_install.py, P7 in test_secrets.py.
"""
import os
import re
import signal
import subprocess
import sys

import pytest

from rig import crowd, ground, process
from rig.deadline import until
from rig.judge import assert_one, deliver, letter
from rig.sallyport import Sallyport, warm

# DAC_READ_SEARCH, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE: what super keeps of root.
SUPER_CAPS = 1 << 2 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")

plain = pytest.mark.skipif(ground.SANITIZED, reason="built with sanitizers there is no filter")
root = pytest.mark.skipif(not ground.IS_ROOT, reason="needs root")


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    daemon = make_gate(routes={"*": sink.target}, log={"level": "info"})
    warm(daemon)
    return daemon


# --- P1: what /proc says of each

def assert_walled(role, pid):
    status = process.status(pid)
    assert status["NoNewPrivs"].strip() == "1", role
    if not ground.SANITIZED:
        assert status["Seccomp"].strip() == "2", role
        assert int(status.get("Seccomp_filters", "1")) >= 1, role
    return status


def test_P01_started_by_an_ordinary_user(gate):
    """All are that user; nobody has a capability."""
    for role, pid in gate.roles():
        status = assert_walled(role, pid)
        assert set(status["Uid"].split()) == {str(ground.USER.pw_uid)}, role
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[name], 16) == 0, (role, name)


@root
def test_P01_started_by_root(certificate, sink):
    """Each role is a user of its own without any capability, not even in the bounding set; super keeps six."""
    daemon = Sallyport(certificates=[certificate], as_root=True, routes={"*": sink.target},
                       users={role: f'"{user}"' for role, user in ground.USERS.items()})
    os.chmod(daemon.path, 0o755)
    os.chmod(f"{daemon.path}/state", 0o755)
    daemon.start()
    try:
        users = {}
        for role, pid in daemon.roles():
            status = assert_walled(role, pid)
            if role == "super":
                assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd")} == {SUPER_CAPS}
                continue
            assert all(int(status[name], 16) == 0 for name in SETS), (role, status)
            assert status["Groups"].strip() == "", role
            assert len(set(status["Uid"].split())) == len(set(status["Gid"].split())) == 1, role
            users.setdefault(role, set()).add(status["Uid"].split()[0])
        assert sorted(users) == sorted(ground.ROLES)
        assert "0" not in set.union(*users.values())
        assert len(set.union(*users.values())) == len(ground.ROLES), users
    finally:
        daemon.discard()


def strange_files(role, pid):
    """What it has open of another role's state, and of the keys, whose files are closed once they are read."""
    open_files = []
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            open_files.append(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
        except FileNotFoundError:
            continue
    return [path for path in open_files if path.endswith(".key") or any(
        f"/state/{part}" in path for part in ("auth", "queue") if part != role)]


def test_P01_no_core_and_no_descriptor_too_many(gate):
    """Core files are off; no process has a descriptor of another's files, but relay while it sends a message."""
    gate.wait_until_queue_is_empty()
    for role, pid in gate.roles():
        with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
            core = next(line for line in limits if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"], role
        if ground.IS_ROOT:
            until(lambda: not strange_files(role, pid), 10 if role == "relay" else 0,
                  lambda: f"{role} has nothing of others: {strange_files(role, pid)}")


# --- P3: Landlock

def landlock_abi():
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(444, None, ctypes.c_size_t(0), 1)


@plain
def test_P03_rules_are_on_where_the_kernel_has_them(gate):
    """They cannot be seen from outside; a role without them says so. tests/unit/test_proc_confine.c tries them."""
    said = [event for event in gate.events_named("role.sandbox") if event.get("part") == "landlock"]
    if landlock_abi() < 1:
        assert {event["role"] for event in said} == set(ground.ROLES), said
    else:
        assert not said, said


NO_LANDLOCK = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x00050000 | 38), (0x06, 0, 0, 0x7fff0000)]
rows = b"".join(struct.pack("HBBI", *row) for row in code)
held = ctypes.create_string_buffer(rows, len(rows))
program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(held))
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, ctypes.create_string_buffer(program, len(program)), 0, 0):
    sys.exit(99)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Lacking(Sallyport):
    """On a kernel without Landlock: the call that asks for it does not exist (ENOSYS)."""

    def start(self, seconds=20):
        wrapper = os.path.join(self.path, "wrapped")
        ground.write(os.path.join(self.path, "wrap.py"), NO_LANDLOCK, 0o644)
        ground.write(wrapper, f"#!/bin/sh\nexec {sys.executable} {self.path}/wrap.py {super().program()} \"$@\"\n", 0o755)
        os.chmod(wrapper, 0o755)
        return super().start(seconds)

    def program(self):
        return os.path.join(self.path, "wrapped")


@plain
def test_P03_a_kernel_without_landlock(certificate, sink, token):
    """One line of each role; the service is there, and the system call filter as well."""
    daemon = Lacking(certificates=[certificate], routes={"*": sink.target}, log={"level": "info"})
    try:
        daemon.start()
        for role in ground.ROLES:
            event = daemon.wait_for_event("role.sandbox", {"part": "landlock", "role": role})
            assert event["reason"]
        lines = [event for event in daemon.events_named("role.sandbox") if event.get("part") == "landlock"]
        assert len(lines) == len(daemon.roles()) - 1, lines
        for role, pid in daemon.roles():
            assert_walled(role, pid)
        with daemon.session() as wire:
            assert deliver(wire, letter(token)).code == 250
        assert_one(daemon, sink, token)
    finally:
        daemon.discard()


# --- P4: a crash

@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_P04_a_session_process_crashes(make_gate, sink, token, number):
    """Its sessions are lost; those of the other go on, also in the middle of a message."""
    daemon = make_gate(routes={"*": sink.target})
    by_pid = {}

    def add_sessions(count):
        for _ in range(count):
            wire = daemon.session()
            opened = daemon.wait_for_event("client.opened", {"client": f"{wire.name[0]}"})
            by_pid.setdefault(opened["pid"], []).append(wire)
            sessions.append(wire)

    sessions = []
    add_sessions(6)
    if len(by_pid) == 1:    # on a machine at rest the same one may always be the first
        first = next(iter(by_pid))
        os.kill(first, signal.SIGSTOP)
        try:
            add_sessions(3)
        finally:
            os.kill(first, signal.SIGCONT)
    victim, other = by_pid
    survivor = by_pid[other][0]
    for line in (b"MAIL FROM:<alice@example.org>", b"RCPT TO:<u@example.net>"):
        survivor.expect(250, line)
    survivor.expect(354, b"DATA")
    before = [pair for pair in daemon.roles() if pair[1] != victim]
    daemon.expected_deaths += 1
    os.kill(victim, number)
    event = daemon.wait_for_event("role.died", {"of-pid": victim})
    assert event["of"] == "smtp" and event["signal"] == number
    for wire in by_pid[victim]:
        assert wire.is_closed(2)
    survivor.send(letter(token) + b".\r\n")
    assert survivor.reply().code == 250
    for wire in by_pid[other][1:]:
        wire.expect(250, b"NOOP")
    until(lambda: len(set(daemon.pids("smtp")) - {victim}) == 2, 10, "it is back")
    assert [pair for pair in daemon.roles() if pair in before] == before
    crowd.served_within(daemon, 5)
    assert_one(daemon, sink, token)
    for wire in sessions:
        wire.close()


# --- P5: how the programs are built, and what they map

@pytest.fixture(scope="module")
def programs(installed):
    found = []
    for folder, _, names in os.walk(installed):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                if file.read(4) == b"\x7fELF":
                    found.append(path)
    assert len(found) >= len(ground.ROLES) + 2, found
    return found


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], check=True, capture_output=True, text=True).stdout


@plain
def test_P05_every_installed_program_is_hardened(programs):
    for path in programs:
        name = os.path.basename(path)
        head, segments, dynamic = readelf(path, "-h"), readelf(path, "-l"), readelf(path, "-d")
        symbols = readelf(path, "--dyn-syms")
        assert re.search(r"Type:\s+DYN", head), f"{name} is no PIE"
        assert "PIE" in dynamic or "FLAGS_1" in dynamic, name
        assert "GNU_RELRO" in segments and ("BIND_NOW" in dynamic or re.search(r"FLAGS.*NOW", dynamic)), \
            f"{name}: RELRO is not full"
        stack = next(line for line in segments.splitlines() if "GNU_STACK" in line)
        assert "RWE" not in stack and " E " not in stack, f"{name}: executable stack"
        assert not re.search(r"LOAD.* RWE ", segments), f"{name}: a segment to write and to run"
        assert "TEXTREL" not in dynamic, name
        assert not re.search(r"\((RPATH|RUNPATH)\)", dynamic), f"{name} looks for libraries in odd places"
        assert "__stack_chk_fail" in symbols, f"{name}: no stack protector"
        assert re.search(r"__\w+_chk\b", symbols), f"{name}: not fortified"


@plain
@root
def test_P05_nothing_can_be_written_and_run(gate, sink, token):
    """Looked at after a login and a message, when every library that is loaded late is there."""
    with gate.session() as wire:
        assert deliver(wire, letter(token)).code == 250
    assert_one(gate, sink, token)
    for role, pid in gate.roles():
        with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps:
            for line in maps:
                mode = line.split()[1]
                assert not ("w" in mode and "x" in mode), (role, line)
                assert not (line.rstrip().endswith("[stack]") and "x" in mode), (role, line)
