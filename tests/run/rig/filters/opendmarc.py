# SPDX-License-Identifier: BSD-2-Clause
"""A private OpenDMARC, which asks no name server but the one it is given."""
from rig.filters import private, recipe


def missing():
    return private.missing("opendmarc")


class OpenDmarc(private.Filter):
    name = "opendmarc"

    def __init__(self, unix=False, changes=(), records=""):
        """records: lines "NAME TEXT", all of DNS that it sees."""
        super().__init__(unix)
        socket = f"local:{self.path}/socket" if unix else f"inet:{self.port}@127.0.0.1"
        edits = {"inet:8893@127.0.0.1": socket, "UserID": None, "PidFile": None, "Syslog ": None,
                 "PublicSuffixList": None, **dict(changes)}
        self.config = self.write("opendmarc.conf", recipe.text("/etc/opendmarc.conf", edits)
                                 + f'TestDNSData {self.write("records", records)}\n')

    def start(self):
        self._start(["opendmarc", "-f", "-c", self.config])
        return self

    def section(self, name="opendmarc"):
        return recipe.text("sallyport.conf, OpenDMARC", {'"opendmarc"': f'"{name}"',
                                                         "inet:127.0.0.1:8893": self.address})
