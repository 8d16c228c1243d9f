# SPDX-License-Identifier: BSD-2-Clause
"""What `./bootstrap run` shows: a private mail system on loopback, and one message on its way through it."""
import imaplib
import json
import os
import secrets
import signal
import smtplib
import socket
import ssl
import sys

from rig import ground
from rig.certificate import Authority
from rig.deadline import Late, until
from rig.dovecot import Dovecot
from rig.sallyport import Sallyport

# Sockets stand in it, so its path must stay short.
_beside = os.path.join(ground.TREE, ".run")
FOLDER = os.environ.get("SALLYPORT_FOLDER") or (
    _beside if len(_beside) < 60 else f"/tmp/sallyport-run-{os.getuid()}")
STATE = os.path.join(FOLDER, "state.json")
LOGIN, ADDRESS = "alice", "alice@example.org"
PORTS = {"submission": 10587, "submissions": 10465, "imap": 10143}
PERMITS = 'permit "authenticated" { rights = { submit, relay } }\n'


def load():
    try:
        with open(STATE, encoding="ascii") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return None


def start_time(pid):
    """With the pid it names a process for good; None if there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            field = stat.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if field[0] == "Z" else int(field[19])


def stop():
    state = load()
    if state is None:
        return
    running = [(pid, start) for pid, start in state["processes"] if start_time(pid) == start]
    for pid, _ in running:
        os.kill(pid, signal.SIGTERM)
    for pid, start in running:
        try:
            until(lambda: start_time(pid) != start, 20, "the end")
        except Late:
            os.killpg(pid, signal.SIGKILL)
    os.unlink(STATE)


def is_current(state):
    """Does everything run, and from the programs as they are built now?"""
    return (all(start_time(pid) == start for pid, start in state["processes"])
            and state["built"] == built())


def built():
    return [os.stat(os.path.join(ground.PROGRAMS, name)).st_mtime
            for name in sorted(os.listdir(ground.PROGRAMS)) if name.startswith("sallyport")]


def port_of(service):
    """The usual port, or any free one where another program has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORTS[service]))
            return PORTS[service]
        except OSError:
            return ground.free_port()


def part(name):
    path = os.path.join(FOLDER, name)
    if not os.path.isdir(path):
        os.mkdir(path, 0o700)
        ground.give(path)
    return path


def certificate(folder):
    """Made once, so that a mail client need not be told again."""
    kept = os.path.join(folder, "pair.json")
    try:
        with open(kept, encoding="ascii") as file:
            return json.load(file)
    except FileNotFoundError:
        pair = Authority(folder).issue("mail.example.org", ["mail.example.org", "localhost", "127.0.0.1"], days=365)
        ground.write(kept, json.dumps(pair))
        return pair


def password():
    path = os.path.join(FOLDER, "password")
    if not os.path.exists(path):
        ground.write(path, secrets.token_hex(8))
    with open(path, encoding="ascii") as file:
        return file.read()


def start():
    """Starts Dovecot and Sallyport; what the next call needs to know."""
    pair = certificate(part("authority"))
    if ground.IS_ROOT:
        ground.use_programs(os.path.join(FOLDER, "programs"))
    dovecot = Dovecot(users={ADDRESS: password()}, certificate=pair, path=part("dovecot"), any_mailbox=False,
                      imap_port=port_of("imap"), log=os.path.join(part("dovecot"), "log")).start()
    gate = Sallyport(
        path=part("gate"), certificates=[pair], accounts=(), permits=PERMITS,
        listeners={name: {"tls": tls, "address": f'{{ "127.0.0.1:{port_of(name)}" }}'}
                   for name, tls in (("submission", "starttls"), ("submissions", "implicit"))},
        routes={"example.org": f"lmtp:unix:{dovecot.lmtp_path}"}, log={"format": "text", "level": "info"})
    try:
        gate.start()
    except AssertionError:
        dovecot.program.stop()
        raise
    state = {"processes": [(pid, start_time(pid)) for pid in (gate.process.pid, dovecot.program.process.pid)],
             "ports": {**{name: ports[0] for name, ports in gate.ports.items()}, "imap": dovecot.imap_port},
             "built": built()}
    ground.write(STATE, json.dumps(state))
    if gate.ctl("account", "show", LOGIN, check=False).returncode:
        gate.add_account(LOGIN, password(), [ADDRESS])
    return state


def trusting():
    return ssl.create_default_context(cafile=os.path.join(FOLDER, "authority", "authority.pem"))


def send(port, token):
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
        client.starttls(context=trusting())
        client.login(LOGIN, password())
        client.sendmail(ADDRESS, [ADDRESS], (
            f"From: Alice <{ADDRESS}>\r\nTo: Alice <{ADDRESS}>\r\nSubject: Through the gate {token}\r\n\r\n"
            "It went out by SMTP and came back by IMAP.\r\n"))


def receive(port, token):
    """The message as IMAP shows it."""
    def look():
        with imaplib.IMAP4("127.0.0.1", port) as client:
            client.starttls(trusting())
            client.login(ADDRESS, password())
            client.select("INBOX", readonly=True)
            _, (numbers,) = client.search(None, "SUBJECT", token)
            return [client.fetch(number, "(BODY.PEEK[])")[1][0][1] for number in numbers.split()]
    return until(look, 20, "the message is in the mailbox")[0]


def show(state):
    ports = state["ports"]
    print(f"""
Type this into a mail client on this machine:
  address            {ADDRESS}
  password           {password()}
  incoming, IMAP     localhost, port {ports["imap"]}, STARTTLS, user {ADDRESS}
  outgoing, SMTP     localhost, port {ports["submission"]}, STARTTLS, user {LOGIN}
             or      localhost, port {ports["submissions"]}, TLS, user {LOGIN}
  authority          {FOLDER}/authority/authority.pem (or accept the certificate once)
Ask it:   {os.path.join(ground.PROGRAMS, "sallyportctl")} -c {FOLDER}/gate/sallyport.conf status
Change that file as you like, then the same with reload in place of status; a new start writes it anew.
Log: {FOLDER}/gate/log   End: ./bootstrap run --stop
""")


def main(verb):
    os.makedirs(FOLDER, 0o755, exist_ok=True)
    ground.give(FOLDER)
    if verb == "stop":
        stop()
        return
    state = load()
    if state is None or not is_current(state):
        stop()
        state = start()
    show(state)
    token = secrets.token_hex(4)
    send(state["ports"]["submission"], token)
    message = receive(state["ports"]["imap"], token).decode("utf-8", "replace")
    print("Sent by SMTP with STARTTLS and AUTH, read back by IMAP:\n")
    print("\n".join("  " + line for line in message.splitlines()))


if __name__ == "__main__":
    main(sys.argv[1])
