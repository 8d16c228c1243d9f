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
    """One connection, with or without login."""

    def __init__(self, ports, with_login):
        self.pending = b""
        port = ports["submission" if with_login else "trusted"]
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.expect(b"2")
        self.ask(b"EHLO storm.example.net", b"2")
        if with_login:
            self.ask(b"STARTTLS", b"2")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
            self.ask(b"EHLO storm.example.net", b"2")
            self.ask(b"AUTH PLAIN " + base64.b64encode(b"\0alice\0alicepw"), b"2")

    def close(self):
        self.socket.close()

    def expect(self, *classes):
        while True:
            while b"\n" not in self.pending:
                piece = self.socket.recv(65536)
                if not piece:
                    raise Refused("the connection closed")
                self.pending += piece
            line, self.pending = self.pending.split(b"\n", 1)
            if line[3:4] != b"-":
                break
        if line[:1] not in classes:
            raise Refused(line.decode("latin-1"))

    def ask(self, line, *classes):
        self.socket.sendall(line + b"\r\n")
        self.expect(*classes)


class Load:
    """Threads that send until stop(); `acked` maps each token to its recipients."""

    def __init__(self, ports, log, threads=8, seed=1, fail_share=0.1):
        self.ports = ports
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.seed = seed
        self.fail_share = fail_share
        self.lock = threading.Lock()
        self.acked = {}
        self.acked_with_login = {True: 0, False: 0}
        self.begun = set()
        self.stopping = threading.Event()
        self.pause = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(number,), daemon=True)
                        for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(2 * WAIT_S)
        return not any(thread.is_alive() for thread in self.threads)

    def _run(self, number):
        chance = random.Random(self.seed * 1000 + number)
        client = None
        count = 0
        while not self.stopping.is_set():
            token = f"s{self.seed}t{number}n{count}"
            count += 1
            try:
                if client is None:
                    # one in four as people do it: TLS, login, a grant to be checked
                    client = Client(self.ports, number % 4 == 0)
                self._send(client, token, chance)
                with self.lock:
                    self.acked_with_login[number % 4 == 0] += 1
            except (OSError, Refused):
                if client is not None:
                    client.close()
                    client = None
                self.stopping.wait(0.02)

    def _send(self, client, token, chance):
        recipients = [f"{token}-{index}{'-fail' if chance.random() < self.fail_share else ''}@example.net"
                      for index in range(2)]
        filler = chance.randbytes(40).hex().encode() + b"\r\n"
        body = filler * (chance.choice(SIZES) // len(filler) + 1)
        header = (f"From: <alice@example.org>\r\nTo: <list@example.net>\r\nSubject: {token}\r\n"
                  f"X-Storm: {token}\r\nX-Storm-Hash: {hashlib.sha256(body).hexdigest()}\r\n\r\n").encode()
        client.ask(f"MAIL FROM:<alice@example.org> ENVID={token}".encode(), b"2")
        for recipient in recipients:
            client.ask(f"RCPT TO:<{recipient}>".encode(), b"2")
        client.ask(b"DATA", b"3")
        with self.lock:
            self.begun.add(token)
        client.ask(header + body + b".", b"2")
        os.write(self.log, (json.dumps({"token": token, "to": recipients}) + "\n").encode())
        os.fdatasync(self.log)
        with self.lock:
            self.acked[token] = recipients
