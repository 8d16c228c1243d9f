# SPDX-License-Identifier: BSD-2-Clause
"""sallyport-milter by itself: what it agrees on, says and changes, its modes, its reload, its end."""
import grp
import os
import resource
import socket
import stat
import struct
import threading

import pytest

from rig import ground, opinion, process
from rig.deadline import until
from rig.milter_filter import HEAD, Filter
from rig.milter_mta import (ADD_FIELDS, ALL_ACTIONS, CHANGE_FIELDS, CHANGE_SENDER, LEADING_SPACE, NO_CONNECT_REPLY,
                            NO_HEADER_REPLY, QUARANTINE, SYMBOLS, apply, fields_of, is_telling)

SENDERS = ("alice@example.org alice\nali@example.org alice\nbob@example.org bob\ncarol@example.org carol\n"
           "erin@example.org erin\n")
MAPS = ('source = maps  sender-maps = { "texthash:{path}/senders" }  socket = "{socket}"  socket-mode = 0666\n'
        'user = ' + ground.USER.pw_name + '\n')
PERMITS = """permit "login:carol" { wrong-sender = rewrite }
permit "login:erin" { wrong-sender = hold }
permit "login:olga" { posing-name = strip }
"""
OWN = b"From: Alice <alice@example.org>\r\nSubject: x\r\n"
WRONG = b"From: bob@example.org\r\n"
WRONG_TEXT = "Client does not have permission to send as this sender (%s: not granted to this login)"


def configuration(more="", permits=PERMITS):
    return HEAD + permits + "filter { " + MAPS + more + " }\n"


@pytest.fixture
def make_filter():
    made = []

    def make(text=configuration(), senders=SENDERS, **options):
        running = Filter(text, **options)
        made.append(running)
        ground.write(f"{running.path}/senders", senders, 0o644)
        return running.start()

    yield make
    for running in made:
        running.stop()


def mail(mta, sender="alice@example.org", login="alice", *parameters, **macros):
    return mta.mail(sender, *parameters, mail_addr=sender, auth_authen=login, auth_type="PLAIN" if login else None, **macros)


def said(mta, header, sender="alice@example.org", login="alice", *parameters):
    """The answer that ends a message, at MAIL or at the end of its header."""
    answer = mail(mta, sender, login, *parameters)
    return answer if answer.verdict != "continue" else mta.header(header)


# --- what is agreed on

@pytest.mark.sanitize
def test_negotiation(make_filter):
    """Everything wanted is taken where it is offered; the envelope macros are asked for by name."""
    with make_filter().mta() as mta:
        assert mta.version == 6
        assert mta.actions == ADD_FIELDS | CHANGE_FIELDS | CHANGE_SENDER | QUARANTINE | SYMBOLS
        # NOHELO NORCPT NOBODY NOUNKNOWN NODATA, and the three of the protocol's version 6
        assert mta.steps == 0x02 | 0x08 | 0x10 | 0x100 | 0x200 | NO_HEADER_REPLY | NO_CONNECT_REPLY | LEADING_SPACE
        assert mta.symbols == struct.pack("!I", 2) + (b"i {auth_type} {auth_authen} {auth_author} {mail_addr} "
                                                      b"{daemon_name} {client_addr} {tls_version}\0")


def test_a_server_that_offers_little(make_filter):
    """Version 6 of a small server, and version 2 of an old one: the same verdicts, one answer a field."""
    running = make_filter()
    for steps in (0x1F, 0x7F, 0xFF):
        with running.mta(actions=ADD_FIELDS, steps=steps) as mta:
            mta.connect()
            assert said(mta, OWN).verdict == "accept"
            answer = said(mta, WRONG)
            assert (answer.code, answer.text) == (550, WRONG_TEXT % "From")
            # What it cannot be asked to do is not left undone in silence.
            answer = said(mta, WRONG, "carol@example.org", "carol")
            assert (answer.code, answer.enhanced) == (451, "4.3.5")


# --- verdicts

@pytest.mark.sanitize
def test_verdicts(make_filter):
    running = make_filter()
    with running.mta() as mta:
        mta.connect("2001:db8::9")
        for _ in range(2):    # one message after another, each by itself
            assert said(mta, OWN).verdict == "accept"
            answer = mail(mta, "bob@example.org", i="4MAIL")
            assert (answer.code, answer.enhanced, answer.text) == (550, "5.7.1", WRONG_TEXT % "MAIL FROM")
            answer = said(mta, WRONG)
            assert (answer.code, answer.enhanced, answer.text) == (550, "5.7.1", WRONG_TEXT % "From")
            assert said(mta, WRONG, "").code == 550             # the null sender is no way around it
            assert said(mta, OWN, "").verdict == "accept"
            assert said(mta, b"To: u@example.net\r\n").code == 554
            assert said(mta, OWN + WRONG).code == 554
            assert mail(mta, "alice@example.org", None).verdict == "accept"     # nobody has logged in
            mta.send(b"A")
    event = running.decision("4MAIL")
    assert event["sender"] == "bob@example.org" and event["login"] == "alice" and event["client"] == "2001:db8::9"
    assert event["where"] == "no permit names this sender of ours" and event["mode"] == "enforce"
    event = running.decision("4TEST")
    assert event["from"] == "Alice <alice@example.org>" and event["verdict"] == "pass"


