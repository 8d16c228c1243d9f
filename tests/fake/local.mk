# SPDX-License-Identifier: BSD-2-Clause
# Programs that stand in for others.
NAMED_ROLE = tests/fake/named_role.c tests/fake/named_role.h

check_PROGRAMS += tests/fake/fake_role
tests_fake_fake_role_SOURCES = tests/fake/fake_role.c $(NAMED_ROLE)
tests_fake_fake_role_LDADD = $(PROC_LIBS)

check_PROGRAMS += tests/fake/rogue_role
tests_fake_rogue_role_SOURCES = tests/fake/rogue_role.c tests/fake/rogue_role.h tests/fake/rogue_forger.c \
	$(NAMED_ROLE)
tests_fake_rogue_role_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/fake
tests_fake_rogue_role_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fake_rogue_role_LDADD = $(PROC_LIBS) $(JANSSON_LIBS)

# A filter on libmilter, where there is one.
if WITH_FILTER
OBEDIENT_FILTER = tests/fake/obedient_filter
check_PROGRAMS += $(OBEDIENT_FILTER)
tests_fake_obedient_filter_SOURCES = tests/fake/obedient_filter.c
# libmilter changes no text it is given, and yet takes no constant.
tests_fake_obedient_filter_CFLAGS = $(AM_CFLAGS) -Wno-write-strings
tests_fake_obedient_filter_LDADD = $(MILTER_LIBS) -lpthread
endif
