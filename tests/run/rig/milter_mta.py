# SPDX-License-Identifier: BSD-2-Clause
"""The mail server's side of the milter protocol: what Postfix says to a filter, byte for byte as a test wants it."""
import re
import socket
import struct

from rig.deadline import PATIENCE

ADD_FIELDS, CHANGE_FIELDS, QUARANTINE, CHANGE_SENDER, SYMBOLS = 0x01, 0x10, 0x20, 0x40, 0x100
ALL_ACTIONS, ALL_STEPS = 0x1FF, 0x1FFFFF
NO_HEADER_REPLY, NO_CONNECT_REPLY, LEADING_SPACE = 0x80, 0x1000, 0x100000


def text(*words):
    return b"".join((word if isinstance(word, bytes) else word.encode()) + b"\0" for word in words)


class Answer:
    """verdict: continue, accept, reject, tempfail or reply; code, enhanced and text of a reply."""

    NAMES = {b"c": "continue", b"a": "accept", b"r": "reject", b"t": "tempfail", b"y": "reply", b"d": "discard"}

    def __init__(self, command, payload):
        self.verdict = self.NAMES[command]
        self.code, self.enhanced, self.text = 0, "", ""
        if command == b"y":
            code, self.enhanced, self.text = payload.rstrip(b"\0").decode().replace("%%", "%").split(" ", 2)
            self.code = int(code)

    def __repr__(self):
        return f"{self.verdict} {self.code} {self.enhanced} {self.text}"


class Mta:
    """One connection to a filter, negotiated; target: a path, or (host, port)."""

    def __init__(self, target, actions=ALL_ACTIONS, steps=ALL_STEPS, seconds=20):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(target, str) else socket.AF_INET)
        self.socket.settimeout(seconds * PATIENCE)
        self.socket.connect(target)
        self.input = self.socket.makefile("rb")
        self.send(b"O", struct.pack("!III", 6, actions, steps))
        command, payload = self.receive()
        assert command == b"O", (command, payload)
        self.version, self.actions, self.steps = struct.unpack("!III", payload[:12])
        self.symbols = payload[12:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.input.close()
        self.socket.close()

    def send(self, command, payload=b""):
        self.socket.sendall(struct.pack("!I", 1 + len(payload)) + command + payload)

    def receive(self):
        length = self.input.read(4)
        if len(length) < 4:
            raise EOFError("the filter has gone")
        packet = self.input.read(struct.unpack("!I", length)[0])
        return packet[:1], packet[1:]

    def answer(self):
        return Answer(*self.receive())

    def connect(self, ip="127.0.0.9", port=12345, name="client.example.org"):
        self.send(b"C", text(name) + (b"6" if ":" in ip else b"4") + struct.pack("!H", port) + text(ip))
        return None if self.steps & NO_CONNECT_REPLY else self.answer()

    def macros(self, command, **values):
        """Names of several letters are written in braces, and those without a value are not sent."""
        words = [word for name, value in values.items() if value is not None
                 for word in (name if len(name) == 1 else "{" + name + "}", value)]
        self.send(b"D", command + text(*words))

    def mail(self, sender, *parameters, **macros):
        self.macros(b"M", **macros)
        self.send(b"M", text(b"<" + (sender if isinstance(sender, bytes) else sender.encode()) + b">", *parameters))
        return self.answer()

    def field(self, name, value):
        """value as it stands behind the colon, folded with LF."""
        if not self.steps & LEADING_SPACE and value[:1] == b" ":
            value = value[1:]
        self.send(b"L", text(name, value))
        return None if self.steps & NO_HEADER_REPLY else self.answer()

    def header(self, block, number="4TEST"):
        """The fields of a block with CRLF or LF, as Postfix tells them; the answer to its end."""
        for name, value in fields_of(block):
            self.field(name, value)
        self.macros(b"N", i=number)
        self.send(b"N")
        return self.answer()

    def end(self):
        """End of message: (answer, modifications), of which each is (command, payload)."""
        self.send(b"E")
        changes = []
        while True:
            command, payload = self.receive()
            if command in Answer.NAMES:
                return Answer(command, payload), changes
            changes.append((command, payload))


def fields_of(block):
    block = block.replace(b"\r\n", b"\n")
    for part in re.split(rb"\n(?![ \t])", block.rstrip(b"\n")):
        name, colon, value = part.partition(b":")
        if colon:
            yield name.rstrip(b" \t"), value


def is_telling(block):
    """Does every line of it come through the protocol as it stands?"""
    if b"\n" in block.replace(b"\r\n", b""):
        return False
    block = block.replace(b"\r\n", b"\n")
    return b"\0" not in block and all(re.match(rb"[!-9;-~]+:", part)
                                      for part in re.split(rb"\n(?![ \t])", block.rstrip(b"\n")))


def is_askable(case, told):
    """
    May a filter be asked this case of tests/rights, of which `explain` said told? No milter macro has the names in a
    certificate; recipients are the mail server's own affair.
    """
    at_rcpt = [step for step in told["steps"] if step["at"] == "RCPT" and step["verdict"] == "refuse"]
    header = case.get("header", "From: x\n").replace("\n", "\r\n").encode()
    return "certificate" not in case and not at_rcpt and is_telling(header)


def apply(changes, block, sender):
    """(header fields, sender, reason of a quarantine) after the modifications."""
    fields = [[name, value.strip()] for name, value in fields_of(block)]
    reason = None
    for command, payload in changes:
        if command == b"q":
            reason = payload.rstrip(b"\0").decode()
        elif command == b"e":
            sender = payload.split(b"\0")[0].strip(b"<>").decode()
        elif command == b"h":
            name, value = payload.split(b"\0")[:2]
            fields.append([name, value.strip()])
        else:
            assert command == b"m", command
            name, value = payload[4:].split(b"\0")[:2]
            of_name = [field for field in fields if field[0].lower() == name.lower()]
            field = of_name[max(1, struct.unpack("!I", payload[:4])[0]) - 1]
            if value:
                field[1] = value.strip()
            else:
                fields.remove(field)
    return fields, sender, reason
