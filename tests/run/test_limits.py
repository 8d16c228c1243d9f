# SPDX-License-Identifier: BSD-2-Clause
"""Budgets: a stolen account is held, told once, released or purged; what a client meets, and what outlives auth."""
import contextlib
import email
import email.policy
import os
import signal
import sqlite3
import subprocess

import pytest

from rig.deadline import until
from rig.judge import deliver, letter
from rig.sink import Sink

STRICT = email.policy.SMTP.clone(raise_on_defect=True)
POSTMASTER = "root@example.org"
DAY_MS = 24 * 3600 * 1000
NO = 1


@pytest.fixture(scope="module")
def notices():
    """Where notices go: apart from the mail of the tests."""
    hop = Sink()
    yield hop
    hop.stop()


@pytest.fixture
def make(make_gate, sink, notices):
    def made(limits, **settings):
        settings.setdefault("base", {"postmaster": f'"{POSTMASTER}"'})
        return make_gate(routes={"example.org": notices.target, "*": sink.target}, limits=limits, **settings)
    notices.messages.clear()
    return made


def send(gate, token, number, recipient=b"u@example.net", login="alice", **session):
    with gate.session(login, **session) as wire:
        return deliver(wire, letter(token + b"n%dx" % number, sender=b"<%s@example.org>" % login.encode()),
                       sender=b"%s@example.org" % login.encode(), recipient=recipient)


def answers(gate, token, count, first=0, **more):
    """(code, enhanced) of so many messages over one connection."""
    login = more.get("login", "alice").encode()
    found = []
    with gate.session(login.decode()) as wire:
        for number in range(first, first + count):
            reply = deliver(wire, letter(token + b"n%dx" % number, sender=b"<%s@example.org>" % login),
                            sender=b"%s@example.org" % login)
            found.append((reply.code, reply.enhanced))
    return found


def held(gate, login="alice"):
    return [m for m in gate.ctl_json("queue", "list", "--held", "--login", login)["messages"]]


def spent(gate, who="alice"):
    rows = gate.ctl_json("limits", "show", who)["limits"]
    return {row["limit"]: row["spent"] for row in rows}


def told(notices, recipient):
    return [m for m in notices.messages if m.recipients == [recipient] or recipient in str(m.recipients)]


def kill_auth(gate):
    victim = gate.pids("auth")[0]
    start = len(gate.events)
    gate.expected_deaths += 1
    os.kill(victim, signal.SIGKILL)
    gate.wait_for_event("role.restart", {"of": "auth"}, start=start)
    gate.wait_until_serving()


def test_a_stolen_account_is_held(make, sink, notices, token):
    """100 messages with a budget of 10: 10 go, the next are held up to the cap; one notice each; others go on."""
    gate = make({"messages-per-hour": "10", "over": "hold", "held-messages": "30"})
    codes = answers(gate, token, 100)
    assert codes == [(250, "2.0.0")] * 40 + [(452, "4.7.1")] * 60, codes
    sink.wait_for_token(token, count=10)
    assert len(held(gate)) == 30
    assert {m["reason"] for m in held(gate)} == {"More than 10 messages in an hour"}
    assert send(gate, token + b"bob", 1, login="bob").code == 250
    sink.wait_for_token(token + b"bob")
    until(lambda: len(notices.messages) >= 2, 10, lambda: notices.messages)
    gate.wait_for_event("login.held", {"login": "alice"})
    gate.wait_for_event("usage.kept", {"held": 1})
    # Whatever comes now, and over a restart of auth and of all: nobody is told again.
    kill_auth(gate)
    answers(gate, token, 3, first=100)
    gate.stop()
    gate.start()
    answers(gate, token, 3, first=200)
    for message in notices.messages:
        parsed = email.message_from_bytes(message.raw, policy=STRICT)
        assert message.sender == b"" and parsed["Auto-Submitted"] == "auto-generated", message
        assert "More than 10 messages in an hour" in parsed.get_content()
    assert len(told(notices, "alice@example.org")) == 1
    assert len(told(notices, POSTMASTER)) == 1
    assert "queue delete --login alice --held" in told(notices, POSTMASTER)[0].raw.decode()
    # One command lets all go, once each.
    gate.ctl("queue", "release", "--login", "alice")
    sink.wait_for_token(token, count=41)
    gate.wait_until_queue_is_empty()
    assert len(sink.with_token(token)) == 41
    # It is still over its budget; somebody has looked, so it is told anew.
    assert answers(gate, token, 2, first=300) == [(250, "2.0.0")] * 2
    until(lambda: len(told(notices, POSTMASTER)) == 2, 10, lambda: notices.messages)
    gate.ctl("queue", "delete", "--login", "alice", "--held")
    assert held(gate) == []
    gate.wait_until_queue_is_empty()
    assert len(sink.with_token(token)) == 41
    assert len(told(notices, POSTMASTER)) == 2 and len(told(notices, "alice@example.org")) == 2


