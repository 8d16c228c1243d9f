# SPDX-License-Identifier: BSD-2-Clause
"""
The table of tests/rights, asked of sallyport-milter as another mail server asks it: the same verdict, text and
deciding line as the daemon's, with the accounts of the daemon behind its look-up socket.
"""
import pytest

from rig import ground
from rig.milter_filter import Filter, need
from rig.milter_mta import apply, is_askable
from rig.rights import CASES, explained, header_of, lines_of, make_world, where_of


@pytest.fixture(scope="module")
def gate(make_gate, sink, authority):
    need()
    path = ground.folder("gate")
    more = (f'lookup {{ socket = "{path}/run/lookup.sock" }}\n'
            f'filter {{ socket = "unix:{path}/run/milter.sock"  unauthenticated = check  exempt-networks = {{ }} }}\n')
    return make_world(make_gate, {"*": sink.target}, authority, more, path)


@pytest.fixture(scope="module")
def milter(gate):
    running = Filter(None, socket=f"{gate.path}/run/milter.sock", config=gate.config).start()
    yield running
    running.stop()


def put(mta, case, number):
    """(answer that ended it, modifications) of one message."""
    login = case.get("login")
    answer = mta.mail(case["mail"], *(["SMTPUTF8"] if case.get("utf8") else []), i=number, auth_authen=login,
                      auth_type="PLAIN" if login else None, client_addr=case.get("ip", "127.0.0.9"),
                      daemon_name=case["on"])
    if answer.verdict != "continue":
        return answer, []
    answer = mta.header(header_of(case) + b"Subject: " + number.encode() + b"\r\n", number)
    return mta.end() if answer.verdict == "continue" else (answer, [])


def fault_of(case, told, answer, changes):
    """What is not as it should be; None if all is."""
    if case["verdict"] == "refuse":
        right = (answer.verdict, answer.code, answer.enhanced, answer.text) == (
            "reply", case["code"], told["enhanced"], told["text"])
        return None if right else f"{told['enhanced']} {told['text']}"
    if answer.verdict != "accept":
        return "accept"
    fields, sender, reason = apply(changes, header_of(case), case["mail"])
    if (reason is not None) != (case["verdict"] == "hold") or (reason and reason != told["text"]):
        return f"held: {reason}"
    becomes = case.get("becomes", {})
    if sender != becomes.get("mail_from", case["mail"]):
        return f"sender {sender}"
    for key, name in (("from", b"from"), ("sender", b"sender"), ("reply_to", b"reply-to")):
        values = [value.decode() for field, value in fields if field.lower() == name]
        if key in becomes and [" ".join(value.split()) for value in values] != (
                [becomes[key]] if becomes[key] is not None else []):
            return f"{name}: {values}"
    return "changes" if case["verdict"] == "pass" and changes else None


@pytest.mark.sanitize
def test_every_case(gate, milter):
    lines = lines_of(gate)
    wrong, asked = [], 0
    with milter.mta() as mta:
        mta.connect()
        for index, case in enumerate(CASES):
            told = explained(gate, case)
            if not is_askable(case, told):
                continue
            asked += 1
            answer, changes = put(mta, case, f"case{index}x")
            fault = fault_of(case, told, answer, changes)
            event = milter.decision(f"case{index}x")
            found = (event["verdict"], event["where"], event.get("code", 0))
            wanted = (case["verdict"], where_of(case, lines), case.get("code", 0))
            if fault or found != wanted:
                wrong.append((case["name"], answer, fault, found, wanted))
    assert not wrong, f"{len(wrong)} of {asked}\n" + "\n".join(map(str, wrong))
    assert asked > 250, asked
