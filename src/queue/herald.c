/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells the owner of a login and the postmaster, once each, that the login's mail is held. */
#include "queue/herald.h"

#include "base/digest.h"
#include "base/log.h"
#include "config/settings.h"
#include "queue/index.h"
#include "queue/notice_held.h"

#include <string.h>

enum { TOLD_MAX = 10000 };

struct herald {
	struct herald_means means;
	struct index told; /* by login and since when: a hint that spares the spool a question */
	size_t busy;
};

/* One notice on its way into the spool. */
struct telling {
	struct spool_commit spool;
	struct herald *herald;
	uint64_t key;
};

struct herald *
herald_new(const struct herald_means *means)
{
	struct herald *herald = mem_alloc(sizeof(*herald));
	herald->means = *means;
	return herald;
}

void
herald_free(struct herald **herald)
{
	if (*herald)
		index_fini(&(*herald)->told);
	mem_free(herald);
}

size_t
herald_busy(const struct herald *herald)
{
	return herald->busy;
}

static uint64_t
key_of(const char *login, uint64_t since_ms)
{
	unsigned char bytes[DIGEST_BYTES];
	struct digest digest;
	uint64_t key;
	digest_init(&digest);
	digest_add(&digest, span_text(login));
	digest_final(&digest, bytes);
	memcpy(&key, bytes, sizeof(key));
	return index_mix(key ^ index_mix(since_ms));
}

static void
on_committed(struct spool_request *request)
{
	struct telling *telling = (struct telling *)request;
	struct herald *herald = telling->herald;
	struct parcel *parcel = telling->spool.parcel;
	const struct message_recipient *to = &parcel->record.envelope.recipients[0];
	herald->busy--;
	switch (request->result) {
	case SPOOL_DONE:
		if (telling->spool.known)
			break;
		log_event(EV_QUEUE_HELD_TOLD, kv_str("id", parcel->record.id),
			kv_str("about", parcel->record.parent), kv_str("to", to->path));
		herald->means.on_message(herald->means.context, parcel);
		break;
	case SPOOL_CLASH: /* told before a restart, at another time of day */
		break;
	case SPOOL_UNDONE:
	case SPOOL_CROWDED:
	case SPOOL_MISSING:
	case SPOOL_TORN:
	case SPOOL_FULL:
	case SPOOL_BROKEN:
		index_take(&herald->told, telling->key);
		break;
	}
	parcel_drop(&parcel);
	mem_free(&telling);
}

static void
commit(struct herald *herald, const struct notice_held *notice, uint64_t key)
{
	struct telling *telling = mem_alloc(sizeof(*telling));
	telling->herald = herald;
	telling->key = key;
	telling->spool.request =
		(struct spool_request){ .verb = SPOOL_COMMIT, .on_done = on_committed };
	telling->spool.parcel = notice_held_make(notice);
	telling->spool.held_most = UINT64_MAX;
	herald->busy++;
	spool_ask(herald->means.spool, &telling->spool.request);
}

static bool
is_told(struct herald *herald, uint64_t key)
{
	if (index_find(&herald->told, key))
		return true;
	if (herald->told.count >= TOLD_MAX) {
		index_fini(&herald->told);
		herald->told = (struct index){ .count = 0 };
	}
	index_add(&herald->told, key, herald);
	return false;
}

void
herald_tell(struct herald *herald, const struct herald_news *news)
{
	const struct settings *settings = news->settings;
	uint64_t key = key_of(news->parcel->record.login, news->since_ms);
	char *host_postmaster = mem_printf("postmaster@%s", settings->hostname);
	struct notice_held notice = {
		.parcel = news->parcel,
		.reason = news->reason,
		.since_ms = (int64_t)news->since_ms,
		.hostname = settings->hostname,
		.postmaster = settings->postmaster[0] ? settings->postmaster : host_postmaster,
		.now_ms = herald->means.now(herald->means.context),
	};
	if (!is_told(herald, key)) {
		notice.to = notice.postmaster;
		commit(herald, &notice, key);
		notice.to_owner = true;
		notice.to = news->owner;
		/* Who runs the system and sends too much is told by the first. */
		if (news->owner[0] &&
			!span_is_nocase(span_text(news->owner), notice.postmaster))
			commit(herald, &notice, key);
	}
	mem_free(&host_postmaster);
}
