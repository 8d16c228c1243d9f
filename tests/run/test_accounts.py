# SPDX-License-Identifier: BSD-2-Clause
"""Accounts from the administrator's hand to a client's login: app passwords, groups, ends of both."""
import json
import os
import subprocess
import time

import pytest

from rig import ground, scram
from rig.deadline import until
from rig.wire import b64

HOST = "mail.example.org"
NO, USAGE = 1, 2
MECHANISMS = ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1"]


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    return make_gate(routes={"*": sink.target}, sasl={
        "mechanisms": "{ " + ", ".join(f'"{m}"' for m in MECHANISMS) + " }",
        "failures-per-login": "100", "failures-per-address": "1000", "failure-delay": "10ms"})


@pytest.fixture
def carol(gate):
    """An account that a test may spoil."""
    gate.add_account("carol", "carolpw", ["carol@example.org"])
    yield "carol"
    gate.ctl("account", "delete", "carol", check=False)


def app_password(gate, login, label, *options):
    return gate.ctl_json("account", "app-password", "add", login, "--label", label, *options)["password"]


def clients(gate, trust):
    """How each client logs in, and out again."""
    port = gate.address("submission")[1]
    gsasl = ["gsasl", "--smtp", f"--connect=127.0.0.1:{port}", f"--x509-ca-file={trust}", f"--hostname={HOST}", "--service=smtp", "--quiet"]
    return {
        "swaks": lambda mechanism, user, password: [
            "swaks", "--server", f"127.0.0.1:{port}", "--tls", "--auth", mechanism, "--auth-user", user, "--auth-password", password,
            "--quit-after", "AUTH"],
        "curl": lambda mechanism, user, password: [
            "curl", "-sS", "--ssl-reqd", "--cacert", trust, "--resolve", f"{HOST}:{port}:127.0.0.1", f"smtp://{HOST}:{port}/client.example.org",
            "--login-options", f"AUTH={mechanism}", "-u", f"{user}:{password}", "-X", "NOOP"],
        "gsasl": lambda mechanism, user, password: [
            *gsasl, f"--mechanism={mechanism}", "-a", user, "-p", password, *([] if mechanism.endswith("PLUS") else ["--no-cb"])],
    }


def runs(argv):
    if not ground.find_program(argv[0]):
        pytest.skip(f"{argv[0]} is not installed")
    return subprocess.run([ground.find_program(argv[0]), *argv[1:]], capture_output=True, timeout=30).returncode == 0


@pytest.mark.parametrize("client, mechanism, by_label", [
    ("swaks", "PLAIN", False), ("curl", "LOGIN", False), ("curl", "PLAIN", True),
    ("gsasl", "SCRAM-SHA-256", True), ("gsasl", "SCRAM-SHA-256-PLUS", True), ("gsasl", "SCRAM-SHA-1", True)])
def test_clients_log_in_by_app_password(gate, authority, carol, client, mechanism, by_label):
    argv = clients(gate, authority.trust)[client]
    password = app_password(gate, carol, "Scanner")
    user = f"{carol}/scanner" if by_label else carol
    start = len(gate.events)
    assert runs(argv(mechanism, user, password))
    gate.wait_for_event("client.login", {"login": carol, "credential": "Scanner", "mech": mechanism}, start=start)
    gate.ctl("account", "app-password", "revoke", carol, "scanner")
    assert not runs(argv(mechanism, user, password))


def test_it_is_typed_as_people_type(gate, carol):
    password = app_password(gate, carol, "phone")
    for typed in (password, password.replace("-", ""), password.replace("-", " ").upper()):
        with gate.session(carol, typed) as wire:
            wire.expect(250, b"NOOP")
    with gate.session(carol) as wire:
        wire.expect(250, b"NOOP")


def test_a_scope_holds(gate, carol):
    password = app_password(gate, carol, "mail reader", "--scope", "imap,pop3")
    with gate.secure() as wire:
        assert wire.auth_plain(carol, password).code == 535
    gate.wait_for_event("client.login-failed", {"login": carol, "reason": "app password is not for this protocol"})
    rows = gate.ctl_json("account", "app-password", "list", carol)["app_passwords"]
    assert [(row["label"], row["protocols"], row["expires_ms"], row["used_ms"]) for row in rows] == [
        ("mail reader", ["imap", "pop3"], None, None)]
    for bad in ("--scope=gopher", "--expires=tomorrow", "--label=a/b"):
        assert gate.ctl("account", "app-password", "add", carol, "--label", "x", bad, check=False).returncode in (NO, USAGE)
    assert gate.ctl("account", "app-password", "add", carol, "--label", "MAIL reader", check=False).returncode == NO


