# SPDX-License-Identifier: BSD-2-Clause
"""The initiating side of GSSAPI (Kerberos), on MIT's library: tokens for a hand-made exchange."""
import contextlib
import ctypes
import os

try:
    _library = ctypes.CDLL("libgssapi_krb5.so.2")
except OSError:
    _library = None


class _Buffer(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t), ("value", ctypes.c_void_p)]


class _Oid(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("elements", ctypes.c_void_p)]


def missing():
    return None if _library else "libgssapi_krb5 is not installed"


def _oid(encoded):
    kept = ctypes.create_string_buffer(encoded, len(encoded))
    oid = _Oid(len(encoded), ctypes.cast(kept, ctypes.c_void_p))
    oid.kept = kept
    return oid


HOST_SERVICE = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"
KERBEROS = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"


@contextlib.contextmanager
def _surrounded_by(environment):
    """The library finds the realm and the credentials by the environment alone."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Initiator:
    """One exchange with smtp@host; the credential cache comes from this environment."""

    def __init__(self, host, environment):
        self.environment = environment
        text = f"smtp@{host}".encode()
        name_text = _Buffer(len(text), ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p))
        self.minor = ctypes.c_uint32()
        self.name = ctypes.c_void_p()
        self.context = ctypes.c_void_p()
        self.mechanism = _oid(KERBEROS)
        kind = _oid(HOST_SERVICE)
        with _surrounded_by(environment):
            code = _library.gss_import_name(ctypes.byref(self.minor), ctypes.byref(name_text),
                                            ctypes.byref(kind), ctypes.byref(self.name))
        assert code == 0, f"gss_import_name: {code:#x} {self.minor.value}"

    def step(self, token=b""):
        """The next token to send."""
        given = _Buffer(len(token), ctypes.cast(ctypes.c_char_p(token), ctypes.c_void_p))
        made = _Buffer()
        with _surrounded_by(self.environment):
            code = _library.gss_init_sec_context(
                ctypes.byref(self.minor), None, ctypes.byref(self.context), self.name,
                ctypes.byref(self.mechanism), ctypes.c_uint32(2), ctypes.c_uint32(0), None,
                ctypes.byref(given), None, ctypes.byref(made), None, None)
        assert code in (0, 1), f"gss_init_sec_context: {code:#x} {self.minor.value}"
        return ctypes.string_at(made.value, made.length) if made.length else b""

    def unwrap(self, token):
        given = _Buffer(len(token), ctypes.cast(ctypes.c_char_p(token), ctypes.c_void_p))
        made = _Buffer()
        code = _library.gss_unwrap(ctypes.byref(self.minor), self.context, ctypes.byref(given),
                                   ctypes.byref(made), None, None)
        assert code == 0, f"gss_unwrap: {code:#x}"
        return ctypes.string_at(made.value, made.length)

    def wrap(self, data):
        given = _Buffer(len(data), ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p))
        made = _Buffer()
        code = _library.gss_wrap(ctypes.byref(self.minor), self.context, 0, 0, ctypes.byref(given),
                                 None, ctypes.byref(made))
        assert code == 0, f"gss_wrap: {code:#x}"
        return ctypes.string_at(made.value, made.length)
