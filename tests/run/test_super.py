# SPDX-License-Identifier: BSD-2-Clause
"""The supervisor, with roles that do little: start, death, hanging, garbage, reload, control, stop."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess

import pytest

from rig import ground
from rig.deadline import until
from rig.sallyport import Sallyport

FAKE = os.path.join(ground.BUILD, "tests", "fake", "fake_role")
ROLES = ("smtp", "auth", "keys", "dial", "queue", "relay")
# Users that every Debian system has, one for each role.
USERS = dict(zip(("smtp", "mailbox", "auth", "keys", "dial", "queue", "relay"),
                 ("daemon", "bin", "sys", "games", "man", "mail", "news")))
BACK = {"auth": 3, "keys": 2, "dial": 2, "queue": 4, "relay": 1}  # links with two smtp processes

pytestmark = pytest.mark.skipif(not os.path.exists(FAKE), reason="tests/fake/fake_role is not built")


class Fake(Sallyport):
    """A daemon whose roles are all the fake one."""

    def __init__(self, **settings):
        listeners = {"submission": {"tls": "none", "login": "off"}, "submissions": None}
        settings.setdefault("listeners", {}).update(
            {name: listeners[name] for name in listeners if name not in settings.get("listeners", {})})
        super().__init__(routes={"*": "smtp:127.0.0.1:9"}, accounts=(), **settings)
        os.chmod(self.path, 0o755)
        self.programs = os.path.join(self.path, "bin")
        os.mkdir(self.programs)
        os.chmod(self.programs, 0o755)
        shutil.copy2(os.path.join(ground.PROGRAMS, "sallyportd"), self.programs)
        for role in ROLES:
            shutil.copy2(FAKE, os.path.join(self.programs, f"sallyport-{role}"))

    def program(self):
        return os.path.join(self.programs, "sallyportd")

    def mode(self, role, mode):
        path = os.path.join(self.programs, f"mode-{role}")
        if mode:
            ground.write(path, mode + "\n", 0o644)
        else:
            os.unlink(path)

    def greeting(self, listener="submission"):
        """What an smtp process says of itself."""
        with socket.create_connection(self.address(listener), timeout=5) as wire:
            words = wire.makefile().readline().split()
        return dict(zip(words[1::2], words[2::2]))

    def wait_until_serving(self, seconds=15):
        def check():
            roles = self.status()["roles"]
            return all(r["phase"] == "serving" and r["details"] for r in roles) and roles
        return until(check, seconds, lambda: f"all serve: {self.status()}\n{self.story(20)}")

    def control(self):
        wire = socket.socket(socket.AF_UNIX)
        wire.settimeout(10)
        wire.connect(f"{self.path}/run/control.sock")
        return wire

    def run_daemon(self, *arguments, seconds=20):
        """sallyportd with these arguments, to its end."""
        return subprocess.run([self.program(), "-c", self.config, *arguments], capture_output=True,
                              text=True, timeout=seconds, cwd="/", stdin=subprocess.DEVNULL,
                              **({} if self.as_root else ground.as_user()))


@pytest.fixture
def make():
    made = []

    def fresh(**settings):
        made.append(Fake(**settings))
        return made[-1]

    yield fresh
    for gate in made:
        gate.discard()


@pytest.fixture
def gate(make):
    return make().start()


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
        return [int(word) for word in listed.read().split()]


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)


def ask(wire, request):
    data = request if isinstance(request, bytes) else json.dumps(request).encode()
    wire.sendall(struct.pack(">I", len(data)) + data)
    return answer(wire)


def answer(wire):
    head = read_exactly(wire, 4)
    return json.loads(read_exactly(wire, struct.unpack(">I", head)[0]))


def read_exactly(wire, size):
    data = b""
    while len(data) < size:
        more = wire.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


# --- start

def test_all_roles_run_and_are_linked(gate):
    roles = gate.wait_until_serving()
    assert sorted(r["role"] for r in roles) == sorted(ROLES + ("smtp",))
    for role in roles:
        assert role["details"]["links"] == BACK.get(role["role"], 4), role
    assert sorted(r["instance"] for r in roles if r["role"] == "smtp") == [0, 1]
    assert gate.greeting()["hostname"] == "mail.example.org"


def test_n9_second_start_ends_and_first_is_unharmed(gate):
    before = gate.roles()
    second = gate.run_daemon("-f")
    assert second.returncode == 1 and "running already" in second.stderr
    assert gate.roles() == before and gate.greeting()


def test_n9_start_after_kill(make):
    gate = make().start()
    gate.kill()
    assert os.path.exists(f"{gate.path}/run/control.sock") and os.path.exists(f"{gate.path}/run/pid")
    gate.start()
    assert gate.greeting()


def test_death_of_super_ends_every_role(gate):
    children = children_of(gate.process.pid)
    assert len(children) == len(ROLES) + 1
    os.kill(gate.process.pid, signal.SIGKILL)
    until(lambda: not any(lives(pid) for pid in children), 10, "every role ends")
    gate.kill()
    gate.process = None


@pytest.mark.parametrize("mode", ("fail", "abort"))
def test_start_fails_with_a_role(make, mode):
    gate = make()
    gate.write_config()
    gate.mode("queue", mode)
    ended = gate.run_daemon("-f")
    assert ended.returncode == (78 if mode == "fail" else 1)
    assert "queue" in ended.stderr and ("told to fail" in ended.stderr or '"signal":9' in ended.stderr)
    assert not os.path.exists(f"{gate.path}/run/pid")


def test_start_refused_when_a_port_is_taken(make):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        gate = make(listeners={"submission": {"tls": "none", "login": "off",
                                              "address": f'{{ "127.0.0.1:{port}" }}'}})
        gate.write_config()
        ended = gate.run_daemon("-f")
    assert ended.returncode == 1 and f"127.0.0.1:{port}" in ended.stderr


@pytest.mark.parametrize("fault", ("mode", "missing", "folder"))
def test_start_refused_for_a_bad_key_file(make, certificate, fault):
    gate = make()
    copy = os.path.join(gate.path, "key.pem")
    if fault == "folder":
        os.mkdir(copy)
    elif fault == "mode":
        ground.write(copy, open(certificate[1], encoding="ascii").read(), 0o600)
        os.chmod(copy, 0o644)
    gate.parts["certificates"] = [(certificate[0], copy)]
    gate.write_config()
    for arguments in (("-t",), ("-f",)):
        ended = gate.run_daemon(*arguments)
        assert ended.returncode == 1 and copy in ended.stderr, ended.stderr


def test_arguments(make):
    gate = make()
    gate.write_config()
    assert gate.run_daemon("-t").returncode == 0
    assert gate.run_daemon("--version").stdout.startswith("sallyportd ")
    assert gate.run_daemon("--no-such-option").returncode == 2
    assert gate.run_daemon("--ready-fd", "1").returncode == 2
    assert gate.run_daemon("left-over").returncode == 2
    ground.write(gate.config, "hostname = \n", 0o644)
    assert gate.run_daemon("-t").returncode == 1


def test_background_only_after_ready(make):
    gate = make()
    gate.parts["log"]["file"] = f'"{gate.path}/events.log"'
    gate.write_config()
    started = gate.run_daemon()
    assert started.returncode == 0, started.stderr
    with open(f"{gate.path}/run/pid", encoding="ascii") as pid_file:
        pid = int(pid_file.read())
    try:
        gate.learn_ports()
        assert gate.greeting()
        assert '"super.ready"' in open(f"{gate.path}/events.log", encoding="utf-8").read()
    finally:
        gate.ctl("stop")
        until(lambda: not lives(pid), 10, "it ends")


def test_background_failure_is_the_status(make):
    gate = make()
    gate.parts["log"]["file"] = f'"{gate.path}/events.log"'
    gate.write_config()
    gate.mode("relay", "fail")
    ended = gate.run_daemon()
    assert ended.returncode == 1 and "relay could not start" in ended.stderr
    assert "told to fail" in open(f"{gate.path}/events.log", encoding="utf-8").read()


# --- what a process has

def test_h10_environment_and_arguments(gate):
    for pid in children_of(gate.process.pid):
        with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            assert cmdline.read().count(b"\0") == 1
        # Not dumpable: only root may look.
        if ground.IS_ROOT:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                names = {entry.split(b"=")[0] for entry in environ.read().split(b"\0") if entry}
            assert names <= {b"ASAN_OPTIONS", b"UBSAN_OPTIONS", b"LSAN_OPTIONS", b"KRB5_CONFIG"}


def test_p1_process_status(gate):
    for pid in [gate.process.pid, *children_of(gate.process.pid)]:
        status = status_of(pid)
        assert status["CapEff"] == status["CapPrm"] == "0" * 16
        assert status["NoNewPrivs"].strip() == "1"
        if not ground.SANITIZED:
            assert status["Seccomp"].strip() == "2"
        with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
            core = [line for line in limits if line.startswith("Max core file size")]
        assert core[0].split()[4:6] == ["0", "0"]


@pytest.mark.skipif(not ground.IS_ROOT, reason="not root")
def test_p1_as_root_each_role_is_its_own_user(make):
    gate = make(as_root=True, users={role: f'"{user}"' for role, user in USERS.items()}).start()
    uids = set()
    for role, pid in gate.roles():
        status = status_of(pid)
        if role == "super":
            assert status["CapEff"] == status["CapBnd"] == status["CapPrm"]
            # DAC_READ_SEARCH, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE
            assert int(status["CapEff"], 16) == 1 << 2 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10
            continue
        assert int(status["Uid"].split()[0]) != 0
        assert status["Groups"].strip() == ""
        assert status["CapBnd"] == status["CapEff"] == "0" * 16
        uids.add((role, status["Uid"]))
    assert len({uid for _, uid in uids}) == len(uids) == len(ROLES)
    for part, role in (("auth", "auth"), ("queue", "queue")):
        found = os.stat(f"{gate.path}/state/{part}")
        assert found.st_mode & 0o777 == 0o700
        assert (role, "\t".join([str(found.st_uid)] * 4)) in uids
    gate.expected_deaths += 1
    os.kill(gate.pids("smtp")[0], signal.SIGKILL)
    until(lambda: len(gate.pids("smtp")) == 2, 10, "the killed one is back, as its user")
    assert os.stat(f"{gate.path}/run/control.sock").st_mode & 0o777 == 0o660


# --- death and its like

@pytest.mark.parametrize("role", ROLES)
def test_n6_killed_role_is_restarted(gate, role):
    gate.wait_until_serving()
    before = gate.roles()
    victim = gate.pids(role)[0]
    os.kill(victim, signal.SIGKILL)
    gate.expected_deaths += 1
    gate.wait_for_event("role.died", {"of-pid": victim, "signal": 9})
    after = until(lambda: victim not in (now := gate.pids(role)) and len(now) == len(
        [1 for name, _ in before if name == role]), 10, "it is back")
    assert after
    roles = gate.wait_until_serving()
    assert [pair for pair in before if pair[1] != victim] == [p for p in gate.roles() if p in before]
    for state in roles:
        assert state["details"]["links"] == BACK.get(state["role"], 4), state
    assert gate.greeting()


def test_n6_restarts_back_off(gate):
    waits = []
    for _ in range(4):
        start = len(gate.events)
        os.kill(until(lambda: gate.pids("dial"), 20, "dial runs")[0], signal.SIGKILL)
        gate.expected_deaths += 1
        waits.append(gate.wait_for_event("role.restart", {"of": "dial"}, start=start)["in-ms"])
        gate.wait_for_event("role.ready", {"role": "dial"}, 20, start=start)
    assert waits[0] < 1000 and waits[1:] == [1000, 2000, 4000]


def test_n6_stopped_process_is_found_by_its_heartbeat(make):
    gate = make(base={"heartbeat": "100ms", "heartbeat-wait": "900ms"}).start()
    victim = gate.pids("keys")[0]
    os.kill(victim, signal.SIGSTOP)
    gate.expected_deaths += 2  # it is killed, and has died
    gate.wait_for_event("role.killed", {"of-pid": victim}, 3)
    until(lambda: gate.pids("keys") not in ([], [victim]), 10, "another one runs")


def test_n4_garbage_from_a_role(gate):
    gate.wait_until_serving()
    others = [pair for pair in gate.roles() if pair[0] != "dial"]
    gate.mode("dial", "garbage")
    os.kill(gate.pids("dial")[0], signal.SIGKILL)
    gate.expected_deaths += 5
    gate.wait_for_event("channel.refused", {"peer": "dial"})
    gate.mode("dial", None)
    gate.wait_for_event("role.killed", {"of": "dial"})
    gate.wait_until_serving(20)
    assert [pair for pair in gate.roles() if pair[0] != "dial"] == others


def test_lost_link_is_made_anew(make):
    gate = make()
    gate.mode("queue", "lose")
    gate.start()

    def linked():
        counts = {role["role"]: role["details"]["linked"] for role in gate.wait_until_serving()}
        return counts["queue"] == BACK["queue"] + 1 and counts["auth"] == BACK["auth"] + 1
    until(linked, 5, lambda: f"one link more: {gate.status()}")
    assert {role["role"]: role["details"]["links"] for role in gate.status()["roles"]} == {
        "smtp": 4, **BACK}


def test_role_that_does_not_stop_is_killed(make):
    gate = make()
    gate.mode("relay", "stay")
    gate.start()
    gate.expected_deaths += 1
    gate.process.send_signal(signal.SIGTERM)
    assert gate.process.wait(25) == 0
    gate.stop()
    assert any(event["event"] == "role.failed" or event["event"] == "role.killed" for event in gate.events)


# --- reload

def test_reload_in_place(gate):
    before = gate.roles()
    port = gate.ports["submission"]
    gate.settings["hostname"] = '"other.example.org"'
    gate.reload()
    assert gate.greeting() | {"pid": 0} == {"pid": 0, "generation": "2", "hostname": "other.example.org"}
    assert gate.roles() == before
    gate.learn_ports()
    assert gate.ports["submission"] == port
    assert {role["generation"] for role in gate.status()["roles"]} == {2}


def test_reload_by_signal(gate):
    gate.settings["hostname"] = '"other.example.org"'
    gate.write_config()
    gate.process.send_signal(signal.SIGHUP)
    gate.wait_for_event("super.reloaded")
    assert gate.greeting()["hostname"] == "other.example.org"


def test_reload_while_it_starts(make):
    gate = make()
    gate.write_config()
    daemon = subprocess.Popen([gate.program(), "-c", gate.config, "-f"], stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, cwd="/", start_new_session=True, **ground.as_user())
    try:
        # From the control socket on signals are heard; the roles are not there yet.
        until(lambda: os.path.exists(f"{gate.path}/run/control.sock"), 10, "it starts")
        until(lambda: children_of(daemon.pid), 10, "a role is started")
        for _ in range(3):
            daemon.send_signal(signal.SIGHUP)
        until(lambda: all(role["phase"] == "serving" and role["generation"] > 1 for role in gate.status()["roles"]),
              10, lambda: f"all have the newest: {gate.status()}")
        gate.learn_ports()
        assert int(gate.greeting()["generation"]) == gate.status()["generation"]
    finally:
        daemon.terminate()
        assert daemon.wait(10) == 0


def test_n10_bad_configuration_changes_nothing(gate):
    before = gate.roles()
    gate.parts["extra"] = "no-such-setting = 1\n"
    refused = gate.reload(check=False)
    assert refused.returncode != 0 and "no-such-setting" in refused.stderr + refused.stdout
    gate.parts["extra"] = ""
    gate.write_config()
    assert gate.status()["generation"] == 1 and gate.roles() == before
    gate.parts["extra"] = 'listener "extra" { protocol = smtp address = { "192.0.2.1:25" } tls = none login = off }\n'
    assert gate.reload(check=False).returncode != 0
    assert gate.greeting()["generation"] == "1"
    gate.parts["extra"] = ""
    gate.settings["state-dir"] = f'"{gate.path}/elsewhere"'
    refused = gate.reload(check=False)
    assert refused.returncode != 0 and "state-dir" in refused.stderr + refused.stdout


def test_reload_refused_by_a_role_is_said(gate):
    gate.settings["hostname"] = '"refused.example.org"'
    refused = gate.reload(check=False)
    assert refused.returncode != 0
    assert "auth refuses: x.conf:7: told to refuse; the old settings stay in use everywhere" in refused.stderr
    assert {role["generation"] for role in gate.status()["roles"]} == {1}
    assert gate.greeting()["hostname"] == "mail.example.org"


def test_a_role_that_dies_while_it_is_asked_refuses(gate):
    gate.wait_until_serving()
    before = gate.roles()
    gate.expected_deaths += 1
    gate.settings["hostname"] = '"crash.example.org"'
    refused = gate.reload(check=False)
    assert refused.returncode == 1 and "auth ended while it was asked" in refused.stderr
    roles = gate.wait_until_serving()
    assert {role["generation"] for role in roles} == {1}
    assert [pair for pair in gate.roles() if pair[0] != "auth"] == [p for p in before if p[0] != "auth"]
    gate.settings["hostname"] = '"good.example.org"'
    gate.reload()
    assert gate.greeting()["hostname"] == "good.example.org"


def test_a_role_that_dies_between_the_steps_starts_with_the_new_settings(gate):
    gate.expected_deaths += 1
    gate.settings["hostname"] = '"late.example.org"'
    gate.reload()
    assert gate.greeting()["hostname"] == "late.example.org"
    roles = gate.wait_until_serving()
    assert {role["generation"] for role in roles} == {gate.status()["generation"]}
    assert {role["details"]["generation"] for role in roles} == {gate.status()["generation"]}


def test_a_role_that_needs_a_new_process_gets_one(gate):
    before = dict((role, pid) for role, pid in gate.roles())
    gate.settings["hostname"] = '"anew.example.org"'
    gate.reload()
    after = dict((role, pid) for role, pid in gate.roles())
    assert after.pop("auth") != before.pop("auth") and after == before
    assert {role["details"]["generation"] for role in gate.wait_until_serving()} == {2}
    assert not gate.events_named("role.died")


def test_reloads_asked_for_together_are_one_more(gate):
    """Nobody is turned away: what is asked for while one is under way is done behind it, for all."""
    gate.settings["hostname"] = '"other.example.org"'
    gate.write_config()
    wires = [gate.control() for _ in range(12)]
    try:
        request = json.dumps({"verb": "reload"}).encode()
        for wire in wires:
            wire.sendall(struct.pack(">I", len(request)) + request)
        assert all(answer(wire)["ok"] for wire in wires)
    finally:
        for wire in wires:
            wire.close()
    assert 2 <= gate.status()["generation"] <= 13
    assert gate.greeting()["hostname"] == "other.example.org"


def test_a_reload_waits_for_a_role_that_is_being_started(gate):
    victim = gate.pids("dial")[0]
    gate.expected_deaths += 2
    gate.mode("dial", "slow")
    os.kill(victim, signal.SIGKILL)
    gate.wait_for_event("role.started", {"of": "dial"}, start=len(gate.events))
    gate.settings["hostname"] = '"other.example.org"'
    gate.reload()
    assert {role["details"]["generation"] for role in gate.wait_until_serving()} == {2}


def test_another_address_of_the_same_port(make):
    """From all addresses to one and back: the one that goes does not stand in the way."""
    gate = make()
    port = ground.free_port()
    addresses = [f"*:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", f"*:{port}"]

    def listen(address, **more):
        gate.parts["listeners"]["submission"] = {"tls": "none", "login": "off",
                                                 "address": f'{{ "{address}" }}'}
    listen(addresses[0])
    gate.start()
    for number, address in enumerate(addresses[1:]):
        listen(address)
        gate.settings["hostname"] = '"refused.example.org"'
        assert gate.reload(check=False).returncode == 1
        family = "::1" if addresses[number].startswith("[") else "127.0.0.1"
        assert ground.accepts(port, family)
        gate.settings["hostname"] = f'"h{number}.example.org"'
        gate.reload()
        assert ground.accepts(port, "::1") == (not address.startswith("127"))
        assert ground.accepts(port, "127.0.0.1") == (not address.startswith("["))
    if ground.IS_ROOT:    # the kernel lets a process of the daemon's own user share the port
        with pytest.raises(OSError), socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            other.bind(("127.0.0.1", port))
            other.listen()
    # Two that stay beside each other are refused, as at the start.
    gate.parts["listeners"]["submission"]["address"] = f'{{ "*:{port}", "127.0.0.1:{port}" }}'
    refused = gate.reload(check=False)
    assert refused.returncode == 1 and f"127.0.0.1:{port}" in refused.stderr


def test_reload_adds_and_removes_listeners(gate):
    gate.parts["listeners"]["more"] = {"tls": "none", "login": "off"}
    gate.reload()
    gate.learn_ports()
    added = gate.ports["more"][0]
    assert ground.accepts(added) and ground.accepts(gate.ports["submission"][0])
    gate.parts["listeners"]["more"] = None
    gate.reload()
    until(lambda: not ground.accepts(added), 5, "the listener is gone")
    assert gate.greeting()


def test_reload_changes_the_number_of_workers(gate):
    for workers in (4, 1, 2):
        gate.settings["workers"] = str(workers)
        gate.reload()
        until(lambda: len(gate.pids("smtp")) == workers, 10, "as many as asked for")
        gate.wait_until_serving()
    assert len({role["instance"] for role in gate.status()["roles"] if role["role"] == "smtp"}) == 2


def test_n10_reload_many_times_under_load(gate):
    for turn in range(100):
        gate.settings["hostname"] = f'"h{turn}.example.org"'
        gate.write_config()
        gate.process.send_signal(signal.SIGHUP)
        assert gate.greeting()["hostname"].endswith("example.org")
    gate.reload()
    assert gate.greeting()["hostname"] == "h99.example.org"


def test_logs_are_opened_anew(make):
    gate = make()
    path = f"{gate.path}/events.log"
    gate.parts["log"]["file"] = f'"{path}"'
    gate.write_config()
    assert gate.run_daemon().returncode == 0
    try:
        gate.learn_ports()
        os.rename(path, path + ".1")
        with open(f"{gate.path}/run/pid", encoding="ascii") as pid_file:
            os.kill(int(pid_file.read()), signal.SIGUSR1)
        until(lambda: os.path.exists(path) and "logs.opened" in open(path, encoding="utf-8").read(), 5,
              "the new file")
        gate.settings["hostname"] = '"other.example.org"'
        gate.reload()
        text = open(path, encoding="utf-8").read()
        assert text.count('"role.reloaded"') == len(ROLES) + 1
    finally:
        gate.ctl("stop")
        until(lambda: not os.path.exists(f"{gate.path}/run/pid"), 10, "it ends")


def test_n7_a_log_that_nobody_reads(make):
    gate = make()
    gate.write_config()
    unread, log = os.pipe()
    daemon = subprocess.Popen([gate.program(), "-c", gate.config, "-f"], stdin=subprocess.DEVNULL, stderr=log,
                              stdout=log, cwd="/", start_new_session=True, **ground.as_user())
    os.close(log)
    try:
        until(lambda: gate.ctl("status", check=False).returncode == 0, 10, "it serves")
        gate.learn_ports()
        with gate.control() as wire:
            # Each is a line in the log; a pipe holds 64 KiB.
            for _ in range(1500):
                assert ask(wire, {"verb": "x" * 60})["kind"] == "usage"
        assert gate.greeting()
        assert gate.reload()
    finally:
        daemon.terminate()
        assert daemon.wait(10) == 0
        os.close(unread)


def test_systemd_is_told(make):
    gate = make()
    gate.write_config()
    path = os.path.join(gate.path, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        os.chmod(path, 0o777)
        systemd.settimeout(10)
        daemon = subprocess.Popen([gate.program(), "-c", gate.config, "-f"], stdin=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
                                  env={**os.environ, "NOTIFY_SOCKET": path}, **ground.as_user())
        try:
            assert systemd.recv(4096) == b"READY=1"
            daemon.send_signal(signal.SIGHUP)
            assert systemd.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert systemd.recv(4096) == b"READY=1"
        finally:
            daemon.terminate()
            assert daemon.wait(10) == 0
        assert systemd.recv(4096) == b"STOPPING=1"


def test_logs_are_rolled_by_size(make):
    gate = make()
    path = f"{gate.path}/events.log"
    gate.parts["log"].update({"file": f'"{path}"', "roll": "size", "roll-size": "64K", "level": "info"})
    gate.write_config()
    assert gate.run_daemon().returncode == 0
    try:
        gate.learn_ports()
        with gate.control() as wire:
            while os.path.getsize(path) < 64 * 1024:
                assert ask(wire, {"verb": "x" * 60})["kind"] == "usage"
        until(lambda: len([n for n in os.listdir(gate.path) if n.startswith("events.log.")]) == 1, 10,
              "the file is rolled")
        until(lambda: os.path.exists(path) and os.path.getsize(path) < 4096, 5, "a new file")
        gate.reload()
        assert open(path, encoding="utf-8").read().count('"role.reloaded"') == len(ROLES) + 1
    finally:
        gate.ctl("stop")
        until(lambda: not os.path.exists(f"{gate.path}/run/pid"), 10, "it ends")


# --- the control socket

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
    children = children_of(gate.process.pid)
    gate.ctl("stop")
    assert gate.process.wait(10) == 0
    assert not any(lives(pid) for pid in children)
    assert not os.path.exists(f"{gate.path}/run/control.sock")
