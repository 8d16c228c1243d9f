# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/auth/libauth.a
src_auth_libauth_a_CFLAGS = $(AM_CFLAGS) $(NETTLE_CFLAGS) $(SASL_CFLAGS) $(SQLITE_CFLAGS) \
	$(JANSSON_CFLAGS)
src_auth_libauth_a_SOURCES = \
	src/auth/account.c src/auth/account.h \
	src/auth/admission.c src/auth/admission.h \
	src/auth/app_password.c src/auth/app_password.h \
	src/auth/auth.c src/auth/auth.h \
	src/auth/auth_role.c \
	src/auth/brake.c src/auth/brake.h \
	src/auth/control.c src/auth/control.h \
	src/auth/directory.c src/auth/directory.h \
	src/auth/directory_local.c src/auth/directory_local.h \
	src/auth/directory_local_app.c src/auth/directory_local_app.h \
	src/auth/directory_local_change.c \
	src/auth/directory_local_db.c src/auth/directory_local_db.h \
	src/auth/directory_local_facts.c \
	src/auth/directory_local_find.c \
	src/auth/directory_local_group.c src/auth/directory_local_group.h \
	src/auth/directory_local_memory.c src/auth/directory_local_memory.h \
	src/auth/directory_local_schema.c \
	src/auth/directory_local_seen.c src/auth/directory_local_seen.h \
	src/auth/exchange.c src/auth/exchange.h \
	src/auth/exchange_mech.c src/auth/exchange_network.c src/auth/exchange_private.h \
	src/auth/exchange_password.c \
	src/auth/expiry.c src/auth/expiry.h \
	src/auth/explain.c src/auth/explain.h \
	src/auth/front_link.c src/auth/front_link.h \
	src/auth/front_link_private.h \
	src/auth/front_charge.c \
	src/auth/front_recipient.c \
	src/auth/front_renewal.c \
	src/auth/keeper.c src/auth/keeper.h \
	src/auth/keytab.c src/auth/keytab.h \
	src/auth/known.c src/auth/known.h \
	src/auth/limit_report.c src/auth/limit_report.h \
	src/auth/login_cache.c src/auth/login_cache.h \
	src/auth/login_name.c src/auth/login_name.h \
	src/auth/login_plain.c src/auth/login_plain.h \
	src/auth/login_rule.c src/auth/login_rule.h \
	src/auth/login_work.c src/auth/login_work.h \
	src/auth/lookup_server.c src/auth/lookup_server.h \
	src/auth/mech.c src/auth/mech.h \
	src/auth/offline.c src/auth/offline.h \
	src/auth/revocations.c src/auth/revocations.h \
	src/auth/saslprep.c src/auth/saslprep.h \
	src/auth/scram_keys.c src/auth/scram_keys.h \
	src/auth/scram_message.c src/auth/scram_message.h \
	src/auth/scram_mix.c src/auth/scram_mix.h \
	src/auth/seen.c src/auth/seen.h \
	src/auth/sessions.c src/auth/sessions.h \
	src/auth/table.c src/auth/table.h \
	src/auth/usage.c src/auth/usage.h \
	src/auth/verbs.c src/auth/verbs.h \
	src/auth/verbs_account.c \
	src/auth/verbs_app.c \
	src/auth/verbs_document.c src/auth/verbs_document.h \
	src/auth/verbs_export.c \
	src/auth/verbs_grant.c \
	src/auth/verbs_group.c \
	src/auth/verbs_limits.c \
	src/auth/verbs_import.c src/auth/verbs_import.h \
	src/auth/verbs_list.c \
	src/auth/verbs_report.c \
	src/auth/verbs_page.c src/auth/verbs_page.h \
	src/auth/verbs_session.c src/auth/verbs_session.h

AUTH_LIBS = src/auth/libauth.a $(POLICY_LIBS) $(PROC_LIBS) $(IPC_LIBS) $(IO_LIBS) $(SASL_LIBS) \
	$(SQLITE_LIBS) $(JANSSON_LIBS) $(NETTLE_LIBS)

pkglibexec_PROGRAMS += src/sallyport-auth
src_sallyport_auth_SOURCES = src/auth/main.c
src_sallyport_auth_LDADD = $(AUTH_LIBS)
