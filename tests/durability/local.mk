# SPDX-License-Identifier: BSD-2-Clause
# "make durability": a thousand rounds of kill -9 under load. DURABILITY_FLAGS="--rounds 100 --seed 7".
EXTRA_DIST += tests/durability/judge.py tests/durability/load.py tests/durability/sink.py \
	tests/durability/server.py tests/durability/storm.py tests/run/test_storm.py

.PHONY: durability
durability: all
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/storm.py \
		--rounds 1000 --result durability.json $(DURABILITY_FLAGS)
