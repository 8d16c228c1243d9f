/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose an address is, by the tables of smtpd_sender_login_maps in Postfix. */
#ifndef FILTER_MAPS_H
#define FILTER_MAPS_H

#include "base/fault.h"
#include "config/settings_list.h"
#include "filter/map.h"

struct maps;

/*
 * Names as in main.cf: "texthash:/path" or a path alone (filter/map_text.h), "sqlite:/path"
 * (filter/map_sqlite.h), either with "proxy:" in front. Others are refused; indexed files (hash:,
 * btree:, lmdb:, cdb:) with the word that the text they were made of will do. Each of local_domains
 * is one whose addresses may stand as "user"; each byte of delimiters parts an extension from the
 * user. NULL with a fault that names the table. What is given is copied.
 */
struct maps *maps_new(const struct settings_texts *names, const struct settings_texts *local_domains,
	const char *delimiters, struct fault *fault_out);
void maps_free(struct maps **maps);

/* Each file that tables of these names are read from, as far as that can be told; names as above. */
void maps_each_file(const struct settings_texts *names,
	void (*on_file)(const char *path, bool is_database, void *context), void *context);

/*
 * The logins that own the address (as address_format() writes it), as the first table has them that
 * has anything. From any thread. The order is that of Postfix: user+ext@domain, user@domain, then
 * user+ext and user if the domain is a local one, then @domain; each in all tables before the next.
 */
enum map_result maps_find(struct maps *maps, const char *address, uint64_t deadline_ms,
	struct buf *logins, struct fault *fault_out);
/* Is the login among them, in any case of its letters? They are parted by commas and blanks. */
bool maps_has_login(struct span logins, const char *login);

#endif
