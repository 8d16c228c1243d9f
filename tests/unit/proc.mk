# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_proc_confine
tests_unit_test_proc_confine_SOURCES = tests/unit/test_proc_confine.c \
	tests/unit/confine_probes.c tests/unit/confine_probes.h
tests_unit_test_proc_confine_LDADD = $(PROC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_proc_needs
tests_unit_test_proc_needs_SOURCES = tests/unit/test_proc_needs.c
tests_unit_test_proc_needs_LDADD = $(PROC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_proc_role_links
tests_unit_test_proc_role_links_SOURCES = tests/unit/test_proc_role_links.c
tests_unit_test_proc_role_links_LDADD = $(PROC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_proc_role_store
tests_unit_test_proc_role_store_SOURCES = tests/unit/test_proc_role_store.c
tests_unit_test_proc_role_store_LDADD = $(PROC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_proc_role
tests_unit_test_proc_role_SOURCES = tests/unit/test_proc_role.c \
	tests/fake/counting_role.c tests/fake/counting_role.h
tests_unit_test_proc_role_LDADD = $(PROC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_proc_journal
tests_unit_test_proc_journal_SOURCES = tests/unit/test_proc_journal.c
tests_unit_test_proc_journal_LDADD = $(PROC_LIBS) $(IO_LIBS) $(UNIT_LIBS)
