# SPDX-License-Identifier: BSD-2-Clause
"""What filters are told: the exact packets, their macros and their order, by what each negotiated."""
import pytest

from rig import ground
from rig import milter_packet as say
from rig.filtered import GOOD, Filtered, answer_fields_at_once, block, check_next, milter_section, saw, send, told
from rig.judge import DATE, letter, new_token
from rig.milter import USUAL, Filter
from rig.wire import new_source

OWN_MACROS = '{ "{daemon_name}=ORIGINATING", "{auth_ssf}=", "{site}=blue", "j=filter.example.org" }'
VERSIONS = {2: 0x7f, 3: 0x17f, 4: 0x37f, 5: 0x37f, 6: 0x1fffff}
LONG = (b"w" * 76 + b"\r\n") * 4000


@pytest.fixture(scope="module")
def filtered(make_gate, sink):
    listeners = {"usual": {}, "own": {"macros": OWN_MACROS}, "unix": {}, "inet6": {},
                 **{f"v{version}": {"version": str(version)} for version in VERSIONS}}
    path = ground.folder("filter")
    filters = {"unix": Filter(unix=path + "/socket"), "inet6": Filter(address="::1")}
    made = Filtered(make_gate, sink, listeners, filters)
    yield made
    made.judge()
    made.stop()
    ground.remove(path)


def one_message(filtered, name, text=None, recipients=(b"u@example.net",), parameters=b"", script=None, **negotiation):
    """The one that the filter was told of, on a new session, with a good end."""
    filter_ = filtered.filters[name]
    filter_.play(script if script is not None else {"E": saw}, **{**GOOD, **negotiation})
    token = new_token()
    with filtered.session(name) as wire:
        step, reply = send(wire, letter(token) if text is None else text(token), recipients, parameters=parameters)
        assert (step, reply.code) == ("END", 250), (step, reply, filtered.gate.story(30))
        message = filter_.wait_for_message(-1)
        wire.expect(221, b"QUIT")
    filter_.wait_until_left([message.connection])
    assert not message.connection.faults, message.connection.faults
    message.token = token
    return message


def commands(message):
    return "".join(command for command, _ in message.connection.packets)


# --- the packets of a message, byte for byte

def test_golden_packets(filtered):
    message = one_message(filtered, "usual", lambda token: letter(token, b"line\r\n.\r\n\r\n", more=b"X-Tight:x\r\nX-Folded: a\r\n\tb\r\n"),
                          parameters=b" SIZE=1000 BODY=8BITMIME")
    connection, token = message.connection, message.token
    packets = [(command, payload) for command, payload in connection.packets if command not in "DC"]
    assert packets == [
        ("O", b"\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"),
        ("H", b"client.example.org\0"),
        ("M", b"<alice@example.org>\0SIZE=1000\0BODY=8BITMIME\0"),
        ("R", b"<u@example.net>\0"),
        ("T", b""),
        ("L", b"Date\0 " + DATE + b"\0"),
        ("L", b"From\0 <alice@example.org>\0"),
        ("L", b"To\0 <u@example.net>\0"),
        ("L", b"Message-ID\0 <" + token + b"@client.example.org>\0"),
        ("L", b"Subject\0 " + token + b"\0"),
        ("L", b"X-Tight\0x\0"),
        ("L", b"X-Folded\0 a\n\tb\0"),
        ("N", b""),
        ("B", b"line\r\n.\r\n\r\n"),
        ("E", b""),
        ("Q", b""),
    ]
    assert (connection.family, connection.address[:4]) == ("4", "127.") and connection.port > 0
    assert connection.host in (b"[" + connection.address.encode() + b"]", b"localhost")
    # each macros packet stands right before its command
    order = [command if command != "D" else "D" + payload[:1].decode() for command, payload in connection.packets]
    for index, word in enumerate(order):
        assert not word.startswith("D") or order[index + 1] == word[1], order


