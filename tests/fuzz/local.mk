# SPDX-License-Identifier: BSD-2-Clause
# Fuzz targets. "make check" runs each over its corpus; built with --enable-fuzz (clang) they are
# libFuzzer programs, and "make fuzz" runs each for FUZZ_SECONDS. A target is a file fuzz_NAME.c and
# a folder corpus/NAME; what a run finds new stays in fuzz-work/NAME of the build tree, a finding in
# fuzz-work/findings: it goes into the corpus with its fix.
FUZZERS =
if WITH_FUZZ
FUZZ_MAIN =
else
FUZZ_MAIN = tests/fuzz/replay.c
TESTS += $(FUZZERS)
endif
check_PROGRAMS += $(FUZZERS)

FUZZERS += tests/fuzz/fuzz_address
tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz_address.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_address_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_address_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_domain
tests_fuzz_fuzz_domain_SOURCES = tests/fuzz/fuzz_domain.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_domain_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_domain_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_smtp_command
tests_fuzz_fuzz_smtp_command_SOURCES = tests/fuzz/fuzz_smtp_command.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_smtp_command_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_smtp_command_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_smtp_reply
tests_fuzz_fuzz_smtp_reply_SOURCES = tests/fuzz/fuzz_smtp_reply.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_smtp_reply_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_smtp_reply_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_smtp_data
tests_fuzz_fuzz_smtp_data_SOURCES = tests/fuzz/fuzz_smtp_data.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_smtp_data_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_smtp_data_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_header
tests_fuzz_fuzz_header_SOURCES = tests/fuzz/fuzz_header.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_header_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_header_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_mailboxes
tests_fuzz_fuzz_mailboxes_SOURCES = tests/fuzz/fuzz_mailboxes.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_mailboxes_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_mailboxes_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_xtext
tests_fuzz_fuzz_xtext_SOURCES = tests/fuzz/fuzz_xtext.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_xtext_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_xtext_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_field
tests_fuzz_fuzz_field_SOURCES = tests/fuzz/fuzz_field.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_field_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_field_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_proxy_header
tests_fuzz_fuzz_proxy_header_SOURCES = tests/fuzz/fuzz_proxy_header.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_proxy_header_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_proxy_header_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_config_LDADD = $(CONFIG_LIBS)
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_slice
tests_fuzz_fuzz_slice_SOURCES = tests/fuzz/fuzz_slice.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_slice_LDADD = $(CONFIG_LIBS)
tests_fuzz_fuzz_slice_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_ipc
tests_fuzz_fuzz_ipc_SOURCES = tests/fuzz/fuzz_ipc.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_ipc_LDADD = $(IPC_LIBS)
tests_fuzz_fuzz_ipc_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_control
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_control_LDADD = $(IPC_LIBS)
tests_fuzz_fuzz_control_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_login
tests_fuzz_fuzz_login_SOURCES = tests/fuzz/fuzz_login.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_login_LDADD = $(AUTH_LIBS)
tests_fuzz_fuzz_login_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_transfer
tests_fuzz_fuzz_transfer_SOURCES = tests/fuzz/fuzz_transfer.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_transfer_LDADD = $(RELAY_LIBS)
tests_fuzz_fuzz_transfer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

EXTRA_DIST += tests/fuzz/corpus tests/fuzz/mail.dict

FUZZ_SECONDS = 60
if WITH_FUZZ
fuzz: $(FUZZERS)
	$(MKDIR_P) fuzz-work/findings/
	for target in $(FUZZERS); do \
		name=$${target##*/fuzz_}; \
		$(MKDIR_P) fuzz-work/$$name && \
		./$$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
			-print_final_stats=1 -dict=$(srcdir)/tests/fuzz/mail.dict \
			-artifact_prefix=fuzz-work/findings/$$name- \
			fuzz-work/$$name $(srcdir)/tests/fuzz/corpus/$$name || exit 1; \
	done
else
fuzz:
	@echo "the fuzz targets need: ./configure CC=clang --enable-fuzz" >&2; exit 1
endif
.PHONY: fuzz
