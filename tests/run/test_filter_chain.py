# SPDX-License-Identifier: BSD-2-Clause
"""All filters in one chain, in the order of doc/milters.md: each sees what those before it made of the message."""
import concurrent.futures

import pytest

from rig.deadline import until
from rig.filters import callbacks, clamav, gates, opendkim, opendmarc, rspamd, spamassassin
from rig.judge import deliver, letter
from rig.sallyport import PERMITS

MISSING = [reason for reason in (opendkim.missing(), opendmarc.missing(), rspamd.missing(), clamav.missing(),
                                 spamassassin.missing(), callbacks.missing("libmilter"), callbacks.missing("pymilter"))
           if reason]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=", ".join(MISSING))

REWRITE = 'permit "login:bob" { wrong-sender = rewrite }\n' + PERMITS
RECORDS = "_dmarc.example.org v=DMARC1; p=none\n"
LATE = ("late", "authors")    # the two whose orders stand in the message, by the name of the field
ORDERS = {"X-Late": ("body from the first of them\\n", "add X-Seen first", "change 1 X-Spamd-Bar",
                     "rcpt+ <w@example.net>"),
          "X-Author": ("add X-Twice second", "change 1 X-Seen second", "insert 0 X-Top here",
                       "from <bounces@example.org>")}


@pytest.fixture(scope="module")
def chain():
    """name -> filter, in the order of the chain; each of the two signers has a listener of its own."""
    made = {"clamav": clamav.ClamAv(), "spamassassin": spamassassin.SpamAssassin(unix=True), "rspamd": rspamd.Rspamd(),
            "late": callbacks.Obedient("libmilter", field="X-Late"),
            "authors": callbacks.Obedient("pymilter", unix=True, field="X-Author", leading_space=True),
            "opendmarc": opendmarc.OpenDmarc(records=RECORDS),
            "relaxed": opendkim.OpenDkim("relaxed/relaxed"), "simple": opendkim.OpenDkim("simple/simple", unix=True)}
    try:
        with concurrent.futures.ThreadPoolExecutor() as starters:
            list(starters.map(lambda each: each.start(), made.values()))
        yield made
    finally:
        for each in made.values():
            each.stop()


@pytest.fixture(scope="module")
def gate(make_gate, sink, chain):
    before = [name for name in chain if name not in ("relaxed", "simple")]
    sections = [each.section(name, "\tchange-envelope = yes\n") if name in LATE else each.section(name)
                for name, each in chain.items()]
    listeners = {"submission": None, "submissions": None}
    for kind in ("relaxed", "simple"):
        listeners[kind] = {**gates.logins(kind), "message-size": "20M"}
        listeners[f"{kind}-open"] = gates.strangers(kind)
    return make_gate(routes={"*": sink.target}, listeners=listeners, permits=REWRITE, extra=gates.policies(
        sections, relaxed=[*before, "relaxed"], simple=[*before, "simple"]))


@pytest.fixture(autouse=True)
def settled(chain):
    """No test sees what the connections of another say last."""
    marks = {name: chain[name].mark() for name in LATE}
    yield
    for name, mark in marks.items():
        chain[name].settle(mark)


def with_both(token, sender=b"<alice@example.org>"):
    orders = "".join(f"{name}: {order}\r\n" for name, each in ORDERS.items() for order in each).encode()
    return letter(token, sender=sender, more=b"X-Folded:\r\n\tby hand  \r\nCc:bob\r\n" + orders)


