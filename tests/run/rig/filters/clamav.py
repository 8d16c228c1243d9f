# SPDX-License-Identifier: BSD-2-Clause
"""A private clamav-milter and clamd, who know one signature: a word of our own. No updates, no network."""
from rig.filters import private, recipe

BAD_WORD = b"SALLYPORT-TEST-SIGNATURE-" + b"7c1f0a"    # never a whole word in a file of ours


def missing():
    return private.missing("clamav-milter", "clamd")


class ClamAv(private.Filter):
    name = "clamav"

    def __init__(self, unix=False, changes=()):
        super().__init__(unix)
        self.clamd = f"{self.path}/clamd"
        self.write("db/test.ndb", f"Sallyport.Test:0:*:{BAD_WORD.hex()}\n")
        self.daemon_config = self.write("clamd.conf", recipe.text("/etc/clamav/clamd.conf", {
            "/run/clamav/clamd.ctl": self.clamd, "User ": None, "/var/lib/clamav": f"{self.path}/db",
            "LogSyslog": None}) + "Foreground yes\n")
        socket = f"unix:{self.path}/socket" if unix else f"inet:{self.port}@127.0.0.1"
        edits = {"inet:7357@127.0.0.1": socket, "/run/clamav/clamd.ctl": self.clamd, "User ": None, "LogSyslog": None,
                 "/tmp\n": self.path + "\n", **dict(changes)}
        self.config = self.write("clamav-milter.conf", recipe.text("/etc/clamav/clamav-milter.conf", edits)
                                 + "Foreground yes\n")

    def start(self):
        self._start(["clamd", "-c", self.daemon_config], f"unix:{self.clamd}", 30)
        self._start(["clamav-milter", "-c", self.config])
        return self

    def section(self, name="clamav"):
        return recipe.text("sallyport.conf, clamav-milter", {'"clamav"': f'"{name}"',
                                                             "inet:127.0.0.1:7357": self.address})
