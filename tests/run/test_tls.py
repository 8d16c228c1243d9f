# SPDX-License-Identifier: BSD-2-Clause
"""Which certificate, which version, which login: what TLS decides, listener by listener."""
import os
import ssl
import subprocess

import pytest

from rig import ground, scram
from rig.judge import deliver, letter
from rig.sallyport import Sallyport, section
from rig.wire import Closed, new_source, plain, trusting_context

INSIDE = "127.0.6.1"
PASSWORDS = (b"PLAIN", b"LOGIN")

# Title of a tls section -> the names of its certificate.
NAMES = {"main": ["mail.example.org"], "wild": ["*.example.net"], "exact": ["www.example.net"],
         "several": ["one.example.com", "two.example.com"]}
LISTENERS = {
    "modern": {"tls": "implicit", "tls-minimum": "1.3"},
    "old": {"tls": "implicit", "tls-priority": '"NORMAL:-VERS-ALL:+VERS-TLS1.2"'},
    "other": {"tls": "implicit", "certificates": "{ several, main }"},
    "lone": {"certificates": "{ main }"},
    "forgetful": {"tls": "implicit", "tls-ticket-life": "0"},
    "strict": {"require-tls": "yes"},
    "nologin": {"login": "off"},
    "clear": {"tls": "none", "login": "off"},
    "challenge": {"login": "secure-or-challenge"},
    "inside": {"login": "plain", "insecure-networks": f'{{ "{INSIDE}" }}'},
    "allowed": {"tls": "none", "login": "plain", "insecure-login": "allow", "insecure-networks": f'{{ "{INSIDE}" }}'},
    "denied": {"login": "plain", "insecure-login": "deny", "insecure-networks": f'{{ "{INSIDE}" }}'},
    "scram": {"mechanisms": '{ "SCRAM-SHA-256" }'},
}


@pytest.fixture(scope="module")
def pairs(authority):
    """Title -> kind -> (certificate, key)."""
    return {title: {kind: authority.issue(names[0], names, kind) for kind in ("rsa", "ecdsa")}
            for title, names in NAMES.items()}


@pytest.fixture(scope="module")
def gate(make_gate, sink, pairs):
    sections = "".join(section("tls", title, {
        "certificate": "{ %s }" % ", ".join(f'"{pair[0]}"' for pair in kinds.values()),
        "key": "{ %s }" % ", ".join(f'"{pair[1]}"' for pair in kinds.values())})
        for title, kinds in pairs.items())
    return make_gate(certificates=[], listeners=LISTENERS, routes={"*": sink.target}, extra=sections)


def der_of(pair):
    with open(pair[0], encoding="ascii") as pem:
        return ssl.PEM_cert_to_DER_cert(pem.read())


@pytest.fixture(scope="module")
def titles(pairs):
    """DER -> (title, kind)."""
    return {der_of(pair): (title, kind) for title, kinds in pairs.items() for kind, pair in kinds.items()}


SIGNATURES = {"rsa": "rsa_pss_rsae_sha256", "ecdsa": "ecdsa_secp256r1_sha256"}


def shown(gate, titles, listener, name, version, kind):
    """Title and kind of the certificate that openssl gets with this name; None if it gets none."""
    tls = gate.parts["listeners"][listener].get("tls")
    argv = ["openssl", "s_client", "-connect", "127.0.0.1:%d" % gate.address(listener)[1],
            "-tls" + version.replace(".", "_"), "-sigalgs", SIGNATURES[kind],
            *(["-servername", name] if name else ["-noservername"]),
            *([] if tls == "implicit" else ["-starttls", "smtp"])]
    if version == "1.2":
        argv += ["-cipher", f"ECDHE-{kind.upper()}-AES128-GCM-SHA256"]
    done = subprocess.run(argv, input=b"QUIT\r\n", capture_output=True, timeout=20)
    begin = done.stdout.find(b"-----BEGIN CERTIFICATE-----")
    if begin < 0:
        return None
    end = done.stdout.index(b"-----END CERTIFICATE-----") + 25
    return titles[ssl.PEM_cert_to_DER_cert(done.stdout[begin:end].decode())]


# --- which certificate

