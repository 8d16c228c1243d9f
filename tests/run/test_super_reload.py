# SPDX-License-Identifier: BSD-2-Clause
"""The supervisor, with roles that do little: reloads in two steps, refused, taken, many at once."""
import json
import os
import signal
import socket
import struct
import subprocess

import pytest

from rig import ground, process
from rig.control import answer
from rig.deadline import until


@pytest.fixture
def gate(make_fake):
    return make_fake().start()


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


def test_reload_while_it_starts(make_fake):
    gate = make_fake()
    gate.write_config()
    daemon = subprocess.Popen([gate.program(), "-c", gate.config, "-f"], stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, cwd="/", start_new_session=True, **ground.as_user())
    try:
        # From the control socket on signals are heard; the roles are not there yet.
        until(lambda: os.path.exists(f"{gate.path}/run/control.sock"), 10, "it starts")
        until(lambda: process.children(daemon.pid), 10, "a role is started")
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
    gate.parts["extra"] = "queue {\n  expiri = 5d\n}\n"
    assert 'did you mean "expiry"? The old settings stay' in gate.reload(check=False).stderr
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


def test_another_address_of_the_same_port(make_fake):
    """From all addresses to one and back: the one that goes does not stand in the way."""
    gate = make_fake()
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
