/* SPDX-License-Identifier: BSD-2-Clause */
/* Do the settings of sallyport-milter fit together? */
#include "config/check.h"

#include "config/complete.h"

bool
check_filter(const struct load *load, struct fault *fault)
{
	const struct settings *settings = load->settings;
	const struct settings_filter *filter = &settings->filter;
	bool maps = filter->source == FILTER_SOURCE_MAPS;

	if (maps && filter->sender_maps.count == 0)
		return load_fault(load, filter, "source", 0, fault, "maps needs sender-maps as well");
	if (!maps && filter->sender_maps.count > 0)
		return load_fault(load, filter, "sender-maps", 0, fault,
			"has no use unless source is maps");
	if (maps && filter->lookup_socket[0])
		return load_fault(load, filter, "lookup-socket", 0, fault,
			"has no use where source is maps");
	if (!check_socket_path(load, filter, "lookup-socket", filter->lookup_socket, fault))
		return false;
	return !filter->listener[0] ||
		check_title(load, filter, "listener", 0, &schema_listener, filter->listener, fault);
}

static bool
check_source(const struct load *load, struct fault *fault)
{
	const struct settings_lookup *lookup = &load->settings->lookup;
	const struct settings_filter *filter = &load->settings->filter;

	if (filter->source != FILTER_SOURCE_DIRECTORY || filter->lookup_socket[0])
		return true;
	if (lookup->socket[0])
		return check_socket_path(load, lookup, "socket", lookup->socket, fault);
	return load_fault(load, filter, "lookup-socket", 0, fault,
		"must be set where source is directory and the lookup section has none");
}

bool
check_for_filter(const struct load *load, struct fault *fault)
{
	const struct settings *settings = load->settings;

	complete_defaults(load);
	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];

		if (!check_permits(load, &listener->permit, false, fault) ||
			!check_permits(load, &listener->deny, true, fault))
			return false;
	}
	return check_permits(load, &settings->permit, false, fault) &&
		check_permits(load, &settings->deny, true, fault) &&
		check_filter(load, fault) && check_source(load, fault);
}
