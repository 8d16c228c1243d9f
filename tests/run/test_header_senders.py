# SPDX-License-Identifier: BSD-2-Clause
"""
The corpora of tests/headers through the running daemon: forged headers are refused, real ones pass as they
were sent. What the hop got is judged by GMime and Python's email, not by our own parser.
"""
import json
import os
import re

import pytest

from rig import opinion
from rig.deadline import until
from rig.judge import is_clean, new_token
from rig.sallyport import BOB, PERMITS, warm

AT_ONCE = 50    # messages in one write
TAIL = b"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%s.%d@client.example.org>\r\n\r\nbody\r\n"
# What the daemon takes out of a submission: RFC 6409 8, RFC 5321 4.4.
TIDIED = re.compile(rb"(?mi)^(?:Bcc|Return-Path):.*\r\n")
ADDRESSES = ['"alice smith"@example.org' if address.startswith("alice smith") else address
             for address in sorted(opinion.ALICES - {"team@example.org"})]


MINDING = "127.77.0.1"     # where names that pose are refused
STRIPPED = "127.78.0.1"    # where they are taken out


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    daemon = make_gate(
        routes={"*": sink.target}, accounts=(("alice", "alicepw", ADDRESSES), BOB),
        permits=PERMITS + f"""permit "network:{MINDING}" {{ posing-name = refuse }}
            permit "network:{STRIPPED}" {{ posing-name = strip }}""",
        listeners={"submission": {"protocol": "smtp", "tls": "starttls", "errors": "1000"}})
    warm(daemon)
    return daemon


def bypasses():
    """The named attempts of doc/threats.md: (name, what it tries, its case)."""
    cases = {f"{case.corpus}/{case.name}": case for case in opinion.corpus("hostile")}
    with open(os.path.join(opinion.FOLDER, "bypasses.jsonl"), encoding="ascii") as lines:
        return [(row["name"], row["tries"], cases["hostile/" + row["case"]]) for row in map(json.loads, lines)]


def submit_all(gate, cases, token, source=None):
    """The final reply to each, alice being logged in; each message ends in its number."""
    replies = []
    with gate.session(source=source, seconds=60) as wire:
        for start in range(0, len(cases), AT_ONCE):
            batch = cases[start:start + AT_ONCE]
            wire.send(b"".join(transaction(case, token, start + index) for index, case in enumerate(batch)))
            for case in batch:
                mail, recipient, last = wire.replies(3)
                assert (mail.code, recipient.code) == (250, 250), (case, mail, recipient)
                replies.append(last)
    return replies


def transaction(case, token, number):
    content = case.header + TAIL % (token, number)
    return (b"MAIL FROM:<alice@example.org>%s\r\nRCPT TO:<u@example.net>\r\nBDAT %d LAST\r\n"
            % (b" SMTPUTF8" if case.utf8 else b"", len(content))) + content


def delivered(gate, sink, token, count):
    """number -> the message, once so many have reached the hop and nothing more is to come."""
    pattern = re.compile(rb"<" + token + rb"\.(\d+)@")
    until(lambda: len(sink.with_token(token)) >= count, 120, f"{count} messages at the hop")
    gate.wait_until_queue_is_empty(60)
    found = {int(pattern.search(message.raw).group(1)): message for message in sink.with_token(token)}
    assert len(found) == len(sink.with_token(token)) == count
    return found


def assert_only_alice(headers):
    """No reader finds a mailbox in the originator fields that is not hers."""
    for reader, read in opinion.OTHERS.items():
        if reader == "gmime" and opinion.program(opinion.GMIME) is None:
            continue
        for header, reading in zip(headers, read(headers)):
            strangers = {address for found in reading.values() for address in found
                         if "@" in address and not opinion.is_alices(address)}
            assert not strangers, (reader, strangers, header)


def words_of(case):
    """What the reply to a refused case says, or None where an earlier gate says it in its own words."""
    text = case.want[len("refused: "):]
    if re.search(r"bare|NUL|an empty line|bytes$", text):
        return None
    return {"several From fields": "From field refused: there are several", "no From field": "From field refused: there is none",
            "several Sender fields": "Sender field refused: there are several"}.get(text, text)


