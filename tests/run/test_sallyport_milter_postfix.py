# SPDX-License-Identifier: BSD-2-Clause
"""
sallyport-milter in a real Postfix, with Dovecot for AUTH: the table of tests/rights once more, by SMTP, and what
doc/postfix.md promises.
"""
import os
import re
import subprocess
import textwrap

import pytest

from rig import dovecot, ground, postfix
from rig.deadline import until
from rig.judge import new_token, stuffed
from rig.milter_filter import HEAD, Filter, need
from rig.milter_mta import is_askable
from rig.rights import CASES, TABLE, explained, header_of, make_world
from rig.sink import Sink
from rig.wire import Wire

# A test is not a person, and its messages come from 127.0.0.0/8.
MAIN = """
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 10000
smtpd_soft_error_limit = 10000
smtpd_junk_command_limit = 10000
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_auth_only = no
smtputf8_enable = yes
milter_default_action = tempfail
milter_protocol = 6
"""
SENDERS = "alice@example.org alice, team\nali@example.org alice\nbob@example.org bob\ndave@example.org dave\n"


@pytest.fixture(scope="module")
def world(make_gate, sink, authority):
    """The daemon whose accounts are asked, and a filter that asks it."""
    need()
    reason = postfix.missing() or dovecot.missing()
    if reason:
        pytest.skip(reason)
    path = ground.folder("gate")
    os.chmod(path, 0o755)
    gate = make_world(make_gate, {"*": sink.target}, authority,
                      f'lookup {{ socket = "{path}/run/lookup.sock" }}\n', path)
    os.chmod(path, 0o755)
    text = gate.text() + ('filter { socket = "{socket}"  socket-mode = 0666  unauthenticated = check\n'
                          'exempt-networks = { } }\n')
    running = Filter(text).start()
    yield gate, running
    running.stop()


@pytest.fixture(scope="module")
def by_maps():
    text = HEAD + """filter { socket = "{socket}"  socket-mode = 0666  unauthenticated = check
        source = maps  sender-maps = "texthash:{path}/senders" }
    permit "login:dave" { wrong-sender = rewrite }
    """
    need()
    running = Filter(text, socket=("127.0.0.1", ground.free_port()))
    ground.write(f"{running.path}/senders", SENDERS, 0o644)
    yield running.start()
    running.stop()


@pytest.fixture(scope="module")
def destination():
    hop = Sink(keywords=(b"PIPELINING", b"8BITMIME", b"SMTPUTF8", b"DSN", b"ENHANCEDSTATUSCODES"))
    yield hop
    hop.stop()


@pytest.fixture(scope="module")
def server(world, by_maps, destination, authority):
    users = {account["login"]: account["login"] + "pw" for account in TABLE["accounts"]}
    logins = dovecot.Dovecot(users=users, any_mailbox=False).start()
    nobody_there = ground.free_port()
    services = {name: f"-o smtpd_milters=unix:{world[1].socket} -o milter_macro_daemon_name={name}"
                for name in {case["on"] for case in CASES}}
    services["maps"] = documented_options()
    services["away"] = f"-o smtpd_milters=inet:127.0.0.1:{nobody_there}"
    running = postfix.Postfix(authority.issue("smarthost.example.net"), logins.auth_port,
                              f"[127.0.0.1]:{destination.port}", services=services,
                              more=MAIN + f"non_smtpd_milters = inet:127.0.0.1:{by_maps.socket[1]}\n"
                              + documented("main.cf")[0].replace("8895", str(by_maps.socket[1]))).start()
    yield running
    running.stop()
    logins.stop()


def documented(kind):
    """The blocks of that kind in doc/postfix.md."""
    manual = ground.read(os.path.join(ground.TREE, "doc", "postfix.md"))
    blocks = re.findall(rf"^ *```{re.escape(kind)}\n(.*?)^ *```", manual, re.M | re.S)
    return [textwrap.dedent(block) for block in blocks]


def documented_options():
    """Of the first service that the manual shows for master.cf, the options that name the filter."""
    service, = re.findall(r"^submission inet .*\n((?: .*\n)+)", documented("master.cf")[0], re.M)
    options = [line.strip() for line in service.splitlines() if "milter" in line]
    assert len(options) == 2, options
    return " ".join(options)


def connect(server, on, ip="127.0.0.9", login=""):
    wire = Wire(("127.0.0.1", server.ports[on]), ip, 30)
    wire.greet()
    return wire.login(login, login + "pw") if login else wire


def submit(wire, sender, header, token, parameters=b""):
    """One transaction; the reply that ends it."""
    for line in (b"MAIL FROM:<" + sender.encode() + b">" + parameters, b"RCPT TO:<u@example.net>", b"DATA"):
        reply = wire.command(line)
        if reply.code >= 400:
            if not line.startswith(b"MAIL"):
                wire.expect(250, b"RSET")
            return reply
    wire.send(stuffed(header + b"Subject: " + token + b"\r\n\r\nbody\r\n") + b".\r\n")
    return wire.reply()


