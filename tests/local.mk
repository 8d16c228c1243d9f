# SPDX-License-Identifier: BSD-2-Clause
TESTS += tests/layers.sh tests/layers_breach.sh
EXTRA_DIST += tests/layers.sh tests/layers_breach.sh tests/unit/unit.h
EXTRA_DIST += tests/rights/cases.json tests/rights/world.conf

# Which lines of the parsers their unit tests and corpora run, in a copy that is built for it.
EXTRA_DIST += tests/coverage.sh
.PHONY: coverage
coverage:
	-chmod -R u+w build-coverage 2>/dev/null
	rm -rf build-coverage
	$(MAKE) --silent distdir distdir=build-coverage
	chmod -R u+w build-coverage
	cd build-coverage && ./configure --quiet --enable-coverage CFLAGS="-O0 -g" CC="$(CC)"
	build-coverage/tests/coverage.sh build-coverage

# A folder of its own is released whole.
EXTRA_DIST += tests/run
dist-hook:
	find $(distdir)/tests/run -name __pycache__ -prune -exec rm -rf {} +

# The daemon as it is built here, against real peers; what cannot run here is skipped with the reason.
.PHONY: check-run
check-run: all $(check_PROGRAMS)
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B -m pytest -q -rs \
		-p no:cacheprovider -n 3 --dist loadfile \
		$(srcdir)/tests/run

include tests/fake/local.mk
include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/headers/local.mk
include tests/bench/local.mk
include tests/durability/local.mk
