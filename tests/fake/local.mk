# SPDX-License-Identifier: BSD-2-Clause
# Programs that stand in for others.
check_PROGRAMS += tests/fake/fake_role
tests_fake_fake_role_SOURCES = tests/fake/fake_role.c
tests_fake_fake_role_LDADD = $(PROC_LIBS)
