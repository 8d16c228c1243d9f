# SPDX-License-Identifier: BSD-2-Clause
"""
Our reading of From, Sender and the Resent- fields, held against GMime and Python's email on the corpora
of tests/headers: whoever reads what we accept finds the mailboxes that we found and granted.
"""
import collections
import json
import os
import random
import re

import pytest

from rig import opinion

KINDS = ("hostile", "ordinary")
pytestmark = pytest.mark.skipif(opinion.program(opinion.OWN) is None, reason="the test programs are not built")


def rows(name):
    with open(os.path.join(opinion.FOLDER, name), encoding="ascii") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def readings():
    """kind, reader -> what it finds in each case, asked for once."""
    known = {}

    def ask(kind, reader):
        if (kind, reader) not in known:
            if reader == "gmime" and opinion.program(opinion.GMIME) is None:
                pytest.skip("no GMime: its reader was not built")
            cases = opinion.corpus(kind)
            known[kind, reader] = opinion.own(cases) if reader == "own" else opinion.OTHERS[reader](
                [case.header for case in cases])
        return known[kind, reader]

    return ask


def verdict(own):
    """The words that a case's `want` uses."""
    if own.refused is not None:
        return "refused: " + own.refused
    if not all(opinion.is_alices(address) for _, address, _, _ in own.mailboxes):
        return "other"
    return "posing" if any(poses for _, _, _, poses in own.mailboxes) else "mine"


def differences(kind, readings, reader, ours):
    """(case, our reading, theirs) where we accept and they find other mailboxes."""
    return [(case, own, other) for case, own, other in zip(opinion.corpus(kind), ours, readings(kind, reader))
            if own is not None and own != other]


def accepted(kind, readings):
    return [None if own.refused is not None else own.reading for own in readings(kind, "own")]


@pytest.mark.parametrize("kind,least", [("hostile", 300), ("ordinary", 300)])
def test_the_corpora_are_large_and_each_case_is_another(kind, least):
    cases = opinion.corpus(kind)
    assert len(cases) >= least
    assert len({(case.header, case.utf8) for case in cases}) == len(cases)
    assert len({case.name for case in cases}) == len(cases)


@pytest.mark.parametrize("kind", KINDS)
def test_every_case_is_read_as_it_says(readings, kind):
    wrong = [(case, verdict(own)) for case, own in zip(opinion.corpus(kind), readings(kind, "own"))
             if verdict(own) != case.want]
    assert not wrong, wrong


def test_every_ordinary_header_is_accepted():
    assert [case for case in opinion.corpus("ordinary") if case.want != "mine"] == []


def test_no_hostile_header_is_accepted():
    """But names that pose, which have a setting of their own."""
    assert [case for case in opinion.corpus("hostile") if case.want == "mine"] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", opinion.OTHERS)
def test_others_read_the_same_mailboxes(readings, kind, reader):
    """In what we accept; the few exceptions are listed, each with its reason."""
    listed = {case for row in rows("differences.jsonl") if reader in row["readers"] for case in row["cases"]}
    found = differences(kind, readings, reader, accepted(kind, readings))
    unlisted = [item for item in found if f"{item[0].corpus}/{item[0].name}" not in listed]
    assert not unlisted, unlisted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", opinion.OTHERS)
def test_nobody_reads_a_stranger_into_what_is_alices(readings, kind, reader):
    """No exception here: where every mailbox is Alice's for us, no reader finds the address of another."""
    for case, own, other in zip(opinion.corpus(kind), readings(kind, "own"), readings(kind, reader)):
        if verdict(own) in ("mine", "posing"):
            strangers = {address for found in other.values() for address in found
                         if "@" in address and not opinion.is_alices(address)}
            assert not strangers, (case, strangers)


def test_the_listed_differences_are_of_cases_that_exist_and_are_accepted():
    known = {f"{case.corpus}/{case.name}": case for kind in KINDS for case in opinion.corpus(kind)}
    for row in rows("differences.jsonl"):
        assert row["why"] and row["readers"]
        for case in row["cases"]:
            assert not known[case].want.startswith("refused"), case


def test_every_class_of_refusals_is_listed_and_counted():
    counts = collections.Counter(opinion.class_of(case.want[len("refused: "):])
                                 for case in opinion.corpus("hostile") if case.want.startswith("refused: "))
    assert counts == {row["refused"]: row["cases"] for row in rows("refusals.jsonl")}
    assert all(row["why"] for row in rows("refusals.jsonl"))


@pytest.mark.parametrize("reader", opinion.OTHERS)
def test_others_would_let_forgeries_pass(readings, reader):
    """What they accept and we refuse: for some of it they see Alice alone, so only the refusal helps."""
    mislead = [case for case, own, other in zip(opinion.corpus("hostile"), readings("hostile", "own"),
                                                readings("hostile", reader))
               if own.refused is not None and other.get("From", set()) and
               all(map(opinion.is_alices, other["From"]))]
    assert len(mislead) > 50, [case.name for case in mislead]


@pytest.mark.parametrize("lenient", opinion.OTHERS)
def test_a_parser_as_lenient_as_another_would_be_found_out(readings, lenient):
    """The comparison has teeth: in our place, each of the others differs from one of the rest."""
    found = sum(len(differences("hostile", readings, reader, readings("hostile", lenient)))
                for reader in opinion.OTHERS if reader != lenient)
    assert found > 50, found


# What grammars trip over: names are made of these, and stand before Alice's address.
PIECES = ['"x\r\n y"', '"bob\\@example.org"', '"bob@example.org"', "(x\r\n y)", "(a\\\r\n b)", "(a\\(b)", "(\\))", '"\\""', '"\\\\"',
          '"\r\n "', "(\r\n )", "x", ".", " ", "\r\n ", "=?utf-8?q?x?=", '"=?utf-8?q?x?="', "=?utf-8?q?x", "?=", '"?="', '"=?"',
          "(=?utf-8?q?x)", "\\", "ali@example.org", "bob@example.org", "<bob@example.org>", ", ", "( (y) )", "((y)\r\n z)", '"("', '")"',
          '"<"', "=?us-ascii?b?QA==?=", '"=?utf-8?q?=22?="', "bob", "example.org", "'", "[", ":", ";", '"a;b"', "(,)", '"x,\r\n y"',
          "(x;\r\n y)", '"x:\r\n y;"', "\u00a0", '"\t"', ", bob@example.org, "]


def made_up(count):
    numbers = random.Random(4)
    for number in range(count):
        name = "".join(numbers.choice(PIECES) for _ in range(numbers.randint(1, 5)))
        behind = numbers.choice(PIECES) if numbers.random() < 0.1 else ""
        yield opinion.Case("made up", {"name": number, "want": "", "utf8": True,
                                       "header": f"From: {name} <alice@example.org>{behind}\r\n"})


def test_made_up_names_mislead_nobody():
    """The same of 5,000 headers that nobody thought of: no reader finds an address that we did not find."""
    cases = list(made_up(5000))
    taken = [(case, own) for case, own in zip(cases, opinion.own(cases)) if own.refused is None]
    assert len(taken) > 500
    for reader, read in opinion.OTHERS.items():
        if reader == "gmime" and opinion.program(opinion.GMIME) is None:
            continue
        for (case, own), reading in zip(taken, read([case.header for case, _ in taken])):
            strangers = [address for address in reading.get("From", set()) - own.reading["From"]
                         if re.fullmatch(r'[^\s<>"(),:;]+@[\w.-]+', address)]
            assert not strangers, (reader, case, strangers)
