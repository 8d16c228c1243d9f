# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/policy/libpolicy.a
src_policy_libpolicy_a_SOURCES = \
	src/policy/budget.c src/policy/budget.h \
	src/policy/chain.c src/policy/chain.h \
	src/policy/claim.c src/policy/claim.h \
	src/policy/device_stage.c src/policy/device_stage.h \
	src/policy/from_rewrite.c src/policy/from_rewrite.h \
	src/policy/identity.c src/policy/identity.h \
	src/policy/limits.c src/policy/limits.h \
	src/policy/mail.c src/policy/mail.h \
	src/policy/milter.c src/policy/milter.h \
	src/policy/milter_body.c src/policy/milter_body.h \
	src/policy/milter_change.c src/policy/milter_change.h \
	src/policy/milter_clock.c src/policy/milter_clock.h \
	src/policy/milter_commands.c src/policy/milter_commands.h \
	src/policy/milter_condition.c src/policy/milter_condition.h \
	src/policy/milter_envelope.c src/policy/milter_envelope.h \
	src/policy/milter_fields.c src/policy/milter_fields.h \
	src/policy/milter_breaker.c src/policy/milter_breaker.h \
	src/policy/milter_health.c src/policy/milter_health.h \
	src/policy/milter_link.c src/policy/milter_link.h \
	src/policy/milter_macro_value.c src/policy/milter_macro_value.h \
	src/policy/milter_macros.c src/policy/milter_macros.h \
	src/policy/milter_script.c src/policy/milter_script.h \
	src/policy/milter_script_hear.c src/policy/milter_script_parts.h \
	src/policy/milter_script_tell.c src/policy/milter_script_unknown.c \
	src/policy/milter_verdict.c src/policy/milter_verdict.h \
	src/policy/originators.c src/policy/originators.h \
	src/policy/originators_change.c src/policy/originators_change.h \
	src/policy/principals.c src/policy/principals.h \
	src/policy/remedy.c src/policy/remedy.h \
	src/policy/rights.c src/policy/rights.h \
	src/policy/rights_stage.c src/policy/rights_stage.h \
	src/policy/stage.h \
	src/policy/tidy.c src/policy/tidy.h \
	src/policy/verdict.c src/policy/verdict.h

# Rights and verdicts need the settings as structs, not the parser of the file.
POLICY_LIBS = src/policy/libpolicy.a $(CONFIG_LIBS) $(WIRE_LIBS)
