# SPDX-License-Identifier: BSD-2-Clause
"""TLS as a listener's own affair: old versions for old devices, and certificates of clients as principals."""
import os
import ssl
import subprocess

import pytest

from rig import ground
from rig.wire import Closed, Wire, trusting_context

PERMITS = """permit "authenticated" { rights = { submit, relay } }
permit "certificate:printer-7.example.org" { rights = { submit, relay } send-as = { "scanner@example.org" } }
permit "certificate:ops@example.org" { rights = { submit, relay } send-as = { "ops@example.org" } }
permit "certificate:Old Printer" { rights = { submit, relay } send-as = { "scanner@example.org" } }
permit "certificate:*.example.org" { rights = { submit, relay } send-as = { "*" } }
"""
OPENSSL_CONFIG = """[req]
distinguished_name = dn
prompt = no
string_mask = utf8only
[dn]
{subject}
[ext]
{extensions}
"""


class Clients:
    """An authority for clients, and what it signs; days may be negative, for what is over."""

    def __init__(self, path):
        self.path = path
        self.trust = os.path.join(path, "clients.pem")
        self.key = os.path.join(path, "clients.key")
        self.count = 0
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Clients",
                      "-days", "30", "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", self.key, "-out", self.trust)
        os.chmod(self.trust, 0o644)

    def _openssl(self, *argv, **options):
        done = subprocess.run(["openssl", *argv], capture_output=True, check=False, **options)
        assert done.returncode == 0, done.stderr.decode()

    def issue(self, subject="CN = unnamed", names=None, purpose="clientAuth", days=(-1, 20), kind="ec", issuer=None, more=""):
        """(certificate, key, issuer's key) paths."""
        self.count += 1
        base = os.path.join(self.path, f"client{self.count}")
        extensions = ([f"subjectAltName = {names}"] if names else []) + ([f"extendedKeyUsage = {purpose}"] if purpose else [])
        with open(base + ".conf", "w", encoding="utf-8") as out:
            out.write(OPENSSL_CONFIG.format(subject=subject, extensions="\n".join(extensions + ["subjectKeyIdentifier = hash", more])))
        algorithm = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
        self._openssl("req", "-newkey", *algorithm, "-nodes", "-utf8", "-config", base + ".conf", "-keyout", base + ".key", "-out", base + ".csr")
        begin, end = (self._date(day) for day in days)
        certificate, key = issuer or (self.trust, self.key)
        index = base + ".index"
        ground.write(index, "", 0o600)
        ground.write(base + ".serial", f"{4096 + self.count:X}\n", 0o600)
        ground.write(base + ".ca", f"[ca]\ndefault_ca=c\n[c]\ndatabase={index}\nserial={base}.serial\nnew_certs_dir={self.path}\n"
                     "default_md=sha256\npolicy=p\nunique_subject=no\nemail_in_dn=no\n[p]\ncommonName=optional\n", 0o600)
        self._openssl("ca", "-batch", "-utf8", "-notext", "-config", base + ".ca", "-cert", certificate, "-keyfile", key, "-in", base + ".csr",
                      "-startdate", begin, "-enddate", end, "-extfile", base + ".conf", "-extensions", "ext", "-out", base + ".pem")
        return base + ".pem", base + ".key"

    @staticmethod
    def _date(day):
        done = subprocess.run(["date", "-u", "-d", f"{day:+d} days", "+%Y%m%d%H%M%SZ"], capture_output=True, check=True)
        return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def clients():
    path = ground.folder("clients")
    os.chmod(path, 0o755)
    yield Clients(path)
    ground.remove(path)


@pytest.fixture(scope="module")
def gate(make_gate, sink, authority, clients):
    names = ["mail.example.org", "127.0.0.1"]
    ask = {"client-certificate": "ask", "client-trust-file": f'"{clients.trust}"'}
    return make_gate(certificates=[authority.issue("mail.example.org", names), authority.issue("mail.example.org", names, kind="rsa")],
                     permits=PERMITS, routes={"*": sink.target}, listeners={
                         "old": {"tls-minimum": "1.0"}, "old11": {"tls-minimum": "1.1", "tls": "implicit"},
                         "ask": ask, "require": {**ask, "client-certificate": "require", "tls": "implicit"}})


