# SPDX-License-Identifier: BSD-2-Clause
"""The server under test, as far as a storm knows it; and Sallyport behind that face."""
import os
import signal
import subprocess
import sys
import threading
import time

TREE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TREE, "tests", "run"))

from rig import ground  # noqa: E402
from rig.certificate import Authority  # noqa: E402
from rig.deadline import Late, until  # noqa: E402, F401
from rig.sallyport import Sallyport  # noqa: E402


class Server:
    """
    One mail server. ports: "trusted" relays without login, "submission" (if there is one) with STARTTLS
    and alice's password. targets: what kill() takes. concurrency: how many deliveries may be under way.
    """
    name = ""
    targets = ("all",)
    concurrency = 10

    def __init__(self):
        self.ports = {}

    def start(self):
        """Accepts mail when it returns. Also after a death of any kind, on the same state."""
        raise NotImplementedError

    def stop(self):
        """An orderly end, as by the system when it goes down; nothing runs when it returns."""
        raise NotImplementedError

    def cut(self):
        """kill -9 of every process at once; nothing runs when it returns, nothing is started again."""
        raise NotImplementedError

    def kill(self, target, chance):
        """kill -9; the server runs, or comes back by itself. False if there was no such process."""
        self.cut()
        self.start()
        return True

    def reload(self):
        raise NotImplementedError

    def pids(self, target):
        """Processes of a target just now; none if that cannot be told."""
        raise NotImplementedError

    def queued(self):
        """The recipients of each message that waits: a list of lists. None: it cannot say now."""
        raise NotImplementedError

    def story(self):
        """What it logged last, for whoever looks for a reason."""
        return ""

    def discard(self):
        """Ends it, without judging, and removes what it wrote."""
        raise NotImplementedError

    def drain(self, seconds):
        """What still waits when it did not get less for that time; None if the server cannot say."""
        pause = threading.Event()
        least = None
        end = time.monotonic() + seconds
        while True:
            left = self.queued()
            if left == [] or time.monotonic() > end:
                return left
            if left is not None and (least is None or len(left) < least):
                least = len(left)
                end = time.monotonic() + seconds
            # a long list costs the server time that it needs to get shorter
            pause.wait(min(0.01 + len(left or ()) / 2000, 10))


def kill_all(pids, number=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
            return [int(word) for word in listed.read().split()]
    except OSError:
        return []


def role_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as name:
            return name.read().strip().removeprefix("sallyport-")
    except OSError:
        return ""


class SallyportServer(Server):
    """
    hop: port of the sink. state: a folder for state-dir (on a disk to be cut, say). programs: a folder
    with the programs of another build. queue: further settings of the section. keep_ports: the same
    at every start, so that clients find the daemon again.
    """
    name = "sallyport"
    targets = ("smtp", "queue", "relay", "auth", "keys", "dial", "super", "all")

    def __init__(self, hop, state=None, programs=None, queue="", log_level="notice",
                 keep_ports=True, **settings):
        super().__init__()
        self.folder = ground.folder("server")
        os.chmod(self.folder, 0o755)
        self.ports = {name: ground.free_port() if keep_ports else 0
                      for name in ("submission", "submissions", "trusted")}
        base = {"state-dir": f'"{state}"'} if state else {}
        self.gate = Sallyport(
            certificates=[Authority(self.folder).issue("mail.example.org")],
            routes={"*": f"smtp:127.0.0.1:{hop}"}, log={"level": log_level}, base=base,
            listeners={"submission": {"address": self._address("submission")},
                       "submissions": {"tls": "implicit", "address": self._address("submissions")},
                       "trusted": self._trusted()},
            extra=f"queue {{ retry = {{ 1s, 1s, 2s }}  concurrency = {self.concurrency}  "
                  f"concurrency-per-destination = {self.concurrency}  delay-notice = 0  {queue} }}\n",
            **settings)
        if programs:
            self.gate.program = lambda: os.path.join(programs, "sallyportd")

    def _address(self, name):
        return f'{{ "127.0.0.1:{self.ports[name]}" }}'

    def _trusted(self):
        return (f'protocol = smtp  address = {self._address("trusted")}  tls = none  login = off\n'
                '  connections-per-address = 1000\n'
                '  permit "network:127.0.0.0/8" { rights = { submit, relay }  send-as = { "@example.org" } }')

    def start(self):
        """After super died its children end by themselves; the next one waits for that."""
        end = time.monotonic() + 30
        while not self.try_start():
            if time.monotonic() > end:
                raise AssertionError("the daemon does not start\n" + self.story())

    def try_start(self):
        """Once; False if something keeps it from starting."""
        try:
            self.gate.start()
            self.ports = {name: ports[0] for name, ports in self.gate.ports.items()}
            return True
        except (AssertionError, subprocess.TimeoutExpired):
            self._reap()
            return False

    def _reap(self):
        if self.gate.process is not None:
            self.gate.process.kill()
            self.gate.process.wait()
            self.gate.tail.join(5)

    def stop(self):
        self.gate.process.send_signal(signal.SIGTERM)
        self.gate.process.wait(60)
        self.gate.tail.join(5)

    def cut(self):
        kill_all([self.gate.process.pid, *self.pids("all")])
        self._reap()

    def kill(self, target, chance):
        if target == "super":
            self._reap()
        elif target == "all":
            self.cut()
        else:
            victims = self.pids(target)
            kill_all([chance.choice(victims)] if victims else [])
            return bool(victims)
        self.start()
        return True

    def reload(self):
        return self.gate.ctl("reload", check=False).returncode == 0

    def revive(self):
        """Super is started again by whoever started it."""
        if self.gate.process.poll() is not None:
            self.start()

    def hang_up(self):
        start = len(self.gate.events)
        self.gate.process.send_signal(signal.SIGHUP)
        self.gate.wait_for_event("super.reloaded", seconds=30, start=start)
        return True

    def upgrade(self):
        """As a package does it: other files take the place of the programs while they run; then a new start."""
        place = os.path.join(self.folder, "programs")
        os.mkdir(place + ".new")
        ground.copy_programs(place + ".new")
        ground.remove(place + ".old")
        if os.path.exists(place):
            os.rename(place, place + ".old")
        os.rename(place + ".new", place)
        self.gate.program = lambda: os.path.join(place, "sallyportd")
        self.stop()
        self.start()
        return True

    def pids(self, target):
        found = [(role_of(pid), pid) for pid in children(self.gate.process.pid)]
        return [pid for role, pid in [("super", self.gate.process.pid), *found] if target in (role, "all")]

    def queued(self):
        """Nobody holds mail here: what is held was found damaged, and nobody will have it."""
        try:
            return [message["recipients"] for message in self.gate.queue() if message["state"] != "held"]
        except (AssertionError, subprocess.TimeoutExpired, ValueError):
            return None     # a role is being started again

    def story(self):
        return self.gate.story()

    def discard(self):
        if self.gate.process is not None:
            self.gate.kill()
            self.gate.process = None
        ground.remove(self.gate.path)
        ground.remove(self.folder)
