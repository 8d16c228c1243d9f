# SPDX-License-Identifier: BSD-2-Clause
"""
sallyport-milter behind its walls: both processes are, and everything works from inside. What each call comes to is in
tests/unit/test_proc_confine.c.
"""
import os
import re
import signal
import socket
import sqlite3
import struct
import sys
import threading

import pytest

from rig import ground, lookup, process
from rig.deadline import until
from rig.milter_filter import HEAD, Filter
from test_catalogue_p import NO_LANDLOCK, landlock_abi, plain
from test_sallyport_milter import MAPS, OWN, SENDERS, WRONG, configuration, mail, processes_of, said

QUERY = "dbpath = %s\nquery = SELECT logins FROM owners WHERE address = '%%s'\n"


@pytest.fixture
def make_filter():
    made = []

    def make(text=configuration(), start=True, **options):
        running = Filter(text, **options)
        made.append(running)
        ground.write(f"{running.path}/senders", SENDERS, 0o644)
        return running.start() if start else running

    yield make
    for running in made:
        running.stop()


def reading(table):
    return HEAD + "filter { " + MAPS.replace("texthash:{path}/senders", table) + " }\n"


def put(path, text):
    """As an editor does: another file under the old name."""
    ground.write(path + "~", text, 0o644)
    os.rename(path + "~", path)


def make_database(path, owner, journal="delete"):
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    base = sqlite3.connect(path)
    base.execute(f"PRAGMA journal_mode = {journal}")
    with base:
        base.execute("CREATE TABLE owners (address TEXT, logins TEXT)")
        base.execute("INSERT INTO owners VALUES ('alice@example.org', ?)", [owner])
    base.close()
    os.chmod(path, 0o644)
    return path


def is_ours(mta, login="alice"):
    """Does alice@example.org belong to the login?"""
    code = mail(mta, "alice@example.org", login).code
    assert code in (0, 550), code
    return code == 0


# --- that there are walls

@plain
def test_both_processes(make_filter):
    """No call but those of the list, for threads too that begin later; nothing is left out unsaid."""
    running = make_filter()
    first = running.program.process.pid
    server, = process.children(first)
    with running.mta() as mta:
        assert said(mta, OWN).verdict == "accept"
        for pid in (first, server, *map(int, os.listdir(f"/proc/{server}/task"))):
            status = process.status(pid)
            assert status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1", status
            assert int(status["CapEff"], 16) == 0
    left_out = [event for event in running.events() if event["event"] == "role.sandbox"]
    assert not left_out or landlock_abi() < 1, left_out


@plain
@pytest.mark.skipif(landlock_abi() < 1, reason="this kernel has no Landlock")
def test_files_of_others(make_filter):
    """What anybody may read is not read once it lies elsewhere; mail is put off, and a restart sees to it."""
    running = make_filter()
    other = ground.folder("elsewhere")
    os.chmod(other, 0o755)
    try:
        ground.write(f"{other}/senders", SENDERS, 0o644)
        with running.mta() as mta:
            assert is_ours(mta)
            os.symlink(f"{other}/senders", f"{running.path}/link")
            os.rename(f"{running.path}/link", f"{running.path}/senders")
            assert mail(mta).code == 451
        assert "Permission denied" in running.wait_for_event("filter.unsure")["reason"]
        assert running.program.stop() == 0
        running.start()     # the link is followed now, and may change its goal within that folder
        put(f"{other}/senders", "alice@example.org bob\n")
        with running.mta() as mta:
            assert is_ours(mta, "bob") and not is_ours(mta)
    finally:
        ground.remove(other)


def test_a_forbidden_call(make_filter):
    """Whoever makes one ends, with a line on standard error or in the log of a program without; the other says so."""
    running = make_filter()
    server, = process.children(running.program.process.pid)
    os.kill(server, signal.SIGSYS)
    assert running.wait_for_event("filter.failed")["reason"] == "it made a system call that it does not have"
    assert running.program.process.wait(30) == 1
    assert ground.SANITIZED or any(line.startswith("sallyport: forbidden") for line in running.program.lines)
    running.program = None


