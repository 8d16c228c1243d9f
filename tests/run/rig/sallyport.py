# SPDX-License-Identifier: BSD-2-Clause
"""The daemon under test: configured in a folder of its own, on free ports, its log read as events."""
import copy
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time

from rig import control, ground, process
from rig.deadline import Late, PATIENCE, until
from rig.wire import Wire, new_source

# The daemon's processes cannot be traced (they are not dumpable), so leaks are judged by memory use.
SANITIZER = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:allocator_may_return_null=1",
             "UBSAN_OPTIONS": "print_stacktrace=1"}
REPORTS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "SUMMARY: UndefinedBehavior",
           "Assertion", "stack smashing", "buffer overflow detected")

ALICE = ("alice", "alicepw", ("alice@example.org", "ali@example.org"))
BOB = ("bob", "bobpw", ("bob@example.org",))

BASE = {
    "hostname": '"mail.example.org"',
    "workers": "2",
    "authoritative-domains": '{ "example.org" }',
}
LISTENERS = {
    "submission": {"protocol": "smtp", "tls": "starttls"},
    "submissions": {"protocol": "smtp", "tls": "implicit"},
}
SASL = {
    "mechanisms": '{ "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS" }',
    "realm": '"example.org"',
    "failure-delay": "10ms",
}
# The catalogue sends more than a person would.
LIMITS = {"connections-per-login": "0", "messages-per-hour": "0", "recipients-per-hour": "0"}
PERMITS = """permit "authenticated" { rights = { submit, relay } }
permit "login:alice" { send-as = { "team@example.org" } }
"""


def section(kind, title, settings):
    """The text of one section; settings is a mapping, or text."""
    body = settings if isinstance(settings, str) else "\n".join(
        f"  {name} = {value}" for name, value in settings.items())
    head = f'{kind} "{title}"' if title is not None else kind
    return f"{head} {{\n{body}\n}}\n"


