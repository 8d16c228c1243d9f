# SPDX-License-Identifier: BSD-2-Clause
AUTH_RIG = tests/unit/auth_rig.c tests/unit/auth_rig.h tests/unit/folder_fixture.h
AUTH_TEST_CFLAGS = $(AM_CFLAGS) $(NETTLE_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)

UNIT_TESTS += tests/unit/test_auth_table
tests_unit_test_auth_table_SOURCES = tests/unit/test_auth_table.c
tests_unit_test_auth_table_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_table_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_login_name
tests_unit_test_auth_login_name_SOURCES = tests/unit/test_auth_login_name.c
tests_unit_test_auth_login_name_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_login_name_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_saslprep
tests_unit_test_auth_saslprep_SOURCES = tests/unit/test_auth_saslprep.c
tests_unit_test_auth_saslprep_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_saslprep_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_scram_keys
tests_unit_test_auth_scram_keys_SOURCES = tests/unit/test_auth_scram_keys.c
tests_unit_test_auth_scram_keys_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_scram_keys_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_scram_message
tests_unit_test_auth_scram_message_SOURCES = tests/unit/test_auth_scram_message.c
tests_unit_test_auth_scram_message_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_scram_message_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_login_plain
tests_unit_test_auth_login_plain_SOURCES = tests/unit/test_auth_login_plain.c
tests_unit_test_auth_login_plain_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_login_plain_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_login_cache
tests_unit_test_auth_login_cache_SOURCES = tests/unit/test_auth_login_cache.c
tests_unit_test_auth_login_cache_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_login_cache_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_brake
tests_unit_test_auth_brake_SOURCES = tests/unit/test_auth_brake.c
tests_unit_test_auth_brake_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_brake_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_directory_local
tests_unit_test_auth_directory_local_SOURCES = tests/unit/test_auth_directory_local.c
tests_unit_test_auth_directory_local_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_directory_local_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_directory_local_file
tests_unit_test_auth_directory_local_file_SOURCES = tests/unit/test_auth_directory_local_file.c
tests_unit_test_auth_directory_local_file_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_directory_local_file_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_mech
tests_unit_test_auth_mech_SOURCES = tests/unit/test_auth_mech.c tests/unit/scram_client.h
tests_unit_test_auth_mech_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_mech_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_exchange_network
tests_unit_test_auth_exchange_network_SOURCES = tests/unit/test_auth_exchange_network.c tests/unit/auth_exchange_fixture.h $(AUTH_RIG)
tests_unit_test_auth_exchange_network_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_exchange_network_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_exchange
tests_unit_test_auth_exchange_SOURCES = tests/unit/test_auth_exchange.c tests/unit/auth_exchange_fixture.h $(AUTH_RIG) tests/unit/scram_client.h
tests_unit_test_auth_exchange_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_exchange_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_exchange_scram
tests_unit_test_auth_exchange_scram_SOURCES = tests/unit/test_auth_exchange_scram.c tests/unit/auth_exchange_fixture.h $(AUTH_RIG) tests/unit/scram_client.h
tests_unit_test_auth_exchange_scram_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_exchange_scram_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_keeper
tests_unit_test_auth_keeper_SOURCES = tests/unit/test_auth_keeper.c $(AUTH_RIG)
tests_unit_test_auth_keeper_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_keeper_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_usage
tests_unit_test_auth_usage_SOURCES = tests/unit/test_auth_usage.c
tests_unit_test_auth_usage_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_usage_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_sessions
tests_unit_test_auth_sessions_SOURCES = tests/unit/test_auth_sessions.c
tests_unit_test_auth_sessions_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_sessions_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_revocations
tests_unit_test_auth_revocations_SOURCES = tests/unit/test_auth_revocations.c
tests_unit_test_auth_revocations_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_revocations_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_directory
tests_unit_test_auth_directory_SOURCES = tests/unit/test_auth_directory.c
tests_unit_test_auth_directory_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_directory_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_role
tests_unit_test_auth_role_SOURCES = tests/unit/test_auth_role.c tests/unit/auth_session_fixture.h $(AUTH_RIG)
tests_unit_test_auth_role_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_role_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_role_restart
tests_unit_test_auth_role_restart_SOURCES = tests/unit/test_auth_role_restart.c tests/unit/auth_session_fixture.h $(AUTH_RIG)
tests_unit_test_auth_role_restart_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_role_restart_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_front_recipient
tests_unit_test_auth_front_recipient_SOURCES = tests/unit/test_auth_front_recipient.c $(AUTH_RIG)
tests_unit_test_auth_front_recipient_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_front_recipient_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_verbs
tests_unit_test_auth_verbs_SOURCES = tests/unit/test_auth_verbs.c
tests_unit_test_auth_verbs_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_verbs_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_explain
tests_unit_test_auth_explain_SOURCES = tests/unit/test_auth_explain.c
tests_unit_test_auth_explain_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_explain_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_keytab
tests_unit_test_auth_keytab_SOURCES = tests/unit/test_auth_keytab.c
tests_unit_test_auth_keytab_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_keytab_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_account
tests_unit_test_auth_account_SOURCES = tests/unit/test_auth_account.c
tests_unit_test_auth_account_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_account_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_offline
tests_unit_test_auth_offline_SOURCES = tests/unit/test_auth_offline.c
tests_unit_test_auth_offline_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_offline_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_login_rule
tests_unit_test_auth_login_rule_SOURCES = tests/unit/test_auth_login_rule.c
tests_unit_test_auth_login_rule_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_login_rule_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_gssapi
tests_unit_test_auth_gssapi_SOURCES = tests/unit/test_auth_gssapi.c $(AUTH_RIG)
tests_unit_test_auth_gssapi_CFLAGS = $(AUTH_TEST_CFLAGS) $(SASL_CFLAGS)
tests_unit_test_auth_gssapi_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_directory_local_facts
tests_unit_test_auth_directory_local_facts_SOURCES = tests/unit/test_auth_directory_local_facts.c
tests_unit_test_auth_directory_local_facts_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_directory_local_facts_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_scram_mix
tests_unit_test_auth_scram_mix_SOURCES = tests/unit/test_auth_scram_mix.c
tests_unit_test_auth_scram_mix_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_scram_mix_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_directory_local_schema
tests_unit_test_auth_directory_local_schema_SOURCES = \
	tests/unit/test_auth_directory_local_schema.c tests/unit/accounts_versions.h
