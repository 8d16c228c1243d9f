# SPDX-License-Identifier: BSD-2-Clause
"""Postfix, Exim and OpenSMTPD behind the face that a storm knows; see compare.py."""
import ctypes
import glob
import json
import os
import pwd
import re
import shutil
import signal
import subprocess

from rig import ground, postfix
from server import Server, kill_all, until
from volume import run, work_folder

PR_SET_CHILD_SUBREAPER = 36
# What Debian cannot install beside Postfix: fetched, and unpacked where only this process sees it.
PACKAGES = ("exim4-daemon-light", "exim4-base", "opensmtpd")
PROGRAMS = ("exim4", "smtpd", "smtpctl")
USERS = {"Debian-exim": 64901, "opensmtpd": 64902, "opensmtpq": 64903}
OVERLAID = ("etc", "usr", "var")


def fetch_packages():
    """The folder with what could be fetched; to be removed in the end."""
    folder = work_folder("packages")
    subprocess.run(["apt-get", "-q", "download", *PACKAGES], cwd=folder, capture_output=True, check=False)
    return folder


def unpack_packages(folder):
    """Exim and OpenSMTPD with their users, over this namespace's folders; nothing on the disk changes."""
    root = os.path.join(folder, "root")
    os.mkdir(root)
    for archive in glob.glob(os.path.join(folder, "*.deb")):
        run("dpkg-deb", "-x", archive, root)
    for name in OVERLAID:
        upper, work = (os.path.join(folder, name + suffix) for suffix in ("-upper", "-work"))
        os.mkdir(upper)
        os.mkdir(work)
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir=/{name},upperdir={upper},workdir={work}", f"/{name}")
    for program in filter(os.path.exists, (os.path.join(root, "usr/sbin", name) for name in PROGRAMS)):
        shutil.copy2(program, "/usr/sbin")
    run("mount", "-t", "tmpfs", "peers", "/run")
    for name, number in USERS.items():
        with open("/etc/passwd", "a", encoding="ascii") as users:
            users.write(f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n")
        with open("/etc/group", "a", encoding="ascii") as groups:
            groups.write(f"{name}:x:{number}:\n")
    if os.path.exists("/usr/sbin/smtpctl"):     # as its installation would do it
        os.chown("/usr/sbin/smtpctl", 0, USERS["opensmtpq"])
        os.chmod("/usr/sbin/smtpctl", 0o2755)


def parents():
    """pid -> its parent, of every process."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as stat:
                    found[int(entry)] = int(stat.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
    return found


class Peer(Server):
    """Knows its processes by descent: what loses its parent becomes a child of this process."""

    def __init__(self, folder):
        super().__init__()
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.others = {pid for pid, parent in parents().items() if parent == os.getpid()}
        self.path = ground.folder("peer")
        os.chmod(self.path, 0o755)
        os.chown(self.path, 0, 0)
        self.state = os.path.join(folder, "state")
        os.mkdir(self.state, 0o755)
        self.ports = {"trusted": ground.free_port()}
        self.log = os.path.join(self.path, "said")

    def command(self):
        """What is started, and stays in the foreground."""
        raise NotImplementedError

    def start(self):
        with open(self.log, "ab") as log:
            subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                             cwd="/", start_new_session=True)
        until(lambda: ground.accepts(self.ports["trusted"]), 30, self.story)

    def pids(self, target):
        known = parents()
        found, todo = [], [pid for pid, parent in known.items()
                           if parent == os.getpid() and pid not in self.others]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo.extend(child for child, parent in known.items() if parent == pid)
        return found

    def _are_gone(self, sig):
        pids = self.pids("all")
        if sig:
            kill_all(pids)
        for pid in pids:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass    # a grandchild, for now
        return not pids

    def cut(self):
        until(lambda: self._are_gone(signal.SIGKILL), 20, "every process has ended")

    def stop(self):
        for pid in self.pids("all"):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        try:
            until(lambda: self._are_gone(None), 10, "every process has ended")
        except AssertionError:
            self.cut()

    def story(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                return "".join(log.readlines()[-40:])
        except FileNotFoundError:
            return ""

    def discard(self):
        self.cut()
        ground.remove(self.path)

    def ask(self, *argv):
        """What a program of it prints; None if it fails, or waits for ever for an answer."""
        try:
            done = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=10, check=False)
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None


POSTFIX = """
compatibility_level = 3.6
queue_directory = {state}
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
smtpd_relay_restrictions = permit_mynetworks, reject
relayhost = [127.0.0.1]:{hop}
smtp_tls_security_level = none
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
in_flow_delay = 0
default_destination_concurrency_limit = 10
initial_destination_concurrency = 10
default_destination_concurrency_failed_cohort_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
"""


class Postfix(Peer):
    name = "postfix"

    def __init__(self, hop, folder):
        super().__init__(folder)
        for name in ("config", "data"):
            os.mkdir(os.path.join(self.path, name), 0o755)
        os.chown(os.path.join(self.path, "data"), pwd.getpwnam("postfix").pw_uid, 0)
        self.config = os.path.join(self.path, "config")
        services = f"127.0.0.1:{self.ports['trusted']} inet n - n - - smtpd"
        master = postfix.MASTER.format(services=services).replace("300     1       qmgr", "1 1 qmgr")
        for name, text in (("main.cf", POSTFIX.format(state=self.state, path=self.path, hop=hop)),
                           ("master.cf", master)):
            with open(os.path.join(self.config, name), "w", encoding="ascii") as out:
                out.write(text)
        # Its programs open it as different users.
        ground.write(os.path.join(self.path, "log"), "", 0o666)
        os.chmod(os.path.join(self.path, "log"), 0o666)

    def command(self):
        return [ground.find_program("postfix"), "-c", self.config, "start-fg"]

    def queued(self):
        told = self.ask(ground.find_program("postqueue"), "-c", self.config, "-j")
        if told is None:
            return None
        return [[recipient["address"] for recipient in json.loads(line)["recipients"]]
                for line in told.splitlines()]

    def version(self):
        return self.ask("postconf", "-h", "mail_version").strip()


EXIM = """
primary_hostname = mail.example.org
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
spool_directory = {state}
log_file_path = {path}/%slog
acl_smtp_rcpt = accept
acl_smtp_data = accept
dsn_advertise_hosts = *
tls_advertise_hosts =
smtp_accept_max = 100
smtp_accept_queue = 0
smtp_accept_queue_per_connection = 0
queue_run_max = 10
hosts_connection_nolog = *
rfc1413_query_timeout = 0s
begin routers
hop:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = hop
begin transports
hop:
  driver = smtp
  port = {hop}
  allow_localhost
  hosts_avoid_tls = *
begin retry
* * F,1h,1s
"""


class Exim(Peer):
    """Delivers each message at once, in a process of its own."""
    name = "exim"

    def __init__(self, hop, folder):
        super().__init__(folder)
        user = USERS["Debian-exim"]
        for path in (self.state, self.path):
            os.chown(path, user, user)
        os.makedirs("/etc/exim4", exist_ok=True)
        with open("/etc/exim4/exim4.conf", "w", encoding="ascii") as config:
            config.write(EXIM.format(port=self.ports["trusted"], state=self.state, path=self.path, hop=hop))
        os.chmod("/etc/exim4/exim4.conf", 0o644)

    def command(self):
        return ["/usr/sbin/exim4", "-bdf", "-q1s"]

    def queued(self):
        told = self.ask("/usr/sbin/exim4", "-bp")
        if told is None:
            return None
        waiting = []
        for line in told.splitlines():
            if re.match(r" *\d+[mhdw] ", line):
                waiting.append([])
            elif line.startswith("          ") and waiting:     # "        D " marks those who have it
                waiting[-1].append(line.strip())
        return waiting

    def version(self):
        return re.search(r"version ([\d.]+)", self.ask("/usr/sbin/exim4", "-bV")).group(1)


OPENSMTPD = """
listen on 127.0.0.1 port {port} hostname mail.example.org
action "hop" relay host smtp://127.0.0.1:{hop}
match from any for any action "hop"
"""
OPENSMTPD_SPOOL = "/var/spool/smtpd"


class OpenSmtpd(Peer):
    """Its spool is where it was built to be: the state is mounted there."""
    name = "opensmtpd"

    def __init__(self, hop, folder):
        super().__init__(folder)
        os.makedirs(OPENSMTPD_SPOOL, exist_ok=True)
        os.makedirs("/var/lib/opensmtpd/empty", exist_ok=True)
        self.config = os.path.join(self.path, "smtpd.conf")
        with open(self.config, "w", encoding="ascii") as config:
            config.write(OPENSMTPD.format(port=self.ports["trusted"], hop=hop))

    def command(self):
        if not os.path.ismount(OPENSMTPD_SPOOL):
            run("mount", "--bind", self.state, OPENSMTPD_SPOOL)
            os.chmod(OPENSMTPD_SPOOL, 0o711)
        return ["/usr/sbin/smtpd", "-d", "-f", self.config]

    def cut(self):
        super().cut()
        if os.path.ismount(OPENSMTPD_SPOOL):
            run("umount", OPENSMTPD_SPOOL)

    def stop(self):
        super().stop()
        self.cut()

    def queued(self):
        self.ask("/usr/sbin/smtpctl", "schedule", "all")     # its first retry is minutes away
        told = self.ask("/usr/sbin/smtpctl", "show", "queue")
        return None if told is None else [[line.split("|")[5]] for line in told.splitlines()]

    def version(self):
        done = subprocess.run(["/usr/sbin/smtpd", "-h"], capture_output=True, text=True, check=False)
        return re.search(r"OpenSMTPD ([\w.]+)", done.stderr + done.stdout).group(1)


PEERS = {peer.name: peer for peer in (Postfix, Exim, OpenSmtpd)}


def missing(name):
    """Why this one cannot be run; None if it can. After unpack_packages()."""
    program = {"postfix": "postfix", "exim": "exim4", "opensmtpd": "smtpd"}[name]
    if not ground.find_program(program):
        return f"{program} is not installed, and cannot be fetched"
    return None
