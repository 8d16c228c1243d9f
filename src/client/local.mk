# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/client/libclient.a
src_client_libclient_a_SOURCES = \
	src/client/admission.c \
	src/client/auth_link.c src/client/auth_link.h \
	src/client/front.c src/client/front.h \
	src/client/gate.c src/client/gate.h \
	src/client/login.c src/client/login.h \
	src/client/login_end.c src/client/login_end.h \
	src/client/offer.c src/client/offer.h \
	src/client/peer.c src/client/peer.h \
	src/client/reader.c \
	src/client/serial.c src/client/serial.h \
	src/client/session.c src/client/session.h \
	src/client/session_end.c src/client/session_private.h \
	src/client/setup.c src/client/setup.h \
	src/client/signer.c src/client/signer.h \
	src/client/standing.c src/client/standing.h

CLIENT_LIBS = src/client/libclient.a $(POLICY_LIBS) $(PROC_LIBS)
