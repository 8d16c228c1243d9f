# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_policy_budget
tests_unit_test_policy_budget_SOURCES = tests/unit/test_policy_budget.c
tests_unit_test_policy_budget_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_chain
tests_unit_test_policy_chain_SOURCES = tests/unit/test_policy_chain.c
tests_unit_test_policy_chain_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_limits
tests_unit_test_policy_limits_SOURCES = tests/unit/test_policy_limits.c
tests_unit_test_policy_limits_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_rights
tests_unit_test_policy_rights_SOURCES = tests/unit/test_policy_rights.c
tests_unit_test_policy_rights_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_tidy
tests_unit_test_policy_tidy_SOURCES = tests/unit/test_policy_tidy.c
tests_unit_test_policy_tidy_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_verdict
tests_unit_test_policy_verdict_SOURCES = tests/unit/test_policy_verdict.c
tests_unit_test_policy_verdict_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_device_stage
tests_unit_test_policy_device_stage_SOURCES = tests/unit/test_policy_device_stage.c
tests_unit_test_policy_device_stage_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_rights_table
tests_unit_test_policy_rights_table_SOURCES = tests/unit/test_policy_rights_table.c tests/unit/config_file.h
tests_unit_test_policy_rights_table_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_policy_rights_table_LDADD = $(POLICY_LIBS) $(UNIT_LIBS) $(JANSSON_LIBS)

UNIT_TESTS += tests/unit/test_policy_claim
tests_unit_test_policy_claim_SOURCES = tests/unit/test_policy_claim.c
tests_unit_test_policy_claim_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_originators
tests_unit_test_policy_originators_SOURCES = tests/unit/test_policy_originators.c
tests_unit_test_policy_originators_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_principals
tests_unit_test_policy_principals_SOURCES = tests/unit/test_policy_principals.c
tests_unit_test_policy_principals_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_remedy
tests_unit_test_policy_remedy_SOURCES = tests/unit/test_policy_remedy.c
tests_unit_test_policy_remedy_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_clock
tests_unit_test_policy_milter_clock_SOURCES = tests/unit/test_policy_milter_clock.c
tests_unit_test_policy_milter_clock_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_condition
tests_unit_test_policy_milter_condition_SOURCES = tests/unit/test_policy_milter_condition.c
tests_unit_test_policy_milter_condition_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_macros
tests_unit_test_policy_milter_macros_SOURCES = tests/unit/test_policy_milter_macros.c
tests_unit_test_policy_milter_macros_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

MILTER_FIXTURE = tests/unit/milter_fixture.h tests/unit/milter_peer_fixture.h \
	tests/fake/fake_milter_change.c tests/fake/fake_milter_change.h

UNIT_TESTS += tests/unit/test_policy_milter
tests_unit_test_policy_milter_SOURCES = tests/unit/test_policy_milter.c $(MILTER_FIXTURE)
tests_unit_test_policy_milter_LDADD = $(POLICY_LIBS) $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_replay
tests_unit_test_policy_milter_replay_SOURCES = tests/unit/test_policy_milter_replay.c $(MILTER_FIXTURE)
tests_unit_test_policy_milter_replay_LDADD = $(POLICY_LIBS) $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_failure
tests_unit_test_policy_milter_failure_SOURCES = tests/unit/test_policy_milter_failure.c $(MILTER_FIXTURE)
tests_unit_test_policy_milter_failure_LDADD = $(POLICY_LIBS) $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_steps
tests_unit_test_policy_milter_steps_SOURCES = tests/unit/test_policy_milter_steps.c $(MILTER_FIXTURE)
tests_unit_test_policy_milter_steps_LDADD = $(POLICY_LIBS) $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_commands
tests_unit_test_policy_milter_commands_SOURCES = tests/unit/test_policy_milter_commands.c
tests_unit_test_policy_milter_commands_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_verdict
tests_unit_test_policy_milter_verdict_SOURCES = tests/unit/test_policy_milter_verdict.c
tests_unit_test_policy_milter_verdict_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_breaker
tests_unit_test_policy_milter_breaker_SOURCES = tests/unit/test_policy_milter_breaker.c
tests_unit_test_policy_milter_breaker_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_health
tests_unit_test_policy_milter_health_SOURCES = tests/unit/test_policy_milter_health.c
tests_unit_test_policy_milter_health_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

MILTER_CHANGE_FIXTURE = tests/unit/milter_change_fixture.h

UNIT_TESTS += tests/unit/test_policy_milter_fields
tests_unit_test_policy_milter_fields_SOURCES = tests/unit/test_policy_milter_fields.c $(MILTER_CHANGE_FIXTURE)
tests_unit_test_policy_milter_fields_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_envelope
tests_unit_test_policy_milter_envelope_SOURCES = tests/unit/test_policy_milter_envelope.c $(MILTER_CHANGE_FIXTURE)
tests_unit_test_policy_milter_envelope_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_asked
tests_unit_test_policy_milter_asked_SOURCES = tests/unit/test_policy_milter_asked.c \
	$(MILTER_FIXTURE)
tests_unit_test_policy_milter_asked_LDADD = $(POLICY_LIBS) $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_body
tests_unit_test_policy_milter_body_SOURCES = tests/unit/test_policy_milter_body.c $(MILTER_CHANGE_FIXTURE)
tests_unit_test_policy_milter_body_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_change
tests_unit_test_policy_milter_change_SOURCES = tests/unit/test_policy_milter_change.c $(MILTER_CHANGE_FIXTURE)
tests_unit_test_policy_milter_change_LDADD = $(POLICY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_answers
tests_unit_test_policy_milter_answers_SOURCES = tests/unit/test_policy_milter_answers.c \
	$(MILTER_FIXTURE)
tests_unit_test_policy_milter_answers_LDADD = $(POLICY_LIBS) $(IO_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_policy_milter_unknown
tests_unit_test_policy_milter_unknown_SOURCES = tests/unit/test_policy_milter_unknown.c \
	$(MILTER_FIXTURE)
tests_unit_test_policy_milter_unknown_LDADD = $(POLICY_LIBS) $(IO_LIBS) $(UNIT_LIBS)