# --- the table

def becomes_of(message):
    found = {"mail_from": message.sender.decode()}
    for key, name in (("from", "From"), ("sender", "Sender"), ("reply_to", "Reply-To")):
        values = [value.decode() for value in message.fields(name)]
        found[key] = values[0] if values else None
    return found


def test_every_case(world, server, destination):
    """Verdict and text as the daemon says them; what was changed, as the next hop gets it."""
    gate, _ = world
    told = {case["name"]: explained(gate, case) for case in CASES}
    cases = sorted((case for case in CASES if is_askable(case, told[case["name"]])), key=client_of)
    wrong, sent, held = [], [], 0
    client, wire = None, None
    for number, case in enumerate(cases):
        if client_of(case) != client:
            client = client_of(case)
            wire = connect(server, *client)
        token = b"postfix%dof%d" % (number, os.getpid())
        reply = submit(wire, case["mail"], header_of(case), token, b" SMTPUTF8" if case.get("utf8") else b"")
        wanted = told[case["name"]]
        held += case["verdict"] == "hold"
        if case["verdict"] == "refuse":
            if (reply.code, reply.text) != (case["code"], f"{wanted['enhanced']} {wanted['text']}"):
                wrong.append((case["name"], reply, wanted))
        elif reply.code != 250:
            wrong.append((case["name"], reply, wanted))
        elif case["verdict"] != "hold":
            sent.append((case, token))
    assert not wrong, f"{len(wrong)} of {len(cases)}\n" + "\n".join(map(str, wrong))
    assert len(cases) > 250
    assert len(server.held()) == held
    for case, token in sent:
        found = becomes_of(destination.wait_for_token(token, 60))
        wanted = case.get("becomes", {})
        assert {key: found[key] for key in wanted} == wanted, case


def client_of(case):
    return case["on"], case.get("ip", "127.0.0.9"), case.get("login", "")


# --- with swaks

def swaks(server, on, login, sender, from_, *more):
    """Its exit code and everything it said."""
    done = subprocess.run(
        ["swaks", "--server", f"127.0.0.1:{server.ports[on]}", "--tls", "--to", "u@example.net", "--from", sender,
         "--h-From", from_, "--auth", "PLAIN", "--auth-user", login, "--auth-password", login + "pw", *more],
        capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(not ground.find_program("swaks"), reason="swaks is not installed")
@pytest.mark.parametrize("login, sender, from_, refused", [
    ("alice", "alice@example.org", "Alice <ali@example.org>", None),
    ("alice", "bob@example.org", "alice@example.org", "MAIL FROM"),
    ("alice", "alice@example.org", "Bob <bob@example.org>", "From"),
    ("alice", "<>", "bob@example.org", "From"),
    ("alice", "<>", "alice@example.org", None),
    ("bob", "support@example.org", "support@example.org", None),
    ("bob", "bob@example.org", "boss@example.org", "From"),
    ("alice", "alice@example.org", "<alice@example.org>:<bob@example.org>", "554"),
    ("alice", "alice@example.org", "alice@example.org, bob@example.org", "From"),
])
def test_swaks(server, destination, login, sender, from_, refused):
    """TLS, AUTH, and the refusal where its user sees it."""
    token = new_token()
    code, said = swaks(server, "submission", login, sender, from_, "--h-Subject", token.decode())
    if refused is None:
        assert code == 0, said
        destination.wait_for_token(token)
    else:
        at_mail = refused == "MAIL FROM"
        assert code == (23 if at_mail else 26), said
        pattern = r"554 5\.6\.0 From field refused" if refused == "554" else (
            r"550 5\.7\.1 Client does not have permission to send as this sender \(" + refused)
        assert re.search(pattern, said), said
        assert not destination.with_token(token)


# --- what Postfix makes of a header before the filter sees it

OWN, FORGED = b"From: alice@example.org\r\n", b"From: bob@example.org\r\n"
MADE_OVER = {
    "cut at 60000 bytes": OWN + (b" (c)" + b" " * 900 + b"\r\n") * 80 + b" , bob@example.org\r\n",
    "behind 100 KiB": OWN + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 900) for i in range(120)) + FORGED,
    "NUL in the value": b"From: alice@example.org\0, bob@example.org\r\n",
    "NUL in a folded line": b"From: alice@example.org,\r\n \0 bob@example.org\r\n",
    "NUL in the name": OWN + b"From\0: bob@example.org\r\n",
    "blank before the colon": OWN + b"From : bob@example.org\r\n",
    "8 bit in a name": OWN + b"Fr\xf6m: x\r\n" + FORGED,
    "no field": OWN + b"xx yy\r\n" + FORGED,
    "mbox line": b"From bob@example.org Thu\r\n" + OWN,
    "blank in front": b" From: bob@example.org\r\n" + OWN,
    "bare CR": b"X: y\r" + FORGED + OWN,
    "CR CR LF": OWN.replace(b"\r\n", b"\r\r\n ") + FORGED,
    "long line": OWN + b"X: " + b"y" * 2044 + FORGED,
    "long line before it": OWN + b"X: " + b"y" * 2040 + b"\r\n" + FORGED,
    "long name": OWN + b"X" * 1990 + b"\r\n" + FORGED,
    "no header": b"",
}


