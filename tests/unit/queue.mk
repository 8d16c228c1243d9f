# SPDX-License-Identifier: BSD-2-Clause
EXTRA_DIST += tests/fake/mail_samples.h tests/unit/queue_rig.h tests/unit/spool_fixture.h \
	tests/unit/spool_store_fixture.h
QUEUE_TEST_SOURCES = tests/fake/mail_samples.c

UNIT_TESTS += tests/unit/test_queue_record
tests_unit_test_queue_record_SOURCES = tests/unit/test_queue_record.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_record_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_spool_store
tests_unit_test_queue_spool_store_SOURCES = tests/unit/test_queue_spool_store.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_spool_store_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_spool_bodies
tests_unit_test_queue_spool_bodies_SOURCES = tests/unit/test_queue_spool_bodies.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_spool_bodies_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_spool_schema
tests_unit_test_queue_spool_schema_SOURCES = tests/unit/test_queue_spool_schema.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_spool_schema_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_index
tests_unit_test_queue_index_SOURCES = tests/unit/test_queue_index.c
tests_unit_test_queue_index_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_schedule
tests_unit_test_queue_schedule_SOURCES = tests/unit/test_queue_schedule.c
tests_unit_test_queue_schedule_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_timekeeper
tests_unit_test_queue_timekeeper_SOURCES = tests/unit/test_queue_timekeeper.c
tests_unit_test_queue_timekeeper_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_pressure
tests_unit_test_queue_pressure_SOURCES = tests/unit/test_queue_pressure.c
tests_unit_test_queue_pressure_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_revoked
tests_unit_test_queue_revoked_SOURCES = tests/unit/test_queue_revoked.c
tests_unit_test_queue_revoked_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_notice
tests_unit_test_queue_notice_SOURCES = tests/unit/test_queue_notice.c tests/unit/notice_fixture.h
tests_unit_test_queue_notice_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_notice_again
tests_unit_test_queue_notice_again_SOURCES = tests/unit/test_queue_notice_again.c tests/unit/notice_fixture.h
tests_unit_test_queue_notice_again_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_notice_original
tests_unit_test_queue_notice_original_SOURCES = tests/unit/test_queue_notice_original.c tests/unit/notice_fixture.h
tests_unit_test_queue_notice_original_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_tally
tests_unit_test_queue_tally_SOURCES = tests/unit/test_queue_tally.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_tally_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_admission
tests_unit_test_queue_admission_SOURCES = tests/unit/test_queue_admission.c
tests_unit_test_queue_admission_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_spool
tests_unit_test_queue_spool_SOURCES = tests/unit/test_queue_spool.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_spool_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_spool_faults
tests_unit_test_queue_spool_faults_SOURCES = tests/unit/test_queue_spool_faults.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_spool_faults_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_spool_kill
tests_unit_test_queue_spool_kill_SOURCES = tests/unit/test_queue_spool_kill.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_spool_kill_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_spool_proof
tests_unit_test_queue_spool_proof_SOURCES = tests/unit/test_queue_spool_proof.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_spool_proof_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_spool_backup
tests_unit_test_queue_spool_backup_SOURCES = tests/unit/test_queue_spool_backup.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_spool_backup_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_spool_salvage
tests_unit_test_queue_spool_salvage_SOURCES = tests/unit/test_queue_spool_salvage.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_spool_salvage_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_dispatch
tests_unit_test_queue_dispatch_SOURCES = tests/unit/test_queue_dispatch.c tests/unit/dispatch_fixture.h $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_dispatch_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_dispatch_restart
tests_unit_test_queue_dispatch_restart_SOURCES = tests/unit/test_queue_dispatch_restart.c tests/unit/dispatch_fixture.h $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_dispatch_restart_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_body_loans
tests_unit_test_queue_body_loans_SOURCES = tests/unit/test_queue_body_loans.c
tests_unit_test_queue_body_loans_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_intake
tests_unit_test_queue_intake_SOURCES = tests/unit/test_queue_intake.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_intake_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_herald
tests_unit_test_queue_herald_SOURCES = tests/unit/test_queue_herald.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_herald_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_control
tests_unit_test_queue_control_SOURCES = tests/unit/test_queue_control.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_control_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_queue_control_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_queue
tests_unit_test_queue_queue_SOURCES = tests/unit/test_queue_queue.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_queue_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_queue_queue_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_folder
tests_unit_test_queue_folder_SOURCES = tests/unit/test_queue_folder.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_folder_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_loader
tests_unit_test_queue_loader_SOURCES = tests/unit/test_queue_loader.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_loader_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_resend
tests_unit_test_queue_resend_SOURCES = tests/unit/test_queue_resend.c
tests_unit_test_queue_resend_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_spool_resend
tests_unit_test_queue_spool_resend_SOURCES = tests/unit/test_queue_spool_resend.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_spool_resend_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_backlog
tests_unit_test_queue_backlog_SOURCES = tests/unit/test_queue_backlog.c $(QUEUE_TEST_SOURCES)
tests_unit_test_queue_backlog_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_queue_inquiry
tests_unit_test_queue_inquiry_SOURCES = tests/unit/test_queue_inquiry.c
tests_unit_test_queue_inquiry_LDADD = $(QUEUE_LIBS) $(UNIT_LIBS)
