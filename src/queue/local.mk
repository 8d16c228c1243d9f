# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/queue/libqueue.a
src_queue_libqueue_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
src_queue_libqueue_a_SOURCES = \
	src/queue/brief.c src/queue/brief.h \
	src/queue/folder.c src/queue/folder.h \
	src/queue/index.c src/queue/index.h \
	src/queue/parcel.c src/queue/parcel.h \
	src/queue/recipient.c src/queue/recipient.h \
	src/queue/record.c src/queue/record.h \
	src/queue/schedule.c src/queue/schedule.h \
	src/queue/spool.c src/queue/spool.h \
	src/queue/spool_db.c src/queue/spool_db.h \
	src/queue/spool_read.c \
	src/queue/spool_schema.c src/queue/spool_schema.h \
	src/queue/spool_store.c src/queue/spool_store.h \
	src/queue/spool_table.h \
	src/queue/spool_write.c

QUEUE_LIBS = src/queue/libqueue.a $(POLICY_LIBS) $(IPC_LIBS) $(SQLITE_LIBS)