@pytest.mark.parametrize("name", MADE_OVER)
def test_made_over(server, destination, token, name):
    """Refused, or sent on with one From that is alice's own."""
    with connect(server, "maps", login="alice") as wire:
        reply = submit(wire, "alice@example.org", MADE_OVER[name], token)
    if reply.code == 250:
        assert [value.strip() for value in destination.wait_for_token(token).fields("From")] == [b"alice@example.org"]
    else:
        assert reply.code // 100 == 5, reply


# --- what doc/postfix.md promises

def test_documented_configurations(by_maps):
    """Every file that doc/postfix.md shows is one."""
    blocks = documented("conf")
    assert len(blocks) == 5
    for number, block in enumerate(blocks):
        path = ground.write(f"{by_maps.path}/documented{number}.conf",
                            block.replace("/etc/postfix/senders", f"{by_maps.path}/senders"), 0o644)
        done = subprocess.run([ground.program("sallyport-milter"), "-t", "-c", path], capture_output=True, text=True,
                              check=False, **ground.as_user())
        assert done.returncode == 0, (block, done.stderr)


def test_rewritten(server, destination, token):
    with connect(server, "maps", login="dave") as wire:
        header = b"From: Alice <alice@example.org>\r\nSender: alice@example.org\r\n"
        assert submit(wire, "dave@example.org", header, token).code == 250
    message = destination.wait_for_token(token)
    assert becomes_of(message) == {"mail_from": "dave@example.org", "from": "dave@example.org", "sender": None,
                                   "reply_to": "Alice <alice@example.org>"}


def test_no_header(server, token):
    with connect(server, "maps", login="alice") as wire:
        for line in (b"MAIL FROM:<alice@example.org>", b"RCPT TO:<u@example.net>"):
            wire.expect(250, line)
        wire.expect(354, b"DATA")
        wire.send(b"\r\nFrom: alice@example.org in the body\r\n.\r\n")
        assert wire.reply().text.startswith("5.6.0 From field refused")


def test_not_there(server):
    """milter_default_action: mail is put off while the filter is away, not passed."""
    with connect(server, "away") as wire:
        reply = wire.command(b"MAIL FROM:<alice@example.org>")
        assert reply.code // 100 == 4, reply


def test_mail_of_the_machine_itself(server, destination, token):
    """sendmail(1): Postfix tells of a client at 127.0.0.1 that has not logged in, which is exempt."""
    done = subprocess.run(
        [ground.find_program("sendmail"), "-C", server.config, "-f", "root@example.org", "u@example.net"],
        input=f"From: root@example.org\nSubject: {token.decode()}\n\nbody\n", text=True, capture_output=True,
        timeout=60, check=False)
    assert done.returncode == 0, done
    destination.wait_for_token(token, 30)


def test_other_services_are_not_asked(server, destination, token):
    """Only those that name the filter are."""
    wire = Wire(("127.0.0.1", server.port), "127.0.0.9", 30)
    with wire:
        wire.greet()
        assert submit(wire, "bob@example.org", b"From: ceo@example.org\r\n", token).code == 250
    destination.wait_for_token(token)


def test_log_mode_and_reload(server, by_maps, destination, token):
    """The rollout: everything passes while the log tells; then it is enforced, without a restart."""
    enforced = ground.read(by_maps.config)
    by_maps.write(enforced.replace("filter {", "filter { mode = log "))
    by_maps.reload()
    with connect(server, "maps", login="alice") as wire:
        assert submit(wire, "bob@example.org", b"From: bob@example.org\r\n", token).code == 250
        destination.wait_for_token(token)
        by_maps.wait_for_event("filter.refused", mode="log", login="alice", sender="bob@example.org")
        by_maps.write(enforced)
        by_maps.reload()
        assert submit(wire, "bob@example.org", b"From: bob@example.org\r\n", token).code == 550
    with connect(server, "maps", login="alice") as wire:
        assert submit(wire, "alice@example.org", b"From: bob@example.org\r\n", token).code == 550
    # The queue id of the log is Postfix's.
    event = by_maps.wait_for_event("filter.refused", where="no permit names this sender of ours", mode="enforce",
                                   sender="alice@example.org")
    until(lambda: f"{event['id']}: milter-reject: END-OF-MESSAGE" in server.log(), 15, lambda: server.log()[-2000:])
