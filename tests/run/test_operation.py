# SPDX-License-Identifier: BSD-2-Clause
"""What the administrator does with the daemon: sallyportctl."""
import datetime
import json
import os
import pty
import re
import subprocess

import pytest

from rig import ground
from rig.control import DONE, NO, UNREACHED, USAGE
from rig.deadline import until
from rig.judge import deliver, letter
from rig.sallyport import SANITIZER

TEAM = b"team@example.org"
LISTENERS = {
    "relay": {"tls": "none", "login": "off", "inherit": "no",
              "permit \"network:127.0.7.0/24\"":
              "{ rights = { submit, relay } send-as = { \"scanner@example.org\" } }"},
    "port25": {"tls": "none", "login": "off",
               "permit \"anonymous\"": "{ rights = { submit, any-sender } }"},
}


def listener_text(settings):
    """Sections inside sections are written without an equals sign."""
    return "\n".join(f"  {name} {value}" if value.startswith("{") and '"' in name else f"  {name} = {value}"
                     for name, value in {"address": '{ "127.0.0.1:0" }', **settings}.items())


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    return make_gate(listeners={name: listener_text(settings) for name, settings in LISTENERS.items()},
                     routes={"*": sink.target}, extra="queue { retry = { 1h } }\n")


@pytest.fixture
def carol(gate):
    """An account that a test may spoil."""
    gate.add_account("carol", "carolpw", ["carol@example.org"])
    yield "carol"
    gate.ctl("account", "delete", "carol", check=False)


