# SPDX-License-Identifier: BSD-2-Clause
"""What `make install` puts beside the programs: the unit, the users, the directories."""
import os
import re
import shutil
import subprocess

import pytest

BUILD = os.environ.get("SALLYPORT_BUILD") or os.path.join(os.path.dirname(__file__), "..", "..")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    root = tmp_path_factory.mktemp("install")
    subprocess.run(
        ["make", "--silent", "-C", BUILD, "install-data", f"DESTDIR={root}", "prefix=/usr"],
        check=True, capture_output=True)
    return root


@pytest.mark.parametrize("name", ["sallyport", "sallyport-milter"])
def test_unit_exposure_is_at_most_2_5(installed, name):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    unit = installed / f"usr/lib/systemd/system/{name}.service"
    if not unit.exists() and name == "sallyport-milter":
        pytest.skip("sallyport-milter is not built: libmilter is missing")
    said = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
                          capture_output=True, text=True).stdout
    level = re.search(r"Overall exposure level for " + name + r".service: ([0-9.]+)", said)
    assert level, said
    assert float(level.group(1)) <= 2.5


def test_every_role_has_a_user_and_owns_its_state(installed):
    users = (installed / "usr/lib/sysusers.d/sallyport.conf").read_text()
    for role in ("smtp", "mailbox", "auth", "keys", "dial", "queue", "relay", "milter"):
        assert re.search(rf"^u sallyport-{role} ", users, re.M)
    rows = [line.split() for line in
            (installed / "usr/lib/tmpfiles.d/sallyport.conf").read_text().splitlines()
            if line.startswith("d ")]
    owners = {row[1].split("/sallyport", 1)[1]: row[2:5] for row in rows}
    assert owners["/queue"] == ["0700", "sallyport-queue", "sallyport-queue"]
    assert owners["/queue/body"] == ["0700", "sallyport-queue", "sallyport-queue"]
    assert owners["/auth"] == ["0700", "sallyport-auth", "sallyport-auth"]
    assert any(row[1].endswith("/run/sallyport") and row[2:5] == ["0750", "root", "sallyport"]
               for row in rows)
    for row in rows:
        assert int(row[2], 8) & 0o022 == 0, row


def test_directories_and_users_are_understood_by_systemd(installed):
    if not shutil.which("systemd-sysusers") or os.getuid() != 0:
        pytest.skip("needs root and systemd-sysusers to try the files in a scratch root")
    for name in ("passwd", "group"):
        (installed / "etc").mkdir(exist_ok=True)
        shutil.copy(f"/etc/{name}", installed / "etc" / name)
    for tool in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        done = subprocess.run([*tool, f"--root={installed}", "sallyport.conf"],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    body = next(installed.glob("**/lib/sallyport/queue/body"))
    assert body.stat().st_mode & 0o7777 == 0o700