@pytest.mark.parametrize("over, code, enhanced", [("tempfail", 452, "4.7.1"), ("refuse", 550, "5.7.1")])
def test_put_off_or_refused(make, token, over, code, enhanced):
    """Every refusal tells which limit it met; the log has the same words."""
    gate = make({"messages-per-day": "2", "recipients-per-hour": "3", "over": over})
    assert answers(gate, token, 2) == [(250, "2.0.0")] * 2
    reply = send(gate, token, 3)
    assert (reply.code, reply.enhanced) == (code, enhanced), reply
    text = "More than 2 messages in a day"
    assert text in str(reply), reply
    assert gate.wait_for_event("smtp.refused", {"at": "message"})["text"] == text
    # In one message more than there ever is room for: to try again would not help.
    with gate.session("bob") as wire:
        wire.expect(250, b"MAIL FROM:<bob@example.org>")
        for number in range(4):
            wire.expect(250, b"RCPT TO:<u%d@example.net>" % number)
        wire.expect(354, b"DATA")
        wire.send(letter(token + b"many", sender=b"<bob@example.org>") + b".\r\n")
        assert wire.reply().code == 550
    assert spent(gate, "bob")["recipients-per-hour"] == 0


def test_burst_and_cut_off(make, token):
    gate = make({"messages-per-hour": "10", "burst": "30", "cut-off": "50", "over": "hold"})
    codes = [code for code, _ in answers(gate, token, 13)]
    # Three at once, then five held; one more for what came back in between.
    taken = codes.count(250)
    assert taken in (8, 9) and codes == [250] * taken + [550] * (13 - taken), codes
    assert len(held(gate)) == taken - 3
    assert "room again" in str(send(gate, token, 99))


def test_what_is_not_queued_costs_nothing(make, token):
    """A COMMIT that the queue refuses, and a message that was sent before."""
    gate = make({"messages-per-hour": "5", "over": "hold", "held-messages": "1"})
    for _ in range(4):
        assert send(gate, token, 1).code == 250
    assert spent(gate)["messages-per-hour"] == 1
    assert answers(gate, token, 5, first=2) == [(250, "2.0.0")] * 5
    assert spent(gate)["messages-per-hour"] == 6
    for number in range(5):
        assert send(gate, token, 50 + number).code == 452
    until(lambda: spent(gate)["messages-per-hour"] == 6, 5, lambda: spent(gate))


def test_what_is_overdrawn_is_not_given_back(make, token):
    """The same held message, sent again by many sessions at once, makes no room for what is not held."""
    gate = make({"messages-per-hour": "2", "over": "hold"})
    assert answers(gate, token, 6) == [(250, "2.0.0")] * 6
    assert spent(gate)["messages-per-hour"] == 4
    again = letter(token + b"n5x", sender=b"<alice@example.org>") + b".\r\n"
    with contextlib.ExitStack() as sessions:
        wires = [sessions.enter_context(gate.session("alice")) for _ in range(6)]
        for wire in wires:
            wire.expect(250, b"MAIL FROM:<alice@example.org>")
            wire.expect(250, b"RCPT TO:<u@example.net>")
            wire.expect(354, b"DATA")
        for wire in wires:
            wire.send(again)
        assert [wire.reply().code for wire in wires] == [250] * 6
    assert len(held(gate)) == 4
    assert send(gate, token, 50).code == 250
    assert len(held(gate)) == 5
    assert len(gate.events_named("login.held")) == 1