def on_terminal(gate, *arguments):
    """What sallyportctl prints where its output is a terminal."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen([ground.program("sallyportctl"), "-c", gate.config, *arguments], stdin=theirs,
                            stdout=theirs, stderr=theirs, env={**os.environ, **SANITIZER}, cwd="/",
                            **ground.as_user())
    os.close(theirs)
    said = b""
    while True:
        try:
            data = os.read(ours, 4096)
        except OSError:     # the other end is closed
            break
        if not data:
            break
        said += data
    os.close(ours)
    assert done.wait(10) == 0, said
    return said.decode().replace("\r\n", "\n")


# --- the daemon

def test_status_by_table_and_json(gate):
    told = gate.status()
    assert told["pid"] == gate.process.pid and told["config"] == gate.config and told["version"]
    assert {row["name"] for row in told["listeners"]} == {"submission", "submissions", "relay", "port25"}
    for listener in told["listeners"]:
        assert listener["protocol"] == "smtp"
        assert all(re.fullmatch(r"127\.0\.0\.1:[1-9]\d+", address) for address in listener["addresses"])
    roles = [row["role"] for row in told["roles"]]
    assert sorted(roles) == ["auth", "dial", "keys", "queue", "relay", "smtp", "smtp"]
    assert all(row["phase"] == "serving" and row["restarts"] == 0 for row in told["roles"])
    table = on_terminal(gate, "status")
    assert re.search(r"^LISTENER +PROTOCOL +ADDRESSES *$", table, re.M)
    assert re.search(r"^ROLE +INSTANCE +PID +PHASE", table, re.M)
    for listener in told["listeners"]:
        assert re.search(rf"^{listener['name']} +smtp +{re.escape(listener['addresses'][0])} *$", table, re.M)
    for row in told["roles"]:
        assert re.search(rf"^{row['role']} +{row['instance']} +{row['pid']} +serving ", table, re.M)
    # Elsewhere it is lines for scripts.
    lines = gate.ctl("status").stdout.splitlines()
    assert f"submission\tsmtp\t127.0.0.1:{gate.ports['submission'][0]}" in lines


def test_exit_codes(gate):
    cases = {("status",): DONE, ("queue", "list"): DONE, ("queue", "show", "nothing"): NO,
             ("account", "show", "nobody"): NO, ("track", "nobody"): NO, ("config", "help", "nothing"): NO,
             (): USAGE, ("nonsense",): USAGE, ("queue",): USAGE, ("queue", "show"): USAGE,
             ("status", "more"): USAGE, ("queue", "list", "--nonsense"): USAGE, ("explain",): USAGE,
             ("sessions", "kick"): USAGE, ("--socket", "/nonexistent/socket", "status"): UNREACHED,
             ("--socket", gate.config, "status"): UNREACHED}
    found = {case: gate.ctl(*case, check=False).returncode for case in cases}
    assert found == cases
    for case, code in cases.items():
        done = gate.ctl(*case, check=False)
        assert code == DONE or done.stderr or case[0] == "track", case
    told = gate.ctl("queue", "show", "nothing", "--json", check=False)
    assert json.loads(told.stdout)["kind"] == "missing" and told.returncode == NO


def test_config_check_show_and_help(gate):
    assert gate.ctl("config", "check").returncode == DONE
    bad = ground.write(f"{gate.path}/bad.conf", 'hostname = "mail.example.org"\nqueue {\n  expiri = 5d\n}\n')
    done = gate.ctl("-c", bad, "config", "check", check=False)
    assert done.returncode == NO
    assert f"{bad}:3: " in done.stderr and 'did you mean "expiry"' in done.stderr, done.stderr
    shown = gate.ctl("config", "show").stdout
    assert 'hostname = "mail.example.org"\n' in shown and "expiry = 5d   # default" in shown
    assert "retry = { 1h }\n" in shown
    everything = {(row["section"], row["name"]): row for row in gate.ctl_json("config", "show")["settings"]}
    assert everything["", "hostname"]["value"] == '"mail.example.org"'
    assert everything["queue", "expiry"]["default"] and not everything["queue", "retry"]["default"]
    help_text = gate.ctl("config", "help", "queue.expiry").stdout
    assert "duration" in help_text and "5d" in help_text
    assert "tls-minimum" in gate.ctl("config", "help", "listener").stdout


def test_check_finds_what_is_unwise(gate):
    done = gate.ctl("check", check=False)
    assert "SCRAM-SHA-1 is offered" in done.stdout
    found = gate.ctl_json("check", check=False)
    assert any("SCRAM-SHA-1" in row["what"] and row["weight"] == "note" for row in found["findings"])
    # A warning, unlike a note, is a no.
    gate.parts["extra"] += 'permit "anonymous" { rights = { own-domain-sender } }\n'
    gate.write_config()
    try:
        done = gate.ctl("check", check=False)
        assert done.returncode == NO and "anybody may use every address" in done.stdout
    finally:
        gate.parts["extra"] = gate.parts["extra"].rsplit("permit", 1)[0]
        gate.write_config()


# --- messages

def test_queue_verbs(gate, hop, sink, token):
    """list, show, flush, hold, release, delete, track: one message's life in the queue."""
    hop.script["RCPT"] = b"451 4.7.1 come later\r\n"
    gate.parts["routes"]["later.test"] = hop.target
    gate.reload()
    with gate.session() as wire:
        sent = letter(token)
        number = deliver(wire, sent, recipient=b"u@later.test").text.split()[-1]
        other = deliver(wire, letter(token + b"other"), recipient=b"v@later.test").text.split()[-1]
    gate.wait_until_tried("u@later.test")
    gate.wait_until_tried("v@later.test")
    rows = {row["id"]: row for row in gate.queue()}
    assert set(rows) == {number, other}
    row = rows[number]
    assert (row["sender"], row["login"], row["recipients"]) == ("alice@example.org", "alice", ["u@later.test"])
    assert row["size"] > len(sent) and not row["held"] and row["due_ms"] > row["received_ms"]
    table = on_terminal(gate, "queue", "list")
    assert number in table and "alice@example.org" in table and re.search(r"^ID +", table, re.M), table
    shown = gate.ctl_json("queue", "show", number)
    assert shown["recipients"][0]["address"] == "u@later.test"
    assert "come later" in shown["recipients"][0]["reply"] and token.decode() in shown["header"]
    assert shown["client_address"].startswith("127.") and shown["session"]
    assert "come later" in gate.ctl("queue", "show", number).stdout
    gate.ctl("queue", "hold", number)
    assert {m["id"]: m["held"] for m in gate.queue()} == {number: True, other: False}
    assert gate.ctl("queue", "hold", "nothing", check=False).returncode == NO
    for text in (number, "u@later.test", "alice", "alice@example.org"):
        states = {m["id"]: m["state"] for m in gate.ctl_json("track", text)["messages"]}
        assert states[number] == "held", (text, states)
    gate.ctl("queue", "delete", other)
    assert [m["id"] for m in gate.queue()] == [number]
    hop.script.clear()
    assert gate.ctl_json("queue", "flush")["messages"] == 0
    gate.ctl("queue", "release", number)
    hop.wait_for_token(token)
    gate.wait_until_queue_is_empty()
    tracked = gate.ctl_json("track", number)["messages"]
    assert [(m["id"], m["state"]) for m in tracked] == [(number, "delivered")] and tracked[0]["finished_ms"]
    assert number in gate.ctl("track", "u@later.test").stdout
    assert not hop.with_token(token + b"other") and not any(m.sender == b"" for m in sink.with_token(token))


