# SPDX-License-Identifier: BSD-2-Clause
"""A private MIT KDC with one realm, users by password and services by keytab."""
import os
import subprocess

from rig import ground

REALM = "EXAMPLE.ORG"

CLIENT = """
[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
 default_ccache_name = FILE:{path}/cache
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 .example.org = {realm}
"""

SERVER = """
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {path}/principal
  key_stash_file = {path}/stash
  acl_file = {path}/acl
 }}
[logging]
 kdc = STDERR
"""


def missing():
    """Why there can be no KDC here; None if there can."""
    for name in ("krb5kdc", "kadmin.local", "kdb5_util", "kinit"):
        if not ground.find_program(name):
            return f"{name} is not installed"
    return None


class Kdc:
    """`environment` is what clients and services need to use it."""

    def __init__(self):
        self.path = ground.folder("kdc")
        self.port = ground.free_port()
        filled = {"path": self.path, "port": self.port, "realm": REALM}
        client = ground.write(os.path.join(self.path, "krb5.conf"), CLIENT.format(**filled), 0o644)
        server = ground.write(os.path.join(self.path, "kdc.conf"), SERVER.format(**filled))
        self.environment = {"KRB5_CONFIG": client, "KRB5_KDC_PROFILE": server,
                            "KRB5CCNAME": f"FILE:{self.path}/cache", "KRB5RCACHENAME": "none:"}
        self.program = None
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "masterpw")

    def _run(self, name, *arguments, stdin=None):
        subprocess.run([ground.find_program(name), *arguments], input=stdin, check=True,
                       capture_output=True, text=True, cwd="/",
                       env={**os.environ, **self.environment}, **ground.as_user())

    def add_user(self, name, password):
        self._run("kadmin.local", "-q", f"addprinc -pw {password} {name}")

    def add_service(self, name):
        """The keytab of a new service principal such as smtp/mail.example.org."""
        keytab = os.path.join(self.path, name.replace("/", "-") + ".keytab")
        self._run("kadmin.local", "-q", f"addprinc -randkey {name}")
        self._run("kadmin.local", "-q", f"ktadd -k {keytab} {name}")
        return keytab

    def login(self, name, password):
        """Fills the credential cache, as kinit does."""
        self._run("kinit", name, stdin=password + "\n")

    def start(self):
        self.program = ground.Program(
            [ground.find_program("krb5kdc"), "-n", "-P", f"{self.path}/pid"], self.environment)
        self.program.wait_for_line(lambda line: "commencing operation" in line, 15, "start of the KDC")
        return self

    def stop(self):
        if self.program:
            self.program.stop()
        ground.remove(self.path)
