# SPDX-License-Identifier: BSD-2-Clause
"""TLS ClientHello messages made by hand: versions and suites that no library offers any more."""
import os
import struct

SSL_3, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304

SUITES = {
    "ecdhe_aead": [0xC02B, 0xC02F, 0xC02C, 0xC030],
    "rc4": [0xC007, 0xC011, 0x0005, 0x0004],
    "3des": [0xC008, 0xC012, 0x000A, 0x0016],
    "null": [0xC006, 0xC010, 0x0001, 0x0002, 0x003B],
    "export": [0x0003, 0x0006, 0x0008, 0x0014],
    "anonymous": [0xC018, 0xC019, 0xC016, 0x0034, 0x006C, 0x00A6, 0x00A7],
    "rsa_exchange": [0x002F, 0x0035, 0x003C, 0x003D, 0x009C, 0x009D],
    "dhe": [0x0033, 0x0039, 0x0067, 0x006B, 0x009E, 0x009F],
    "cbc": [0xC009, 0xC00A, 0xC013, 0xC014, 0xC023, 0xC024, 0xC027, 0xC028],
    "old": [0xC009, 0xC00A, 0xC013, 0xC014, 0x002F, 0x0035, 0x000A],
}
ALERT, HANDSHAKE = 0x15, 0x16


def _extension(kind, data):
    return struct.pack("!HH", kind, len(data)) + data


def client_hello(version=TLS_1_2, suites="ecdhe_aead", name=None, groups=(23, 24, 29), versions=None,
                 share=None):
    """One record. name: bytes for SNI; versions: supported_versions; share: (group, key) for 1.3."""
    numbers = SUITES[suites] if isinstance(suites, str) else suites
    extensions = b""
    if name is not None:
        entry = b"\0" + struct.pack("!H", len(name)) + name
        extensions += _extension(0, struct.pack("!H", len(entry)) + entry)
    if version > SSL_3:
        extensions += _extension(10, struct.pack("!H", 2 * len(groups))
                                 + b"".join(struct.pack("!H", g) for g in groups))
        extensions += _extension(11, b"\1\0")
    if version >= TLS_1_2:
        algorithms = struct.pack("!8H", 0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0401, 0x0501, 0x0601)
        extensions += _extension(13, struct.pack("!H", len(algorithms)) + algorithms)
    if versions:
        extensions += _extension(43, bytes([2 * len(versions)])
                                 + b"".join(struct.pack("!H", v) for v in versions))
    if share is not None:
        entries = b"".join(struct.pack("!HH", g, len(k)) + k for g, k in share)
        extensions += _extension(51, struct.pack("!H", len(entries)) + entries)
    body = (struct.pack("!H", min(version, TLS_1_2)) + os.urandom(32) + b"\0"
            + struct.pack("!H", 2 * len(numbers)) + b"".join(struct.pack("!H", n) for n in numbers)
            + b"\1\0" + (struct.pack("!H", len(extensions)) + extensions if extensions else b""))
    message = b"\1" + struct.pack("!I", len(body))[1:] + body
    return struct.pack("!BHH", HANDSHAKE, min(version, TLS_1_0) if version > SSL_3 else SSL_3,
                       len(message)) + message


SSL_2_HELLO = b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80\x03\x00\x80" \
              b"\x04\x00\x80\x05\x00\x80\x06\x00\x40\x07\x00\xc0" + bytes(16)


def record_types(raw):
    """The types of the TLS records in raw; None where it is not TLS."""
    types = []
    while raw:
        if len(raw) < 5 or raw[0] not in (0x14, 0x15, 0x16, 0x17) or raw[1] != 3:
            return None
        types.append(raw[0])
        raw = raw[5 + struct.unpack("!H", raw[3:5])[0]:]
    return types
