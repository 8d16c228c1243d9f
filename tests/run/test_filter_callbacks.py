# SPDX-License-Identifier: BSD-2-Clause
"""Filters on libmilter and on pymilter: every callback, every verdict at each of them, every modification."""
import re

import pytest

from rig.deadline import until
from rig.filters import callbacks, gates
from rig.judge import deliver, letter

KINDS = ("libmilter", "pymilter")
pytestmark = pytest.mark.parametrize("kind", KINDS)
CHANGES = "\tchange-envelope = yes\n"
BODY = b"one\r\ntwo\r\n" * 20000    # four pieces


@pytest.fixture(scope="module")
def filters():
    """(kind, what) -> a filter: "plain" by TCP; "exact" by a unix socket, with wishes; "quiet" gives no replies."""
    made = {}
    for kind in KINDS:
        if callbacks.missing(kind):
            continue
        made[kind, "plain"] = callbacks.Obedient(kind)
        made[kind, "exact"] = callbacks.Obedient(kind, unix=True, leading_space=True,
                                                 macros="i {auth_authen} {mail_addr}")
        made[kind, "quiet"] = callbacks.Obedient(kind, quiet=True)
    yield {key: each.start() for key, each in made.items()}
    for each in made.values():
        each.stop()


@pytest.fixture(scope="module")
def gate(make_gate, sink, filters):
    """A listener for strangers before each of the filters, "KIND-WHAT"; and one for logins, "KIND-logins"."""
    listeners = {"submission": None, "submissions": None}
    names = {f"{kind}-{what}": each for (kind, what), each in filters.items()}
    for name in names:
        listeners[name] = gates.strangers(name, 'recipients-allowed = { "@example.net" }\n')
        if name.endswith("exact"):
            listeners[name.replace("exact", "logins")] = gates.logins(name)
    return make_gate(routes={"*": sink.target}, listeners=listeners, extra=gates.policies(
        [each.section(name, CHANGES) for name, each in names.items()], **{name: [name] for name in names}))


class Bench:
    """One filter with its listener."""

    def __init__(self, gate, filters, kind, what="plain"):
        if (kind, what) not in filters:
            pytest.skip(str(callbacks.missing(kind)))
        self.gate, self.listener = gate, f"{kind}-{what}"
        self.filter = filters[kind, what]
        self.start = self.filter.mark()

    def wire(self, **how):
        wire = self.gate.wire(self.listener, **how)
        wire.greet(how.pop("name", b"client.example.org"))
        return wire

    def saw(self):
        return self.filter.since(self.start)

    def words(self):
        """The first words of what it saw since this bench was made, headers and pieces of a body as one each."""
        return re.sub(r"(header |body )+", r"\1", " ".join(line.split(" ")[0] for line in self.saw()) + " ")


@pytest.fixture
def plain(gate, filters, kind):
    bench = Bench(gate, filters, kind)
    yield bench
    bench.filter.settle(bench.start)


@pytest.fixture
def exact(gate, filters, kind):
    bench = Bench(gate, filters, kind, "exact")
    yield bench
    bench.filter.settle(bench.start)


@pytest.fixture
def quiet(gate, filters, kind):
    bench = Bench(gate, filters, kind, "quiet")
    yield bench
    bench.filter.settle(bench.start)


def refused(reply, action):
    """Is this what a client should hear of that action?"""
    if action == "reject":
        return reply.code == 550 and reply.enhanced == "5.7.1"
    if action == "tempfail":
        return reply.code == 451 and reply.enhanced == "4.7.1"
    if action == "reply":
        return reply.code == 554 and reply.text == "5.7.9 not this one, 100% sure"
    if action == "lines":
        return reply.code == 451 and [text.decode() for text in reply.texts] == [
            "4.7.9 not now", "4.7.9 because of this", "4.7.9 and of that"]
    if action == "close":
        return reply.code == 421
    return reply.code in (250, 354)


REFUSALS = ("reject", "tempfail", "reply", "lines")


# --- callbacks

def test_every_callback_is_called_in_its_place(plain, sink, token):
    with plain.wire() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org> BODY=8BITMIME")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(250, b"RCPT TO:<v@example.net> NOTIFY=NEVER")
        wire.expect(354, b"DATA")
        wire.send(letter(token, BODY) + b".\r\n")
        assert wire.reply().code == 250
    assert sink.wait_for_token(token).body == BODY
    plain.filter.wait_for("close", plain.start)
    assert plain.words() == "negotiate connect helo mail rcpt rcpt data header eoh body end close "
    saw = plain.saw()
    assert f"connect [{wire.source}] {wire.source}" in saw and "helo client.example.org" in saw
    assert "mail <alice@example.org> BODY=8BITMIME" in saw and "rcpt <v@example.net> NOTIFY=NEVER" in saw
    assert [line for line in saw if line.startswith("header Subject")] == ["header Subject:" + token.decode()]
    assert sum(int(line.split(" ")[1]) for line in saw if line.startswith("body ")) == len(BODY)