def test_folded_and_tight_fields(make_filter):
    """However the server keeps blanks and folds lines, the same mailboxes are seen."""
    running = make_filter()
    for steps in (0x1FFFFF, 0x1FFFFF & ~LEADING_SPACE):
        with running.mta(steps=steps) as mta:
            for value in (b"alice@example.org", b" alice@example.org", b"\n alice@example.org",
                          b" Alice\n\t<alice@example.org>", b"\r\n alice@example.org", b"\talice@example.org"):
                mail(mta)
                mta.field("From", value)
                mta.send(b"N")
                assert mta.answer().verdict == "accept", value
                mail(mta)
                mta.field("From", value.replace(b"alice@", b"bob@"))
                mta.send(b"N")
                assert mta.answer().code == 550, value


def test_changes(make_filter):
    with make_filter().mta() as mta:
        header = b"From: Bob <bob@example.org>\r\nSubject: x\r\nSender: bob@example.org\r\n"
        assert said(mta, header, "carol@example.org", "carol").verdict == "continue"
        answer, changes = mta.end()
        fields, sender, reason = apply(changes, header, "carol@example.org")
        assert answer.verdict == "accept" and reason is None and sender == "carol@example.org"
        assert fields == [[b"From", b"carol@example.org"], [b"Subject", b"x"],
                          [b"Reply-To", b"Bob <bob@example.org>"]]
        # A wrong MAIL FROM needs to know whose primary address takes its place, which maps do not tell.
        assert mail(mta, "bob@example.org", "carol").code == 550
        assert said(mta, WRONG, "bob@example.org", "erin").verdict == "continue"
        answer, changes = mta.end()
        assert answer.verdict == "accept"
        assert apply(changes, WRONG, "")[2] == WRONG_TEXT % "From"
        # The next message of the connection is as it comes.
        assert said(mta, b"From: carol@example.org\r\n", "carol@example.org", "carol").verdict == "accept"


def test_log_mode(make_filter):
    """Everything passes untouched, and the log tells what would not."""
    running = make_filter(configuration("mode = log"))
    with running.mta() as mta:
        assert mail(mta, "bob@example.org", i="4ENVELOPE").verdict == "accept"
        assert said(mta, WRONG).verdict == "accept"
        mail(mta, "carol@example.org", "carol")
        assert mta.header(WRONG, "4REWRITE").verdict == "accept"
    event = running.decision("4ENVELOPE")
    assert (event["event"], event["code"], event["mode"]) == ("filter.refused", 550, "log")
    assert running.decision("4TEST")["text"] == WRONG_TEXT % "From"
    assert running.decision("4REWRITE")["verdict"] == "rewrite"


def test_strangers(make_filter):
    """By permits and networks where they are checked; who has an exempt address is not."""
    running = make_filter(configuration(
        'unauthenticated = check',
        PERMITS + 'permit "network:192.0.2.0/24" { rights = submit  send-as = { "box@example.org" } }\n'))
    with running.mta() as mta:
        mta.connect("192.0.2.1")
        assert said(mta, b"From: box@example.org\r\n", "box@example.org", None).verdict == "accept"
        assert mail(mta, "alice@example.org", None).code == 550
        # The macro is of this message; the address of the connection stands in for it.
        assert mail(mta, "alice@example.org", None, client_addr="198.51.100.1").code == 530
        assert mail(mta, "alice@example.org", None, client_addr="127.0.0.1").verdict == "accept"
        assert mail(mta, "bob@example.org", client_addr="127.0.0.1").code == 550


def test_source_away(make_filter):
    """A directory that nobody serves: put off, never passed; with a log line."""
    text = HEAD + 'filter { socket = "{socket}"  lookup-socket = "{path}/none"  lookup-wait = 1s }\n'
    running = make_filter(text)
    with running.mta() as mta:
        answer = mail(mta, "alice@example.org", i="4AWAY")
        assert (answer.verdict, answer.code, answer.enhanced) == ("reply", 451, "4.3.0")
        assert mail(mta, "alice@example.org", None).verdict == "accept"
    assert running.wait_for_event("filter.unsure", id="4AWAY")["login"] == "alice"


# --- hostile input

