# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue N: processes that hang or crash, logs that block, starting twice, reload, clocks, state folders."""
import itertools
import os
import signal
import subprocess
import time

import pytest

from rig import ground, process
from rig.deadline import until
from rig.judge import deliver, letter
from rig.load import Client, judge
from rig.sallyport import Sallyport

# A process that hangs is found within 2 s here, by default within 30.
QUICK = {"heartbeat": "200ms", "heartbeat-wait": "1800ms"}
# A front end that asks keys for a signature has nothing else to do meanwhile, for at most 2 s.
PATIENT = {"heartbeat": "200ms", "heartbeat-wait": "3500ms"}
RETRY = "queue { retry = { 1s } }\n"
ENDLESS = {"submission": {"tls": "starttls", "transactions": "0"}}    # a connection lasts as long as its client


# --- N6: a role that is killed, crashes or hangs, under load

# What clients may be told meanwhile, by the role that is away: (stage, code), 0 is a connection that ended.
MAY_SAY = {
    "smtp": {(stage, 0) for stage in ("CONNECT", "GREETING", "EHLO", "STARTTLS", "TLS", "AUTH", "MAIL", "RCPT",
                                      "DATA", "END")},
    # It also counts what a login sends, at the end of content.
    "auth": {("AUTH", 454), ("AUTH", 421), ("END", 451)},
    "keys": {("TLS", 0)},
    "queue": {("MAIL", 451), ("MAIL", 452), ("DATA", 451), ("END", 451)},
    "dial": set(),
    "relay": set(),
}


