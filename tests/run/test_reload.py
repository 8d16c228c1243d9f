# SPDX-License-Identifier: BSD-2-Clause
"""Reload of the whole daemon: what is refused, what is taken over, and what goes on meanwhile."""
import base64
import os
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "durability"))

from reload import Reloads  # noqa: E402
from rig import ground, gssapi, kdc, scram
from rig.deadline import until
from rig.judge import deliver, letter
from rig.sallyport import Sallyport
from rig.sink import Sink
from rig.wire import Wire, b64

TEAM = b"team@example.org"


@pytest.fixture(scope="module")
def other_sink():
    hop = Sink()
    yield hop
    hop.stop()


@pytest.fixture
def folder():
    path = ground.folder("reload")
    yield path
    ground.remove(path)


@pytest.fixture
def restored(gate):
    """The shared daemon; after the test it is configured as before."""
    settings = dict(gate.settings)
    parts = {name: dict(part) if isinstance(part, dict) else part for name, part in gate.parts.items()}
    yield gate
    gate.settings, gate.parts = settings, parts
    gate.reload()
    gate.learn_ports()


def put(target, source):
    with open(source, "rb") as data:
        ground.write(target, data.read())


def replace_config(gate):
    """A new file in place of the old one, so that nobody reads half of it."""
    ground.write(gate.config + ".new", gate.text(), 0o644)
    os.rename(gate.config + ".new", gate.config)


def generations(gate):
    return {(role["role"], role["pid"]): role["generation"] for role in gate.status()["roles"]}


# --- a file that is not right

@pytest.mark.parametrize("fault,line,word", [
    ("no-such-setting = 1", 1, "no-such-setting"),
    ("limits \"x\" {\n  messages-per-hour = many\n}", 2, "messages-per-hour"),
    ("queue {\n  concurrency = 0\n}", 2, "concurrency"),
    ("queue {\n\n  expiry = 5x\n}", 3, "expiry"),
    ("postmaster = \"a@example.org\"\npostmaster = \"b@example.org\"", 2, "postmaster"),
    ("route \"x.test\" { to = \"ftp:x.test:21\" }", 1, "ftp"),
    ("limits \"x\" {", 1, ""),
])
def test_a_bad_file_is_refused_with_file_line_and_reason(restored, fault, line, word):
    gate = restored
    before = generations(gate)
    line += gate.text().count("\n")
    gate.parts["extra"] = fault + "\n"
    for ask in (lambda: gate.reload(check=False), lambda: gate.ctl("config", "check", check=False)):
        done = ask()
        assert done.returncode == 1, done
        said = done.stdout + done.stderr
        assert f"{gate.config}:{line}: " in said and word in said, said
    start = len(gate.events)
    gate.process.send_signal(signal.SIGHUP)
    logged = gate.wait_for_event("super.kept", start=start)["reason"]
    assert logged.startswith(f"{gate.config}:{line}: ") and word in logged
    assert generations(gate) == before
    with gate.session() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")


def test_a_missing_file_changes_nothing(restored):
    before = generations(restored)
    os.unlink(restored.config)
    start = len(restored.events)
    restored.process.send_signal(signal.SIGHUP)
    assert restored.config in restored.wait_for_event("super.kept", start=start)["reason"]
    restored.write_config()
    assert generations(restored) == before


def test_a_reload_asked_for_during_a_reload_is_done(restored):
    """The last file that was there when somebody asked is the one in use."""
    for turn in range(30):
        restored.parts["listeners"]["submission"] = {"banner": f'"turn{turn}"'}
        replace_config(restored)
        restored.process.send_signal(signal.SIGHUP)

    def name():
        with restored.wire() as wire:
            return wire.reply().text.split()[-1]
    until(lambda: name() == "turn29", 5, name)


# --- certificates

def certificate_of(gate, listener="submission", **handshake):
    with gate.secure(listener, **handshake) as wire:
        return wire.tls.getpeercert(True)


