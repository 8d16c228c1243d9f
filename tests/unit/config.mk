# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_config_routes
tests_unit_test_config_routes_SOURCES = tests/unit/test_config_routes.c
tests_unit_test_config_routes_LDADD = $(CONFIG_LIBS) $(BASE_LIBS) $(UNIT_LIBS)