def test_macros(filtered):
    message = one_message(filtered, "usual", recipients=(b"u@example.net", b"v@example.net"))
    told_at = message.connection.macros
    assert told_at["C"]["j"] == b"mail.example.org" and told_at["C"]["{daemon_name}"] == b"usual"
    assert told_at["C"]["{client_addr}"] == message.connection.address.encode()
    assert told_at["M"]["{mail_addr}"] == b"alice@example.org" and told_at["M"]["{auth_authen}"] == b"alice"
    assert told_at["R"]["{rcpt_addr}"] == b"v@example.net"
    ids = {told_at[command]["i"] for command in "MRTNE"}
    assert len(ids) == 1 and ids.pop()
    assert not told_at["C"]["v"][:1].isdigit()


def test_macros_of_the_settings(filtered):
    message = one_message(filtered, "own")
    told_at = message.connection.macros
    assert told_at["C"]["{daemon_name}"] == b"ORIGINATING" and told_at["C"]["{site}"] == b"blue"
    assert told_at["C"]["j"] == b"filter.example.org"
    assert all("{auth_ssf}" not in values for values in told_at.values())


def test_macros_the_filter_asks_for(filtered):
    message = one_message(filtered, "usual", macros={"C": "j,daemon_name {nonsense}", "M": "", "N": "i {auth_type} {client_addr}"})
    told_at = message.connection.macros
    assert set(told_at["C"]) == {"j", "daemon_name"} and told_at["C"]["daemon_name"] == b"usual"
    assert "M" not in told_at and "{client_addr}" in told_at["N"]
    assert "{rcpt_addr}" in told_at["R"]     # a stage without a list keeps the usual ones


def test_macros_are_named_as_they_were_asked_for(filtered):
    """Sendmail's library knows {i} and i as one; others do not."""
    told_at = one_message(filtered, "usual", macros={"M": "{i} auth_authen", "E": "i"}).connection.macros
    assert set(told_at["M"]) == {"{i}", "auth_authen"} and told_at["E"]["i"] == told_at["M"]["{i}"]


@pytest.mark.parametrize("name, family, address", [("unix", "4", "127."), ("inet6", "4", "127.")])
def test_other_sockets(filtered, name, family, address):
    message = one_message(filtered, name)
    assert message.connection.family == family and message.connection.address.startswith(address)


# --- commands that nobody knows

SECRETS = (b"AGFsaWNlAHNlY3JldA==", b"YWxpY2U=", b"XYZZY secret", b"BURL imap://secret", b"secret1 x", b"PasswordOfAlice")


def test_golden_packets_of_unknown_commands(filtered):
    """The line of those that we know and do not offer, of others the word; and none of what may be a secret."""
    filter_ = filtered.filters["usual"]
    filter_.play({"E": saw, "U": [USUAL, say.reply("502 5.5.1 not on a Sunday"), say.TEMPFAIL]}, **GOOD)
    token = new_token()
    with filtered.session("usual") as wire:
        wire.expect(500, b"XYZZY")                # nobody is connected for that
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(500, b"XYZZY one two")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        assert wire.command(b"etrn example.org").text.endswith("not on a Sunday")
        assert wire.command(b"TURN").code == 451
        for line in SECRETS:
            assert wire.command(line).code in (500, 502)
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
        wire.expect(502, b"TURN back")
        message = filter_.wait_for_message(-1)
        check_next(filtered, "usual", wire)
    connection = message.connection
    filter_.wait_until_left([connection])
    packets = [(command, payload) for command, payload in connection.packets if command not in "DLNB"]
    assert packets[3:] == [
        ("M", b"<alice@example.org>\0"),
        ("U", b"XYZZY\0"),
        ("R", b"<u@example.net>\0"),
        ("U", b"etrn example.org\0"),
        ("U", b"TURN\0"),
        ("U", b"XYZZY\0"),
        ("U", b"BURL\0"),
        ("T", b""),
        ("E", b""),
        ("U", b"TURN back\0"),
        ("M", b"<alice@example.org>\0"), ("R", b"<u@example.net>\0"), ("R", b"<v@example.net>\0"), ("T", b""), ("E", b""),
        ("Q", b"")], packets
    assert not connection.faults, connection.faults


