# SPDX-License-Identifier: BSD-2-Clause
"""Filters that go away and come back: replayed until the end of message was sent, never after it; verdicts on the session."""
import os
import random
import signal

import pytest

from rig import ground
from rig import milter_packet as say
from rig.deadline import until
from rig.filtered import GOOD, Filtered, check_next, saw, send
from rig.judge import letter, new_token
from rig.milter import USUAL, Filter

THREE = (b"u@example.net", b"v@example.net", b"w@example.net")
BODY = (b"z" * 76 + b"\r\n") * 10_000     # more than stays in memory


@pytest.fixture(scope="module")
def filtered(make_gate, sink):
    # A port that nobody is given while its filter is away.
    again = Filter(port=ground.free_port())
    made = Filtered(make_gate, sink, {"tempfail": {}, "accept": {"on-failure": "accept"}}, {"accept": again})
    yield made
    made.judge()
    made.stop()


@pytest.fixture
def filter_(filtered):
    return filtered.filters["tempfail"]


def paths(message):
    return [path for path, _ in message.recipients]


@pytest.mark.sanitize
@pytest.mark.parametrize("step, before", [("C", 0), ("H", 0), ("M", 0), ("R", 0), ("R", 1), ("R", 2), ("T", 0), ("L", 0), ("L", 2),
                                          ("N", 0), ("B", 0), ("B", 1)])
def test_lost_once_before_the_end_is_replaced(filtered, filter_, step, before):
    """The second connection is told everything from the start, and the client nothing at all."""
    first = len(filter_.connections)
    with filtered.session("tempfail") as wire:
        filter_.play({step: [USUAL] * before + [None]})
        token = new_token()
        text = letter(token, BODY)
        step, reply = send(wire, text, THREE)
        assert (step, reply.code) == ("END", 250), (step, reply, filtered.gate.story(10))
        message = filter_.wait_for_message(-1)
        assert message.commands == "MRRRT" + "L" * len(message.fields) + "N" + "B" * len(message.pieces) + "E"
        assert paths(message) == [b"<u@example.net>", b"<v@example.net>", b"<w@example.net>"]
        assert message.body == BODY and not message.connection.faults, message.connection.faults
        assert len(filter_.connections) == first + 2 and message.connection is filter_.connections[-1]
        assert len(filtered.sink.wait_for_token(token).recipients) == 3
        check_next(filtered, "tempfail", wire)
        assert len(filter_.connections) == first + 2


def test_replacement_that_negotiates_otherwise(filtered, filter_):
    """Another version, other commands, other answers: the new connection is told what it asked for, from the start."""
    chance = random.Random(3)

    def any_offer():
        version = chance.choice([2, 3, 4, 6, 6, 6])
        bits = [*say.NO.values(), *(say.MUTE.values() if version == 6 else ())]
        steps = sum(bit for bit in bits if chance.random() < 0.2) | (say.LEADING_SPACE if version == 6 else 0)
        return {"version": version, "steps": steps & 0x7f if version == 2 else steps}

    for _ in range(25):
        first, second, step = any_offer(), any_offer(), chance.choice("CHMRTLNB")

        def leave(_connection, _payload, second=second):
            filter_.negotiation.update(second)
            return None
        filter_.play({step: [leave]}, **first)
        with filtered.session("tempfail") as wire:
            reply = send(wire, letter(new_token()), THREE)[1]
            # who says nothing in between is told the end as well before it is seen to have gone
            assert reply.code == 250 or (reply.code == 451 and first["steps"] & say.MUTE_ALL), (reply, first, second, step)
            assert send(wire, letter(new_token()), THREE)[1].code == 250, (first, second, step)
            wire.expect(221, b"QUIT")
        filter_.wait_until_left()
    filter_.play({}, **GOOD)
    assert not filter_.faults, filter_.faults


@pytest.mark.parametrize("step, at", [("M", "MAIL"), ("R", "RCPT"), ("T", "DATA"), ("N", "END"), ("B", "END")])
def test_lost_twice_is_a_failure(filtered, filter_, step, at):
    with filtered.session("tempfail") as wire:
        filter_.play({step: [None, None]})
        found, reply = send(wire, letter(new_token()))
        assert (found, reply.code, reply.enhanced) == (at, 451, "4.7.1")
        check_next(filtered, "tempfail", wire)


def test_lost_at_the_end_is_not_asked_again(filtered, filter_):
    with filtered.session("tempfail") as wire:
        filter_.play({"E": [None]})
        seen, token = len(filter_.messages), new_token()
        step, reply = send(wire, letter(token))
        assert (step, reply.code, reply.enhanced) == ("END", 451, "4.7.1")
        assert len(filter_.messages) == seen + 1
        filtered.refused.append(token)
        check_next(filtered, "tempfail", wire)


