# SPDX-License-Identifier: BSD-2-Clause
"""A SCRAM client (RFC 5802, 7677) that can be told to lie about everything."""
import base64
import hashlib
import hmac
import os


class Scram:
    """first() and final(challenge) are raw messages; binding is (type, bytes) or None."""

    def __init__(self, login, password, digest="sha256", binding=None, flag=None, authzid=""):
        self.password = password.encode()
        self.digest = digest
        self.nonce = base64.b64encode(os.urandom(18)).decode()
        self.bound = binding[1] if binding else b""
        self.header = (flag if flag is not None else
                       f"p={binding[0]}" if binding else "n") + "," + (f"a={authzid}" if authzid else "") + ","
        self.bare = f"n={login.replace('=', '=3D').replace(',', '=2C')},r={self.nonce}"
        self.key = None
        self.server_signature = None

    def first(self):
        return (self.header + self.bare).encode()

    def final(self, challenge):
        values = dict(part.split("=", 1) for part in challenge.decode().split(","))
        salted = hashlib.pbkdf2_hmac(self.digest, self.password, base64.b64decode(values["s"]),
                                     int(values["i"]))
        client_key = hmac.digest(salted, b"Client Key", self.digest)
        stored = hashlib.new(self.digest, client_key).digest()
        channel = base64.b64encode(self.header.encode() + self.bound).decode()
        without = f"c={channel},r={values['r']}"
        said = f"{self.bare},{challenge.decode()},{without}".encode()
        proof = bytes(a ^ b for a, b in zip(client_key, hmac.digest(stored, said, self.digest)))
        self.server_signature = hmac.digest(hmac.digest(salted, b"Server Key", self.digest), said,
                                            self.digest)
        return f"{without},p={base64.b64encode(proof).decode()}".encode()


def authenticate(send_line, read_reply, mechanism, scram):
    """Runs one exchange; the last reply. send_line takes bytes, read_reply gives a Reply."""
    send_line(b"AUTH " + mechanism + b" " + base64.b64encode(scram.first()))
    reply = read_reply()
    if reply.code != 334:
        return reply
    send_line(base64.b64encode(scram.final(base64.b64decode(reply.text))))
    reply = read_reply()
    if reply.code == 334:   # the server's signature as a challenge of its own
        send_line(b"")
        reply = read_reply()
    return reply


def server_end_point(certificate_der):
    """tls-server-end-point of RFC 5929, for certificates signed with SHA-256."""
    return hashlib.sha256(certificate_der).digest()
