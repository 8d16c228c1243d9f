# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_io_loop
tests_unit_test_io_loop_SOURCES = tests/unit/test_io_loop.c tests/unit/io_fixture.h
tests_unit_test_io_loop_LDADD = $(IO_LIBS) $(UNIT_LIBS)
