# SPDX-License-Identifier: BSD-2-Clause
"""
Clients under fire: each message has a token; what was answered by 250 after the final dot is
written to a log, synced, and from then on somebody must answer for it.
"""
import base64
import hashlib
import json
import os
import random
import socket
import ssl
import threading

# Small ones as most mail, some beyond a page, some in a file of their own.
SIZES = (200, 200, 5000, 5000, 200_000)
WAIT_S = 10


class Refused(Exception):
    """The server said no, or went away: the message is not its own."""


class Client:
    """One connection: to the port "submission", where alice logs in, or to "trusted", without login."""

    def __init__(self, ports, with_login, seconds=WAIT_S):
        self.pending = b""
        port = ports["submission" if with_login else "trusted"]
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.expect(b"2")
        self.offered = self.ask(b"EHLO storm.example.net", b"2")
        if with_login:
            self.ask(b"STARTTLS", b"2")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
            self.offered = self.ask(b"EHLO storm.example.net", b"2")
            self.ask(b"AUTH PLAIN " + base64.b64encode(b"\0alice\0alicepw"), b"2")

    def close(self):
        self.socket.close()

    def expect(self, *classes):
        """The reply, if its first digit is one of these; Refused otherwise."""
        reply = b""
        while True:
            while b"\n" not in self.pending:
                piece = self.socket.recv(65536)
                if not piece:
                    raise Refused("the connection closed")
                self.pending += piece
            line, self.pending = self.pending.split(b"\n", 1)
            reply += line + b"\n"
            if line[3:4] != b"-":
                break
        if line[:1] not in classes:
            raise Refused(line.decode("latin-1"))
        return reply

    def ask(self, line, *classes):
        self.socket.sendall(line + b"\r\n")
        return self.expect(*classes)

    def send(self, message, begun=lambda: None):
        """One transaction; Refused, or an OSError, unless 250 was read. begun(): content is sent now."""
        envid = f" ENVID={message.token}" if b"DSN" in self.offered.upper() else ""
        self.ask(f"MAIL FROM:<alice@example.org>{envid}".encode(), b"2")
        for recipient in message.recipients:
            self.ask(f"RCPT TO:<{recipient}>".encode(), b"2")
        self.ask(b"DATA", b"3")
        begun()
        self.ask(message.content + b".", b"2")


class Message:
    """Its body's hash is in its header, its token in each recipient."""

    def __init__(self, token, recipients, size, chance):
        self.token = token
        self.recipients = recipients
        filler = chance.randbytes(40).hex().encode() + b"\r\n"
        body = filler * (size // len(filler) + 1)
        self.content = (
            f"From: <alice@example.org>\r\nTo: <list@example.net>\r\nSubject: {token}\r\n"
            f"X-Storm: {token}\r\nX-Storm-Hash: {hashlib.sha256(body).hexdigest()}\r\n\r\n").encode() + body


class Acks:
    """What was answered by 250, on disk before anybody is told so."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.lock = threading.Lock()
        self.acked = {}     # token -> recipients
        self.begun = set()  # tokens of which content was sent

    def begin(self, message):
        with self.lock:
            self.begun.add(message.token)

    def add(self, message):
        os.write(self.fd, (json.dumps({"token": message.token, "to": message.recipients}) + "\n").encode())
        os.fdatasync(self.fd)
        with self.lock:
            self.acked[message.token] = message.recipients


class Load:
    """
    Threads that send until stop(). ports: "trusted", and "submission" if one client in four shall log
    in as people do. Recipients with "-never" are for the hop to refuse, those with "-later" to defer.
    A client rests for up to rest_s after each message.
    """

    def __init__(self, ports, log, threads=8, seed=1, never_share=0.1, later_share=0.0, sizes=SIZES,
                 rest_s=0.0):
        self.ports = ports
        self.acks = Acks(log)
        self.acked = self.acks.acked
        self.begun = self.acks.begun
        self.seed = seed
        self.shares = (("-never", never_share), ("-later", later_share))
        self.sizes = sizes
        self.rest_s = rest_s
        self.served = {number % 4 == 0 and "submission" in ports: 0 for number in range(threads)}
        self.stopping = threading.Event()
        self.pause = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(number,), daemon=True)
                        for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        """False if a client hangs."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(2 * WAIT_S)
        return not any(thread.is_alive() for thread in self.threads)

    def _run(self, number):
        chance = random.Random(self.seed * 1000 + number)
        with_login = number % 4 == 0 and "submission" in self.ports
        client = None
        count = 0
        while not self.stopping.is_set():
            message = self._write(f"s{self.seed}t{number}n{count}", chance)
            count += 1
            try:
                if client is None:
                    client = Client(self.ports, with_login)
                client.send(message, lambda now=message: self.acks.begin(now))
                self.acks.add(message)
                self.served[with_login] += 1
                if self.rest_s:
                    self.stopping.wait(chance.uniform(0, self.rest_s))
            except (OSError, Refused):
                if client is not None:
                    client.close()
                    client = None
                self.stopping.wait(0.02)

    def _write(self, token, chance):
        recipients = []
        for index in range(2):
            roll = chance.random()
            kind = ""
            for name, share in self.shares:
                if not kind and roll < share:
                    kind = name
                roll -= share
            recipients.append(f"{token}-{index}{kind}@example.net")
        return Message(token, recipients, chance.choice(self.sizes), chance)
