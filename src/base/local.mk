# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_CFLAGS = $(AM_CFLAGS) $(NETTLE_CFLAGS)
src_base_libbase_a_SOURCES = \
	src/base/buffer.c src/base/buffer.h \
	src/base/clock.c src/base/clock.h \
	src/base/digest.c src/base/digest.h \
	src/base/fault.c src/base/fault.h \
	src/base/file.c src/base/file.h \
	src/base/keep.c src/base/keep.h \
	src/base/log.c src/base/log.h src/base/log_events.h \
	src/base/memory.c src/base/memory.h \
	src/base/pack.c src/base/pack.h \
	src/base/role.c src/base/role.h \
	src/base/secret.c src/base/secret.h \
	src/base/text.c src/base/text.h

BASE_LIBS = src/base/libbase.a $(NETTLE_LIBS)
