# SPDX-License-Identifier: BSD-2-Clause
# "make bench": side by side with Postfix, as root. BENCH_FLAGS="--only (a) --rounds 1" and the like.
EXTRA_PROGRAMS += tests/bench/load
tests_bench_load_SOURCES = tests/bench/load.c
tests_bench_load_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
tests_bench_load_LDADD = $(GNUTLS_LIBS)
EXTRA_DIST += tests/bench/backlog.py tests/bench/bench.py tests/bench/peers.py
CLEANFILES += tests/bench/load

.PHONY: bench
bench: all tests/bench/load
	SALLYPORT_BUILD=$(abs_top_builddir) SALLYPORT_LOAD=$(abs_top_builddir)/tests/bench/load \
		$(PYTHON3) $(srcdir)/tests/bench/bench.py $(BENCH_FLAGS)

# What an idle TLS connection costs: prints it, asserts nothing.
EXTRA_PROGRAMS += tests/bench/idle_streams
tests_bench_idle_streams_SOURCES = tests/bench/idle_streams.c
tests_bench_idle_streams_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
tests_bench_idle_streams_LDADD = $(IO_LIBS)
CLEANFILES += tests/bench/idle_streams

.PHONY: bench-idle
bench-idle: tests/bench/idle_streams
	tests/bench/idle_streams

# What a login costs auth, by mechanism: prints it, asserts nothing.
EXTRA_PROGRAMS += tests/bench/logins
tests_bench_logins_SOURCES = tests/bench/logins.c
tests_bench_logins_CFLAGS = $(AM_CFLAGS) $(NETTLE_CFLAGS) $(JANSSON_CFLAGS)
tests_bench_logins_LDADD = $(AUTH_LIBS)
CLEANFILES += tests/bench/logins

.PHONY: bench-logins
bench-logins: tests/bench/logins
	tests/bench/logins

# "make bench-spool": what the queue's disk work costs alone.
EXTRA_PROGRAMS += tests/bench/spool
tests_bench_spool_SOURCES = tests/bench/spool.c tests/fake/mail_samples.c
tests_bench_spool_LDADD = $(QUEUE_LIBS)
CLEANFILES += tests/bench/spool

.PHONY: bench-spool
bench-spool: tests/bench/spool
	tests/bench/spool

# "make bench-backlog": part (f), a million messages waiting. BENCH_FLAGS="--messages 100000" and the like.
.PHONY: bench-backlog
bench-backlog: all tests/bench/load tests/bench/fill
	SALLYPORT_BUILD=$(abs_top_builddir) $(PYTHON3) -B $(srcdir)/tests/bench/backlog.py $(BENCH_FLAGS)

# Fills a spool, for "make bench" and for tests of a long queue.
check_PROGRAMS += tests/bench/fill
tests_bench_fill_SOURCES = tests/bench/fill.c tests/fake/mail_samples.c
tests_bench_fill_LDADD = $(QUEUE_LIBS)

# "make bench-timing": does the time of a refused login tell who has an account? BENCH_FLAGS="--tries 200".
EXTRA_DIST += tests/bench/timing.py
.PHONY: bench-timing
bench-timing: all
	SALLYPORT_BUILD=$(abs_top_builddir) $(PYTHON3) -B $(srcdir)/tests/bench/timing.py $(BENCH_FLAGS)

# "make bench-filters": what a filter costs, beside Postfix with the same filters. BENCH_FLAGS="--only opendkim".
EXTRA_DIST += tests/bench/filters.py
.PHONY: bench-filters
bench-filters: all tests/bench/load $(OBEDIENT_FILTER)
	SALLYPORT_BUILD=$(abs_top_builddir) SALLYPORT_LOAD=$(abs_top_builddir)/tests/bench/load \
		$(PYTHON3) -B $(srcdir)/tests/bench/filters.py $(BENCH_FLAGS)