class Sallyport:
    """
    One daemon. listeners: name -> settings, laid over the two default ones (None takes one away);
    routes: pattern -> target, or -> settings; sasl, base, limits, log: settings laid over the
    defaults; certificates: one (certificate, key), or an ECDSA and an RSA pair; extra: text put at
    the end. Values are written as they stand, so texts carry their own quotes.
    """

    def __init__(self, listeners=None, routes=None, sasl=None, base=None, limits=None, log=None,
                 extra="", permits=PERMITS, certificates=(), accounts=(ALICE, BOB), as_root=False,
                 users=None, path=None, environment=None):
        self.path = path or ground.folder("gate")
        self.config = os.path.join(self.path, "sallyport.conf")
        self.accounts = accounts
        self.as_root = as_root
        self.environment = {**os.environ, **SANITIZER, **(environment or {})}
        self.process = None
        self.events = []
        self.stray = []     # lines on standard error that are not events
        self.changed = threading.Condition()
        self.ports = {}
        self.expected_deaths = 0
        self.settings = {**BASE, "state-dir": f'"{self.path}/state"', "run-dir": f'"{self.path}/run"',
                         **(base or {})}
        # Copies: a test that changes its daemon's listeners changes nobody else's.
        listeners = copy.deepcopy({**LISTENERS, **(listeners or {})})
        self.parts = {"listeners": listeners, "routes": routes or {},
                      "sasl": {**SASL, **(sasl or {})}, "limits": {**LIMITS, **(limits or {})}, "permits": permits,
                      "certificates": list(certificates), "users": users or {}, "extra": extra,
                      "log": {"format": "json", "level": "debug", **(log or {})}}
        for name in ("state", "run"):
            if not os.path.isdir(os.path.join(self.path, name)):
                os.mkdir(os.path.join(self.path, name), 0o700)
                if not as_root:
                    ground.give(os.path.join(self.path, name))

    # --- configuration

    def text(self):
        parts = self.parts
        out = [f"{name} = {value}\n" for name, value in self.settings.items() if value is not None]
        if parts["users"]:
            out.append(section("users", None, parts["users"]))
        if parts["certificates"]:
            names = ("certificate", "key")
            out.append(section("tls", "main", {
                name: "{ " + ", ".join(f'"{pair[index]}"' for pair in parts["certificates"]) + " }"
                for index, name in enumerate(names)}))
        out.append(section("sasl", None, parts["sasl"]))
        for name, settings in parts["listeners"].items():
            if settings is not None:
                if isinstance(settings, dict):
                    settings = {"protocol": "smtp", "address": '{ "127.0.0.1:0" }', "connections": "500",
                                "connections-before-login": "400", **settings}
                out.append(section("listener", name, settings))
        out.append(parts["permits"])
        for pattern, target in parts["routes"].items():
            settings = target if isinstance(target, dict) else {"to": f'"{target}"'}
            out.append(section("route", pattern, settings))
        out.append(section("limits", "default", parts["limits"]))
        out.append(section("log", None, parts["log"]))
        out.append(parts["extra"])
        return "".join(out)

    def write_config(self):
        ground.write(self.config, self.text(), 0o644)

    # --- running

    def start(self, seconds=20):
        self.write_config()
        log_path = os.path.join(self.path, "log")
        ground.write(log_path, "", 0o600)
        log = os.open(log_path, os.O_WRONLY | os.O_APPEND)
        ready, notice = os.pipe()
        self.process = subprocess.Popen(
            [self.program(), "-c", self.config, "-f", "--ready-fd", str(notice)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(notice,), cwd="/",
            env=self.environment, start_new_session=True,
            **({} if self.as_root else ground.as_user()))
        os.close(notice)
        os.close(log)
        self.tail = threading.Thread(target=self._follow, args=(log_path,), daemon=True)
        self.tail.start()
        said = b""
        if select.select([ready], [], [], seconds)[0]:
            said = os.read(ready, 4096)
        os.close(ready)
        if not said:
            self.kill()
            raise AssertionError("the daemon did not become ready:\n" + self.story())
        self.learn_ports()
        for login, password, addresses in self.accounts:
            self.add_account(login, password, addresses)
        self.accounts = ()
        return self

    def program(self):
        return ground.program("sallyportd")

    def learn_ports(self):
        for listener in self.status()["listeners"]:
            self.ports[listener["name"]] = [int(a.rsplit(":", 1)[1]) for a in listener["addresses"]
                                            if ":" in a and not a.startswith("unix:")]

    def _follow(self, path):
        """Reads the log as it grows. A file, not a pipe: a line of any length stays whole."""
        rest = b""
        pause = threading.Event()
        with open(path, "rb") as log:
            while True:
                ended = self.process.poll() is not None
                data = log.read()
                *lines, rest = (rest + data).split(b"\n")
                if lines:
                    with self.changed:
                        for line in lines:
                            self._add(line.decode("utf-8", "replace"))
                        self.changed.notify_all()
                if not data:
                    if ended:
                        break
                    pause.wait(0.01)
        with self.changed:
            if rest:
                self._add(rest.decode("utf-8", "replace"))
            self.changed.notify_all()

    def _add(self, line):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict) and "event" in event:
            self.events.append(event)
        else:
            self.stray.append(line)

    def story(self, count=60):
        lines = [json.dumps(event) for event in self.events[-count:]]
        return "\n".join(lines + self.stray[-count:])

    def wait_for_event(self, name, fields=None, seconds=10, start=0):
        """The first event of this name, from index start on, that has these fields."""
        def found():
            for event in self.events[start:]:
                if event["event"] == name and all(event.get(k) == v for k, v in (fields or {}).items()):
                    return event
            return None
        with self.changed:
            if not self.changed.wait_for(lambda: found() or self.process.poll() is not None,
                                         PATIENCE * seconds):
                raise Late(f"no event {name} {fields or ''} within {PATIENCE * seconds} s\n{self.story(20)}")
            event = found()
        assert event, f"the daemon ended before {name}\n{self.story()}"
        return event

    def events_named(self, name, start=0):
        return [event for event in self.events[start:] if event["event"] == name]

    def stop(self, seconds=20):
        """Ends the daemon and judges its whole life."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the daemon did not end\n" + self.story()) from None
        self.tail.join(5)
        self.process = None
        self.judge_log()
        assert code == 0, f"exit code {code}\n{self.story()}"

    def kill(self):
        """kill -9 for super; the roles notice."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.tail.join(5)

    def discard(self):
        """For the end of a fixture: whatever happened, nothing is left."""
        try:
            self.stop()
        finally:
            if self.process is not None:
                self.kill()
                self.process = None
            ground.remove(self.path)

    def judge_log(self):
        """No sanitizer report, nothing but events on standard error, no role that died by itself."""
        reports = [line for line in self.stray if any(word in line for word in REPORTS)]
        assert not reports, "\n".join(self.stray[-200:])
        deaths = self.events_named("role.died")
        assert not any(event.get("signal") in (signal.SIGSYS, "SIGSYS") for event in deaths), deaths
        assert len(deaths) <= self.expected_deaths, deaths

    # --- administration

    def ctl(self, *arguments, stdin=None, check=True, seconds=30):
        """sallyportctl -c FILE …; the finished process."""
        argv = [ground.program("sallyportctl"), "-c", self.config, *arguments]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=seconds,
                              env=self.environment, cwd="/",
                              **({} if self.as_root else ground.as_user()))
        if check:
            assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr or done.stdout}\n{self.story(10)}"
        return done

    def ctl_json(self, *arguments, **options):
        return json.loads(self.ctl(*arguments, "--json", **options).stdout)

    def ask(self, request):
        """One request on the control socket, as sallyportctl frames it; the first answer."""
        with self.control() as wire:
            return control.ask(wire, request)

    def control(self):
        """A connection to the control socket."""
        wire = socket.socket(socket.AF_UNIX)
        wire.settimeout(10)
        wire.connect(f"{self.path}/run/control.sock")
        return wire

    def status(self):
        """By the socket, which is ten times as quick as the tool; by the tool, and its words, where that fails."""
        try:
            answer = self.ask({"verb": "status", "args": {}})
        except (OSError, EOFError, ValueError):
            answer = {"ok": False}
        if answer["ok"] and not answer["more"]:
            return answer["data"]
        return self.ctl_json("status")

    def reload(self, check=True):
        self.write_config()
        return self.ctl("reload", check=check)

    def add_account(self, login, password, addresses=()):
        self.ctl("account", "add", login, "--password-stdin", stdin=password + "\n")
        for address in addresses:
            self.ctl("address", "add", login, address)

    def queue(self):
        """The messages that wait, as `queue list --json` tells them."""
        told = self.ctl_json("queue", "list")
        return told["messages"] if isinstance(told, dict) else told

    def wait_until_queue_is_empty(self, seconds=15):
        until(lambda: not self.queue(), seconds, lambda: f"the queue is empty: {self.queue()}")

    def tried(self, recipient):
        """A recipient of a waiting message, as `queue show` tells it, if delivery was tried in vain."""
        for message in self.queue():
            if recipient not in message["recipients"]:
                continue
            shown = self.ctl("queue", "show", str(message["id"]), "--json", check=False)
            if shown.returncode:    # it left in between
                continue
            for row in json.loads(shown.stdout)["recipients"]:
                if row["address"] == recipient and row.get("attempts"):
                    return {**row, "id": message["id"]}
        return None

    def wait_until_tried(self, recipient, seconds=20):
        return until(lambda: self.tried(recipient), seconds,
                     lambda: f"a try to deliver to {recipient}: {self.queue()}\n{self.story(10)}")

    def empty_queue(self):
        for message in self.queue():
            self.ctl("queue", "delete", str(message["id"]), check=False)

    # --- processes

    def wait_until_serving(self, seconds=15):
        """Every role serves, and has its links; the roles, as `status` tells them."""
        links = {"smtp": ("auth", "queue", "keys", "dial"), "queue": ("relay",)}

        def serving():
            roles = self.status()["roles"]
            return all(role["phase"] == "serving" and all((role["details"] or {}).get(link)
                                                          for link in links.get(role["role"], ()))
                       for role in roles) and roles
        return until(serving, seconds, lambda: f"all serve: {self.status()['roles']}\n{self.story(20)}")

    def roles(self):
        """(role, pid) of every process, super first."""
        pairs = [(role["role"], role["pid"]) for role in self.status()["roles"] if role.get("pid")]
        if not any(name == "super" for name, _ in pairs):
            pairs.insert(0, ("super", self.process.pid))
        return pairs

    def pids(self, role):
        return [pid for name, pid in self.roles() if name == role]

    def memory(self):
        """pid -> resident anonymous KiB."""
        return {pid: process.resident(pid) for _, pid in self.roles()}

    def cpu_s(self):
        """CPU seconds used so far by all processes."""
        return process.cpu_s(pid for _, pid in self.roles())

    # --- clients

    def address(self, listener="submission"):
        return "127.0.0.1", self.ports[listener][0]

    def wire(self, listener="submission", source=None, seconds=10, window=None):
        return Wire(self.address(listener), source, seconds, window)

    def secure(self, listener="submission", source=None, seconds=10, **handshake):
        """A client that is inside TLS and has said EHLO; `.offered` are the keywords."""
        wire = self.wire(listener, source, seconds)
        settings = self.parts["listeners"][listener]
        if isinstance(settings, dict) and settings.get("tls") == "implicit":
            wire.handshake(**handshake)
            wire.offered = wire.greet()
        else:
            wire.greet()
            wire.starttls(**handshake)
            wire.offered = wire.ehlo()
        return wire

    def session(self, login="alice", password=None, listener="submission", source=None, seconds=10):
        """"auth" of the catalogue: EHLO, TLS, EHLO, AUTH PLAIN."""
        wire = self.secure(listener, source, seconds)
        return wire.login(login, password or login + "pw")

    def transaction(self, sender=b"alice@example.org", recipient=b"u@example.net", **session):
        """"txn" of the catalogue."""
        wire = self.session(**session)
        wire.expect(250, b"MAIL FROM:<" + sender + b">")
        wire.expect(250, b"RCPT TO:<" + recipient + b">")
        return wire


