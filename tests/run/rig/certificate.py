# SPDX-License-Identifier: BSD-2-Clause
"""An authority of our own, and server certificates of every shape a test wants."""
import os
import subprocess

from rig import ground


def _openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def _alternative(name):
    return ("IP:" if name.replace(".", "").isdigit() else "DNS:") + name


class Authority:
    """Signs certificates into its folder; `trust` is the file to trust it by."""

    def __init__(self, path):
        self.path = path
        self.trust = os.path.join(path, "authority.pem")
        self.key = os.path.join(path, "authority.key")
        self.serial = 1
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-subj", "/CN=Sallyport test authority", "-days", "30",
                 "-addext", "basicConstraints=critical,CA:TRUE",
                 "-keyout", self.key, "-out", self.trust)
        os.chmod(self.trust, 0o644)

    def issue(self, name, names=None, kind="ecdsa", days=20, client=False):
        """(certificate, key) paths; kind is "ecdsa" or "rsa"; names are SANs: *.x and IPv4 too."""
        base = os.path.join(self.path, name.replace("*", "any") + "-" + kind + f"-{self.serial}")
        names = names or [name]
        algorithm = (["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ecdsa"
                     else ["rsa:2048"])
        _openssl("req", "-newkey", *algorithm, "-nodes", "-subj", f"/CN={name}",
                 "-keyout", base + ".key", "-out", base + ".csr")
        purpose = "clientAuth" if client else "serverAuth"
        with open(base + ".ext", "w", encoding="ascii") as out:
            out.write("subjectAltName=" + ",".join(map(_alternative, names)) + "\n"
                      f"extendedKeyUsage={purpose}\nkeyUsage=digitalSignature\n")
        self.serial += 1
        _openssl("x509", "-req", "-in", base + ".csr", "-CA", self.trust, "-CAkey", self.key,
                 "-set_serial", str(self.serial), "-days", str(days), "-extfile", base + ".ext",
                 "-out", base + ".pem")
        for suffix in (".pem", ".key"):
            os.chmod(base + suffix, 0o600)
            ground.give(base + suffix)
        return base + ".pem", base + ".key"
