# SPDX-License-Identifier: BSD-2-Clause
SMTP_RIG = tests/fake/smtp_rig.c tests/fake/smtp_rig.h tests/fake/smtp_rig_parts.h tests/fake/smtp_script.h \
	tests/fake/smtp_rig_auth.c tests/fake/smtp_rig_client.c tests/fake/smtp_rig_keys.c \
	tests/fake/smtp_rig_queue.c tests/unit/tls_fixture.c tests/unit/tls_fixture.h
SMTP_RIG_LIBS = src/smtp/libsmtp.a src/client/libclient.a src/proc/libproc.a $(POLICY_LIBS) $(CONFIG_LIBS) $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_smtp_smtp
tests_unit_test_smtp_smtp_SOURCES = tests/unit/test_smtp_smtp.c $(SMTP_RIG)
tests_unit_test_smtp_smtp_LDADD = $(SMTP_RIG_LIBS)

# What all protocols share is driven through SMTP, the first of them.
UNIT_TESTS += tests/unit/test_client_login
tests_unit_test_client_login_SOURCES = tests/unit/test_client_login.c $(SMTP_RIG)
tests_unit_test_client_login_LDADD = $(SMTP_RIG_LIBS)

TRANSACTION_FIXTURE = tests/unit/transaction_fixture.h $(SMTP_RIG)

UNIT_TESTS += tests/unit/test_smtp_transaction
tests_unit_test_smtp_transaction_SOURCES = tests/unit/test_smtp_transaction.c $(TRANSACTION_FIXTURE)
tests_unit_test_smtp_transaction_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_smtp_handoff
tests_unit_test_smtp_handoff_SOURCES = tests/unit/test_smtp_handoff.c $(TRANSACTION_FIXTURE)
tests_unit_test_smtp_handoff_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_smtp_sent
tests_unit_test_smtp_sent_SOURCES = tests/unit/test_smtp_sent.c
tests_unit_test_smtp_sent_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_smtp_transaction_queue
tests_unit_test_smtp_transaction_queue_SOURCES = tests/unit/test_smtp_transaction_queue.c $(TRANSACTION_FIXTURE)
tests_unit_test_smtp_transaction_queue_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_smtp_transaction_size
tests_unit_test_smtp_transaction_size_SOURCES = tests/unit/test_smtp_transaction_size.c $(TRANSACTION_FIXTURE)
tests_unit_test_smtp_transaction_size_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_smtp_recipient_stage
tests_unit_test_smtp_recipient_stage_SOURCES = tests/unit/test_smtp_recipient_stage.c $(SMTP_RIG)
tests_unit_test_smtp_recipient_stage_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_client_session
tests_unit_test_client_session_SOURCES = tests/unit/test_client_session.c tests/unit/session_fixture.h $(SMTP_RIG)
tests_unit_test_client_session_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_client_session_end
tests_unit_test_client_session_end_SOURCES = tests/unit/test_client_session_end.c tests/unit/session_fixture.h $(SMTP_RIG)
tests_unit_test_client_session_end_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_smtp_segments
tests_unit_test_smtp_segments_SOURCES = tests/unit/test_smtp_segments.c $(SMTP_RIG)
tests_unit_test_smtp_segments_LDADD = $(SMTP_RIG_LIBS)

# Its stage stands in for that of recipients.
UNIT_TESTS += tests/unit/test_smtp_verdict
tests_unit_test_smtp_verdict_SOURCES = tests/unit/test_smtp_verdict.c $(TRANSACTION_FIXTURE)
tests_unit_test_smtp_verdict_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_smtp_filters
tests_unit_test_smtp_filters_SOURCES = tests/unit/test_smtp_filters.c
tests_unit_test_smtp_filters_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_smtp_filters_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_smtp_trial
tests_unit_test_smtp_trial_SOURCES = tests/unit/test_smtp_trial.c tests/unit/trial_fixture.h
tests_unit_test_smtp_trial_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_smtp_trial_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_smtp_control
tests_unit_test_smtp_control_SOURCES = tests/unit/test_smtp_control.c $(SMTP_RIG)
tests_unit_test_smtp_control_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_smtp_control_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_smtp_trial_answer
tests_unit_test_smtp_trial_answer_SOURCES = tests/unit/test_smtp_trial_answer.c
tests_unit_test_smtp_trial_answer_LDADD = $(SMTP_RIG_LIBS)

UNIT_TESTS += tests/unit/test_smtp_dial_link
tests_unit_test_smtp_dial_link_SOURCES = tests/unit/test_smtp_dial_link.c
tests_unit_test_smtp_dial_link_LDADD = $(SMTP_RIG_LIBS)
