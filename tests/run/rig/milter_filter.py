# SPDX-License-Identifier: BSD-2-Clause
"""sallyport-milter under test: a configuration of its own or of the daemon, its log read as events."""
import json
import os
import signal
import subprocess

import pytest

from rig import ground
from rig.milter_mta import Mta
from rig.sallyport import REPORTS

HEAD = """hostname = "mail.example.org"
authoritative-domains = { "example.org" }
permit "authenticated" { rights = { submit, relay } }
log { format = json }
"""


def need():
    if not os.path.exists(os.path.join(ground.PROGRAMS, "sallyport-milter")):
        pytest.skip("sallyport-milter is not built: libmilter is missing")


class Filter:
    """text: the configuration; {path} in it is a folder of the filter's own, {socket} where it listens."""

    def __init__(self, text, socket=None, config=None):
        need()
        self.path = ground.folder("filter")
        os.chmod(self.path, 0o755)
        self.socket = socket or f"{self.path}/milter.sock"
        self.config = config or f"{self.path}/sallyport-milter.conf"
        if config is None:
            self.write(text)
        self.program = None

    def write(self, text):
        ground.write(self.config, text.replace("{path}", self.path).replace("{socket}", self.address), 0o644)

    @property
    def address(self):
        return f"unix:{self.socket}" if isinstance(self.socket, str) else f"{self.socket[0]}:{self.socket[1]}"

    def start(self):
        self.program = ground.Program([ground.program("sallyport-milter"), "-f", "-c", self.config])
        self.wait_for_event("filter.started")
        return self

    def mta(self, **offer):
        return Mta(self.socket, **offer)

    def events(self):
        found = []
        for line in list(self.program.lines):
            if line.startswith("{"):
                found.append(json.loads(line))
        return found

    def decision(self, number, seconds=15):
        """The event that tells what was decided of the message with this queue id."""
        line = self.program.wait_for_line(
            lambda line: f'"id":"{number}"' in line and ('"filter.refused"' in line or '"filter.passed"' in line),
            seconds, f"decision of {number}")
        return json.loads(line)

    def wait_for_event(self, name, seconds=15, start=0, **fields):
        def found():
            for event in self.events()[start:]:
                if event["event"] == name and all(event.get(key) == value for key, value in fields.items()):
                    return event
            return None
        self.program.wait_for_line(lambda _: found() is not None, seconds, f"{name} {fields}")
        return found()

    def reload(self, name="filter.reloaded"):
        start = len(self.events())
        self.program.process.send_signal(signal.SIGHUP)
        return self.wait_for_event(name, start=start)

    def ask(self, *arguments):
        """sallyport-milter ARGUMENTS -c FILE; the finished process."""
        return subprocess.run([ground.program("sallyport-milter"), "-c", self.config, *arguments], capture_output=True,
                              text=True, timeout=30, cwd="/", check=False, **ground.as_user())

    def stop(self):
        """Ends it and judges its whole life."""
        if self.program:
            code = self.program.stop()
            reports = [line for line in self.program.lines if any(word in line for word in REPORTS)]
            ground.remove(self.path)
            assert not reports, self.program.tail(200)
            assert code == 0, (code, self.program.tail())
        ground.remove(self.path)