def test_lost_at_an_unknown_command(filtered):
    """The message is told to another connection; the command is refused as always."""
    filter_ = filtered.filters["usual"]
    filter_.play({"E": saw, "U": [None]}, **GOOD)
    before, token = len(filter_.connections), new_token()
    with filtered.session("usual") as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(500, b"XYZZY")
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
        wire.expect(221, b"QUIT")
    first, second = filter_.connections[before:]
    filter_.wait_until_left([first, second])
    assert [command for command, _ in second.packets if command not in "DLNB"] == [*"OCHMRTEQ"]
    assert not first.faults + second.faults


# --- versions, what is not wanted, what is not answered

@pytest.mark.parametrize("version", VERSIONS)
def test_versions(filtered, version):
    message = one_message(filtered, f"v{version}", version=version, steps=0)
    assert message.connection.offered == (4 if version == 5 else version, 0x1ff, VERSIONS[version])    # nobody speaks 5
    assert message.commands == "MR" + ("T" if version >= 4 else "") + "L" * 5 + "NBE"


@pytest.mark.parametrize("version", (2, 3, 4))
def test_filter_of_a_lower_version(filtered, version):
    message = one_message(filtered, "usual", version=version, steps=0)
    assert message.commands == "MR" + ("T" if version >= 4 else "") + "L" * 5 + "NBE"


@pytest.mark.parametrize("command", [command for command in say.NO if command not in "UM"])
def test_what_is_not_wanted_is_not_sent(filtered, command):
    message = one_message(filtered, "usual", steps=say.NO[command] | say.LEADING_SPACE)
    assert command not in commands(message) and "E" in commands(message)
    if command in "CRTN":     # HELO has macros of TLS alone
        assert command in message.connection.macros      # which some read all the same


def test_only_the_end_is_wanted(filtered):
    filter_ = filtered.filters["usual"]
    filter_.play({"E": say.add_header("X-A", " b") + say.ACCEPT}, **{**GOOD, "steps": say.NO_ALL})
    token = new_token()
    with filtered.session("usual") as wire:
        assert send(wire, letter(token))[1].code == 250
        wire.expect(221, b"QUIT")
    assert filtered.sink.wait_for_token(token).fields("X-A") == [b"b"]
    connection = filter_.connections[-1]
    filter_.wait_until_left([connection])
    assert [command for command, _ in connection.packets if command != "D"] == ["O", "E", "Q"]


@pytest.mark.parametrize("command", [command for command in say.MUTE if command != "U"])
def test_no_answer_is_waited_for_where_none_comes(filtered, command):
    message = one_message(filtered, "usual", lambda token: letter(token, LONG), steps=say.MUTE[command] | say.LEADING_SPACE)
    assert message.body == LONG


def test_none_but_the_end_is_answered(filtered):
    message = one_message(filtered, "usual", lambda token: letter(token, LONG), steps=say.MUTE_ALL | say.LEADING_SPACE)
    assert message.body == LONG and message.commands == "MRTLLLLLN" + "B" * len(message.pieces) + "E"


# --- content

def test_header_comes_in_one_go(filtered):
    """No answer is needed for the next field to come."""
    message = one_message(filtered, "usual", script={"L": b"", "N": answer_fields_at_once, "E": saw})
    assert len(message.fields) == 5


def test_large_header_is_cut_into_batches(filtered):
    more = b"".join(b"X-Field-%d: " % number + b"x" * 900 + b"\r\n" for number in range(150))
    message = one_message(filtered, "usual", lambda token: letter(token, more=more))
    assert len(message.fields) == 155 and message.fields[-1][1] == b" " + b"x" * 900


