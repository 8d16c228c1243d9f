# SPDX-License-Identifier: BSD-2-Clause
"""The look-up socket of auth, as a program on this machine speaks to it, and as it should not."""
import socket
import struct

FOUND, UNKNOWN, UNSURE = range(3)
VERSION = 1


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data


def question(login, version=VERSION):
    content = bytes([version]) + text(login)
    return struct.pack(">I", len(content)) + content


class Reader:
    """Packed fields, one after another."""

    def __init__(self, data):
        self.data = data

    def number(self, size):
        taken, self.data = self.data[:size], self.data[size:]
        assert len(taken) == size
        return int.from_bytes(taken, "big")

    def text(self):
        size = self.number(4)
        taken, self.data = self.data[:size], self.data[size:]
        assert len(taken) == size
        return taken.decode()

    def texts(self):
        return [self.text() for _ in range(self.number(4))]

    def grants(self):
        return [(self.text(), self.number(2)) for _ in range(self.number(4))]


def identity(data):
    """An identity as identity_pack() writes it."""
    read = Reader(data)
    told = {"login": read.text(), "mechanism": read.text(), "credential": read.text(),
            "credential_id": read.number(8), "addresses": read.texts(), "groups": read.texts(),
            "send_as": read.grants(), "on_behalf": read.grants(), "limits": read.text(),
            "protocols": read.number(1), "epoch": read.number(8)}
    assert read.data == b""
    return told


class Lookup:
    """One connection."""

    def __init__(self, path):
        self.wire = socket.socket(socket.AF_UNIX)
        self.wire.settimeout(20)
        self.wire.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.wire.recv(size - len(data))
            if not more:
                raise EOFError(f"{len(data)} of {size} bytes")
            data += more
        return data

    def answer(self):
        """The next answer: what it is, and an identity or a reason."""
        content = self.read(struct.unpack(">I", self.read(4))[0])
        if content[0] == FOUND:
            return FOUND, identity(content[5:])
        return content[0], content[5:].decode()

    def ask(self, login):
        self.wire.sendall(question(login))
        return self.answer()

    def is_cut_off(self):
        """Says nothing more, and goes."""
        try:
            return self.wire.recv(1) == b""
        except ConnectionResetError:
            return True
