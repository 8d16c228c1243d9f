/* SPDX-License-Identifier: BSD-2-Clause */
/* Which certificate answers to which name: one GnuTLS credentials object for each combination. */
#include "io/tls_parts.h"

#include <assert.h>
#include <string.h>

/*
 * Several names in one credentials object do not do: under TLS 1.2 GnuTLS then chooses by the kind of
 * key before it looks at the name. So each name has its own choice of one certificate per kind of key.
 */
struct tls_name {
	const char *text; /* lower case, perhaps "*.…" */
	struct tls_certificate *by_key[TLS_KEY_KINDS];
	struct tls_choice *choice;
};

struct tls_set {
	unsigned holds;
	struct arena *arena;
	struct tls_certificate **certificates;
	size_t certificate_count;
	struct tls_name *names;
	size_t name_count;
	struct tls_name fallback;
	struct tls_choice *choices;
	bool sealed;
};

struct tls_set *
tls_set_new(void)
{
	struct tls_set *set = mem_alloc(sizeof(*set));

	set->holds = 1;
	set->arena = arena_new(1024);
	return set;
}

struct tls_set *
tls_set_hold(struct tls_set *set)
{
	set->holds++;
	return set;
}

void
tls_set_free(struct tls_set **set)
{
	struct tls_set *old = *set;

	*set = NULL;
	if (!old || --old->holds)
		return;
	while (old->choices) {
		struct tls_choice *next = old->choices->next;

		gnutls_certificate_free_credentials(old->choices->credentials);
		mem_free(&old->choices);
		old->choices = next;
	}
	for (size_t i = 0; i < old->certificate_count; i++)
		tls_certificate_free(&old->certificates[i]);
	mem_free(&old->certificates);
	mem_free(&old->names);
	arena_free(&old->arena);
	mem_free(&old);
}

/* --- adding */

static struct tls_name *
find_name(const struct tls_set *set, struct span name)
{
	for (size_t i = 0; i < set->name_count; i++) {
		if (span_equal_nocase(span_text(set->names[i].text), name))
			return &set->names[i];
	}
	return NULL;
}

static void
add_name(struct tls_set *set, struct tls_certificate *certificate, const char *lower)
{
	struct tls_name *name = find_name(set, span_text(lower));

	if (!name) {
		set->names = mem_grow_array(set->names, set->name_count + 1, sizeof(*set->names));
		name = &set->names[set->name_count++];
		*name = (struct tls_name){ .text = lower };
	}
	if (!name->by_key[certificate->facts.key])
		name->by_key[certificate->facts.key] = certificate;
}

static const char *
check_name(const struct tls_set *set, const struct tls_certificate *certificate, const char *text,
		struct fault *fault_out)
{
	const char *lower = tls_name_lower(set->arena, span_text(text));
	const struct tls_name *name;

	if (!lower) {
		fault_set(fault_out, FAULT_CONFIG, "\"%.255s\" is not a host name", text);
		return NULL;
	}
	if (!tls_certificate_has_name(certificate, span_text(lower))) {
		fault_set(fault_out, FAULT_CONFIG, "the certificate (%.100s) is not for \"%s\"",
				certificate->facts.subject, lower);
		return NULL;
	}
	name = find_name(set, span_text(lower));
	if (name && name->by_key[certificate->facts.key]) {
		fault_set(fault_out, FAULT_CONFIG,
				"\"%s\" has another certificate with the same kind of key", lower);
		return NULL;
	}
	return lower;
}

bool
tls_set_add(struct tls_set *set, struct tls_certificate *certificate, const char *const *names,
		size_t count, struct fault *fault_out)
{
	const char **lower = arena_alloc(set->arena, (count + 1) * sizeof(*lower));

	assert(!set->sealed);
	if (!certificate->local_key && !certificate->sign)
		return fault_set(fault_out, FAULT_CONFIG, "the certificate has no key");
	for (size_t i = 0; i < count; i++) {
		lower[i] = check_name(set, certificate, names[i], fault_out);
		if (!lower[i])
			return false;
	}
	for (size_t i = 0; i < count; i++)
		add_name(set, certificate, lower[i]);
	for (size_t i = 0; count == 0 && i < certificate->facts.name_count; i++)
		add_name(set, certificate, certificate->facts.names[i]);
	set->certificates = mem_grow_array(
			set->certificates, set->certificate_count + 1, sizeof(*set->certificates));
	set->certificates[set->certificate_count++] = tls_certificate_hold(certificate);
	return true;
}

