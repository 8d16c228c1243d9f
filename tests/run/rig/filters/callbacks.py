# SPDX-License-Identifier: BSD-2-Clause
"""The two filters that do what the mail says, one on libmilter, one on pymilter; their words: obedient_filter.c."""
import os
import shutil
import struct

from rig import ground
from rig.deadline import PATIENCE, until
from rig.filters import private

ACTIONS = ("continue", "accept", "reject", "tempfail", "discard", "skip", "reply", "lines", "close")
# A negotiation, which offers what Sallyport does but for the first of the steps.
KNOCK, KNOCKED = struct.pack("!IcIII", 13, b"O", 6, 0x1ff, 0x1ffffe), "negotiate 1ff 1ffffe"
BUILT = os.path.join(ground.BUILD, "tests", "fake", "obedient_filter")
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "obedient.py")


def missing(kind):
    if kind == "libmilter":
        return None if os.path.exists(BUILT) else "tests/fake/obedient_filter is not built"
    if not os.path.exists("/usr/bin/python3"):
        return "there is no /usr/bin/python3"
    return None if os.path.exists("/usr/lib/python3/dist-packages/Milter") else "python3-milter is not installed"


class Obedient(private.Filter):
    """
    kind: "libmilter" or "pymilter". field: of the header, what it obeys. quiet: needs to give no replies before the
    end; leading_space: wants header values as they are; macros: wants these at MAIL, no others. mute (libmilter
    alone): does not tell what it saw.
    """
    name = "obedient"

    def __init__(self, kind, unix=False, field="X-Do", quiet=False, leading_space=False, macros=None,
                 mute=False):
        super().__init__(unix)
        built = BUILT if kind == "libmilter" else SCRIPT
        self.program = shutil.copy(built, self.path)     # the tree may be closed to the user of the peers
        os.chmod(self.program, 0o755)
        address = self.address if unix else f"inet:{self.port}@127.0.0.1"
        self.argv = [self.program] if kind == "libmilter" else ["/usr/bin/python3", "-B", self.program]
        self.argv += ["-p", address, "-n", field, *(["-l"] if leading_space else []), *(["-q"] if quiet else []),
                      *(["-s", macros] if macros else []), *(["-m"] if mute else [])]
        self.log = None

    def start(self):
        self.log = self._start(self.argv)
        return self

    def section(self, name="obedient", settings=""):
        return f'milter "{name}" {{\n\taddress = "{self.address}"\n{settings}}}\n'

    # --- what it saw: lines such as "mail <alice@example.org> SIZE=100"

    def mark(self):
        """How much it has said so far."""
        return len(self.log.lines)

    def since(self, mark):
        return list(self.log.lines)[mark:]

    def settle(self, mark):
        """
        Until all that was connected since the mark is told of, to its end: what comes late would pass for another
        test's. What it said before it answers a knock is read once the knock is; the ends are waited for.
        """
        with private.connect(self.address) as knock:
            knock.sendall(KNOCK)
            assert knock.recv(4096)

        def settled():
            saw = self.since(mark)
            return KNOCKED in saw and saw.count("close") == len([line for line in saw if line.startswith("connect")])
        until(settled, 10, lambda: "\n".join(self.since(mark)))

    def wait_for(self, line, mark=0, seconds=10):
        """The first line after the mark that begins so."""
        with self.log.changed:
            def look():
                return [found for found in self.since(mark) if found.startswith(line)]
            if not self.log.changed.wait_for(look, PATIENCE * seconds):
                raise AssertionError(f"no {line!r} since {mark}:\n" + "\n".join(self.since(mark)))
            return look()[0]
