# SPDX-License-Identifier: BSD-2-Clause
dist_man_MANS += doc/sallyport.conf.5 doc/sallyportctl.8 doc/sallyportd.8
if WITH_FILTER
dist_man_MANS += doc/sallyport-milter.8
endif
EXTRA_DIST += doc/accounts.md doc/architecture.md doc/control.md doc/devices.md doc/durability.md doc/from-exchange.md doc/fuzzing.md \
	doc/limits.md doc/milters.md doc/performance.md doc/postfix.md doc/rights.md doc/spool.md doc/threats.md
