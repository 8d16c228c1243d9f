# SPDX-License-Identifier: BSD-2-Clause
"""A daemon with a scripted filter on each listener, and what every row of a table of filters' faults is held to."""
import re

from rig import ground
from rig import milter_packet as say
from rig.deadline import until
from rig.judge import letter, new_token, stuffed
from rig.milter import Filter
from rig.wire import Wire

ON_FAILURE = ("tempfail", "accept", "reject", "hold")
# Who comes from here is alice, so that a session costs one round trip and each row has one of its own.
LISTENER = {"tls": "none", "login": "off", "identity": '"alice"', "networks": '{ "127.0.0.0/8" }', "message-size": "40M",
            "errors": "1000", "transactions": "0", "connections": "100", "connections-before-login": "100"}
# What a filter that fails by each on-failure makes of mail: where it is told, code, enhanced code, held?
OUTCOMES = {"tempfail": (451, "4.7.1"), "accept": (250, None), "reject": (550, "5.7.1"), "hold": (250, None)}
# Our own trace, which no filter is told.
OURS = re.compile(rb"Received: from client\.example\.org .*\r\n(?:[ \t].*\r\n)*")
LARGE = 1 << 20
FOLDED = b"X-Folded: one\r\n\ttwo\r\nX-Tight:three\r\n"


class Filtered:
    """
    listeners: name -> settings of its milter section; each has a filter of its own under that name (in
    .filters), one of `filters` if it is there, and behind it the same good one, .witness. The listener
    "submission" has none.
    """

    def __init__(self, make_gate, sink, listeners, filters=None, listener=None, extra="", **gate):
        self.sink = sink
        self.filters = {name: (filters or {}).get(name) or Filter() for name in listeners}
        self.witness = Filter()
        text = [milter_section("witness", self.witness, {})]
        for name, settings in listeners.items():
            text.append(milter_section(name, self.filters[name], settings))
            text.append(f'policy "{name}" {{ milters = {{ "{name}", "witness" }} }}\n')
        self.gate = make_gate(
            listeners={"submission": LISTENER, "submissions": None,
                       **{name: {**LISTENER, "policy": f'"{name}"', **(listener or {})} for name in listeners}},
            routes={"*": sink.target}, extra="".join(text) + extra, **gate)
        self.refused = []     # tokens of what must not be seen anywhere
        self.failures = []    # (source of the client, filter, words of the reason) that the log must tell of

    def session(self, name, seconds=20):
        wire = Wire(self.gate.address(name), seconds=seconds)
        wire.greet()
        return wire

    def stop(self):
        for one in (*self.filters.values(), self.witness):
            one.kill()

    def judge(self):
        """At the end: what was refused is nowhere."""
        self.gate.wait_until_queue_is_empty()
        assert not [token for token in self.refused if self.sink.with_token(token)]
        assert not self.witness.faults, self.witness.faults
        until(lambda: not self.untold(), 5, lambda: f"in the log: {self.untold()}")

    def untold(self):
        """Failures without an event that names the filter and the reason, in the client's session."""
        sources = {event["sid"]: event["client"] for event in self.gate.events_named("client.opened")}
        said = {}
        for event in self.gate.events_named("milter.failed") + self.gate.events_named("milter.failed-again"):
            said.setdefault((sources.get(event["sid"]), event["filter"]), []).append(event["reason"])
        return [(source, name, reason) for source, name, reason in self.failures
                if not any(reason in text and text.isprintable() for text in said.get((source, name), []))]


def milter_section(name, filter_, settings):
    lines = "".join(f"  {key} = {value}\n" for key, value in settings.items())
    return f'milter "{name}" {{\n  address = "{filter_.target}"\n{lines}}}\n'


def send(wire, message, recipients=(b"u@example.net",), sender=b"alice@example.org", parameters=b""):
    """One message; (step, reply) of the first refusal, or of the end. The session can go on after it."""
    reply = wire.command(b"MAIL FROM:<" + sender + b">" + parameters)
    if reply.code >= 400:
        return "MAIL", reply
    for recipient in recipients:
        reply = wire.command(b"RCPT TO:<" + recipient + b">")
        if reply.code >= 400:
            return reset(wire, "RCPT", reply)
    reply = wire.command(b"DATA")
    if reply.code >= 400:
        return reset(wire, "DATA", reply)
    wire.send(stuffed(message) + b".\r\n")
    return "END", wire.reply()


def reset(wire, step, reply):
    if reply.code != 421:
        wire.expect(250, b"RSET")
    return step, reply


def saw(connection, _payload):
    """A good filter's end of message: what it was told goes into a field, so that it can be compared."""
    return say.add_header("X-Saw", told(connection.message)) + say.ACCEPT


def answer_fields_at_once(connection, _payload):
    """At the end of the header: an answer to each field that got none, and one to this."""
    return say.CONTINUE * (len(connection.message.fields) + 1)


def say_and_close(said):
    """An action: this, and then the end of the connection."""
    def action(connection, _payload):
        connection.send(said)
        connection.close()
    return action


def told(message):
    return b"%s to %s, %d fields, %d bytes" % (message.sender, b"+".join(path for path, _ in message.recipients),
                                               len(message.fields), len(message.body))


