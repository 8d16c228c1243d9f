# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_super_files
tests_unit_test_super_files_SOURCES = tests/unit/test_super_files.c
tests_unit_test_super_files_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_links
tests_unit_test_super_links_SOURCES = tests/unit/test_super_links.c
tests_unit_test_super_links_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_listeners
tests_unit_test_super_listeners_SOURCES = tests/unit/test_super_listeners.c
tests_unit_test_super_listeners_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_roster
tests_unit_test_super_roster_SOURCES = tests/unit/test_super_roster.c
tests_unit_test_super_roster_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_secrets
tests_unit_test_super_secrets_SOURCES = tests/unit/test_super_secrets.c
tests_unit_test_super_secrets_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_shared_gate
tests_unit_test_super_shared_gate_SOURCES = tests/unit/test_super_shared_gate.c
tests_unit_test_super_shared_gate_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_roll
tests_unit_test_super_roll_SOURCES = tests/unit/test_super_roll.c
tests_unit_test_super_roll_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_logs
tests_unit_test_super_logs_SOURCES = tests/unit/test_super_logs.c
tests_unit_test_super_logs_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_notice
tests_unit_test_super_notice_SOURCES = tests/unit/test_super_notice.c
tests_unit_test_super_notice_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_patience
tests_unit_test_super_patience_SOURCES = tests/unit/test_super_patience.c
tests_unit_test_super_patience_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_child
tests_unit_test_super_child_SOURCES = tests/unit/test_super_child.c tests/unit/child_fixture.c tests/unit/child_fixture.h
tests_unit_test_super_child_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_child_reload
tests_unit_test_super_child_reload_SOURCES = tests/unit/test_super_child_reload.c tests/unit/child_fixture.c tests/unit/child_fixture.h
tests_unit_test_super_child_reload_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_ballot
tests_unit_test_super_ballot_SOURCES = tests/unit/test_super_ballot.c
tests_unit_test_super_ballot_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_control
tests_unit_test_super_control_SOURCES = tests/unit/test_super_control.c
tests_unit_test_super_control_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_super_control_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_spawn
tests_unit_test_super_spawn_SOURCES = tests/unit/test_super_spawn.c
tests_unit_test_super_spawn_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_status
tests_unit_test_super_status_SOURCES = tests/unit/test_super_status.c
tests_unit_test_super_status_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_super_status_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_reload
tests_unit_test_super_reload_SOURCES = tests/unit/test_super_reload.c
tests_unit_test_super_reload_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_super_reload_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_lookup_socket
tests_unit_test_super_lookup_socket_SOURCES = tests/unit/test_super_lookup_socket.c tests/unit/folder_fixture.h
tests_unit_test_super_lookup_socket_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_super_local_socket
tests_unit_test_super_local_socket_SOURCES = tests/unit/test_super_local_socket.c tests/unit/folder_fixture.h
tests_unit_test_super_local_socket_LDADD = $(SUPER_LIBS) $(UNIT_LIBS)