tests_unit_test_auth_directory_local_schema_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_directory_local_schema_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_app_password
tests_unit_test_auth_app_password_SOURCES = tests/unit/test_auth_app_password.c
tests_unit_test_auth_app_password_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_app_password_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_directory_local_app
tests_unit_test_auth_directory_local_app_SOURCES = \
	tests/unit/test_auth_directory_local_app.c tests/unit/accounts_fixture.h
tests_unit_test_auth_directory_local_app_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_directory_local_app_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_directory_local_group
tests_unit_test_auth_directory_local_group_SOURCES = \
	tests/unit/test_auth_directory_local_group.c tests/unit/accounts_fixture.h
tests_unit_test_auth_directory_local_group_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_directory_local_group_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_exchange_app
tests_unit_test_auth_exchange_app_SOURCES = tests/unit/test_auth_exchange_app.c $(AUTH_RIG) \
	tests/unit/scram_client.h
tests_unit_test_auth_exchange_app_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_exchange_app_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_directory_local_seen
tests_unit_test_auth_directory_local_seen_SOURCES = \
	tests/unit/test_auth_directory_local_seen.c tests/unit/accounts_fixture.h
tests_unit_test_auth_directory_local_seen_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_directory_local_seen_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_verbs_import
tests_unit_test_auth_verbs_import_SOURCES = \
	tests/unit/test_auth_verbs_import.c tests/unit/accounts_fixture.h
tests_unit_test_auth_verbs_import_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_verbs_import_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_seen
tests_unit_test_auth_seen_SOURCES = tests/unit/test_auth_seen.c tests/unit/accounts_fixture.h
tests_unit_test_auth_seen_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_seen_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_expiry
tests_unit_test_auth_expiry_SOURCES = tests/unit/test_auth_expiry.c \
	tests/unit/auth_session_fixture.h $(AUTH_RIG)
tests_unit_test_auth_expiry_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_expiry_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_auth_lookup_server
tests_unit_test_auth_lookup_server_SOURCES = tests/unit/test_auth_lookup_server.c $(AUTH_RIG)
tests_unit_test_auth_lookup_server_CFLAGS = $(AUTH_TEST_CFLAGS)
tests_unit_test_auth_lookup_server_LDADD = $(AUTH_LIBS) $(UNIT_LIBS)
