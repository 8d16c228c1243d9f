# SPDX-License-Identifier: BSD-2-Clause
"""What the memory and the files of the running daemon show of keys and passwords, read as root."""
import os
import re
import subprocess

import pytest

from rig import ground
from rig.sallyport import ALICE, BOB
from rig.sink import Sink

pytestmark = [
    pytest.mark.skipif(not ground.IS_ROOT, reason="only root may read the memory of other processes"),
    pytest.mark.skipif(ground.SANITIZED, reason="sanitizers keep freed memory"),
]

PASSWORD = "Marker-7Fq2-pA55"
HIDDEN = "Sm4rt-h0st-S3cret-9x"


@pytest.fixture(scope="module")
def hop():
    server = Sink(users={"relay": HIDDEN})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue("mail.example.org"), authority.issue("mail.example.org", kind="rsa")


@pytest.fixture(scope="module")
def gate(make_gate, hop, pair, authority):
    (certificate, key), (rsa_certificate, rsa_key) = pair
    secret = ground.write(os.path.join(authority.path, "hidden.secret"), HIDDEN + "\n")
    route = {"to": f'"smtp:127.0.0.1:{hop.port}"', "tls": "none", "user": '"relay"',
             "secret-file": f'"{secret}"', "mechanisms": '{ "PLAIN" }'}
    return make_gate(
        routes={"*": route}, certificates=[],
        extra=f'tls "main" {{ certificate = {{ "{certificate}", "{rsa_certificate}" }}'
              f'  key = {{ "{key}", "{rsa_key}" }} }}\n',
        accounts=(("alice", PASSWORD, ALICE[2]), BOB))


def memory_of(pid):
    """Every readable byte of a process."""
    pieces = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            span, mode = line.split()[:2]
            if not mode.startswith("r") or "[v" in line:
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                pieces.append(memory.read(end - start))
            except (OSError, ValueError, OverflowError):
                continue
    return b"\0".join(pieces)


def number_in(key, label):
    """A private number of a PEM key, as openssl prints it."""
    text = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], check=True,
                          capture_output=True, text=True).stdout
    digits = re.search(label + r":\s*\n((?:\s+[0-9a-f:]+\n)+)", text).group(1)
    return bytes.fromhex(re.sub(r"[\s:]", "", digits)).lstrip(b"\0")


def shows(memory, number):
    """The number's bytes in either order: libraries keep it as text does, or as the machine does."""
    return number in memory or number[::-1] in memory


def processes(gate):
    return {(role["role"], role["pid"]) for role in gate.status()["roles"]} | {("super", gate.process.pid)}


def submit(gate, token):
    with gate.transaction(password=PASSWORD) as wire:
        wire.command(b"DATA")
        wire.send(b"From: alice@example.org\r\nSubject: " + token + b"\r\n\r\nx\r\n.\r\n")
        assert wire.reply().code == 250
    gate.wait_until_queue_is_empty()


def test_P07_private_keys_are_in_keys_alone(gate, pair, token):
    submit(gate, token)
    (_, ecdsa), (_, rsa) = pair
    numbers = {"the ECDSA key": number_in(ecdsa, "priv"), "the RSA prime": number_in(rsa, "prime1")}
    for role, pid in processes(gate):
        memory = memory_of(pid)
        for what, number in numbers.items():
            assert shows(memory, number) == (role == "keys"), f"{what} in {role}"


def test_N08_no_password_stays_in_memory(gate, token):
    submit(gate, token)
    for role, pid in processes(gate):
        memory = memory_of(pid)
        assert PASSWORD.encode() not in memory, role
        # relay has to have the smarthost's password; nobody else has.
        assert (HIDDEN.encode() in memory) == (role == "relay"), role


def test_N08_no_password_in_log_or_files(gate, token):
    submit(gate, token)
    for folder, _, names in os.walk(gate.path):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    content = file.read()
                assert PASSWORD.encode() not in content and HIDDEN.encode() not in content, path


def test_H10_no_secret_in_arguments_or_environment(gate):
    for role, pid in processes(gate):
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", "rb") as file:
                content = file.read()
            assert PASSWORD.encode() not in content and HIDDEN.encode() not in content, role


def test_N08_processes_are_closed_to_their_own_user(gate):
    """PR_SET_DUMPABLE 0: another process of the same user can neither read nor trace them."""
    for role, pid in processes(gate):
        if role == "super":
            continue
        probe = subprocess.run(["cat", f"/proc/{pid}/environ"], capture_output=True, **ground.as_user())
        assert probe.returncode != 0 and not probe.stdout, role
