# SPDX-License-Identifier: BSD-2-Clause
"""A scripted next hop, SMTP or LMTP, that stores the exact bytes between 354 and CRLF.CRLF."""
import base64
import os
import re
import socket
import ssl
import threading

from rig import ground
from rig.deadline import PATIENCE

END = b"\r\n.\r\n"


class Gone(Exception):
    """The other side went away, or the script says to drop it."""


class Message:
    """One transaction that reached the end of its content."""

    def __init__(self, session, sender, parameters):
        self.session = session
        self.sender = sender          # as written between < and >, bytes
        self.parameters = parameters  # of MAIL, upper case words, bytes
        self.recipients = []          # (address, parameters), accepted ones
        self.raw = b""                # after 354, up to and with the CRLF before the dot
        self.accepted = False

    @property
    def content(self):
        """Without dot stuffing."""
        return re.sub(rb"(?m)^\.\.", b".", self.raw)

    @property
    def header(self):
        return self.content.partition(b"\r\n\r\n")[0] + b"\r\n"

    @property
    def body(self):
        return self.content.partition(b"\r\n\r\n")[2]

    def fields(self, name):
        """The values of one header field, unfolded."""
        found = re.findall(rb"(?mi)^" + name.encode() + rb"[ \t]*:((?:.*\r\n)(?:[ \t].*\r\n)*)",
                           self.header)
        return [re.sub(rb"\r\n", b"", value).strip() for value in found]

    def __repr__(self):
        return f"<{self.sender!r} to {self.recipients!r}: {self.raw[:200]!r}>"


class Session:
    """What one connection said."""

    def __init__(self):
        self.lines = []      # command lines as received, without CRLF
        self.commands = []   # (verb, TLS on?)
        self.tls = None
        self.login = None
        self.messages = 0
        self.ended = False


class Sink:
    """
    A server in threads. `script` holds what to do otherwise than well:
      verb: bytes or list of bytes   the reply to this verb (a list: one after the other, then well)
      ("RCPT", regexp): bytes        the reply to recipients that match
      "CONNECT", "END"               the greeting; the reply to the end of content (LMTP: each)
    A reply of None drops the connection; a threading.Event as a reply waits for it, then is well;
    a callable is called with (self, session, connection) and returns a reply.
    """

    def __init__(self, protocol="smtp", unix=None, certificate=None, keywords=(b"PIPELINING",
                 b"SIZE 104857600", b"8BITMIME", b"SMTPUTF8", b"ENHANCEDSTATUSCODES", b"DSN"),
                 users=None, mechanisms=b"PLAIN LOGIN", script=None, context=None, port=0,
                 address="127.0.0.1"):
        self.protocol = protocol
        self.keywords = list(keywords)
        self.users = users
        self.mechanisms = mechanisms
        self.script = dict(script or {})
        self.context = context
        if certificate and not context:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.messages = []
        self.sessions = []
        self.refused = []    # transactions whose content came but was not accepted
        self.changed = threading.Condition()
        self.stopping = False
        if unix:
            self.path = unix
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(unix)
            ground.give(unix)
            os.chmod(unix, 0o666)
            self.port = None
        else:
            self.path = None
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((address, port))
            self.address, self.port = self.listener.getsockname()
        self.listener.listen(256)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    @property
    def target(self):
        """For the `to` of a route."""
        return f"{self.protocol}:unix:{self.path}" if self.path else f"{self.protocol}:{self.address}:{self.port}"

    def stop(self):
        self.stopping = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        if self.path:
            os.unlink(self.path)

    # --- what arrived

    def wait_for(self, matches, seconds=15, count=1):
        """The first accepted messages, old or new, for which matches(message) is true."""
        with self.changed:
            def found():
                return [m for m in self.messages if matches(m)]
            if not self.changed.wait_for(lambda: len(found()) >= count, PATIENCE * seconds):
                raise AssertionError(f"{len(found())} of {count} messages reached the sink "
                                     f"within {seconds} s")
            return found() if count > 1 else found()[0]

    def with_token(self, token):
        token = token.encode() if isinstance(token, str) else token
        with self.changed:
            return [m for m in self.messages if token in m.raw]

    def wait_for_token(self, token, seconds=15, count=1):
        token = token.encode() if isinstance(token, str) else token
        return self.wait_for(lambda m: token in m.raw, seconds, count)

    def wait_for_session(self, matches, seconds=15):
        """The first session for which matches(session) is true."""
        with self.changed:
            def found():
                return [s for s in self.sessions if matches(s)]
            if not self.changed.wait_for(lambda: bool(found()), PATIENCE * seconds):
                raise AssertionError(f"no such session at the sink within {seconds} s")
            return found()[0]

    # --- the server

    def _accept(self):
        while not self.stopping:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if connection.family == socket.AF_INET:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        talk = Talk(self, self._new_session(), connection)
        try:
            talk.run()
        except (Gone, OSError, ssl.SSLError):
            pass
        finally:
            self._end(talk)

    def _new_session(self):
        session = Session()
        with self.changed:
            self.sessions.append(session)
            self.changed.notify_all()
        return session

    def _end(self, talk):
        with self.changed:
            talk.session.ended = True
            self.changed.notify_all()
        try:
            talk.connection.close()
        except OSError:
            pass

    def _scripted(self, verb, argument=b""):
        """(True, reply) if the script has a word on this verb."""
        for key, reply in list(self.script.items()):
            if isinstance(key, tuple) and key[0] == verb and re.search(key[1], argument):
                return True, reply
        try:
            # A test may clear the script at any time.
            reply = self.script[verb]
            return True, reply.pop(0) if isinstance(reply, list) else reply
        except LookupError:
            return False, None


