# SPDX-License-Identifier: BSD-2-Clause
"""Where peers stand: work folders, the ordinary user they run as, free ports, running programs."""
import collections
import grp
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading

from rig.deadline import Late, PATIENCE, until

IS_ROOT = os.getuid() == 0
USER = pwd.getpwnam(os.environ.get("SALLYPORT_USER", "nobody")) if IS_ROOT else pwd.getpwuid(os.getuid())
GROUP = grp.getgrgid(USER.pw_gid)

ROLES = ("smtp", "auth", "keys", "dial", "queue", "relay")
# Users that every Debian system has, one for each role.
USERS = dict(zip(("smtp", "mailbox", "auth", "keys", "dial", "queue", "relay"),
                 ("daemon", "bin", "sys", "games", "man", "mail", "news")))

TREE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BUILD = os.path.realpath(os.environ.get("SALLYPORT_BUILD") or TREE)
PROGRAMS = os.path.join(BUILD, "src")

SANITIZED = False
try:
    with open(os.path.join(BUILD, "config.h"), encoding="ascii") as _config:
        SANITIZED = "#define SALLYPORT_SANITIZE 1" in _config.read()
except FileNotFoundError:
    pass


def folder(name):
    """A new folder that belongs to the user the peers run as. Its path is short: sockets go there."""
    path = tempfile.mkdtemp(prefix=f"sp-{name}-", dir="/tmp")
    give(path)
    return path


def give(path):
    if IS_ROOT:
        os.chown(path, USER.pw_uid, USER.pw_gid)
    return path


def remove(path):
    shutil.rmtree(path, ignore_errors=True)


def read(path):
    """The text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text, mode=0o600):
    """Writes one file of a peer, readable by the peer."""
    data = text.encode() if isinstance(text, str) else text
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
        out.write(data)
    return give(path)


def _ports():
    """
    Below the range that the kernel gives out by itself, and for each worker a part of its own: what is
    free now is still free when the program that is told of it has started.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    first = 20000 + worker % 8 * 1500
    offset = os.getpid() * 37 % 1500
    while True:
        yield first + offset
        offset = (offset + 1) % 1500


_next_ports = _ports()


def free_port(address="127.0.0.1"):
    for port in _next_ports:
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
                return port
            except OSError:
                continue


def accepts(port, address="127.0.0.1"):
    try:
        socket.create_connection((address, port), timeout=1).close()
        return True
    except OSError:
        return False


def find_program(name):
    """The path of a program, in sbin too; None if it is not installed."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin")


def _reachable(path):
    """May any user run what stands at this path?"""
    while path != "/":
        if not os.stat(path).st_mode & stat.S_IXOTH:
            return False
        path = os.path.dirname(path)
    return True


_copied = None


def program(name):
    """A program of this build, at a place that the user of the peers can reach."""
    global _copied
    built = os.path.join(PROGRAMS, name)
    if not os.path.exists(built) or not IS_ROOT or _reachable(built):
        return built
    if _copied is None:
        _copied = folder("programs")
        copy_programs(_copied)
    return os.path.join(_copied, name)


def copy_programs(path):
    os.chmod(path, 0o755)
    for entry in os.listdir(PROGRAMS):
        built = os.path.join(PROGRAMS, entry)
        if os.path.isfile(built) and os.access(built, os.X_OK):
            shutil.copy2(built, path)
            os.chmod(os.path.join(path, entry), 0o755)


def use_programs(path):
    """Runs the programs from copies in this folder, which stays."""
    global _copied
    remove(path)
    os.mkdir(path)
    copy_programs(path)
    _copied = path


def forget_programs():
    global _copied
    if _copied:
        remove(_copied)
        _copied = None


def as_user():
    """Arguments for subprocess that drop to the user of the peers."""
    if not IS_ROOT:
        return {}
    return {"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []}


class Program:
    """A running program whose lines can be waited for."""

    def __init__(self, argv, environment=None, root=False, log=None):
        """With a log file its lines go there, are not read here, and it may outlive us."""
        self.name = os.path.basename(argv[0])
        self.lines = collections.deque(maxlen=200000)
        self.changed = threading.Condition()
        self.ended = False
        out = open(log, "ab") if log else subprocess.PIPE
        if log and not root:
            give(log)
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})}, cwd="/",
            start_new_session=True, **({} if root else as_user()))
        if log:
            out.close()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for raw in self.process.stdout or ():
            self._add(raw.decode("utf-8", "replace").rstrip("\n"))
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def _add(self, line):
        with self.changed:
            self.lines.append(line)
            self.changed.notify_all()

    def wait_for_line(self, matches, seconds, what):
        """The first line, old or new, for which matches(line) is true."""
        with self.changed:
            found = []

            def look():
                found[:] = [line for line in self.lines if matches(line)][:1]
                return found or self.ended

            self.changed.wait_for(look, PATIENCE * seconds)
            if not found:
                raise Late(f"{self.name}: no {what} within {PATIENCE * seconds} s\n" + self.tail())
            return found[0]

    def tail(self, count=40):
        return "\n".join(list(self.lines)[-count:])

    def stop(self, seconds=10):
        """Ends the program and whatever it left in its process group; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        for sig in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sig)
                until(lambda: not _group_lives(self.process.pid), 2, "the group ends")
            except ProcessLookupError:
                break
            except Late:
                continue
        self.reader.join(2)
        return self.process.wait() if code is None else code


def _group_lives(group):
    try:
        os.killpg(group, 0)
        return True
    except ProcessLookupError:
        return False


def wait_until_accepts(port, running, seconds=15):
    def check():
        assert running.process.poll() is None, f"{running.name} ended:\n{running.tail()}"
        return accepts(port)
    until(check, seconds, lambda: f"{running.name} accepts on {port}\n{running.tail()}")
