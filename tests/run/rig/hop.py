# SPDX-License-Identifier: BSD-2-Clause
"""A next hop whose first connections follow scripts, however odd; the later ones are a good sink's."""
import socket
import struct
import threading

from rig.sink import Gone, Sink, Talk


class HopTalk(Talk):
    """One connection, with what scripts say and do on it."""

    def next(self, verb):
        """The next command line, which must begin so."""
        line = self._line()
        assert line.upper().startswith(verb), (verb, line)
        return line

    def greet(self, *keywords, verb=b"EHLO"):
        """Up to the answer to EHLO."""
        self.send(b"220 hop.example.net ready\r\n")
        self.next(verb)
        words = [b"hop.example.net", *keywords]
        self.send(b"".join(b"250-" + word + b"\r\n" for word in words[:-1]) + b"250 " + words[-1] + b"\r\n")

    def envelope(self, recipients=1):
        """MAIL and RCPT, all taken, and DATA is here."""
        for verb in [b"MAIL"] + [b"RCPT"] * recipients:
            self.next(verb)
            self.send(b"250 2.1.0 ok\r\n")
        self.next(b"DATA")

    def content(self):
        """Up to and with the dot."""
        while self._line() != b".":
            pass

    def trickle(self, data, seconds):
        """Byte by byte, over so long; ends early when the other side has left."""
        gone = threading.Event()
        for byte in data:
            self.send(bytes([byte]))
            gone.wait(seconds / len(data))

    def until_gone(self, seconds=30):
        """Reads and forgets, until the other side has left; the bytes."""
        self.connection.settimeout(seconds)
        said = self.pending
        try:
            while data := self.connection.recv(65536):
                said += data
        except ConnectionError:
            pass
        return said

    def ignore(self, seconds=30):
        """Reads nothing more, until the other side has left."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        end = threading.Event()
        for _ in range(int(seconds * 20)):
            # the state in struct tcp_info: 1 is established
            if self.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != b"\1":
                return
            end.wait(0.05)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone


class Hop(Sink):
    """
    scripts: functions of a HopTalk, one for each connection in their order; None is a good connection. A
    script that returns goes on as a good connection where it returns True, and else ends it.
    """

    def __init__(self, *scripts, **sink):
        self.scripts = list(scripts)
        self.faults = []      # of scripts
        super().__init__(**sink)

    def _serve(self, connection):
        with self.changed:
            script = self.scripts.pop(0) if self.scripts else None
        if script is None:
            super()._serve(connection)
            return
        self._serve_script(connection, script)

    def _serve_script(self, connection, script):
        session = self._new_session()
        talk = HopTalk(self, session, connection)
        try:
            if script(talk) is True:
                talk.serve()
        except (Gone, OSError):
            pass
        except AssertionError as fault:
            self.faults.append(fault)
        finally:
            self._end(talk)
