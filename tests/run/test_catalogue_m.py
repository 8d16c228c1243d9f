# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue M: a filter that is broken, hostile, slow or not there never loses, leaks or half-changes a message."""
import concurrent.futures
import os
import threading

import pytest

from rig import ground
from rig import milter_packet as say
from rig.deadline import until
from rig.filtered import GOOD, Filtered, Row, check_next, milter_section, run, saw, say_and_close, send
from rig.judge import is_clean, letter, new_token
from rig.milter import USUAL, Filter
from rig.sallyport import Health
from rig.wire import Wire

SLOW = {"connect-wait": "1s", "command-wait": "1s", "content-wait": "1s", "end-wait": "1s", "budget": "1500ms"}
LISTENERS = {"tempfail": {}, "accept": {"on-failure": "accept"}, "trusted": {"change-envelope": "yes"}, "slow": SLOW, "dead": {"connect-wait": "300ms"}}
VICTIM = b"victim@example.net"
STEPS = {**dict.fromkeys(("accept", "O", "C", "H", "M"), "MAIL"), "R": "RCPT", "T": "DATA", **dict.fromkeys("LNBE", "END")}


@pytest.fixture(scope="module")
def filtered(make_gate, sink):
    made = Filtered(make_gate, sink, LISTENERS, {"dead": Filter(port=ground.free_port())})
    made.filters["dead"].kill()
    yield made
    made.judge()
    made.stop()


@pytest.fixture
def alive(filtered):
    with filtered.session("tempfail") as wire:     # what a filter costs once
        check_next(filtered, "tempfail", wire)
    health = Health(filtered.gate)
    yield health
    health.check()


def reset(connection, _payload):
    connection.reset()


# --- M1: it is not there, or leaves

@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("how", [None, reset], ids=["closes", "resets"])
def test_M1_leaves_at_each_step(filtered, step, how):
    run(filtered, "tempfail", Row({step: how}, at=STEPS[step], left=False))


def test_M1_nobody_listens(filtered, alive):
    with filtered.session("dead") as wire:
        for _ in range(2):
            step, reply = send(wire, letter(new_token()))
            assert (step, reply.code, reply.enhanced) == ("MAIL", 451, "4.7.1"), reply


@pytest.mark.sanitize
@pytest.mark.parametrize("said", [say.add_header("X-A", "b"), say.replace_body(b"new\r\n"), say.replace_body(b"x" * 9000)[:4000],
                                  say.delete_rcpt("<u@example.net>"), say.change_sender("<ali@example.org>")],
                         ids=["field", "body", "half-a-body", "recipient", "sender"])
def test_M1_half_of_the_changes_are_never_accepted(filtered, said):
    run(filtered, "accept", Row({"E": say_and_close(said)}, code=451, enhanced="4.7.1", left=False))


# --- M2: packets

@pytest.mark.sanitize
@pytest.mark.parametrize("said", [
    b"\0\0\0\0", b"\0\0\0\1?", b"\x7f\xff\xff\xffc", b"\xff\xff\xff\xffc", say.packet("h", b"A"), say.packet("i", b"\0"), say.packet("?"),
    say.packet("y", b"550"), say.PROGRESS * 10_000, say.packet("b", length=0x7fffffff),
], ids=["0", "1", "2^31-1", "2^32-1", "torn", "short", "unknown", "no-nul", "10000-progress", "body"])
def test_M2_packets(filtered, said):
    believed = said == say.packet("y", b"550")      # as far as its class goes
    run(filtered, "tempfail", Row({"E": said}, code=550 if believed else 451, kept=believed, left=not believed, flat=True))


def test_M2_answers_byte_by_byte(filtered):
    def slowly(said):
        return lambda connection, payload: connection.drip(said, 0.001) or b""
    changes = say.add_header("X-A", " b") + say.CONTINUE
    run(filtered, "tempfail", Row({**{step: slowly(say.CONTINUE) for step in "CHMRTN"}, "E": slowly(changes)}, code=250, kept=True,
                                  left=False, queued=lambda message: message.fields("X-A") == [b"b"] or pytest.fail("not added")))


# --- M3: codes and texts

