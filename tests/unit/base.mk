# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_base_text
tests_unit_test_base_text_SOURCES = tests/unit/test_base_text.c
tests_unit_test_base_text_LDADD = $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_base_buffer
tests_unit_test_base_buffer_SOURCES = tests/unit/test_base_buffer.c
tests_unit_test_base_buffer_LDADD = $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_base_memory
tests_unit_test_base_memory_SOURCES = tests/unit/test_base_memory.c
tests_unit_test_base_memory_LDADD = $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_base_keep
tests_unit_test_base_keep_SOURCES = tests/unit/test_base_keep.c
tests_unit_test_base_keep_LDADD = $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_base_log
tests_unit_test_base_log_SOURCES = tests/unit/test_base_log.c
tests_unit_test_base_log_LDADD = $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_base_pack
tests_unit_test_base_pack_SOURCES = tests/unit/test_base_pack.c
tests_unit_test_base_pack_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
