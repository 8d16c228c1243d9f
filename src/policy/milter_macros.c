/* SPDX-License-Identifier: BSD-2-Clause */
/* The macros that go with the commands to a filter. */
#include "policy/milter_macros.h"

#include "policy/milter_macro_value.h"

enum {
	VALUE_MAX_BYTES = 1024,
	/* More than any command has need of; a filter that asks for more gets the first ones. */
	PACKET_MAX_BYTES = 60 * 1024,
	SENT_MAX = 256,
	RAW_MAX_BYTES = 64 * 1024, /* of a value before it is cut */
};

/*
 * Filters are connected after AUTH, so the login is known at CONNECT already, where some look for
 * it. Index: enum milter_stage.
 */
static const char *const usual[MILTER_STAGE_COUNT] = {
	[MILTER_STAGE_CONNECT] = "j _ {daemon_name} {daemon_addr} {daemon_port} {if_addr} "
				 "{client_addr} {client_name} {client_port} {client_resolve} v "
				 "{auth_type} {auth_authen}",
	[MILTER_STAGE_HELO] = "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer} "
			      "{verify}",
	[MILTER_STAGE_MAIL] = "i {auth_type} {auth_authen} {auth_author} {auth_ssf} {mail_addr} "
			      "{mail_host} {mail_mailer}",
	[MILTER_STAGE_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	[MILTER_STAGE_DATA] = "i",
	[MILTER_STAGE_HEADER_END] = "i",
	[MILTER_STAGE_END] = "i",
};

/* A packet in the making; its values are in the arena, where they do not move. */
struct writing {
	struct arena *arena;
	const struct settings_milter *settings;
	const struct milter_facts *facts;
	struct buf raw;     /* of one value after the other */
	struct milter_macro sent[SENT_MAX];
	size_t count;
	size_t bytes;
};

/* What the names of a stage are read from: the filter's list, or ours. */
struct names {
	const struct milter_macro_list *list;
	size_t at;
	struct span usual;
};

static struct names
names_of(const struct milter_offer *offer, enum milter_stage stage)
{
	const struct milter_macro_list *list = &offer->macros[stage];

	return list->given ? (struct names){ .list = list }
			   : (struct names){ .usual = span_text(usual[stage]) };
}

static bool
next_name(struct names *names, struct span *name_out)
{
	if (names->list && names->at < names->list->count)
		*name_out = names->list->names[names->at++];
	else if (names->usual.length > 0)
		*name_out = span_cut(names->usual, ' ', &names->usual);
	else
		return false;
	return true;
}

static struct span
without_braces(struct span name)
{
	if (name.length > 2 && name.start[0] == '{' && name.start[name.length - 1] == '}')
		return span_of(name.start + 1, name.length - 2);
	return name;
}

/* The administrator's word on it; empty: it is kept back. */
static bool
find_setting(const struct settings_milter *settings, struct span name, struct span *value_out)
{
	for (size_t i = 0; i < settings->macros.count; i++) {
		struct span value;
		struct span own = span_cut(span_text(settings->macros.items[i]), '=', &value);

		if (span_equal(without_braces(own), name)) {
			*value_out = value;
			return true;
		}
	}
	return false;
}

/* Without control bytes, and cut where a character ends. */
static struct span
clean(struct span raw, struct arena *arena)
{
	char *to = arena_alloc(arena, raw.length + 1);
	size_t length = 0;

	for (size_t i = 0; i < raw.length; i++) {
		unsigned char byte = (unsigned char)raw.start[i];

		if (byte >= ' ' && byte != 0x7f)
			to[length++] = raw.start[i];
	}
	if (length > VALUE_MAX_BYTES) {
		length = VALUE_MAX_BYTES;
		while (length > 0 && ((unsigned char)to[length] & 0xc0) == 0x80)
			length--;
	}
	return span_of(to, length);
}

static void
add(struct writing *writing, struct span name)
{
	struct span plain = without_braces(name);
	struct span value;

	if (!find_setting(writing->settings, plain, &value)) {
		buf_clear(&writing->raw);
		milter_macro_value(plain, writing->facts, &writing->raw);
		value = buf_span(&writing->raw);
	}
	value = clean(value, writing->arena);
	if (value.length == 0 || writing->count == SENT_MAX ||
		writing->bytes + name.length + value.length + 2 > PACKET_MAX_BYTES)
		return;
	writing->bytes += name.length + value.length + 2;
	writing->sent[writing->count++] = (struct milter_macro){ name, value };
}

static bool
is_in_a_stage(const struct milter_offer *offer, struct span plain)
{
	for (int stage = 0; stage < MILTER_STAGE_COUNT; stage++) {
		struct names names = names_of(offer, (enum milter_stage)stage);
		struct span name;

		while (next_name(&names, &name))
			if (span_equal(without_braces(name), plain))
				return true;
	}
	return false;
}

/* Macros of the administrator that nobody else would send. */
static void
add_settings(struct writing *writing, const struct milter_offer *offer)
{
	const struct settings_texts *own = &writing->settings->macros;

	for (size_t i = 0; i < own->count; i++) {
		struct span value;
		struct span name = span_cut(span_text(own->items[i]), '=', &value);

		if (value.length > 0 && !is_in_a_stage(offer, without_braces(name)))
			add(writing, name);
	}
}

/* Other commands have no macros: libmilter forgets what it is sent with them. */
static bool
stage_of(enum milter_command command, enum milter_stage *stage_out)
{
	static const struct {
		enum milter_command command;
		enum milter_stage stage;
	} stages[] = {
		{ MILTER_CONNECT, MILTER_STAGE_CONNECT },
		{ MILTER_HELO, MILTER_STAGE_HELO },
		{ MILTER_MAIL, MILTER_STAGE_MAIL },
		{ MILTER_RCPT, MILTER_STAGE_RCPT },
		{ MILTER_DATA, MILTER_STAGE_DATA },
		{ MILTER_HEADER_END, MILTER_STAGE_HEADER_END },
		{ MILTER_END, MILTER_STAGE_END },
	};

	for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
		if (stages[i].command == command) {
			*stage_out = stages[i].stage;
			return true;
		}
	}
	return false;
}

bool
milter_macros_write(struct buf *out, enum milter_command command,
	const struct settings_milter *settings, const struct milter_offer *offer,
	const struct milter_facts *facts)
{
	struct writing writing = { .settings = settings,
		.facts = facts,
		.raw = BUF_INIT(RAW_MAX_BYTES) };
	enum milter_stage stage;
	struct names names;
	struct span name;
	bool written;

	if (!stage_of(command, &stage))
		return true;
	writing.arena = arena_new(0);
	names = names_of(offer, stage);
	while (next_name(&names, &name))
		add(&writing, name);
	if (stage == MILTER_STAGE_CONNECT)
		add_settings(&writing, offer);
	/* Without a packet, those of the message before would stay for this one. */
	if (stage == MILTER_STAGE_MAIL && writing.count == 0 && offer->macros[stage].count > 0)
		add(&writing, SPAN_LITERAL("i"));
	written = milter_write_macros(out, command, writing.sent, writing.count);
	arena_free(&writing.arena);
	buf_fini(&writing.raw);
	return written;
}
