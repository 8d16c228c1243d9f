# SPDX-License-Identifier: BSD-2-Clause
# Fuzz targets. "make check" runs each over its corpus; built with --enable-fuzz (clang) they are
# libFuzzer programs, and "make fuzz" runs them one after another, FUZZ_SECONDS in all. A target is a
# file fuzz_NAME.c, a folder corpus/NAME of seeds and a file corpus/NAME.found; see doc/fuzzing.md.
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

FUZZERS += tests/fuzz/fuzz_smtp_lenient
tests_fuzz_fuzz_smtp_lenient_SOURCES = tests/fuzz/fuzz_smtp_lenient.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_smtp_lenient_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_smtp_lenient_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

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

FUZZERS += tests/fuzz/fuzz_originators
tests_fuzz_fuzz_originators_SOURCES = tests/fuzz/fuzz_originators.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_originators_LDADD = $(POLICY_LIBS)
tests_fuzz_fuzz_originators_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

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
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/fuzz.h tests/fuzz/slices.h \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_config_LDADD = $(CONFIG_LIBS)
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_slice
tests_fuzz_fuzz_slice_SOURCES = tests/fuzz/fuzz_slice.c tests/fuzz/fuzz.h tests/fuzz/slices.h \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_slice_LDADD = $(CONFIG_LIBS)
tests_fuzz_fuzz_slice_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_ipc
tests_fuzz_fuzz_ipc_SOURCES = tests/fuzz/fuzz_ipc.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_ipc_LDADD = $(IPC_LIBS)
tests_fuzz_fuzz_ipc_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_inbox
tests_fuzz_fuzz_inbox_SOURCES = tests/fuzz/fuzz_inbox.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_inbox_LDADD = $(IPC_LIBS)
tests_fuzz_fuzz_inbox_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_grant
tests_fuzz_fuzz_grant_SOURCES = tests/fuzz/fuzz_grant.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_grant_LDADD = $(POLICY_LIBS) $(IPC_LIBS)
tests_fuzz_fuzz_grant_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_control
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_control_LDADD = $(IPC_LIBS)
tests_fuzz_fuzz_control_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_lookup
tests_fuzz_fuzz_lookup_SOURCES = tests/fuzz/fuzz_lookup.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_lookup_LDADD = $(POLICY_LIBS) $(IPC_LIBS)
tests_fuzz_fuzz_lookup_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_login
tests_fuzz_fuzz_login_SOURCES = tests/fuzz/fuzz_login.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_login_LDADD = $(AUTH_LIBS)
tests_fuzz_fuzz_login_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_accounts
tests_fuzz_fuzz_accounts_SOURCES = tests/fuzz/fuzz_accounts.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_accounts_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_accounts_LDADD = $(AUTH_LIBS)
tests_fuzz_fuzz_accounts_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_transfer
tests_fuzz_fuzz_transfer_SOURCES = tests/fuzz/fuzz_transfer.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_transfer_LDADD = $(RELAY_LIBS)
tests_fuzz_fuzz_transfer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_milter_packet
tests_fuzz_fuzz_milter_packet_SOURCES = tests/fuzz/fuzz_milter_packet.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_milter_packet_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_milter_packet_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_milter
tests_fuzz_fuzz_milter_SOURCES = tests/fuzz/fuzz_milter.c tests/fuzz/milter_play.c tests/fuzz/milter_play.h \
	tests/fuzz/milter_sight.c tests/fuzz/milter_sight.h tests/fuzz/milter_watch.c tests/fuzz/milter_watch.h \
	tests/fuzz/fake_io.c tests/fuzz/fake_io.h \
	tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_milter_LDADD = $(POLICY_LIBS)
tests_fuzz_fuzz_milter_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

EXTRA_DIST += tests/fuzz/corpus tests/fuzz/corpus.py tests/fuzz/mail.dict tests/fuzz/merge.sh \
	tests/fuzz/run.sh

# FUZZ_TARGETS="address header" runs, or merges into the corpora, those alone.
FUZZ_SECONDS = 3600
FUZZ_TARGETS = $(FUZZERS:tests/fuzz/fuzz_%=%)
if WITH_FUZZ
fuzz: $(FUZZERS)
	FUZZ_SECONDS=$(FUZZ_SECONDS) PYTHON3=$(PYTHON3) srcdir=$(srcdir) \
		$(srcdir)/tests/fuzz/run.sh $(FUZZ_TARGETS)

fuzz-merge: $(FUZZERS)
	PYTHON3=$(PYTHON3) srcdir=$(srcdir) $(srcdir)/tests/fuzz/merge.sh $(FUZZ_TARGETS)
else
fuzz fuzz-merge:
	@echo "the fuzz targets need: ./configure CC=clang --enable-fuzz" >&2; exit 1
endif
.PHONY: fuzz fuzz-merge
