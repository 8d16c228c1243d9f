# SPDX-License-Identifier: BSD-2-Clause
"""Filters as the daemon keeps them: not there, back again, elsewhere, gone; and what the administrator sees and tries."""
import json
import os
import re
import signal
import threading
import time

import pytest

from rig import control, ground
from rig import milter_packet as say
from rig.deadline import until
from rig.judge import deliver, letter, new_token
from rig.milter import USUAL, Filter
from rig.wire import Wire

# Who comes from here is alice, so that a session costs one round trip.
LISTENER = {"tls": "none", "login": "off", "identity": '"alice"', "networks": '{ "127.0.0.0/8" }', "errors": "1000",
            "transactions": "0"}
QUICK = {"connect-wait": "300ms", "command-wait": "5s", "rest": "300ms"}
FAILURES = 5     # in a row, and the breaker opens


def extra(filters, policies=None):
    """name -> (target, settings); the policies: name -> filters, each has one of its own name if not told."""
    text = ""
    for name, (target, settings) in filters.items():
        rows = {"address": f'"{target}"', **settings}
        text += f'milter "{name}" {{ ' + " ".join(f"{key} = {value}" for key, value in rows.items()) + " }\n"
    for name, named in (policies or {name: [name] for name in filters}).items():
        text += f'policy "{name}" {{ milters = {{ ' + ", ".join(f'"{one}"' for one in named) + " } }\n"
    return text


def listeners(*names):
    return {"submission": None, "submissions": None,
            **{name: {**LISTENER, **({} if name == "plain" else {"policy": f'"{name}"'})} for name in names}}


def session(gate, listener, seconds=30):
    wire = Wire(gate.address(listener), seconds=seconds)
    wire.greet()
    return wire


def send(gate, listener, token=None):
    """The reply to one message in a session of its own."""
    with session(gate, listener) as wire:
        return deliver(wire, letter(token or new_token()))


def known(gate, name):
    """What `milter list` tells of a filter."""
    return next(row for row in gate.ctl_json("milter", "list")["filters"] if row["name"] == name)


@pytest.fixture(scope="module")
def good():
    filter_ = Filter(actions=say.ADD_HEADERS, steps=say.LEADING_SPACE | say.NO["U"], macros={"M": "i {auth_authen}"})
    yield filter_
    filter_.kill()


@pytest.fixture(scope="module")
def moody():
    filter_ = Filter(actions=0)
    yield filter_
    filter_.kill()


@pytest.fixture(scope="module")
def gate(make_gate, sink, good, moody):
    dead = {"dead": (f"inet:127.0.0.1:{ground.free_port()}", {"connect-wait": "300ms"})}
    return make_gate(base={"workers": "1"}, routes={"*": sink.target}, listeners=listeners("good", "moody", "plain"),
                     extra=extra({"good": (good.target, {}), "moody": (moody.target, {"command-wait": "1s"}), **dead}))


# --- what is shown

@pytest.mark.sanitize
def test_counts_verdicts_and_times(gate, good):
    assert known(gate, "dead")["state"] == "unknown"
    good.play({"E": [say.add_header("X-Seen", "yes") + say.ACCEPT]})
    assert send(gate, "good").code == 250
    good.play({"M": [say.reply("550 5.7.1 Not you")]})
    assert send(gate, "good").code == 550
    good.play()
    row = known(gate, "good")
    assert row["state"] == "ok" and row["address"] == good.target.removeprefix("inet:"), row
    assert (row["policies"], row["on_failure"]) == (["good"], "tempfail"), row
    assert (row["version"], row["actions"], row["steps"]) == (6, ["add-header"], ["no-unknown", "leading-space"]), row
    assert (row["messages"], row["changed"], row["refused"], row["failures"]) == (2, 1, 1, 0), row
    assert row["verdicts"]["reject"] == 1 and sum(row["verdicts"].values()) == 2, row
    assert 0 < row["mean_us"] <= row["longest_us"] and 0 < row["recent_us"] <= row["longest_us"], row
    event = gate.wait_for_event("milter.verdict", {"filter": "good", "at": "mail"})
    assert (event["verdict"], event["code"]) == ("refuse", "550") and event["us"] > 0 and event["id"], event
    event = gate.wait_for_event("milter.verdict", {"filter": "good", "at": "end of message"})
    assert event["changed"] == "yes" and 0 < event["us"] <= row["longest_us"], event
    status = gate.ctl_json("status")
    assert [one["name"] for one in status["filters"]] == ["good", "moody", "dead"], status["filters"]
    lines = gate.ctl("status").stdout.splitlines()
    assert any(line.split("\t")[:2] == ["good", "ok"] for line in lines), lines
    assert gate.ctl("milter", "list").stdout.splitlines()[0].startswith("good\t"), gate.ctl("milter", "list").stdout


