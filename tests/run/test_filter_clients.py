# SPDX-License-Identifier: BSD-2-Clause
"""What clients try where filters are asked: the same message again, commands ahead, leaving in the midst of it, one client's state in another's."""
import itertools

import pytest

from rig import milter_packet as say
from rig.deadline import until
from rig.judge import deliver, letter, new_token
from rig.milter import Filter


@pytest.fixture(scope="module")
def filter_():
    made = Filter()
    yield made
    made.kill()
    assert not made.faults, made.faults


@pytest.fixture(scope="module")
def gate(make_gate, sink, filter_):
    return make_gate(listeners={"submission": {"errors": "1000", "transactions": "0"}}, routes={"*": sink.target},
                     extra=f'milter "one" {{\n  address = "{filter_.target}"\n  change-envelope = yes\n}}\n'
                           'policy { milters = { "one" } }\n')


@pytest.fixture(autouse=True)
def _usual(filter_):
    yield
    filter_.play()


# ---- the same message again


def ids(gate, message, recipients):
    """What the client is told each message is queued as; one goes to each recipient."""
    found = []
    with gate.session() as wire:
        for recipient in recipients:
            reply = deliver(wire, message, recipient=recipient)
            assert reply.code == 250, reply
            found.append(reply.text.split()[-1])
    return found


@pytest.mark.sanitize
def test_the_same_again_is_known_whatever_a_filter_makes_of_it(gate, sink, filter_, token):
    """The filter writes another sender, field and recipient into it each time."""
    turn = itertools.count()

    def tagged(_connection, _payload):
        one = next(turn)
        return (say.add_header("X-Turn", f" {one}") + say.change_sender(f"<tag={one}=alice@lists.example.com>")
                + say.add_rcpt(f"<copy-{one}@example.net>") + say.CONTINUE)
    filter_.play({"E": tagged})
    first, again = ids(gate, letter(token), [b"u@example.net"] * 2)
    assert first == again
    gate.wait_until_queue_is_empty()
    found = sink.with_token(token)
    assert {message.sender for message in found} == {b"tag=0=alice@lists.example.com"}
    assert sorted(address for message in found for address, _ in message.recipients) == [
        b"copy-0@example.net", b"u@example.net"]


def test_two_messages_are_two_though_a_filter_gives_them_one_envelope(gate, sink, filter_, token):
    """Nothing that a client has sent to somebody else is taken for what it sent before."""
    recipients = [b"u@example.net", b"v@example.net"]
    filter_.play({"E": say.add_rcpt("<all@example.net>") + b"".join(
        say.delete_rcpt(f"<{path.decode()}>") for path in recipients) + say.CONTINUE})
    first, second = ids(gate, letter(token), recipients)
    assert first != second
    gate.wait_until_queue_is_empty()
    assert [message.recipients[0][0] for message in sink.with_token(token)] == [b"all@example.net"] * 2