@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
@pytest.mark.parametrize("listener", ["submission", "submissions"])
def test_the_certificate_of_the_name_asked_for(gate, titles, listener, kind, version):
    """Exact before wildcard; a wildcard is one label; no name or a strange one gets the first."""
    wanted = {"mail.example.org": "main", "WWW.Example.NET": "exact", "other.example.net": "wild",
              "one.example.com": "several", "two.example.com": "several", "a.b.example.net": "main",
              "example.net": "main", "nobody.test": "main", None: "main"}
    found = {name: shown(gate, titles, listener, name, version, kind) for name in wanted}
    assert found == {name: (title, kind) for name, title in wanted.items()}


def test_certificates_of_one_listener(gate, titles):
    """The first in its list is the one for no name; those not in it are not shown."""
    def title(listener, name):
        return shown(gate, titles, listener, name, "1.3", "ecdsa")[0]
    assert title("other", None) == title("other", "www.example.net") == "several"
    assert title("other", "mail.example.org") == "main"
    assert title("lone", "one.example.com") == title("lone", None) == "main"


# --- which version

def greets(gate, listener, **limits):
    with gate.wire(listener) as wire:
        try:
            wire.handshake(trusting_context(**limits))
            return wire.reply().code == 220 and wire.tls.version()
        except (ssl.SSLError, Closed, OSError):
            return False


def test_oldest_version_of_each_listener(gate):
    one_two = {"minimum": ssl.TLSVersion.TLSv1_2, "maximum": ssl.TLSVersion.TLSv1_2}
    one_three = {"minimum": ssl.TLSVersion.TLSv1_3, "maximum": ssl.TLSVersion.TLSv1_3}
    assert greets(gate, "modern", **one_three) == "TLSv1.3" and not greets(gate, "modern", **one_two)
    assert greets(gate, "old", **one_two) == "TLSv1.2" and not greets(gate, "old", **one_three)
    assert greets(gate, "submissions", **one_two) == "TLSv1.2"
    assert greets(gate, "submissions") == "TLSv1.3"


def test_a_wrong_priority_is_refused_at_start(certificate):
    gate = Sallyport(certificates=[certificate], listeners={"old": {"tls-priority": '"NORMAL:+NO-SUCH"'}})
    gate.write_config()
    try:
        done = subprocess.run([ground.program("sallyportd"), "-c", gate.config, "-f"], timeout=20,
                              capture_output=True, text=True, cwd="/", **ground.as_user())
        assert done.returncode == os.EX_CONFIG
        assert "TLS priority" in done.stderr and f"{gate.config}:" in done.stderr, done.stderr
        assert '"signal"' not in done.stderr, done.stderr
    finally:
        ground.remove(gate.path)


# --- resumption

def resumes(gate, listener, context, session):
    with gate.wire(listener) as wire:
        wire.handshake(context, session=session)
        assert wire.reply().code == 220
        wire.command(b"NOOP")
        return wire.tls.session_reused, wire.tls.session


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_resumption_goes_on_after_a_reload(gate, version):
    context = trusting_context(version, version)
    first, session = resumes(gate, "submissions", context, None)
    assert not first
    gate.reload()
    assert resumes(gate, "submissions", context, session)[0]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_resumption_where_tickets_have_no_life(gate, version):
    context = trusting_context(version, version)
    _, session = resumes(gate, "forgetful", context, None)
    assert not resumes(gate, "forgetful", context, session)[0]


# --- channel binding

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name,title", [("other.example.net", "wild"), ("nobody.test", "main")])
def test_B23_the_binding_is_that_of_the_certificate_shown(gate, titles, pairs, name, title, version):
    def login(bound):
        client = scram.Scram("alice", "alicepw", binding=("tls-server-end-point", bound))
        return scram.authenticate(lambda line: wire.send(line + b"\r\n"), wire.reply,
                                  b"SCRAM-SHA-256-PLUS", client)
    with gate.secure(name=name, context=trusting_context(version, version)) as wire:
        certificate = wire.tls.getpeercert(True)
        assert titles[certificate][0] == title
        wrong = login(scram.server_end_point(der_of(pairs["several"]["rsa"])))
        assert (wrong.code, wrong.enhanced) == (535, "5.7.8"), wrong
        assert login(scram.server_end_point(certificate)).code == 235


# --- which login

def offered(wire):
    wire.reply()
    keywords = wire.ehlo()
    return set(keywords.get("AUTH", [])), "STARTTLS" in keywords


