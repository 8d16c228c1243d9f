# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_filter_edits
tests_unit_test_filter_edits_SOURCES = tests/unit/test_filter_edits.c
tests_unit_test_filter_edits_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_filter_login
tests_unit_test_filter_login_SOURCES = tests/unit/test_filter_login.c
tests_unit_test_filter_login_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)

# With a source of identities of their own.
UNIT_TESTS += tests/unit/test_filter_transaction
tests_unit_test_filter_transaction_SOURCES = tests/unit/test_filter_transaction.c \
	tests/unit/filter_fixture.h tests/unit/config_file.h
tests_unit_test_filter_transaction_LDADD = $(FILTER_LIBS) $(UNIT_LIBS)