@pytest.fixture
def replaceable(make_gate, authority, sink, folder):
    """(daemon, where its certificate is, where its key is); both files may be replaced."""
    mine = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    for target, source in zip(mine, authority.issue("mail.example.org")):
        put(target, source)
    return make_gate(certificates=[mine], routes={"*": sink.target}), *mine


def test_a_new_certificate_under_way_of_a_message(replaceable, authority, sink, token):
    gate, certificate, key = replaceable
    before, roles = certificate_of(gate), gate.roles()
    sent = letter(token, b"x" * 70 + b"\r\n")
    with gate.transaction() as wire:
        wire.expect(354, b"DATA")
        wire.send(sent[:100])
        for kind in ("rsa", "ecdsa"):
            for target, source in zip((certificate, key), authority.issue("mail.example.org", kind=kind)):
                put(target, source)
            gate.reload()
            now = certificate_of(gate)
            assert now != before
            assert certificate_of(gate, "submissions") == now
            before = now
        wire.send(sent[100:] + b".\r\n")
        assert wire.reply().code == 250
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
    assert sink.wait_for_token(token).content.endswith(sent)
    assert gate.roles() == roles


@pytest.mark.parametrize("fault", ["expired", "key", "unreadable", "early"])
def test_B18_what_keeps_the_old_certificate_is_logged(replaceable, authority, fault):
    gate, certificate, key = replaceable
    before, generation = certificate_of(gate), gate.status()["generation"]
    good = open(certificate, "rb").read(), open(key, "rb").read()
    spoil(fault, authority, certificate, key)
    start = len(gate.events)
    with gate.session() as wire:
        gate.process.send_signal(signal.SIGHUP)
        reason = gate.wait_for_event("super.kept", start=start)["reason"]
        assert certificate in reason or key in reason, reason
        wire.expect(250, b"NOOP")
    assert certificate_of(gate) == before
    if os.path.isdir(key):
        os.rmdir(key)
    for target, content in zip((certificate, key), good):
        ground.write(target, content)
    gate.reload()
    assert gate.status()["generation"] > generation


@pytest.mark.parametrize("role", ["keys", "smtp", "relay"])
def test_after_a_refusal_a_role_starts_with_the_old_settings_and_the_old_files(replaceable, authority, sink, token,
                                                                              role):
    """One role refuses: nobody has changed, and who dies then gets what was good, not what is on the disk."""
    gate, certificate, key = replaceable
    before, generation = certificate_of(gate), generations(gate)
    put(certificate, authority.issue("mail.example.org")[0])    # its key is another's
    gate.parts["routes"]["*"] = "smtp:127.0.0.1:%d" % ground.free_port()
    gate.settings["hostname"] = '"mail.example.org"'
    done = gate.reload(check=False)
    assert done.returncode == 1 and "keys refuses: " in done.stderr, done.stderr
    assert f"{gate.config}:" in done.stderr and certificate in done.stderr
    assert "the old settings stay in use everywhere" in done.stderr
    assert generations(gate) == generation
    victim = gate.pids(role)[0]
    gate.expected_deaths += 1
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in gate.pids(role) and all(
        one["phase"] == "serving" for one in gate.status()["roles"]), 10, "it is back")
    assert certificate_of(gate) == before
    with gate.session() as wire:
        assert deliver(wire, letter(token)).code == 250
    sink.wait_for_token(token)
    assert set(generations(gate).values()) == set(generation.values())


def spoil(fault, authority, certificate, key):
    if fault == "expired":
        for target, source in zip((certificate, key), authority.issue("mail.example.org", days=-1)):
            put(target, source)
    elif fault == "early":
        early(authority, certificate, key)
    elif fault == "key":
        put(key, authority.issue("mail.example.org")[1])
    elif fault == "unreadable":
        os.unlink(key)
        os.mkdir(key)
    elif fault == "garbage":
        ground.write(key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


def early(authority, certificate, key):
    """A certificate that begins to be valid tomorrow."""
    base = os.path.dirname(certificate) + "/early"
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=mail.example.org", "-addext", "subjectAltName=DNS:mail.example.org",
                    "-keyout", key, "-out", base + ".csr"], check=True, capture_output=True)
    with open(base + ".cnf", "w", encoding="ascii") as out:
        out.write("[ca]\ndefault_ca=x\n[x]\ndatabase=%s.db\nnew_certs_dir=%s\ndefault_md=sha256\n"
                  "rand_serial=yes\npolicy=any\ncopy_extensions=copy\n[any]\ncommonName=supplied\n"
                  % (base, os.path.dirname(base)))
    ground.write(base + ".db", "")
    subprocess.run(["openssl", "ca", "-batch", "-config", base + ".cnf", "-cert", authority.trust,
                    "-keyfile", authority.key, "-in", base + ".csr", "-out", certificate, "-notext",
                    "-startdate", "20991231000000Z", "-enddate", "21001231000000Z"],
                   check=True, capture_output=True)
    ground.give(certificate)
    ground.give(key)