@pytest.mark.sanitize
@pytest.mark.parametrize("line, code", [
    (b"550", 550), (b"250 2.0.0 ok", 451), (b"999 x", 451), (b"55", 550), (b"550 5.7.1 a\r\n250 ok", 550), (b"550 5.7.1 %s%n%d", 550),
    (b"550-5.7.1 a\r\n550-5.7.1 b", 550), (b"550-5.7.1 a\r\n\r\n550 5.7.1 b", 550), (b"550 5.7.1 " + b"x" * 65000, 550), (b"", 451),
    (b"451 9.9.9 x", 451), (b"421", 421), (b"220 ready", 451),
], ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else None)
def test_M3_replies(filtered, line, code):
    run(filtered, "tempfail", Row({"M": say.reply(line)}, at="MAIL", code=code, enhanced=f"{code // 100}.7.1", kept=None, left=False))


# --- M4: header fields

BAD_NAMES = [b"A:B", b"A B", b"A\rB", b"A\nB", b"A\r\nB", b"\xc3\xa9", b"", b"A" * 10240, b"A\tB", b"\x7f"]


@pytest.mark.sanitize
@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: repr(name[:8]))
@pytest.mark.parametrize("make", [say.add_header, lambda name, value: say.insert_header(1, name, value),
                                  lambda name, value: say.change_header(1, name, value)], ids=["add", "insert", "change"])
def test_M4_names(filtered, make, name):
    run(filtered, "accept", Row({"E": make(name, "x") + say.CONTINUE}, code=451, enhanced="4.7.1"))


@pytest.mark.sanitize
@pytest.mark.parametrize("value", [b"a\rb", b"a\nb", b"a\r\nBcc: " + VICTIM, b"a\r\n\r\nbody", b"a\n\nBcc: x", b"\r\nBcc: x", b"\n.\n",
                                   b"a\r\n", b"\r\n"], ids=repr)
@pytest.mark.parametrize("make", [say.add_header, lambda name, value: say.insert_header(1, name, value),
                                  lambda name, value: say.change_header(1, name, value)], ids=["add", "insert", "change"])
def test_M4_values_never_split_the_header(filtered, make, value):
    """Made safe, or refused as a whole."""
    filter_ = filtered.filters["tempfail"]
    token = new_token()
    with filtered.session("tempfail") as wire:
        filter_.play({"E": make("X-A", value) + say.CONTINUE})
        step, reply = send(wire, letter(token, b"the body\r\n"))
        assert step == "END" and (reply.code == 250 or (reply.code, reply.enhanced) == (451, "4.7.1")), reply
        if reply.code == 250:
            message = filtered.sink.wait_for_token(token)
            assert message.body == b"the body\r\n" and is_clean(message.raw), message.raw
            assert not message.fields("Bcc") and len(message.fields("X-A")) <= 1, message.raw
            assert [path for path, _ in message.recipients] == [b"u@example.net"]
        else:
            filtered.refused.append(token)
        check_next(filtered, "tempfail", wire)


@pytest.mark.parametrize("index", [-1, 1 << 31, (1 << 31) + 1, 0xfffffff0])
@pytest.mark.parametrize("make", [say.insert_header, say.change_header], ids=["insert", "change"])
def test_M4_places_that_do_not_exist(filtered, make, index):
    run(filtered, "accept", Row({"E": make(index, "X-A", "x") + say.CONTINUE}, code=451, enhanced="4.7.1"))


# --- M5: the envelope

@pytest.mark.parametrize("path", [b"", b"<>", b"a b", b"<a@b\r\nRCPT TO:<c@d>", b"<a@b", b"@", b"<" + b"a" * 300 + b"@example.net>",
                                  b"a@b\xff"], ids=lambda path: repr(path[:12]))
@pytest.mark.parametrize("make", [say.add_rcpt, say.delete_rcpt, say.change_sender], ids=["add", "delete", "sender"])
def test_M5_addresses_that_are_none(filtered, make, path):
    """Passed over, or refused as a whole; a null sender is one."""
    filter_ = filtered.filters["trusted"]
    token = new_token()
    with filtered.session("trusted") as wire:
        filter_.play({"E": make(path) + say.CONTINUE})
        step, reply = send(wire, letter(token))
        assert step == "END" and reply.code in (250, 451), reply
        if reply.code == 250:
            message = filtered.sink.wait_for_token(token)
            assert [address for address, _ in message.recipients] == [b"u@example.net"], message
            assert message.sender == (b"" if make is say.change_sender and path == b"<>" else b"alice@example.org")
        else:
            filtered.refused.append(token)
        check_next(filtered, "trusted", wire)


def test_M5_100000_recipients(filtered, alive):
    many = b"".join(say.add_rcpt(f"<r{number}@example.net>") for number in range(100_000))
    run(filtered, "trusted", Row({"E": many + say.CONTINUE}, code=451, enhanced="4.7.1", kept=None, left=False))