def test_flush_of_one(gate, hop, token):
    hop.script["RCPT"] = b"451 4.7.1 come later\r\n"
    gate.parts["routes"]["later.test"] = hop.target
    gate.reload()
    with gate.session() as wire:
        numbers = [deliver(wire, letter(token + b"%dx" % n), recipient=b"u%d@later.test" % n).text.split()[-1]
                   for n in range(2)]
    for n in range(2):
        gate.wait_until_tried(f"u{n}@later.test")
    hop.script.clear()
    assert gate.ctl_json("queue", "flush", numbers[0])["messages"] == 1
    hop.wait_for_token(token + b"0x")
    until(lambda: [m["id"] for m in gate.queue()] == numbers[1:], 5, gate.queue)
    gate.ctl("queue", "delete", numbers[1])


# --- accounts, sessions, rights

def test_what_is_taken_ends_sessions_and_caches(gate, carol):
    """The cache of verified passwords forgets at once; open sessions hear 421 at the next command."""
    def tries(password):
        with gate.secure() as wire:
            return wire.auth_plain(carol, password).code
    with gate.session(carol) as wire:
        assert tries("carolpw") == 235
        gate.ctl("account", "passwd", carol, "--password-stdin", stdin="changed\n")
        reply = wire.command(b"MAIL FROM:<carol@example.org>")
        assert (reply.code, reply.enhanced) == (421, "4.7.0"), reply
        assert wire.is_closed()
    assert (tries("carolpw"), tries("changed")) == (535, 235)
    with gate.session(carol, "changed") as wire, gate.session() as other:
        gate.ctl("account", "disable", carol)
        assert wire.command(b"NOOP").code == 421
        other.expect(250, b"NOOP")
    assert tries("changed") == 535
    gate.ctl("account", "enable", carol)
    assert tries("changed") == 235
    with gate.session(carol, "changed") as wire:
        gate.ctl("address", "delete", carol, "carol@example.org")
        assert wire.command(b"MAIL FROM:<carol@example.org>").code == 421
    with gate.session(carol, "changed") as wire:
        gate.ctl("account", "delete", carol)
        assert wire.command(b"NOOP").code == 421
    assert tries("changed") == 535


