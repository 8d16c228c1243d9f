# SPDX-License-Identifier: BSD-2-Clause
# Readers of header blocks, ours and GMime's, and the blocks that tests/run/test_opinions.py gives them:
# a line a case, {name, want, header, utf8, note}; rig/opinion.py says what the words mean.
check_PROGRAMS += tests/headers/own_reading
tests_headers_own_reading_SOURCES = tests/headers/own_reading.c tests/headers/hex_line.h
tests_headers_own_reading_LDADD = $(WIRE_LIBS)

if WITH_GMIME
check_PROGRAMS += tests/headers/gmime_reading
endif
tests_headers_gmime_reading_SOURCES = tests/headers/gmime_reading.c tests/headers/hex_line.h
tests_headers_gmime_reading_CFLAGS = $(AM_CFLAGS) $(GMIME_CFLAGS)
tests_headers_gmime_reading_LDADD = $(GMIME_LIBS)

EXTRA_DIST += tests/headers/hostile tests/headers/ordinary tests/headers/differences.jsonl \
	tests/headers/refusals.jsonl tests/headers/bypasses.jsonl
