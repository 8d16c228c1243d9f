# SPDX-License-Identifier: BSD-2-Clause
"""A client that writes exactly the bytes it is told to, in the segments it is told to."""
import base64
import itertools
import os
import select
import socket
import ssl
import struct
import threading
import time

from rig.deadline import Late, PATIENCE, until

_sources = itertools.count(1)
_sources_lock = threading.Lock()


def new_source():
    """An address in 127.0.0.0/8 that no test has used yet: per-address limits start afresh."""
    with _sources_lock:
        number = next(_sources) + (os.getpid() % 97) * 2000
    return f"127.{10 + number // 62500 % 200}.{number // 250 % 250 + 1}.{number % 250 + 1}"


def trusting_context(minimum=ssl.TLSVersion.TLSv1_2, maximum=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = minimum
    context.maximum_version = maximum
    return context


def kernel_queues(near, far):
    """(unread, unsent) bytes of the IPv4 socket at one end, as the kernel tells; zeros if it is gone."""
    question = struct.pack("=IHHII BBBBI HH4s12x4s12xIII", 72, 20, 1, 1, 0, socket.AF_INET, socket.IPPROTO_TCP, 0, 0,
                           0xFFFFFFFF, 0, 0, b"", b"", 0, 0xFFFFFFFF, 0xFFFFFFFF)
    ends = struct.pack("!HH4s12x4s12x", near[1], far[1], socket.inet_aton(near[0]), socket.inet_aton(far[0]))
    question = question[:24] + ends + question[24 + len(ends):]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as diagnosis:   # NETLINK_SOCK_DIAG
        diagnosis.settimeout(5)
        diagnosis.send(question)
        answer = diagnosis.recv(4096)
    if struct.unpack("=H", answer[4:6])[0] != 20:   # SOCK_DIAG_BY_FAMILY
        return 0, 0
    # nlmsghdr 16, then inet_diag_msg: family state timer retrans 4, id 48, expires rqueue wqueue
    return struct.unpack("=II", answer[16 + 4 + 48 + 4:16 + 4 + 48 + 12])


def ready(sock, event, seconds):
    """Waits for this event; poll() takes any descriptor, of which there may be thousands."""
    poll = select.poll()
    poll.register(sock, event)
    return poll.poll(seconds * 1000)


class Closed(Exception):
    """The server ended the connection where a reply was wanted."""


class Reply:
    """One SMTP reply."""

    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[-1][:3])
        self.texts = [line[4:] for line in lines]
        self.text = b" ".join(self.texts).decode("latin-1")
        first = self.texts[0].split(b" ")[0].decode("latin-1")
        self.enhanced = first if first.count(".") == 2 and first[0] in "245" else None

    def __repr__(self):
        return b" / ".join(self.lines).decode("latin-1")


