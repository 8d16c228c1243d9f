# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue D16: what clients are told when the daemon ends."""
import signal
import subprocess

import pytest

from rig.judge import letter
from rig.wire import Closed

pytestmark = pytest.mark.usefixtures("alive")


@pytest.mark.sanitize
@pytest.mark.parametrize("finish", [True, False])
def test_D16_shutdown_inside_data(make_gate, sink, token, finish):
    """The client inside DATA finishes or gets 421; a 250 means a durable copy."""
    daemon = make_gate(routes={"*": sink.target})
    wire = daemon.transaction()
    wire.expect(354, b"DATA")
    wire.send(letter(token))
    wire.wait_until_read()
    daemon.process.send_signal(signal.SIGTERM)
    code = None
    try:
        if finish:
            wire.send(b".\r\n")
        code = wire.reply(15).code
    except (Closed, OSError):
        pass
    assert code in (None, 421) or (finish and code == 250)
    try:
        daemon.process.wait(20)
    except subprocess.TimeoutExpired:
        pytest.fail("the daemon does not end\n" + daemon.story())
    if code == 250 and not sink.with_token(token):
        daemon.start()
        sink.wait_for_token(token)
    wire.close()


def test_D16_idle_clients_are_told(make_gate, sink):
    daemon = make_gate(routes={"*": sink.target})
    with daemon.session() as wire, daemon.wire() as fresh:
        fresh.greet()
        daemon.process.send_signal(signal.SIGTERM)
        for client in (wire, fresh):
            replies = client.replies_until_end(15)
            assert [r.code for r in replies] in ([421], [])
    daemon.process.wait(20)
