# SPDX-License-Identifier: BSD-2-Clause
"""A scripted name server on loopback, UDP and TCP, that may answer anything at all."""
import socket
import struct
import threading

from rig.deadline import PATIENCE

A, NS, CNAME, SOA, MX, TXT, AAAA = 1, 2, 5, 6, 15, 16, 28
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
ANSWER, TRUNCATED = 0x8180, 0x0200      # a recursive server's flags; TC


def name(text):
    """A name on the wire; labels are bytes between dots, and may hold anything else."""
    labels = [label for label in (text.encode() if isinstance(text, str) else text).split(b".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner, kind, data, ttl=60):
    return name(owner) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def address(owner, text, ttl=60):
    family, kind = (socket.AF_INET6, AAAA) if ":" in text else (socket.AF_INET, A)
    return record(owner, kind, socket.inet_pton(family, text), ttl)


def alias(owner, target, ttl=60):
    return record(owner, CNAME, name(target), ttl)


class Question:
    """What was asked."""

    def __init__(self, packet, tcp):
        self.packet = packet
        self.tcp = tcp
        self.id, labels, at = struct.unpack("!H", packet[:2])[0], [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]])
            at += 1 + packet[at]
        self.name = b".".join(labels).lower().decode("latin-1")
        self.kind = struct.unpack("!H", packet[at + 1:at + 3])[0]
        self.wire = packet[12:at + 5]

    def answer(self, records=(), code=NOERROR, flags=0, authority=()):
        """The whole packet."""
        head = struct.pack("!HHHHHH", self.id, ANSWER | flags | code, 1, len(records), len(authority), 0)
        return head + self.wire + b"".join(records) + b"".join(authority)


class NameServer:
    """
    `zone`: host name -> list of addresses, or a function of the question that returns a packet, or None
    for silence. What is not there does not exist.
    """

    def __init__(self, zone=None):
        self.zone = zone if zone is not None else {}
        self.asked = []      # (name, kind, over TCP?)
        self.changed = threading.Condition()
        self.stopping = False
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        for serve in (self._serve_udp, self._accept):
            threading.Thread(target=serve, daemon=True).start()

    @property
    def target(self):
        """For `resolvers`."""
        return f"127.0.0.1:{self.port}"

    def stop(self):
        self.stopping = True
        for listener in (self.udp, self.tcp):
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def wait_until_asked(self, host, seconds=15, tcp=None):
        with self.changed:
            if not self.changed.wait_for(lambda: any(
                    found == host and (tcp is None or tcp == over_tcp) for found, _, over_tcp in self.asked),
                    PATIENCE * seconds):
                raise AssertionError(f"nobody asked for {host}: {self.asked}")

    def _reply(self, packet, tcp):
        question = Question(packet, tcp)
        with self.changed:
            self.asked.append((question.name, question.kind, tcp))
            self.changed.notify_all()
        known = self.zone.get(question.name)
        if known is None:
            return question.answer(code=NXDOMAIN)
        if callable(known):
            return known(question)
        return question.answer([address(question.name, text) for text in known
                                if (question.kind == AAAA) == (":" in text) and question.kind in (A, AAAA)])

    def _serve_udp(self):
        while not self.stopping:
            try:
                packet, peer = self.udp.recvfrom(65535)
                reply = self._reply(packet, False) if packet else None
                if reply is not None:
                    self.udp.sendto(reply, peer)
            except OSError:
                continue

    def _accept(self):
        while not self.stopping:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_tcp, args=(connection,), daemon=True).start()

    def _serve_tcp(self, connection):
        with connection:
            try:
                stream = connection.makefile("rb")
                while True:
                    head = stream.read(2)
                    if len(head) < 2:
                        return
                    reply = self._reply(stream.read(struct.unpack("!H", head)[0]), True)
                    if reply is None:
                        return
                    connection.sendall(struct.pack("!H", len(reply)) + reply)
            except OSError:
                return