@pytest.mark.parametrize("fault,word", [("expired", "expired"), ("early", "not valid"), ("key", "key"),
                                        ("garbage", "key"), ("unreadable", "")])
def test_B18_start_is_refused_and_the_file_is_named(authority, folder, fault, word):
    mine = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    for target, source in zip(mine, authority.issue("mail.example.org")):
        put(target, source)
    spoil(fault, authority, *mine)
    gate = Sallyport(certificates=[mine], path=ground.folder("gate"))
    gate.write_config()
    try:
        done = subprocess.run([ground.program("sallyportd"), "-c", gate.config, "-f"], timeout=20,
                              capture_output=True, text=True, cwd="/", **ground.as_user())
        assert done.returncode in (1, 78)
        assert (mine[0] in done.stderr or mine[1] in done.stderr) and word in done.stderr, done.stderr
        assert not os.path.exists(f"{gate.path}/run/control.sock")
    finally:
        ground.remove(gate.path)


def test_a_certificate_that_ends_soon_is_told(replaceable, authority):
    gate, certificate, key = replaceable
    assert not gate.events_named("client.certificate-expires")
    for target, source in zip((certificate, key), authority.issue("mail.example.org", days=5)):
        put(target, source)
    start = len(gate.events)
    gate.reload()
    event = gate.wait_for_event("client.certificate-expires", start=start)
    assert (event["level"], event["file"]) == ("warning", certificate) and event["days"] in (4, 5), event
    assert "days" in gate.ctl("check", check=False).stdout


# --- what a reload takes over

def test_rights_come_and_go(restored, sink, token):
    gate = restored

    def team(wire):
        return deliver(wire, letter(token, sender=b"<" + TEAM + b">"), sender=TEAM)
    with gate.session() as before:
        assert team(before).code == 250
        gate.parts["permits"] = 'permit "authenticated" { rights = { submit, relay } }\n'
        gate.reload()
        with gate.session() as after:
            assert after.command(b"MAIL FROM:<" + TEAM + b">").enhanced == "5.7.1"
        # What was taken away is taken from old sessions too: queue decides again.
        reply = team(before)
        assert (reply.code, reply.enhanced) == (550, "5.7.1"), reply
        gate.parts["permits"] += 'deny "authenticated" { rights = { relay } }\n'
        gate.reload()
        with gate.session() as after:
            after.expect(250, b"MAIL FROM:<alice@example.org>")
            assert after.command(b"RCPT TO:<u@example.net>").enhanced == "5.7.1"
            after.expect(250, b"RCPT TO:<u@example.org>")
    assert len(sink.with_token(token)) == 1


def test_limits_change(restored):
    gate = restored
    gate.parts["limits"] = {**gate.parts["limits"], "recipients-per-message": "2"}
    gate.parts["listeners"]["submission"] = {**gate.parts["listeners"]["submission"], "message-size": "10K"}
    with gate.session() as before:
        gate.reload()
        with gate.secure() as wire:
            assert wire.offered["SIZE"] == [b"10240"]
            wire.login()
            assert wire.command(b"MAIL FROM:<alice@example.org> SIZE=20000").code == 552
            wire.expect(250, b"MAIL FROM:<alice@example.org>")
            for recipient in (b"a", b"b"):
                wire.expect(250, b"RCPT TO:<" + recipient + b"@example.net>")
            assert wire.command(b"RCPT TO:<c@example.net>").enhanced == "4.5.3"
        before.expect(250, b"MAIL FROM:<alice@example.org> SIZE=20000")


