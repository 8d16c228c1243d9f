# SPDX-License-Identifier: BSD-2-Clause
TESTS += tests/layers.sh tests/layers_breach.sh
EXTRA_DIST += tests/layers.sh tests/layers_breach.sh
EXTRA_DIST += tests/run/pytest.ini tests/run/test_install.py

include tests/fake/local.mk
include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
