# SPDX-License-Identifier: BSD-2-Clause
"""
Disks that are full, at their quota, without inodes, read-only or another's, on real file systems:
clients hear a clear 4xx, deliveries and notices go on, all goes well again by itself, nothing is lost.
"""
import ctypes
import glob
import os
import platform
import struct
import subprocess
import sys

import pytest

from rig import ground
from rig.deadline import until
from rig.judge import deliver, letter
from rig.sallyport import Sallyport

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "durability"))

from volume import Broken, Volume, leave_mounts, missing  # noqa: E402

MEGABYTE = 1 << 20
LARGE = (b"y" * 76 + b"\r\n") * 2600     # in a file
MEDIUM = (b"m" * 76 + b"\r\n") * 750     # in a row, and more than SQLite has room for anyway
LATER = b"451 4.7.1 later\r\n"
NOBODY = b"550 5.1.1 nobody of that name\r\n"
# All of a small disk may be used, but for what is kept back.
SMALL = "queue { retry = { 1h } free-space = 64K free-space-resume = 128K free-files = %d }\n"
REFUSED = 78

WHY_NOT = missing("ext4")
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")


class Disk(Volume):
    """An ext4 of its own, and ballast to fill it with."""

    def prepare(self, megabytes=40, made=(), mounted=()):
        self.make(megabytes, "-m", "0", *made)
        self.mount(*mounted)
        self.state = os.path.join(self.folder, "state")
        os.mkdir(self.state, 0o700)
        ground.give(self.state)

    def ballast(self, name="ballast"):
        return os.path.join(self.folder, name)

    def free(self):
        space = os.statvfs(self.folder)
        return space.f_bavail * space.f_frsize

    def reserve(self):
        """Bytes that the queue keeps back for itself at the moment."""
        try:
            return os.stat(os.path.join(self.state, "queue", "reserve")).st_size
        except FileNotFoundError:
            return 0

    def bodies(self):
        """Files that take room: by their names, and without one for as long as somebody has them open."""
        folder = os.path.join(self.state, "queue", "body")
        found = {os.path.join(folder, name) for name in os.listdir(folder)}
        for link in glob.glob("/proc/[0-9]*/fd/*"):
            try:
                path = os.readlink(link)
            except OSError:
                continue
            if path.startswith(folder + os.sep):
                found.add(path)
        return found

    def fill(self, leave=0):
        """Until so many bytes are left."""
        fd = os.open(self.ballast(), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            piece = MEGABYTE
            while piece >= 1024:
                try:
                    if self.free() - piece < leave:
                        raise OSError
                    os.posix_fallocate(fd, os.fstat(fd).st_size, piece)
                except OSError:
                    piece //= 2
            while not leave:     # what is left for small files
                try:
                    os.write(fd, bytes(1024))
                    os.fsync(fd)
                except OSError:
                    break
        finally:
            os.close(fd)

    def relieve(self, size=0):
        os.truncate(self.ballast(), size)

    def use_files(self):
        """All inodes."""
        os.mkdir(self.ballast("files"))
        try:
            for number in range(10000):
                os.close(os.open(os.path.join(self.ballast("files"), str(number)), os.O_CREAT))
        except OSError:
            return
        raise Broken("inodes without end")

    def give_files(self, count=None):
        for path in glob.glob(os.path.join(self.ballast("files"), "*"))[:count]:
            os.unlink(path)


@pytest.fixture(scope="module", autouse=True)
def mounts():
    leave_mounts()


@pytest.fixture
def make_disk():
    made = []

    def make(**how):
        made.append(Disk("ext4"))
        made[-1].prepare(**how)
        return made[-1]
    yield make
    for disk in made:
        disk.discard()


@pytest.fixture
def daemon(certificate, hop, make_disk):
    """Started on a disk; ends, and is judged, before the disk does."""
    made = []

    def start(disk, files=0, extra=None):
        gate = Sallyport(certificates=[certificate], routes={"*": hop.target},
                         base={"state-dir": f'"{disk.state}"'}, extra=extra or SMALL % files)
        made.append(gate)
        return gate.start()
    yield start
    for gate in made:
        gate.discard()


def told(gate):
    """What MAIL is answered."""
    with gate.session() as wire:
        return wire.command(b"MAIL FROM:<alice@example.org>")


def wait_until_taken(gate, seconds=15):
    until(lambda: told(gate).code == 250, seconds, lambda: f"mail is taken again: {told(gate)}\n{gate.story(10)}")


def is_full(reply):
    return reply.code == 452 and reply.enhanced == "4.3.1"


def begin(gate, content):
    """A message of which some has been sent and taken; the connection, and the rest."""
    wire = gate.transaction()
    wire.expect(354, b"DATA")
    half = len(content) // 2
    wire.send(content[:half])
    wire.wait_until_read()
    return wire, content[half:] + b".\r\n"


def waiting_mail(gate, hop, token):
    """Two messages that were tried once: one will be taken then, one returned."""
    hop.script["RCPT"] = LATER
    for word, address in ((b"waits", b"waits@example.net"), (b"fails", b"fails@example.net")):
        with gate.session() as wire:
            assert deliver(wire, letter(token + word), recipient=address).code == 250
        gate.wait_until_tried(address.decode())
    del hop.script["RCPT"]
    hop.script["RCPT", rb"fails@"] = NOBODY


def assert_work_goes_on(gate, hop, token):
    """Deliveries and notices are done, and done for good."""
    gate.ctl("queue", "flush")
    hop.wait_for_token(token + b"waits")
    hop.wait_for(lambda message: message.sender == b"" and token + b"fails" in message.raw)
    gate.wait_until_queue_is_empty()


def assert_all_once(gate, hop, token, words):
    gate.wait_until_queue_is_empty()
    for word in words:
        hop.wait_for_token(token + word)
        assert len([message for message in hop.with_token(token + word) if message.sender]) == 1, word
    assert len([message for message in hop.with_token(token) if not message.sender]) == 1


# --- O10

def test_O10_no_room(make_disk, daemon, hop, token):
    """Full while a body file grows, while a row is committed, and at MAIL."""
    disk = make_disk()
    gate = daemon(disk)
    waiting_mail(gate, hop, token)
    large, rest_of_large = begin(gate, letter(token + b"large", LARGE))
    huge, rest_of_huge = begin(gate, letter(token + b"huge", LARGE * 20))
    medium, rest_of_medium = begin(gate, letter(token + b"medium", MEDIUM))
    disk.fill()
    # The row finds no room; then the room of the reserve, which is not for mail; the file, none again.
    for wire, rest in ((huge, rest_of_huge), (medium, rest_of_medium), (large, rest_of_large)):
        if wire is medium:
            until(lambda: len(disk.bodies()) == 1, 5, "the huge one's name and room are free")
            disk.fill()
        wire.send(rest)
        reply = wire.reply()
        assert is_full(reply), (reply, disk.free())
        wire.close()
    # Refused messages take nothing with them; what is free now is owed to the reserve, or it has it again.
    def is_full_again():
        disk.fill(leave=20 * MEGABYTE - disk.reserve())
        return is_full(told(gate))
    until(is_full_again, 5, lambda: told(gate))
    assert_work_goes_on(gate, hop, token)
    assert is_full(told(gate))
    disk.relieve()
    wait_until_taken(gate)
    for word, body in ((b"large", LARGE), (b"medium", MEDIUM)):
        with gate.session() as wire:
            assert deliver(wire, letter(token + word, body)).code == 250
    assert_all_once(gate, hop, token, (b"waits", b"large", b"medium"))
    assert hop.with_token(token + b"large")[0].body == LARGE


def test_O10_no_inodes(make_disk, daemon, hop, token):
    """No file can be made: what needs none is taken, and a large body is once there are some."""
    disk = make_disk(made=("-N", "128"))
    gate = daemon(disk)
    waiting_mail(gate, hop, token)
    disk.use_files()
    with gate.session() as wire:
        reply = deliver(wire, letter(token + b"large", LARGE))
        assert is_full(reply), reply
        assert deliver(wire, letter(token + b"medium", MEDIUM)).code == 250
    assert_work_goes_on(gate, hop, token)
    disk.give_files()
    with gate.session() as wire:
        assert deliver(wire, letter(token + b"large", LARGE)).code == 250
    assert_all_once(gate, hop, token, (b"waits", b"large", b"medium"))


SYS_QUOTACTL = {"x86_64": 179, "aarch64": 60}.get(platform.machine())
Q_SETQUOTA, QIF_BLIMITS, USRQUOTA = 0x800008, 1, 0


def set_quota(device, uid, limit):
    """In bytes; 0: none."""
    record = struct.pack("=QQQQQQQQI4x", limit // 1024, limit // 1024, 0, 0, 0, 0, 0, 0, QIF_BLIMITS)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(SYS_QUOTACTL, (Q_SETQUOTA << 8) | USRQUOTA, device.encode(), uid, record):
        raise OSError(ctypes.get_errno(), "quotactl")


def test_O10_quota(make_disk, daemon, hop, token):
    """As with a full disk, but that the file system says nothing of it beforehand."""
    if not SYS_QUOTACTL:
        pytest.skip("no number of quotactl for this machine")
    try:
        disk = make_disk(made=("-O", "quota", "-E", "quotatype=usrquota"), mounted=("usrquota",))
    except Broken as why:
        pytest.skip(f"no quota: {why}")
    gate = daemon(disk)
    waiting_mail(gate, hop, token)
    with open("/proc/mounts", encoding="ascii") as lines:
        device = next(line.split()[0] for line in lines if line.split()[1] == disk.folder)
    try:
        set_quota(device, ground.USER.pw_uid, 21 * MEGABYTE)
    except OSError as why:
        pytest.skip(f"no quota: {why}")
    large, rest_of_large = begin(gate, letter(token + b"large", LARGE * 20))
    large.send(rest_of_large)
    reply = large.reply()
    assert is_full(reply), reply
    large.close()
    # Until there is no room for a row either.
    refused = None
    for number in range(60):
        with gate.session() as wire:
            reply = deliver(wire, letter(token + b"fill%dx" % number, MEDIUM), recipient=b"waits@example.net")
        if reply.code != 250:
            refused = reply
            break
    assert refused and is_full(refused), refused
    assert_work_goes_on(gate, hop, token)
    set_quota(device, ground.USER.pw_uid, 0)
    wait_until_taken(gate)
    with gate.session() as wire:
        assert deliver(wire, letter(token + b"large", LARGE * 20)).code == 250
    assert_all_once(gate, hop, token, [b"waits", b"large", *(b"fill%dx" % n for n in range(number))])


# --- E20

def test_E20_back_pressure(make_disk, daemon, hop, token):
    """Below free-space MAIL is put off until free-space-resume is there; deliveries go on; as with files."""
    disk = make_disk(megabytes=96, made=("-N", "400"))
    gate = daemon(disk, extra="queue { retry = { 1h } free-space = 20M free-space-resume = 40M free-files = 100 }\n")
    waiting_mail(gate, hop, token)
    open_session = gate.session()
    disk.fill(leave=30 * MEGABYTE)
    assert told(gate).code == 250
    disk.fill(leave=16 * MEGABYTE)
    until(lambda: is_full(told(gate)), 5, lambda: told(gate))
    assert is_full(open_session.command(b"MAIL FROM:<alice@example.org>"))
    assert_work_goes_on(gate, hop, token)
    # In between it stays as it is, in either direction.
    start = len(gate.events)
    disk.relieve(disk_size(disk) - 14 * MEGABYTE)
    free = disk.free()
    assert 20 * MEGABYTE < free < 40 * MEGABYTE
    until(lambda: queue_details(gate)["free"] > 20 * MEGABYTE, 5, lambda: queue_details(gate))
    assert is_full(told(gate))
    assert not [event for event in gate.events_named("queue.pressure", start) if event["state"] == "well"]
    disk.relieve()
    wait_until_taken(gate)
    # The same with files.
    disk.use_files()
    until(lambda: is_full(told(gate)), 5, lambda: told(gate))
    disk.give_files(count=104)     # a tenth more than asked for is wanted back
    reply = told(gate)
    assert is_full(reply), reply
    disk.give_files()
    wait_until_taken(gate)
    assert deliver(open_session, letter(token + b"after")).code == 250
    open_session.close()
    assert_all_once(gate, hop, token, (b"waits", b"after"))
    states = [event["state"] for event in gate.events_named("queue.pressure")]
    assert states == ["short", "well"] * 2, states


def disk_size(disk):
    return os.stat(disk.ballast()).st_size


def queue_details(gate):
    return next(role["details"] for role in gate.status()["roles"] if role["role"] == "queue")


# --- a disk that becomes read-only

def test_read_only_under_way(make_disk, daemon, hop, token):
    """The kernel gives up on the file system: 451, and no delivery whose result could not be recorded."""
    disk = make_disk(mounted=("errors=remount-ro",))
    gate = daemon(disk)
    waiting_mail(gate, hop, token)
    subprocess.run(["mount", "-o", "remount,abort", disk.folder], capture_output=True, check=False)
    with gate.session() as wire:
        reply = deliver(wire, letter(token + b"medium", MEDIUM))
        assert (reply.code, reply.enhanced) == (451, "4.3.0"), reply
        reply = deliver(wire, letter(token + b"large", LARGE))
        assert reply.code in (451, 452), reply
    gate.wait_for_event("spool.failed")
    assert queue_details(gate)["suspect"]
    gate.stop()
    disk.unmount()
    subprocess.run(["e2fsck", "-f", "-p", disk.source], capture_output=True, check=False)
    # Read-only from the start: refused, with the reason.
    disk.mount("ro")
    said = refused(gate)
    assert "Read-only file system" in said or "readonly" in said, said
    disk.unmount()
    disk.mount()
    gate.events.clear()
    gate.start()
    assert {tuple(message["recipients"]) for message in gate.queue()} == {
        ("waits@example.net",), ("fails@example.net",)}
    assert_work_goes_on(gate, hop, token)
    with gate.session() as wire:
        assert deliver(wire, letter(token + b"medium", MEDIUM)).code == 250
    assert_all_once(gate, hop, token, (b"waits", b"medium"))
    assert not hop.with_token(token + b"large")


# --- N12

def refused(gate):
    """The start fails at once; what it said."""
    gate.write_config()
    done = subprocess.run([gate.program(), "-c", gate.config, "-f"], capture_output=True, text=True,
                          timeout=20, cwd="/", env=gate.environment, check=False, **ground.as_user())
    assert done.returncode in (1, REFUSED), (done.returncode, done.stderr)
    assert "role.restart" not in done.stderr
    return done.stderr


def test_N12_folders_of_another_owner_or_open_to_others(make_disk, daemon, hop, token):
    disk = make_disk()
    gate = daemon(disk)
    waiting_mail(gate, hop, token)
    gate.stop()
    spool = os.path.join(disk.state, "queue")
    os.chmod(spool, 0o750)
    assert "mode 0750" in refused(gate)
    os.chmod(spool, 0o700)
    os.chown(spool, 0, 0)
    said = refused(gate)
    assert "cannot be opened" in said or "belongs to user 0" in said, said
    ground.give(spool)
    os.chown(os.path.join(spool, "body"), 0, 0)
    assert "body" in refused(gate)
    ground.give(os.path.join(spool, "body"))
    gate.events.clear()
    gate.start()
    assert_work_goes_on(gate, hop, token)


def test_N12_full_at_start(make_disk, daemon, hop, token):
    """Mail that waits goes out; new mail is put off until there is room."""
    disk = make_disk()
    gate = daemon(disk)
    waiting_mail(gate, hop, token)
    gate.stop()
    disk.fill()
    gate.events.clear()
    gate.start()
    until(lambda: is_full(told(gate)), 5, lambda: told(gate))
    assert_work_goes_on(gate, hop, token)
    disk.relieve()
    wait_until_taken(gate)
    with gate.session() as wire:
        assert deliver(wire, letter(token + b"after", LARGE)).code == 250
    assert_all_once(gate, hop, token, (b"waits", b"after"))
