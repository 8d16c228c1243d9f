# SPDX-License-Identifier: BSD-2-Clause
"""What all private filters have in common: a folder, programs, an address where they listen."""
import os
import signal
import socket

from rig import ground
from rig.deadline import until


def missing(*programs):
    """Why these cannot run here; None if they can."""
    for program in programs:
        if not ground.find_program(program):
            return f"{program} is not installed"
    return None


def connect(address):
    """A connection to "inet:127.0.0.1:25" or "unix:/path"."""
    kind, _, place = address.partition(":")
    connected = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
    connected.settimeout(10)
    try:
        connected.connect(place if kind == "unix" else ("127.0.0.1", int(place.rpartition(":")[2])))
    except OSError:
        connected.close()
        raise
    return connected


def listens(address):
    """Does somebody accept there?"""
    try:
        connect(address).close()
        return True
    except OSError:
        return False


class Filter:
    """
    `address` is as Sallyport writes it. With unix a socket in the filter's folder. `section` is what
    the page recommends for sallyport.conf, with this address.
    """
    name = None       # of its milter section
    title = None      # of the sallyport.conf in the page

    def __init__(self, unix=False):
        self.path = ground.folder(self.name)
        self.unix = unix
        self.port = None if unix else ground.free_port()
        self.address = f"unix:{self.path}/socket" if unix else f"inet:127.0.0.1:{self.port}"
        self.programs = []

    def _start(self, argv, listens_at=None, seconds=15, environment=None):
        """Runs a program until it accepts; the address of the filter where no other is given."""
        program = ground.Program([ground.find_program(argv[0]) or argv[0], *argv[1:]], environment)
        self.programs.append(program)

        def accepting():
            assert program.process.poll() is None, f"{program.name} ended:\n{program.tail()}"
            return listens(listens_at or self.address)
        until(accepting, seconds, lambda: f"{program.name} accepts\n{program.tail()}")
        return program

    def stop(self):
        """At once: they hold nothing that would be missed, and libmilter takes seconds to end by itself."""
        for program in reversed(self.programs):
            try:
                os.killpg(program.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            program.process.wait()
        self.programs = []
        ground.remove(self.path)

    def pids(self):
        return [program.process.pid for program in self.programs]

    def kill(self):
        """The filter itself, at once; what it needs stays."""
        self.programs[-1].process.kill()
        self.programs[-1].process.wait()

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        ground.give(os.path.dirname(path))
        return ground.write(path, text, mode)