# --- milter test

def tried(gate, *words):
    done = gate.ctl("milter", "test", *words, "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def test_trial_of_a_good_filter(gate, good):
    before, seen = known(gate, "good"), len(good.messages)
    code, told = tried(gate, "good", "--login", "mallory", "--ip", "192.0.2.7", "--mail-from", "m@example.net", "--rcpt",
                       "r@example.com")
    assert (code, told["outcome"]) == (control.DONE, "pass"), told
    assert told["connect_us"] > 0 and told["negotiate_us"] > 0 and told["version"] == 6, told
    assert told["actions"] == ["add-header"] and told["macros"] == [{"at": "mail", "names": ["i", "{auth_authen}"]}], told
    assert [row["at"] for row in told["answers"]][-2:] == ["body", "end-of-message"], told
    message = good.wait_for_message(seen)
    assert (message.sender, message.recipients[0][0]) == (b"<m@example.net>", b"<r@example.com>"), message
    assert message.macros["M"]["{auth_authen}"] == b"mallory" and message.connection.address == "192.0.2.7"
    good.wait_until_left([message.connection])
    assert not message.connection.faults, message.connection.faults
    assert known(gate, "good")["messages"] == before["messages"]


@pytest.mark.sanitize
def test_trial_shows_every_answer(gate, good):
    good.play({"E": say.PROGRESS + say.add_header("X-A", " 1") + say.quarantine("spam") + say.CONTINUE})
    code, told = tried(gate, "good")
    assert (code, told["outcome"]) == (control.NO, "held"), told
    assert [(row["answer"], row.get("text")) for row in told["answers"] if row["at"] == "end-of-message"] == [
        ("progress", None), ("add-header", "X-A: 1"), ("quarantine", "spam"), ("continue", None)], told
    good.play({"R": say.reply("451 4.7.1 Later")})
    code, told = tried(gate, "good")
    assert (code, told["outcome"], told["answers"][-1]["text"]) == (control.NO, "put-off", "451 4.7.1 Later"), told
    seen = len(good.connections)
    good.play({"C": say.REJECT})
    code, told = tried(gate, "good", "--no-message")
    assert (code, told["outcome"], told["answers"]) == (control.DONE, "negotiated", []), told
    good.wait_until_left(good.connections[seen:])
    good.play()


def test_trial_of_what_does_not_work(gate, moody):
    moody.play({"O": b"220 mail.example.org ESMTP\r\n"})
    code, told = tried(gate, "moody")
    assert code == control.NO and told["outcome"] == "failed" and "milter" in told["fault"], told
    moody.play({"H": b""})
    code, told = tried(gate, "moody")
    assert code == control.NO and "in time" in told["fault"], told
    moody.play({"M": None})
    code, told = tried(gate, "moody")
    assert code == control.NO and "at mail" in told["fault"], told
    moody.play()
    assert re.search("^actions: +none$", gate.ctl("milter", "test", "moody").stdout, re.MULTILINE)
    code, told = tried(gate, "dead")
    assert code == control.NO and "refused" in told["fault"] and "connect_us" not in told, told
    assert "does not work" in gate.ctl("milter", "test", "dead", check=False).stdout
    done = gate.ctl("milter", "test", "nobody", check=False)
    assert done.returncode == control.NO and "there is no filter nobody in the configuration" in done.stderr, done
    assert gate.ctl("milter", "test", check=False).returncode == control.USAGE


# --- the breaker

def fail_until_it_rests(gate, name):
    wires = [session(gate, name) for _ in range(FAILURES)]
    for wire in wires:
        wire.send(b"MAIL FROM:<alice@example.org>\r\n")
    for wire in wires:
        reply = wire.reply()
        assert (reply.code, reply.enhanced) == (451, "4.7.1"), reply
        wire.close()
    return gate.wait_for_event("milter.rests", {"filter": name})


@pytest.mark.sanitize
@pytest.mark.parametrize("how", ["nobody", "silent"])
def test_breaker_opens_and_closes(make_gate, sink, how):
    """Five failures, and mail is put off at once; once the filter is back, mail flows, and all of it is told."""
    port = ground.free_port()     # which nobody else gets while the filter is away
    filter_ = Filter(port=port)
    settings = {**QUICK, "command-wait": "300ms", "rest": "1s"}
    gate = make_gate(base={"workers": "1"}, routes={"*": sink.target}, listeners=listeners("one", "plain"),
                     extra=extra({"one": (filter_.target, settings)}))
    if how == "nobody":
        filter_.kill()
    else:
        filter_.play({"O": b""})
    fail_until_it_rests(gate, "one")
    row = known(gate, "one")
    assert row["state"] in ("resting", "trying") and row["failures"] == FAILURES and row["fault"], row
    assert "one\tresting" in gate.ctl("status").stdout or known(gate, "one")["state"] == "trying"
    assert send(gate, "plain").code == 250
    # While it rests nobody asks it; whoever comes meanwhile is put off at once.
    until(lambda: send(gate, "one").code == 451 and known(gate, "one")["skipped"] > 0, 10, "a message passed it over")
    if how == "nobody":
        filter_ = Filter(port=port)
    else:
        filter_.play()
    token = new_token()
    until(lambda: send(gate, "one", token).code == 250, 20, lambda: f"mail flows: {known(gate, 'one')}")
    sink.wait_for_token(token)
    row = known(gate, "one")
    assert row["state"] == "ok" and row["failures_in_row"] == 0 and row["messages"] == 1, row
    gate.wait_for_event("milter.back", {"filter": "one"})
    filter_.kill()


def test_breaker_beside_a_good_filter(make_gate, sink, good):
    """The filter of one policy rests; those of others do not."""
    gate = make_gate(base={"workers": "1"}, routes={"*": sink.target}, listeners=listeners("one", "good"),
                     extra=extra({"one": (f"inet:127.0.0.1:{ground.free_port()}", {"connect-wait": "300ms"}),
                                  "good": (good.target, {})}))
    fail_until_it_rests(gate, "one")
    assert send(gate, "good").code == 250
    assert (known(gate, "good")["state"], known(gate, "one")["state"]) == ("ok", "resting")


@pytest.mark.sanitize
def test_M9_200_sessions_wait_at_once(make_gate, sink, good):
    """A filter that takes connections and says nothing costs its own sessions their wait, and nobody else anything."""
    enough = threading.Event()
    filter_ = Filter({"O": lambda _connection, _payload: enough.wait(100) and None})
    gate = make_gate(base={"workers": "1"}, routes={"*": sink.target}, listeners=listeners("one", "good", "plain"),
                     extra=extra({"one": (filter_.target, {"command-wait": "90s"}), "good": (good.target, {})}))
    wires = [session(gate, "one", 60) for _ in range(200)]
    for wire in wires:
        wire.send(b"MAIL FROM:<alice@example.org>\r\n")
    until(lambda: known(gate, "one")["connections"] == 200, 20, lambda: f"all are connected: {known(gate, 'one')}")
    for listener in ("plain", "good"):
        token = new_token()
        assert send(gate, listener, token).code == 250
        sink.wait_for_token(token)
    enough.set()
    replies = [wire.reply() for wire in wires]
    assert {(reply.code, reply.enhanced) for reply in replies} == {(451, "4.7.1")}, replies
    filter_.wait_until_left()
    row = known(gate, "one")
    assert row["connections"] == 0 and row["failures"] == 200 and row["state"] in ("resting", "trying"), row
    for wire in wires:
        wire.close()
    filter_.kill()


# --- reload

@pytest.mark.sanitize
def test_reload_moves_and_takes_away(make_gate, sink):
    """At its new address a filter is asked at once, by sessions from before too; one that is gone is not missed."""
    filter_ = Filter()
    others = listeners("one", "plain")
    gate = make_gate(base={"workers": "1"}, routes={"*": sink.target}, listeners=others,
                     extra=extra({"one": (f"inet:127.0.0.1:{ground.free_port()}", {"connect-wait": "300ms", "rest": "1h"})}))
    old = session(gate, "one")
    fail_until_it_rests(gate, "one")
    assert known(gate, "one")["state"] == "resting"
    gate.parts["extra"] = extra({"one": (filter_.target, {})})
    gate.reload()
    row = known(gate, "one")
    assert (row["state"], row["address"], row["fault"]) == ("unknown", filter_.target.removeprefix("inet:"), ""), row
    token = new_token()
    assert deliver(old, letter(token)).code == 250
    sink.wait_for_token(token)
    assert send(gate, "one").code == 250 and len(filter_.messages) == 2
    # In the middle of a message the filter that it began with stays.
    busy = session(gate, "one")
    busy.expect(250, b"MAIL FROM:<alice@example.org>")
    gate.parts["extra"] = 'policy "one" { }\n'
    gate.reload()
    assert old.reply().code == 421
    assert gate.ctl_json("milter", "list")["filters"] == []
    token = new_token()
    assert send(gate, "one", token).code == 250
    sink.wait_for_token(token)
    assert len(filter_.messages) == 3
    busy.close()
    old.close()
    filter_.kill()


# --- dial

def kill_dial(gate):
    [pid] = gate.pids("dial")
    gate.expected_deaths += 1
    seen = len(gate.events)
    os.kill(pid, signal.SIGKILL)
    gate.wait_for_event("role.died", {"of": "dial"}, start=seen)
    return pid


@pytest.mark.sanitize
def test_dial_dies_while_connections_are_made(make_gate, sink):
    """What was asked of it is asked again of the next one; a filter that is there by then is found."""
    port = ground.free_port()
    gate = make_gate(base={"workers": "1"}, routes={"*": sink.target}, listeners=listeners("one", "plain"),
                     extra=extra({"one": (f"inet:127.0.0.1:{port}", {"connect-wait": "60s", "budget": "60s"})}))
    wires = [session(gate, "one", seconds=40) for _ in range(3)]
    for wire in wires:
        wire.send(b"MAIL FROM:<alice@example.org>\r\n")
    # Its calls are under way as soon as a session that came behind them is served.
    assert send(gate, "plain").code == 250
    kill_dial(gate)
    filter_ = Filter(port=port)
    for wire in wires:
        reply = wire.reply()
        assert reply.code in (250, 451), reply
        wire.close()
    gate.wait_until_serving()
    until(lambda: send(gate, "one").code == 250, 20, lambda: f"mail flows: {known(gate, 'one')}")
    filter_.kill()


def test_dial_is_away_and_connections_are_kept(make_gate, sink):
    """What is connected stays so, and no session hangs for want of a dialler."""
    filter_ = Filter()
    gate = make_gate(base={"workers": "1"}, routes={"*": sink.target}, listeners=listeners("one"),
                     extra=extra({"one": (filter_.target, {})}))
    with session(gate, "one") as wire:
        assert deliver(wire, letter(new_token())).code == 250
        kill_dial(gate)
        assert deliver(wire, letter(new_token())).code == 250
        assert len(filter_.connections) == 1
    assert send(gate, "one").code == 250
    filter_.kill()


# --- unix sockets

def test_unix_sockets(make_gate, sink):
    """Of a filter that may only be what it seems; what is wrong is said in so many words."""
    folder = ground.folder("filters")
    path = f"{folder}/one"
    filter_ = Filter(unix=path)
    gate = make_gate(base={"workers": "1"}, routes={"*": sink.target}, listeners=listeners("one"),
                     extra=extra({"one": (filter_.target, {"connect-wait": "300ms"})}))
    # The wait is short, since a socket that is missing is waited for; so a busy dialler may miss it.
    until(lambda: send(gate, "one").code == 250, 20, lambda: f"mail flows: {known(gate, 'one')}")
    until(lambda: tried(gate, "one")[0] == control.DONE, 20, "it is tried")

    def is_told(words):
        code, told = tried(gate, "one")
        assert code == control.NO, told
        return words in told["fault"]
    mode = os.stat(folder).st_mode
    os.chmod(folder, 0o777)
    until(lambda: is_told("everybody may write"), 20, "the folder is everybody's")
    os.chmod(folder, mode)
    os.rename(path, path + ".real")
    os.symlink(path + ".real", path)
    until(lambda: is_told("symbolic link"), 20, "it is a link")
    os.unlink(path)
    until(lambda: is_told("No such file"), 20, "it is gone")
    filter_.kill()
    ground.remove(folder)


# --- what the log says of it

def test_that_a_filter_does_not_negotiate_is_a_warning_once_a_minute(make_gate, sink):
    """What became of each message stays to be read; no breaker opens, for every other time it does negotiate."""
    filter_ = Filter({"O": [b"220 mail.example.org ESMTP\r\n", USUAL] * 4})
    gate = make_gate(base={"workers": "1"}, routes={"*": sink.target}, listeners=listeners("lame"),
                     extra=extra({"lame": (filter_.target, {"on-failure": "accept"})}))

    def told():
        return [event for event in gate.events if event["event"].startswith("milter.failed")]

    begun = time.monotonic()
    for _ in range(8):
        assert send(gate, "lame").code == 250
    until(lambda: len(told()) == 4, 10, "four messages were not asked about")
    assert {(event["filter"], event["verdict"], event["reason"]) for event in told()} == {
        ("lame", "accept", "what answers is not a milter")}, told()
    assert len({event["id"] for event in told()}) == 4, told()
    warned = [event for event in told() if event["event"] == "milter.failed"]
    assert warned[0] == told()[0] and len(warned) <= 1 + (time.monotonic() - begun) // 60, warned
    assert {event["level"] for event in warned} == {"warning"}
    assert not {event["level"] for event in told() if event not in warned} - {"info"}
    filter_.kill()
