# SPDX-License-Identifier: BSD-2-Clause
# "make durability": every single fault of one message, a thousand rounds of kill -9 under load, a hundred
# each of orderly ends, reloads and upgrades, and storms of other kinds. DURABILITY_FLAGS="--rounds 100 --seed 7".
EXTRA_DIST += tests/durability/interpose.c tests/durability/interposed.py tests/durability/judge.py \
	tests/durability/load.py tests/durability/server.py tests/durability/single_faults.py \
	tests/durability/sink.py tests/durability/storm.py

.PHONY: durability durability-faults durability-storm
durability: durability-faults durability-storm
durability-faults: all
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/single_faults.py \
		--result durability-faults.json
durability-storm: all
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/storm.py \
		--rounds 1000 --result durability-storm.json $(DURABILITY_FLAGS)
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/storm.py \
		--rounds 300 --acts term,hup,upgrade --drop-before-reply 0 --result durability-orderly.json
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/storm.py \
		--rounds 50 --acts stop --result durability-stopped.json
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/storm.py \
		--rounds 50 --acts oom --result durability-starved.json

# As root: 500 power cuts on ext4, 100 on XFS, 100 where names are lost; 1,000 states of a disk that dies.
EXTRA_DIST += tests/durability/compare.py tests/durability/mutants.py tests/durability/peers.py \
	tests/durability/power.py tests/durability/replay.py tests/durability/volume.py doc/power.md
if WITH_FUSE
check_PROGRAMS += tests/durability/crashdisk tests/durability/crashnames
endif
tests_durability_crashdisk_SOURCES = tests/durability/crashdisk.c
tests_durability_crashdisk_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
tests_durability_crashdisk_LDADD = $(FUSE_LIBS)
tests_durability_crashnames_SOURCES = tests/durability/crashnames.c
tests_durability_crashnames_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
tests_durability_crashnames_LDADD = $(FUSE_LIBS)

.PHONY: durability-power durability-blocks durability-mutants durability-peers
durability: durability-mutants durability-power durability-blocks
durability-power: all $(check_PROGRAMS)
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/power.py \
		--kind ext4 --cuts 500 --keep durability-ext4 --result durability-ext4.json
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/power.py \
		--kind xfs --cuts 100 --keep durability-xfs --result durability-xfs.json
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/power.py \
		--kind names --cuts 100 --keep durability-names --result durability-names.json
durability-blocks: all $(check_PROGRAMS)
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/replay.py \
		--states 1000 --result durability-blocks.json

# Builds with planted bugs: each must be caught.
durability-mutants: all $(check_PROGRAMS)
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/mutants.py

# As root: kill -9 and power cuts of Sallyport, Postfix, Exim and OpenSMTPD, side by side.
durability-peers: all
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/compare.py \
		--kills 100 --cuts 40 --result durability-peers.json

# 200 reloads under load, with everything changing.
EXTRA_DIST += tests/durability/reload.py
.PHONY: durability-reload
durability: durability-reload
durability-reload: all
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/reload.py \
		--rounds 200 --result durability-reload.json

# Thousands of clients that are idle, slow, or gone again, and somebody who logs in meanwhile.
EXTRA_DIST += tests/durability/flood.py
.PHONY: durability-floods
durability: durability-floods
durability-floods: all
	SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B $(srcdir)/tests/durability/flood.py \
		--result durability-floods.json

# 200,000 bodies in files: ready within five seconds after a kill -9.
.PHONY: durability-files
durability: durability-files
durability-files: all
	SALLYPORT_FILES=200000 SALLYPORT_BUILD=$(abs_top_builddir) /usr/bin/python3 -B -m pytest -q -s \
		-p no:cacheprovider -c $(srcdir)/tests/run/pytest.ini $(srcdir)/tests/run/test_catalogue_o.py -k O16
