# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_client_gate
tests_unit_test_client_gate_SOURCES = tests/unit/test_client_gate.c
tests_unit_test_client_gate_LDADD = src/client/libclient.a src/proc/libproc.a $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_client_offer
tests_unit_test_client_offer_SOURCES = tests/unit/test_client_offer.c
tests_unit_test_client_offer_LDADD = src/client/libclient.a src/proc/libproc.a $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_client_serial
tests_unit_test_client_serial_SOURCES = tests/unit/test_client_serial.c
tests_unit_test_client_serial_LDADD = src/client/libclient.a src/proc/libproc.a $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_client_setup
tests_unit_test_client_setup_SOURCES = tests/unit/test_client_setup.c $(TLS_FIXTURE) tests/unit/config_file.h
tests_unit_test_client_setup_LDADD = src/client/libclient.a src/proc/libproc.a $(CONFIG_LIBS) $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_client_signer
tests_unit_test_client_signer_SOURCES = tests/unit/test_client_signer.c $(TLS_FIXTURE)
tests_unit_test_client_signer_LDADD = src/client/libclient.a src/proc/libproc.a $(CONFIG_LIBS) $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_client_front
tests_unit_test_client_front_SOURCES = tests/unit/test_client_front.c tests/unit/config_file.h
tests_unit_test_client_front_LDADD = src/client/libclient.a src/proc/libproc.a $(POLICY_LIBS) $(CONFIG_LIBS) $(IPC_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_client_peer
tests_unit_test_client_peer_SOURCES = tests/unit/test_client_peer.c
tests_unit_test_client_peer_LDADD = src/client/libclient.a src/proc/libproc.a $(IPC_LIBS) $(UNIT_LIBS)
