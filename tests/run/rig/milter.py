# SPDX-License-Identifier: BSD-2-Clause
"""A scripted filter: it speaks the milter protocol exactly, records what it was told, misbehaves when told to."""
import collections
import os
import select
import socket
import struct
import threading

from rig import ground
from rig.deadline import PATIENCE, Late
from rig.milter_packet import ALL_ACTIONS, CONTINUE, FINAL, LEADING_SPACE, MUTE, NO, PAYLOAD_MAX, cut, kinds, offer, texts

USUAL = object()     # of a script: what a good filter says
ORDER = "OCHMRTLNBE"
REPEATED = "RLB"     # may come again at once


class Gone(Exception):
    """The connection is over: the other side went away, or the script dropped it."""


class Message:
    """What one connection was told of one message."""

    def __init__(self, connection, sender, parameters):
        self.connection = connection
        self.sender = sender          # with its brackets, bytes; of recipients too
        self.parameters = parameters
        self.recipients = []          # (path, parameters)
        self.fields = []              # (name, value) as they came: lines parted by LF
        self.body = bytearray()
        self.pieces = []              # lengths of the packets of the body
        self.commands = ""            # in order, "MRTLLNBE"
        self.macros = {}              # command -> name -> value, of this message alone
        self.answers = []             # (command, bytes)
        self.end = ""                 # "E" or "A"; "" while it goes on, or if it was just left

    def field(self, name):
        """The values of the fields of this name."""
        return [value for found, value in self.fields if found.lower() == name.lower().encode()]

    def __repr__(self):
        return f"<{self.sender!r} to {self.recipients!r}: {self.commands}>"