@pytest.mark.parametrize("kind", ["relaxed", "simple"])
@pytest.mark.parametrize("login", ["alice", "bob"])
def test_each_sees_what_those_before_it_did_and_the_signature_holds(gate, chain, sink, token, kind, login):
    """bob writes as somebody else, and is rewritten before the first filter."""
    sender = b"<alice@example.org>" if login == "alice" else b"Boss <boss@example.com>"
    marks = {name: chain[name].mark() for name in LATE}
    with gate.session(login, listener=kind, seconds=30) as wire:
        for which in (b"first", b"second"):
            reply = deliver(wire, with_both(token + which, sender), login.encode() + b"@example.org")
            assert reply.code == 250, reply
    for which in (b"first", b"second"):
        message = sink.wait_for_token(token + which)
        assert chain[kind].verifies(message.content), message.content
        assert message.body == b"from the first of them\r\n"
        assert message.fields("X-Virus-Status") == [b"Clean"]
        assert message.fields("X-Spam-Status")[0].startswith(b"No")
        assert b"smtp.auth=" + login.encode() in b" ".join(message.fields("Authentication-Results"))
        assert message.fields("X-Spamd-Bar") == []
        assert message.fields("X-Seen") == [b"second"] and message.fields("X-Twice") == [b"second"]
        assert message.fields("X-Top") == [b"here"]
        assert message.fields("From")[0].strip(b"<>") == login.encode() + b"@example.org"
        assert message.sender == b"bounces@example.org"
        assert sorted(address for address, _ in message.recipients) == [b"u@example.net", b"w@example.net"]
    for name in LATE:
        chain[name].settle(marks[name])
    first, second = (chain[name].since(marks[name]) for name in LATE)
    assert [line for line in first if line.startswith("header X-Virus-Status:")] == 2 * ["header X-Virus-Status:Clean"]
    assert [line for line in second if line.startswith("header X-Seen:")] == 2 * ["header X-Seen: first"]
    assert [line for line in second if line.startswith("body ")] == 2 * ["body 24"]
    assert not [line for line in second if line.startswith("header X-Spamd-Bar")]
    assert not [line for line in second if "boss@example.com" in line and line.startswith("header From")]


@pytest.mark.parametrize("kind", ["relaxed", "simple"])
def test_strangers_pass_the_same_chain(gate, chain, sink, token, kind):
    with gate.wire(f"{kind}-open", seconds=30) as wire:
        wire.greet()
        assert deliver(wire, with_both(token)).code == 250
    message = sink.wait_for_token(token)
    assert chain[kind].verifies(message.content), message.content
    assert [value for value in message.fields("Authentication-Results") if b"dmarc=" in value]


@pytest.mark.parametrize("bad", ["virus", "spam", "late"])
def test_what_one_refuses_those_behind_it_are_not_asked_about(gate, chain, sink, token, bad):
    content = {"virus": clamav.BAD_WORD, "spam": gates.GTUBE, "late": b"fine"}[bad]
    order = b"X-Late: end reply\r\n" if bad == "late" else b""
    marks = {name: chain[name].mark() for name in LATE}
    with gate.session(listener="simple", seconds=30) as wire:
        reply = deliver(wire, letter(token + b"bad", content + b"\r\n", more=order))
        assert 500 <= reply.code < 600, reply
        assert {"virus": "Sallyport.Test", "spam": "Refused as spam", "late": "not this one"}[bad] in reply.text
        assert deliver(wire, letter(token + b"good")).code == 250
    message = sink.wait_for_token(token + b"good")
    assert chain["simple"].verifies(message.content)
    assert not sink.with_token(token + b"bad")
    for name in LATE:
        chain[name].settle(marks[name])
    ended = {name: chain[name].since(marks[name]).count("end") for name in LATE}
    assert ended == {"late": 2 if bad == "late" else 1, "authors": 1}


def test_what_the_last_but_one_holds_is_held_as_all_made_it(gate, chain, sink, token):
    with gate.session(listener="simple", seconds=30) as wire:
        orders = b"X-Author: quarantine by the second\r\nX-Late: add X-Seen yes\r\n"
        assert deliver(wire, letter(token, more=orders)).code == 250
    held = until(lambda: [message for message in gate.queue() if message["state"] == "held"], 10,
                 lambda: f"a held message: {gate.queue()}")
    gate.ctl("queue", "release", str(held[0]["id"]))
    message = sink.wait_for_token(token)
    assert message.fields("X-Seen") == [b"yes"] and chain["simple"].verifies(message.content)
    gate.wait_until_queue_is_empty()


def test_a_large_message_passes_all_of_them(gate, chain, sink, token):
    body = (b"w" * 76 + b"\r\n") * 15000
    with gate.session(listener="relaxed", seconds=60) as wire:
        assert deliver(wire, letter(token, body, more=b"X-Late: add X-Seen yes\r\n")).code == 250
    message = sink.wait_for_token(token)
    assert message.body == body and message.fields("X-Seen") == [b"yes"] and chain["relaxed"].verifies(message.content)