def block(message):
    """The header as the filter was told it, put together again."""
    return b"".join(name + b":" + value.replace(b"\n", b"\r\n") + b"\r\n" for name, value in message.fields)


def check_next(filtered, name, wire):
    """The next message on this session passes, and the filter was told all of it, in step."""
    filter_ = filtered.filters[name]
    filter_.play({"E": saw}, **GOOD)
    token = new_token()
    text = letter(token, b"body of " + token + b"\r\n.\r\n\r\nend\r\n", more=FOLDED)
    step, reply = send(wire, text, (b"u@example.net", b"v@example.net"))
    assert (step, reply.code) == ("END", 250), (step, reply, filtered.gate.story(15))
    message = filter_.wait_for_message(-1)
    assert message.commands == "MRRT" + "L" * len(message.fields) + "NBE", message
    assert message.sender == b"<alice@example.org>", message
    assert block(message) + b"\r\n" + message.body == text, (block(message), message.body)
    assert not message.connection.faults, message.connection.faults
    queued = filtered.sink.wait_for_token(token)
    assert queued.fields("X-Saw") == [told(message)], queued.raw
    assert queued.content.endswith(text.partition(b"\r\n\r\n")[2])
    return message


GOOD = {"version": 6, "actions": say.ALL_ACTIONS, "steps": say.LEADING_SPACE, "macros": None}


class Row:
    """
    One thing that a filter does to one message. The outcome is that of a failure unless it is given here:
    at: the step at which the client is told; code, enhanced; says: in the reply. queued: called with what
    the sink got; None: nothing was queued. fails: words of the reason in the log; None: it is no failure.
    kept: the connection is used for the next message, or not, or (None) either. left: the MTA ends the
    connection while the filter would go on. apart: the next message comes on another session, for this one's
    connection keeps what it negotiated. flat: memory does not grow by it.
    """

    def __init__(self, script, at="END", code=None, enhanced=None, says=None, queued=None, kept=False, left=True,
                 discarded=False, held=False, body=b"", more=b"", recipients=(b"u@example.net",), fails=None,
                 flat=False, apart=False, **negotiation):
        self.script = script
        self.at = at
        self.code, self.enhanced = code, enhanced
        self.says = says
        self.queued = queued
        self.kept = kept
        self.left = left
        self.discarded = discarded
        self.held = held
        self.body = body
        self.more = more
        self.recipients = recipients
        self.fails = "" if fails is None and code is None else fails
        self.flat = flat
        self.apart = apart
        self.negotiation = negotiation


def check_reply(row, name, step, reply, story):
    code, enhanced = (row.code, row.enhanced) if row.code else OUTCOMES[name]
    wanted = ("END" if code == 250 else row.at, code)
    assert (step, reply.code) == wanted, (step, reply, story(15))
    assert enhanced is None or reply.enhanced == enhanced, reply
    assert row.says is None or row.says in reply.text, reply


def check_queued(filtered, row, token, reply, seen):
    if reply.code != 250 or row.discarded:
        filtered.refused.append(token)
        return
    if row.held:
        release_held(filtered.gate, filtered.sink, token, reply)
    message = filtered.sink.wait_for_token(token)
    if row.queued:
        row.queued(message)
    if len(seen.body) < LARGE:     # what was sent is what the next filter saw
        assert block(seen) + b"\r\n" + seen.body == OURS.sub(b"", message.content, 1), (seen, message.raw)


def release_held(gate, sink, token, reply):
    number = reply.text.split()[-1]
    found = until(lambda: [one for one in gate.queue() if one["id"] == number], 10, lambda: f"{number} in {gate.queue()}")
    assert found[0]["state"] == "held", found
    assert not sink.with_token(token)
    gate.ctl("queue", "release", number)


def run(filtered, name, row):
    """The row's message, and behind it on the same session one that is filtered as it should be."""
    filter_ = filtered.filters[name]
    filter_.play(row.script, **{**GOOD, **row.negotiation})
    first, first_seen = len(filter_.connections), len(filtered.witness.messages)
    before = sum(filtered.gate.memory().values()) if row.flat else 0
    token = new_token()
    with filtered.session(name) as wire:
        source = wire.source
        step, reply = send(wire, letter(token, row.body, more=row.more), row.recipients)
        check_reply(row, name, step, reply, filtered.gate.story)
        seen = filtered.witness.messages[first_seen:] and filtered.witness.messages[first_seen]
        if reply.code == 421:
            assert wire.is_closed()
        elif row.apart:
            wire.expect(221, b"QUIT")
        if reply.code == 421 or row.apart:
            wire.close()
            wire = filtered.session(name)
        if row.left:
            filter_.wait_until_left(filter_.connections[first:])
        if row.flat and not ground.SANITIZED:     # whose freed memory stays for a while
            grown = sum(filtered.gate.memory().values()) - before
            assert grown < 16 * 1024, f"grown by {grown} KiB"
        old = filter_.connections[first:]
        message = check_next(filtered, name, wire)
        if row.kept is not None:
            assert (message.connection in old) == row.kept
        wire.expect(221, b"QUIT")
        wire.close()
    filter_.wait_until_left(filter_.connections[first:])
    assert message.connection.quit
    if row.fails is not None:
        filtered.failures.append((source, name, row.fails))
    check_queued(filtered, row, token, reply, seen)