@pytest.mark.sanitize
def test_hostile_headers(make_filter):
    """The corpora of tests/headers: forged headers are refused, real ones pass."""
    addresses = ['"alice smith"@example.org' if address.startswith("alice smith") else address
                 for address in sorted(opinion.ALICES)]
    permit = "permit \"login:alice\" { send-as = { " + ", ".join(
        '"' + address.replace('"', '\\"') + '"' for address in addresses) + " } }\n"
    running = make_filter(configuration(permits=PERMITS + permit))
    asked, wrong = 0, []
    with running.mta() as mta:
        mta.connect()
        for case in opinion.corpus("hostile") + opinion.corpus("ordinary"):
            if not is_telling(case.header) or max(len(value) for _, value in fields_of(case.header)) > 60000:
                continue
            asked += 1
            answer = said(mta, case.header, "alice@example.org", "alice", *(["SMTPUTF8"] if case.utf8 else []))
            if (answer.verdict == "accept") != (case.want in ("mine", "posing")):
                wrong.append((case, case.want, answer))
            mta.send(b"A")
    assert not wrong, "\n".join(map(str, wrong))
    assert asked > 500, asked


@pytest.mark.sanitize
def test_headers_beyond_all_bounds(make_filter):
    running = make_filter()
    with running.mta() as mta:
        mail(mta)
        for _ in range(8):
            mta.field("X-Long", b"x" * 60000)
        mta.send(b"N")
        assert mta.answer().code == 552
        mail(mta)
        for _ in range(20000):
            mta.field("X", b" y")
        mta.send(b"N")
        assert mta.answer().code == 552
        mail(mta)
        for number in range(3000):
            mta.field("Resent-From", b"a%d@example.net" % number)
        mta.send(b"N")
        assert mta.answer().code == 554
        assert said(mta, OWN).verdict == "accept"


def test_no_header_is_shown(make_filter):
    """A server that goes from MAIL to the end of a message has no From to show: refused as any that has none."""
    with make_filter().mta() as mta:
        assert mail(mta).verdict == "continue"
        answer, changes = mta.end()
        assert (answer.code, answer.text, changes) == (554, "From field refused: there is none", [])
        assert said(mta, OWN).verdict == "accept"


@pytest.mark.sanitize
def test_what_is_no_milter_protocol(make_filter):
    """Cut, empty, huge and senseless packets end a connection, and nothing else."""
    running = make_filter()
    offer = struct.pack("!IcIII", 13, b"O", 6, ALL_ACTIONS, 0x1FFFFF)
    for data in (b"GET / HTTP/1.0\r\n\r\n", b"\0\0\0\0", b"\xff\xff\xff\xff", offer[:9],
                 struct.pack("!IcI", 5, b"O", 6), offer + b"\0\0\0\1M", offer + b"\0\0\0\1L", offer + b"\0\0\0\1E",
                 offer + b"\0\0\0\5L\0\0\0\0", offer + b"\0\0\0\4Lab\0", offer + b"\0\0\0\1N\0\0\0\1E\0\0\0\1A",
                 offer + b"\0\0\0\7Dzzzzzz", offer + b"\0\0\0\2M\0", offer + offer):
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(running.socket)
            wire.sendall(data)
            wire.shutdown(socket.SHUT_WR)
            wire.settimeout(30)
            try:
                while wire.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    with running.mta() as mta:
        assert said(mta, OWN).verdict == "accept"


def test_many_connections(make_filter):
    """Messages of many connections at once: each gets its own verdict."""
    running = make_filter()
    faults = []

    def talk(number):
        login, other = ("alice", "bob") if number % 2 else ("bob", "alice")
        try:
            with running.mta() as mta:
                mta.connect(f"192.0.2.{number}")
                for _ in range(25):
                    own = said(mta, f"From: {login}@example.org\r\n".encode(), f"{login}@example.org", login)
                    wrong = said(mta, f"From: {other}@example.org\r\n".encode(), f"{login}@example.org", login)
                    if own.verdict != "accept" or wrong.code != 550:
                        faults.append((number, own, wrong))
        except (OSError, EOFError) as fault:
            faults.append((number, fault))

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults[:5]


# --- reload, start, end

@pytest.mark.sanitize
def test_reload(make_filter):
    """In force for the next message of a connection that stays; a fault changes nothing."""
    running = make_filter()
    with running.mta() as mta:
        assert said(mta, WRONG).code == 550
        assert mail(mta).verdict == "continue"
        running.write(configuration("mode = log"))
        running.reload()
        assert mta.header(WRONG).code == 550                # it began before
        assert said(mta, WRONG).verdict == "accept"
        running.write("banana = 1\n")
        assert "banana" in running.reload("filter.reload-failed")["reason"]
        assert said(mta, WRONG).verdict == "accept"
        running.write(configuration('log-file = "{path}/elsewhere"'))
        assert "restart" in running.reload("filter.reload-failed")["reason"]
        running.write(configuration().replace("texthash:", "nonsense:"))
        running.reload("filter.reload-failed")
        assert said(mta, WRONG).verdict == "accept"
        running.write(configuration())
        running.reload()
        assert said(mta, WRONG).code == 550


