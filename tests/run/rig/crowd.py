# SPDX-License-Identifier: BSD-2-Clause
"""Many clients at once, from many addresses, and what they cost the daemon."""
import resource
import selectors
import socket
import struct
import time

from rig import ground
from rig.deadline import Late
from rig.process import resident
from rig.sallyport import warm
from rig.wire import Closed, Wire

BEFORE_LOGIN_KIB = 128      # of one connection, whatever it sends


def descriptors(count):
    """Room for that many open files in this process; what there is of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def sources(count, each=25, net=180):
    """That many addresses, no more than `each` clients from one of them."""
    for number in range(count):
        host = number // each
        yield f"127.{net + host // 62500}.{host // 250 % 250 + 1}.{host % 250 + 1}"


def knock(address, source):
    """A plain connection: nothing is read and nothing said."""
    sock = socket.socket(socket.AF_INET)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.bind((source, 0))
    sock.settimeout(10)
    sock.connect(address)
    return sock


def slam(sock):
    """Closes by a reset, so that no port of ours waits."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def clients(gate, count, listener="submission", each=25, net=180, login=False, secure=False, seconds=20):
    """Wires that were greeted, are inside TLS, or have logged in."""
    wires = []
    for source in sources(count, each, net):
        if login:
            wires.append(gate.session(listener=listener, source=source, seconds=seconds))
        elif secure:
            wires.append(gate.secure(listener, source=source, seconds=seconds))
        else:
            wires.append(Wire(gate.address(listener), source, seconds))
            wires[-1].greet()
    return wires


def roomy(make_gate, sink):
    """A daemon with room for thousands of clients, grown to what it needs for some."""
    daemon = make_gate(routes={"*": sink.target}, log={"level": "info"},
                       listeners={name: {"tls": tls, "connections": "2500", "connections-before-login": "2000"}
                                  for name, tls in (("submission", "starttls"), ("submissions", "implicit"))})
    warm(daemon)
    close_all(clients(daemon, 40, secure=True, net=179))
    return daemon


def close_all(wires):
    for wire in wires:
        try:
            wire.reset()
        except OSError:
            pass


def cost_kib(gate, role="smtp"):
    """Proportional memory of all processes of a role; without root, their own anonymous memory."""
    return sum(memory_kib(pid) for pid in gate.pids(role))


def memory_kib(pid):
    if not ground.IS_ROOT:
        return resident(pid)
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


class Dripping:
    """Clients that send a few bytes now and then until the server has had enough."""

    def __init__(self, wires, data, each=None, pause_s=0.1):
        """What each sends at every pause: all of data, or that many of its bytes, one after the other."""
        self.wires = wires
        self.data = data
        self.each = each
        self.turn = 0
        self.pause_s = pause_s
        self.begin = time.monotonic()
        self.ended = {}     # wire -> seconds after the begin
        self.said = {}      # wire -> what the server said in its last moments

    def until_closed(self, seconds, meanwhile=lambda: None):
        """Every client is cut off within this time; meanwhile() is called at each pause."""
        selector = selectors.DefaultSelector()
        for wire in self.wires:
            self.said[wire] = b""
            selector.register(wire.socket, selectors.EVENT_READ, wire)
        end = self.begin + seconds
        while len(self.ended) < len(self.wires):
            if time.monotonic() > end:
                raise Late(f"{len(self.wires) - len(self.ended)} clients are still there after {seconds} s")
            turn = time.monotonic() + self.pause_s
            while (left := turn - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    self._read(selector, key.data)
            for wire in self.wires:
                if wire not in self.ended:
                    self._send(wire)
            self.turn += 1
            meanwhile()
        return self

    def _send(self, wire):
        data = self.data
        if self.each:
            data = data[self.turn * self.each:(self.turn + 1) * self.each]
        try:
            wire.send(data)
        except (OSError, Late):
            pass

    def _read(self, selector, wire):
        wire._fill(0)
        if wire.pending:
            self.said[wire] += wire.pending
            wire.pending = b""
        if wire.ended:
            selector.unregister(wire.socket)
            self.ended[wire] = time.monotonic() - self.begin


def served_within(gate, seconds, source="127.0.0.3", **options):
    """How long a client that means well waits for EHLO, TLS and a login; at most that long."""
    begin = time.monotonic()
    with gate.session(source=source, seconds=seconds, **options) as wire:
        wire.expect(250, b"NOOP")
    took = time.monotonic() - begin
    assert took < seconds, f"{took:.1f} s"
    return took


def code_of_greeting(sock):
    """The code of what the server says first; None if it closes instead."""
    try:
        data = sock.recv(512)
    except (OSError, Closed):
        return None
    return int(data[:3]) if data[:3].isdigit() else None