def test_M5_sender_of_somebody_else(filtered):
    """Only by a filter that is trusted with it."""
    def sent(name):
        filtered.filters[name].play({"E": say.change_sender("<bob@example.org>") + say.CONTINUE})
        token = new_token()
        with filtered.session(name) as wire:
            reply = send(wire, letter(token))[1]
        return token, reply
    token, reply = sent("trusted")
    assert reply.code == 250 and filtered.sink.wait_for_token(token).sender == b"bob@example.org"
    token, reply = sent("tempfail")
    assert reply.code != 250 or filtered.sink.wait_for_token(token).sender == b"alice@example.org"


# --- M6: bodies

def test_M6_larger_than_a_message(filtered, alive):
    run(filtered, "accept", Row({"E": say.replace_body((b"x" * 76 + b"\r\n") * 14000) * 40 + say.CONTINUE}, code=451, flat=True))


@pytest.mark.parametrize("body", [b"a\0b\r\n", b"a\n.\nb\n", b"a\r\n.\r\nb\r\n", b"\r.\r", b".\r\n", b"x" * 5000, b"\r"],
                         ids=lambda body: repr(body[:12]))
def test_M6_bodies(filtered, body):
    """One message comes out of it, clean, or none."""
    filter_ = filtered.filters["tempfail"]
    token = new_token()
    with filtered.session("tempfail") as wire:
        filter_.play({"E": say.replace_body(body) + say.CONTINUE})
        reply = send(wire, letter(token))[1]
        assert reply.code in (250, 451), reply
        if reply.code == 250:
            message = filtered.sink.wait_for_token(token)
            assert is_clean(message.raw), message.raw
            assert not [line for line in message.raw.split(b"\r\n") if line.startswith(b".") and not line.startswith(b"..")]
        else:
            filtered.refused.append(token)
        check_next(filtered, "tempfail", wire)


def test_M6_replaced_and_then_refused(filtered):
    run(filtered, "tempfail", Row({"E": say.replace_body(b"new\r\n") + say.REJECT}, code=550, kept=True, left=False))


def test_M6_two_bodies_are_one_behind_the_other(filtered):
    both = say.replace_body(b"one\r\n") + say.replace_body(b"two\r\n")
    run(filtered, "tempfail", Row({"E": both + say.CONTINUE}, code=250, kept=True, left=False,
                                  queued=lambda message: message.body == b"one\r\ntwo\r\n" or pytest.fail("another body")))


# --- M7: verdicts, each for its own message

def test_M7_quarantine_with_control_bytes(filtered):
    said = say.quarantine(b"bad\r\n\x1b[31m\x07\xff") + say.CONTINUE
    run(filtered, "tempfail", Row({"E": said}, code=250, kept=True, left=False, held=True))


@pytest.mark.parametrize("step", "MRTNBE")
def test_M7_discard(filtered, step):
    run(filtered, "tempfail", Row({step: say.DISCARD}, code=250, kept=True, left=False, discarded=True))


@pytest.mark.parametrize("step", "MRTNB")
def test_M7_accept_is_for_one_message(filtered, step):
    run(filtered, "tempfail", Row({step: say.ACCEPT}, code=250, kept=True, left=False))


@pytest.mark.parametrize("step", "RB")
def test_M7_skip(filtered, step):
    run(filtered, "tempfail", Row({step: [say.SKIP]}, code=250, kept=True, left=False,
                                  recipients=(b"u@example.net", b"v@example.net")))


# --- M8: negotiation

@pytest.mark.parametrize("offer", [{"version": 1}, {"version": 99}, {"version": 0}, {"steps": 0x80000000}, {"steps": 0x00200000}], ids=str)
def test_M8_what_nobody_knows(filtered, offer):
    run(filtered, "tempfail", Row({"O": say.offer(**offer)}, at="MAIL"))


@pytest.mark.parametrize("offer", [{"actions": 0}, {"actions": 0xffffffff}, {"steps": say.LEADING_SPACE | 0x70000000}], ids=str)
def test_M8_what_is_asked_for_and_not_known_is_left_out(filtered, offer):
    run(filtered, "tempfail", Row({}, code=250, left=False, apart=True, **offer))


# --- M9: slow ones

def test_M9_each_step_in_time_and_all_of_them_not(filtered):
    """Nothing is late by itself, and the whole is."""
    pause = threading.Event()

    def late(_connection, _payload):
        pause.wait(0.6)
        return USUAL
    filtered.filters["slow"].play({step: late for step in "CHMRTNBE"})
    token = new_token()
    with filtered.session("slow") as wire:
        _, reply = send(wire, letter(token))
    assert (reply.code, reply.enhanced) == (451, "4.7.1")
    filtered.refused.append(token)


