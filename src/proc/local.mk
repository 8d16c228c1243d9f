# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/proc/libproc.a
src_proc_libproc_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SECCOMP_CFLAGS)
src_proc_libproc_a_SOURCES = \
	src/proc/confine.c src/proc/confine.h src/proc/confine_parts.h \
	src/proc/confine_filter.c \
	src/proc/confine_landlock.c \
	src/proc/confine_table.c src/proc/confine_table.h \
	src/proc/gate_layout.h \
	src/proc/journal.c src/proc/journal.h \
	src/proc/needs.c src/proc/needs.h \
	src/proc/role.c src/proc/role.h src/proc/role_context.h \
	src/proc/role_links.c src/proc/role_links.h \
	src/proc/role_messages.c \
	src/proc/role_store.c src/proc/role_store.h

PROC_LIBS = src/proc/libproc.a $(CONFIG_LIBS) $(IPC_LIBS) $(SECCOMP_LIBS)
