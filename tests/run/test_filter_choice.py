# SPDX-License-Identifier: BSD-2-Clause
"""Which filters are asked: policies of listeners, conditions, who passes without; and what filters are told."""
import re
import socket
import struct

import pytest

from rig.judge import letter
from rig.milter import Filter
from rig.milter_packet import CONTINUE, LEADING_SPACE, REFUSED_RCPT, add_header, texts
from rig.wire import trusting_context

BALANCER = "127.0.4.1"
DEVICES = "127.0.5.1"
TRUSTED = "127.0.6.1"
LAPTOP = "127.0.7.1"

# Every filter leaves its name in the message, so that the message tells who was asked, and in which order.
CONDITIONS = {
    "all": "",
    "logins": "logins = only version = 3",
    "strangers": "logins = none",
    "staff": 'groups = { "Staff", "other" }',
    "devices": 'networks = { "127.0.5.0/24" }',
    "here": "listeners = { submission, inside }",
    "small": "largest = 2K",
    "large": "smallest = 4K",
}
PERMITS = """permit "authenticated" { rights = { submit, relay } }
permit "login:bob" { rights = { bypass-milters } }
permit "group:quick" { rights = { bypass-milters } }
permit "network:127.0.6.0/24" { rights = { bypass-milters } }
permit "network:127.0.0.0/8" { rights = { submit, relay } send-as = { "*" } }
permit "network:198.51.100.0/24" { rights = { submit, relay } send-as = { "*" } }
permit "network:2001:db8:5::/48" { rights = { submit, relay } send-as = { "*" } }
permit "login:alice" { send-as = { "team@example.org" } }
deny "login:carol" { rights = { bypass-milters } }
"""
LISTENERS = {
    "inside": {"tls": "none", "login": "off", "policy": '"everything"'},
    "free": {"tls": "none", "login": "off", "policy": '"nothing"'},
    "backwards": {"tls": "none", "login": "off", "policy": '"backwards"'},
    "submissions": {"tls": "implicit", "policy": '"told"'},
    "balanced": {"tls": "none", "login": "off", "policy": '"told"', "proxy-networks": '{ "127.0.4.0/24" }'},
    "open": 'address = { "127.0.0.1:0" } tls = none login = off policy = everything\n'
            'permit "anonymous" { rights = { bypass-milters } }',
}
# A filter that is told more than others, some of it by the administrator.
TOLD = """macros = { "{daemon_name}=ORIGINATING", "{color}=blue", "{auth_ssf}=" }"""
ASKS = {"C": "j _ v {daemon_name} {daemon_addr} {daemon_port} {if_addr} {client_addr} {client_name} {client_port} {auth_type} "
             "{auth_authen} {client_connections} {client_ptr} {tls_sni}",
        "N": "i {daemon_name} daemon_name {auth_type} {no_such} j"}
ACCOUNTS = [(name, name + "pw", (f"{name}@example.org",)) for name in ("alice", "bob", "carol", "dora", "erik")]


def stamp(name):
    """A filter that puts its name into every message."""
    return Filter(script={"E": add_header("X-Passed", " " + name) + CONTINUE})


@pytest.fixture(scope="module")
def filters():
    made = {name: stamp(name) for name in CONDITIONS}
    made["told"] = Filter(steps=LEADING_SPACE | REFUSED_RCPT, macros=ASKS)
    yield made
    for one in made.values():
        one.kill()
    faults = {name: one.faults for name, one in made.items() if one.faults}
    assert not faults, faults


@pytest.fixture(scope="module")
def gate(make_gate, authority, sink, filters):
    mutual = {"policy": '"told"', "recipients-allowed": '{ "@example.net" }', "client-certificate": "ask",
              "client-trust-file": f'"{authority.trust}"', "recipients": "100"}
    sections = "".join(f'milter "{name}" {{ address = "{filters[name].target}" {condition} }}\n'
                       for name, condition in {**CONDITIONS, "told": TOLD}.items())
    names = ", ".join(CONDITIONS)
    policies = (f'policy {{ milters = {{ {names} }} }}\npolicy "everything" {{ milters = {{ {names} }} }}\n'
                'policy "nothing" { }\npolicy "backwards" { milters = { devices, all } }\n'
                'policy "told" { milters = { told } }\n')
    daemon = make_gate(listeners={**LISTENERS, "mutual": mutual}, routes={"*": sink.target}, permits=PERMITS,
                       accounts=ACCOUNTS, extra=sections + policies)
    for group, login in (("staff", "alice"), ("quick", "dora"), ("quick", "carol")):
        daemon.ctl("group", "add", group, check=False)
        daemon.ctl("account", "join", login, group)
    return daemon