def move(gate, ms):
    """What was spent was spent that much earlier: as if the time had passed."""
    path = os.path.join(gate.path, "state/auth/accounts.db")
    owner = os.stat(path)
    with sqlite3.connect(path) as db:
        for key, content in db.execute("SELECT key, content FROM usage").fetchall():
            at = 1 + 4 + int.from_bytes(content[1:5], "big") + 8 + 1
            moved = bytearray(content)
            while at < len(moved):
                stamp = int.from_bytes(moved[at + 8:at + 16], "big")
                moved[at + 8:at + 16] = (stamp - ms).to_bytes(8, "big")
                at += 17
            db.execute("UPDATE usage SET content = ? WHERE key = ?", (bytes(moved), key))
    db.close()
    for name in ("accounts.db", "accounts.db-wal", "accounts.db-shm", "accounts.db-journal"):
        if os.path.exists(os.path.join(os.path.dirname(path), name)):
            os.chown(os.path.join(os.path.dirname(path), name), owner.st_uid, owner.st_gid)


def test_hours_and_days_over_a_restart(make, token):
    """What was spent is spent after a reload and a restart; and comes back in time."""
    gate = make({"messages-per-hour": "4", "messages-per-day": "6", "over": "tempfail"})
    assert answers(gate, token, 5) == [(250, "2.0.0")] * 4 + [(452, "4.7.1")]
    gate.reload()
    assert send(gate, token, 10).code == 452
    gate.stop()
    gate.start()
    assert send(gate, token, 11).code == 452
    assert spent(gate) == {**spent(gate), "messages-per-hour": 4, "messages-per-day": 4}
    gate.stop()
    move(gate, 3600 * 1000)
    gate.start()
    assert spent(gate)["messages-per-hour"] == 0
    codes = answers(gate, token, 4, first=20)
    assert codes == [(250, "2.0.0")] * 2 + [(452, "4.7.1")] * 2, codes
    assert "in a day" in str(send(gate, token, 30))
    gate.stop()
    move(gate, -5 * DAY_MS)   # a clock that was set back gives nothing
    gate.start()
    assert send(gate, token, 31).code == 452
    gate.stop()
    move(gate, 7 * DAY_MS)
    gate.start()
    assert answers(gate, token, 1, first=40) == [(250, "2.0.0")]


def test_first_time_recipients(make, token):
    gate = make({"new-recipients-per-day": "3", "over": "tempfail"})
    codes = [send(gate, token, n, recipient=b"%s@example.net" % who).code
             for n, who in enumerate([b"a", b"b", b"A", b"c", b"d", b"a", b"b"])]
    assert codes == [250, 250, 250, 250, 452, 250, 250], codes
    assert "new recipients" in str(send(gate, token, 50, recipient=b"e@example.net"))
    gate.stop()
    gate.start()
    assert send(gate, token, 60, recipient=b"c@example.net").code == 250
    assert send(gate, token, 61, recipient=b"e@example.net").code == 452
    with open(os.path.join(gate.path, "state/auth/accounts.db"), "rb") as db:
        assert b"c@example.net" not in db.read()


def test_strangers_count_by_address(make, token):
    """On port 25, and only where a section is named for them; another address is not concerned."""
    gate = make({"messages-per-hour": "1"},
                listeners={"smtp": {"tls": "none", "login": "off", "limits": '"mx"'},
                           "few": {"tls": "none", "login": "off", "limits": '"few"'},
                           "open": {"tls": "none", "login": "off"}},
                permits='permit "anonymous" { rights = { submit, any-sender } }\n'
                        'permit "authenticated" { rights = { submit, relay } }\n',
                extra='limits "mx" { messages-per-hour = 3 over = hold }\n'
                      'limits "few" { connections-per-address = 2 }\n'
                      'domain "example.org" { recipients = any }\n',
                base={"authoritative-domains": '{ "example.org" }'})

    def from_stranger(number, source, listener="smtp"):
        with gate.wire(listener, source=source) as wire:
            wire.greet()
            return deliver(wire, letter(token + b"s%dx" % number, sender=b"<x@example.com>"),
                           sender=b"x@example.com", recipient=b"alice@example.org")
    assert [from_stranger(n, "127.0.0.9").code for n in range(5)] == [250] * 3 + [452] * 2
    assert "More than 3 messages in an hour" in str(from_stranger(9, "127.0.0.9"))
    assert from_stranger(10, "127.0.0.10").code == 250
    assert [from_stranger(20 + n, "127.0.0.9", "open").code for n in range(5)] == [250] * 5
    assert spent(gate, "127.0.0.9")["messages-per-hour"] == 3
    gate.ctl("limits", "reset", "127.0.0.9")
    assert from_stranger(30, "127.0.0.9").code == 250
    # And as many connections as the section says.
    first, second = (gate.wire("few", source="127.0.0.11") for _ in range(2))
    assert [first.reply().code, second.reply().code] == [220, 220]
    with gate.wire("few", source="127.0.0.11") as third:
        reply = third.reply()
        assert reply.code == 421 and "from your address" in str(reply), reply
    with gate.wire("open", source="127.0.0.11") as other:
        assert other.reply().code == 220
    first.close()
    second.close()


