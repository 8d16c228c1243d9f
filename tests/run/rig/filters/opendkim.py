# SPDX-License-Identifier: BSD-2-Clause
"""A private OpenDKIM with a key of its own; and a verifier that owes it nothing: dkimpy."""
import base64
import os
import subprocess

from rig import ground
from rig.filters import private, recipe

try:
    import dkim
except ImportError:
    dkim = None

DOMAIN, SELECTOR = "example.org", "mail"


def missing(verifier=True):
    """Why there can be none here, and nobody who verifies; None if there can."""
    return private.missing("opendkim", "openssl") or (
        "python3-dkim is not installed" if verifier and not dkim else None)


class OpenDkim(private.Filter):
    """canonicalization: as opendkim.conf has it; changes: to the recipe; extra: lines more."""
    name = "opendkim"

    def __init__(self, canonicalization=None, unix=False, changes=(), extra=""):
        super().__init__(unix)
        self.key = key = os.path.join(self.path, "key")
        subprocess.run([ground.find_program("openssl"), "genrsa", "-traditional", "-out", key, "2048"], check=True,
                       capture_output=True)
        ground.give(key)
        public = subprocess.run([ground.find_program("openssl"), "rsa", "-in", key, "-pubout", "-outform", "DER"],
                                check=True, capture_output=True).stdout
        self.record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
        socket = f"local:{self.path}/socket" if unix else f"inet:{self.port}@127.0.0.1"
        edits = {"inet:8891@127.0.0.1": socket, "/etc/dkimkeys/mail.private": key, "UserID": None, "PidFile": None,
                 "Syslog  ": None, "SyslogSuccess": None, **dict(changes)}
        if canonicalization:
            edits["relaxed/relaxed"] = canonicalization
        self.config = self.write("opendkim.conf", recipe.text("/etc/opendkim.conf", edits)
                                 + "RequireSafeKeys no\n" + extra)   # /tmp is everybody's

    def start(self):
        self._start(["opendkim", "-f", "-x", self.config])
        return self

    def section(self, name="opendkim"):
        return recipe.text("sallyport.conf, OpenDKIM", {'"opendkim"': f'"{name}"',
                                                        "inet:127.0.0.1:8891": self.address})

    def answer(self, name, timeout=5):
        """What DNS would say, for dkimpy."""
        name = name.decode() if isinstance(name, bytes) else name
        return self.record if name.rstrip(".") == f"{SELECTOR}._domainkey.{DOMAIN}" else None

    def verifies(self, message):
        """Is the first signature of these bytes good?"""
        return dkim.DKIM(message).verify(dnsfunc=self.answer)


class Verifier(private.Filter):
    """An OpenDKIM that signs nothing. records: lines "NAME TEXT", all keys that it sees."""
    name = "verifier"

    def __init__(self, records):
        super().__init__()
        edits = {"inet:8892@127.0.0.1": f"inet:{self.port}@127.0.0.1", "UserID": None, "PidFile": None, "Syslog ": None}
        self.config = self.write("opendkim.conf", recipe.text("/etc/opendkim-verify.conf", edits)
                                 + f'TestPublicKeys {self.write("records", records)}\n')

    def start(self):
        self._start(["opendkim", "-f", "-x", self.config])
        return self

    def section(self, behind):
        """With the policy "strangers", in which the filter `behind` reads what this one has found."""
        return recipe.text("sallyport.conf, the OpenDKIM that verifies", {
            "inet:127.0.0.1:8892": self.address, '"opendmarc"': f'"{behind}"'})
