# SPDX-License-Identifier: BSD-2-Clause
"""A daemon whose roles do little: tests/fake/fake_role.c in place of each."""
import os
import shutil
import socket
import subprocess

from rig import ground
from rig.deadline import until
from rig.sallyport import Sallyport

FAKE = os.path.join(ground.BUILD, "tests", "fake", "fake_role")
BACK = {"auth": 3, "keys": 2, "dial": 2, "queue": 4, "relay": 1}  # links with two smtp processes


class Fake(Sallyport):
    """A daemon whose roles are all the fake one."""

    def __init__(self, **settings):
        listeners = {"submission": {"tls": "none", "login": "off"}, "submissions": None}
        settings.setdefault("listeners", {}).update(
            {name: listeners[name] for name in listeners if name not in settings.get("listeners", {})})
        super().__init__(routes={"*": "smtp:127.0.0.1:9"}, accounts=(), **settings)
        os.chmod(self.path, 0o755)
        self.programs = os.path.join(self.path, "bin")
        os.mkdir(self.programs)
        os.chmod(self.programs, 0o755)
        shutil.copy2(os.path.join(ground.PROGRAMS, "sallyportd"), self.programs)
        for role in ground.ROLES:
            shutil.copy2(FAKE, os.path.join(self.programs, f"sallyport-{role}"))

    def program(self):
        return os.path.join(self.programs, "sallyportd")

    def mode(self, role, mode):
        path = os.path.join(self.programs, f"mode-{role}")
        if mode:
            ground.write(path, mode + "\n", 0o644)
        else:
            os.unlink(path)

    def greeting(self, listener="submission"):
        """What an smtp process says of itself."""
        with socket.create_connection(self.address(listener), timeout=5) as wire:
            words = wire.makefile().readline().split()
        return dict(zip(words[1::2], words[2::2]))

    def wait_until_serving(self, seconds=15):
        def check():
            roles = self.status()["roles"]
            return all(r["phase"] == "serving" and r["details"] for r in roles) and roles
        return until(check, seconds, lambda: f"all serve: {self.status()}\n{self.story(20)}")

    def run_daemon(self, *arguments, seconds=20):
        """sallyportd with these arguments, to its end."""
        return subprocess.run([self.program(), "-c", self.config, *arguments], capture_output=True,
                              text=True, timeout=seconds, cwd="/", stdin=subprocess.DEVNULL,
                              **({} if self.as_root else ground.as_user()))
