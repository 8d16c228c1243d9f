/* SPDX-License-Identifier: BSD-2-Clause */
/* The signed grant. */
#include "ipc/grant.h"

#include "base/digest.h"
#include "base/pack.h"
#include "base/secret.h"
#include "ipc/messages.h"

/* Named in what is signed, so that the key can never vouch for bytes of another kind. */
static const char label[] = "sallyport grant 2";

static void
make_mac(struct span key, struct span bytes, unsigned char mac_out[DIGEST_BYTES])
{
	struct digest_mac mac;

	digest_mac_init(&mac, key);
	digest_mac_add(&mac, span_of(label, sizeof label));
	digest_mac_add(&mac, bytes);
	digest_mac_final(&mac, mac_out);
	mem_wipe(&mac, sizeof mac);
}

void
grant_sign(struct buf *to, struct span key, const struct grant *grant)
{
	size_t before = buf_length(to);
	unsigned char mac[DIGEST_BYTES];

	pack_span(to, grant->session);
	pack_span(to, grant->login);
	pack_span(to, grant->listener);
	pack_span(to, grant->identity);
	pack_span(to, grant->certificates);
	pack_u64(to, (uint64_t)grant->expires_ms);
	pack_u64(to, grant->epoch);
	if (to->overflow)
		return;
	make_mac(key, span_from(buf_span(to), before), mac);
	buf_add(to, mac, sizeof mac);
}

bool
grant_check(struct span bytes, struct span key, int64_t now_ms, struct grant *grant_out,
	struct fault *fault_out)
{
	unsigned char mac[DIGEST_BYTES];
	struct unpack from;
	struct grant grant;
	struct span body;

	if (bytes.length < sizeof mac)
		return fault_set(fault_out, FAULT_DENIED, "grant is too short");
	body = span_first(bytes, bytes.length - sizeof mac);
	make_mac(key, body, mac);
	if (!secret_equal(span_from(bytes, body.length), span_of(mac, sizeof mac)))
		return fault_set(fault_out, FAULT_DENIED, "grant is not signed by us");
	from = unpack_start(body);
	grant.session = unpack_span(&from, MESSAGE_ID_MAX_BYTES);
	grant.login = unpack_span(&from, MESSAGE_NAME_MAX_BYTES);
	grant.listener = unpack_span(&from, MESSAGE_NAME_MAX_BYTES);
	grant.identity = unpack_span(&from, IPC_IDENTITY_MAX_BYTES);
	grant.certificates = unpack_span(&from, IPC_SHORT_MAX_BYTES);
	grant.expires_ms = (int64_t)unpack_u64(&from);
	grant.epoch = unpack_u64(&from);
	if (!unpack_done(&from))
		return fault_set(fault_out, FAULT_DENIED, "grant is malformed");
	if (now_ms >= grant.expires_ms)
		return fault_set(fault_out, FAULT_DENIED, "grant has expired");
	*grant_out = grant;
	return true;
}
