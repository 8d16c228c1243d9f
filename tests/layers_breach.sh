#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Plants one breach after another in a copy of the sources; tests/layers.sh must see each.
set -eu
top=$(cd "${srcdir:-.}" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
failed=0

fresh_copy() {
	rm -rf "$copy/tree"
	mkdir "$copy/tree" "$copy/tree/conf"
	(cd "$top" && find src tests/layers.sh tests/local.mk \
		\( -name '*.c' -o -name '*.h' -o -name '*.mk' -o -name '*.sh' \) \
		-exec cp --parents -t "$copy/tree" {} +
		cp --parents bootstrap .ci/run configure.ac Makefile.am "$copy/tree")
}

verdict() { # -> what layers.sh says of the copy
	"$top/tests/layers.sh" "$copy/tree" 2>&1
}

expect_breach() { # FILE LINE WORDS
	fresh_copy
	mkdir -p "$(dirname "$copy/tree/$1")"
	[ -e "$copy/tree/$1" ] ||
		echo '/* SPDX-License-Identifier: BSD-2-Clause */' >"$copy/tree/$1"
	printf '%s\n' "$2" >>"$copy/tree/$1"
	if said=$(verdict); then
		echo "not seen: $2 in $1"
		failed=1
	elif ! echo "$said" | grep -qF "$3"; then
		echo "seen for another reason: $2 in $1: $said"
		failed=1
	fi
}

fresh_copy
verdict || { echo "the untouched copy is not clean"; exit 1; }

expect_breach src/base/text.c '#include "io/stream.h"' 'base may not include io/stream.h'
expect_breach src/wire/planted.c '#include "io/stream.h"' 'wire may not include io/stream.h'
expect_breach src/queue/planted.c '#include "relay/hop.h"' 'queue may not include relay/hop.h'
expect_breach src/auth/planted.c '#include "client/login.h"' 'auth may not include client/login.h'
expect_breach src/filter/planted.c '#include "policy/chain.h"' 'filter may not include policy/chain.h'
expect_breach src/smtp/planted.c '#include "text.h"' 'is not named by folder path'
expect_breach src/elsewhere/planted.c '' 'no such folder'
expect_breach src/smtp/planted.c '#include <gnutls/gnutls.h>' 'behind its fence'
expect_breach src/io/planted.c '#include <gnutls/gnutls.h>' 'behind its fence'
expect_breach src/relay/planted.c '#include <sasl/sasl.h>' 'behind its fence'
expect_breach src/queue/planted.c '# include <sqlite3.h>' 'behind its fence'
expect_breach src/super/planted.c '#include <confuse.h>' 'behind its fence'
expect_breach src/smtp/planted.c '#include <uv.h>' 'behind its fence'
expect_breach src/smtp/planted.c '#include <nettle/sha2.h>' 'behind its fence'
expect_breach src/smtp/planted.c '#include <seccomp.h>' 'behind its fence'
expect_breach src/smtp/planted.c '#include <linux/landlock.h>' 'behind its fence'
expect_breach src/relay/planted.c '#include <unbound.h>' 'behind its fence'
expect_breach src/smtp/planted.c '#include <libmilter/mfapi.h>' 'behind its fence'

fresh_copy
printf '/* SPDX-License-Identifier: BSD-2-Clause */\n#include "wire/ring_b.h"\n' >"$copy/tree/src/wire/ring_a.h"
printf '/* SPDX-License-Identifier: BSD-2-Clause */\n#include "wire/ring_a.h"\n' >"$copy/tree/src/wire/ring_b.h"
verdict | grep -q 'header ring' || { echo "not seen: a ring of headers"; failed=1; }

fresh_copy
yes '/* SPDX-License-Identifier: BSD-2-Clause */' | head -n 501 >"$copy/tree/src/wire/planted.c"
verdict | grep -q 'has 501 lines' || { echo "not seen: a file of 501 lines"; failed=1; }

fresh_copy
{
	printf '/* SPDX-License-Identifier: BSD-2-Clause */\nvoid\nplanted(void)\n{\n'
	yes '	;' | head -n 60
	echo '}'
} >"$copy/tree/src/wire/planted.c"
verdict | grep -q 'planted has 60 lines' || { echo "not seen: a function of 60 lines"; failed=1; }

fresh_copy
echo 'int planted;' >"$copy/tree/src/wire/planted.c"
verdict | grep -q 'no licence line' || { echo "not seen: a file without a licence line"; failed=1; }

fresh_copy
mkdir -p "$copy/tree/tests/run" "$copy/tree/tests/unit"
for planted in src/wire/planted.c tests/unit/planted.h tests/run/planted.py tests/planted.sh; do
	printf '# SPDX-License-Identifier: BSD-2-Clause\nplanted = "a sentence."\n' >"$copy/tree/$planted"
done
seen=$(verdict | grep -c '/planted[.].*:2: no sentence of duty' || :)
[ "$seen" = 4 ] || { echo "not seen: files without a sentence of duty"; failed=1; }

exit $failed