def test_revoked_while_logged_in(gate, carol):
    """Its own sessions end at the next command, those of the password go on; so do the ones of another device."""
    scanner = app_password(gate, carol, "scanner")
    phone = app_password(gate, carol, "phone")
    with gate.session(carol, scanner) as first, gate.session(carol) as second, gate.session(carol, phone) as third:
        assert {row["credential"] for row in gate.ctl_json("sessions", "list", carol)["sessions"]} == {"scanner", "phone", ""}
        gate.ctl("account", "app-password", "revoke", carol, "scanner")
        assert first.command(b"MAIL FROM:<carol@example.org>").code == 421
        second.expect(250, b"MAIL FROM:<carol@example.org>")
        third.expect(250, b"MAIL FROM:<carol@example.org>")
    with gate.secure() as wire:
        assert wire.auth_plain(carol, scanner).code == 535
        assert wire.auth_plain(carol + "/scanner", scanner).code == 535
        assert wire.auth_plain(carol, phone).code == 235


def until_ms(gate, carol, of_account, expires_ms):
    """An end within seconds has no option; the control socket takes it. The password that ends then."""
    if of_account:
        gate.ask({"verb": "account set", "args": {"login": carol, "expires_ms": expires_ms}})
        return "carolpw"
    args = {"login": carol, "label": f"until {expires_ms}", "expires_ms": expires_ms}
    return gate.ask({"verb": "account app-password add", "args": args})["data"]["password"]


@pytest.mark.parametrize("of_account", [True, False])
def test_what_expires_ends_its_sessions(gate, carol, of_account):
    """On a slow machine the end may come before the login: then it is set again, later."""
    for seconds in (1, 5, 25):
        soon = int((time.time() + seconds) * 1000)
        password = until_ms(gate, carol, of_account, soon)
        start = len(gate.events)
        wire = gate.secure()
        if wire.auth_plain(carol, password).code == 235:
            break
    gate.wait_for_event("login.expired", {"login": carol}, seconds=seconds + 10, start=start)
    assert time.time() * 1000 >= soon
    until(lambda: wire.command(b"NOOP").code == 421, 5, lambda: gate.story(20))
    with gate.secure() as wire:
        assert wire.auth_plain(carol, password).code == 535


def test_logins_are_reported(gate, carol):
    """What was seen of a login is in the reports at once, with what it came by."""
    password = app_password(gate, carol, "scanner")
    with gate.session(carol, password) as wire:
        source = wire.source
        wire.expect(250, b"NOOP")
    with gate.secure() as wire:
        assert wire.auth_plain(carol, "wrong").code == 535
    rows = gate.ctl_json("report", "logins", "--login", carol, "--since", "1h")["logins"]
    got = next(row for row in rows if row["credential"] == "scanner")
    assert (got["tls"], got["mechanism"], got["address"], got["listener"], got["successes"], got["failures"]) == (
        "TLS1.3", "PLAIN", source, "submission", 1, 0)
    assert sum(row["failures"] for row in rows) == 1
    used, = gate.ctl_json("account", "app-password", "list", carol)["app_passwords"]
    assert (used["used_ms"], used["used_protocol"], used["used_address"]) == (got["last_ms"], ["smtp"], source)
    assert gate.ctl_json("report", "insecure", "--login", carol) == {"logins": [], "settings": []}
    assert f"{carol}\tscanner\tsmtp" in gate.ctl("report", "logins").stdout
    assert carol not in gate.ctl("report", "insecure").stdout
    assert gate.ctl("report", "logins", "--since", "soon", check=False).returncode == USAGE


def test_disabled_means_app_passwords_too(gate, carol):
    password = app_password(gate, carol, "scanner")
    with gate.session(carol, password) as wire:
        gate.ctl("account", "disable", carol)
        assert wire.command(b"NOOP").code == 421
    with gate.secure() as wire:
        assert wire.auth_plain(carol, password).code == 535


def test_the_password_may_be_off(gate, carol):
    password = app_password(gate, carol, "scanner")
    with gate.session(carol) as wire:
        gate.ctl("account", "set", carol, "--app-passwords-only", "smtp")
        assert wire.command(b"NOOP").code == 421
    with gate.secure() as wire:
        assert wire.auth_plain(carol, "carolpw").code == 535
        assert wire.auth_plain(carol, password).code == 235
    gate.ctl("account", "set", carol, "--app-passwords-only", "none")
    with gate.session(carol) as wire:
        wire.expect(250, b"NOOP")


