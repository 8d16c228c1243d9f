# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_config_routes
tests_unit_test_config_routes_SOURCES = tests/unit/test_config_routes.c
tests_unit_test_config_routes_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_units
tests_unit_test_config_units_SOURCES = tests/unit/test_config_units.c
tests_unit_test_config_units_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_network
tests_unit_test_config_network_SOURCES = tests/unit/test_config_network.c
tests_unit_test_config_network_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_endpoint
tests_unit_test_config_endpoint_SOURCES = tests/unit/test_config_endpoint.c
tests_unit_test_config_endpoint_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_suggest
tests_unit_test_config_suggest_SOURCES = tests/unit/test_config_suggest.c
tests_unit_test_config_suggest_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_syntax
tests_unit_test_config_syntax_SOURCES = tests/unit/test_config_syntax.c
tests_unit_test_config_syntax_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_source
tests_unit_test_config_source_SOURCES = tests/unit/test_config_source.c
tests_unit_test_config_source_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_config
tests_unit_test_config_config_SOURCES = tests/unit/test_config_config.c tests/unit/config_text.h
tests_unit_test_config_config_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_faults
tests_unit_test_config_faults_SOURCES = tests/unit/test_config_faults.c tests/unit/config_text.h
tests_unit_test_config_faults_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_schema
tests_unit_test_config_schema_SOURCES = tests/unit/test_config_schema.c tests/unit/config_file.h
tests_unit_test_config_schema_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_slice
tests_unit_test_config_slice_SOURCES = tests/unit/test_config_slice.c tests/unit/config_file.h
tests_unit_test_config_slice_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_show
tests_unit_test_config_show_SOURCES = tests/unit/test_config_show.c tests/unit/config_file.h
tests_unit_test_config_show_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_check_milter
tests_unit_test_config_check_milter_SOURCES = tests/unit/test_config_check_milter.c \
	tests/unit/config_text.h
tests_unit_test_config_check_milter_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_config_check_filter
tests_unit_test_config_check_filter_SOURCES = tests/unit/test_config_check_filter.c \
	tests/unit/config_text.h tests/unit/config_file.h
tests_unit_test_config_check_filter_LDADD = $(CONFIG_LIBS) $(UNIT_LIBS)