class Wire:
    """A raw connection. Every wait has a deadline."""

    def __init__(self, address, source=None, seconds=10, window=None):
        """window: most bytes that wait unread at our end."""
        self.address = address
        self.seconds = seconds
        self.source = source or new_source()
        self.socket = socket.socket(socket.AF_INET)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(seconds)
        self.socket.bind((self.source, 0))
        self.socket.connect(address)
        self.name = self.socket.getsockname()
        self.tls = None
        self.pending = b""
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- bytes out

    def send(self, data):
        """All bytes in one write (and one TLS record per 16 KiB)."""
        if self.tls is None:
            self.send_clear(data)
            return
        view = memoryview(data)
        while len(view):
            view = view[self.tls.write(view[:16384]):]
        self.send_clear(self.outgoing.read())

    def send_clear(self, data):
        """The bytes as they are, even inside TLS."""
        view = memoryview(data)
        end = time.monotonic() + PATIENCE * self.seconds
        while len(view):
            left = max(0.0, end - time.monotonic())
            if not ready(self.socket, select.POLLOUT, left):
                raise Late(f"the server does not read ({len(view)} bytes left)")
            view = view[self.socket.send(view):]

    def pour(self, data, seconds, look):
        """
        The bytes as they are, as fast as the server takes them, and nothing is read; look() at each
        pause. True if the server ends the connection within that time.
        """
        end = time.monotonic() + seconds
        poll = select.poll()
        while time.monotonic() < end:
            poll.register(self.socket, select.POLLRDHUP | (select.POLLOUT if data else 0))
            for _, events in poll.poll(50):
                if events & (select.POLLRDHUP | select.POLLHUP | select.POLLERR):
                    return True
                try:
                    data = data[self.socket.send(data[:65536], socket.MSG_DONTWAIT):]
                except BlockingIOError:
                    pass
                except OSError:
                    return True
            look()
        return False

    def send_segments(self, pieces):
        """Each piece in a segment of its own: the next goes when the server has read the last."""
        for piece in pieces:
            self.send(piece)
            self.wait_until_read()

    def wait_until_read(self):
        until(self._is_read, self.seconds, "the server reads what was sent")

    def _is_read(self):
        """Nothing of ours waits in the server's receive queue (or the connection is gone)."""
        return not (kernel_queues(self.name, self.address)[1] or kernel_queues(self.address, self.name)[0])

    # --- bytes in

    def _fill(self, seconds):
        """Reads once into pending; False when nothing came within the time."""
        if self.tls is not None and self._decrypt():
            return True
        end = time.monotonic() + seconds
        while not self.ended:
            left = max(0.0, end - time.monotonic())
            if not ready(self.socket, select.POLLIN, left):
                return False
            try:
                data = self.socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                self.ended = True
                if self.tls is not None:
                    self.incoming.write_eof()
                    self._decrypt()
                return True
            if self.tls is None:
                self.pending += data
                return True
            self.incoming.write(data)
            if self._decrypt():
                return True
        return True

    def _decrypt(self):
        """Moves clear text from the TLS session to pending; True if there was some, or the end."""
        moved = False
        while True:
            try:
                data = self.tls.read(65536)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError:
                data = b""
            if not data:
                self.ended = True
                return True
            self.pending += data
            moved = True
        if self.outgoing.pending:
            self.send_clear(self.outgoing.read())
        return moved

    def line(self, seconds=None):
        end = time.monotonic() + PATIENCE * (self.seconds if seconds is None else seconds)
        while b"\n" not in self.pending:
            if self.ended:
                raise Closed(f"connection ended; left over: {self.pending!r}")
            if not self._fill(max(0.0, end - time.monotonic())):
                raise Late(f"no reply within {PATIENCE * (seconds or self.seconds)} s; so far {self.pending!r}")
        line, self.pending = self.pending.split(b"\n", 1)
        assert line.endswith(b"\r"), f"reply line without CR: {line!r}"
        return line[:-1]

    def reply(self, seconds=None):
        lines = []
        while True:
            line = self.line(seconds)
            assert line[:3].isdigit() and line[3:4] in (b" ", b"-", b""), f"not a reply: {line!r}"
            assert len(line) <= 510, "reply line longer than 512 octets"
            lines.append(line)
            if line[3:4] != b"-":
                return Reply(lines)

    def replies(self, count, seconds=None):
        return [self.reply(seconds) for _ in range(count)]

    def replies_until_end(self, seconds=None):
        """Every reply up to the end of the connection."""
        found = []
        while True:
            try:
                found.append(self.reply(seconds))
            except Closed:
                return found

    def is_silent(self, seconds):
        """Does nothing arrive during all this time?"""
        if self.pending:
            return False
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._fill(max(0.0, end - time.monotonic()))
            if self.pending or self.ended:
                return False
        return True

    def is_closed(self, seconds=2):
        """Does the connection end within this time? What came before stays in pending."""
        end = time.monotonic() + PATIENCE * seconds
        while not self.ended and time.monotonic() < end:
            self._fill(max(0.0, end - time.monotonic()))
        return self.ended

    # --- SMTP

    def command(self, text, seconds=None):
        self.send(text + b"\r\n" if isinstance(text, bytes) else text.encode() + b"\r\n")
        return self.reply(seconds)

    def expect(self, code, text, seconds=None):
        """The command's reply; its code must be the given one, or start with the given digit."""
        reply = self.command(text, seconds)
        assert str(reply.code).startswith(str(code)), f"{text!r} answered {reply}"
        return reply

    def greet(self, name=b"client.example.org"):
        banner = self.reply()
        assert banner.code == 220, banner
        return self.ehlo(name)

    def ehlo(self, name=b"client.example.org"):
        """The keywords offered, upper case, with their parameters."""
        reply = self.expect(250, b"EHLO " + name)
        return {text.split(b" ")[0].decode().upper(): text.split(b" ")[1:]
                for text in reply.texts[1:]}

    def wrap(self, context=None, name="mail.example.org", session=None):
        """Begins TLS on the connection, without the handshake."""
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        if self.pending:
            self.incoming.write(self.pending)
            self.pending = b""
        self.tls = (context or trusting_context()).wrap_bio(
            self.incoming, self.outgoing, server_hostname=name, session=session)

    def handshake(self, context=None, name="mail.example.org", session=None, seconds=None):
        """Begins TLS and shakes hands; ssl.SSLError or Closed if the server will not."""
        self.wrap(context, name, session)
        end = time.monotonic() + PATIENCE * (self.seconds if seconds is None else seconds)
        while True:
            try:
                self.tls.do_handshake()
                self.send_clear(self.outgoing.read())
                return self.tls
            except ssl.SSLWantReadError:
                self.send_clear(self.outgoing.read())
            if not ready(self.socket, select.POLLIN, max(0.0, end - time.monotonic())):
                raise Late("no TLS handshake in time")
            data = self.socket.recv(65536)
            if not data:
                self.ended = True
                raise Closed("connection ended in the TLS handshake")
            self.incoming.write(data)

    def starttls(self, **handshake):
        self.expect(220, b"STARTTLS")
        self.handshake(**handshake)

    def close_notify(self):
        """Sends the TLS alert and nothing else; the socket stays open."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.send_clear(self.outgoing.read())

    def auth_plain(self, login="alice", password="alicepw", authzid=""):
        return self.command(b"AUTH PLAIN " + plain(login, password, authzid))

    def login(self, login="alice", password="alicepw"):
        reply = self.auth_plain(login, password)
        assert reply.code == 235, reply
        return self

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()


def b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data)


def plain(login, password, authzid=""):
    """The base64 of a PLAIN response; text or bytes."""
    parts = [part.encode() if isinstance(part, str) else part for part in (authzid, login, password)]
    return b64(b"\0".join(parts))
