# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_io_loop
tests_unit_test_io_loop_SOURCES = tests/unit/test_io_loop.c tests/unit/io_fixture.h
tests_unit_test_io_loop_LDADD = $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_io_sock_address
tests_unit_test_io_sock_address_SOURCES = tests/unit/test_io_sock_address.c tests/unit/io_fixture.h
tests_unit_test_io_sock_address_LDADD = $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_io_sock
tests_unit_test_io_sock_SOURCES = tests/unit/test_io_sock.c tests/unit/io_fixture.h
tests_unit_test_io_sock_LDADD = $(IO_LIBS) $(UNIT_LIBS)

TLS_FIXTURE = tests/unit/tls_fixture.c tests/unit/tls_fixture.h

UNIT_TESTS += tests/unit/test_io_tls_certificate
tests_unit_test_io_tls_certificate_SOURCES = tests/unit/test_io_tls_certificate.c $(TLS_FIXTURE)
tests_unit_test_io_tls_certificate_LDADD = $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_io_connector
tests_unit_test_io_connector_SOURCES = tests/unit/test_io_connector.c
tests_unit_test_io_connector_LDADD = $(RESOLVE_LIBS) $(UNIT_LIBS)

TLS_MEETING = tests/unit/tls_meeting.c tests/unit/tls_meeting.h $(TLS_FIXTURE)

UNIT_TESTS += tests/unit/test_io_tls
tests_unit_test_io_tls_SOURCES = tests/unit/test_io_tls.c $(TLS_MEETING)
tests_unit_test_io_tls_LDADD = $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_io_tls_set
tests_unit_test_io_tls_set_SOURCES = tests/unit/test_io_tls_set.c $(TLS_MEETING)
tests_unit_test_io_tls_set_LDADD = $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_io_tls_session
tests_unit_test_io_tls_session_SOURCES = tests/unit/test_io_tls_session.c $(TLS_MEETING)
tests_unit_test_io_tls_session_LDADD = $(IO_LIBS) $(UNIT_LIBS)

STREAM_PEER_FIXTURE = tests/unit/stream_peer_fixture.h tests/unit/stream_fixture.h tests/unit/io_fixture.h

UNIT_TESTS += tests/unit/test_io_stream
tests_unit_test_io_stream_SOURCES = tests/unit/test_io_stream.c $(STREAM_PEER_FIXTURE)
tests_unit_test_io_stream_LDADD = $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_io_stream_input
tests_unit_test_io_stream_input_SOURCES = tests/unit/test_io_stream_input.c $(STREAM_PEER_FIXTURE)
tests_unit_test_io_stream_input_LDADD = $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_io_stream_output
tests_unit_test_io_stream_output_SOURCES = tests/unit/test_io_stream_output.c $(STREAM_PEER_FIXTURE)
tests_unit_test_io_stream_output_LDADD = $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_io_worker
tests_unit_test_io_worker_SOURCES = tests/unit/test_io_worker.c tests/unit/io_fixture.h
tests_unit_test_io_worker_LDADD = $(IO_LIBS) $(UNIT_LIBS)

STREAM_TLS_FIXTURE = tests/unit/stream_tls_fixture.h tests/unit/stream_fixture.h $(TLS_FIXTURE)

UNIT_TESTS += tests/unit/test_io_stream_tls
tests_unit_test_io_stream_tls_SOURCES = tests/unit/test_io_stream_tls.c $(STREAM_TLS_FIXTURE)
tests_unit_test_io_stream_tls_LDADD = $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_io_stream_tls_end
tests_unit_test_io_stream_tls_end_SOURCES = tests/unit/test_io_stream_tls_end.c $(STREAM_TLS_FIXTURE)
tests_unit_test_io_stream_tls_end_LDADD = $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_io_stream_tls_worker
tests_unit_test_io_stream_tls_worker_SOURCES = tests/unit/test_io_stream_tls_worker.c $(STREAM_TLS_FIXTURE)
tests_unit_test_io_stream_tls_worker_LDADD = $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_io_stream_tls_openssl
tests_unit_test_io_stream_tls_openssl_SOURCES = tests/unit/test_io_stream_tls_openssl.c $(STREAM_TLS_FIXTURE)
tests_unit_test_io_stream_tls_openssl_LDADD = $(IO_LIBS) $(UNIT_LIBS)
