# SPDX-License-Identifier: BSD-2-Clause
TESTS += tests/layers.sh tests/layers_breach.sh
EXTRA_DIST += tests/layers.sh tests/layers_breach.sh tests/unit/unit.h

RUN_TESTS = \
	tests/run/test_catalogue_a.py \
	tests/run/test_catalogue_b.py \
	tests/run/test_catalogue_c.py \
	tests/run/test_catalogue_d.py \
	tests/run/test_catalogue_f.py \
	tests/run/test_catalogue_g.py \
	tests/run/test_catalogue_h.py \
	tests/run/test_install.py \
	tests/run/test_notices.py \
	tests/run/test_operation.py \
	tests/run/test_proxy.py \
	tests/run/test_queue.py \
	tests/run/test_reload.py \
	tests/run/test_restart.py \
	tests/run/test_smarthost.py \
	tests/run/test_submit_clients.py \
	tests/run/test_super.py \
	tests/run/test_tls.py

RUN_RIG = \
	tests/run/rig/__init__.py \
	tests/run/rig/certificate.py \
	tests/run/rig/deadline.py \
	tests/run/rig/dovecot.py \
	tests/run/rig/gnutls.py \
	tests/run/rig/ground.py \
	tests/run/rig/gssapi.py \
	tests/run/rig/hello.py \
	tests/run/rig/judge.py \
	tests/run/rig/kdc.py \
	tests/run/rig/postfix.py \
	tests/run/rig/sallyport.py \
	tests/run/rig/scram.py \
	tests/run/rig/sink.py \
	tests/run/rig/wire.py

EXTRA_DIST += tests/run/conftest.py tests/run/demo.py tests/run/pytest.ini $(RUN_TESTS) $(RUN_RIG)

# The daemon as it is built here, against real peers; what cannot run here is skipped with the reason.
.PHONY: check-run
check-run: all $(check_PROGRAMS)
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B -m pytest -q -rs \
		-p no:cacheprovider -n 3 --dist loadfile \
		$(srcdir)/tests/run

include tests/fake/local.mk
include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/durability/local.mk
