# SPDX-License-Identifier: BSD-2-Clause
"""What the run tests share: certificates, a next hop, daemons that are judged when they end."""
import os
import subprocess

import pytest

from rig import fake_roles, ground, judge
from rig.certificate import Authority
from rig.sallyport import Health, Sallyport, warm
from rig.sink import Sink


def pytest_collection_modifyitems(items):
    if not os.path.exists(os.path.join(ground.PROGRAMS, "sallyportctl")):
        for item in items:
            if "make_gate" in item.fixturenames:
                item.add_marker(pytest.mark.skip(reason="the programs are not built"))


@pytest.fixture(scope="session")
def authority():
    path = ground.folder("authority")
    os.chmod(path, 0o755)
    yield Authority(path)
    ground.remove(path)
    ground.forget_programs()


@pytest.fixture(scope="session")
def certificate(authority):
    return authority.issue("mail.example.org", ["mail.example.org", "127.0.0.1"])


@pytest.fixture(scope="module")
def sink():
    hop = Sink()
    yield hop
    hop.stop()


@pytest.fixture
def hop():
    """A next hop of the test's own, empty when it begins."""
    other = Sink()
    yield other
    other.stop()


@pytest.fixture(scope="module")
def make_gate(certificate):
    """Sallyport(...), started; every one made is stopped and judged at the end of the file."""
    made = []

    def make(**settings):
        settings.setdefault("certificates", [certificate])
        gate = Sallyport(**settings)
        made.append(gate)
        return gate.start()

    yield make
    faults = []
    for gate in made:
        try:
            gate.discard()
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n\n".join(faults)


@pytest.fixture
def make_fake():
    """Fake(...), not started; every one made is stopped and judged at the end of the test."""
    if not os.path.exists(fake_roles.FAKE):
        pytest.skip("tests/fake/fake_role is not built")
    made = []

    def make(**settings):
        made.append(fake_roles.Fake(**settings))
        return made[-1]

    yield make
    for gate in made:
        gate.discard()


@pytest.fixture(scope="module")
def gate(make_gate, sink):
    """The daemon of the catalogue: alice, bob, STARTTLS and implicit TLS, everything to the sink."""
    daemon = make_gate(routes={"*": sink.target})
    warm(daemon)
    return daemon


@pytest.fixture
def alive(gate):
    """ALIVE, which every item of the catalogue requires besides its own outcome."""
    health = Health(gate)
    yield health
    health.check()


@pytest.fixture
def token():
    return judge.new_token()


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """What `make install` makes, in a folder of its own; programs without the build's own paths."""
    root = tmp_path_factory.mktemp("install")
    subprocess.run(["make", "--silent", "-C", ground.BUILD, "install", f"DESTDIR={root}", "prefix=/usr"],
                   check=True, capture_output=True)
    return root
