# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/dial/libdial.a
src_dial_libdial_a_SOURCES = \
	src/dial/dial.c src/dial/dial.h \
	src/dial/socket_file.c src/dial/socket_file.h

DIAL_LIBS = src/dial/libdial.a $(PROC_LIBS) $(IPC_LIBS) $(CONFIG_LIBS) $(WIRE_LIBS) $(IO_LIBS) \
	$(RESOLVE_LIBS)

pkglibexec_PROGRAMS += src/sallyport-dial
src_sallyport_dial_SOURCES = src/dial/main.c
src_sallyport_dial_LDADD = $(DIAL_LIBS)
