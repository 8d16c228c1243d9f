# SPDX-License-Identifier: BSD-2-Clause
"""The bytes of the milter protocol, versions 2 to 6, in the numbering of Sendmail's mfdef.h; good and bad ones."""
import struct

# What a filter may do.
ADD_HEADERS, CHANGE_BODY, ADD_RCPT, DELETE_RCPT, CHANGE_HEADERS = 0x01, 0x02, 0x04, 0x08, 0x10
QUARANTINES, CHANGE_SENDER, ADD_RCPT_WITH, NAME_MACROS, ALL_ACTIONS = 0x20, 0x40, 0x80, 0x100, 0x1ff
# What it does not want to hear, by command; what it does not answer; what it understands.
NO = {"C": 0x01, "H": 0x02, "M": 0x04, "R": 0x08, "B": 0x10, "L": 0x20, "N": 0x40, "U": 0x100, "T": 0x200}
MUTE = {"L": 0x80, "C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000, "U": 0x20000, "N": 0x40000,
        "B": 0x80000}
NO_ALL, MUTE_ALL = sum(NO.values()), sum(MUTE.values())
CAN_SKIP, REFUSED_RCPT, LEADING_SPACE, ALL_STEPS = 0x400, 0x800, 0x100000, 0x1fffff
# Stages that may have macros of their own.
STAGES = {"C": 0, "H": 1, "M": 2, "R": 3, "T": 4, "E": 5, "N": 6}
PAYLOAD_MAX = 65535


def packet(command, payload=b"", length=None):
    """length: the one it claims, if not its own."""
    return struct.pack("!I", 1 + len(payload) if length is None else length) + command.encode("latin-1") + payload


def text(value):
    return (value.encode() if isinstance(value, str) else value) + b"\0"


# Verdicts, and what is none.
ACCEPT, CONTINUE, DISCARD, PROGRESS = packet("a"), packet("c"), packet("d"), packet("p")
REJECT, SKIP, TEMPFAIL, SHUTDOWN = packet("r"), packet("s"), packet("t"), packet("4")
FINAL = {b"a", b"d", b"r", b"t", b"y"}     # a message is over by these


def offer(version=6, actions=ALL_ACTIONS, steps=LEADING_SPACE, macros=None):
    """The filter's answer to a negotiation. macros: command, or number of a stage, -> names in a text."""
    lists = b"".join(struct.pack("!I", STAGES.get(stage, stage)) + text(names)
                     for stage, names in (macros or {}).items())
    return packet("O", struct.pack("!III", version, actions, steps) + lists)


def reply(line):
    """A code and a text for the client."""
    return packet("y", text(line))


def add_header(name, value):
    return packet("h", text(name) + text(value))


def insert_header(index, name, value):
    return packet("i", struct.pack("!I", index & 0xffffffff) + text(name) + text(value))


def change_header(index, name, value):
    """An empty value deletes."""
    return packet("m", struct.pack("!I", index & 0xffffffff) + text(name) + text(value))


def add_rcpt(path, parameters=None):
    return packet("+", text(path)) if parameters is None else packet("2", text(path) + text(parameters))


def delete_rcpt(path):
    return packet("-", text(path))


def change_sender(path, parameters=None):
    return packet("e", text(path) + (b"" if parameters is None else text(parameters)))


def replace_body(body, size=PAYLOAD_MAX):
    """In packets of this size, as libmilter sends it; size None: in one, however large."""
    size = size or len(body) or 1
    return b"".join(packet("b", body[at:at + size]) for at in range(0, len(body) or 1, size))


def quarantine(reason):
    return packet("q", text(reason))


def kinds(data):
    """The commands of the whole packets in data."""
    found, at = set(), 0
    while len(data) - at >= 5:
        length = struct.unpack_from("!I", data, at)[0]
        if at + 4 + length > len(data):
            break
        found.add(data[at + 4:at + 5])
        at += 4 + length
    return found


def cut(data):
    """The whole packets in data as (command, payload), and what is left."""
    found = []
    while len(data) >= 4:
        length = struct.unpack("!I", data[:4])[0]
        if len(data) < 4 + length:
            break
        found.append((data[4:5].decode("latin-1"), data[5:4 + length]))
        data = data[4 + length:]
    return found, data


def texts(payload):
    """What stands before each NUL; ValueError if something stands behind the last."""
    *found, rest = payload.split(b"\0")
    if rest:
        raise ValueError(f"not ended by NUL: {payload[-80:]!r}")
    return found