class Talk:
    """One connection's dialogue."""

    def __init__(self, sink, session, connection):
        self.sink = sink
        self.session = session
        self.connection = connection
        self.pending = b""
        self.message = None

    def send(self, data):
        self.connection.sendall(data)

    def _receive(self):
        data = self.connection.recv(65536)
        if not data:
            raise Gone
        return data

    def _fill(self):
        self.pending += self._receive()

    def _line(self):
        while b"\n" not in self.pending:
            self._fill()
        line, self.pending = self.pending.split(b"\n", 1)
        line = line[:-1] if line.endswith(b"\r") else line + b"<LF>"
        with self.sink.changed:
            self.session.lines.append(line)
            self.sink.changed.notify_all()
        return line

    def answer(self, verb, well, argument=b""):
        """Sends the scripted reply or the good one; True if it was the good one."""
        scripted, reply = self.sink._scripted(verb, argument)
        if scripted and callable(reply):
            reply = reply(self.sink, self.session, self)
            if reply is True:
                return False
        if scripted and isinstance(reply, threading.Event):
            reply.wait(60)
            scripted = False
        if scripted and reply is None:
            raise Gone
        self.send(reply if scripted else well)
        return not scripted or reply[:1] in (b"2", b"3")

    def run(self):
        if self.answer("CONNECT", b"220 sink.example.net ready\r\n"):
            self.serve()

    def serve(self):
        """From the greeting on."""
        while True:
            line = self._line()
            verb, _, argument = line.partition(b" ")
            verb = verb.upper().decode("latin-1")
            with self.sink.changed:
                self.session.commands.append((verb, self.session.tls is not None))
            action = getattr(self, "on_" + verb.lower(), None)
            if action is None:
                self.send(b"502 5.5.1 not known\r\n")
            else:
                action(argument)

    def on_ehlo(self, _argument):
        words = [b"sink.example.net"] + list(self.sink.keywords)
        if self.sink.context and self.session.tls is None:
            words.append(b"STARTTLS")
        if self.sink.users:
            words.append(b"AUTH " + self.sink.mechanisms)
        lines = [b"250-" + word for word in words[:-1]] + [b"250 " + words[-1]]
        self.answer("EHLO", b"\r\n".join(lines) + b"\r\n")

    on_lhlo = on_ehlo

    def on_helo(self, _argument):
        self.answer("HELO", b"250 sink.example.net\r\n")

    def on_starttls(self, _argument):
        if not self.answer("STARTTLS", b"220 2.0.0 go\r\n"):
            return
        if self.pending:
            raise Gone
        self.connection = self.sink.context.wrap_socket(self.connection, server_side=True)
        self.session.tls = self.connection.version()

    def on_auth(self, argument):
        if not self.answer_only_if_scripted("AUTH"):
            return
        mechanism, _, first = argument.partition(b" ")
        if mechanism.upper() == b"PLAIN":
            if not first:
                self.send(b"334 \r\n")
                first = self._line()
            _, login, password = base64.b64decode(first).split(b"\0")
        else:
            self.send(b"334 VXNlcm5hbWU6\r\n")
            login = base64.b64decode(self._line())
            self.send(b"334 UGFzc3dvcmQ6\r\n")
            password = base64.b64decode(self._line())
        self.session.login = (mechanism.upper(), login, password)
        good = self.sink.users.get(login.decode()) == password.decode()
        self.send(b"235 2.7.0 welcome\r\n" if good else b"535 5.7.8 wrong\r\n")

    def answer_only_if_scripted(self, verb):
        """True if the script leaves this verb to us."""
        if verb not in self.sink.script:
            return True
        return self.answer(verb, b"") and False

    def on_mail(self, argument):
        match = re.match(rb"FROM:<([^>]*)>(.*)", argument, re.I)
        if not match:
            self.send(b"501 5.5.4 syntax\r\n")
            return
        if self.answer("MAIL", b"250 2.1.0 ok\r\n", argument):
            self.message = Message(self.session, match.group(1), match.group(2).split())

    def on_rcpt(self, argument):
        match = re.match(rb"TO:<(.*?)>( .*)?$", argument, re.I)
        if not match or self.message is None:
            self.send(b"501 5.5.4 syntax\r\n")
            return
        if self.answer("RCPT", b"250 2.1.5 ok\r\n", argument):
            self.message.recipients.append((match.group(1), (match.group(2) or b"").split()))

    def on_data(self, _argument):
        if self.message is None or not self.message.recipients:
            self.answer("DATA", b"503 5.5.1 no transaction\r\n")
            return
        if not self.answer("DATA", b"354 go\r\n"):
            self.message = None
            return
        content = b""
        if self.pending.startswith(b".\r\n"):
            self.pending = self.pending[3:]
        else:
            gathered, searched = bytearray(self.pending), 0
            while (end := gathered.find(END, searched)) < 0:
                searched = max(0, len(gathered) - len(END))
                gathered += self._receive()
            content = bytes(gathered[:end + 2])
            self.pending = bytes(gathered[end + len(END):])
        self.message.raw = content
        self._finish()

    def _finish(self):
        message, self.message = self.message, None
        rounds = len(message.recipients) if self.sink.protocol == "lmtp" else 1
        good = [self._end_is_good(message, index) for index in range(rounds)]
        with self.sink.changed:
            message.accepted = any(good)
            if self.sink.protocol == "lmtp":
                message.recipients = [r for r, ok in zip(message.recipients, good) if ok]
            (self.sink.messages if message.accepted else self.sink.refused).append(message)
            self.session.messages += 1
            self.sink.changed.notify_all()

    def _end_is_good(self, message, index):
        argument = message.recipients[index][0] if self.sink.protocol == "lmtp" else message.raw
        return self.answer("END", b"250 2.0.0 taken\r\n", argument)

    def on_rset(self, _argument):
        self.message = None
        self.answer("RSET", b"250 2.0.0 ok\r\n")

    def on_noop(self, _argument):
        self.answer("NOOP", b"250 2.0.0 ok\r\n")

    def on_quit(self, _argument):
        self.answer("QUIT", b"221 2.0.0 bye\r\n")
        raise Gone