class Health:
    """ALIVE of the catalogue: as it was before, after whatever a test did."""

    GROWTH_KIB = 2048

    def __init__(self, gate):
        self.gate = gate
        self.roles = gate.roles()
        self.memory = gate.memory()

    def check(self):
        """A second client is greeted in 2 s, no process ended, memory is back."""
        gate = self.gate
        begin = time.monotonic()
        with gate.wire(source="127.0.0.2", seconds=2) as second:
            assert second.reply(2).code == 220
        assert time.monotonic() - begin < 2
        now = gate.roles()
        assert now == self.roles, f"{self.roles} became {now}\n{gate.story()}"
        reports = [line for line in gate.stray if any(word in line for word in REPORTS)]
        assert not reports, "\n".join(gate.stray[-200:])
        if not ground.SANITIZED:
            until(lambda: self.growth() <= self.GROWTH_KIB, 10,
                  lambda: f"memory is back: grew by {self.growth()} KiB")

    def growth(self):
        return sum(self.gate.memory().values()) - sum(self.memory.values())


def warm(gate, token="warm"):
    """One of everything that makes a daemon grow once: TLS, a login, a refusal, a message."""
    with gate.wire(source=new_source()) as wire:
        wire.greet()
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        wire.send(b"From: <alice@example.org>\r\nSubject: " + token.encode() + b"\r\n\r\n"
                  + b"x" * 78 * 1000 + b"\r\n.\r\n")
        wire.reply()
