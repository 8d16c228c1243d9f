#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Fuzzes each target in turn and prints what it did: tests/fuzz/run.sh NAME…
# FUZZ_SECONDS is for all of them together. What a run finds new stays in fuzz-work/NAME; an input
# that breaks a rule is kept in fuzz-work/findings, the other targets still run, and the end is 1.
set -eu
source=${srcdir:-.}/tests/fuzz
share=$((${FUZZ_SECONDS:-3600} / $#))
[ "$share" -gt 0 ] || share=1
mkdir -p fuzz-work/findings
worst=0

number() { # LABEL FILE: libFuzzer's last word about it
	sed -n "s/^stat::$1: *//p" "$2"
}

printf '%-14s %12s %9s %7s\n' target executions seconds corpus
for name; do
	work=fuzz-work/$name
	mkdir -p "$work"
	"$PYTHON3" -B "$source/corpus.py" unpack "$source/corpus/$name" "$work"
	begin=$(date +%s)
	code=0
	tests/fuzz/fuzz_"$name" -max_total_time="$share" -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -dict="$source/mail.dict" \
		-artifact_prefix="fuzz-work/findings/$name-" "$work" >"$work.log" 2>&1 || code=1
	printf '%-14s %12s %9s %7s\n' "$name" "$(number number_of_executed_units "$work.log")" \
		$(($(date +%s) - begin)) "$(find "$work" -type f | wc -l)"
	[ $code = 0 ] || { worst=1; tail -30 "$work.log"; }
done
exit $worst
