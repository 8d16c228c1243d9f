# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_keys_signer
tests_unit_test_keys_signer_SOURCES = tests/unit/test_keys_signer.c $(TLS_FIXTURE)
tests_unit_test_keys_signer_LDADD = $(KEYS_LIBS) $(UNIT_LIBS)
