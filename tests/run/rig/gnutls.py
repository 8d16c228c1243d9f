# SPDX-License-Identifier: BSD-2-Clause
"""A TLS client on libgnutls, for what Python's ssl cannot do: key updates, renegotiation, bindings."""
import ctypes
import socket
import time

CLIENT, CERTIFICATE = 2, 1
KEY_UPDATE_PEER = 1
BINDING_UNIQUE, BINDING_SERVER_END_POINT, BINDING_EXPORTER = 0, 1, 2
NORMAL_1_2 = b"NORMAL:-VERS-ALL:+VERS-TLS1.2"
NORMAL_1_3 = b"NORMAL:-VERS-ALL:+VERS-TLS1.3"

try:
    _library = ctypes.CDLL("libgnutls.so.30")
    _library.gnutls_record_send.restype = ctypes.c_ssize_t
    _library.gnutls_record_recv.restype = ctypes.c_ssize_t
    _library.gnutls_strerror.restype = ctypes.c_char_p
    for _name in ("gnutls_record_send", "gnutls_record_recv"):
        getattr(_library, _name).argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
except OSError:
    _library = None


class Failed(Exception):
    """What the library said."""


class _Datum(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_uint)]


def missing():
    return None if _library else "libgnutls is not installed"


def _check(code):
    if code < 0:
        raise Failed(_library.gnutls_strerror(code).decode())
    return code


class Gnutls:
    """TLS over a connected socket that has nothing unread; everything blocks, with a deadline."""

    def __init__(self, sock, priority=NORMAL_1_3, name=b"mail.example.org", seconds=10):
        self.socket = sock
        self.seconds = seconds
        sock.settimeout(None)
        span = seconds.to_bytes(8, "little") + bytes(8)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, span)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, span)
        self.session = ctypes.c_void_p()
        self.credentials = ctypes.c_void_p()
        self.pending = b""
        _check(_library.gnutls_init(ctypes.byref(self.session), CLIENT))
        _check(_library.gnutls_certificate_allocate_credentials(ctypes.byref(self.credentials)))
        _check(_library.gnutls_credentials_set(self.session, CERTIFICATE, self.credentials))
        _check(_library.gnutls_priority_set_direct(self.session, priority, None))
        _check(_library.gnutls_server_name_set(self.session, 1, name, ctypes.c_size_t(len(name))))
        _library.gnutls_transport_set_int2(self.session, sock.fileno(), sock.fileno())
        self.handshake()

    def handshake(self):
        """The first one, or (TLS 1.2) a renegotiation."""
        self._repeat(lambda: _library.gnutls_handshake(self.session))

    def _repeat(self, call):
        """Calls again after what is no fault (a ticket, a key update), until the deadline."""
        end = time.monotonic() + self.seconds
        while True:
            code = call()
            if code >= 0:
                return code
            if _library.gnutls_error_is_fatal(code) or time.monotonic() > end:
                _check(code)

    def send(self, data):
        _check(_library.gnutls_record_send(self.session, data, len(data)))

    def send_empty(self):
        """A record with nothing in it but padding (TLS 1.3)."""
        _check(_library.gnutls_record_send2(self.session, b"", ctypes.c_size_t(0), ctypes.c_size_t(1), 0))

    def receive(self):
        buffer = ctypes.create_string_buffer(65536)
        size = self._repeat(lambda: _library.gnutls_record_recv(self.session, buffer, 65536))
        return buffer.raw[:size]

    def line(self):
        while b"\n" not in self.pending:
            data = self.receive()
            if not data:
                raise Failed("connection ended")
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return line + b"\n"

    def reply(self):
        """The last line of one SMTP reply."""
        while True:
            line = self.line()
            if line[3:4] != b"-":
                return line

    def command(self, text):
        self.send(text + b"\r\n")
        return self.reply()

    def update_key(self, ask_peer=False):
        _check(_library.gnutls_session_key_update(self.session, KEY_UPDATE_PEER if ask_peer else 0))

    def binding(self, kind):
        datum = _Datum()
        _check(_library.gnutls_session_channel_binding(self.session, kind, ctypes.byref(datum)))
        return ctypes.string_at(datum.data, datum.size)

    def close(self):
        _library.gnutls_deinit(self.session)
        self.socket.close()
