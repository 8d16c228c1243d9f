# SPDX-License-Identifier: BSD-2-Clause
"""doc/milters.md as a whole: what it says of sallyport.conf is a configuration."""
from rig import ground
from rig.filters import recipe
from rig.sallyport import Sallyport


def test_all_that_the_page_writes_of_our_configuration_is_accepted(certificate):
    sections = [recipe.text(title) for title in recipe.titles() if title.startswith("sallyport.conf")]
    assert len(sections) == 7, sections
    gate = Sallyport(certificates=[certificate], extra="".join(sections))
    try:
        gate.write_config()
        done = gate.ctl("config", "check", check=False)
        assert done.returncode == 0, done.stderr + done.stdout
    finally:
        ground.remove(gate.path)


def test_each_recipe_stands_once():
    titles = recipe.titles()
    assert len(titles) == len(set(titles)) and len(titles) >= 15, titles