def over_tls(gate, listener):
    with gate.secure(listener) as wire:
        return set(wire.offered.get("AUTH", []))


def login_scram(wire):
    return scram.authenticate(lambda line: wire.send(line + b"\r\n"), wire.reply, b"SCRAM-SHA-256",
                              scram.Scram("alice", "alicepw"))


def test_login_secure(gate):
    with gate.wire() as wire:
        assert offered(wire) == (set(), True)
        for mechanism in (b"PLAIN " + plain("alice", "alicepw"), b"LOGIN", b"SCRAM-SHA-256"):
            assert (wire.command(b"AUTH " + mechanism).code) == 538
    assert {b"PLAIN", b"LOGIN", b"SCRAM-SHA-256", b"SCRAM-SHA-256-PLUS"} <= over_tls(gate, "submission")


def test_login_secure_or_challenge(gate):
    with gate.wire("challenge") as wire:
        assert offered(wire) == ({b"SCRAM-SHA-256", b"SCRAM-SHA-1"}, True)
        for mechanism in (b"PLAIN " + plain("alice", "alicepw"), b"LOGIN", b"SCRAM-SHA-256-PLUS"):
            reply = wire.command(b"AUTH " + mechanism)
            assert (reply.code, reply.enhanced) == (538, "5.7.11"), reply
        assert login_scram(wire).code == 235
        assert deliver(wire, letter(b"challenge")).code == 250
    assert set(PASSWORDS) <= over_tls(gate, "challenge")


@pytest.mark.parametrize("listener,warned", [("inside", True), ("allowed", False)])
def test_login_plain_inside(gate, sink, token, listener, warned):
    start = len(gate.events)
    with gate.wire(listener, source=INSIDE) as wire:
        assert set(PASSWORDS) <= offered(wire)[0] and b"SCRAM-SHA-256-PLUS" not in wire.ehlo()["AUTH"]
        wire.login()
        assert deliver(wire, letter(token)).code == 250
        wire.expect(221, b"QUIT")
    gate.wait_for_event("client.closed", {"client": INSIDE}, start=start)
    assert bool(gate.events_named("client.login-insecure", start)) == warned
    received = sink.wait_for_token(token).fields("Received")[0]
    assert b"with ESMTPA " in received, received


def test_login_plain_outside(gate):
    with gate.wire("inside") as wire:
        assert offered(wire) == (set(), True)
        assert wire.auth_plain().code == 538
        wire.starttls()
        wire.ehlo()
        wire.login()
    with gate.wire("allowed") as wire:
        assert offered(wire) == (set(), False)
        assert wire.auth_plain().code in (502, 538)


def test_login_plain_denied_is_as_secure(gate):
    with gate.wire("denied", source=INSIDE) as wire:
        assert offered(wire) == (set(), True)
        assert wire.auth_plain().code == 538


@pytest.mark.parametrize("listener", ["nologin", "clear"])
def test_login_off(gate, listener):
    with gate.wire(listener, source=INSIDE) as wire:
        assert offered(wire)[0] == set()
        assert wire.auth_plain().code == 502
        if listener == "nologin":
            wire.starttls()
            assert "AUTH" not in wire.ehlo()
            assert wire.auth_plain().code == 502
        else:
            assert wire.command(b"STARTTLS").code == 502


def test_mechanisms_of_one_listener(gate):
    assert over_tls(gate, "scram") == {b"SCRAM-SHA-256"}
    with gate.secure("scram") as wire:
        assert wire.auth_plain().code == 504
        assert login_scram(wire).code == 235


def test_require_tls(gate):
    with gate.wire("strict") as wire:
        assert offered(wire) == (set(), True)
        wire.expect(250, b"NOOP")
        for command in (b"MAIL FROM:<alice@example.org>", b"RCPT TO:<u@example.net>", b"DATA", b"RSET",
                        b"VRFY alice", b"HELP", b"BDAT 0 LAST", b"AUTH PLAIN " + plain("alice", "alicepw")):
            reply = wire.command(command)
            assert (reply.code, reply.enhanced) == (530, "5.7.0"), (command, reply)
        wire.starttls()
        wire.ehlo()
        wire.login()
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
    with gate.wire("strict", source=new_source()) as wire:
        wire.reply()
        wire.ehlo()
        wire.expect(221, b"QUIT")
