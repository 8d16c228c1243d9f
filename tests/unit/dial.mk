# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_dial_dial
tests_unit_test_dial_dial_SOURCES = tests/unit/test_dial_dial.c
tests_unit_test_dial_dial_LDADD = $(DIAL_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_dial_socket_file
tests_unit_test_dial_socket_file_SOURCES = tests/unit/test_dial_socket_file.c
tests_unit_test_dial_socket_file_LDADD = $(DIAL_LIBS) $(UNIT_LIBS)
