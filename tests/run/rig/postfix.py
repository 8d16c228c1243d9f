# SPDX-License-Identifier: BSD-2-Clause
"""A private Postfix as smarthost: TLS, AUTH by a private Dovecot, everything on to one next hop."""
import os
import pwd
import re
import signal
import subprocess

from rig import ground

MAIN = """
compatibility_level = 3.6
queue_directory = {path}/queue
data_directory = {path}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {path}
maillog_file = {path}/log
myhostname = smarthost.example.net
mydestination =
mynetworks = 127.0.0.255/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = {tls}
smtpd_tls_auth_only = {tls_only}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth_port}
relayhost = {next_hop}
smtp_tls_security_level = none
"""

MASTER = """
{services}
postlog   unix-dgram n  -       n       -       1       postlogd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
"""


def missing():
    """Why there can be no Postfix here; None if there can."""
    if not ground.find_program("postfix"):
        return "postfix is not installed"
    if not ground.IS_ROOT:
        return "a private Postfix needs root"
    return None


def with_more(text, more):
    """
    The lines of text that more does not set, and more. postlogd warns of a parameter that stands twice by writing
    to its own socket, and where that is full by then it waits for itself, and all others for it.
    """
    names = set(re.findall(r"(?m)^(\w+) *=", more))
    return "".join(line for line in text.splitlines(True) if line.split(" ")[0] not in names) + more


class Postfix:
    """
    Listens on `port` (STARTTLS) and `tls_port` (TLS from the first byte), and on `ports[name]` for each of
    services: name -> its options in master.cf. more: lines for main.cf.
    """

    def __init__(self, certificate, auth_port, next_hop, tls="may", tls_only="yes", services=None, more=""):
        self.path = ground.folder("postfix")
        os.chmod(self.path, 0o755)
        os.chown(self.path, 0, 0)
        self.port, self.tls_port = ground.free_port(), ground.free_port()
        for name in ("config", "queue", "data"):
            os.mkdir(os.path.join(self.path, name), 0o755)
        os.chown(os.path.join(self.path, "data"), pwd.getpwnam("postfix").pw_uid, 0)
        self.config = os.path.join(self.path, "config")
        self._write("main.cf", with_more(MAIN.format(
            path=self.path, certificate=certificate[0], key=certificate[1], auth_port=auth_port,
            next_hop=next_hop, tls=tls, tls_only=tls_only), more))
        self.ports = {name: ground.free_port() for name in services or {}}
        self._write("master.cf", MASTER.format(services="\n".join([
            f"127.0.0.1:{self.port} inet n - n - - smtpd",
            f"127.0.0.1:{self.tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes",
            *(f"127.0.0.1:{port} inet n - n - - smtpd {services[name]}" for name, port in self.ports.items())])))
        self.program = None

    def _write(self, name, text):
        path = os.path.join(self.config, name)
        with open(path, "w", encoding="ascii") as out:
            out.write(text)
        os.chmod(path, 0o644)

    def start(self):
        self.program = ground.Program(
            [ground.find_program("postfix"), "-c", self.config, "start-fg"], root=True)
        # They are bound one after the other.
        ground.wait_until_accepts([self.tls_port, *self.ports.values()][-1], self.program, 30)
        return self

    def held(self):
        """Queue ids of what was put on hold."""
        return [name for _, _, names in os.walk(os.path.join(self.path, "queue", "hold")) for name in names]

    def log(self):
        with open(os.path.join(self.path, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def _kill(self):
        """One that does not hear any more: master and all in its group."""
        with open(os.path.join(self.path, "queue", "pid", "master.pid"), encoding="ascii") as pid:
            os.killpg(int(pid.read()), signal.SIGKILL)

    def stop(self):
        if self.program:
            try:
                subprocess.run([ground.find_program("postfix"), "-c", self.config, "stop"],
                               capture_output=True, check=False, timeout=60)
            except subprocess.TimeoutExpired:
                self._kill()
            self.program.stop(seconds=15)
        ground.remove(self.path)
