#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Takes into the corpora of the tree what fuzz-work holds, as few and as short inputs as reach the
# same edges: tests/fuzz/merge.sh NAME…
set -eu
source=${srcdir:-.}/tests/fuzz

for name; do
	merged=fuzz-work/$name.merged
	rm -rf "$merged"
	mkdir -p "$merged"
	tests/fuzz/fuzz_"$name" -merge=1 -use_counters=0 -max_len=1024 "$merged" \
		"$source/corpus/$name" "fuzz-work/$name" >"$merged.log" 2>&1
	"$PYTHON3" -B "$source/corpus.py" pack "$merged" "$source/corpus/$name"
	printf '%-14s %5d inputs\n' "$name" "$(find "$merged" -type f | wc -l)"
done