@pytest.mark.parametrize("script, code, enhanced", [
    ({"M": [USUAL, say.reply("550 5.7.9 no")]}, 550, "5.7.9"),
    ({"R": [USUAL, say.REJECT]}, 451, "4.7.1"),      # the client has been told that it is taken
    ({"C": [USUAL, say.TEMPFAIL]}, 451, "4.7.1"),
], ids=["mail", "rcpt", "connect"])
def test_replacement_that_is_of_another_mind(filtered, filter_, script, code, enhanced):
    with filtered.session("tempfail") as wire:
        filter_.play({**script, "T": [None]})
        step, reply = send(wire, letter(new_token()))
        assert (step, reply.code, reply.enhanced) == ("DATA", code, enhanced), reply
    with filtered.session("tempfail") as wire:
        check_next(filtered, "tempfail", wire)


def test_refused_recipient_is_not_replayed(filtered, filter_):
    with filtered.session("tempfail") as wire:
        filter_.play({"R": [USUAL, say.REJECT, None]})
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(550, b"RCPT TO:<v@example.net>")
        wire.expect(250, b"RCPT TO:<w@example.net>")
        token = new_token()
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
        message = filter_.wait_for_message(-1)
        assert paths(message) == [b"<u@example.net>", b"<w@example.net>"]
        queued = filtered.sink.wait_for_token(token)
        assert sorted(path for path, _ in queued.recipients) == [b"u@example.net", b"w@example.net"]


def test_connection_that_ended_between_messages(filtered, filter_):
    """It is noticed, and costs nothing."""
    with filtered.session("tempfail") as wire:
        old = check_next(filtered, "tempfail", wire).connection
        filter_.play({"M": [None]})      # one attempt more for a loss in the midst
        old.socket.shutdown(2)
        filter_.wait_until_left([old])
        assert send(wire, letter(new_token()))[1].code == 250
        message = filter_.wait_for_message(-1)
        assert message.connection is not old and message.connection.helo == b"client.example.org"
        check_next(filtered, "tempfail", wire)


@pytest.mark.parametrize("times, at", [(1, None), (2, "DATA")])
def test_connection_that_ended_between_commands(filtered, filter_, times, at):
    with filtered.session("tempfail") as wire:
        filter_.play({"E": saw})
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        for number in range(times):
            wire.expect(250, b"RCPT TO:<u%d@example.net>" % number)
            filter_.connections[-1].socket.shutdown(2)
            filter_.wait_until_left()
        wire.expect(451 if at else 354, b"DATA")
        if not at:
            wire.send(letter(new_token(), BODY) + b".\r\n")
            assert wire.reply().code == 250
            assert filter_.wait_for_message(-1).body == BODY
        else:
            wire.expect(250, b"RSET")
        check_next(filtered, "tempfail", wire)


def test_second_hello_is_a_new_session(filtered, filter_):
    """What was told of the first, and what was said of it, is over."""
    with filtered.session("tempfail") as wire:
        old = check_next(filtered, "tempfail", wire).connection
        wire.ehlo(b"other.example.org")
        new = check_next(filtered, "tempfail", wire).connection
        assert new is not old and old.quit and new.helo == b"other.example.org"
        filter_.play({"H": [say.REJECT]})
        wire.ehlo(b"refused.example.org")
        assert send(wire, letter(new_token()))[1].code == 550
        wire.ehlo(b"welcome.example.org")
        check_next(filtered, "tempfail", wire)


@pytest.mark.parametrize("step", "TBE")
def test_421_for_a_chunk(filtered, filter_, step):
    """It is said behind the chunk, and ends the session."""
    with filtered.session("tempfail") as wire:
        filter_.play({step: [say.reply("421 4.7.0 closing")]})
        token = new_token()
        text = letter(token, BODY)
        filtered.refused.append(token)
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.send(b"BDAT %d LAST\r\n" % len(text) + text)
        assert wire.reply().code == 421 and wire.is_closed()
    filter_.play()
    with filtered.session("tempfail") as wire:
        check_next(filtered, "tempfail", wire)


@pytest.mark.parametrize("step, code", [("T", 550), ("N", 550), ("E", 550), (None, 250)])
def test_chunks(filtered, filter_, step, code):
    """BDAT: a refusal comes for the chunk that it is about, and the stream stays in step."""
    with filtered.session("tempfail") as wire:
        filter_.play({step: [say.REJECT]} if step else {})
        token = new_token()
        text = letter(token, BODY)
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        half = len(text) // 2
        wire.send(b"BDAT %d\r\n" % half + text[:half])
        first = wire.reply()
        wire.send(b"BDAT %d LAST\r\n" % (len(text) - half) + text[half:])
        last = wire.reply()
        assert first.code == (550 if step == "T" else 250), first
        assert last.code == code or (step == "T" and last.code in (503, 550)), last
        if code == 250:
            assert filter_.wait_for_message(-1).body == BODY
        else:
            filtered.refused.append(token)
            wire.command(b"RSET")
        check_next(filtered, "tempfail", wire)


