#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Which lines of the parsers their unit tests and fuzz corpora run: tests/coverage.sh TREE
# TREE is built with --enable-coverage. Prints a row per file, with the numbers of the lines that
# nothing ran; ends with 1 if all parsers together are below COVERAGE_LEAST per cent.
set -eu
cd "$1"
least=${COVERAGE_LEAST:-95}

parsers() {
	ls src/wire/*.c src/config/*.c src/ipc/frame.c src/ipc/inbox.c src/ipc/message*.c \
		src/ipc/grant.c src/ipc/control.c
}

# Whatever can run a line of a parser without a daemon around it.
programs() {
	sed -n 's/^\(UNIT_TESTS\|FUZZERS\) += //p' tests/unit/wire.mk tests/unit/config.mk \
		tests/unit/ipc.mk tests/fuzz/local.mk
}

run() { # PROGRAM…
	find . -name '*.gcda' -delete
	for program; do
		srcdir=. "$program" >"$program.out" 2>&1 || {
			cat "$program.out"
			echo "$program failed" >&2
			exit 1
		}
	done
}

# gcov's text of every object of the three folders: "COUNT: LINE:TEXT", and the source's name.
count_lines() {
	gcov -t src/wire/*.gcno src/config/*.gcno src/ipc/*.gcno 2>/dev/null |
		awk -F: -v least="$least" -v wanted="$(parsers | tr '\n' ' ')" '
		BEGIN { for (n = split(wanted, name, " "); n; n--) is_wanted[name[n]] = 1 }
		{ count = $1; line = $2; gsub(/ /, "", count); gsub(/ /, "", line) }
		line == "0" && $3 == "Source" { source = $4; next }
		line == "0" || count == "-" || !is_wanted[source] { next }
		{ all[source]++; whole++ }
		count ~ /^[#=]+$/ { missed[source]++; missing[source] = missing[source] " " line; lost++ }
		END {
			for (source in all)
				printf "%-34s %5d lines %6.1f %% %s\n", source, all[source],
					100 - 100 * missed[source] / all[source], missing[source] | "sort"
			close("sort")
			reached = whole ? 100 - 100 * lost / whole : 0
			printf "%-34s %5d lines %6.1f %%\n", "all of them", whole, reached
			exit reached < least
		}'
}

# shellcheck disable=SC2046
make --silent -j"${COVERAGE_JOBS:-2}" $(programs) >build.log 2>&1 || {
	tail -30 build.log
	exit 1
}
# shellcheck disable=SC2046
run $(programs)
count_lines