def test_what_waits_takes_the_new_route(restored, other_sink, token):
    gate = restored
    gate.parts["routes"]["moved.test"] = "smtp:127.0.0.1:%d" % ground.free_port()
    gate.reload()
    with gate.session() as wire:
        assert deliver(wire, letter(token), recipient=b"u@moved.test").code == 250
    gate.wait_until_tried("u@moved.test")
    gate.parts["routes"]["moved.test"] = other_sink.target
    gate.reload()
    gate.ctl("queue", "flush")
    other_sink.wait_for_token(token)


def test_listeners_come_change_and_go(restored, sink, token):
    gate = restored
    port = gate.ports["submission"]
    address = f'{{ "127.0.0.1:{ground.free_port()}" }}'
    gate.parts["listeners"]["more"] = {"banner": '"first"', "address": address}
    gate.reload()
    gate.learn_ports()
    assert gate.ports["submission"] == port
    more = gate.address("more")
    with gate.transaction(listener="more") as busy:
        busy.expect(354, b"DATA")
        gate.parts["listeners"]["more"] = {"tls": "implicit", "banner": '"second"', "address": address}
        gate.reload()
        with Wire(more) as other:
            other.handshake()
            assert "second" in other.reply().text
        busy.send(letter(token) + b".\r\n")
        assert busy.reply().code == 250
    sink.wait_for_token(token)
    gate.parts["listeners"]["more"] = None
    gate.parts["listeners"]["renamed"] = {"banner": '"third"', "address": address}
    gate.reload()
    with Wire(more) as other:
        assert "third" in other.reply().text
    gate.parts["listeners"]["renamed"] = None
    gate.reload()
    with pytest.raises(ConnectionRefusedError):
        Wire(more)


def test_sessions_of_a_listener_that_is_gone(restored, sink, token):
    """They are told so; a message under way is put off, never refused for good and never lost."""
    gate = restored
    gate.parts["listeners"]["more"] = {}
    gate.reload()
    gate.learn_ports()
    with gate.transaction(listener="more") as busy, gate.session(listener="more") as idle:
        busy.expect(354, b"DATA")
        gate.parts["listeners"]["more"] = None
        gate.reload()
        assert idle.reply().code == 421
        assert idle.is_closed()
        busy.send(letter(token) + b".\r\n")
        assert busy.reply().code == 451
        assert [reply.code for reply in busy.replies_until_end()] == [421]
    assert not sink.with_token(token)


def test_an_address_that_is_taken_changes_nothing(restored, other_sink):
    gate = restored
    before = generations(gate)
    gate.parts["listeners"]["more"] = {"address": f'{{ "127.0.0.1:{other_sink.port}" }}'}
    done = gate.reload(check=False)
    assert done.returncode == 1 and f"127.0.0.1:{other_sink.port}" in done.stderr + done.stdout
    assert generations(gate) == before


def test_mechanisms_change_and_a_login_under_way_goes_on(restored):
    gate = restored
    with gate.secure() as wire:
        client = scram.Scram("alice", "alicepw")
        wire.send(b"AUTH SCRAM-SHA-256 " + b64(client.first()) + b"\r\n")
        challenge = wire.reply()
        assert challenge.code == 334
        gate.parts["sasl"] = {**gate.parts["sasl"], "mechanisms": '{ "PLAIN" }'}
        gate.reload()
        wire.send(b64(client.final(base64.b64decode(challenge.text))) + b"\r\n")
        reply = wire.reply()
        if reply.code == 334:
            reply = wire.command(b"")
        assert reply.code == 235, reply
    with gate.secure() as wire:
        assert wire.offered["AUTH"] == [b"PLAIN"]
        assert wire.command(b"AUTH SCRAM-SHA-256 biws").code == 504
        wire.login()