def test_M9_each_filter_in_time_and_all_of_them_not(make_gate, sink):
    """What a policy has for one message is less than what its filters have one by one."""
    pause = threading.Event()

    def late(_connection, _payload):
        pause.wait(0.7)
        return USUAL
    both = [Filter({"E": late}) for _ in range(2)]
    text = "".join(milter_section(f"slow-{number}", one, {}) for number, one in enumerate(both))
    gate = make_gate(listeners={"submission": {"policy": '"both"'}}, routes={"*": sink.target},
                     extra=text + 'policy "both" { milters = { "slow-0", "slow-1" }\n  budget = 1s }\n')
    with gate.session() as wire:
        _, reply = send(wire, letter(new_token()))
    assert (reply.code, reply.enhanced) == (451, "4.7.1"), reply
    for one in both:
        one.wait_until_left()
        one.stop()


def test_M9_200_sessions_with_a_dead_filter(filtered, alive):
    """They are put off at once, and nobody else waits."""
    def client(_number):
        with filtered.session("dead", 30) as wire:
            return send(wire, letter(new_token()))
    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        found = list(pool.map(client, range(200)))
    assert {(step, reply.code) for step, reply in found} == {("MAIL", 451)}
    with filtered.session("tempfail") as wire:
        check_next(filtered, "tempfail", wire)


# --- M10: sockets that were put there by somebody else

@pytest.fixture(scope="module")
def places():
    path = ground.folder("filters")
    yield path
    ground.remove(path)


def test_M10_socket_behind_a_link(make_gate, sink, places):
    """A good filter's socket is used; one that is replaced by a link to another's is judged by what it leads to."""
    good, other = Filter(unix=f"{places}/good"), Filter(unix=f"{places}/other")
    text = milter_section("one", good, {}) + 'policy "one" { milters = { "one" } }\n'
    gate = make_gate(listeners={"submission": {"policy": '"one"'}}, routes={"*": sink.target}, extra=text)
    with gate.session() as wire:
        assert send(wire, letter(new_token()))[1].code == 250
    good.stop()
    os.symlink(f"{places}/other", f"{places}/good")
    with gate.session() as wire:
        _, reply = send(wire, letter(new_token()))
    assert reply.code == 451 and not other.connections, (reply, gate.story(10))
    os.unlink(f"{places}/good")
    ground.write(f"{places}/good", "no socket")
    with gate.session() as wire:
        assert send(wire, letter(new_token()))[1].code == 451
    os.unlink(f"{places}/good")
    os.chmod(places, 0o777)     # where anybody may put a socket
    stranger = Filter(unix=f"{places}/good")
    with gate.session() as wire:
        assert send(wire, letter(new_token()))[1].code == 451
    assert not stranger.connections
    stranger.stop()
    other.stop()


def test_M10_path_of_108_bytes(filtered):
    """Told when the settings are read, not when mail comes."""
    config = os.path.join(filtered.gate.path, "long.conf")
    text = filtered.gate.text() + f'milter "long" {{ address = "unix:/tmp/{"x" * 110}" }}\n'
    ground.write(config, text, 0o644)
    done = filtered.gate.ctl("-c", config, "config", "check", check=False)
    assert done.returncode and "long" in done.stderr + done.stdout, (done.stdout, done.stderr)


# --- M11: what clients put into macros

def test_M11_macros_are_short_and_printable(filtered):
    filter_ = filtered.filters["tempfail"]
    macros = {"C": "s _ {client_name} {client_addr}", "H": "s", "M": "s {mail_addr} {auth_authen} {auth_author} r"}
    filter_.play({"E": saw}, **{**GOOD, "macros": macros})
    wire = Wire(filtered.gate.address("tempfail"))
    assert wire.reply().code == 220
    name = b"x" * 200 + b".example.org"
    wire.command(b"EHLO " + name)
    if wire.command(b"MAIL FROM:<alice@example.org> AUTH=<>").code != 250:
        wire.expect(250, b"EHLO client.example.org")
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
    wire.expect(250, b"RCPT TO:<\"a b\\\"\"@example.net>")
    message = until(lambda: filter_.messages and filter_.messages[-1].recipients and filter_.messages[-1], 5, "a recipient is told")
    values = [value for macros in message.connection.macros.values() for value in macros.values()]
    assert values and all(0 < len(value) <= 1024 and min(value) >= 32 and 127 not in value for value in values), values
    wire.close()
