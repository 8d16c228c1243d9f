# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_ipc_frame
tests_unit_test_ipc_frame_SOURCES = tests/unit/test_ipc_frame.c
tests_unit_test_ipc_frame_LDADD = $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ipc_messages
tests_unit_test_ipc_messages_SOURCES = tests/unit/test_ipc_messages.c
tests_unit_test_ipc_messages_LDADD = $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ipc_grant
tests_unit_test_ipc_grant_SOURCES = tests/unit/test_ipc_grant.c
tests_unit_test_ipc_grant_LDADD = $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ipc_control
tests_unit_test_ipc_control_SOURCES = tests/unit/test_ipc_control.c
tests_unit_test_ipc_control_LDADD = $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ipc_channel
tests_unit_test_ipc_channel_SOURCES = tests/unit/test_ipc_channel.c tests/unit/channel_fixture.h
tests_unit_test_ipc_channel_LDADD = $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ipc_channel_attack
tests_unit_test_ipc_channel_attack_SOURCES = tests/unit/test_ipc_channel_attack.c tests/unit/channel_fixture.h
tests_unit_test_ipc_channel_attack_LDADD = $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ipc_questions
tests_unit_test_ipc_questions_SOURCES = tests/unit/test_ipc_questions.c
tests_unit_test_ipc_questions_LDADD = $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ipc_sync_call
tests_unit_test_ipc_sync_call_SOURCES = tests/unit/test_ipc_sync_call.c
tests_unit_test_ipc_sync_call_LDADD = $(IPC_LIBS) $(UNIT_LIBS) -lpthread

UNIT_TESTS += tests/unit/test_ipc_inbox
tests_unit_test_ipc_inbox_SOURCES = tests/unit/test_ipc_inbox.c
tests_unit_test_ipc_inbox_LDADD = $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ipc_outbox
tests_unit_test_ipc_outbox_SOURCES = tests/unit/test_ipc_outbox.c
tests_unit_test_ipc_outbox_LDADD = $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ipc_certificate_names
tests_unit_test_ipc_certificate_names_SOURCES = tests/unit/test_ipc_certificate_names.c
tests_unit_test_ipc_certificate_names_LDADD = $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ipc_lookup
tests_unit_test_ipc_lookup_SOURCES = tests/unit/test_ipc_lookup.c
tests_unit_test_ipc_lookup_LDADD = $(IPC_LIBS) $(UNIT_LIBS)
