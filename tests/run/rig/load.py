# SPDX-License-Identifier: BSD-2-Clause
"""Clients that send one message after another through whatever happens, and remember what they were told."""
import collections
import threading

from rig.deadline import Late, PATIENCE
from rig.judge import letter
from rig.wire import Closed, plain

AGAIN_S = 0.02  # before the next try, after one that failed


class Turned(Exception):
    """A reply that was not the good one."""


class Client(threading.Thread):
    """
    Ordinary: what is put off with a 4xx or cut off is sent again. `kept` are the tokens that were answered
    250, `unsure` those whose final reply was not heard; `told` counts (stage, code) of all else, where a code
    of 0 is a connection that ended. A refusal for good, or silence, is a fault.
    """

    def __init__(self, gate, token, reconnect=False, body=b"", listener="submission", seconds=15):
        super().__init__(daemon=True)
        self.gate, self.token, self.reconnect, self.body = gate, token, reconnect, body
        self.listener, self.seconds = listener, seconds
        self.kept, self.unsure, self.faults = [], set(), []
        self.told = collections.Counter()
        self.ending = threading.Event()
        self.changed = threading.Condition()
        self.stage = ""

    @property
    def sent(self):
        return len(self.kept)

    def wait_for_more(self, count, seconds=20):
        """So many more messages than now."""
        goal = self.sent + count
        with self.changed:
            done = self.changed.wait_for(lambda: self.sent >= goal or self.faults, PATIENCE * seconds)
        assert done and not self.faults, f"{goal - self.sent} of {count} short: {self.faults} {dict(self.told)}"

    def finish(self):
        self.ending.set()
        self.join(3 * self.seconds)
        assert not self.is_alive(), f"a client hangs at {self.stage}"
        assert not self.faults, f"{self.faults} {dict(self.told)}"

    def _ask(self, wire, stage, text, good):
        self.stage = stage
        reply = wire.command(text)
        self._judge(reply, stage, good)
        return reply

    def _judge(self, reply, stage, good):
        if reply.code == good:
            return
        self.told[stage, reply.code] += 1
        if not 400 <= reply.code < 500:
            self.faults.append(f"{stage}: {reply!r}")
        raise Turned

    def _open(self):
        self.stage = "CONNECT"
        wire = self.gate.wire(self.listener, seconds=self.seconds)
        try:
            implicit = self.gate.parts["listeners"][self.listener].get("tls") == "implicit"
            if implicit:
                self.stage = "TLS"
                wire.handshake()
            self.stage = "GREETING"
            self._judge(wire.reply(), self.stage, 220)
            self._ask(wire, "EHLO", b"EHLO client.example.org", 250)
            if not implicit:
                self._ask(wire, "STARTTLS", b"STARTTLS", 220)
                self.stage = "TLS"
                wire.handshake()
                self._ask(wire, "EHLO", b"EHLO client.example.org", 250)
            self._ask(wire, "AUTH", b"AUTH PLAIN " + plain("alice", "alicepw"), 235)
        except BaseException:
            wire.close()
            raise
        return wire

    def _send(self, wire, token):
        self._ask(wire, "MAIL", b"MAIL FROM:<alice@example.org>", 250)
        self._ask(wire, "RCPT", b"RCPT TO:<u@example.net>", 250)
        self._ask(wire, "DATA", b"DATA", 354)
        self.stage = "END"
        self.unsure.add(token)
        wire.send(letter(token, self.body) + b".\r\n")
        reply = wire.reply()
        self.unsure.discard(token)
        self._judge(reply, "END", 250)
        with self.changed:
            self.kept.append(token)
            self.changed.notify_all()

    def run(self):
        wire, number = None, 0
        while not self.ending.is_set() and not self.faults:
            token = self.token + b"%dx" % number
            try:
                wire = wire or self._open()
                self._send(wire, token)
                number += 1
                if not self.reconnect:
                    continue
                wire.command(b"QUIT")
            except Turned:
                pass
            except Late as fault:
                self.faults.append(f"{self.stage}: {fault}")
            except (AssertionError, OSError, Closed):
                self.told[self.stage, 0] += 1
            if wire is not None:
                wire.close()
                wire = None
            if not self.reconnect:
                self.ending.wait(AGAIN_S)
        if wire is not None:
            wire.close()


def judge(clients, sink, gate, seconds=30):
    """Every message that was answered 250 has arrived, and once; (kept, arrived twice)."""
    twice = 0
    kept = [token for client in clients for token in client.kept]
    wanted = set(kept)

    def arrived():
        found = collections.Counter()
        with sink.changed:
            for message in sink.messages:
                token = message.raw.partition(b"Subject: ")[2].partition(b"\r")[0]
                found[token] += 1
        return found
    gate.wait_until_queue_is_empty(seconds)
    found = arrived()
    missing = wanted - set(found)
    assert not missing, f"{len(missing)} of {len(wanted)} are lost: {sorted(missing)[:5]}"
    twice = sum(found[token] - 1 for token in wanted)
    return len(kept), twice