# Here neither seccomp() nor its older form in prctl() is known: ENOSYS, EINVAL.
CALLS = {"x86_64": (317, 157), "aarch64": (277, 167)}.get(os.uname().machine)
NO_SECCOMP = re.sub(r"code = .*", "code = [(0x20, 0, 0, 0), (0x15, 0, 1, %d), (0x06, 0, 0, 0x00050000 | 38), "
                    "(0x15, 0, 3, %d), (0x20, 0, 0, 16), (0x15, 0, 1, 22), (0x06, 0, 0, 0x00050000 | 22), "
                    "(0x06, 0, 0, 0x7fff0000)]" % (CALLS or (0, 0)), NO_LANDLOCK)


@plain
@pytest.mark.parametrize("part, lacking", [("landlock", NO_LANDLOCK), ("seccomp", NO_SECCOMP)])
def test_a_kernel_without(make_filter, part, lacking):
    """It says so, and serves behind the other wall."""
    if not CALLS:
        pytest.skip("the numbers of the calls are not known here")
    running = make_filter(start=False)
    running.program = ground.Program([sys.executable, "-c", lacking, ground.program("sallyport-milter"), "-f", "-c",
                                      running.config])
    assert running.wait_for_event("role.sandbox", part=part)["reason"]
    running.wait_for_event("filter.started")
    with running.mta() as mta:
        assert said(mta, WRONG).code == 550


# --- that all works behind them

@pytest.mark.parametrize("kind", ["texthash", "sqlite", "proxy:sqlite"])
def test_tables(make_filter, kind):
    """Changed in place, replaced, and others in the same folder after a reload."""
    text = reading(f"{kind}:{{path}}/first")
    running = make_filter(text, start=False)

    def write(name, owner):
        if kind == "texthash":
            return put(f"{running.path}/{name}", f"alice@example.org {owner}\n")
        make_database(f"{running.path}/{name}.new", owner)
        os.rename(f"{running.path}/{name}.new", f"{running.path}/{name}.db")
        return put(f"{running.path}/{name}", QUERY % f"{running.path}/{name}.db")

    write("first", "alice")
    write("second", "carol")
    running.start()
    with running.mta() as mta:
        assert is_ours(mta) and not is_ours(mta, "bob")
        write("first", "bob")
        assert is_ours(mta, "bob") and not is_ours(mta)
        running.write(text.replace("/first", "/second"))
        running.reload()
        assert is_ours(mta, "carol") and not is_ours(mta, "bob")


def test_what_is_odd_is_told_once(make_filter):
    """Whoever asks which files the tables are of says nothing of what stands in them."""
    running = make_filter(reading("sqlite:{path}/query"), start=False)
    path = make_database(f"{running.path}/owners.db", "alice")
    ground.write(f"{running.path}/query", QUERY % path + "hosts = localhost\n", 0o644)
    running.start()
    running.reload()
    assert "\n".join(running.program.lines).count("there is no setting hosts") == 2, list(running.program.lines)


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_database_that_somebody_writes(make_filter, journal):
    """In place, or another beside it. With a write-ahead log its reader has to write, where he may."""
    running = make_filter(reading("sqlite:{path}/query"), start=False)
    path = make_database(f"{running.path}/base/owners.db", "alice", journal)
    ground.write(f"{running.path}/query", QUERY % path, 0o644)
    for name in ("", "/owners.db"):
        ground.give(f"{running.path}/base{name}")
    running.start()
    with running.mta() as mta:
        assert is_ours(mta)
        for owner in ("bob", "carol"):
            base = sqlite3.connect(path)
            with base:
                base.execute("UPDATE owners SET logins = ?", [owner])
            assert is_ours(mta, owner) and not is_ours(mta)
            base.close()
            assert is_ours(mta, owner)
        ground.give(make_database(f"{running.path}/base/second.db", "erin", journal))
        ground.write(f"{running.path}/query", QUERY % f"{running.path}/base/second.db", 0o644)
        running.reload()
        assert is_ours(mta, "erin") and not is_ours(mta)


