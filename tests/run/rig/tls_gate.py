# SPDX-License-Identifier: BSD-2-Clause
"""A daemon with both kinds of key, listeners that do not wait long for a handshake, and raw looks at TLS."""
import time

from rig.sallyport import warm

SUBMISSION, SUBMISSIONS = "submission", "submissions"


def make(make_gate, sink, certificate, authority):
    daemon = make_gate(
        routes={"*": sink.target},
        listeners={"quick": {"tls": "starttls", "handshake-wait": "2s"},
                   "quicks": {"tls": "implicit", "handshake-wait": "2s"}},
        certificates=[certificate, authority.issue("mail.example.org", kind="rsa")])
    warm(daemon)
    return daemon


def raw_until_end(wire, seconds=2):
    """Every byte on the socket up to its end, which must come in time."""
    data = b""
    end = time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        assert left > 0, f"the connection stays open; so far {data!r}"
        wire.socket.settimeout(left)
        try:
            more = wire.socket.recv(65536)
        except ConnectionError:
            return data
        except TimeoutError:
            continue
        if not more:
            return data
        data += more


def answer_to(gate, record, listener=SUBMISSIONS):
    """The record types of the answer to one ClientHello."""
    with gate.wire(listener) as wire:
        wire.send_clear(record)
        wire.socket.settimeout(5)
        data = b""
        try:
            while not (data[:1] == b"\x16" or len(data) >= 7):
                more = wire.socket.recv(65536)
                if not more:
                    break
                data += more
        except ConnectionError:
            pass
    return data
