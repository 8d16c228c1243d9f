# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/super/libsuper.a
src_super_libsuper_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SYSTEMD_CFLAGS)
src_super_libsuper_a_CPPFLAGS = $(AM_CPPFLAGS) -DPKGLIBEXECDIR='"$(pkglibexecdir)"'
src_super_libsuper_a_SOURCES = \
	src/super/ballot.c src/super/ballot.h \
	src/super/child.c src/super/child.h \
	src/super/children.c src/super/children.h \
	src/super/control.c src/super/control.h \
	src/super/files.c src/super/files.h \
	src/super/links.c src/super/links.h \
	src/super/listeners.c src/super/listeners.h \
	src/super/local_socket.c src/super/local_socket.h \
	src/super/logs.c src/super/logs.h \
	src/super/lookup_socket.c src/super/lookup_socket.h \
	src/super/notice.c src/super/notice.h \
	src/super/privilege.c src/super/privilege.h \
	src/super/provide.c src/super/provide.h \
	src/super/reload.c src/super/reload.h \
	src/super/patience.c src/super/patience.h \
	src/super/roll.c src/super/roll.h \
	src/super/roster.c src/super/roster.h \
	src/super/secrets.c src/super/secrets.h \
	src/super/shared_gate.c src/super/shared_gate.h \
	src/super/spawn.c src/super/spawn.h \
	src/super/status.c src/super/status.h \
	src/super/super.c src/super/super.h \
	src/super/supply.c src/super/supply.h \
	src/super/verbs.c src/super/verbs.h

SUPER_LIBS = src/super/libsuper.a $(PROC_LIBS) $(SYSTEMD_LIBS)

sbin_PROGRAMS += src/sallyportd
src_sallyportd_SOURCES = src/super/sallyportd.c
src_sallyportd_CPPFLAGS = $(AM_CPPFLAGS) -DSYSCONFDIR='"$(sysconfdir)"'
src_sallyportd_LDADD = $(SUPER_LIBS)

# They hold paths of the installation, which another ./configure changes.
src/super/libsuper_a-spawn.$(OBJEXT) src/super/sallyportd-sallyportd.$(OBJEXT): config.status
