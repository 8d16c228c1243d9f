/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration files: any text is refused with a place, or gives settings whose slices hold. */
#include "slices.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "config/show.h"

static void
count_item(const struct show_item *item, void *context)
{
	FUZZ_CHECK(item->value != NULL);
	++*(size_t *)context;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings;
	size_t items = 0;
	char path[64];
	int fd = memfd_create("fuzz-config", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	settings = config_load(path, &fault);
	if (settings) {
		for (int role = 0; role <= ROLE_CTL; role++)
			slices_check(settings, (enum role)role);
		FUZZ_CHECK(show_settings(path, count_item, &items, &fault) && items > 100);
	} else {
		FUZZ_CHECK(fault.kind == FAULT_CONFIG || fault.kind == FAULT_SYSTEM);
		FUZZ_CHECK(span_starts(span_text(fault.text), "/"));
	}
	settings_free(&settings);
	close(fd);
	return 0;
}