def test_unasked_packet_between_messages(filtered, filter_):
    """The connection is not used again: whatever it says may be taken for the answer to the next one."""
    with filtered.session("tempfail") as wire:
        old = check_next(filtered, "tempfail", wire).connection
        old.send(say.REJECT)
        message = check_next(filtered, "tempfail", wire)
        assert message.connection is not old
        filter_.wait_until_left([old])


def test_filter_that_was_started_again(filtered, make_gate, sink):
    """Dead when a message comes, back for the next one of the same session."""
    name = "accept"
    with filtered.session(name) as wire:
        check_next(filtered, name, wire)
        old = filtered.filters[name]
        old.kill()
        token = new_token()
        step, reply = send(wire, letter(token))
        assert (step, reply.code) == ("END", 250)
        assert not filtered.sink.wait_for_token(token).fields("X-Saw")
        filtered.filters[name] = Filter(port=old.port)
        check_next(filtered, name, wire)


def test_message_given_up_is_aborted(filtered, filter_):
    with filtered.session("tempfail") as wire:
        filter_.play()
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(250, b"RSET")
        message = filter_.wait_for_message(-1)
        assert message.end == "A" and message.commands == "MR"
        assert check_next(filtered, "tempfail", wire).connection is message.connection


@pytest.mark.parametrize("content", [b"From: <alice@example.org>\r\nFrom: <bob@example.org>\r\n\r\n", b"no header\r\n\r\n", letter(b"x", b"a\nb\r\n")],
                         ids=["two-from", "no-header", "bare-lf"])
def test_message_that_we_refuse_ourselves_is_aborted(filtered, filter_, content):
    with filtered.session("tempfail") as wire:
        filter_.play()
        seen = len(filter_.messages)
        step, reply = send(wire, content)
        assert step == "END" and reply.code // 100 == 5, reply
        message = filter_.wait_for_message(seen)
        assert (message.end, message.commands) == ("A", "MRT"), message
        assert check_next(filtered, "tempfail", wire).connection is message.connection


def test_client_that_quits_in_the_midst(filtered, filter_):
    filter_.play()
    with filtered.session("tempfail") as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(221, b"QUIT")
    connection = filter_.connections[-1]
    filter_.wait_until_left([connection])
    assert [command for command, _ in connection.packets][-2:] == ["A", "Q"] and not connection.faults


def test_dialler_that_dies(filtered, filter_):
    """Connections that are there stay; a new one is made by the new dialler."""
    gate = filtered.gate

    def is_back(pid):
        roles = gate.status()["roles"]
        return gate.pids("dial") not in ([], [pid]) and all(
            (role["details"] or {}).get("dial") for role in roles if role["role"] == "smtp")
    with filtered.session("tempfail") as old, filtered.session("tempfail") as new:
        kept = check_next(filtered, "tempfail", old).connection
        [pid] = gate.pids("dial")
        gate.expected_deaths += 1
        os.kill(pid, signal.SIGKILL)
        until(lambda: is_back(pid), 15, "there is a dialler again")
        assert check_next(filtered, "tempfail", old).connection is kept
        check_next(filtered, "tempfail", new)


def test_client_that_goes_away_leaves_nothing_open(filtered, filter_):
    wire = filtered.session("tempfail")
    filter_.play()
    wire.expect(250, b"MAIL FROM:<alice@example.org>")
    wire.expect(250, b"RCPT TO:<u@example.net>")
    connection = filter_.connections[-1]
    wire.reset()
    filter_.wait_until_left([connection])
    assert not connection.faults, connection.faults


def test_later_filter_is_aborted_where_an_earlier_one_refuses(filtered, filter_):
    with filtered.session("tempfail") as wire:
        filter_.play({"E": [say.REJECT]})
        seen = len(filtered.witness.messages)
        assert send(wire, letter(new_token()))[1].code == 550
        check_next(filtered, "tempfail", wire)
        first, second = filtered.witness.messages[seen:]
        assert (first.end, first.commands) == ("A", "MRT") and second.end == "E"
        assert first.connection is second.connection


