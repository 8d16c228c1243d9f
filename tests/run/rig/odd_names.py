# SPDX-License-Identifier: BSD-2-Clause
"""Names as servers tell them: right, late, in circles, and with evil in them."""
import re
import socket
import struct

from rig import dns


def coded(code):
    return lambda question: question.answer(code=code)


def only(kind, packet):
    """This answer to questions of this kind, none to others."""
    return lambda question: packet(question) if question.kind == kind else question.answer()


def here(question, *before):
    return question.answer([*before, dns.address(question.name, "127.0.0.1")])


def aliases(length, end):
    """name0 is another name for name1, and so on; what the last one leads to is `end`, or name0 again."""
    def answer(question):
        word, number = re.match(r"([a-z-]*?)(\d*)\.example\.net", question.name).groups()
        if int(number or 0) == length - 1 and end:
            return here(question) if question.kind == dns.A else question.answer()
        return question.answer([dns.alias(question.name, f"{word}{(int(number or 0) + 1) % length or ''}.example.net")])
    return answer


def over_tcp(records):
    def answer(question):
        return question.answer(records(question)) if question.tcp else question.answer(flags=dns.TRUNCATED)
    return only(dns.A, answer)


def many(question):
    """64 KiB, less what does not fit."""
    return [dns.address(question.name, f"127.{1 + number // 250}.{number % 250}.1") for number in range(1700)]


EVIL = b"x\r\nRCPT TO:<evil@example\0" + b"\x1b[2J"


def evil_alias(question):
    target = bytes([len(EVIL)]) + EVIL + dns.name("example.net")
    return question.answer([dns.record(question.name, dns.CNAME, target),
                            target + struct.pack("!HHIH", dns.A, 1, 60, 4) + socket.inet_aton("127.0.0.1")])


class Later:
    """The server fails at first."""

    def __init__(self):
        self.broken = True

    def __call__(self, question):
        return question.answer(code=dns.SERVFAIL) if self.broken else only(dns.A, here)(question)


# What is answered, whether the mail arrives at the first try, or what is said about it.
ZONE = {
    "found": (["127.0.0.1"], True),
    "both": (["::1", "127.0.0.1"], True),
    "four-alone": (only(dns.A, here), True),
    "six-alone": (["::1"], "[::1]"),
    "six-silent": (lambda question: here(question) if question.kind == dns.A else None, True),
    "six-fails": (lambda question: here(question) if question.kind == dns.A else question.answer(code=dns.SERVFAIL), True),
    "nobody": (None, "no such host"),
    "no-address": ([], "no address"),
    "fails": (coded(dns.SERVFAIL), "no answer"),
    "refuses": (coded(dns.REFUSED), "no answer"),
    "not-implemented": (coded(4), "no answer"),
    "silent": (lambda question: None, "no answer"),
    "aliased": (aliases(2, True), True),
    "long-aliased": (aliases(20, True), None),
    "circle": (aliases(20, False), ""),
    "itself": (only(dns.A, lambda question: question.answer([dns.alias(question.name, question.name)])), ""),
    "over-tcp": (over_tcp(lambda question: [dns.address(question.name, "127.0.0.1")]), True),
    "tcp-64-kib": (over_tcp(many), None),
    "truncated-for-ever": (lambda question: question.answer(flags=dns.TRUNCATED), None),
    "evil-alias": (only(dns.A, evil_alias), None),
    "five-bytes": (only(dns.A, lambda question: question.answer([dns.record(question.name, dns.A, b"\x7f\0\0\1\1")])), ""),
    "ttl-0": (only(dns.A, lambda question: question.answer([dns.address(question.name, "127.0.0.1", 0)])), True),
    "other-owner": (only(dns.A, lambda question: question.answer([dns.address("elsewhere.example.net", "127.0.0.1")])), ""),
    "other-question": (lambda question: here(question).replace(b"other-question", b"thoro-question"), ""),
    "other-id": (lambda question: b"\0\0" + here(question)[2:], ""),
    "garbage": (lambda question: b"\xff" * 40, ""),
    "header-alone": (lambda question: question.answer()[:12], ""),
    "dead-ones-first": (None, True),
}
LATER = Later()