@pytest.mark.sanitize
def test_G41_hostile_headers_reach_nobody_in_anothers_name(gate, sink):
    """Refused with a text that says why; or every reader at the hop sees Alice alone."""
    cases, token = opinion.corpus("hostile"), new_token()
    replies = submit_all(gate, cases, token)
    taken = []
    for case, reply in zip(cases, replies):
        if reply.code == 250:
            # An empty line ends the header, so that what follows is body.
            assert case.want in ("mine", "posing") or b"\r\n\r\n" in case.header, (case, reply)
            taken.append(case)
            continue
        assert case.want not in ("mine", "posing"), (case, reply)
        assert 500 <= reply.code < 600 and reply.enhanced, (case, reply)
        if case.want == "other":
            assert reply.code == 550 and "permission to send as this sender" in reply.text \
                or "several mailboxes need a Sender" in reply.text, (case, reply)
        elif words_of(case):
            assert words_of(case) in reply.text, (case, reply)
    messages = delivered(gate, sink, token, len(taken))
    assert all(is_clean(message.raw) for message in messages.values())
    assert_only_alice([message.header for message in messages.values()])


def test_G42_named_bypasses_are_all_refused(gate, sink):
    attempts, token = bypasses(), new_token()
    assert len(attempts) >= 60 and len({name for name, _, _ in attempts}) == len(attempts)
    replies = submit_all(gate, [case for _, _, case in attempts], token)
    passed = [name for (name, _, _), reply in zip(attempts, replies) if not 500 <= reply.code < 600]
    assert not passed, passed
    gate.wait_until_queue_is_empty()
    assert not sink.with_token(token)


def test_G42_named_bypasses_are_all_in_the_threats():
    with open(os.path.join(os.path.dirname(opinion.FOLDER), "..", "doc", "threats.md"), encoding="utf-8") as text:
        rows = re.findall(r"(?m)^\| (G\d+ [^|]+) \| ([^|]+) \|$", text.read())
    assert rows == [(name, tries) for name, tries, _ in bypasses()]


@pytest.mark.sanitize
def test_G43_ordinary_headers_all_pass_unchanged(gate, sink):
    cases, token = opinion.corpus("ordinary"), new_token()
    assert len(cases) >= 300
    replies = submit_all(gate, cases, token)
    refused = [(case, reply) for case, reply in zip(cases, replies) if reply.code != 250]
    assert not refused, refused
    messages = delivered(gate, sink, token, len(cases))
    for number, case in enumerate(cases):
        content = messages[number].content
        sent = TIDIED.sub(b"", case.header) + TAIL % (token, number)
        assert content.endswith(sent), (case, content)
        assert re.fullmatch(rb"Received:.*\r\n(?:[ \t].*\r\n)*", content[:-len(sent)]), (case, content)
    assert_only_alice([message.header for message in messages.values()])


def test_G44_who_minds_names_that_pose_refuses_no_other(gate, sink):
    """Not one of the ordinary headers is taken for one that poses."""
    cases, token = opinion.corpus("ordinary"), new_token()
    refused = [(case, reply) for case, reply in zip(cases, submit_all(gate, cases, token, MINDING)) if reply.code != 250]
    assert not refused, refused
    posing = [case for case in opinion.corpus("hostile") if case.want == "posing"]
    taken = [(case, reply) for case, reply in zip(posing, submit_all(gate, posing, token, MINDING)) if reply.code != 550]
    assert posing and not taken, taken
    delivered(gate, sink, token, len(cases))


def test_G45_names_that_pose_can_be_taken_out(gate, sink):
    cases, token = [case for case in opinion.corpus("hostile") if case.want == "posing"], new_token()
    assert {reply.code for reply in submit_all(gate, cases, token, STRIPPED)} == {250}
    messages = delivered(gate, sink, token, len(cases))
    headers = [message.header for message in messages.values()]
    assert_only_alice(headers)
    for header in headers:
        shown = b"".join(re.findall(rb"(?mi)^(?:From|Sender):(?:.*\r\n)(?:[ \t].*\r\n)*", header))
        assert not re.search(rb"bob|evil|=\?", shown), header
