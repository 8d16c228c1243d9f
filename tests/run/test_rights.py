# SPDX-License-Identifier: BSD-2-Clause
"""
The table of tests/rights, asked of the running daemon by SMTP and of `explain`; the unit test
test_policy_rights_table asks the functions themselves, and test_sallyport_milter_rights what is a filter for other
servers. One question, one answer, four ways.
"""
import base64
import itertools
import json
import os
import re
import ssl
import subprocess

import pytest

from rig import ground
from rig.deadline import until
from rig.judge import deliver, letter, stuffed
from rig.rights import CASES, ask, header_of, lines_of, make_world, where_of
from rig.wire import trusting_context

DONE, NO = 0, 1


@pytest.fixture(scope="module")
def gate(make_gate, sink, authority):
    return make_world(make_gate, {"*": sink.target}, authority)


@pytest.fixture(scope="module")
def lines(gate):
    return lines_of(gate)


# --- by SMTP

class Clients:
    """One certificate for each name that a client shows."""

    def __init__(self, authority):
        self.authority = authority
        self.known = {}

    def context(self, name):
        if name not in self.known:
            certificate, key = self.authority.issue(name, client=True)
            self.known[name] = trusting_context(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
            self.known[name].load_cert_chain(certificate, key)
        return self.known[name]


def connect(gate, clients, on, ip, certificate, login):
    wire = gate.wire(on, source=ip, seconds=30)
    offered = wire.greet()
    if "STARTTLS" in offered:
        wire.starttls(**({"context": clients.context(certificate)} if certificate else {}))
        wire.ehlo()
    return wire.login(login, login + "pw") if login else wire


def submit(wire, case, token):
    """One transaction; the reply that ends it."""
    parameters = b" SMTPUTF8" if case.get("utf8") else b""
    recipient = case.get("to", "u@example.net").encode()
    for line in (b"MAIL FROM:<" + case["mail"].encode() + b">" + parameters, b"RCPT TO:<" + recipient + b">", b"DATA"):
        reply = wire.command(line)
        if reply.code >= 400:
            if not line.startswith(b"MAIL"):
                wire.expect(250, b"RSET")
            return reply
    wire.send(stuffed(header_of(case) + b"Subject: " + token + b"\r\n\r\nbody\r\n") + b".\r\n")
    return wire.reply()


def token_of(case):
    return b"case%dof%d" % (CASES.index(case), os.getpid())


def client_of(case):
    return case["on"], case.get("ip", "127.0.0.9"), case.get("certificate", ""), case.get("login", "")


@pytest.fixture(scope="module")
def answers(gate, authority):
    """Name of a case -> the reply to it and the one event that the daemon logged of it."""
    clients = Clients(authority)
    told = {}
    for client, group in itertools.groupby(sorted(CASES, key=client_of), client_of):
        cases = list(group)
        start = len(gate.events)
        with connect(gate, clients, *client) as wire:
            replies = [submit(wire, case, token_of(case)) for case in cases]
        # Before the next client comes, so that what follows start is of this one.
        events = told_of(gate, client, len(cases), start)
        told.update({case["name"]: pair for case, *pair in zip(cases, replies, events)})
    return told


def told_of(gate, client, count, start):
    """What the log says of the messages of one connection, in their order."""
    _, ip, _, login = client

    def found():
        events = [event for event in gate.events[start:] if event["event"] in ("smtp.refused", "smtp.accepted")
                  and event["client"] == ip and event.get("login", "") == login]
        return events if len(events) >= count else None
    return until(found, 20, lambda: f"{count} events of {client}")


def test_by_smtp(gate, answers, lines):
    """Verdict, code and deciding line; the reply says what the log says."""
    wrong = []
    for case in CASES:
        reply, event = answers[case["name"]]
        verdict = "refuse" if event["event"] == "smtp.refused" else event["rights"]
        told = (verdict, event.get("code", 0), event["where"])
        wanted = (case["verdict"], case.get("code", 0), where_of(case, lines))
        if told != wanted or reply.code != (wanted[1] or 250):
            wrong.append((case["name"], told, wanted, reply))
        elif verdict == "refuse":
            assert event["text"] in reply.text and gate.config not in reply.text, (case["name"], reply)
        else:
            assert bool(event.get("held")) == (verdict == "hold"), (case["name"], event)
    assert not wrong, "\n".join(map(str, wrong))


def test_what_goes_out(sink, answers):
    """What was changed, as the next hop sees it; and what passes arrives as it was sent."""
    for case in CASES:
        if case["verdict"] in ("refuse", "hold") or answers[case["name"]][0].code != 250:
            continue
        message = sink.wait_for_token(token_of(case))
        becomes = case.get("becomes", {})
        if "mail_from" in becomes:
            assert message.sender.decode() == becomes["mail_from"], case
        for key, name in (("from", "From"), ("sender", "Sender"), ("reply_to", "Reply-To")):
            values = [value.decode().strip() for value in message.fields(name)]
            if key in becomes:
                assert values == ([becomes[key]] if becomes[key] is not None else []), (case["name"], name, values)
        if not becomes and case["verdict"] == "pass":
            for line in header_of(case).split(b"\r\n"):
                assert line in message.content, (case["name"], line)


def test_what_is_held_stays(gate, sink, answers):
    """Held with the reason that the log gives, and released by hand."""
    held = [case for case in CASES if case["verdict"] == "hold"]
    waiting = {message["id"]: message for message in gate.queue() if message["held"]}
    assert len(waiting) == len(held)
    for case in held:
        _, event = answers[case["name"]]
        assert waiting[event["id"]]["reason"] == event["held"], (case["name"], waiting[event["id"]])
        assert not sink.with_token(token_of(case)), case
    _, event = answers[held[0]["name"]]
    gate.ctl("queue", "release", event["id"])
    sink.wait_for_token(token_of(held[0]))


# --- by explain

def question(case):
    args = {"listener": case["on"], "mail_from": case["mail"], "ip": case.get("ip", "127.0.0.9"),
            "rcpt": case.get("to", "u@example.net"), "header": base64.b64encode(header_of(case)).decode()}
    args.update({key: case[key] for key in ("login", "certificate") if key in case})
    if case.get("utf8"):
        args["smtputf8"] = True
    return args


def test_by_explain(gate, answers, lines):
    """The same once more, and the very text that the client was told."""
    wrong = []
    for case in CASES:
        told = ask(gate, "explain", **question(case))
        found = (told["verdict"], told.get("code", 0), told["where"])
        wanted = (case["verdict"], case.get("code", 0), where_of(case, lines))
        if found != wanted:
            wrong.append((case["name"], found, wanted))
        reply, event = answers[case["name"]]
        if case["verdict"] == "refuse":
            assert told["text"] == event["text"] and told["enhanced"] == reply.enhanced, (case["name"], told, reply)
        for key, value in case.get("becomes", {}).items():
            assert told["becomes"].get(key) == value, (case["name"], told)
    assert not wrong, "\n".join(map(str, wrong))


NAMED = ["own address", "From, another", "on-behalf adds Sender", "rewrite From", "hold From", "stranger-from hold",
         "certificate", "U-label of an own domain"]


@pytest.mark.parametrize("name", NAMED)
def test_by_the_tool(gate, lines, tmp_path, name):
    """sallyportctl explain: the verdict is the exit, the deciding line is shown, a file may hold the header."""
    case = next(case for case in CASES if case["name"] == name)
    path = ground.folder("explain")
    header = os.path.join(path, "message.eml")
    ground.write(header, header_of(case).decode().replace("\r\n", "\n") + "Subject: x\n\nFrom: in.the@body\n", 0o644)
    argv = ["explain", "--listener", case["on"], "--mail-from", f"<{case['mail']}>", "--ip", case.get("ip", "127.0.0.9"),
            "--rcpt", case.get("to", "u@example.net"), "--header", header]
    argv += [word for key in ("login", "certificate") if key in case for word in ("--" + key, case[key])]
    argv += ["--smtputf8"] if case.get("utf8") else []
    try:
        told = gate.ctl(*argv, "--json", check=False)
        shown = gate.ctl(*argv, check=False)
    finally:
        ground.remove(path)
    answer = json.loads(told.stdout)
    assert (answer["verdict"], answer["where"]) == (case["verdict"], where_of(case, lines))
    assert told.returncode == shown.returncode == (NO if case["verdict"] in ("refuse", "hold") else DONE)
    assert re.search(rf"^verdict: +{case['verdict']}$", shown.stdout, re.M)
    assert re.search(rf"^decided by: +{re.escape(where_of(case, lines))}$", shown.stdout, re.M)
    for value in case.get("becomes", {}).values():
        assert f"becomes: {value}" in re.sub(" +", " ", shown.stdout)


def test_explain_of_fields_alone(gate):
    argv = ["explain", "--listener", "submission", "--login", "bob", "--mail-from", "bob@example.org"]
    assert gate.ctl(*argv, "--from", "boss@example.org", "--sender", "bob@example.org", check=False).returncode == DONE
    assert gate.ctl(*argv, "--from", "boss@example.org", check=False).returncode == NO
    assert gate.ctl(*argv, "--from", "x", "--header", "/nonexistent", check=False).returncode == 2


# --- as it is in life

MANUALS = os.path.join(ground.TREE, "doc")
HEAD = """hostname = "mail.example.org"
authoritative-domains = { "example.org" }
tls "main" { certificate = "/certificate" key = "/key" }
listener "first" { address = { "127.0.0.1:2526" } }
"""


@pytest.mark.parametrize("name", ["rights.md", "from-exchange.md"])
def test_the_examples_of_the_manual_are_right(name):
    manual = ground.read(os.path.join(MANUALS, name))
    blocks = re.findall(r"^```conf\n(.*?)^```", manual, re.M | re.S)
    assert blocks
    path = ground.folder("manual")
    config = os.path.join(path, "sallyport.conf")
    try:
        for block in blocks:
            ground.write(config, HEAD + block, 0o644)
            done = subprocess.run([ground.program("sallyportctl"), "-c", config, "config", "check"], capture_output=True,
                                  text=True, timeout=30, check=False)
            assert done.returncode == DONE, (block, done)
    finally:
        ground.remove(path)

def test_a_members_post_comes_home_from_a_list(gate, sink, token):
    """The list's own MAIL FROM, the member's From, the fields that lists add: accepted on port 25."""
    post = letter(token, sender=b"Alice <alice@example.org>", more=(
        b"Received: from lists.example.net by mail.example.net; Sat, 21 Nov 2026 10:00:01 +0000\r\n"
        b"Sender: <talk-bounces@lists.example.net>\r\nList-Id: Talk <talk.lists.example.net>\r\n"
        b"List-Post: <mailto:talk@lists.example.net>\r\nPrecedence: list\r\nX-BeenThere: talk@lists.example.net\r\n"
        b"DKIM-Signature: v=1; a=rsa-sha256; d=lists.example.net; s=x; h=from; bh=eA==; b=eA==\r\n"))
    with gate.wire("mx") as wire:
        wire.greet()
        reply = deliver(wire, post, sender=b"talk-bounces+bob=example.org@lists.example.net", recipient=b"bob@example.org")
    assert reply.code == 250, reply
    message = sink.wait_for_token(token)
    assert message.content.endswith(post), "not a byte of it is changed"