def test_what_is_given_up_is_aborted_and_the_connection_is_kept(plain, sink, token):
    with plain.wire() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(250, b"RSET")
        assert deliver(wire, letter(token)).code == 250
    plain.filter.wait_for("close", plain.start)
    assert plain.words() == "negotiate connect helo mail rcpt abort mail rcpt data header eoh body end close "


def test_commands_that_nobody_knows_change_nothing(plain, sink, token, kind):
    """Real filters go on behind them, at every place where they are told of one; pymilter's gives no answer."""
    words = "" if kind == "pymilter" else "not this one, 100% sure"
    with plain.wire() as wire:
        assert wire.command(b"XYZZY").code == 500
        for which in (b"first", b"second"):
            wire.expect(250, b"MAIL FROM:<alice@example.org>")
            assert wire.command(b"xyzzy hunter2").code == 500
            wire.expect(250, b"RCPT TO:<u@example.net>")
            reply = wire.command(b"ETRN reply.unknown")
            assert reply.code == (554 if words else 502) and words in reply.text, reply
            wire.expect(354, b"DATA")
            wire.send(gates.with_orders(token + which, "add X-Kept yes") + b".\r\n")
            assert wire.reply().code == 250
            assert wire.command(b"ETRN reject.unknown").code == (550 if words else 502)
    for which in (b"first", b"second"):
        assert sink.wait_for_token(token + which).fields("X-Kept") == [b"yes"]
    plain.filter.wait_for("close", plain.start)
    each = " mail unknown rcpt unknown data header eoh body end unknown"
    assert plain.words() == "negotiate connect helo" + 2 * each + " close "
    assert [line for line in plain.saw() if "hunter" in line] == [] and "unknown xyzzy" in plain.saw()


def test_who_accepts_by_such_a_command_is_told_the_message_anew(plain, sink, token, kind):
    """libmilter has forgotten it by then, and would never answer what follows; pymilter's gives no answer, and goes on."""
    with plain.wire() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        assert wire.command(b"ETRN accept.unknown").code == 502
        wire.expect(354, b"DATA")
        wire.send(gates.with_orders(token, "add X-Kept yes") + b".\r\n")
        assert wire.reply().code == 250
    assert sink.wait_for_token(token).fields("X-Kept") == [b"yes"]
    plain.filter.settle(plain.start)
    whole = f"mail rcpt {'unknown ' if kind == 'pymilter' else ''}data header eoh body end"
    assert plain.words().count(whole) == 1, plain.words()


def test_who_goes_away_in_the_middle_leaves_nothing_behind(plain):
    with plain.wire() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
    plain.filter.wait_for("close", plain.start)
    assert plain.words() == "negotiate connect helo mail rcpt abort close "


def test_recipients_that_we_refuse_are_told_of(plain, sink, token):
    with plain.wire() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        assert wire.command(b"RCPT TO:<nobody@example.org>").code == 550
        wire.expect(250, b"RCPT TO:<u@example.net>")
        assert wire.command(b"RCPT TO:<reject.rcpt@example.org>").code == 550    # whatever it says to that
        wire.expect(354, b"DATA")
        wire.send(gates.with_orders(token, "add X-Kept yes") + b".\r\n")
        assert wire.reply().code == 250
    message = sink.wait_for_token(token)
    assert [address for address, _ in message.recipients] == [b"u@example.net"]
    assert message.fields("X-Kept") == [b"yes"]
    plain.filter.wait_for("close", plain.start)
    assert [line for line in plain.saw() if line.startswith("rcpt")] == [
        "rcpt <nobody@example.org>", "rcpt <u@example.net>", "rcpt <reject.rcpt@example.org>"]


def test_a_header_is_told_as_it_stands_to_who_asks_for_that(plain, exact, sink, token):
    for bench in (plain, exact):
        with bench.wire() as wire:
            assert deliver(wire, gates.odd_letter(token)).code == 250
        bench.filter.wait_for("end", bench.start)
    told = token.decode()
    assert "header To:bob@example.net" in plain.saw() and "header To:bob@example.net" in exact.saw()
    assert f"header Message-ID:\t<{told}@client.example.org>" in exact.saw()
    assert f"header Subject:|\t folded,   oddly \t|  {told}" in exact.saw()
    assert "header FROM: <alice@example.org>" in exact.saw() or "header FROM:<alice@example.org>" in exact.saw()
    assert "header X-Blank: " in exact.saw() and "header X-Blank:" in plain.saw()