# --- old versions

def old_context(version, ciphers):
    context = trusting_context(version, version)
    context.set_ciphers(ciphers + ":@SECLEVEL=0")
    return context


@pytest.mark.parametrize("ciphers", ["ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-SHA"])
def test_tls_1_0_where_it_was_written(gate, ciphers):
    context = old_context(ssl.TLSVersion.TLSv1, ciphers)
    with Wire(gate.address("old")) as wire:
        wire.greet()
        wire.starttls(context=context)
        assert (wire.tls.version(), wire.tls.cipher()[0]) == ("TLSv1", ciphers)
        wire.ehlo()
        assert wire.auth_plain().code == 235
        wire.expect(250, b"MAIL FROM:<alice@example.org>")
    for listener in ("submission", "submissions", "old11"):
        with Wire(gate.address(listener)) as wire:
            if listener == "submission":
                wire.greet()
                wire.expect(220, b"STARTTLS")
            with pytest.raises((ssl.SSLError, Closed, OSError, EOFError)):
                wire.handshake(context=context)


def test_what_can_never_be_had(gate):
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2):
        with Wire(gate.address("old11")) as wire:
            with pytest.raises((ssl.SSLError, Closed, OSError, EOFError)):
                wire.handshake(context=old_context(version, "AES128-SHA:AES256-SHA:ADH-AES128-SHA"))
    with Wire(gate.address("old11")) as wire:
        wire.handshake(context=old_context(ssl.TLSVersion.TLSv1_1, "ALL"))
        assert wire.tls.version() == "TLSv1.1"
    with Wire(gate.address("old11")) as wire:
        wire.handshake()
        assert wire.tls.version() == "TLSv1.3"


def test_old_tls_is_named(gate):
    assert gate.wait_for_event("client.tls-old", {"listener": "old"})["minimum"] == "1.0"
    assert gate.wait_for_event("client.tls-old", {"listener": "old11"})["minimum"] == "1.1"
    assert "speaks TLS 1.0" in gate.ctl("check", check=False).stdout


# --- certificates of clients

def shown(pair, version=None, extra=()):
    context = trusting_context(version or ssl.TLSVersion.TLSv1_2, version or ssl.TLSVersion.TLSv1_3)
    if pair:
        context.load_cert_chain(*pair)
    for option in extra:
        option(context)
    return context


