# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/ctl/libctl.a
src_ctl_libctl_a_CPPFLAGS = $(AM_CPPFLAGS) -DSALLYPORT_LIBEXECDIR='"$(pkglibexecdir)"'
src_ctl_libctl_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_ctl_libctl_a_SOURCES = \
	src/ctl/arguments.c src/ctl/arguments.h \
	src/ctl/command.c src/ctl/command.h \
	src/ctl/control_client.c src/ctl/control_client.h \
	src/ctl/ctl.c src/ctl/ctl.h \
	src/ctl/filter_table.c src/ctl/filter_table.h \
	src/ctl/offline.c src/ctl/offline.h \
	src/ctl/option.c src/ctl/option.h \
	src/ctl/password.c src/ctl/password.h \
	src/ctl/practice.c src/ctl/practice.h \
	src/ctl/practice_files.c src/ctl/practice_files.h \
	src/ctl/smtp_line.c src/ctl/smtp_line.h \
	src/ctl/smtp_probe.c src/ctl/smtp_probe.h \
	src/ctl/table.c src/ctl/table.h \
	src/ctl/verbs_account.c \
	src/ctl/verbs_app.c \
	src/ctl/verbs_config.c \
	src/ctl/verbs_daemon.c \
	src/ctl/verbs_explain.c \
	src/ctl/verbs_document.c \
	src/ctl/verbs_group.c \
	src/ctl/verbs_limits.c \
	src/ctl/verbs_milter.c \
	src/ctl/verbs_queue.c \
	src/ctl/verbs_report.c \
	src/ctl/verbs_session.c \
	src/ctl/verbs_test.c

CTL_LIBS = src/ctl/libctl.a $(CONFIG_LIBS) $(IPC_LIBS) $(WIRE_LIBS) $(IO_LIBS)

bin_PROGRAMS += src/sallyportctl
src_sallyportctl_CPPFLAGS = $(AM_CPPFLAGS) \
	-DSALLYPORT_CONFIG='"$(sysconfdir)/sallyport/sallyport.conf"'
src_sallyportctl_SOURCES = src/ctl/main.c
src_sallyportctl_LDADD = $(CTL_LIBS)

# They hold paths of the installation, which another ./configure changes.
src/ctl/libctl_a-offline.$(OBJEXT) src/ctl/sallyportctl-main.$(OBJEXT): config.status
