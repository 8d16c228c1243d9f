# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue B18: certificate files, at the start and at a reload."""
import os
import subprocess

import pytest

from rig import ground
from rig.deadline import until
from rig.sallyport import Sallyport
from rig.tls_gate import SUBMISSIONS

pytestmark = pytest.mark.usefixtures("alive")


def start_fails(path_of_pair, base=None):
    """What a daemon with this certificate says on its refusal to start."""
    daemon = Sallyport(certificates=[path_of_pair], base=base or {})
    daemon.write_config()
    try:
        done = subprocess.run([ground.program("sallyportd"), "-c", daemon.config, "-f"], timeout=20,
                              capture_output=True, text=True, cwd="/", **ground.as_user())
        assert done.returncode != 0
        return done.stderr + done.stdout
    finally:
        ground.remove(daemon.path)


def test_B18_start_is_refused_with_the_key_of_another(authority, certificate):
    _, other = authority.issue("mail.example.org")
    said = start_fails((certificate[0], other))
    assert os.path.basename(other) in said or os.path.basename(certificate[0]) in said


def test_B18_start_is_refused_with_an_expired_certificate(authority):
    expired = authority.issue("mail.example.org", days=-1)
    assert "expired" in start_fails(expired).lower()


def test_B18_start_is_refused_with_another_name(authority):
    other = authority.issue("www.example.net")
    assert "name" in start_fails(other).lower()


def test_B18_start_is_refused_without_the_key_file(certificate):
    said = start_fails((certificate[0], "/nonexistent/key.pem"))
    assert "/nonexistent/key.pem" in said


def served(daemon, name="mail.example.org"):
    """The DER of the certificate that a new client is shown."""
    with daemon.secure(SUBMISSIONS, name=name) as wire:
        return wire.tls.getpeercert(True)


@pytest.fixture
def replaceable(make_gate, authority, sink):
    """A daemon whose certificate files the test may replace: (daemon, certificate, key)."""
    folder = ground.folder("tls")
    pair = authority.issue("mail.example.org")
    mine = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    put_pair(mine, pair)
    yield make_gate(certificates=[mine], routes={"*": sink.target}), mine
    ground.remove(folder)


def put_pair(mine, pair):
    for target, source in zip(mine, pair):
        with open(source, "rb") as data:
            ground.write(target, data.read())


def test_B18_reload_takes_a_new_certificate_and_drops_nobody(replaceable, authority):
    daemon, mine = replaceable
    before, roles = served(daemon), daemon.roles()
    with daemon.session() as wire:
        put_pair(mine, authority.issue("mail.example.org"))
        daemon.reload()
        until(lambda: served(daemon) != before, 10, "the new certificate is served")
        wire.expect(250, b"NOOP")
    assert daemon.pids("keys") == [pid for role, pid in roles if role == "keys"]


@pytest.mark.parametrize("fault", ["expired", "other_key", "garbage", "missing", "other_name"])
def test_B18_reload_refuses_a_bad_certificate_and_keeps_the_old(replaceable, authority, fault):
    daemon, mine = replaceable
    before = served(daemon)
    if fault == "expired":
        put_pair(mine, authority.issue("mail.example.org", days=-1))
    elif fault == "other_key":
        put_pair((mine[1],), (authority.issue("mail.example.org")[1],))
    elif fault == "other_name":
        put_pair(mine, authority.issue("www.example.net"))
    elif fault == "garbage":
        ground.write(mine[0], "-----BEGIN CERTIFICATE-----\nAAAA\n")
    else:
        os.unlink(mine[1])
    with daemon.session() as wire:
        done = daemon.reload(check=False)
        assert done.returncode != 0
        assert mine[0] in done.stderr + done.stdout or mine[1] in done.stderr + done.stdout
        wire.expect(250, b"NOOP")
    assert served(daemon) == before


def test_B18_reload_refuses_a_priority_that_means_nothing(replaceable):
    daemon, _ = replaceable
    before = served(daemon)
    listeners = daemon.parts["listeners"]
    listeners[SUBMISSIONS] = {**listeners[SUBMISSIONS], "tls-priority": '"NORMAL:+NONSENSE"'}
    with daemon.session() as wire:
        done = daemon.reload(check=False)
        assert done.returncode != 0
        assert "+NONSENSE" in done.stderr + done.stdout
        wire.expect(250, b"NOOP")
    assert served(daemon) == before
