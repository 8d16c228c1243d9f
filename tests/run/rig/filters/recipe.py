# SPDX-License-Identifier: BSD-2-Clause
"""The texts of doc/milters.md, so that what is tested is what is recommended."""
import os
import re

from rig import ground

PAGE = os.path.join(ground.TREE, "doc", "milters.md")


def _read():
    return [(title.replace("`", ""), block) for title, block in
            re.findall(r"(?ms)^(`[^`\n]+`[^`\n]*):\n\n```\n(.*?)^```$", ground.read(PAGE))]


def titles():
    return [title for title, _ in _read()]


def text(title, changes=()):
    """
    The block under a line "TITLE:". changes: pairs of what stands there and what a test needs in its place (None takes
    the whole line away); each must be found, so that page and test cannot drift apart.
    """
    found = dict(_read())[title]
    for there, instead in dict(changes).items():
        assert there in found, f"{title} in {PAGE} has no {there!r}"
        if instead is None:
            found = "".join(line for line in found.splitlines(True) if there not in line)
        else:
            found = found.replace(there, instead)
    return found