@pytest.mark.sanitize
def test_a_reload_that_leads_outside(make_filter):
    """Tables that the walls keep away are told of, and the old ones stay in force."""
    running = make_filter()
    other = ground.folder("elsewhere")
    os.chmod(other, 0o755)
    try:
        make_database(f"{other}/owners.db", "bob")
        ground.write(f"{other}/senders", "alice@example.org bob\n", 0o644)
        ground.write(f"{running.path}/query", QUERY % f"{other}/owners.db", 0o644)
        with running.mta() as mta:
            for table in (f"texthash:{other}/senders", f"sqlite:{running.path}/query"):
                running.write(reading(table))
                reason = running.reload("filter.reload-failed")["reason"]
                assert other in reason and "restart" in reason
                assert is_ours(mta)
        assert running.program.stop() == 0
        running.start()
        with running.mta() as mta:
            assert is_ours(mta, "bob")
    finally:
        ground.remove(other)


def start_behind(running, log):
    """Without a terminal; the first of the two processes, once the other serves."""
    assert running.ask().returncode == 0
    until(lambda: '"filter.started"' in ground.read(log), 15, "it has started")
    pids = processes_of(running.config)
    first, = (pid for pid in pids if int(process.stat_fields(pid)[1]) not in pids)
    return first


def test_the_log_is_moved_away(make_filter):
    """In the background, in a folder of its own: the next SIGHUP makes it anew, and the end removes the socket."""
    running = make_filter(configuration('log-file = "{path}/logs/log"'), start=False)
    log = f"{running.path}/logs/log"
    os.mkdir(os.path.dirname(log), 0o755)
    ground.give(os.path.dirname(log))
    ground.give(running.path)
    first = start_behind(running, log)
    server, = process.children(first)
    for turn in range(2):
        os.rename(log, f"{log}.{turn}")
        os.kill(first, signal.SIGHUP)
        until(lambda: os.path.exists(log) and '"filter.reloaded"' in ground.read(log), 15, "the log is made anew")
    with running.mta() as mta:
        assert said(mta, WRONG).code == 550
    os.kill(server, signal.SIGSYS)
    until(lambda: not processes_of(running.config), 15, "it ends")
    assert "it made a system call that it does not have" in ground.read(log)
    assert ground.SANITIZED or "sallyport: forbidden system call" in ground.read(log)
    os.rename(log, f"{log}.2")
    os.kill(start_behind(running, log), signal.SIGTERM)
    until(lambda: not processes_of(running.config), 15, "it ends")
    assert not os.path.exists(running.socket)


class Directory:
    """A look-up socket that knows nobody."""

    def __init__(self, path):
        self.wire = socket.socket(socket.AF_UNIX)
        self.wire.bind(path)
        os.chmod(path, 0o666)
        self.wire.listen(8)
        self.taken = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                self.taken.append(self.wire.accept()[0])
                while self.taken[-1].recv(4096):
                    self.taken[-1].sendall(struct.pack(">IB", 1, lookup.UNKNOWN))
            except OSError:
                return

    def stop(self):
        for wire in (self.wire, *self.taken):
            try:
                wire.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            wire.close()


def test_a_directory_that_goes_and_comes_back(make_filter):
    """By TCP, so that nothing but the look-up socket is one of files."""
    text = HEAD + 'filter { socket = "{socket}"  lookup-socket = "{path}/lookup"  lookup-wait = 2s }\n'
    running = make_filter(text, socket=("127.0.0.1", ground.free_port()))
    path = f"{running.path}/lookup"
    with running.mta() as mta:
        for _ in range(2):
            assert mail(mta).code == 451
            directory = Directory(path)
            assert mail(mta).code == 550
            directory.stop()
            os.unlink(path)
