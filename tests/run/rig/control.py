# SPDX-License-Identifier: BSD-2-Clause
"""The control socket's frames, as sallyportctl makes them and as it would not; and its exit codes."""
import json
import struct


# What sallyportctl ends with.
DONE, NO, USAGE, UNREACHED = 0, 1, 2, 3


def framed(request):
    data = request if isinstance(request, bytes) else json.dumps(request).encode()
    return struct.pack(">I", len(data)) + data


def read_exactly(wire, size):
    data = b""
    while len(data) < size:
        more = wire.recv(size - len(data))
        if not more:
            raise EOFError(f"{len(data)} of {size} bytes")
        data += more
    return data


def answer(wire):
    """The next of the answers."""
    return json.loads(read_exactly(wire, struct.unpack(">I", read_exactly(wire, 4))[0]))


def ask(wire, request):
    wire.sendall(framed(request))
    return answer(wire)
