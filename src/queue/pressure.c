/* SPDX-License-Identifier: BSD-2-Clause */
/* Is there room for more mail? With two thresholds, so that it does not flutter; pure. */
#include "queue/pressure.h"

/* While it is short, each limit is a bit stricter. */
static const char *
reason(bool is_short, const struct settings_queue *settings, const struct folder_space *space,
	uint64_t messages)
{
	uint64_t bytes = settings->free_space;
	uint64_t files = settings->free_files;
	uint64_t most = settings->messages;
	if (is_short) {
		bytes = settings->free_space_resume > bytes ? settings->free_space_resume : bytes;
		files += files / 10;
		most -= most / 10;
	}
	if (space->bytes < bytes)
		return "Insufficient system storage";
	if (space->files < files)
		return "Insufficient system storage (files)";
	if (settings->messages && messages >= most)
		return "Too many messages are waiting";
	return "";
}

bool
pressure_update(struct pressure *pressure, const struct settings_queue *settings,
	const struct folder_space *space, uint64_t messages)
{
	bool was_short = pressure->is_short;
	pressure->text = reason(was_short, settings, space, messages);
	pressure->is_short = pressure->text[0] != '\0';
	return pressure->is_short != was_short;
}
