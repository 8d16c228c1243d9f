# SPDX-License-Identifier: BSD-2-Clause
"""The scripted filter itself, asked by a small MTA: what it says, records and objects to."""
import socket
import struct

import pytest

from rig import ground
from rig import milter_packet as say
from rig.milter import USUAL, Filter


class Mta:
    """Says what it is told, and reads whole packets."""

    def __init__(self, filter_):
        if filter_.path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(filter_.path)
        else:
            self.socket = socket.create_connection((filter_.address, filter_.port))
        self.socket.settimeout(30)
        self.pending = b""

    def send(self, command, *strings, tail=b""):
        self.socket.sendall(say.packet(command, b"".join(say.text(one) for one in strings) + tail))

    def hear(self):
        while True:
            found, _ = say.cut(self.pending)
            if found:
                command, payload = found[0]
                self.pending = self.pending[5 + len(payload):]
                return command, payload
            data = self.socket.recv(65536)
            if not data:
                return "", b""
            self.pending += data

    def ask(self, *command, **more):
        self.send(*command, **more)
        return self.hear()[0]

    def begin(self, steps=say.ALL_STEPS):
        self.send("O", tail=struct.pack("!III", 6, say.ALL_ACTIONS, steps))
        offer = self.hear()
        assert self.ask("C", "client.example.org", tail=b"4\x12\x34192.0.2.1\0") == "c"
        assert self.ask("H", "client.example.org") == "c"
        return offer

    def letter(self):
        """Up to the end of a message; the answer to it."""
        self.socket.sendall(say.packet("D", b"Mi\0id1\0{auth_type}\0PLAIN\0"))
        assert self.ask("M", "<a@example.org>", "SIZE=10") == "c"
        assert self.ask("R", "<u@example.net>") == "c"
        assert self.ask("T") == "c"
        assert self.ask("L", "Subject", " hi\n there") == "c"
        assert self.ask("N") == "c"
        assert self.ask("B", tail=b"one\r\n") == "c"
        return self.ask("E")


@pytest.fixture
def made():
    filters = []

    def make(*arguments, **settings):
        filters.append(Filter(*arguments, **settings))
        return filters[-1], Mta(filters[-1])

    yield make
    for one in filters:
        one.kill()


def test_records_what_it_is_told(made):
    filter_, mta = made(macros={"M": "i {auth_type}"})
    assert mta.begin() == ("O", struct.pack("!III", 6, 0x1ff, say.LEADING_SPACE) + b"\0\0\0\x02i {auth_type}\0")
    assert mta.letter() == "c" and mta.letter() == "c"
    mta.send("Q")
    filter_.wait_until_left()
    assert not filter_.faults
    first, second = filter_.messages
    connection = first.connection
    assert connection is second.connection and connection.quit
    assert (connection.family, connection.port, connection.address) == ("4", 0x1234, "192.0.2.1")
    assert (connection.host, connection.helo) == (b"client.example.org", b"client.example.org")
    assert (first.sender, first.parameters, first.recipients) == (b"<a@example.org>", [b"SIZE=10"], [(b"<u@example.net>", [])])
    assert (first.fields, first.body, first.pieces) == ([(b"Subject", b" hi\n there")], b"one\r\n", [5])
    assert (first.commands, first.end) == ("MRTLNBE", "E")
    assert first.macros["M"] == {"i": b"id1", "{auth_type}": b"PLAIN"}


def test_says_what_the_script_has(made):
    filter_, mta = made({"E": [say.add_header("X-A", "b") + say.ACCEPT], "R": [USUAL, None]},
                        unix=ground.folder("milter") + "/socket")
    mta.begin()
    assert mta.letter() == "h" and mta.hear() == ("a", b"")
    mta.send("M", "<a@example.org>")
    assert mta.hear() == ("c", b"")
    assert mta.ask("R", "<u@example.net>") == ""      # dropped
    filter_.wait_until_left()
    ground.remove(filter_.path.rsplit("/", 1)[0])


def test_is_silent_where_it_said_so_and_after_a_verdict(made):
    filter_, mta = made({"L": [say.REJECT]}, steps=say.MUTE["M"] | say.MUTE["R"])
    mta.begin()
    mta.send("M", "<a@example.org>")
    mta.send("R", "<u@example.net>")
    assert mta.ask("T") == "c" and mta.ask("L", "A", "b") == "r"
    mta.send("L", "C", "d")
    mta.send("N")
    mta.send("M", "<a@example.org>")
    mta.send("R", "<u@example.net>")
    assert mta.ask("T") == "c"
    assert not filter_.faults and [m.commands for m in filter_.messages] == ["MRTL", "MRT"]


@pytest.mark.parametrize("packets, fault", [
    ([("R", b"<a>\0")], "R after H"),
    ([("M", b"<a>\0"), ("L", b"A\0b")], "not ended by NUL"),
    ([("M", b"<a>\0"), ("E", b"rest")], "E with 4 bytes"),
    ([("M", b"<a>\0"), ("B", b"")], "an empty piece"),
    ([("M", b"<a>\0"), ("B", b"x" * 65536)], "B of 65536 bytes"),
    ([("M", b"<a>\0"), ("E", b""), ("A", b"")], "ABORT without a message"),
    ([("M", b"<a>\0"), ("N", b""), ("L", b"A\0b\0")], "L after N"),
    ([("M", b"<a>\0"), ("T", b"")], "T though it is not wanted"),
    ([("D", b"M")], "macros"),
    ([("D", b"Lx\0y\0")], "macros"),
    ([("M", b"<a>\0"), ("?", b"")], "unknown command"),
    ([("M", b"<a>\0"), ("U", b"XYZZY\0")], "U in a message without DATA"),
    ([("M", b"<a>\0"), ("N", b""), ("U", b"XYZZY\0")], "U after N"),
])
def test_objects_to_what_no_mta_may_send(made, packets, fault):
    filter_, mta = made(steps=say.NO["T"])
    mta.begin()
    for command, payload in packets:
        mta.send(command, tail=payload)
    mta.send("Q")
    filter_.wait_until_left()
    assert any(fault in found for found in filter_.faults), filter_.faults
