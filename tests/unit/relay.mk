# SPDX-License-Identifier: BSD-2-Clause
HOP_FIXTURE = tests/unit/hop_fixture.c tests/unit/hop_fixture.h tests/fake/scripted_hop.c tests/fake/scripted_hop.h

UNIT_TESTS += tests/unit/test_relay_hop
tests_unit_test_relay_hop_SOURCES = tests/unit/test_relay_hop.c $(HOP_FIXTURE)
tests_unit_test_relay_hop_LDADD = $(RELAY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_relay_hop_faults
tests_unit_test_relay_hop_faults_SOURCES = tests/unit/test_relay_hop_faults.c $(HOP_FIXTURE)
tests_unit_test_relay_hop_faults_LDADD = $(RELAY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_relay_parts
tests_unit_test_relay_parts_SOURCES = tests/unit/test_relay_parts.c
tests_unit_test_relay_parts_LDADD = $(RELAY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_relay_destination
tests_unit_test_relay_destination_SOURCES = tests/unit/test_relay_destination.c
tests_unit_test_relay_destination_LDADD = $(RELAY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_relay_pace
tests_unit_test_relay_pace_SOURCES = tests/unit/test_relay_pace.c
tests_unit_test_relay_pace_LDADD = $(RELAY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_relay_findings
tests_unit_test_relay_findings_SOURCES = tests/unit/test_relay_findings.c
tests_unit_test_relay_findings_LDADD = $(RELAY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_relay_prober
tests_unit_test_relay_prober_SOURCES = tests/unit/test_relay_prober.c
tests_unit_test_relay_prober_LDADD = $(RELAY_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_relay_hop_journal
tests_unit_test_relay_hop_journal_SOURCES = tests/unit/test_relay_hop_journal.c
tests_unit_test_relay_hop_journal_LDADD = $(RELAY_LIBS) $(UNIT_LIBS)
