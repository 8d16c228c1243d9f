# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/queue/libqueue.a
src_queue_libqueue_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
src_queue_libqueue_a_SOURCES = \
	src/queue/backlog.c src/queue/backlog.h \
	src/queue/brief.c src/queue/brief.h \
	src/queue/dispatch.c src/queue/dispatch.h \
	src/queue/dispatch_result.c src/queue/dispatch_state.h \
	src/queue/folder.c src/queue/folder.h \
	src/queue/index.c src/queue/index.h \
	src/queue/loader.c src/queue/loader.h \
	src/queue/notice.c src/queue/notice.h \
	src/queue/parcel.c src/queue/parcel.h \
	src/queue/recipient.c src/queue/recipient.h \
	src/queue/record.c src/queue/record.h \
	src/queue/tally.c src/queue/tally.h \
	src/queue/timekeeper.c src/queue/timekeeper.h \
	src/queue/schedule.c src/queue/schedule.h \
	src/queue/spool.c src/queue/spool.h \
	src/queue/spool_db.c src/queue/spool_db.h \
	src/queue/spool_read.c \
	src/queue/spool_schema.c src/queue/spool_schema.h \
	src/queue/spool_store.c src/queue/spool_store.h \
	src/queue/spool_table.h \
	src/queue/spool_write.c

QUEUE_LIBS = src/queue/libqueue.a $(POLICY_LIBS) $(IPC_LIBS) $(SQLITE_LIBS)
