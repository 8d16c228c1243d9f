# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/ipc/libipc.a
src_ipc_libipc_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_ipc_libipc_a_SOURCES = \
	src/ipc/certificate_names.c src/ipc/certificate_names.h \
	src/ipc/channel.c src/ipc/channel.h \
	src/ipc/control.c src/ipc/control.h \
	src/ipc/frame.c src/ipc/frame.h \
	src/ipc/grant.c src/ipc/grant.h \
	src/ipc/inbox.c src/ipc/inbox.h \
	src/ipc/lookup.c src/ipc/lookup.h \
	src/ipc/message_login.c src/ipc/message_login.h \
	src/ipc/message_mail.c src/ipc/message_mail.h \
	src/ipc/message_recipient.c src/ipc/message_recipient.h \
	src/ipc/message_super.c src/ipc/message_super.h \
	src/ipc/messages.c src/ipc/messages.h \
	src/ipc/outbox.c src/ipc/outbox.h \
	src/ipc/questions.c src/ipc/questions.h \
	src/ipc/sync_call.c src/ipc/sync_call.h

IPC_LIBS = src/ipc/libipc.a $(IO_LIBS) $(JANSSON_LIBS)