def sends(gate, listener, context, sender):
    """The code of MAIL in a session without login."""
    with Wire(gate.address(listener)) as wire:
        if listener == "ask":
            wire.greet()
            wire.starttls(context=context)
        else:
            wire.handshake(context=context)
            wire.reply()
        wire.ehlo()
        return wire.command(b"MAIL FROM:<" + sender + b">").code


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_certificate_is_a_principal(gate, clients, sink, token, kind, version):
    pair = clients.issue(names="DNS:Printer-7.example.org", kind=kind)
    start = len(gate.events)
    with Wire(gate.address("ask")) as wire:
        wire.greet()
        wire.starttls(context=shown(pair, version))
        wire.ehlo()
        assert wire.command(b"MAIL FROM:<ops@example.org>").code == 550
        wire.expect(250, b"MAIL FROM:<scanner@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        wire.expect(250, b"From: scanner@example.org\r\nX-Token: " + token + b"\r\n\r\nx\r\n.")
    assert sink.wait_for_token(token).sender == b"scanner@example.org"
    assert "printer-7.example.org" in gate.wait_for_event("client.certificate", start=start)["names"]
    assert sends(gate, "ask", shown(None, version), b"scanner@example.org") == 530
    # A listener that does not ask does not know.
    with Wire(gate.address("submission")) as wire:
        wire.greet()
        wire.starttls(context=shown(pair, version))
        wire.ehlo()
        assert wire.command(b"MAIL FROM:<scanner@example.org>").code == 530


def test_budget_of_a_certificate(make_gate, sink, clients, token):
    """A limits section that the permit of a certificate names holds for clients without a login."""
    permit = ('permit "certificate:printer-7.example.org" '
              '{ rights = { submit, relay } send-as = { "scanner@example.org" } limits = "default" }\n')
    gate = make_gate(routes={"*": sink.target}, permits=permit, limits={"messages-per-hour": "2", "over": "tempfail"},
                     listeners={"ask": {"client-certificate": "ask", "client-trust-file": f'"{clients.trust}"'}})
    pair = clients.issue(names="DNS:printer-7.example.org")
    codes = []
    with Wire(gate.address("ask")) as wire:
        wire.greet()
        wire.starttls(context=shown(pair))
        wire.ehlo()
        for number in range(3):
            wire.expect(250, b"MAIL FROM:<scanner@example.org>")
            wire.expect(250, b"RCPT TO:<u@example.net>")
            wire.expect(354, b"DATA")
            codes.append(wire.command(b"From: scanner@example.org\r\nX-Token: %sn%d\r\n\r\nx\r\n." % (token, number)).code)
    assert codes == [250, 250, 452], codes


def test_grant_of_a_login_has_the_certificate(gate, clients, sink, token):
    with Wire(gate.address("ask")) as wire:
        wire.greet()
        wire.starttls(context=shown(clients.issue(names="email:ops@example.org")))
        wire.ehlo()
        assert wire.auth_plain().code == 235
        wire.expect(250, b"MAIL FROM:<ops@example.org>")
        wire.expect(250, b"RCPT TO:<u@example.net>")
        wire.expect(354, b"DATA")
        wire.expect(250, b"From: ops@example.org\r\nX-Token: " + token + b"\r\n\r\nx\r\n.")
    assert sink.wait_for_token(token).sender == b"ops@example.org"


def test_names(gate, clients):
    assert sends(gate, "ask", shown(clients.issue("CN = Old Printer")), b"scanner@example.org") == 250
    # RFC 6125 6.4.4: beside a SAN the CN says nothing.
    assert sends(gate, "ask", shown(clients.issue("CN = Old Printer", "DNS:other.example.org")), b"scanner@example.org") == 530


HOSTILE = {
    "expired": dict(names="DNS:printer-7.example.org", days=(-20, -1)),
    "not yet": dict(names="DNS:printer-7.example.org", days=(1, 20)),
    "for servers": dict(names="DNS:printer-7.example.org", purpose="serverAuth"),
    "for nothing": dict(names="DNS:printer-7.example.org", purpose=None),
    "wildcard": dict(names="DNS:*.example.org"),
    "wildcard name": dict(subject="CN = *.example.org"),
    "many names": dict(names="DNS:printer-7.example.org," + ",".join(f"DNS:a{i}.example.org" for i in range(40))),
    "pin": dict(subject="CN = sha256:" + "a" * 40),
    "pin in san": dict(names="DNS:printer-7.example.org,email:sha256:" + "a" * 40),
    "critical": dict(names="DNS:printer-7.example.org", more="1.2.3.4 = critical,ASN1:NULL"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_B17_certificates_that_do_not_count(gate, clients, name):
    pair = clients.issue(**HOSTILE[name])
    assert sends(gate, "ask", shown(pair), b"scanner@example.org") == 530
    if name.startswith("wildcard"):
        return      # it holds, but it is nobody's name
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with pytest.raises((ssl.SSLError, Closed, OSError, EOFError)):
            sends(gate, "require", shown(pair, version), b"scanner@example.org")


@pytest.mark.sanitize
def test_B17_NUL_in_a_name(gate, clients):
    """A name that one reader ends at its NUL: "printer-7.example.org\\0.evil.net"."""
    name = b"printer-7.example.org\0.evil.net"
    der = "DER:30" + f"{len(name) + 2:02x}82{len(name):02x}" + name.hex()
    pair = clients.issue(more=f"subjectAltName = {der}")
    assert sends(gate, "ask", shown(pair), b"scanner@example.org") == 530


@pytest.mark.sanitize
def test_B17_strangers_chains(gate, clients):
    start = len(gate.events)
    own = clients.issue("CN = Own authority", "DNS:own.example.org", purpose=None)
    fake = clients.issue(names="DNS:printer-7.example.org", issuer=own)     # signed by what may not sign
    assert sends(gate, "ask", shown(fake), b"scanner@example.org") == 530
    gate.wait_for_event("client.certificate-bad", start=start)
    # A chain of 50, and one that is larger than a handshake message may be.
    with open(fake[0], "rb") as leaf:
        text = leaf.read()
    big = clients.issue(names=",".join(f"DNS:{'x' * 50}{i}.example.org" for i in range(700)))
    with open(big[0], "rb") as large:
        huge = large.read()
    for chain in (text * 50, text + huge * 3):
        path = os.path.join(clients.path, "chain.pem")
        ground.write(path, chain, 0o600)
        with pytest.raises((ssl.SSLError, Closed, OSError, EOFError)):
            assert sends(gate, "require", shown((path, fake[1])), b"scanner@example.org") != 250
    assert sends(gate, "require", shown(clients.issue(names="DNS:printer-7.example.org")), b"scanner@example.org") == 250


def test_required_means_no_session_without(gate):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with pytest.raises((ssl.SSLError, Closed, OSError, EOFError)):
            sends(gate, "require", shown(None, version), b"scanner@example.org")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_resumption_neither_loses_nor_forges_it(gate, clients, version):
    """Where certificates are asked for no session is resumed: each shows its own, or none."""
    context = shown(clients.issue(names="DNS:printer-7.example.org"), version)
    without = shown(None, version)
    with Wire(gate.address("require")) as wire:
        wire.handshake(context=context)
        wire.reply()
        wire.ehlo()
        session = wire.tls.session
        assert version == ssl.TLSVersion.TLSv1_3 or not session.has_ticket
    with Wire(gate.address("require")) as wire:
        wire.handshake(context=context, session=session)
        wire.reply()
        assert not wire.tls.session_reused
        wire.ehlo()
        wire.expect(250, b"MAIL FROM:<scanner@example.org>")
    with Wire(gate.address("ask")) as wire:
        wire.greet()
        wire.starttls(context=without)
        wire.ehlo()
        assert wire.command(b"MAIL FROM:<scanner@example.org>").code == 530


def test_pinned_certificate(make_gate, sink, clients):
    """One that signs itself, in the trust file, known by its fingerprint."""
    pair = (os.path.join(clients.path, "own.pem"), os.path.join(clients.path, "own.key"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=PLC 4",
                    "-days", "30", "-addext", "extendedKeyUsage=clientAuth", "-keyout", pair[1], "-out", pair[0]],
                   check=True, capture_output=True)
    os.chmod(pair[0], 0o644)
    pin = subprocess.run(["openssl", "x509", "-in", pair[0], "-noout", "-fingerprint", "-sha256"], check=True, capture_output=True)
    pin = pin.stdout.decode().split("=")[1].strip().replace(":", "")
    gate = make_gate(routes={"*": sink.target}, listeners={"ask": {"client-certificate": "ask", "client-trust-file": f'"{pair[0]}"'}},
                     permits=f'permit "certificate:sha256:{pin}" {{ rights = {{ submit }} send-as = {{ "plc@example.org" }} }}\n')
    assert sends(gate, "ask", shown(pair), b"plc@example.org") == 250
    assert sends(gate, "ask", shown(clients.issue("CN = PLC 4")), b"plc@example.org") in (530, 550)
    # The file is read by super, and read anew by a reload.
    gate.ctl("reload")
    assert sends(gate, "ask", shown(pair), b"plc@example.org") == 250


def test_trust_file_that_is_none(make_gate, clients):
    gate = make_gate(listeners={"ask": {"client-certificate": "ask", "client-trust-file": f'"{clients.trust}"'}})
    gate.parts["listeners"]["ask"]["client-trust-file"] = f'"{clients.key}"'
    done = gate.reload(check=False)
    assert done.returncode == 1, done.stdout + done.stderr


def test_no_listener_asks_unless_it_was_told_to(gate):
    """RFC 8314 3.3: CertificateRequest, handshake type 13, is not sent."""
    openssl = ground.find_program("openssl")
    number = gate.address("submissions")[1]
    done = subprocess.run([openssl, "s_client", "-connect", f"127.0.0.1:{number}", "-tls1_2"], input=b"QUIT\r\n", capture_output=True,
                          timeout=20, check=False)
    assert b"No client certificate CA names sent" in done.stdout and b"Client Certificate Types" not in done.stdout
