#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Who may include whom, how long files and functions may be, how files begin; and the check that the
# tree keeps to it:
# tests/layers.sh [TREE]
set -eu
tree=${1:-${srcdir:-.}}
cd "$tree"

# folder: folders (or single headers) that it may include besides itself
folders='
base:
wire:    base
io:      base
ipc:     base io
config:  base wire
policy:  base wire io config
proc:    base io ipc config
client:  base wire io ipc config policy proc
smtp:    base wire io ipc config policy proc client
mailbox: base wire io ipc config policy proc client
auth:    base wire io ipc config policy proc
keys:    base wire io ipc config policy proc
dial:    base wire io ipc config policy proc
queue:   base wire io ipc config policy proc
relay:   base wire io ipc config policy proc
super:   base io ipc config proc
ctl:     base wire io ipc config
filter:  base wire io ipc config policy/identity.h policy/originators.h policy/rights.h policy/verdict.h proc/confine.h
'

# library header (an awk pattern): the files that may include it
fences='
^gnutls/                                 src/io/tls src/keys/ src/auth/
^nettle/                                 src/base/digest src/base/secret src/auth/
^sasl/                                   src/auth/mech.c src/relay/login.c
^sqlite3[.]h$                            src/queue/spool src/auth/directory_local src/filter/map_sqlite.c
^confuse[.]h$                            src/config/
^uv[.]h$                                 src/io/
^libmilter/                              src/filter/
^(seccomp|linux/seccomp|linux/landlock|linux/filter)[.]h$  src/proc/confine
^unbound[.]h$                            src/io/resolve.c
^curl/                                   src/relay/
^(ldap|lber)[.]h$                        src/auth/directory_ldap.c
^systemd/                                src/super/
'

file_lines=500
function_lines=60

# file with more lines: why
longer='
'

breaches=$(mktemp)
trap 'rm -f "$breaches"' EXIT

sources() {
	find src -name '*.c' -o -name '*.h' | LC_ALL=C sort
}

# Every include of every file against the two tables.
check_includes() {
	# shellcheck disable=SC2046
	awk -v folders="$folders" -v fences="$fences" '
	function breach(text) { printf "%s:%d: %s\n", FILENAME, FNR, text }
	function check_own(header,  to) {
		if (header == "config.h") return
		to = header
		if (!sub("/.*", "", to) || !(to in known))
			breach("\"" header "\" is not named by folder path")
		else if (to != from && !((from, to) in may) && !((from, header) in may))
			breach(from " may not include " header)
	}
	function check_library(header,  f, n, files, i) {
		for (f = 1; f <= fence_count; f++) {
			if (header !~ pattern[f]) continue
			n = split(allowed[f], files, " ")
			for (i = 1; i <= n; i++)
				if (index(FILENAME, files[i]) == 1) return
			breach("<" header "> stays behind its fence")
		}
	}
	BEGIN {
		n = split(folders, rows, "\n")
		for (r = 1; r <= n; r++) {
			if (!split(rows[r], words, /[: ]+/)) continue
			known[words[1]]
			for (w = 2; w in words; w++) may[words[1], words[w]]
			split("", words)
		}
		n = split(fences, rows, "\n")
		for (r = 1; r <= n; r++) {
			if (!match(rows[r], / +/)) continue
			pattern[++fence_count] = substr(rows[r], 1, RSTART - 1)
			allowed[fence_count] = substr(rows[r], RSTART)
		}
	}
	FNR == 1 {
		from = FILENAME
		sub("^src/", "", from)
		if (!sub("/.*", "", from) || !(from in known)) breach("no such folder in the table")
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ { split($0, part, "\""); check_own(part[2]) }
	/^[ \t]*#[ \t]*include[ \t]*</ { split($0, part, "[<>]"); check_library(part[2]) }
	' $(sources) >>"$breaches"
}

# Headers must not include each other in a ring; nor may folders, by the table itself.
check_rings() {
	# shellcheck disable=SC2046
	awk '/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, part, "\"")
		print substr(FILENAME, 5), part[2]
	}' $(sources | grep '\.h$') | tsort 2>&1 >/dev/null | sed 's/^tsort: -: /header ring: /' >>"$breaches"
	echo "$folders" | awk -F'[: ]+' '{ for (i = 2; i <= NF; i++) if ($i) print $1, $i }' |
		tsort 2>&1 >/dev/null | sed 's/^tsort: -: /folder ring: /' >>"$breaches"
}

# Lines of a file; lines between the braces of a function of the programs.
check_sizes() {
	# shellcheck disable=SC2046
	wc -l $(sources) $(find tests -name '*.[ch]' -o -name '*.py') | awk -v most="$file_lines" -v longer="$longer" '
	$2 != "total" && $1 > most && !index(longer, "\n" $2 ": ") {
		printf "%s:1: has %d lines, %d are the most\n", $2, $1, most
	}
	' >>"$breaches"
	# shellcheck disable=SC2046
	awk -v most="$function_lines" '
	/^[a-z][a-z0-9_]*\(/ { name = $0; sub(/\(.*/, "", name) }
	/^\{/ { begin = FNR }
	/^\}/ && name {
		if (FNR - begin - 1 >= most)
			printf "%s:%d: %s has %d lines, less than %d are allowed\n",
				FILENAME, begin, name, FNR - begin - 1, most
		name = ""
	}
	' $(sources | grep '\.c$') >>"$breaches"
}

check_licence() {
	{
		sources
		find tests conf -name '*.c' -o -name '*.h' -o -name '*.py' -o -name '*.sh'
		find . -name local.mk -o -path './tests/unit/*.mk'
		ls bootstrap .ci/run configure.ac Makefile.am
	} | xargs awk '
	FNR > 3 { nextfile }
	/SPDX-License-Identifier: BSD-2-Clause/ { good[FILENAME] }
	END {
		for (i = 1; i < ARGC; i++)
			if (!(ARGV[i] in good)) print ARGV[i] ":1: no licence line"
	}
	' >>"$breaches"
}

# Behind the licence a comment that has a sentence: what the file is for.
check_duty() {
	{
		sources
		find tests -name '*.[ch]' -o -name '*.py' -o -name '*.sh'
	} | xargs awk '
	FNR == 1 { head = 0 }
	!head && /SPDX-License-Identifier/ { head = FNR + 1; next }
	FNR == head && !/^(\/\*|# |r?""")/ || FNR > head + 8 { nextfile }
	head && /[[:lower:]].*[.:?!]/ { good[FILENAME]; nextfile }
	END {
		for (i = 1; i < ARGC; i++)
			if (!(ARGV[i] in good)) print ARGV[i] ":2: no sentence of duty"
	}
	' >>"$breaches"
}

check_includes
check_rings
check_sizes
check_licence
check_duty
if [ -s "$breaches" ]; then
	cat "$breaches"
	exit 1
fi
