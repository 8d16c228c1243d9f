# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/io/libio.a
src_io_libio_a_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(GNUTLS_CFLAGS)
src_io_libio_a_SOURCES = \
	src/io/loop.c src/io/loop.h src/io/loop_uv.h src/io/sock.c src/io/sock.h \
	src/io/sock_address.c src/io/sock_address.h \
	src/io/stream.c src/io/stream.h src/io/stream_parts.h \
	src/io/stream_input.c src/io/stream_output.c src/io/stream_tls.c \
	src/io/tls.c src/io/tls.h src/io/tls_parts.h \
	src/io/tls_certificate.c src/io/tls_certificate.h \
	src/io/tls_key.c src/io/tls_names.c src/io/tls_peer.c src/io/tls_set.c \
	src/io/tls_session.c src/io/tls_session.h src/io/tls_session_facts.c \
	src/io/worker.c src/io/worker.h

IO_LIBS = src/io/libio.a $(BASE_LIBS) $(UV_LIBS) $(GNUTLS_LIBS)

# For those that connect by name: relay and dial alone link the resolver.
noinst_LIBRARIES += src/io/libresolve.a
src_io_libresolve_a_CFLAGS = $(AM_CFLAGS) $(UNBOUND_CFLAGS)
src_io_libresolve_a_SOURCES = \
	src/io/connector.c src/io/connector.h \
	src/io/resolve.c src/io/resolve.h

RESOLVE_LIBS = src/io/libresolve.a $(IO_LIBS) $(UNBOUND_LIBS)
