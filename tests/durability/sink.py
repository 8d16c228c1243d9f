# SPDX-License-Identifier: BSD-2-Clause
"""
A next hop that never lies: each message is on disk in its log before it says 250.

One JSON line per message: "token" and "good" (does the body have the hash its header names?) of a
message of the load, or "about" and "failed" of a notice; "to" lists the recipients it answered for.
A process of its own, because what it knows must survive every kill of the storm.
"""
import argparse
import asyncio
import hashlib
import json
import os
import random
import re

END = b"\r\n.\r\n"


class Sink:
    def __init__(self, options):
        self.log = os.open(options.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.drop = options.drop_before_reply
        self.defer = options.defer
        self.fail = re.compile(options.fail.encode()) if options.fail else None
        self.random = random.Random(options.seed)
        self.dirty = False
        self.waiting = []

    async def record(self, entry):
        """Durable when it returns; whoever waits at the same time shares one sync."""
        done = asyncio.get_running_loop().create_future()
        os.write(self.log, (json.dumps(entry) + "\n").encode())
        self.waiting.append(done)
        if len(self.waiting) == 1:
            asyncio.get_running_loop().call_soon(self._sync)
        await done

    def _sync(self):
        os.fdatasync(self.log)
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done.set_result(None)

    async def serve(self, reader, writer):
        try:
            await Dialogue(self, reader, writer).run()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()


class Dialogue:
    def __init__(self, sink, reader, writer):
        self.sink = sink
        self.reader = reader
        self.writer = writer
        self.recipients = []
        self.sender = b""

    def say(self, line):
        self.writer.write(line + b"\r\n")

    async def run(self):
        self.say(b"220 sink.example.net ready")
        while True:
            line = (await self.reader.readuntil(b"\r\n"))[:-2]
            verb = line.split(b" ")[0].upper()
            if verb == b"QUIT":
                self.say(b"221 2.0.0 bye")
                return
            if verb == b"DATA" and self.recipients:
                if not await self.content():
                    return
            else:
                self.command(verb, line)

    def command(self, verb, line):
        path = line[line.find(b"<") + 1:line.find(b">")]
        if verb == b"EHLO":
            self.say(b"250-sink.example.net\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n"
                     b"250 ENHANCEDSTATUSCODES")
        elif verb == b"MAIL":
            self.sender, self.recipients = path, []
            self.say(b"250 2.1.0 well")
        elif verb == b"RCPT":
            if self.sink.fail and self.sink.fail.search(path):
                self.say(b"550 5.1.1 nobody here")
            elif self.sink.random.random() < self.sink.defer:
                self.say(b"451 4.2.1 later")
            else:
                self.recipients.append(path.decode())
                self.say(b"250 2.1.5 well")
        elif verb in (b"RSET", b"NOOP"):
            self.recipients = []
            self.say(b"250 2.0.0 well")
        else:
            self.say(b"503 5.5.1 not now")

    async def content(self):
        """False if the connection is to be dropped."""
        self.say(b"354 go")
        raw = await self.reader.readuntil(END)
        content = raw[:-3].replace(b"\r\n..", b"\r\n.")
        entry = self.read_notice(content) if self.sender == b"" else self.read_mail(content)
        await self.sink.record({**entry, "to": self.recipients})
        self.recipients = []
        if self.sink.random.random() < self.sink.drop:
            return False
        self.say(b"250 2.0.0 taken")
        return True

    @staticmethod
    def field(content, name):
        found = re.search(rb"(?mi)^" + name + rb": *([^\r]*)\r\n", content)
        return found.group(1).decode("ascii", "replace") if found else ""

    def read_mail(self, content):
        header, _, body = content.partition(b"\r\n\r\n")
        header += b"\r\n"
        digest = hashlib.sha256(body).hexdigest()
        return {"token": self.field(header, b"X-Storm"),
                "good": digest == self.field(header, b"X-Storm-Hash")}

    def read_notice(self, content):
        return {"about": self.field(content, b"Original-Envelope-Id"),
                "action": self.field(content, b"Action"),
                "failed": [address.decode() for address in
                           re.findall(rb"(?mi)^Final-Recipient: *rfc822; *([^\r]*)\r\n", content)]}


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", required=True)
    parser.add_argument("--drop-before-reply", type=float, default=0.0)
    parser.add_argument("--defer", type=float, default=0.0)
    parser.add_argument("--fail", default="")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    server = await asyncio.start_server(Sink(options).serve, "127.0.0.1", 0, limit=8 << 20, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