def test_a_grant_of_a_group_holds_at_once(gate, carol):
    """Nobody logs in anew when something is given; whoever loses it hears of it at the next command."""
    gate.ctl("group", "add", "support")
    try:
        gate.ctl("account", "join", carol, "support")
        with gate.session(carol) as wire:
            assert wire.command(b"MAIL FROM:<support@example.org>").code == 550
            gate.ctl("grant", "add", "group:support", "send-as", "support@example.org")

            def may():
                reply = wire.command(b"MAIL FROM:<support@example.org>")
                wire.expect(250, b"RSET")
                return reply.code == 250
            until(may, 5, lambda: gate.story(20))
            rows = gate.ctl_json("grant", "list", carol)["grants"]
            assert [(row["group"], row["right"], row["pattern"]) for row in rows] == [("support", "send-as", "support@example.org")]
            told = gate.ctl_json("explain", "--login", carol, "--listener", "submission", "--mail-from", "support@example.org")
            assert "grant of group support" in json.dumps(told)
            gate.ctl("grant", "delete", "group:support", "send-as", "support@example.org")
            assert wire.command(b"NOOP").code == 421
        assert gate.ctl("account", "join", carol, "suport", check=False).returncode == NO
    finally:
        gate.ctl("group", "delete", "support")


def test_addresses_and_which_is_first(gate, carol):
    gate.ctl("address", "add", carol, "c.smith@example.org")
    gate.ctl("address", "primary", carol, "c.smith@example.org")
    assert gate.ctl_json("account", "show", carol)["addresses"] == ["c.smith@example.org", "carol@example.org"]
    assert gate.ctl("address", "primary", carol, "x@example.org", check=False).returncode == NO


def test_export_and_import(gate, carol, tmp_path):
    """Out with stored keys, away, and back: the same passwords log in; a second time nothing is to be done."""
    password = app_password(gate, carol, "scanner")
    path = str(tmp_path / "accounts.json")
    if ground.IS_ROOT:
        for folder in (tmp_path, *tmp_path.parents[:3]):
            os.chmod(folder, 0o777)
    gate.ctl("account", "export", "--secrets", "--output", path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert gate.ctl("account", "export", "--secrets", "--output", path, check=False).returncode == NO
    with open(path, encoding="utf-8") as file:
        document = file.read()
    os.unlink(path)
    assert password not in document and "carolpw" not in document
    assert "stored" not in gate.ctl("account", "export").stdout
    with gate.session(carol) as wire:
        done = json.loads(gate.ctl("account", "import", "-", "--json", stdin=document).stdout)
        assert (done["added"], done["changed"]) == (0, 0)
        wire.expect(250, b"NOOP")
    gate.ctl("account", "delete", carol)
    tried = json.loads(gate.ctl("account", "import", "-", "--dry-run", "--json", stdin=document).stdout)
    assert (tried["added"], tried["dry_run"]) == (1, True)
    assert gate.ctl("account", "show", carol, check=False).returncode == NO
    gate.ctl("account", "import", "-", stdin=document)
    for secret in ("carolpw", password):
        with gate.session(carol, secret) as wire:
            wire.expect(250, b"NOOP")
    for bad in (document.replace('"version": 1', '"version": 9'), document.replace('"login": "carol"', '"login": "ca/rol"'), "{", ""):
        assert gate.ctl("account", "import", "-", stdin=bad, check=False).returncode in (NO, USAGE)


def test_app_passwords_show_nowhere(gate, carol):
    """Not in a log, not in an argument, and only as keys in the database."""
    password = app_password(gate, carol, "scanner")
    with gate.session(carol, password) as wire:
        wire.expect(250, b"NOOP")
    with gate.secure() as wire:
        wire.command(b"AUTH SCRAM-SHA-256 " + b64(scram.Scram(carol + "/scanner", password).first()))
    story = gate.story(100000)
    bare = password.replace("-", "")
    assert password not in story and bare not in story
    for folder, _, files in os.walk(gate.path):
        for name in filter(lambda name: not name.endswith(".sock"), files):
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            assert password.encode() not in content and bare.encode() not in content, name
    assert carol in story and "scanner" in story
