# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/keys/libkeys.a
src_keys_libkeys_a_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
src_keys_libkeys_a_SOURCES = \
	src/keys/keys.c src/keys/keys.h \
	src/keys/signer.c src/keys/signer.h

KEYS_LIBS = src/keys/libkeys.a $(PROC_LIBS) $(IPC_LIBS) $(CONFIG_LIBS) $(WIRE_LIBS) $(IO_LIBS)

pkglibexec_PROGRAMS += src/sallyport-keys
src_sallyport_keys_SOURCES = src/keys/main.c
src_sallyport_keys_LDADD = $(KEYS_LIBS)