def test_the_macros_it_asked_for_are_there(exact, gate, kind, token):
    """With a login; the ones it did not ask for at MAIL are not."""
    orders = [f"macro {name}" for name in ("i", "{auth_authen}", "{mail_addr}", "{auth_type}", "j", "{client_addr}",
                                           "{tls_version}", "{daemon_name}")]
    with gate.session(listener=f"{kind}-logins") as wire:
        assert deliver(wire, gates.with_orders(token, *orders)).code == 250
    exact.filter.wait_for("end", exact.start)
    told = dict(line[6:].split("=", 1) for line in exact.saw() if line.startswith("macro "))
    assert told["{auth_authen}"] == "alice" and told["{mail_addr}"] == "alice@example.org"
    assert told["j"] == "mail.example.org" and told["{client_addr}"] == wire.source
    assert told["{tls_version}"] == "TLSv1.3" and told["{daemon_name}"] == f"{kind}-logins"
    assert re.fullmatch("[0-9a-z]{8,}", told["i"])


def test_no_stranger_has_a_login(plain, token):
    with plain.wire() as wire:
        assert deliver(wire, gates.with_orders(token, "macro {auth_authen}", "macro {auth_type}")).code == 250
    plain.filter.wait_for("end", plain.start)
    assert [line for line in plain.saw() if line.startswith("macro")] == ["macro {auth_authen}=(none)",
                                                                          "macro {auth_type}=(none)"]


def test_who_gives_no_replies_is_not_waited_for(quiet, sink, token):
    with quiet.wire() as wire:
        for which in (b"first", b"second"):
            assert deliver(wire, gates.with_orders(token + which, "add X-Quiet yes", body=BODY)).code == 250
    for which in (b"first", b"second"):
        assert sink.wait_for_token(token + which).fields("X-Quiet") == [b"yes"]
    quiet.filter.wait_for("close", quiet.start)
    assert quiet.words() == ("negotiate connect helo" + 2 * " mail rcpt data header eoh body end" + " close ")


# --- verdicts

@pytest.mark.parametrize("action", [*REFUSALS, "accept", "close"])
def test_the_verdict_on_a_client_stands_for_its_session(plain, sink, token, action):
    number = callbacks.ACTIONS.index(action)
    with plain.wire(source=f"127.77.0.{number}") as wire:
        first = deliver(wire, letter(token + b"first"))
        assert refused(first, action), first
        if action != "close":
            second = deliver(wire, letter(token + b"second"))
            assert refused(second, action), second
            assert wire.command(b"NOOP").code == 250
    if action == "accept":
        sink.wait_for_token(token + b"second")
    else:
        assert not sink.with_token(token)
    assert not [line for line in plain.saw() if line.startswith("mail ")]


@pytest.mark.parametrize("action", REFUSALS)
def test_the_verdict_on_a_name_stands_for_its_session(plain, token, action):
    with plain.gate.wire(plain.listener) as wire:
        wire.greet(action.encode() + b".helo")
        for which in (b"first", b"second"):
            reply = deliver(wire, letter(token + which))
            assert refused(reply, action), reply


@pytest.mark.parametrize("action", [*REFUSALS, "close"])
def test_the_verdict_on_a_sender_is_for_that_message(plain, sink, token, action):
    with plain.wire() as wire:
        reply = wire.command(b"MAIL FROM:<" + action.encode() + b".mail@example.org>")
        assert refused(reply, action), reply
        if action != "close":
            assert deliver(wire, letter(token)).code == 250
            assert sink.wait_for_token(token)


@pytest.mark.parametrize("action", REFUSALS)
def test_the_verdict_on_a_recipient_is_for_that_recipient(plain, sink, token, action):
    with plain.wire() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        reply = wire.command(b"RCPT TO:<" + action.encode() + b".rcpt@example.net>")
        assert refused(reply, action), reply
        wire.expect(250, b"RCPT TO:<v@example.net>")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
    message = sink.wait_for_token(token)
    assert sorted(address for address, _ in message.recipients) == [b"u@example.net", b"v@example.net"]


@pytest.mark.parametrize("action", REFUSALS)
def test_the_verdict_at_data_is_for_the_message(plain, sink, token, action):
    with plain.wire() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<" + action.encode() + b".data@example.net>")
        reply = wire.command(b"DATA")
        assert refused(reply, action), reply
        assert deliver(wire, letter(token)).code == 250
    assert sink.wait_for_token(token)


