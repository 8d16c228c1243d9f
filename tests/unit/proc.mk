# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_proc_confine
tests_unit_test_proc_confine_SOURCES = tests/unit/test_proc_confine.c
tests_unit_test_proc_confine_LDADD = $(PROC_LIBS) $(UNIT_LIBS)