class Connection:
    """
    One connection, and what a script may do on it. Everything is recorded: packets are (command, payload),
    macros are "{name}" -> value by command, faults what no MTA may send.
    """

    def __init__(self, owner, sock):
        self.owner = owner
        self.socket = sock
        self.pending = b""
        self.waiting = collections.deque()    # whole packets that nobody has looked at yet
        self.packets = []
        self.messages = []
        self.macros = {}
        self.offered = None           # (version, actions, steps) of the MTA
        self.steps = 0                # ours
        self.host = self.family = self.port = self.address = self.helo = None
        self.at = ""                  # the last step that was taken
        self.over = ""                # what comes is of a message that we judged at this step
        self.quit = False             # it said so
        self.unknown = []             # commands of the client that nobody knows
        self.faults = []
        self.ended = threading.Event()

    # --- for scripts

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            raise Gone from None

    def drip(self, data, seconds):
        """A byte, a pause of so long, and so on; ends early when the other side is gone."""
        for byte in data:
            self.send(bytes([byte]))
            if self.is_gone(seconds):
                raise Gone

    def flood(self, data, most=1 << 40):
        """Again and again, until the other side is gone or so many bytes are sent; how many were."""
        sent = 0
        while sent < most:
            try:
                sent += self.socket.send(data)
            except OSError:
                break
        return sent

    def is_gone(self, seconds=0):
        """Has the other side closed, or does it within this time? Nothing is read."""
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)
        return bool(poll.poll(seconds * 1000))

    def ignore(self, seconds=30):
        """Neither reads nor writes until the other side is gone."""
        self.is_gone(seconds)
        raise Gone

    def close(self):
        raise Gone

    def reset(self):
        """Closes with a TCP reset; a unix socket is just closed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    # --- what the MTA sends

    def fault(self, what):
        self.faults.append(f"{what} ({self.message})")

    def take(self):
        """The next packet."""
        while not self.waiting:
            data = self._read()
            if not data:
                if self.pending:
                    self.fault(f"half a packet: {self.pending[:40]!r}")
                raise Gone
            found, self.pending = cut(self.pending + data)
            self.waiting.extend(found)
        return self.waiting.popleft()

    def _read(self):
        try:
            return self.socket.recv(262144)
        except OSError:
            return b""

    @property
    def message(self):
        return self.messages[-1] if self.messages else None

    def note(self, command, payload):
        """Records one packet, and judges whether it may come now."""
        self.packets.append((command, payload))
        if len(payload) > PAYLOAD_MAX:
            self.fault(f"{command} of {len(payload)} bytes")
        try:
            if command == "D":
                self._note_macros(payload)
            elif command == "Q":
                self.quit = True
            elif command == "A":
                self._note_abort()
            elif command in ORDER:
                self._note_step(command)
                getattr(self, "_note_" + command, self._note_nothing)(payload)
            elif command == "U":
                self._note_unknown(payload)
            else:
                self.fault(f"unknown command {command!r}")
        except (ValueError, IndexError, struct.error) as error:
            self.fault(f"{command} {payload[:80]!r}: {error}")

    def _note_macros(self, payload):
        names = texts(payload[1:])
        command = payload[:1].decode("latin-1")
        if not names or len(names) % 2 or command not in "CHMRTNE":
            self.fault(f"macros {payload[:80]!r}")
        values = dict(zip(names[::2], names[1::2]))
        self.macros[command] = {name.decode(): value for name, value in values.items()}

    def _note_abort(self):
        if self.at in "OCH" or self.over:
            self.fault("ABORT without a message")
        if self.message and self.message.end == "":
            self.message.end = "A"
        self.at, self.over = "H", ""

    def _note_unknown(self, payload):
        [line] = texts(payload)
        self.unknown.append(line)
        if NO["U"] & self.steps or self.at not in "HMRE":     # libmilter has no way from DATA, or to content
            self.fault(f"U after {self.at}")
        if self.at in "MR" and NO["T"] & self.steps:
            self.fault("U in a message without DATA")

    def _note_step(self, command):
        if NO.get(command, 0) & self.steps:
            self.fault(f"{command} though it is not wanted")
        if command == "M":
            self.over = ""
            self.at = "H" if self.at == "E" else self.at     # its verdict may have been sent in any way
        if self.over:     # the header comes in one go, before a verdict in its midst is read
            if self.over != "L" or command not in "LN":
                self.fault(f"{command} after a verdict at {self.over}")
            return
        here, before = ORDER.index(command), ORDER.find(self.at) if self.at else -1
        again = command == self.at and command in REPEATED
        skipped = [step for step in ORDER[before + 1:here] if step in "OCHMN" and not NO.get(step, 0) & self.steps]
        if not again and (here <= before or skipped):
            self.fault(f"{command} after {self.at}")
        self.at = command
        if command in "RTLNBE" and self.message and not self.message.end:
            self.message.commands += command
            if command in self.macros:
                self.message.macros[command] = self.macros[command]

    def _note_nothing(self, payload):
        if payload:
            self.fault(f"{self.at} with {len(payload)} bytes")

    def _note_O(self, payload):
        self.offered = struct.unpack("!III", payload)

    def _note_C(self, payload):
        self.host, rest = payload.split(b"\0", 1)
        self.family = rest[:1].decode()
        if self.family == "U":
            return self._note_nothing(rest[1:])
        self.port = struct.unpack("!H", rest[1:3])[0]
        [address] = texts(rest[3:])
        self.address = address.decode()
        socket.inet_pton({"4": socket.AF_INET, "6": socket.AF_INET6}[self.family], self.address)
        return None

    def _note_H(self, payload):
        [self.helo] = texts(payload)

    def _note_M(self, payload):
        path, *parameters = texts(payload)
        message = Message(self, path, parameters)
        message.commands = "M"
        message.macros["M"] = self.macros.get("M", {})
        self.messages.append(message)
        self.owner.add(message)

    def _note_R(self, payload):
        path, *parameters = texts(payload)
        if self.message:
            self.message.recipients.append((path, parameters))

    def _note_L(self, payload):
        name, value = texts(payload)
        if self.message:
            self.message.fields.append((name, value))

    def _note_B(self, payload):
        if not payload:
            self.fault("an empty piece of the body")
        if self.message:
            self.message.body += payload
            self.message.pieces.append(len(payload))

    def _note_E(self, payload):
        self._note_nothing(payload)
        if self.message:
            self.message.end = "E"

    # --- our answers

    def answer(self, command, said):
        """What was said (whole packets, or any bytes) to a command, and what is over by it."""
        if command in ORDER[3:] and self.message:
            self.message.answers.append((command, said))
        if not said:
            return
        verdicts = kinds(said)
        for_one = command == "R" and not verdicts & {b"a", b"d"}
        if command == "E" or (command in ORDER[3:] and not for_one and verdicts & FINAL):
            self.over = "" if command == "E" else command
            self.at = "H"
        self.send(said)


class Filter:
    """
    A filter in threads, at an inet address, or at a unix one. It asks for these actions, steps and macros
    ("M": "i {auth_type}", a stage may be a number), and says CONTINUE to everything unless `script` holds
    something else for the command that came ("O", "C", …), or for "accept":
      bytes      are said, whether they are packets or not; b"" is silence
      a list     one after the other, through the filter's whole life, and then the usual
      None       drops the connection
      an Event   is waited for, then the usual is said
      USUAL      what a good filter says
      callable   called with (connection, payload), returns one of those
    Packets are made by rig.milter_packet.
    """

    def __init__(self, script=None, version=6, actions=ALL_ACTIONS, steps=LEADING_SPACE, macros=None, unix=None,
                 address="127.0.0.1", port=0):
        self.script = dict(script or {})
        self.negotiation = {"version": version, "actions": actions, "steps": steps, "macros": macros}
        self.connections = []
        self.messages = []
        self.changed = threading.Condition()
        self.path = unix
        if unix:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(unix)
            ground.give(unix)
            os.chmod(unix, 0o666)
        else:
            self.listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((address, port))
            self.address, self.port = self.listener.getsockname()[:2]
        self.listener.listen(256)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def target(self):
        """For the `address` of a milter section."""
        if self.path:
            return f"unix:{self.path}"
        return f"inet:[{self.address}]:{self.port}" if ":" in self.address else f"inet:{self.address}:{self.port}"

    def play(self, script=None, **negotiation):
        """From now on this script; a negotiation changed for connections to come."""
        with self.changed:
            self.script = dict(script or {})
            self.negotiation.update(negotiation)

    def stop(self):
        """Nobody listens any more; connections stay."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        if self.path and os.path.exists(self.path):
            os.unlink(self.path)

    def kill(self):
        """As if the process had died: nobody listens, and connections break."""
        self.stop()
        for connection in list(self.connections):
            try:
                connection.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    # --- what arrived

    @property
    def faults(self):
        """Of the MTA, and of scripts."""
        return [fault for connection in self.connections for fault in connection.faults]

    def add(self, message):
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def wait_for(self, check, seconds=10, what="what the filter waits for"):
        """The first true value of check()."""
        with self.changed:
            found = self.changed.wait_for(check, PATIENCE * seconds)
        if not found:
            raise Late(f"not within {PATIENCE * seconds} s: {what}; {self.messages}")
        return found

    def wait_for_message(self, index=0, seconds=10):
        """The message of this number, once it is over (-1: the last one there is)."""
        def whole():
            found = self.messages[index:][:1]
            return found and (found[0].end or found[0].connection.ended.is_set()) and found[0]
        return self.wait_for(whole, seconds, f"message {index} is over")

    def wait_until_left(self, connections=None, seconds=10):
        """The MTA has closed these connections; all there are, if not told."""
        watched = list(self.connections if connections is None else connections)
        self.wait_for(lambda: all(one.ended.is_set() for one in watched), seconds, "the MTA closes its connections")

    # --- serving

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            connection = Connection(self, sock)
            with self.changed:
                self.connections.append(connection)
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.send(self._say(connection, "accept", b"", b""))
            while not connection.quit:
                command, payload = connection.take()
                with self.changed:
                    connection.note(command, payload)
                    self.changed.notify_all()
                if command in "DAQ":
                    said = self._say(connection, command, payload, b"")
                else:
                    said = self._say(connection, command, payload, self._usual(connection, command))
                connection.answer(command, said)
        except Gone:
            pass
        except Exception as fault:     # whatever a script does, the test shall hear of it
            connection.fault(repr(fault))
        finally:
            connection.socket.close()
            connection.ended.set()
            with self.changed:
                self.changed.notify_all()

    def _usual(self, connection, command):
        if command == "O":
            version, actions, _ = connection.offered or (6, ALL_ACTIONS, 0)
            ours = self.negotiation
            connection.steps = ours["steps"]
            asked = ours["actions"] & (actions | ~ALL_ACTIONS)     # those that nobody knows are not offered
            return offer(min(version, ours["version"]), asked, ours["steps"], ours["macros"])
        if connection.over or MUTE.get(command, 0) & connection.steps:
            return b""
        return CONTINUE

    def _say(self, connection, phase, payload, usual):
        """What the script has for this phase, as bytes."""
        with self.changed:
            said = self.script.get(phase, USUAL)
            if isinstance(said, list):
                said = said.pop(0) if said else USUAL
        while callable(said):
            said = said(connection, payload)
        if isinstance(said, threading.Event):
            said.wait(60)
            said = USUAL
        if said is None:
            raise Gone
        return usual if said is USUAL else said
