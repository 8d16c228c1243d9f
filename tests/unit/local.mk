# SPDX-License-Identifier: BSD-2-Clause
# One file per source folder, so that each folder's tests are listed beside their libraries.
# UNIT_LIBS is the test framework; a test links its folder's archive and those below it, no more.
UNIT_LIBS = $(CMOCKA_LIBS)
TESTS += $(UNIT_TESTS)
check_PROGRAMS += $(UNIT_TESTS)
UNIT_TESTS =

if WITH_CMOCKA
include tests/unit/base.mk
include tests/unit/wire.mk
include tests/unit/io.mk
include tests/unit/ipc.mk
include tests/unit/config.mk
include tests/unit/policy.mk
include tests/unit/proc.mk
include tests/unit/client.mk
include tests/unit/smtp.mk
include tests/unit/auth.mk
include tests/unit/keys.mk
include tests/unit/dial.mk
include tests/unit/queue.mk
include tests/unit/relay.mk
include tests/unit/super.mk
include tests/unit/ctl.mk
include tests/unit/filter.mk
endif