@pytest.fixture(scope="module")
def realm():
    if kdc.missing() or gssapi.missing():
        pytest.skip(kdc.missing() or gssapi.missing())
    server = kdc.Kdc()
    server.add_user("alice", "alicepw")
    server.keytab = server.add_service("smtp/mail.example.org")
    server.start()
    server.login("alice", "alicepw")
    yield server
    server.stop()


def log_in_by_ticket(gate, realm):
    initiator = gssapi.Initiator("mail.example.org", realm.environment)
    with gate.secure() as wire:
        reply = wire.expect(334, b"AUTH GSSAPI " + b64(initiator.step()))
        initiator.step(base64.b64decode(reply.text))
        reply = wire.expect(334, b"")
        initiator.unwrap(base64.b64decode(reply.text))
        return wire.command(b64(initiator.wrap(b"\1\0\0\0"))).code


def test_gssapi_comes_and_goes_by_reload(make_gate, realm, sink, token):
    """auth is replaced for it: sessions are known to the new one, and a keytab that is none is refused."""
    gate = make_gate(routes={"*": sink.target}, environment={"KRB5_CONFIG": realm.environment["KRB5_CONFIG"]})
    auth = gate.pids("auth")
    with gate.session() as before:
        gate.parts["sasl"]["mechanisms"] = '{ "PLAIN", "GSSAPI" }'
        gate.parts["sasl"]["keytab"] = f'"{gate.config}"'
        os.chmod(gate.config, 0o600)
        done = gate.reload(check=False)
        assert done.returncode == 1 and "auth refuses: " in done.stderr and "keytab" in done.stderr, done.stderr
        assert gate.pids("auth") == auth
        gate.parts["sasl"]["keytab"] = f'"{realm.keytab}"'
        gate.reload()
        assert gate.pids("auth") != auth
        auth = gate.pids("auth")
        assert log_in_by_ticket(gate, realm) == 235
        until(lambda: len(gate.ctl_json("sessions", "list")["sessions"]) == 1, 5, "the one that began before")
        assert deliver(before, letter(token)).code == 250
    gate.reload()
    assert gate.pids("auth") == auth
    assert log_in_by_ticket(gate, realm) == 235
    gate.parts["sasl"]["mechanisms"] = '{ "PLAIN" }'
    gate.reload()
    with gate.secure() as wire:
        assert wire.offered["AUTH"] == [b"PLAIN"]
    assert gate.pids("auth") == auth


def is_served(gate):
    """Not yet if one took the client that had not heard yet that it is to leave: that says 421."""
    try:
        with gate.session() as wire:
            return wire.command(b"NOOP").code == 250
    except (AssertionError, EOFError, OSError):
        return False


def test_fewer_workers_lose_no_message(restored, sink, token):
    """A front end too many ends the sessions that wait, and finishes the messages under way."""
    gate = restored
    gate.settings["workers"] = "3"
    gate.reload()
    until(lambda: len(gate.pids("smtp")) == 3, 10, "three front ends")
    wires = [gate.transaction() for _ in range(12)]
    try:
        for number, wire in enumerate(wires):
            wire.expect(354, b"DATA")
            wire.send(letter(token + b"%dx" % number))
        gate.settings["workers"] = "1"
        gate.reload()
        until(lambda: is_served(gate), 10, "the one that stays serves")
        for wire in wires:
            wire.send(b".\r\n")
            assert wire.reply().code == 250
    finally:
        for wire in wires:
            wire.close()
    sink.wait_for_token(token, count=12)
    until(lambda: len([1 for role in gate.status()["roles"] if role["role"] == "smtp"]) == 1, 10,
          lambda: gate.status()["roles"])


# --- under load

@pytest.mark.skipif(not ground.IS_ROOT, reason="only root may see what the roles hold")
def test_N10_reloads_under_load():
    """In small; two hundred of them are "make durability-reload"."""
    reloads = Reloads(clients=4)
    try:
        verdict = reloads.run(8, warm_rounds=7)
    finally:
        reloads.close()
    assert not verdict["grown"] and not verdict["twice"], verdict
    assert verdict["refused"] >= 2 and verdict["messages"] > 50, verdict
