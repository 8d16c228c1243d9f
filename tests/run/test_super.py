# SPDX-License-Identifier: BSD-2-Clause
"""The supervisor, with roles that do little: start, what each process has, death, hanging, garbage."""
import os
import signal
import socket

import pytest

from rig import ground, process
from rig.deadline import until
from rig.fake_roles import BACK


@pytest.fixture
def gate(make_fake):
    return make_fake().start()


# --- start

def test_all_roles_run_and_are_linked(gate):
    roles = gate.wait_until_serving()
    assert sorted(r["role"] for r in roles) == sorted(ground.ROLES + ("smtp",))
    for role in roles:
        assert role["details"]["links"] == BACK.get(role["role"], 4), role
    assert sorted(r["instance"] for r in roles if r["role"] == "smtp") == [0, 1]
    assert gate.greeting()["hostname"] == "mail.example.org"


def test_n9_second_start_ends_and_first_is_unharmed(gate):
    before = gate.roles()
    second = gate.run_daemon("-f")
    assert second.returncode == 1 and "running already" in second.stderr
    assert gate.roles() == before and gate.greeting()


def test_n9_start_after_kill(make_fake):
    gate = make_fake().start()
    gate.kill()
    assert os.path.exists(f"{gate.path}/run/control.sock") and os.path.exists(f"{gate.path}/run/pid")
    gate.start()
    assert gate.greeting()


def test_death_of_super_ends_every_role(gate):
    children = process.children(gate.process.pid)
    assert len(children) == len(ground.ROLES) + 1
    os.kill(gate.process.pid, signal.SIGKILL)
    until(lambda: not any(process.lives(pid) for pid in children), 10, "every role ends")
    gate.kill()
    gate.process = None


@pytest.mark.parametrize("mode", ("fail", "abort"))
def test_start_fails_with_a_role(make_fake, mode):
    gate = make_fake()
    gate.write_config()
    gate.mode("queue", mode)
    ended = gate.run_daemon("-f")
    assert ended.returncode == (78 if mode == "fail" else 1)
    assert "queue" in ended.stderr and ("told to fail" in ended.stderr or '"signal":9' in ended.stderr)
    assert not os.path.exists(f"{gate.path}/run/pid")


def test_start_refused_when_a_port_is_taken(make_fake):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        gate = make_fake(listeners={"submission": {"tls": "none", "login": "off",
                                              "address": f'{{ "127.0.0.1:{port}" }}'}})
        gate.write_config()
        ended = gate.run_daemon("-f")
    assert ended.returncode == 1 and f"127.0.0.1:{port}" in ended.stderr


@pytest.mark.parametrize("fault", ("mode", "missing", "folder"))
def test_start_refused_for_a_bad_key_file(make_fake, certificate, fault):
    gate = make_fake()
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


def test_arguments(make_fake):
    gate = make_fake()
    gate.write_config()
    assert gate.run_daemon("-t").returncode == 0
    assert gate.run_daemon("--version").stdout.startswith("sallyportd ")
    assert gate.run_daemon("--no-such-option").returncode == 2
    assert gate.run_daemon("--ready-fd", "1").returncode == 2
    assert gate.run_daemon("left-over").returncode == 2
    ground.write(gate.config, "hostname = \n", 0o644)
    assert gate.run_daemon("-t").returncode == 1


def test_background_only_after_ready(make_fake):
    gate = make_fake()
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
        until(lambda: not process.lives(pid), 10, "it ends")


def test_background_failure_is_the_status(make_fake):
    gate = make_fake()
    gate.parts["log"]["file"] = f'"{gate.path}/events.log"'
    gate.write_config()
    gate.mode("relay", "fail")
    ended = gate.run_daemon()
    assert ended.returncode == 1 and "relay could not start" in ended.stderr
    assert "told to fail" in open(f"{gate.path}/events.log", encoding="utf-8").read()


# --- what a process has

def test_h10_environment_and_arguments(gate):
    for pid in process.children(gate.process.pid):
        with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            assert cmdline.read().count(b"\0") == 1
        # Not dumpable: only root may look.
        if ground.IS_ROOT:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                names = {entry.split(b"=")[0] for entry in environ.read().split(b"\0") if entry}
            assert names <= {b"ASAN_OPTIONS", b"UBSAN_OPTIONS", b"LSAN_OPTIONS", b"KRB5_CONFIG"}


def test_p1_process_status(gate):
    for pid in [gate.process.pid, *process.children(gate.process.pid)]:
        status = process.status(pid)
        assert status["CapEff"] == status["CapPrm"] == "0" * 16
        assert status["NoNewPrivs"].strip() == "1"
        if not ground.SANITIZED:
            assert status["Seccomp"].strip() == "2"
        with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
            core = [line for line in limits if line.startswith("Max core file size")]
        assert core[0].split()[4:6] == ["0", "0"]


@pytest.mark.skipif(not ground.IS_ROOT, reason="not root")
def test_p1_as_root_each_role_is_its_own_user(make_fake):
    gate = make_fake(as_root=True, users={role: f'"{user}"' for role, user in ground.USERS.items()}).start()
    uids = set()
    for role, pid in gate.roles():
        status = process.status(pid)
        if role == "super":
            assert status["CapEff"] == status["CapBnd"] == status["CapPrm"]
            # DAC_READ_SEARCH, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE
            assert int(status["CapEff"], 16) == 1 << 2 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10
            continue
        assert int(status["Uid"].split()[0]) != 0
        assert status["Groups"].strip() == ""
        assert status["CapBnd"] == status["CapEff"] == "0" * 16
        uids.add((role, status["Uid"]))
    assert len({uid for _, uid in uids}) == len(uids) == len(ground.ROLES)
    for part, role in (("auth", "auth"), ("queue", "queue")):
        found = os.stat(f"{gate.path}/state/{part}")
        assert found.st_mode & 0o777 == 0o700
        assert (role, "\t".join([str(found.st_uid)] * 4)) in uids
    gate.expected_deaths += 1
    os.kill(gate.pids("smtp")[0], signal.SIGKILL)
    until(lambda: len(gate.pids("smtp")) == 2, 10, "the killed one is back, as its user")
    assert os.stat(f"{gate.path}/run/control.sock").st_mode & 0o777 == 0o660


# --- death and its like

@pytest.mark.parametrize("role", ground.ROLES)
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


def test_n6_stopped_process_is_found_by_its_heartbeat(make_fake):
    gate = make_fake(base={"heartbeat": "100ms", "heartbeat-wait": "900ms"}).start()
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


def test_lost_link_is_made_anew(make_fake):
    gate = make_fake()
    gate.mode("queue", "lose")
    gate.start()

    def linked():
        counts = {role["role"]: role["details"]["linked"] for role in gate.wait_until_serving()}
        return counts["queue"] == BACK["queue"] + 1 and counts["auth"] == BACK["auth"] + 1
    until(linked, 5, lambda: f"one link more: {gate.status()}")
    assert {role["role"]: role["details"]["links"] for role in gate.status()["roles"]} == {
        "smtp": 4, **BACK}


def test_role_that_does_not_stop_is_killed(make_fake):
    gate = make_fake()
    gate.mode("relay", "stay")
    gate.start()
    gate.expected_deaths += 1
    gate.process.send_signal(signal.SIGTERM)
    assert gate.process.wait(25) == 0
    gate.stop()
    assert any(event["event"] == "role.failed" or event["event"] == "role.killed" for event in gate.events)