def test_by_tcp(make_filter):
    running = make_filter(socket=("127.0.0.1", ground.free_port()))
    with running.mta() as mta:
        assert said(mta, WRONG).code == 550


def test_a_second_one(make_filter):
    """The first keeps its socket; a socket that nobody serves any more is replaced."""
    running = make_filter()
    done = running.ask("-f")
    assert done.returncode == 1 and "is served already" in done.stderr
    with running.mta() as mta:
        assert said(mta, OWN).verdict == "accept"
    server, = process.children(running.program.process.pid)
    os.kill(server, 9)
    assert running.program.process.wait(30) == 1
    assert os.path.exists(running.socket)
    running.start()
    with running.mta() as mta:
        assert said(mta, OWN).verdict == "accept"


def test_a_stopped_one():
    """One that does not answer now, and whose line is full, keeps its socket too."""
    stopped = Filter(configuration())
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(stopped.socket)
        os.chmod(stopped.socket, 0o666)
        listener.listen(0)
        waiting = []
        with pytest.raises(BlockingIOError):
            while len(waiting) < 10:
                waiting.append(socket.socket(socket.AF_UNIX))
                waiting[-1].setblocking(False)
                waiting[-1].connect(stopped.socket)
        done = stopped.ask("-f")
        for wire in waiting:
            wire.close()
    stopped.stop()
    assert done.returncode == 1 and "is served already" in done.stderr


def test_more_connections_than_a_shell_allows(make_filter):
    """It takes as many descriptors as it may have, not those it was started with."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        running = make_filter()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    wires = [running.mta() for _ in range(100)]
    assert all(said(mta, OWN).verdict == "accept" for mta in wires)
    for mta in wires:
        mta.close()


def test_end(make_filter):
    """At once and in order, with a message open; and without its first process the other ends, too."""
    running = make_filter()
    with running.mta() as mta:
        assert mail(mta).verdict == "continue"
        assert running.program.stop() == 0
    assert not os.path.exists(running.socket)
    running.start()
    server, = process.children(running.program.process.pid)
    os.kill(running.program.process.pid, 9)
    running.program.process.wait()
    until(lambda: not process.lives(server), 10, "the other process ends")
    running.program = None


@pytest.mark.skipif(not ground.IS_ROOT, reason="only root can change its user")
def test_as_root(make_filter):
    """It changes to its user for good, and the socket is the mail server's."""
    text = configuration('socket-group = daemon').replace("socket-mode = 0666", "socket-mode = 0660")
    running = Filter(text)
    ground.write(f"{running.path}/senders", SENDERS, 0o644)
    running.program = ground.Program([ground.program("sallyport-milter"), "-f", "-c", running.config], root=True)
    try:
        running.wait_for_event("filter.started")
        told = os.stat(running.socket)
        assert stat.S_IMODE(told.st_mode) == 0o660 and told.st_gid == grp.getgrnam("daemon").gr_gid
        for pid in [running.program.process.pid, *process.children(running.program.process.pid)]:
            status = process.status(pid)
            assert status["Uid"].split() == [str(ground.USER.pw_uid)] * 4
            assert status["Groups"].split() == [] and status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == 0
            assert ground.SANITIZED or status["Seccomp"] == "2"
        with running.mta() as mta:
            assert said(mta, WRONG).code == 550
    finally:
        running.stop()


def test_in_the_background():
    """Without -f the command ends when it listens; the log goes to its file."""
    running = Filter(configuration('log-file = "{path}/log"'))
    ground.write(f"{running.path}/senders", SENDERS, 0o644)
    try:
        done = running.ask()
        assert done.returncode == 0, done.stderr
        with running.mta() as mta:
            assert said(mta, WRONG).code == 550
        until(lambda: '"filter.refused"' in ground.read(f"{running.path}/log"), 10, "the log has it")
        pids = processes_of(running.config)
        first, = (pid for pid in pids if int(process.stat_fields(pid)[1]) not in pids)
        os.kill(first, 15)
        until(lambda: not processes_of(running.config), 10, "it ends")
        assert '"filter.stopped"' in ground.read(f"{running.path}/log")
        running.write(configuration())
        done = running.ask()
        assert done.returncode == 1 and "log-file" in done.stderr
    finally:
        running.stop()


def processes_of(config):
    """Who was started with this file."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as words:
                if config.encode() in words.read().split(b"\0"):
                    found.append(int(pid))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found
