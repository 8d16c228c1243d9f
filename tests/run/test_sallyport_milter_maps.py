# SPDX-License-Identifier: BSD-2-Clause
"""
The same tables as smtpd_sender_login_maps of a real Postfix and as sender-maps of sallyport-milter: for each sender
and login both say the same.
"""
import os
import sqlite3

import pytest

from rig import dovecot, ground, postfix
from rig.milter_filter import HEAD, Filter, need
from rig.sink import Sink
from rig.wire import Wire

LOGINS = ("alice", "bob")

# example.org is a domain of ours, example.net is not.
FIRST = """# whose is what
alice@example.org  alice
Team@Example.org   bob,
# both
    Alice
bob+list@example.org  alice
bob@example.org  bob
sales   alice bob
plus+only  bob
"a b"@example.org  alice
@example.net  bob
alice@example.net  alice
mixed@example.net  Bob\talice
own+ext@example.net  alice
own@example.net  bob
root@example.org  alice@example.org
"""
SECOND = "alice@example.org  bob\nsecond@example.org  alice\n@second.example  alice\nsales@example.net  bob\n"

SENDERS = (
    "alice@example.org", "ALICE@Example.ORG", "alice+x@example.org", "alice+@example.org", "team@example.org",
    "team+a+b@example.org", "bob@example.org", "bob+list@example.org", "bob+other@example.org", "+bob@example.org",
    "sales@example.org", "sales+q3@example.org", "plus+only@example.org", "plus@example.org",
    '"a b"@example.org', '"a b+c"@example.org', "any@example.net", "alice@example.net", "mixed@example.net",
    "own+ext@example.net", "own+more@example.net", "own@example.net", "root@example.org", "second@example.org",
    "x@second.example", "sales@example.net", "sales@elsewhere.example", "nobody@example.org", "alice@elsewhere.example",
    "postmaster@example.org",
)

MAIN = """
mydestination = example.org
recipient_delimiter = +
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 10000
smtpd_soft_error_limit = 10000
smtpd_junk_command_limit = 10000
smtpd_tls_auth_only = no
milter_default_action = tempfail
"""


def write_tables(path):
    """As text, and the same rows in a database, each table of its own."""
    tables = {"texthash": [], "sqlite": []}
    for name, text in (("first", FIRST), ("second", SECOND)):
        ground.write(f"{path}/{name}", text, 0o644)
        tables["texthash"].append(f"texthash:{path}/{name}")
        rows = []
        for line in text.replace(",\n# both\n", ", ").splitlines():
            if not line.startswith("#"):
                key, value = (line[:17], line[17:]) if line.startswith('"') else line.split(None, 1)
                rows.append((key.lower(), value.strip()))
        with sqlite3.connect(f"{path}/{name}.db") as base:
            base.execute("CREATE TABLE owners (address TEXT, logins TEXT)")
            base.executemany("INSERT INTO owners VALUES (?, ?)", rows)
        base.close()
        os.chmod(f"{path}/{name}.db", 0o644)
        ground.write(f"{path}/{name}.cf", f"dbpath = {path}/{name}.db\n"
                     "query = SELECT logins FROM owners\n  WHERE address = '%s'\n", 0o644)
        tables["sqlite"].append(f"sqlite:{path}/{name}.cf")
    for name in os.listdir(path):   # Postfix waits for a file that has just changed
        os.utime(os.path.join(path, name), (0, 0))
    return tables


@pytest.fixture(scope="module")
def server(authority):
    """Postfix with a service for each kind of table, once with its own check and once with the filter."""
    need()
    reason = postfix.missing() or dovecot.missing()
    if reason:
        pytest.skip(reason)
    path = ground.folder("tables")
    os.chmod(path, 0o755)
    tables = write_tables(path)
    logins = dovecot.Dovecot(users={login: login + "pw" for login in LOGINS}, any_mailbox=False).start()
    sink = Sink()
    filters, services = [], {}
    for kind, names in tables.items():
        text = HEAD + ('filter { socket = "{socket}"  socket-mode = 0666  source = maps  recipient-delimiter = "+"\n'
                       'local-domains = { "example.org" }\n'
                       "sender-maps = { " + ", ".join(f'"{name}"' for name in names) + " } }\n")
        filters.append(Filter(text).start())
        services[f"ours-{kind}"] = f"-o smtpd_milters=unix:{filters[-1].socket}"
        services[f"own-{kind}"] = ("-o smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch "
                                   f"-o smtpd_sender_login_maps={','.join(names)}")
    running = postfix.Postfix(authority.issue("smarthost.example.net"), logins.auth_port, f"[127.0.0.1]:{sink.port}",
                              services=services, more=MAIN).start()
    running.tables = path
    yield running
    running.stop()
    for one in filters:
        one.stop()
    sink.stop()
    logins.stop()
    ground.remove(path)


def verdicts(server, service, login):
    """What becomes of each sender, at MAIL or, with Postfix's own check, at RCPT."""
    found = {}
    with Wire(("127.0.0.1", server.ports[service]), "127.0.0.9", 30) as wire:
        wire.greet()
        wire.login(login, login + "pw")
        for sender in SENDERS:
            reply = wire.command(b"MAIL FROM:<" + sender.encode() + b">")
            if reply.code == 250 and service.startswith("own"):
                reply = wire.command(b"RCPT TO:<u@example.com>")
            assert reply.code in (250, 550, 553), (sender, reply)
            found[sender] = reply.code == 250
            wire.expect(250, b"RSET")
    return found


@pytest.mark.parametrize("kind", ["texthash", "sqlite"])
@pytest.mark.parametrize("login", LOGINS)
def test_whose_an_address_is(server, kind, login):
    own, ours = verdicts(server, f"own-{kind}", login), verdicts(server, f"ours-{kind}", login)
    assert own == ours
    assert sum(own.values()) > 8 and not all(own.values())


def first_reply(server, login, sender):
    with Wire(("127.0.0.1", server.ports["ours-texthash"]), "127.0.0.9", 30) as wire:
        wire.greet()
        wire.login(login, login + "pw")
        return wire.command(b"MAIL FROM:<" + sender + b">")


def test_a_table_that_is_changed(server):
    """At once, without a reload; and while it cannot be read, mail is put off."""
    path = f"{server.tables}/second"
    assert first_reply(server, "bob", b"second@example.org").code == 550
    ground.write(path, SECOND.replace("second@example.org  alice", "second@example.org  bob"), 0o644)
    assert first_reply(server, "bob", b"second@example.org").code == 250
    ground.write(path, SECOND + "half-a-line\n", 0o644)
    assert first_reply(server, "bob", b"second@example.org").code == 451
    ground.write(path, SECOND, 0o644)
    assert first_reply(server, "bob", b"second@example.org").code == 550