@pytest.mark.parametrize("stage", ["at-header", "at-eoh", "at-body", "end"])
@pytest.mark.parametrize("action", REFUSALS)
def test_the_verdict_on_content_is_for_the_message(plain, sink, token, stage, action):
    with plain.wire() as wire:
        reply = deliver(wire, gates.with_orders(token + b"bad", "add X-Lost yes", f"{stage} {action}", body=BODY))
        assert refused(reply, action), reply
        assert deliver(wire, gates.with_orders(token + b"good", "add X-Kept yes")).code == 250
    assert sink.wait_for_token(token + b"good").fields("X-Kept") == [b"yes"]
    assert not sink.with_token(token + b"bad")


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "at-header", "at-eoh", "at-body", "end"])
def test_what_is_discarded_is_taken_and_goes_nowhere(plain, gate, sink, kind, token, stage):
    sender = b"discard.mail@example.org" if stage == "mail" else b"alice@example.org"
    recipient = b"discard." + stage.encode() + b"@example.net" if stage in ("rcpt", "data") else b"u@example.net"
    orders = [] if stage in ("mail", "rcpt", "data") else [f"{stage} discard"]
    with plain.wire() as wire:
        gone = deliver(wire, gates.with_orders(token + b"gone", *orders), sender, recipient)
        assert gone.code == 250, gone
        assert deliver(wire, letter(token + b"here")).code == 250
    number = gone.lines[-1].split()[-1].decode()
    assert gate.wait_for_event("smtp.discarded", {"id": number})["where"].startswith(f"milter {kind}-plain at ")
    sink.wait_for_token(token + b"here")
    gate.wait_until_queue_is_empty()
    assert not sink.with_token(token + b"gone")


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "at-header", "at-eoh", "at-body"])
def test_what_is_accepted_early_is_asked_about_no_more(plain, sink, token, stage):
    sender = b"accept.mail@example.org" if stage == "mail" else b"alice@example.org"
    recipient = b"accept." + stage.encode() + b"@example.net" if stage in ("rcpt", "data") else b"u@example.net"
    orders = [] if stage in ("mail", "rcpt", "data") else [f"{stage} accept"]
    with plain.wire() as wire:
        early = gates.with_orders(token + b"early", "add X-Lost yes", *orders)
        assert deliver(wire, early, sender, recipient).code == 250
        assert deliver(wire, gates.with_orders(token + b"whole", "add X-Kept yes")).code == 250
    assert sink.wait_for_token(token + b"early").fields("X-Lost") == []
    assert sink.wait_for_token(token + b"whole").fields("X-Kept") == [b"yes"]


def test_a_body_that_is_skipped_is_not_sent_on(plain, sink, token):
    with plain.wire() as wire:
        assert deliver(wire, gates.with_orders(token, "at-body skip", "add X-Kept yes", body=BODY)).code == 250
    message = sink.wait_for_token(token)
    assert message.fields("X-Kept") == [b"yes"] and message.body == BODY
    plain.filter.wait_for("end", plain.start)
    assert len([line for line in plain.saw() if line.startswith("body ")]) < 4    # one may be under way already


# --- modifications

def changed(bench, sink, token, *orders, letter_of=gates.with_orders, **how):
    with bench.wire(**how) as wire:
        reply = deliver(wire, letter_of(token, *orders))
        assert reply.code == 250, reply
    return sink.wait_for_token(token)


def names(message):
    """Of the header's fields, in order, below our own Received."""
    found = re.findall(rb"(?m)^([^\s:]+)[ \t]*:", message.header)
    return [name.decode() for name in found if name != b"Received"]


def test_fields_are_added_at_the_end_and_put_in_where_told(plain, exact, sink, token):
    for bench in (plain, exact):
        mark = token + bench.listener.encode()
        message = changed(bench, sink, mark, "add X-Last 1", "insert 1 X-Second 2", "insert 0 X-First 3",
                          "insert 9999 X-End 4", "add X-Folded a\\n\tb\\n c")
        found = names(message)
        assert found[0] == "X-First" and message.header.startswith(b"X-First:")
        assert found[-3:] == ["X-Last", "X-End", "X-Folded"], found
        assert found.index("X-Second") <= 2
        space = b" " if bench is plain else b""
        assert b"\r\nX-Last:" + space + b"1\r\n" in message.header
        assert b"\r\nX-Folded:" + space + b"a\r\n\tb\r\n c\r\n" in message.header


