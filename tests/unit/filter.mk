# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_filter_candidates
tests_unit_test_filter_candidates_SOURCES = tests/unit/test_filter_candidates.c
tests_unit_test_filter_candidates_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_cage
tests_unit_test_filter_cage_SOURCES = tests/unit/test_filter_cage.c tests/unit/folder_fixture.h
tests_unit_test_filter_cage_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_edits
tests_unit_test_filter_edits_SOURCES = tests/unit/test_filter_edits.c
tests_unit_test_filter_edits_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_guardian
tests_unit_test_filter_guardian_SOURCES = tests/unit/test_filter_guardian.c
tests_unit_test_filter_guardian_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_login
tests_unit_test_filter_login_SOURCES = tests/unit/test_filter_login.c
tests_unit_test_filter_login_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_privileges
tests_unit_test_filter_privileges_SOURCES = tests/unit/test_filter_privileges.c
tests_unit_test_filter_privileges_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

# With a source of identities of their own.
UNIT_TESTS += tests/unit/test_filter_console
tests_unit_test_filter_console_SOURCES = tests/unit/test_filter_console.c \
	tests/unit/filter_fixture.h tests/unit/config_file.h
tests_unit_test_filter_console_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_transaction
tests_unit_test_filter_transaction_SOURCES = tests/unit/test_filter_transaction.c \
	tests/unit/filter_fixture.h tests/unit/config_file.h
tests_unit_test_filter_transaction_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

FILTER_TEST_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
TABLE_RIG = tests/unit/table_fixture.h tests/unit/folder_fixture.h

UNIT_TESTS += tests/unit/test_filter_text_lines
tests_unit_test_filter_text_lines_SOURCES = tests/unit/test_filter_text_lines.c
tests_unit_test_filter_text_lines_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_map_text
tests_unit_test_filter_map_text_SOURCES = tests/unit/test_filter_map_text.c $(TABLE_RIG)
tests_unit_test_filter_map_text_CFLAGS = $(FILTER_TEST_CFLAGS)
tests_unit_test_filter_map_text_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_map_query
tests_unit_test_filter_map_query_SOURCES = tests/unit/test_filter_map_query.c $(TABLE_RIG)
tests_unit_test_filter_map_query_CFLAGS = $(FILTER_TEST_CFLAGS)
tests_unit_test_filter_map_query_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_map_sqlite
tests_unit_test_filter_map_sqlite_SOURCES = tests/unit/test_filter_map_sqlite.c $(TABLE_RIG)
tests_unit_test_filter_map_sqlite_CFLAGS = $(FILTER_TEST_CFLAGS)
tests_unit_test_filter_map_sqlite_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_maps
tests_unit_test_filter_maps_SOURCES = tests/unit/test_filter_maps.c $(TABLE_RIG)
tests_unit_test_filter_maps_CFLAGS = $(FILTER_TEST_CFLAGS)
tests_unit_test_filter_maps_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_lookup_pool
tests_unit_test_filter_lookup_pool_SOURCES = tests/unit/test_filter_lookup_pool.c \
	tests/unit/lookup_server_fixture.h $(TABLE_RIG)
tests_unit_test_filter_lookup_pool_CFLAGS = $(FILTER_TEST_CFLAGS)
tests_unit_test_filter_lookup_pool_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_identities
tests_unit_test_filter_identities_SOURCES = tests/unit/test_filter_identities.c \
	tests/unit/lookup_server_fixture.h $(TABLE_RIG)
tests_unit_test_filter_identities_CFLAGS = $(FILTER_TEST_CFLAGS)
tests_unit_test_filter_identities_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_postmap
tests_unit_test_filter_postmap_SOURCES = tests/unit/test_filter_postmap.c $(TABLE_RIG)
tests_unit_test_filter_postmap_CFLAGS = $(FILTER_TEST_CFLAGS)
tests_unit_test_filter_postmap_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)