@pytest.mark.parametrize("step, at, commands", [("M", "MAIL", "M"), ("T", "DATA", "MRT")])
def test_earlier_filter_is_aborted_where_a_later_one_refuses(filtered, filter_, step, at, commands):
    with filtered.session("tempfail") as wire:
        filter_.play()
        filtered.witness.play({step: [say.REJECT]})
        seen = len(filter_.messages)
        found, reply = send(wire, letter(new_token()))
        assert (found, reply.code) == (at, 550), reply
        message = filter_.wait_for_message(seen)
        assert (message.end, message.commands) == ("A", commands), message
        assert check_next(filtered, "tempfail", wire).connection is message.connection


@pytest.mark.parametrize("step, commands", [("M", "M"), ("R", "MR"), ("T", "MRRT")])
def test_nobody_is_asked_about_what_is_discarded(filtered, filter_, step, commands):
    """An earlier filter is not told of DATA without the recipients that it did not hear of."""
    with filtered.session("tempfail") as wire:
        filter_.play()
        filtered.witness.play({step: [say.DISCARD]})
        seen, token = len(filter_.messages), new_token()
        filtered.refused.append(token)
        assert send(wire, letter(token), THREE[:2])[1].code == 250
        message = filter_.wait_for_message(seen)
        assert (message.end, message.commands) == ("A", commands), message
        check_next(filtered, "tempfail", wire)


@pytest.mark.parametrize("step, commands", [("M", None), ("R", "M"), ("T", "MR"), ("N", "MRT"), ("E", "MRT")])
def test_later_filter_is_aborted_where_an_earlier_one_discards(filtered, filter_, step, commands):
    with filtered.session("tempfail") as wire:
        filter_.play({step: [say.DISCARD]})
        seen, token = len(filtered.witness.messages), new_token()
        filtered.refused.append(token)
        assert send(wire, letter(token))[1].code == 250
        check_next(filtered, "tempfail", wire)
        told = [(message.end, message.commands) for message in filtered.witness.messages[seen:-1]]
        assert told == ([("A", commands)] if commands else [])


@pytest.mark.parametrize("said, code", [(say.DISCARD, 250), (say.REJECT, 550), (say.ACCEPT, 250)], ids=["discard", "reject", "accept"])
def test_quarantine_of_one_and_the_verdict_of_another(filtered, filter_, said, code):
    """What is refused or thrown away is not held as well."""
    with filtered.session("tempfail") as wire:
        filter_.play({"E": say.quarantine("odd") + say.CONTINUE})
        filtered.witness.play({"E": [said]})
        token = new_token()
        assert send(wire, letter(token))[1].code == code
        held = [one["id"] for one in filtered.gate.queue() if one["state"] == "held"]
        assert len(held) == (said == say.ACCEPT), held
        if held:
            filtered.gate.ctl("queue", "release", held[0])
            filtered.sink.wait_for_token(token)
        else:
            filtered.refused.append(token)
        check_next(filtered, "tempfail", wire)


# --- what is said of the session stands for all its messages

@pytest.mark.parametrize("step", "CH")
@pytest.mark.parametrize("said, code, enhanced", [
    (say.REJECT, 550, "5.7.1"), (say.TEMPFAIL, 451, "4.7.1"), (say.reply("554 5.7.9 not from there"), 554, "5.7.9"),
], ids=["reject", "tempfail", "reply"])
def test_refused_session(filtered, filter_, step, said, code, enhanced):
    first = len(filter_.connections)
    filter_.play({step: [said]})
    with filtered.session("tempfail") as wire:
        for _ in range(3):
            found, reply = send(wire, letter(new_token()))
            assert (found, reply.code, reply.enhanced) == ("MAIL", code, enhanced), reply
    assert len(filter_.connections) == first + 1
    filter_.wait_until_left()
    with filtered.session("tempfail") as wire:
        check_next(filtered, "tempfail", wire)


@pytest.mark.parametrize("step", "CH")
def test_accepted_session_is_not_spoken_of_again(filtered, filter_, step):
    first = len(filter_.connections)
    filter_.play({step: [say.ACCEPT]})
    with filtered.session("tempfail") as wire:
        for _ in range(2):
            token = new_token()
            assert send(wire, letter(token))[1].code == 250
            filtered.sink.wait_for_token(token)
        filter_.wait_until_left(filter_.connections[first:])
    assert len(filter_.connections) == first + 1
    assert not filter_.connections[-1].messages and not filter_.connections[-1].faults


def test_421_of_the_session_ends_it(filtered, filter_):
    filter_.play({"C": [say.reply("421 4.7.0 go away")]})
    with filtered.session("tempfail") as wire:
        step, reply = send(wire, letter(new_token()))
        assert (step, reply.code) == ("MAIL", 421) and wire.is_closed()
    with filtered.session("tempfail") as wire:
        check_next(filtered, "tempfail", wire)
