# SPDX-License-Identifier: BSD-2-Clause
"""The outcomes of the catalogue: ZERO, ONE, CLOSE, and a clean wire."""
import datetime
import email.utils
import itertools
import os
import re

_numbers = itertools.count(1)

DIRTY = re.compile(rb"(?<!\r)\n|\r(?!\n)|\0")
# A scanner marks what is old: today's date, the same for every message of one run.
DATE = email.utils.format_datetime(datetime.datetime.now(datetime.timezone.utc)).encode()
TRACE = (b"received", b"return-path", b"message-id", b"date", b"sender", b"authentication-results")


def new_token():
    """A word that no other message contains."""
    return f"token{os.getpid()}x{next(_numbers)}x".encode()


def letter(token, body=b"", sender=b"<alice@example.org>", more=b""):
    """A whole, ordinary message; nothing needs to be added to it."""
    return (b"Date: " + DATE + b"\r\nFrom: " + sender + b"\r\nTo: <u@example.net>\r\n"
            b"Message-ID: <" + token + b"@client.example.org>\r\nSubject: " + token + b"\r\n" + more
            + b"\r\n" + (body or b"first " + token + b"\r\n"))


def is_clean(raw):
    """No bare CR, bare LF or NUL on the wire."""
    return not DIRTY.search(raw)


def assert_zero(gate, sink, token):
    """No message with the token, now or later."""
    gate.wait_until_queue_is_empty()
    assert not sink.with_token(token), sink.with_token(token)


def assert_one(gate, sink, token, sent=None):
    """Exactly one message, clean on the wire, as sent apart from trace fields put before it."""
    message = sink.wait_for_token(token)
    gate.wait_until_queue_is_empty()
    found = sink.with_token(token)
    assert len(found) == 1, found
    assert is_clean(message.raw), DIRTY.search(message.raw)
    if sent is not None:
        content = message.content
        assert content.endswith(sent), (content[-400:], sent[-400:])
        for field in re.split(rb"\r\n(?![ \t])", content[:len(content) - len(sent)]):
            assert not field or field.split(b":")[0].lower() in TRACE, field
    return message


def assert_refused(reply, enhanced=None):
    """5xx, with that enhanced code if one is given."""
    assert 500 <= reply.code < 600, reply
    if enhanced:
        assert reply.enhanced == enhanced, reply


def deliver(wire, message, sender=b"alice@example.org", recipient=b"u@example.net"):
    """One transaction by DATA on a logged in connection; the final reply, or the refusal before."""
    for line in (b"MAIL FROM:<" + sender + b">", b"RCPT TO:<" + recipient + b">", b"DATA"):
        reply = wire.command(line)
        if reply.code >= 400:
            return reply
    wire.send(stuffed(message) + b".\r\n")
    return wire.reply()


def stuffed(message):
    return re.sub(rb"(?m)^\.", b"..", message)
