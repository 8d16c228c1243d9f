# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/queue/libqueue.a
src_queue_libqueue_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
src_queue_libqueue_a_SOURCES = \
	src/queue/admission.c src/queue/admission.h \
	src/queue/auth_peer.c src/queue/auth_peer.h \
	src/queue/backlog.c src/queue/backlog.h \
	src/queue/bodies.c src/queue/bodies.h \
	src/queue/body_loans.c src/queue/body_loans.h \
	src/queue/brief.c src/queue/brief.h \
	src/queue/control.c src/queue/control.h \
	src/queue/control_backup.c src/queue/control_backup.h \
	src/queue/control_json.c src/queue/control_json.h \
	src/queue/control_walk.c src/queue/control_walk.h \
	src/queue/dispatch.c src/queue/dispatch.h \
	src/queue/dispatch_result.c \
	src/queue/dispatch_shut.c \
	src/queue/dispatch_state.h \
	src/queue/folder.c src/queue/folder.h \
	src/queue/folder_backup.c src/queue/folder_backup.h \
	src/queue/herald.c src/queue/herald.h \
	src/queue/index.c src/queue/index.h \
	src/queue/inquiry.c src/queue/inquiry.h \
	src/queue/intake.c src/queue/intake.h \
	src/queue/loader.c src/queue/loader.h \
	src/queue/notice.c src/queue/notice.h \
	src/queue/notice_again.c src/queue/notice_again.h \
	src/queue/notice_held.c src/queue/notice_held.h \
	src/queue/notice_original.c src/queue/notice_original.h \
	src/queue/notice_report.c src/queue/notice_report.h \
	src/queue/notice_text.c src/queue/notice_text.h \
	src/queue/notice_words.c src/queue/notice_words.h \
	src/queue/parcel.c src/queue/parcel.h \
	src/queue/pressure.c src/queue/pressure.h \
	src/queue/queue.c src/queue/queue.h \
	src/queue/recipient.c src/queue/recipient.h \
	src/queue/record.c src/queue/record.h \
	src/queue/resend.c src/queue/resend.h \
	src/queue/revoked.c src/queue/revoked.h \
	src/queue/scan.c src/queue/scan.h \
	src/queue/schedule.c src/queue/schedule.h \
	src/queue/spool.c src/queue/spool.h \
	src/queue/spool_backup.c \
	src/queue/spool_db.c src/queue/spool_db.h \
	src/queue/spool_proof.c src/queue/spool_proof.h \
	src/queue/spool_read.c \
	src/queue/spool_resend.c \
	src/queue/spool_salvage.c src/queue/spool_salvage.h \
	src/queue/spool_salvage_copy.c \
	src/queue/spool_schema.c src/queue/spool_schema.h \
	src/queue/spool_store.c src/queue/spool_store.h \
	src/queue/spool_table.h \
	src/queue/spool_write.c \
	src/queue/tally.c src/queue/tally.h \
	src/queue/timekeeper.c src/queue/timekeeper.h \
	src/queue/turns.c src/queue/turns.h

QUEUE_LIBS = src/queue/libqueue.a $(PROC_LIBS) $(POLICY_LIBS) $(IPC_LIBS) $(SQLITE_LIBS)

pkglibexec_PROGRAMS += src/sallyport-queue
src_sallyport_queue_SOURCES = src/queue/main.c
src_sallyport_queue_LDADD = $(QUEUE_LIBS)