@pytest.mark.parametrize("sign", [signal.SIGSTOP, signal.SIGSEGV, signal.SIGKILL], ids=lambda sign: sign.name)
@pytest.mark.parametrize("role", sorted(MAY_SAY))
def test_N6_a_role_is_gone_under_load(make_gate, hop, token, role, sign):
    """It is found and started again; clients are put off where they need it, and nothing is lost."""
    if sign != signal.SIGSTOP and role in ("dial", "relay"):
        pytest.skip("nobody waits for it: as when it hangs")
    gate = make_gate(listeners=ENDLESS, routes={"*": hop.target}, base=PATIENT if role == "keys" else QUICK,
                     extra=RETRY)
    clients = [Client(gate, token + b"%dz" % number, reconnect=number % 2 == 0) for number in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.wait_for_more(3)
    victim = gate.pids(role)[0]
    others = [pair for pair in gate.roles() if pair[1] != victim]
    start = len(gate.events)
    gate.expected_deaths += 1
    os.kill(victim, sign)
    begin = time.monotonic()
    if sign == signal.SIGSTOP:
        killed = gate.wait_for_event("role.killed", {"of-pid": victim}, 10, start=start)
        assert "heartbeat" in killed["reason"]
    died = gate.wait_for_event("role.died", {"of-pid": victim}, 10, start=start)
    assert time.monotonic() - begin < 10 and died["signal"] in (signal.SIGKILL, sign)
    gate.wait_for_event("role.restart", {"of": role}, start=start)
    gate.wait_until_serving()
    for client in clients:
        client.wait_for_more(3)
        client.finish()
    assert [pair for pair in gate.roles() if pair in others] == others, "nobody else has ended"
    told = set(itertools.chain(*(client.told for client in clients)))
    assert told <= MAY_SAY[role], told
    kept, twice = judge(clients, hop, gate)
    assert kept >= 24 and twice <= (4 if role in ("relay", "queue") else 0)


def test_N6_a_crash_on_and_on_is_slowed_down(make_gate, hop, token):
    gate = make_gate(routes={"*": hop.target}, base=QUICK, extra=RETRY)
    waits = []
    with gate.session() as wire:
        for number in range(3):
            start = len(gate.events)
            gate.expected_deaths += 1
            os.kill(until(lambda: gate.pids("relay"), 10, "relay runs")[0], signal.SIGSEGV)
            waits.append(gate.wait_for_event("role.restart", {"of": "relay"}, start=start)["in-ms"])
            gate.wait_for_event("role.ready", {"role": "relay"}, 10, start=start)
            assert deliver(wire, letter(token + b"%dz" % number)).code == 250
    assert waits[0] < 1000 and waits[1:] == [1000, 2000]
    hop.wait_for_token(token, count=3)


@pytest.mark.parametrize("lack", ["processes", "descriptors"])
def test_E14_super_has_no_means_for_a_new_process(make_gate, hop, token, lack):
    """It tries again, later and later, does not spin, and serves whoever asks; sessions and mail go on."""
    gate = make_gate(routes={"*": hop.target}, extra=RETRY)
    supervisor = gate.process.pid
    with open(f"/proc/{supervisor}/limits", encoding="ascii") as limits:
        before = {line[:26].strip(): line[26:].split()[0] for line in limits}
    what, before, least = ("nproc", before["Max processes"], 0) if lack == "processes" else (
        "nofile", before["Max open files"], 12)
    client = Client(gate, token, reconnect=True)
    client.start()
    try:
        client.wait_for_more(3)
        process.limit(supervisor, what, least)
        start = len(gate.events)
        gate.expected_deaths += 2
        for role in ("relay", "dial"):
            os.kill(pid_of(gate, role), signal.SIGKILL)
        used, begin = process.cpu_s([supervisor]), time.monotonic()
        for wait in (50, 1000):
            for role in ("relay", "dial"):
                gate.wait_for_event("role.restart", {"of": role, "in-ms": wait}, start=start)
        reasons = [event["reason"] for event in gate.events_named("super.failed", start)]
        wanted = "fork: " if lack == "processes" else "Too many open files"
        assert len(reasons) >= 2 and all(wanted in reason for reason in reasons), reasons
        client.wait_for_more(5)
        assert (process.cpu_s([supervisor]) - used) / (time.monotonic() - begin) < 0.2
    finally:
        process.limit(supervisor, what, before)
    gate.wait_until_serving()
    client.finish()
    assert not client.told, client.told
    kept, twice = judge([client], hop, gate)
    assert kept == client.sent and twice <= 4     # what was under way when relay was killed


def pid_of(gate, role):
    """As the log told it: without descriptors nobody is let in to ask."""
    return [event["of-pid"] for event in gate.events_named("role.started") if event["of"] == role][-1]


# --- N7: a log that takes nothing

class Unread:
    """A log that is a pipe, of which the reader reads up to now and then no more."""

    def __init__(self, path):
        self.path = path
        os.mkfifo(path, 0o600)
        ground.give(path)
        self.end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def fill(self):
        into = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            while True:
                os.write(into, b"x" * 4096)
        except BlockingIOError:
            pass
        finally:
            os.close(into)

    def close(self):
        os.close(self.end)


@pytest.mark.parametrize("kind", ["full-disk", "full-pipe", "no-reader"])
def test_N7_mail_flows_though_no_log_can_be_written(make_gate, hop, token, kind):
    folder = ground.folder("logs")
    path = {"full-disk": "/dev/full"}.get(kind, f"{folder}/events")
    unread = None if kind == "full-disk" else Unread(path)
    try:
        if unread:
            os.symlink(path, f"{folder}/smtp.log")
        else:
            os.symlink("/dev/full", f"{folder}/smtp.log")
        gate = make_gate(routes={"*": hop.target}, log={
            "file": f'"{path}"', "protocol-log": "csv", "protocol-directory": f'"{folder}"'})
        if kind == "full-pipe":
            unread.fill()
        elif kind == "no-reader":
            unread.close()
        clients = [Client(gate, token + b"%dz" % number, reconnect=True) for number in range(2)]
        for client in clients:
            client.start()
        for client in clients:
            client.wait_for_more(10)
        gate.ctl("status")
        if kind == "full-disk":     # a pipe without a reader cannot be opened: the old one stays
            gate.reload()
        gate.process.send_signal(signal.SIGUSR1)
        for client in clients:
            client.wait_for_more(5)
            client.finish()
            assert not client.told, client.told
        assert judge(clients, hop, gate) == (sum(client.sent for client in clients), 0)
    finally:
        if kind == "full-pipe":
            unread.close()
        ground.remove(folder)


# --- N9: a second daemon

def run_second(gate, **settings):
    second = Sallyport(path=ground.folder("second"), certificates=gate.parts["certificates"],
                       routes=gate.parts["routes"])
    second.settings.update(settings)
    second.write_config()
    begin = time.monotonic()
    try:
        done = subprocess.run([ground.program("sallyportd"), "-c", second.config, "-f"], timeout=20,
                              capture_output=True, text=True, cwd="/", **ground.as_user())
        return done, time.monotonic() - begin
    finally:
        ground.remove(second.path)


@pytest.mark.parametrize("shared", ["run-dir", "state-dir"])
def test_N9_a_second_daemon_is_refused_at_once(make_gate, hop, token, shared):
    gate = make_gate(routes={"*": hop.target})
    before = gate.roles()
    with gate.transaction() as wire:
        done, seconds = run_second(gate, **{shared: gate.settings[shared]})
        wanted = "is in use by another daemon" if shared == "state-dir" else "is running already"
        assert done.returncode == 1 and wanted in done.stderr, done.stderr
        assert gate.settings[shared].strip('"') in done.stderr
        # Some tens of milliseconds; five seconds where a role had to find out by itself.
        assert seconds < 3, seconds
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    hop.wait_for_token(token)
    assert gate.roles() == before
    gate.ctl("status")


def test_N9_what_a_crash_left_behind_is_no_obstacle(make_gate, hop, token):
    gate = make_gate(routes={"*": hop.target})
    gate.kill()
    for name in ("run/pid", "run/control.sock"):
        assert os.path.exists(f"{gate.path}/{name}")
    ground.write(f"{gate.path}/run/pid", "1\n", 0o644)
    gate.events.clear()
    gate.start()
    with gate.session() as wire:
        assert deliver(wire, letter(token)).code == 250
    hop.wait_for_token(token)


# --- N10: reload

def test_N10_an_error_keeps_the_old_configuration_under_load(make_gate, hop, token):
    gate = make_gate(listeners=ENDLESS, routes={"*": hop.target})
    clients = [Client(gate, token + b"%dz" % number, reconnect=number % 2 == 0) for number in range(2)]
    for client in clients:
        client.start()
    faults = ["no-such-setting = 1\n", 'listener "x" {\n', 'route "x.test" { to = "smtp:127.0.0.1:25" '
              'user = "u" secret-file = "/no/such/file" }\n',
              'tls "more" { certificate = "/dev/null" key = "/dev/null" }\n']
    generation = gate.status()["generation"]
    for turn in range(12):
        gate.parts["extra"] = faults[turn % len(faults)]
        done = gate.reload(check=False)
        assert done.returncode == 1 and "the old settings stay in use everywhere" in done.stderr, done.stderr
    gate.parts["extra"] = ""
    gate.write_config()
    for client in clients:
        client.wait_for_more(5)
        client.finish()
        assert not client.told, client.told
    assert gate.status()["generation"] == generation
    assert {role["generation"] for role in gate.status()["roles"]} == {generation}
    assert judge(clients, hop, gate) == (sum(client.sent for client in clients), 0)


# --- N11: identifiers

def test_N11_ids_are_unique_across_restarts_and_a_restored_state(make_gate, hop, token):
    """Of messages, and of sessions in the log; also where the state is one of before."""
    gate = make_gate(routes={"*": hop.target})
    found = []

    def send(count):
        for number in range(count):
            with gate.session() as wire:
                reply = deliver(wire, letter(token + b"%dz" % len(found)))
                assert reply.code == 250
                found.append(reply.text.rsplit(" ", 1)[-1])
        # What still waits would be gone with the state, or be there twice.
        gate.wait_until_queue_is_empty()
    send(5)
    gate.stop()
    backup = ground.folder("backup")
    try:
        subprocess.run(["cp", "-a", f"{gate.path}/state", backup], check=True)
        gate.start()
        send(5)
        gate.stop()
        subprocess.run(["rm", "-rf", f"{gate.path}/state"], check=True)
        subprocess.run(["cp", "-a", f"{backup}/state", gate.path], check=True)
        gate.start()
        send(5)
        gate.expected_deaths += 2
        for pid in gate.pids("smtp"):
            os.kill(pid, signal.SIGKILL)
        gate.wait_until_serving()
        send(5)
    finally:
        ground.remove(backup)
    assert len(set(found)) == 20, sorted(found)
    hop.wait_for_token(token, count=20)
    sessions = [event["sid"] for event in gate.events_named("client.opened")]
    assert len(set(sessions)) == len(sessions) >= 10


# --- N12: a state folder that is of no use

@pytest.fixture
def refused():
    """sallyportd to its end, in mounts of its own that a shell script makes first."""
    gates = []

    def run(script, user=True):
        gate = Sallyport(certificates=(), listeners={"submission": {"tls": "none", "login": "off"},
                                                     "submissions": None},
                         routes={"*": "smtp:127.0.0.1:9"}, path=ground.folder("gate"))
        gates.append(gate)
        gate.write_config()
        as_user = f"setpriv --reuid {ground.USER.pw_uid} --regid {ground.USER.pw_gid} --clear-groups "
        words = script.format(state=f"{gate.path}/state", user=ground.USER.pw_uid)
        argv = ["unshare", "--mount", "sh", "-ec",
                f"{words}\nexec {as_user if user else ''}{ground.program('sallyportd')} -c {gate.config} -f"]
        return subprocess.run(argv, capture_output=True, text=True, timeout=20, cwd="/"), gate
    yield run
    for gate in gates:
        ground.remove(gate.path)


def may_mount():
    return ground.IS_ROOT and subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


@pytest.mark.skipif(not ground.IS_ROOT, reason="not root")
@pytest.mark.parametrize("fault", ["read-only", "owner", "full", "file"])
def test_N12_a_state_folder_that_is_of_no_use(refused, fault):
    """The start is refused, and the reason names the folder."""
    if fault in ("read-only", "full") and not may_mount():
        pytest.skip("no mounts here")
    script, words = {
        "read-only": ("mount --bind {state} {state}; mount -o remount,bind,ro {state}", ("Read-only",)),
        "owner": ("mkdir {state}/queue; chown root {state}/queue; chmod 700 {state}/queue", ("ermission", "owner")),
        "full": ("mount -t tmpfs -o size=64k,uid={user},mode=700 tmpfs {state}; "
                 "dd if=/dev/zero of={state}/filler 2>/dev/null || true", ("No space", "full")),
        "file": ("rmdir {state}; echo > {state}", ("ot a directory", "exists")),
    }[fault]
    done, gate = refused(script)
    assert done.returncode not in (0, None) and any(word in done.stderr for word in words), done.stderr
    assert f"{gate.path}/state" in done.stderr, done.stderr
    assert not os.path.exists(f"{gate.path}/run/control.sock")
