# SPDX-License-Identifier: BSD-2-Clause
"""
A next hop that never lies: each message is on disk in its log before it says 250.

One JSON line per message: "token" and "good" (does the body have the hash its header names?) of a
message of the load, or "about" and "failed" of a notice; "to" lists the recipients it answered for.
A process of its own, because what it knows must survive every kill of the storm.

    --drop-before-reply 0.05   closes after one message in twenty, instead of the 250
    --fail-rcpt REGEXP         451 to the first tries (--fail-times, 1) of these recipients
    --defer 0.02               451 to that share of all
    --perm-rcpt REGEXP         550 to these recipients
    --gate FILE                greets nobody while there is no such file
"""
import argparse
import asyncio
import collections
import ctypes
import hashlib
import json
import os
import random
import re
import subprocess
import sys

END = b"\r\n.\r\n"
IN_CREATE = 0x100


def start_sink(log, **options):
    """(process, port) of a sink; options as on the command line, with _ for -; None leaves one out."""
    argv = [sys.executable, os.path.realpath(__file__), "--log", log]
    argv += [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


class Gate:
    """A file: who comes while it is not there waits until the kernel tells that it was made."""

    def __init__(self, path):
        self.path = path
        self.waiting = []
        libc = ctypes.CDLL(None, use_errno=True)
        self.told = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if libc.inotify_add_watch(self.told, os.fsencode(os.path.dirname(path)), IN_CREATE) < 0:
            raise OSError(ctypes.get_errno(), path)
        asyncio.get_running_loop().add_reader(self.told, self._look)

    async def passed(self):
        if not os.path.exists(self.path):
            made = asyncio.get_running_loop().create_future()
            self.waiting.append(made)
            await made

    def _look(self):
        os.read(self.told, 65536)
        if os.path.exists(self.path):
            waiting, self.waiting = self.waiting, []
            for made in waiting:
                if not made.done():
                    made.set_result(None)


class Sink:
    def __init__(self, options):
        self.log = os.open(options.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.drop = options.drop_before_reply
        self.defer = options.defer
        self.fail = re.compile(options.fail_rcpt.encode()) if options.fail_rcpt else None
        self.fail_times = options.fail_times
        self.tries = collections.Counter()
        self.perm = re.compile(options.perm_rcpt.encode()) if options.perm_rcpt else None
        self.random = random.Random(options.seed)
        self.gate = Gate(options.gate) if options.gate else None
        self.waiting = []

    def reply_to_recipient(self, path):
        if self.perm and self.perm.search(path):
            return b"550 5.1.1 nobody here"
        if self.fail and self.fail.search(path) and self.tries[path] < self.fail_times:
            self.tries[path] += 1
            return b"451 4.2.1 later"
        if self.random.random() < self.defer:
            return b"451 4.2.1 later"
        return b"250 2.1.5 well"

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
        if self.sink.gate:
            await self.sink.gate.passed()
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
            reply = self.sink.reply_to_recipient(path)
            if reply.startswith(b"2"):
                self.recipients.append(path.decode())
            self.say(reply)
        elif verb in (b"RSET", b"NOOP", b"HELO"):
            self.recipients = []
            self.say(b"250 2.0.0 well")
        else:
            self.say(b"503 5.5.1 not now")

    async def content(self):
        """False if the connection is to be dropped."""
        self.say(b"354 go")
        raw = await self.reader.readuntil(END)
        content = raw[:-3].replace(b"\r\n..", b"\r\n.")
        entry = read_notice(content) if self.sender == b"" else read_mail(content)
        await self.sink.record({**entry, "to": self.recipients})
        self.recipients = []
        if self.sink.random.random() < self.sink.drop:
            return False
        self.say(b"250 2.0.0 taken")
        return True


def field(content, name):
    found = re.search(rb"(?mi)^" + name + rb": *([^\r]*)\r\n", content)
    return found.group(1).decode("ascii", "replace") if found else ""


def read_mail(content):
    header, _, body = content.partition(b"\r\n\r\n")
    header += b"\r\n"
    digest = hashlib.sha256(body).hexdigest()
    queue_id = re.search(rb"(?mis)^Received:(?:[^\r]|\r\n[ \t])*?\sid ([^\s;]+)", header)
    return {"token": field(header, b"X-Storm"), "good": digest == field(header, b"X-Storm-Hash"),
            "message_id": field(header, b"Message-ID"),
            "queue_id": queue_id.group(1).decode("ascii", "replace") if queue_id else ""}


def read_notice(content):
    """What it is about is told by its envelope id; by the first address where a server gives none."""
    failed = [address.decode() for address in
              re.findall(rb"(?mi)^Final-Recipient: *rfc822; *([^\r]*)\r\n", content)]
    return {"about": field(content, b"Original-Envelope-Id") or "".join(failed[:1]).split("-")[0],
            "action": field(content, b"Action"), "failed": failed}


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", required=True)
    parser.add_argument("--drop-before-reply", type=float, default=0.0)
    parser.add_argument("--defer", type=float, default=0.0)
    parser.add_argument("--fail-rcpt", default="")
    parser.add_argument("--fail-times", type=int, default=1)
    parser.add_argument("--perm-rcpt", default="")
    parser.add_argument("--gate", default="")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    server = await asyncio.start_server(Sink(options).serve, "127.0.0.1", 0, limit=8 << 20, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
