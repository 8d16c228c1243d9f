# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/relay/librelay.a
src_relay_librelay_a_CFLAGS = $(AM_CFLAGS) $(SASL_CFLAGS)
src_relay_librelay_a_SOURCES = \
	src/relay/call_ahead.c src/relay/call_ahead.h \
	src/relay/destination.c src/relay/destination.h \
	src/relay/findings.c src/relay/findings.h \
	src/relay/hop.c src/relay/hop.h \
	src/relay/hop_journal.c src/relay/hop_journal.h \
	src/relay/hop_login.c src/relay/hop_login.h \
	src/relay/hop_parts.h src/relay/hop_reply.c \
	src/relay/hop_route.c src/relay/hop_route.h \
	src/relay/hop_wait.c \
	src/relay/job.c src/relay/job.h \
	src/relay/login.c src/relay/login.h \
	src/relay/offer.c src/relay/offer.h \
	src/relay/pace.c src/relay/pace.h \
	src/relay/prober.c src/relay/prober.h \
	src/relay/relay.c src/relay/relay.h \
	src/relay/result_box.c src/relay/result_box.h \
	src/relay/route_table.c src/relay/route_table.h \
	src/relay/transfer.c src/relay/transfer.h \
	src/relay/trusts.c src/relay/trusts.h

RELAY_LIBS = src/relay/librelay.a $(PROC_LIBS) $(IPC_LIBS) $(CONFIG_LIBS) $(WIRE_LIBS) $(IO_LIBS) \
	$(RESOLVE_LIBS) $(SASL_LIBS)

pkglibexec_PROGRAMS += src/sallyport-relay
src_sallyport_relay_SOURCES = src/relay/main.c
src_sallyport_relay_LDADD = $(RELAY_LIBS)