def test_limits_of_groups_and_permits(make, token):
    gate = make({"messages-per-hour": "1", "over": "refuse"},
                permits='permit "authenticated" { rights = { submit, relay } }\n'
                        'permit "group:bulk" { limits = "bulk" }\n',
                extra='limits "bulk" { messages-per-hour = 4 over = refuse }\n')
    gate.ctl("group", "add", "bulk")
    gate.ctl("account", "join", "bob", "bulk")
    assert [code for code, _ in answers(gate, token, 2)] == [250, 550]
    assert [code for code, _ in answers(gate, token, 5, first=10, login="bob")] == [250] * 4 + [550]
    assert gate.ctl_json("limits", "show", "bob")["limits"][0]["limits"] == "bulk"


def test_connections_of_a_login(make, token):
    """The code, the words, and that they are the log's too."""
    gate = make({"connections-per-login": "2", "messages-per-hour": "0", "recipients-per-hour": "0"})
    with gate.session(), gate.session(), gate.secure() as third:
        reply = third.auth_plain()
        assert (reply.code, reply.enhanced) == (454, "4.7.0"), reply
        assert "Too many connections of this login, the most is 2" in str(reply)
        with gate.session("bob") as other:
            other.expect(250, b"NOOP")
        assert spent(gate)["connections-per-login"] == 2
    met = gate.ctl_json("report", "limits", "--since", "1h")["limits"]
    assert [(row["who"], row["limit"]) for row in met] == [("alice", "connections-per-login")], met


def test_brakes_are_shown_outlive_a_reload_and_are_reset(make):
    """By login and address; the same wrong password counts once; one address is not the other's matter."""
    gate = make({}, sasl={"failure-window": "1h", "failures-per-login": "3", "failures-per-address": "5"})

    def guess(source, passwords):
        for password in passwords:
            with gate.secure(source=source) as wire:
                assert wire.auth_plain("alice", password).code == 535

    def failures(who):
        rows = gate.ctl_json("limits", "show", who)["limits"]
        return sorted((row["limit"], row.get("address", ""), row["spent"]) for row in rows if "failures" in row["limit"])
    guess("127.0.0.21", ["one", "two", "three"])
    guess("127.0.0.22", ["old"] * 4)
    expected = [("failures-per-login", "", 4), ("failures-per-login", "127.0.0.21", 3),
                ("failures-per-login", "127.0.0.22", 1)]
    assert failures("alice") == expected
    gate.reload()
    assert failures("alice") == expected
    assert failures("127.0.0.21") == [("failures-per-address", "", 3), ("failures-per-login", "127.0.0.21", 3)]
    gate.ctl("limits", "reset", "127.0.0.21")
    assert failures("127.0.0.21") == []
    assert ("failures-per-login", "127.0.0.22", 1) in failures("alice")
    gate.ctl("limits", "reset", "alice")
    assert failures("alice") == []


def test_arguments(make):
    gate = make({})
    assert gate.ctl("limits", "reset", check=False).returncode == 2
    assert gate.ctl("report", "limits", "--since", "yesterday", check=False).returncode == 2
    assert gate.ctl_json("limits", "show", "nobody")["limits"] == []
    assert gate.ctl_json("limits", "show", "2001:db8::1")["limits"] == []
    assert isinstance(gate.ctl("limits", "show"), subprocess.CompletedProcess)
