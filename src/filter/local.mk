# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/filter/libfilter.a
src_filter_libfilter_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
src_filter_libfilter_a_SOURCES = \
	src/filter/cage.c src/filter/cage.h \
	src/filter/candidates.c src/filter/candidates.h \
	src/filter/console.c src/filter/console.h \
	src/filter/edits.c src/filter/edits.h \
	src/filter/guardian.c src/filter/guardian.h \
	src/filter/identities.c src/filter/identities.h \
	src/filter/login.c src/filter/login.h \
	src/filter/lookup_pool.c src/filter/lookup_pool.h \
	src/filter/map.h \
	src/filter/map_query.c src/filter/map_query.h \
	src/filter/map_sqlite.c src/filter/map_sqlite.h \
	src/filter/map_text.c src/filter/map_text.h \
	src/filter/maps.c src/filter/maps.h \
	src/filter/privileges.c src/filter/privileges.h \
	src/filter/snapshot.c src/filter/snapshot.h \
	src/filter/text_lines.c src/filter/text_lines.h \
	src/filter/transaction.c src/filter/transaction.h

FILTER_LIBS = src/filter/libfilter.a $(POLICY_LIBS) $(IPC_LIBS) $(SQLITE_LIBS)

if WITH_FILTER
sbin_PROGRAMS += src/sallyport-milter
endif
src_sallyport_milter_CPPFLAGS = $(AM_CPPFLAGS) -DSYSCONFDIR='"$(sysconfdir)"'
src_sallyport_milter_SOURCES = \
	src/filter/filter.c src/filter/filter.h \
	src/filter/main.c \
	src/filter/milter.c src/filter/milter.h
src_sallyport_milter_LDADD = $(FILTER_LIBS) $(PROC_LIBS) $(MILTER_LIBS)

# It holds a path of the installation, which another ./configure changes.
src/filter/sallyport_milter-main.$(OBJEXT): config.status
