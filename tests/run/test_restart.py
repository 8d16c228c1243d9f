# SPDX-License-Identifier: BSD-2-Clause
"""Death of a role, of several and of super, with sessions open and messages under way."""
import base64
import os
import signal
import threading
import time

import pytest

from rig import process, scram
from rig.deadline import until
from rig.judge import deliver, letter
from rig.wire import Closed, b64

BACK_ENDS = ("auth", "keys", "dial", "queue", "relay")
LARGE = (b"y" * 76 + b"\r\n") * 2000     # more than stays in memory


@pytest.fixture
def daemon(make_gate, hop):
    """One for each test: how often a role died decides how long it waits."""
    return make_gate(routes={"*": hop.target}, extra='queue { retry = { 1s } }\n')


def stop(gate, pid):
    """Nothing more is done there; what others send it stays unread."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: process.state(pid) in "Tt", 5, "it stands")


def kill(gate, pid):
    gate.expected_deaths += 1
    os.kill(pid, signal.SIGKILL)


def restart(gate, role):
    """Kills the (first) process of a role and waits until there is another, linked to all."""
    victim = gate.pids(role)[0]
    start = len(gate.events)
    kill(gate, victim)
    gate.wait_for_event("role.died", {"of-pid": victim, "signal": 9}, start=start)
    gate.wait_for_event("role.restart", {"of": role}, start=start)
    gate.wait_until_serving()
    assert victim not in gate.pids(role)


def server_of(gate, wire):
    """The front end that a client is connected to."""
    return gate.wait_for_event("client.opened", {"client": wire.source})["pid"]


def send_again(gate, sent, reply):
    """What a client does after a 4xx."""
    if reply.code != 250:
        assert 400 <= reply.code < 500, reply
        with gate.session() as wire:
            assert deliver(wire, sent).code == 250


# --- one role

@pytest.mark.parametrize("role", BACK_ENDS)
def test_N6_a_back_end_dies_and_sessions_go_on(daemon, hop, token, role):
    """Idle sessions live; messages under way, small and large, arrive once; new clients are served."""
    gate = daemon
    small, large = letter(token + b"small"), letter(token + b"large", LARGE)
    with gate.session() as idle, gate.transaction() as first, gate.transaction() as second:
        others = [pair for pair in gate.roles() if pair[0] != role]
        first.expect(354, b"DATA")
        first.send(small[:50])
        second.expect(354, b"DATA")
        second.send(large[:100000])
        second.wait_until_read()
        restart(gate, role)
        first.send(small[50:] + b".\r\n")
        second.send(large[100000:] + b".\r\n")
        assert first.reply().code == 250
        # Its body was in a file of the queue that died.
        reply = second.reply()
        assert reply.code == 250 or role == "queue", reply
        send_again(gate, large, reply)
        idle.expect(250, b"NOOP")
        assert deliver(idle, letter(token + b"idle")).code == 250
        with gate.session(listener="submissions") as new:
            assert deliver(new, letter(token + b"new")).code == 250
        assert [pair for pair in gate.roles() if pair[0] != role] == others
    for word in (b"small", b"large", b"idle", b"new"):
        hop.wait_for_token(token + word)
        assert len(hop.with_token(token + word)) == 1
    assert hop.with_token(token + b"large")[0].content.endswith(large)


def test_N6_a_front_end_dies_and_those_of_the_other_go_on(daemon, hop, token):
    gate = daemon
    wires = [gate.transaction() for _ in range(12)]
    try:
        servers = [server_of(gate, wire) for wire in wires]
        assert set(servers) == set(gate.pids("smtp")), "both have clients"
        victim = gate.pids("smtp")[0]
        for wire in wires:
            wire.expect(354, b"DATA")
        restart(gate, "smtp")
        for number, (server, wire) in enumerate(zip(servers, wires)):
            if server == victim:
                assert wire.is_closed()
                continue
            wire.send(letter(token + b"%dx" % number) + b".\r\n")
            assert wire.reply().code == 250
            hop.wait_for_token(token + b"%dx" % number)
        assert len(gate.ctl_json("sessions", "list")["sessions"]) == len(
            [server for server in servers if server != victim])
    finally:
        for wire in wires:
            wire.close()
    # Its counters are given back: a whole address full of connections is free again.
    until(lambda: not gate.ctl_json("sessions", "list")["sessions"], 5, "all are gone")


def test_counters_of_a_dead_front_end_are_given_back(make_gate, hop):
    gate = make_gate(routes={"*": hop.target}, base={"workers": "1"},
                     listeners={"submission": {"connections-per-address": "3"}})
    wires = [gate.wire(source="127.0.0.77") for _ in range(3)]
    for wire in wires:
        assert wire.reply().code == 220
    with gate.wire(source="127.0.0.77") as wire:
        assert wire.reply().code == 421
    restart(gate, "smtp")
    again = [gate.wire(source="127.0.0.77") for _ in range(3)]
    for wire in again:
        assert wire.reply().code == 220
    for wire in wires + again:
        wire.close()


# --- auth

def test_sessions_are_listed_counted_and_ended_after_a_restart_of_auth(make_gate, hop):
    gate = make_gate(routes={"*": hop.target}, limits={"connections-per-login": "3"})

    def listed():
        rows = gate.ctl_json("sessions", "list")["sessions"]
        for row in rows:    # each side has looked at the clock by itself
            assert abs(row.pop("since_ms") - time.time() * 1000) < 10000
        return sorted(rows, key=lambda row: row["session"])
    with gate.session() as first, gate.session() as second, gate.session("bob") as third:
        before = listed()
        assert [row["login"] for row in before].count("alice") == 2
        restart(gate, "auth")
        assert listed() == before
        with gate.session() as fourth, gate.secure() as fifth:
            assert fifth.auth_plain().code in (421, 454), "a fourth one is over the limit"
            fourth.expect(250, b"NOOP")
        gate.ctl("sessions", "kick", "--session", session_of(before, first))
        assert first.command(b"NOOP").code == 421
        gate.ctl("account", "disable", "alice")
        assert second.command(b"NOOP").code == 421
        third.expect(250, b"NOOP")


def session_of(rows, wire):
    return next(row["session"] for row in rows if row["address"].startswith(wire.source))


def test_a_login_under_way_when_auth_dies(daemon):
    """It is put off, not refused, and comes about at the second try."""
    gate = daemon
    with gate.secure() as plain, gate.secure() as challenged:
        client = scram.Scram("alice", "alicepw")
        challenged.send(b"AUTH SCRAM-SHA-256 " + b64(client.first()) + b"\r\n")
        challenge = challenged.reply()
        assert challenge.code == 334
        victim = gate.pids("auth")[0]
        stop(gate, victim)
        plain.send(b"AUTH PLAIN " + b64("\0alice\0alicepw") + b"\r\n")
        plain.wait_until_read()
        kill(gate, victim)
        assert (plain.reply().code, gate.wait_for_event("role.died", {"of": "auth"})["signal"]) == (454, 9)
        gate.wait_until_serving()
        challenged.send(b64(client.final(base64.b64decode(challenge.text))) + b"\r\n")
        assert challenged.reply().code == 454
        for wire in (plain, challenged):
            wire.login()
            wire.expect(250, b"MAIL FROM:<alice@example.org>")


def test_what_was_revoked_stays_so_for_a_new_queue(daemon, hop, token):
    gate = daemon
    with gate.transaction() as wire:
        wire.expect(354, b"DATA")
        wire.send(letter(token))
        gate.ctl("account", "disable", "alice")
        restart(gate, "queue")
        wire.send(b".\r\n")
        assert wire.reply().code == 451
        assert wire.command(b"NOOP").code == 421
    assert not hop.with_token(token)


# --- queue and relay: the table of doc/spool.md

def test_a_commit_that_was_not_answered_is_sent_again(daemon, hop, token):
    gate = daemon
    with gate.transaction() as wire:
        wire.expect(354, b"DATA")
        victim = gate.pids("queue")[0]
        stop(gate, victim)
        wire.send(letter(token) + b".\r\n")
        wire.wait_until_read()
        assert wire.is_silent(0.1)
        kill(gate, victim)
        reply = wire.reply()
        assert reply.code == 250, reply
        assert wire.is_silent(0.1)
    hop.wait_for_token(token)
    gate.wait_until_queue_is_empty()
    assert len(hop.with_token(token)) == 1


def test_results_are_sent_again_to_a_new_queue(daemon, hop, token):
    """The hop has the message, the queue died before it heard of it: it does not go out twice."""
    gate = daemon
    answer = threading.Event()
    hop.script["END"] = answer
    with gate.session() as wire:
        assert deliver(wire, letter(token)).code == 250
    hop.wait_for_session(lambda s: any(verb == "DATA" for verb, _ in s.commands))
    victim = gate.pids("queue")[0]
    stop(gate, victim)
    answer.set()
    hop.wait_for_token(token)
    kill(gate, victim)
    gate.wait_until_serving()
    gate.wait_until_queue_is_empty()
    tracked = gate.ctl_json("track", "alice")["messages"]
    assert [message["state"] for message in tracked] == ["delivered"], tracked
    assert len(hop.with_token(token)) == 1


def test_a_job_whose_relay_died_is_done_again(daemon, hop, token):
    gate = daemon
    hop.script["DATA"] = threading.Event()
    with gate.session() as wire:
        assert deliver(wire, letter(token)).code == 250
    hop.wait_for_session(lambda s: any(verb == "DATA" for verb, _ in s.commands))
    del hop.script["DATA"]
    restart(gate, "relay")
    hop.wait_for_token(token)
    gate.wait_until_queue_is_empty()
    message = gate.ctl_json("track", "alice")["messages"][0]
    assert (message["state"], message["recipients"][0]["attempts"]) == ("delivered", 1), message
    assert len(hop.with_token(token)) == 1


# --- keys

def test_a_handshake_under_way_when_keys_dies(daemon):
    gate = daemon
    with gate.wire("submissions") as wire:
        victim = gate.pids("keys")[0]
        stop(gate, victim)
        done = []
        thread = threading.Thread(target=lambda: done.append(attempt(wire)), daemon=True)
        thread.start()
        wire.wait_until_read()
        kill(gate, victim)
        thread.join(10)
        assert done, "the handshake neither fails nor succeeds"
    gate.wait_until_serving()
    with gate.session(listener="submissions") as new:
        new.expect(250, b"NOOP")


def attempt(wire):
    try:
        wire.handshake()
        return True
    except (Closed, OSError) as fault:
        return fault


# --- all of them

def test_all_roles_die_at_once(daemon, hop, token):
    gate = daemon
    hop.script["CONNECT"] = [None] * 3
    with gate.session() as wire:
        for number in range(5):
            assert deliver(wire, letter(token + b"%dx" % number)).code == 250
        for role, pid in gate.roles():
            if role != "super":
                kill(gate, pid)
        assert wire.is_closed()
    gate.wait_until_serving()
    hop.wait_for_token(token, count=5)
    gate.wait_until_queue_is_empty()
    with gate.session() as wire:
        assert deliver(wire, letter(token + b"after")).code == 250


def test_super_dies_and_starts_again(daemon, hop, token):
    """Clients are told, roles end, and the next start finds the mail and the accounts."""
    gate = daemon
    hop.script["CONNECT"] = b"421 4.3.2 not now\r\n"
    roles = [pid for role, pid in gate.roles() if role != "super"]
    with gate.session() as idle, gate.transaction() as busy:
        busy.expect(354, b"DATA")
        busy.send(letter(token))
        assert deliver(idle, letter(token + b"queued")).code == 250
        os.kill(gate.process.pid, signal.SIGKILL)
        assert [reply.code for reply in idle.replies_until_end()] == [421]
        busy.send(b".\r\n")
        codes = [reply.code for reply in busy.replies_until_end()]
        assert codes in ([250, 421], [451, 421], [421]), codes
    until(lambda: not any(process.lives(pid) for pid in roles), 20, "every role ends")
    gate.kill()
    gate.judge_log()
    assert os.path.exists(f"{gate.path}/run/pid") and os.path.exists(f"{gate.path}/run/control.sock")
    gate.events.clear()
    gate.expected_deaths = 0
    del hop.script["CONNECT"]
    gate.start()
    hop.wait_for_token(token + b"queued")
    gate.wait_until_queue_is_empty()
    assert len(hop.with_token(token)) == 1 + (250 in codes)
    with gate.session() as wire:
        wire.expect(250, b"NOOP")