def test_fields_are_changed_and_taken_away_by_name_and_number(plain, sink, token):
    def write(token, *orders):
        return letter(token, more=b"X-A: 1\r\nx-a: 2\r\nX-B: 3\r\nX-A: 4\r\nX-AA: 5\r\n"
                      + b"".join(b"X-Do: " + order.encode() + b"\r\n" for order in orders))

    message = changed(plain, sink, token, "change 2 X-A two", "change 1 x-b", "change 7 X-A more", "change 7 X-C",
                      "change 1 X-New new", "change 1 Subject and " + token.decode(), letter_of=write)
    assert message.fields("X-A") == [b"1", b"two", b"4", b"more"]
    assert message.fields("X-B") == [] and message.fields("X-AA") == [b"5"] and message.fields("X-New") == [b"new"]
    assert message.fields("Subject") == [b"and " + token]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1)])
def test_all_of_a_name_can_be_taken_away_from_either_end(plain, sink, token, order):
    def write(token, *orders):
        return letter(token, more=b"X-A: 1\r\nX-A: 2\r\nX-A: 3\r\n"
                      + b"".join(b"X-Do: " + order.encode() + b"\r\n" for order in orders))

    message = changed(plain, sink, token, *(f"change {number} X-A" for number in order), letter_of=write)
    assert message.fields("X-A") == []


def test_our_own_received_is_not_theirs_to_change(plain, sink, token):
    message = changed(plain, sink, token, "change 1 Received")
    assert len(message.fields("Received")) == 1
    assert not [line for line in plain.saw() if line.startswith("header Received")]


def test_recipients_and_sender_are_changed(plain, sink, token):
    with plain.wire() as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(250, b"RCPT TO:<v@example.net>")
        wire.expect(354, b"DATA")
        wire.send(gates.with_orders(token, "rcpt- <U@example.net>", "rcpt- <u@EXAMPLE.net>", "rcpt+ <w@example.net>",
                                    "rcpt-par <x@example.net> NOTIFY=NEVER", "rcpt- <nobody@example.net>",
                                    "from <bounces@example.org>") + b".\r\n")
        assert wire.reply().code == 250
    message = sink.wait_for_token(token)
    found = {address: words for address, words in message.recipients}
    assert sorted(found) == [b"v@example.net", b"w@example.net", b"x@example.net"]
    assert b"NOTIFY=NEVER" in found[b"x@example.net"]
    assert message.sender == b"bounces@example.org"


def test_without_a_recipient_left_it_goes_nowhere(plain, gate, sink, token):
    with plain.wire() as wire:
        assert deliver(wire, gates.with_orders(token, "rcpt- <u@example.net>")).code == 250
    gate.wait_until_queue_is_empty()
    assert not sink.with_token(token)


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 3000000])
def test_a_body_of_any_size_takes_the_place_of_the_old(plain, sink, token, size):
    order = f"fill {size}" if size else "body "
    message = changed(plain, sink, token, order, "add X-Kept yes")
    body = message.body
    assert message.fields("X-Kept") == [b"yes"]
    if size > 1:
        line = b"z" * 78 + b"\r\n"
        wanted = line * (size // 80) + line[80 - size % 80:] if size % 80 else line * (size // 80)
        assert body.rstrip(b"\r\n") == wanted.rstrip(b"\r\n")
    else:
        assert len(body) <= 3, body


def test_a_new_body_has_the_line_ends_of_mail(plain, sink, token):
    message = changed(plain, sink, token, "body one\\ntwo\\n.\\n..\\nend\\n")
    assert message.body == b"one\r\ntwo\r\n.\r\n..\r\nend\r\n"


def test_what_is_quarantined_waits_for_the_administrator_as_it_was_changed(plain, gate, sink, token):
    with plain.wire() as wire:
        orders = ("add X-Held yes", "body kept " + token.decode() + "\\n", "quarantine looks odd to me")
        assert deliver(wire, gates.with_orders(token, *orders)).code == 250
    held = until(lambda: [message for message in gate.queue() if message["state"] == "held"], 10,
                 lambda: f"a held message: {gate.queue()}")
    shown = gate.ctl_json("queue", "show", str(held[0]["id"]))
    assert "looks odd to me" in str(shown), shown
    assert not sink.with_token(token)
    gate.ctl("queue", "release", str(held[0]["id"]))
    message = sink.wait_for_token(token)
    assert message.fields("X-Held") == [b"yes"] and message.body == b"kept " + token + b"\r\n"
    gate.wait_until_queue_is_empty()


def test_who_works_on_says_so_and_is_waited_for(plain, sink, token):
    message = changed(plain, sink, token, "progress", "add X-Kept yes", "progress", "end accept")
    assert message.fields("X-Kept") == [b"yes"]
