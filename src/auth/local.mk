# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/auth/libauth.a
src_auth_libauth_a_CFLAGS = $(AM_CFLAGS) $(NETTLE_CFLAGS) $(SASL_CFLAGS) $(SQLITE_CFLAGS) \
	$(JANSSON_CFLAGS)
src_auth_libauth_a_SOURCES = \
	src/auth/account.c src/auth/account.h \
	src/auth/brake.c src/auth/brake.h \
	src/auth/directory.c src/auth/directory.h \
	src/auth/directory_local.c src/auth/directory_local.h \
	src/auth/directory_local_change.c \
	src/auth/directory_local_db.c src/auth/directory_local_db.h \
	src/auth/exchange.c src/auth/exchange.h \
	src/auth/exchange_mech.c src/auth/exchange_private.h \
	src/auth/login_cache.c src/auth/login_cache.h \
	src/auth/login_name.c src/auth/login_name.h \
	src/auth/login_plain.c src/auth/login_plain.h \
	src/auth/login_rule.c src/auth/login_rule.h \
	src/auth/login_work.c src/auth/login_work.h \
	src/auth/mech.c src/auth/mech.h \
	src/auth/saslprep.c src/auth/saslprep.h \
	src/auth/scram_keys.c src/auth/scram_keys.h \
	src/auth/scram_message.c src/auth/scram_message.h \
	src/auth/sessions.c src/auth/sessions.h \
	src/auth/table.c src/auth/table.h

AUTH_LIBS = src/auth/libauth.a $(POLICY_LIBS) $(IPC_LIBS) $(SASL_LIBS) $(SQLITE_LIBS) \
	$(JANSSON_LIBS) $(NETTLE_LIBS)
