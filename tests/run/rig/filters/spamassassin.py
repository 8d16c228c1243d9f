# SPDX-License-Identifier: BSD-2-Clause
"""A private spamass-milter and spamd, with the rules of the package and none of the network."""
import re
import shlex

from rig.filters import private, recipe


def missing():
    return private.missing("spamass-milter", "spamd", "spamc")


def options(title, name, changes):
    """One shell setting of the page, as its words."""
    return shlex.split(re.search(rf'(?m)^{name}="(.*)"$', recipe.text(title, changes)).group(1))


class SpamAssassin(private.Filter):
    """changes: to the options of spamass-milter."""
    name = "spamassassin"

    def __init__(self, unix=False, changes=()):
        super().__init__(unix)
        self.spamd = f"{self.path}/spamd"
        there = {"/run/spamd/spamd.sock": self.spamd}
        self.daemon = options("/etc/default/spamd", "OPTIONS", {**there, "--max-children 5": "--max-children 2"})
        self.milter = options("/etc/default/spamass-milter", "OPTIONS", {**there, **dict(changes)})
        self.socket = f"{self.path}/socket" if unix else f"inet:{self.port}@127.0.0.1"

    def start(self):
        home = {"HOME": self.path}
        daemon = self._start(["spamd", "--syslog=stderr", *self.daemon], f"unix:{self.spamd}", 40, home)
        daemon.wait_for_line(lambda line: "server started" in line, 40, "start of spamd")
        self._start(["spamass-milter", "-p", self.socket, *self.milter], environment=home)
        return self

    def pids(self):
        found = super().pids()
        for pid in list(found):
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
                found += [int(child) for child in children.read().split()]
        return found

    def section(self, name="spamassassin"):
        return recipe.text("sallyport.conf, SpamAssassin", {'"spamassassin"': f'"{name}"',
                                                            "inet:127.0.0.1:7358": self.address})
