# SPDX-License-Identifier: BSD-2-Clause
"""Who stands in the originator fields of a header: as we read it, and as GMime and Python's email do."""
import email
import email.header
import email.policy
import email.utils
import functools
import json
import os
import re
import subprocess

from rig import ground

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "headers")
FIELDS = ("From", "Sender", "Resent-From", "Resent-Sender")
OWN, GMIME = "own_reading", "gmime_reading"
FAILS = "(its parser fails)"


# Whose header senders the cases are about; same() has made them one spelling.
ALICES = {"alice@example.org", "ali@example.org", "team@example.org", "m\u00fcller@example.org",
          "alice@xn--exmple-cua.org", "alice smith@example.org", "o'hara@example.org", "a.b-c_d@example.org",
          "support@example.org", "noreply@shop.example.org", "root@host1.example.org", "www-data@web.example.org",
          "lists-bounces@lists.example.org", "lists@lists.example.org", "4915112345@sms.example.org"}


class Case:
    """
    One line of a corpus: a header, and what we make of it. `want` is "mine" (every originator is one of
    Alice's), "posing" (the same, but a display name shows another address), "other" (it is read, and
    somebody else is in it), or "refused: " and why.
    """

    def __init__(self, corpus, row):
        self.corpus = corpus
        self.name = row["name"]
        # Bytes that are no UTF-8 stand as lone surrogates: "\udcff" is the byte 0xff.
        # In a list a pair is a text and how often it stands there.
        parts = row["header"] if isinstance(row["header"], list) else [row["header"]]
        text = "".join(part if isinstance(part, str) else part[0] * part[1] for part in parts)
        self.header = text.encode("utf-8", "surrogateescape")
        self.want = row["want"]
        self.utf8 = row.get("utf8", False)
        self.note = row.get("note", "")

    def __repr__(self):
        return f"{self.corpus}/{self.name}: {self.header!r}"


@functools.lru_cache(None)
def corpus(kind):
    """Every case of tests/headers/KIND/*.jsonl."""
    cases = []
    folder = os.path.join(FOLDER, kind)
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="ascii") as lines:
            cases += [Case(f"{kind}/{name[:-6]}", json.loads(line)) for line in lines]
    return cases


def program(name):
    """The reader's path, or None where it was not built."""
    path = os.path.join(ground.BUILD, "tests", "headers", name)
    return path if os.path.exists(path) else None


def ask(name, lines):
    """One answer for each line."""
    done = subprocess.run([program(name)], input=b"".join(line + b"\n" for line in lines), capture_output=True,
                          check=True, timeout=180, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    answers = done.stdout.decode("ascii").splitlines()
    assert len(answers) == len(lines), (name, len(answers), done.stderr)
    return answers


# --- one spelling for every address

def same_domain(domain):
    """In lower case, and A-labels as IDNA2008 makes them (Python's own codec is the IDNA of 2003)."""
    return ".".join(label if label.isascii() else "xn--" + encoded(label) for label in domain.lower().split("."))


def encoded(label):
    return label.encode("punycode", "replace").decode()


def same_local(local):
    """Without the quotes that mean nothing; case counts for nothing, as in all our rights."""
    if len(local) > 1 and local[0] == local[-1] == '"':
        plain, skip = "", False
        for letter in local[1:-1]:
            if letter == "\\" and not skip:
                skip = True
                continue
            plain, skip = plain + letter, False
        local = plain
    return local.lower()


def same(address):
    address = address.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    local, at, domain = address.rpartition("@")
    return same_local(local) + at + same_domain(domain) if at else same_local(domain)


# --- readings: field -> the set of addresses in it

class Own:
    """Our reading of one case: .refused is why, or .mailboxes are (field, address, display, poses)."""

    def __init__(self, answer):
        kind, _, rest = answer.partition(" ")
        self.refused = rest if kind == "refused" else None
        self.mailboxes = []
        for part in rest.split(" ") if kind == "read" else ():
            field, _, items = part.partition(":")
            for item in items.split(",")[:-1]:
                address, display, poses = item.split("/")
                self.mailboxes.append((field, text_of(address), text_of(display), poses == "1"))

    @property
    def reading(self):
        found = {}
        for field, address, _, _ in self.mailboxes:
            found.setdefault(field, set()).add(same(address))
        return found


def is_alices(address):
    return same(address) in ALICES


def text_of(digits):
    return bytes.fromhex(digits).decode("utf-8", "surrogateescape")


def own(cases):
    return [Own(answer) for answer in ask(OWN, [b"%d " % case.utf8 + case.header.hex().encode() for case in cases])]


def class_of(refusal):
    """Without the place, of which there are many."""
    return re.sub(r"\b(?:at )?line \d+:? ?", "", re.sub(r"^header line \d+: ", "header: ", refusal))


def message_of(header):
    return header + b"\r\nbody\r\n"


def by_gmime(headers):
    found = []
    for answer in ask(GMIME, [message_of(header).hex().encode() for header in headers]):
        reading = {}
        for part in answer.split(" ")[1:]:
            field, _, items = part.partition(":")
            for item in items.split(",")[:-1]:
                reading.setdefault(field, set()).add(same(text_of(item)))
        found.append(reading)
    return found


def by_python(headers):
    """email.headerregistry, as policy.default has it."""
    return [read_modern(header) for header in headers]


def read_modern(header):
    message = email.message_from_bytes(message_of(header), policy=email.policy.default)
    reading = {}
    for key, raw in message.raw_items():
        name = next((name for name in FIELDS if name.lower() == key.lower()), None)
        if name:
            reading.setdefault(name, set()).update(modern_addresses(message.policy, key, raw))
    return {name: found for name, found in reading.items() if found}


def modern_addresses(policy, key, raw):
    try:
        field = policy.header_fetch_parse(key, raw)
        return {same(a.addr_spec) for a in field.addresses if a.username or a.domain}
    except Exception:   # whatever its parser stumbles over: it has no opinion
        return {FAILS}


def by_old_python(headers):
    """email.utils.getaddresses, as most programs still do it."""
    return [read_legacy(header, {}) for header in headers]


def by_loose_python(headers):
    """The same before it became strict (CVE-2023-27043)."""
    loose = {"strict": False} if getattr(email.utils, "supports_strict_parsing", False) else {}
    return [read_legacy(header, loose) for header in headers]


def read_legacy(header, strictness):
    message = email.message_from_bytes(message_of(header))
    reading = {}
    for name in FIELDS:
        values = [raw for key, raw in message.raw_items() if key.lower() == name.lower()]
        try:
            found = email.utils.getaddresses(values, **strictness)
        except Exception:   # RecursionError among others
            found = [("", FAILS)]
        for _, address in found:
            if address:
                reading.setdefault(name, set()).add(same(address))
    return reading


OTHERS = {"gmime": by_gmime, "python": by_python, "old python": by_old_python, "loose python": by_loose_python}