def test_body_in_the_largest_pieces(filtered):
    message = one_message(filtered, "usual", lambda token: letter(token, LONG))
    assert message.body == LONG
    assert message.pieces == [65535] * (len(LONG) // 65535) + [len(LONG) % 65535]


def test_body_of_nothing_is_not_sent(filtered):
    message = one_message(filtered, "usual", lambda token: letter(token)[:letter(token).index(b"\r\n\r\n") + 4])
    assert message.commands == "MRTLLLLLNE"


@pytest.mark.parametrize("steps, value", [(0, b"one"), (say.LEADING_SPACE, b" one")])
def test_space_behind_the_colon(filtered, steps, value):
    text = (lambda token: letter(token, more=b"X-A: one\r\nX-B:one\r\nX-C:\tone\r\nX-D:  one\r\n"))
    message = one_message(filtered, "usual", text, steps=steps)
    assert message.field("X-A") == [value] and message.field("X-B") == [b"one"] and message.field("X-C") == [b"\tone"]
    assert message.field("X-D") == [b" " + value]


def test_field_that_no_packet_takes_is_refused(filtered):
    """Never cut: what is not told cannot be judged, or signed."""
    filter_ = filtered.filters["usual"]
    filter_.play({"E": saw}, **GOOD)
    with filtered.session("usual") as wire:
        token = new_token()
        step, reply = send(wire, letter(token, more=b"X-Long: " + (b"x" * 900 + b"\r\n ") * 72 + b"x\r\n"))
        assert (step, reply.code, reply.enhanced) == ("END", 554, "5.6.0"), reply
        filtered.refused.append(token)
        check_next(filtered, "usual", wire)


def test_skip_ends_the_body(filtered):
    message = one_message(filtered, "usual", lambda token: letter(token, LONG), script={"B": [say.SKIP], "E": saw})
    assert len(message.pieces) <= 2 < len(LONG) // 65535 and message.end == "E"     # a second may be under way


def test_skip_ends_the_recipients(filtered):
    message = one_message(filtered, "usual", recipients=(b"u@example.net", b"v@example.net", b"w@example.net"),
                          script={"R": [USUAL, say.SKIP], "E": saw})
    assert [path for path, _ in message.recipients] == [b"<u@example.net>", b"<v@example.net>"]
    assert len(filtered.sink.wait_for_token(message.token).recipients) == 3


def test_connection_is_kept_between_messages(filtered):
    filter_ = filtered.filters["usual"]
    with filtered.session("usual") as wire:
        found = [check_next(filtered, "usual", wire) for _ in range(3)]
    assert len({message.connection for message in found}) == 1
    filter_.wait_until_left([found[0].connection])
    said = commands(found[0])
    assert said.count("O") == said.count("C") == said.count("H") == 1 and "A" not in said


def test_nothing_is_connected_before_mail(filtered):
    filter_ = filtered.filters["usual"]
    count = len(filter_.connections)
    with filtered.session("usual") as wire:
        wire.expect(250, b"NOOP")
        assert len(filter_.connections) == count
        check_next(filtered, "usual", wire)
    assert len(filter_.connections) == count + 1


# --- what one filter changes the next one is told

def test_next_filter_sees_the_changes(filtered):
    changes = (say.add_header("X-Added", " yes") + say.change_header(1, "Subject", " changed") + say.change_header(1, "To", "") +
               say.insert_header(1, "X-First", " yes") + say.replace_body(b"new\r\n") + say.add_rcpt("<v@example.net>") + say.CONTINUE)
    one_message(filtered, "usual", script={"E": changes})
    seen = filtered.witness.wait_for_message(-1)
    assert [name for name, _ in seen.fields] == [b"X-First", b"Date", b"From", b"Message-ID", b"Subject", b"X-Added"]
    assert seen.field("Subject") == [b" changed"] and seen.body == b"new\r\n"


def test_our_received_is_nobodys_however_fields_move(filtered):
    message = one_message(filtered, "usual", lambda token: letter(token, more=b"Received: from a by b; Sat, 21 Nov 2026 10:00:00 +0000\r\n"),
                          script={"E": say.insert_header(0, "X-Top", " yes") + say.CONTINUE})
    assert len(message.field("Received")) == 1
    seen = filtered.witness.wait_for_message(-1)
    assert seen.fields[0] == (b"X-Top", b" yes") and seen.field("Received") == message.field("Received")
    assert len(filtered.sink.wait_for_token(message.token).fields("Received")) == 2


def test_refused_recipients_are_told_to_those_who_count_them(filtered):
    """By an earlier filter; what the later one says of them is no matter."""
    filter_, witness = filtered.filters["usual"], filtered.witness
    filter_.play({"R": [USUAL, say.reply("550 5.1.6 moved")], "E": saw}, **GOOD)
    witness.play({"R": [USUAL, say.REJECT]}, **{**GOOD, "steps": say.LEADING_SPACE | say.REFUSED_RCPT})
    with filtered.session("usual") as wire:
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(550, b"RCPT TO:<v@example.net>")
        token = new_token()
        wire.expect(354, b"DATA")
        wire.send(letter(token) + b".\r\n")
        assert wire.reply().code == 250
        wire.expect(221, b"QUIT")
    seen = witness.wait_for_message(-1)
    witness.play({}, **GOOD)
    assert [path for path, _ in seen.recipients] == [b"<u@example.net>", b"<v@example.net>"]
    refused = seen.macros["R"]
    assert (refused["{rcpt_mailer}"], refused["{rcpt_host}"]) == (b"error", b"5.1.6") and b"moved" in refused["{rcpt_addr}"]
    assert [path for path, _ in filtered.sink.wait_for_token(token).recipients] == [b"u@example.net"]


def test_next_filter_sees_a_large_new_body(filtered):
    message = one_message(filtered, "usual", script={"E": say.replace_body(LONG * 4, None) + say.CONTINUE})
    seen = filtered.witness.wait_for_message(-1)
    assert seen.body == LONG * 4
    assert filtered.sink.wait_for_token(message.token).body == LONG * 4


def test_next_filter_sees_it_byte_for_byte(filtered):
    text = {}

    def keep(token):
        text["sent"] = letter(token, LONG, more=b"X-Folded: a\r\n\tb\r\nX-Tight:c\r\n")
        return text["sent"]
    one_message(filtered, "usual", keep, script={})
    seen = filtered.witness.wait_for_message(-1)
    assert block(seen) + b"\r\n" + seen.body == text["sent"]
    assert told(seen).endswith(b"%d bytes" % len(LONG))


def test_ten_filters_in_their_order(make_gate, sink, token):
    """Each sees what those before it put in."""
    def count(connection, _payload):
        return say.add_header("X-Place", b" %d" % len(connection.message.field("X-Place"))) + say.CONTINUE
    filter_ = Filter({"E": count})
    names = [f"filter-{number}" for number in range(10)]
    sections = "".join(milter_section(name, filter_, {}) for name in names)
    daemon = make_gate(listeners={"submission": {"policy": '"ten"'}}, routes={"*": sink.target},
                       extra=sections + 'policy "ten" { milters = { "' + '", "'.join(names) + '" } }\n')
    with daemon.session(source=new_source()) as wire:
        assert send(wire, letter(token))[1].code == 250
        assert send(wire, letter(new_token()))[1].code == 250
        wire.expect(221, b"QUIT")
    assert sink.wait_for_token(token).fields("X-Place") == [b"%d" % number for number in range(10)]
    filter_.wait_until_left()
    assert len(filter_.connections) == 10 and not filter_.faults
    filter_.kill()


# --- behind a login, and without one

def test_login_and_tls_are_told(make_gate, sink):
    filter_ = Filter({"E": saw})
    daemon = make_gate(listeners={"submission": {"policy": '"one"'}}, routes={"*": sink.target},
                       extra=f'milter "one" {{ address = "{filter_.target}" }}\npolicy "one" {{ milters = {{ "one" }} }}\n')
    with daemon.session(source=new_source()) as wire:
        assert send(wire, letter(new_token()))[1].code == 250
        wire.expect(221, b"QUIT")
    filter_.wait_until_left()
    [message] = filter_.messages
    assert message.macros["M"]["{auth_type}"] == b"PLAIN" and message.macros["M"]["{auth_authen}"] == b"alice"
    assert message.connection.macros["H"]["{tls_version}"].startswith(b"TLSv1.3")
    assert not filter_.faults
    filter_.stop()
