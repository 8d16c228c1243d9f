# SPDX-License-Identifier: BSD-2-Clause

UNIT_TESTS += tests/unit/test_ctl_arguments
tests_unit_test_ctl_arguments_SOURCES = tests/unit/test_ctl_arguments.c
tests_unit_test_ctl_arguments_LDADD = $(CTL_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ctl_table
tests_unit_test_ctl_table_SOURCES = tests/unit/test_ctl_table.c
tests_unit_test_ctl_table_LDADD = $(CTL_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ctl_verbs_milter
tests_unit_test_ctl_verbs_milter_SOURCES = tests/unit/test_ctl_verbs_milter.c tests/unit/ctl_call_fixture.h tests/unit/control_fixture.h
tests_unit_test_ctl_verbs_milter_LDADD = $(CTL_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ctl_control_client
tests_unit_test_ctl_control_client_SOURCES = tests/unit/test_ctl_control_client.c tests/unit/control_fixture.h
tests_unit_test_ctl_control_client_LDADD = $(CTL_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ctl_ctl
tests_unit_test_ctl_ctl_SOURCES = tests/unit/test_ctl_ctl.c tests/unit/ctl_call_fixture.h tests/unit/control_fixture.h tests/unit/config_file.h
tests_unit_test_ctl_ctl_LDADD = $(CTL_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ctl_password
tests_unit_test_ctl_password_SOURCES = tests/unit/test_ctl_password.c
tests_unit_test_ctl_password_LDADD = $(CTL_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ctl_practice
tests_unit_test_ctl_practice_SOURCES = tests/unit/test_ctl_practice.c tests/unit/config_file.h \
	$(TLS_FIXTURE)
tests_unit_test_ctl_practice_LDADD = $(CTL_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ctl_smtp_probe
tests_unit_test_ctl_smtp_probe_SOURCES = tests/unit/test_ctl_smtp_probe.c $(TLS_FIXTURE)
tests_unit_test_ctl_smtp_probe_LDADD = $(CTL_LIBS) $(UNIT_LIBS) -lpthread

UNIT_TESTS += tests/unit/test_ctl_option
tests_unit_test_ctl_option_SOURCES = tests/unit/test_ctl_option.c
tests_unit_test_ctl_option_LDADD = $(CTL_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_ctl_verbs_document
tests_unit_test_ctl_verbs_document_SOURCES = tests/unit/test_ctl_verbs_document.c tests/unit/ctl_call_fixture.h \
	tests/unit/config_file.h tests/unit/control_fixture.h
tests_unit_test_ctl_verbs_document_LDADD = $(CTL_LIBS) $(UNIT_LIBS)
