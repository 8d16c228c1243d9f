# SPDX-License-Identifier: BSD-2-Clause
"""The two servers of a benchmark, set up alike: same certificate, same next hop, both sync their queue."""
import os
import pwd
import select
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))

from rig import ground, postfix
from rig.deadline import until
from rig.sallyport import Sallyport

USER, PASSWORD = "alice", "alicepw"
SENDER, RECIPIENT = "alice@example.org", "user@example.net"

# As far as Postfix can be tuned without giving up what it promises.
MAIN = """
compatibility_level = 3.6
queue_directory = {path}/queue
data_directory = {path}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {path}
maillog_file = {path}/log
myhostname = mail.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_tls_session_cache_database =
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
relayhost = [127.0.0.1]:{sink}
smtp_tls_security_level = none
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
default_process_limit = 1200
in_flow_delay = 0
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
default_destination_concurrency_limit = 50
initial_destination_concurrency = 50
message_size_limit = 20000000
"""
SMTPD = """pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {path}/config/sasl/sasldb2
mech_list: PLAIN
"""


def cpu_of(pids):
    """CPU seconds of these processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def tree_of(root):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii") as stat:
                    parent = int(stat.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo.extend(children.get(pid, ()))
    return found


def memory_of(pids):
    """Proportional set size in KiB."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
                total += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        except OSError:
            continue
    return total


class Sink:
    """Postfix's smtp-sink, which counts what it has taken."""

    def __init__(self):
        self.port = ground.free_port()
        self.process = subprocess.Popen(
            [ground.find_program("smtp-sink"), *(["-u", "nobody"] if ground.IS_ROOT else []), "-c",
             f"127.0.0.1:{self.port}", "1000"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            bufsize=0)
        self.seen = b""
        until(lambda: ground.accepts(self.port), 10, lambda: "smtp-sink accepts")
        os.set_blocking(self.process.stdout.fileno(), False)

    def count(self):
        """Messages so far."""
        while True:
            piece = self.process.stdout.read(65536)
            if not piece:
                break
            self.seen = (self.seen + piece)[-4096:]
        last = self.seen.rpartition(b"mesg=")[2].split()
        return int(last[0]) if last and last[0].isdigit() else 0

    def wait(self, seconds):
        """Until it says something, or the time is over."""
        select.select([self.process.stdout], [], [], seconds)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Gate:
    """Sallyport. policies: more listeners in clear, each with the policy of its name; extra: ends the configuration."""
    name = "Sallyport"

    def __init__(self, certificate, sink_port, policies=(), extra=""):
        limits = {"connections-per-address": "2000", "connections-before-login": "2000",
                  "connections": "2000", "message-size": "20M"}
        few = {name: "100" if name.startswith("connections") else value for name, value in limits.items()}

        def clear(limits):
            return "\n".join(["protocol = smtp", 'address = { "127.0.0.1:0" }', "tls = none", "login = off"] +
                             [f"{name} = {value}" for name, value in limits.items()] +
                             ['permit "network:127.0.0.0/8" {'
                              " rights = { submit, relay, any-sender, own-domain-sender } }"])
        self.server = Sallyport(
            listeners={"submission": {"tls": "starttls", **limits}, "submissions": None, "clear": clear(limits),
                       **{name: f'{clear(few)}\npolicy = "{name}"' for name in policies}}, extra=extra,
            routes={"*": {"to": f'"smtp:127.0.0.1:{sink_port}"', "tls": "none"}},
            certificates=[certificate], log={"format": "text", "level": "info"},
            limits={"messages-per-hour": "0", "recipients-per-hour": "0", "connections-per-login": "0"})
        self.server.start()
        self.tls_port = self.server.address("submission")[1]
        self.clear_port = self.server.address("clear")[1]

    def pids(self):
        return tree_of(self.server.process.pid)

    def stop(self):
        self.server.stop()


class Peer:
    """Postfix. services: more lines of master.cf; settings: of main.cf."""
    name = "Postfix"

    def __init__(self, certificate, sink_port, services="", settings=""):
        self.path = ground.folder("bench-postfix")
        os.chmod(self.path, 0o755)
        os.chown(self.path, 0, 0)
        self.port = ground.free_port()
        for name in ("config", "config/sasl", "queue", "data"):
            os.mkdir(os.path.join(self.path, name), 0o755)
        os.chown(os.path.join(self.path, "data"), pwd.getpwnam("postfix").pw_uid, 0)
        self._write("config/main.cf", MAIN.format(path=self.path, certificate=certificate[0],
                                                  key=certificate[1], sink=sink_port) + settings)
        self._write("config/master.cf", postfix.MASTER.format(
            services=f"127.0.0.1:{self.port} inet n - n - - smtpd\n{services}"))
        # Debian's build looks in "sasl" beside main.cf.
        self._write("config/sasl/smtpd.conf", SMTPD.format(path=self.path))
        database = os.path.join(self.path, "config", "sasl", "sasldb2")
        subprocess.run([ground.find_program("saslpasswd2"), "-p", "-c", "-f", database, "-u",
                        "mail.example.org", USER], input=PASSWORD.encode(), check=True)
        shutil.chown(database, "postfix")
        self.program = ground.Program(
            [ground.find_program("postfix"), "-c", os.path.join(self.path, "config"), "start-fg"],
            root=True)
        ground.wait_until_accepts(self.port, self.program, 30)
        self.tls_port = self.clear_port = self.port

    def _write(self, name, text):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as out:
            out.write(text)

    def pids(self):
        return tree_of(self.program.process.pid)

    def stop(self):
        self.program.stop(seconds=15)
        ground.remove(self.path)
