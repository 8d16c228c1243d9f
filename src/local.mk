# SPDX-License-Identifier: BSD-2-Clause
# Lower folders first; a folder may include only what doc/architecture.md and tests/layers.sh allow.
include src/base/local.mk
include src/wire/local.mk
include src/io/local.mk
include src/ipc/local.mk
include src/config/local.mk
include src/policy/local.mk
include src/proc/local.mk
include src/client/local.mk
include src/smtp/local.mk
include src/auth/local.mk
include src/keys/local.mk
include src/dial/local.mk
include src/queue/local.mk
include src/relay/local.mk
include src/super/local.mk
include src/ctl/local.mk
include src/filter/local.mk
