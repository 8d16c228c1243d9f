# SPDX-License-Identifier: BSD-2-Clause
"""The table of tests/rights: its world in a running daemon, and what its cases say."""
import base64
import json
import os
import re

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "rights")
with open(os.path.join(FOLDER, "cases.json"), encoding="utf-8") as file:
    TABLE = json.load(file)
CASES = TABLE["cases"]


def ask(gate, verb, **args):
    answer = gate.ask({"verb": verb, "args": args})
    assert answer["ok"], (verb, args, answer)
    return answer["data"]


def add_grants(gate, holder, row):
    for right in ("send-as", "on-behalf"):
        for pattern in row.get(right.replace("-", "_"), ()):
            ask(gate, "grant add", login=holder, right=right, pattern=pattern)


def make_world(make_gate, routes, authority, more="", path=None):
    """A daemon with world.conf, and the accounts and groups of the table; more goes behind the file."""
    with open(os.path.join(FOLDER, "world.conf"), encoding="utf-8") as world:
        extra = world.read().replace("@AUTHORITY@", authority.trust)
    daemon = make_gate(listeners={"submission": None, "submissions": None}, routes=routes, permits="",
                       base={"hostname": None, "authoritative-domains": None}, extra=extra + more, accounts=(),
                       path=path)
    for group in TABLE["groups"]:
        ask(daemon, "group add", group=group["group"])
        add_grants(daemon, "group:" + group["group"], group)
    for account in TABLE["accounts"]:
        login = account["login"]
        ask(daemon, "account add", login=login, password=login + "pw")
        for address in account["addresses"]:
            ask(daemon, "address add", login=login, address=address)
        for name in account.get("groups", ()):
            ask(daemon, "account join", login=login, group=name)
        add_grants(daemon, login, account)
    return daemon


def lines_of(gate):
    """Name of a section -> its FILE:LINE."""
    with open(gate.config, encoding="utf-8") as config:
        found = [(re.search(r"# =(\S+)$", line), number) for number, line in enumerate(config, 1)]
    return {match.group(1): f"{gate.config}:{number}" for match, number in found if match}


def where_of(case, lines):
    where = case["where"]
    return lines[where[1:]] if where.startswith("@") else where


def header_of(case):
    header = case.get("header")
    return (f"From: <{case['mail']}>\n" if header is None else header).replace("\n", "\r\n").encode()


def explained(gate, case):
    """What `explain` says of a case, without its certificate."""
    args = {"listener": case["on"], "mail_from": case["mail"], "ip": case.get("ip", "127.0.0.9"),
            "rcpt": case.get("to", "u@example.net"), "header": base64.b64encode(header_of(case)).decode(),
            "smtputf8": bool(case.get("utf8"))}
    return ask(gate, "explain", **args, **({"login": case["login"]} if "login" in case else {}))