/* --- choosing */

/* The first certificate, and those that share a name with it. */
static void
make_fallback(struct tls_set *set)
{
	struct tls_certificate *first = set->certificates[0];

	set->fallback.by_key[first->facts.key] = first;
	for (size_t i = 0; i < set->name_count; i++) {
		if (set->names[i].by_key[first->facts.key] != first)
			continue;
		for (int key = 0; key < TLS_KEY_KINDS; key++) {
			if (!set->fallback.by_key[key])
				set->fallback.by_key[key] = set->names[i].by_key[key];
		}
	}
}

static bool
choice_fill(struct tls_choice *choice, struct fault *fault_out)
{
	static const enum tls_key order[TLS_KEY_KINDS] = { TLS_KEY_ECDSA, TLS_KEY_EDDSA,
		TLS_KEY_RSA };

	gnutls_certificate_allocate_credentials(&choice->credentials);
	/* For clients that cannot name a group: DHE is offered where TLS 1.0 or 1.1 is. */
	gnutls_certificate_set_known_dh_params(choice->credentials, GNUTLS_SEC_PARAM_MEDIUM);
	for (int i = 0; i < TLS_KEY_KINDS; i++) {
		struct tls_certificate *certificate = choice->by_key[order[i]];

		if (certificate && !tls_key_attach(certificate, choice->credentials, fault_out))
			return false;
	}
	return true;
}

static bool
make_choice(struct tls_set *set, struct tls_name *name, struct fault *fault_out)
{
	struct tls_choice *choice = set->choices;

	while (choice && memcmp(choice->by_key, name->by_key, sizeof name->by_key) != 0)
		choice = choice->next;
	if (!choice) {
		choice = mem_alloc(sizeof(*choice));
		memcpy(choice->by_key, name->by_key, sizeof name->by_key);
		choice->next = set->choices;
		set->choices = choice;
		if (!choice_fill(choice, fault_out))
			return false;
	}
	name->choice = choice;
	return true;
}

bool
tls_set_seal(struct tls_set *set, struct fault *fault_out)
{
	if (set->sealed)
		return true;
	if (!set->certificate_count)
		return fault_set(fault_out, FAULT_CONFIG, "there is no certificate");
	set->sealed = true;
	make_fallback(set);
	for (size_t i = 0; i < set->name_count; i++) {
		if (!make_choice(set, &set->names[i], fault_out))
			return false;
	}
	return make_choice(set, &set->fallback, fault_out);
}

static const struct tls_name *
find_best(const struct tls_set *set, struct span name)
{
	const struct tls_name *best = find_name(set, name);
	struct span parent = span_from(name, span_find(name, '.'));

	for (size_t i = 0; !best && parent.length > 1 && i < set->name_count; i++) {
		struct span own = span_text(set->names[i].text);

		if (span_starts(own, "*.") && span_equal_nocase(span_from(own, 1), parent))
			best = &set->names[i];
	}
	return best;
}

struct tls_choice *
tls_set_choose(const struct tls_set *set, struct span name)
{
	const struct tls_name *best = find_best(set, name);

	return best ? best->choice : set->fallback.choice;
}

const struct tls_certificate *
tls_set_find(const struct tls_set *set, struct span name, enum tls_key key)
{
	const struct tls_name *best = find_best(set, name);

	if (!best)
		return set->certificate_count ? set->certificates[0] : NULL;
	for (int i = 0; i < TLS_KEY_KINDS; i++) {
		if (best->by_key[((int)key + i) % TLS_KEY_KINDS])
			return best->by_key[((int)key + i) % TLS_KEY_KINDS];
	}
	return NULL;
}

const struct tls_certificate *
tls_set_certificate(const struct tls_set *set, size_t index)
{
	return index < set->certificate_count ? set->certificates[index] : NULL;
}