def test_account_set(gate, carol):
    """Protocols, the last day, the limits section; what is taken ends sessions, what is given is there at once."""
    def tries():
        with gate.secure() as wire:
            return wire.auth_plain(carol, "carolpw").code
    today = datetime.date.today()
    for taken, given in (("--protocols", ("imap,pop3", "smtp,imap")),
                         ("--expires", (str(today - datetime.timedelta(days=1)), str(today + datetime.timedelta(days=1)))),
                         ("--expires", (str(today - datetime.timedelta(days=9)), "never"))):
        with gate.session(carol) as wire:
            gate.ctl("account", "set", carol, taken, given[0])
            assert wire.command(b"NOOP").code == 421
        assert tries() == 535
        gate.ctl("account", "set", carol, taken, given[1])
        assert tries() == 235
    assert gate.ctl("account", "set", carol, "--limits", "tiny", check=False).returncode == NO
    gate.parts["extra"] += 'limits "tiny" { recipients-per-message = 1 }\n'
    gate.reload()
    gate.ctl("account", "set", carol, "--limits", "tiny")
    shown = gate.ctl_json("account", "show", carol)
    assert (shown["limits"], shown["protocols"], shown["disabled"]) == ("tiny", ["smtp", "imap"], False)
    with gate.session(carol) as wire:
        wire.expect(250, b"MAIL FROM:<carol@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        assert wire.command(b"RCPT TO:<v@example.net>").enhanced == "4.5.3"
    for argv in (["--protocols", "gopher"], ["--expires", "tomorrow"], ["--expires", "2027-02-30"], []):
        assert gate.ctl("account", "set", carol, *argv, check=False).returncode in (NO, USAGE), argv


def test_rights_of_a_group(gate, carol):
    gate.parts["permits"] += 'permit "group:support" { send-as = { "support@example.org" } }\n'
    gate.reload()

    def may(wire):
        return wire.command(b"MAIL FROM:<support@example.org>").code
    with gate.session(carol) as wire:
        assert may(wire) == 550
    gate.ctl("group", "add", "support")
    gate.ctl("account", "join", carol, "support")
    with gate.session(carol) as wire:
        assert may(wire) == 250
        gate.ctl("account", "leave", carol, "support")
        assert wire.command(b"RSET").code == 421
    with gate.session(carol) as wire:
        assert may(wire) == 550


def test_grants_come_and_go(gate, carol):
    gate.ctl("grant", "add", carol, "send-as", "team@example.org")
    assert [(g["login"], g["right"], g["pattern"]) for g in gate.ctl_json("grant", "list", carol)["grants"]] == [
        (carol, "send-as", "team@example.org")]
    with gate.session(carol) as wire:
        wire.expect(250, b"MAIL FROM:<" + TEAM + b">")
        gate.ctl("grant", "delete", carol, "send-as", "team@example.org")
        assert wire.command(b"RSET").code == 421
    with gate.session(carol) as wire:
        assert wire.command(b"MAIL FROM:<" + TEAM + b">").enhanced == "5.7.1"
    assert gate.ctl("grant", "delete", carol, "send-as", "team@example.org", check=False).returncode == NO


def test_sessions_list_and_kick(gate, carol):
    def rows(*login):
        return gate.ctl_json("sessions", "list", *login)["sessions"]
    with gate.session(carol) as first, gate.session(carol) as second, gate.session() as other:
        mine = {row["address"]: row for row in rows(carol)}
        assert set(mine) == {first.source, second.source}
        row = mine[first.source]
        assert (row["login"], row["protocol"], row["listener"]) == (carol, "smtp", "submission")
        assert re.search(r"^SESSION +LOGIN +PROTOCOL", on_terminal(gate, "sessions", "list"), re.M)
        assert gate.ctl_json("sessions", "kick", "--session", row["session"], "--text", "go home")["sessions"] == 1
        reply = first.command(b"NOOP")
        assert reply.code == 421 and "go home" in reply.text
        first.close()
        until(lambda: len(rows(carol)) == 1, 5, lambda: rows(carol))
        second.expect(250, b"NOOP")
        assert gate.ctl_json("sessions", "kick", "--login", carol)["sessions"] == 1
        assert second.command(b"NOOP").code == 421
        second.close()
        until(lambda: not rows(carol), 5, lambda: rows(carol))
        other.expect(250, b"NOOP")
    assert gate.ctl("sessions", "kick", "--session", "nothing", check=False).returncode == NO


def test_limits_show_and_reset(make_gate, sink, token):
    gate = make_gate(routes={"*": sink.target},
                     limits={"messages-per-hour": "2", "recipients-per-hour": "10", "over": "refuse"})

    def send(number):
        with gate.session() as wire:
            return deliver(wire, letter(token + b"%dx" % number))

    def used():
        rows = gate.ctl_json("limits", "show", "alice")["limits"]
        return {row["limit"]: (row["spent"], row["amount"]) for row in rows}
    # The same message again is one message.
    assert [send(number).code for number in (1, 1, 2)] == [250, 250, 250]
    refused = send(3)
    assert (refused.code, refused.enhanced) == (550, "5.7.1"), refused
    assert used()["messages-per-hour"] == (2, 2), used()
    assert used()["recipients-per-hour"] == (2, 10), used()
    assert "messages" in on_terminal(gate, "limits", "show").lower()
    gate.ctl("limits", "reset", "alice")
    assert used()["messages-per-hour"] == (0, 2), used()
    assert send(3).code == 250
    met = gate.ctl_json("report", "limits")["limits"][0]
    assert (met["who"], met["limit"], met["outcome"], met["count"]) == \
        ("alice", "messages-per-hour", "refused", 1), met
    assert met["text"] in str(refused), (met, refused)
    assert "messages" in on_terminal(gate, "report", "limits").lower()
    assert gate.ctl_json("report", "limits", "--since", "0")["limits"] == []


EXPLAINED = [
    # login, source, listener, MAIL, From, RCPT
    ("alice", None, "submission", b"alice@example.org", None, b"u@example.net"),
    ("alice", None, "submission", b"team@example.org", None, b"u@example.net"),
    ("alice", None, "submission", b"bob@example.org", None, b"u@example.net"),
    ("bob", None, "submission", b"team@example.org", None, b"u@example.net"),
    ("alice", None, "submission", b"alice@example.org", b"<bob@example.org>", b"u@example.net"),
    ("alice", None, "submission", b"", b"<alice@example.org>", b"u@example.net"),
    ("alice", None, "submission", b"alice@elsewhere.test", None, b"u@example.net"),
    (None, None, "submission", b"alice@example.org", None, b"u@example.net"),
    (None, "127.0.7.9", "relay", b"scanner@example.org", None, b"u@example.net"),
    (None, "127.0.7.9", "relay", b"alice@example.org", None, b"u@example.net"),
    (None, "127.0.8.9", "relay", b"scanner@example.org", None, b"u@example.net"),
    (None, "127.0.8.9", "port25", b"somebody@elsewhere.test", None, b"alice@example.org"),
    (None, "127.0.8.9", "port25", b"somebody@elsewhere.test", None, b"u@example.net"),
    (None, "127.0.8.9", "port25", b"alice@example.org", None, b"bob@example.org"),
    (None, "127.0.8.9", "port25", b"", None, b"alice@example.org"),
]


@pytest.mark.parametrize("login,source,listener,sender,header,recipient", EXPLAINED)
def test_explain_says_what_the_daemon_does(gate, token, login, source, listener, sender, header, recipient):
    argv = ["explain", "--listener", listener, "--mail-from", sender.decode() or "<>", "--rcpt", recipient.decode(),
            "--from", (header or b"<" + (sender or b"alice@example.org") + b">").decode()]
    argv += ["--login", login] if login else []
    argv += ["--ip", source] if source else ["--ip", "127.0.0.1"]
    done = gate.ctl(*argv, "--json", check=False)
    told = json.loads(done.stdout)
    with (gate.session(login, listener=listener, source=source) if login else
          gate.wire(listener, source=source)) as wire:
        if not login:
            wire.greet()
        reply = deliver(wire, letter(token, sender=header or b"<" + (sender or b"alice@example.org") + b">"),
                        sender=sender, recipient=recipient)
    if reply.code == 250:
        assert (done.returncode, told["verdict"]) == (DONE, "pass"), told
    else:
        assert (done.returncode, told["code"], told["enhanced"]) == (NO, reply.code, reply.enhanced), (told, reply)
        assert told["text"] in reply.text or reply.code == 530
    assert told["where"]
    if re.search(r":\d+$", told["where"]):
        assert told["where"].startswith(gate.config)


# --- test smtp

def test_test_smtp_names_the_step_that_fails(gate, authority, hop):
    nobody = f"127.0.0.1:{ground.free_port()}"
    trust = ["--trust", authority.trust]
    alice = [*trust, "--login", "alice", "--password-stdin"]
    there = f"127.0.0.1:{hop.port}"
    cases = [
        (["submission", *alice], None),
        (["submissions", *alice, "--mail-from", "alice@example.org", "--rcpt", "u@example.net"], None),
        ([nobody, "--tls", "none"], "connect"),
        ([there, "--tls", "starttls"], "STARTTLS"),
        (["submission"], "TLS"),
        (["submission", *trust, "--name", "www.example.net"], "TLS"),
        (["submission", *trust, "--login", "nobody", "--password-stdin"], "AUTH"),
        (["submission", *alice, "--mail-from", "bob@example.org"], "MAIL"),
        (["port25", "--mail-from", "a@elsewhere.test", "--rcpt", "u@example.net"], "RCPT"),
    ]
    for argv, failing in cases:
        done = gate.ctl("test", "smtp", *argv, "--json", stdin="alicepw\n", check=False, seconds=40)
        steps = json.loads(done.stdout)["steps"]
        assert done.returncode == (NO if failing else DONE), (argv, done.stdout)
        assert all(step["ms"] >= 0 and step["text"] for step in steps)
        wrong = [step["step"] for step in steps if not step["ok"]]
        assert wrong == ([failing] if failing else []), (argv, steps)
        assert failing is None or steps[-1]["step"] in (failing, "QUIT"), steps
        assert "alicepw" not in done.stdout + done.stderr
    hop.script["CONNECT"] = b"554 5.3.2 go away\r\n"
    done = gate.ctl("test", "smtp", there, "--tls", "none", check=False)
    assert done.returncode == NO and "go away" in done.stdout
    assert not [m for m in hop.messages if m.sender]
