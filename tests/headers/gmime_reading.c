/* SPDX-License-Identifier: BSD-2-Clause */
/* A second opinion: what GMime finds in the originator fields, read as mail readers read. */
#include <gmime/gmime.h>
#include <stdlib.h>

#include "hex_line.h"

static const struct {
	const char *name;
	GMimeAddressType type; /* what a message's own list of it is called */
} originators[] = {
	{ "From", GMIME_ADDRESS_TYPE_FROM },
	{ "Sender", GMIME_ADDRESS_TYPE_SENDER },
	{ "Resent-From", (GMimeAddressType)-1 },
	{ "Resent-Sender", (GMimeAddressType)-1 },
};

/* Groups count with their members: somebody shows them. */
static void
put_list(InternetAddressList *list)
{
	for (int i = 0; i < internet_address_list_length(list); i++) {
		InternetAddress *entry = internet_address_list_get_address(list, i);
		const char *text;

		if (INTERNET_ADDRESS_IS_GROUP(entry)) {
			put_list(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(entry)));
			continue;
		}
		text = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(entry));
		if (!text)
			continue;
		hex_put(text, strlen(text));
		putchar(',');
	}
}

static void
put_field(const char *name, const char *raw)
{
	InternetAddressList *list =
		internet_address_list_parse(g_mime_parser_options_get_default(), raw);

	printf(" %s:", name);
	if (list) {
		put_list(list);
		g_object_unref(list);
	}
}

static void
put_message(GMimeMessage *message)
{
	GMimeHeaderList *headers = g_mime_object_get_header_list(GMIME_OBJECT(message));

	for (int i = 0; i < g_mime_header_list_get_count(headers); i++) {
		GMimeHeader *header = g_mime_header_list_get_header_at(headers, i);

		for (size_t k = 0; k < G_N_ELEMENTS(originators); k++)
			if (!g_ascii_strcasecmp(
				    g_mime_header_get_name(header), originators[k].name))
				put_field(originators[k].name, g_mime_header_get_raw_value(header));
	}
	for (size_t k = 0; k < G_N_ELEMENTS(originators); k++) {
		if (originators[k].type == (GMimeAddressType)-1)
			continue;
		printf(" %s:", originators[k].name);
		put_list(g_mime_message_get_addresses(message, originators[k].type));
	}
}

static void
answer(char *line)
{
	size_t length = hex_take(line);
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(line, length);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

	printf("read");
	if (message) {
		put_message(message);
		g_object_unref(message);
	}
	putchar('\n');
	g_object_unref(parser);
	g_object_unref(stream);
}

int
main(void)
{
	char *line = NULL;
	size_t room = 0;

	g_mime_init();
	while (getline(&line, &room, stdin) > 0)
		answer(line);
	free(line);
	g_mime_shutdown();
	return 0;
}
