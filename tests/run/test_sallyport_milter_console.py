# SPDX-License-Identifier: BSD-2-Clause
"""sallyport-milter by hand: --check, --parse-from, -t."""
import contextlib
import os
import sqlite3
import subprocess

import pytest

from rig import ground
from rig.milter_filter import HEAD, Filter
from test_sallyport_milter import SENDERS, WRONG_TEXT, configuration


@pytest.fixture
def asked():
    running = Filter(configuration("mode = log  unauthenticated = check"))
    ground.write(f"{running.path}/senders", SENDERS, 0o644)
    yield running.ask
    running.stop()


@pytest.mark.parametrize("arguments, code, words", [
    (["alice", "alice@example.org"], 0, ["verdict:    pass", "decided by: own address"]),
    (["alice", "<bob@example.org>"], 1, ["verdict:    refuse", "reply:      550 5.7.1 " + WRONG_TEXT % "MAIL FROM",
                                         "decided by: no permit names this sender of ours"]),
    (["alice", "alice@example.org", "--from", "Bob <bob@example.org>"], 1, [WRONG_TEXT % "From"]),
    (["alice", "alice@example.org", "--from", "J <ali@example.org>"], 0, ["verdict:    pass"]),
    (["alice", ""], 0, ["decided by: null sender"]),
    (["carol", "carol@example.org", "--from", "bob@example.org"], 0, [
        "verdict:    rewrite", "From:       carol@example.org", "Reply-To:   bob@example.org"]),
    (["erin", "bob@example.org", "--from", "erin@example.org"], 1, ["verdict:    hold"]),
    (["", "alice@example.org", "--client", "192.0.2.1"], 1, ["530 5.7.0 Authentication required"]),
    (["", "alice@example.org", "--client", "127.0.0.1"], 0, ["verdict:    pass", "decided by: exempt-networks"]),
])
def test_check(asked, arguments, code, words):
    """What the rights say, whatever the mode is."""
    done = asked("--check", *arguments)
    assert done.returncode == code, done
    for word in words:
        assert word in done.stdout, done
    assert not done.stderr


@pytest.mark.parametrize("arguments", [
    ["--check"], ["--check", "a"], ["--check", "a", "b", "c"], ["--check", "-f", "a", "b"], ["--from", "x"], ["word"],
    ["-t", "--check", "a", "b"], ["--parse-from", "a@b", "x"], ["-z"],
])
def test_usage(asked, arguments):
    done = asked(*arguments)
    assert done.returncode == 2 and done.stderr.strip() and not done.stdout


def test_what_was_not_meant(asked):
    """Nobody is answered for another client than was asked of, nor for another listener without a word."""
    for client in ("nope", "192.0.2.0/24", ""):
        done = asked("--check", "alice", "alice@example.org", "--client", client)
        assert done.returncode == 2 and f'"{client}" is not an IP address' in done.stderr and not done.stdout, done
    done = asked("--check", "alice", "alice@example.org", "--listener", "nope", "--client", "2001:db8::1")
    assert done.returncode == 0 and 'no listener section "nope"' in done.stderr and "pass" in done.stdout, done


TABLES = {
    "duplicate": ("senders", "a@example.org alice\nb@example.org bob\nA@example.org bob\nb@example.org bob\n", 0,
                  'line=3 reason="a@example.org stands in line 1 already, and that counts" more=1'),
    "mark": ("senders", "\ufeffa@example.org alice\n", 1, "senders:1: begins with a byte order mark"),
    "setting": ("db.cf", "dbpath = {path}/db\nquery = select login from s where a = '%s'\nresutl_format = %s\n", 0,
                'line=3 reason="there is no setting resutl_format"'),
    "quotes": ("db.cf", "dbpath = {path}/db\nquery = select login from s where a = %s\n", 1,
               "db.cf: the query has an expansion outside of '...'"),
    "column": ("db.cf", "dbpath = {path}/db\nquery = select nobody from s where a = '%s'\n", 1, "no such column: nobody"),
    "indexed": ("db.cf", None, 1, "sender-maps: hash:/none: indexed files are not read here; write texthash:/none"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_checked(tmp_path, name):
    """What is wrong with a table, or odd in it, is found by -t, with its line."""
    file, text, code, words = TABLES[name]
    table = str(tmp_path / file)
    with sqlite3.connect(tmp_path / "db") as database:
        database.execute("create table s (a text, login text)")
    ground.write(table, (text or "").replace("{path}", str(tmp_path)))
    kind = "hash:/none" if text is None else ("sqlite:" if file == "db.cf" else "texthash:") + table
    text = f'{HEAD}filter {{ user = nobody  source = maps  sender-maps = "{kind}" }}\n'
    config = ground.write(str(tmp_path / "m.conf"), text)
    done = subprocess.run([ground.program("sallyport-milter"), "-t", "-c", config], capture_output=True, text=True,
                          check=False)
    assert done.returncode == code and done.stderr.count("\n") == 1 and words in done.stderr, done


def test_a_database_in_wal_mode():
    """Readers write beside it, which nobody would guess from SQLite's own words."""
    folder = ground.folder("wal")
    inside = os.path.join(folder, "inside")
    os.mkdir(inside)
    with contextlib.closing(sqlite3.connect(f"{inside}/db")) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("create table s (a text, login text)")
    os.chmod(f"{inside}/db", 0o444)
    os.chmod(inside, 0o555)
    ground.write(f"{folder}/db.cf", f"dbpath = {inside}/db\nquery = select login from s where a = '%s'\n")
    ground.write(f"{folder}/m.conf", f'{HEAD}filter {{ source = maps  sender-maps = "sqlite:{folder}/db.cf" }}\n')
    done = subprocess.run([ground.program("sallyport-milter"), "-t", "-c", f"{folder}/m.conf"], capture_output=True,
                          text=True, check=False, **ground.as_user())
    os.chmod(inside, 0o755)
    ground.remove(folder)
    assert done.returncode == 1 and "/db: in WAL mode, so who reads it must be able to write beside it" in done.stderr, done


def test_parse_from(asked):
    done = asked("--parse-from", 'Alice <alice@EXAMPLE.org>, "ceo@example.org" <b@example.net>')
    assert done.returncode == 0 and done.stdout.splitlines() == [
        "mailbox:    alice@example.org", "name:       Alice", "mailbox:    b@example.net",
        "poses as:   ceo@example.org"]
    done = asked("--parse-from", "<attacker@example.org>:<spoofed@example.org>")
    assert done.returncode == 1 and done.stderr.startswith("sallyport-milter: ") and not done.stdout


def test_the_file_is_checked(asked, tmp_path):
    done = asked("-t")
    assert done.returncode == 0 and done.stdout.endswith(": good\n")
    path = ground.write(str(tmp_path / "bad.conf"), "hostname = x\n")
    done = subprocess.run([ground.program("sallyport-milter"), "-t", "-c", path], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1 and f"{path}:1:" in done.stderr