def body_of(size):
    return (b"x" * 62 + b"\r\n") * (size // 64)


def deliver_rest(wire, token, sender=b"x@example.com", size=64):
    wire.expect(250, b"RCPT TO:<u@example.net>")
    wire.expect(354, b"DATA")
    wire.send(letter(token, sender=b"<" + sender + b">", body=body_of(size)) + b".\r\n")
    return wire.reply()


def submit(sink, token, wire, sender=b"alice@example.org", size=64, parameters=b""):
    """The filters that a message has passed, in their order."""
    with wire:
        wire.expect(250, b"MAIL FROM:<" + sender + b">" + parameters)
        reply = deliver_rest(wire, token, sender, size)
        assert reply.code == 250, reply
    return [value.decode().strip() for value in sink.wait_for_token(token).fields("X-Passed")]


def inside(gate, listener="inside", source=None):
    wire = gate.wire(listener, source=source)
    wire.greet()
    wire.ehlo()
    return wire


@pytest.mark.parametrize("listener, source, names", [
    ("inside", None, ["all", "strangers", "here", "small"]),
    ("inside", DEVICES, ["all", "strangers", "devices", "here", "small"]),
    ("inside", TRUSTED, []),
    ("free", DEVICES, []),
    ("backwards", DEVICES, ["devices", "all"]),
    ("backwards", None, ["all"]),
    ("open", None, []),
    ("open", DEVICES, []),
], ids=lambda value: value if isinstance(value, str) else None)
def test_of_a_stranger(gate, sink, token, listener, source, names):
    assert submit(sink, token, inside(gate, listener, source)) == names


@pytest.mark.parametrize("login, names", [
    ("alice", ["all", "logins", "staff", "here", "small"]),   # in the group staff
    ("erik", ["all", "logins", "here", "small"]),             # in none
    ("bob", []),                                              # may bypass
    ("dora", []),                                             # as a member of quick
    ("carol", ["all", "logins", "here", "small"]),            # too, but for the deny
])
def test_of_a_login(gate, sink, filters, token, login, names):
    """What explain says, and the log of the message, who looks for one that was not asked."""
    found = submit(sink, token, gate.session(login), sender=login.encode() + b"@example.org")
    assert found == names
    assert all(one.offered == (3, 0x1ff, 0x17f) for one in filters["logins"].connections)
    told = gate.ctl_json("explain", "--listener", "submission", "--login", login, "--mail-from", f"{login}@example.org",
                         "--ip", "127.0.0.1")
    assert [row["name"] for row in told["filters"] if row["asked"] and not row.get("smallest")] == names
    number = re.search(rb"\bid ([0-9a-z]+)", sink.with_token(token)[0].fields("Received")[0])[1].decode()
    gate.wait_for_event("smtp.accepted", {"id": number})
    passed_by = {event["filter"]: (event["because"], event["where"]) for event in gate.events_named("milter.not-asked")
                 if event["id"] == number and event["because"] != "size"}
    assert passed_by == {row["name"]: (row["missed"], row["where"]) for row in told["filters"] if not row["asked"]}


@pytest.mark.parametrize("size", [64, 3000, 6000])
@pytest.mark.parametrize("declared", [b"", b" SIZE=1", b" SIZE=20000"], ids=["unsaid", "less", "more"])
def test_the_size_is_what_came_not_what_was_declared(gate, sink, token, size, declared):
    """Or a client would choose who looks at its mail."""
    found = submit(sink, token, gate.session("erik"), sender=b"erik@example.org", size=size, parameters=declared)
    assert found == ["all", "logins", "here"] + (["small"] if size == 64 else ["large"] if size == 6000 else [])


def told(sink, filters, token, wire, sender, **more):
    """What the filter was told of one message: (connection, macros by command, message)."""
    before = len(filters["told"].messages)
    submit(sink, token, wire, sender=sender, **more)
    message = filters["told"].wait_for_message(before)
    return message.connection, message.connection.macros, message


def test_what_a_filter_is_told_of_a_login(gate, sink, filters, token):
    wire = gate.session("alice", listener="submissions", source=LAPTOP)
    connection, macros, message = told(sink, filters, token, wire, b"alice@example.org",
                                       parameters=b" AUTH=team+40example.org")
    assert connection.offered == (6, 0x1ff, 0x1fffff)
    assert (connection.host, connection.family, connection.address) == (b"[127.0.7.1]", "4", LAPTOP)
    at_connect = macros["C"]
    assert at_connect["j"] == b"mail.example.org" and at_connect["v"].startswith(b"Sallyport ")
    assert at_connect["_"] == b"[127.0.7.1] [127.0.7.1]" and at_connect["{client_name}"] == b"[127.0.7.1]"
    assert at_connect["{daemon_name}"] == b"ORIGINATING" and at_connect["{color}"] == b"blue"
    assert at_connect["{daemon_addr}"] == at_connect["{if_addr}"] == b"127.0.0.1"
    assert at_connect["{daemon_port}"] == b"%d" % gate.ports["submissions"][0]
    assert (at_connect["{auth_type}"], at_connect["{auth_authen}"]) == (b"PLAIN", b"alice")
    assert (at_connect["{client_connections}"], at_connect["{tls_sni}"]) == (b"1", b"mail.example.org")
    assert "{client_ptr}" not in at_connect
    assert macros["H"]["{tls_version}"] == b"TLSv1.3" and macros["H"]["{verify}"] == b"NOT"
    assert int(macros["H"]["{cipher_bits}"]) >= 128 and macros["H"]["{cipher}"].startswith(b"TLS_")
    assert macros["M"] == {"i": macros["M"]["i"], "{auth_type}": b"PLAIN", "{auth_authen}": b"alice",
                           "{auth_author}": b"team@example.org", "{mail_addr}": b"alice@example.org",
                           "{mail_host}": b"example.org", "{mail_mailer}": b"local"}
    assert macros["R"] == {"i": macros["M"]["i"], "{rcpt_addr}": b"u@example.net", "{rcpt_host}": b"example.net",
                           "{rcpt_mailer}": b"esmtp"}
    assert macros["N"] == {"i": macros["M"]["i"], "{daemon_name}": b"ORIGINATING", "daemon_name": b"ORIGINATING",
                           "{auth_type}": b"PLAIN", "j": b"mail.example.org"}
    assert message.parameters == [b"AUTH=team+40example.org"]
    gate.wait_for_event("smtp.accepted", {"id": macros["M"]["i"].decode()})


@pytest.mark.parametrize("name, source", [("192.0.2", "127.0.7.2"), (None, "127.0.7.3")], ids=["address", "none"])
def test_connections_are_counted_and_a_name_that_is_none_is_not_told(gate, sink, filters, token, name, source):
    with gate.secure("submissions", source=source, name=name) as other:
        wire = gate.session("alice", listener="submissions", source=source)
        _, macros, _ = told(sink, filters, token, wire, b"alice@example.org")
        assert (macros["C"]["{client_connections}"], macros["C"]["{tls_sni}"]) == (b"2", b"mail.example.org")
        other.login()
        _, macros, _ = told(sink, filters, token + b"odd", other, b"alice@example.org")
    assert "{client_connections}" in macros["C"] and "{tls_sni}" not in macros["C"]


def test_a_client_certificate_is_told_and_is_no_login(gate, authority, sink, filters, token):
    context = trusting_context()
    context.load_cert_chain(*authority.issue("plc.example.org", client=True))
    _, macros, _ = told(sink, filters, token + b"none", gate.secure("mutual"), b"x@example.com")
    assert macros["H"]["{verify}"] == b"NO" and "{cert_subject}" not in macros["H"]
    _, macros, _ = told(sink, filters, token + b"shown", gate.secure("mutual", context=context), b"x@example.com")
    assert macros["H"]["{verify}"] == b"OK" and macros["H"]["{cert_subject}"] == b"CN=plc.example.org"
    assert macros["H"]["{cert_issuer}"] == b"CN=Sallyport test authority"
    assert not [name for values in macros.values() for name in values if "auth" in name]


@pytest.mark.parametrize("path, code", [(b"<u@example.com>", 550), (b"<u@nowhere>", 554)], ids=["rights", "unqualified"])
def test_of_a_refused_recipient_the_refusal_is_told(gate, filters, token, path, code):
    """But not of what is no mailbox."""
    before = len(filters["told"].messages)
    with gate.secure("mutual") as wire:
        wire.expect(250, b"MAIL FROM:<x@example.com>")
        wire.expect(501, b"RCPT TO:<u@>")
        refusal = wire.command(b"RCPT TO:" + path)
        assert refusal.code == code
        gate.wait_for_event("smtp.refused", {"to": path.decode().strip("<>"), "code": code, "at": "rcpt"})
        assert deliver_rest(wire, token).code == 250
    message = filters["told"].wait_for_message(before)
    assert [path for path, _ in message.recipients] == [path, b"<u@example.net>"]
    of_recipients = [texts(payload[1:]) for command, payload in message.connection.packets
                     if command == "D" and payload[:1] == b"R"]
    refused, taken = (dict(zip(names[::2], names[1::2])) for names in of_recipients)
    assert (refused[b"{rcpt_mailer}"], refused[b"{rcpt_host}"]) == (b"error", refusal.enhanced.encode())
    assert refused[b"{rcpt_addr}"] in refusal.texts[0]
    assert (taken[b"{rcpt_mailer}"], taken[b"{rcpt_addr}"]) == (b"esmtp", b"u@example.net")


def test_of_one_recipient_too_many_no_filter_hears(gate, filters, token):
    """It is for the next message, and no sign of a bad client."""
    before = len(filters["told"].messages)
    with gate.secure("mutual") as wire:
        wire.expect(250, b"MAIL FROM:<x@example.com>")
        wire.send(b"".join(b"RCPT TO:<u%d@example.net>\r\n" % n for n in range(100)))
        assert {reply.code for reply in wire.replies(100)} == {250}
        wire.expect(452, b"RCPT TO:<late@example.net>")
        wire.expect(354, b"DATA")
        wire.send(letter(token, sender=b"<x@example.com>") + b".\r\n")
        assert wire.reply().code == 250
    message = filters["told"].wait_for_message(before)
    assert [path for path, _ in message.recipients] == [b"<u%d@example.net>" % n for n in range(100)]


@pytest.mark.parametrize("client, family, server", [("198.51.100.7", "4", "192.0.2.25"),
                                                    ("2001:db8:5::7", "6", "2001:db8::25")])
def test_behind_a_balancer_the_client_is_the_client(gate, sink, filters, token, client, family, server):
    kind = socket.AF_INET6 if family == "6" else socket.AF_INET
    block = (socket.inet_pton(kind, client) + socket.inet_pton(kind, server) + struct.pack("!HH", 4711, 587))
    wire = gate.wire("balanced", source=BALANCER)
    wire.send_clear(b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x21, 0x21 if family == "6" else 0x11, len(block))
                    + block)
    wire.greet()
    wire.ehlo()
    connection, macros, _ = told(sink, filters, token, wire, b"x@example.com")
    assert (connection.host, connection.family) == (f"[{client}]".encode(), family)
    assert (connection.address, connection.port) == (client, 4711)
    assert macros["C"]["{client_addr}"] == client.encode() and macros["C"]["{client_port}"] == b"4711"
    assert macros["C"]["{daemon_addr}"] == server.encode() and macros["C"]["{daemon_port}"] == b"587"
    # Nobody has logged in: that is told by there being no such macro.
    assert not [name for values in macros.values() for name in values if "auth" in name]
    assert "H" not in macros


def test_a_reload_gives_new_sessions_other_filters(gate, sink, token):
    old = inside(gate, "free")
    before = gate.parts["extra"]
    gate.parts["extra"] = before.replace('policy "nothing" { }', 'policy "nothing" { milters = { large, all } }')
    try:
        gate.reload()
        assert submit(sink, token + b"new", inside(gate, "free"), size=6000) == ["large", "all"]
        assert submit(sink, token + b"old", old, size=6000) == []
        gate.parts["extra"] = before.replace('"all" {', '"every" {')
        refused = gate.reload(check=False)
        assert refused.returncode and 'there is no milter section "all"' in refused.stderr
        assert submit(sink, token + b"kept", inside(gate, "free")) == ["all"]
    finally:
        gate.parts["extra"] = before
        gate.reload()
    assert submit(sink, token + b"back", inside(gate, "free")) == []
