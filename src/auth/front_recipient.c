/* SPDX-License-Identifier: BSD-2-Clause */
/* A front end asks whether a recipient is in the directory. */
#include "auth/front_link_private.h"
#include "ipc/message_recipient.h"
#include "wire/address.h"

enum { FORMS = 2 }; /* as it stands, and without its tag */

struct recipient_check {
	struct recipient_check *next;
	struct front_link *link;
	uint32_t request;
	struct worker_job *job;
	/* the thread's, until the job is over */
	const struct directory *directory;
	enum directory_result result;
	struct fault fault;
	size_t form_count;
	char forms[FORMS][ADDRESS_TEXT_SIZE];
};

static void
answer(struct front_link *link, uint32_t request, enum finding finding, const char *text)
{
	const struct message_recipient_told told = { finding,
		finding == FINDING_UNKNOWN ? "5.1.1" : "", text };
	struct buf content = BUF_INIT(0);

	message_recipient_told_pack(&content, &told);
	channel_answer(link->channel, request, MSG_RECIPIENT_TOLD, &content, -1);
	buf_fini(&content);
}

static void
leave_link(struct recipient_check *check)
{
	struct recipient_check **at = &check->link->checks;

	while (*at != check)
		at = &(*at)->next;
	*at = check->next;
}

void
front_link_cancel_checks(struct front_link *link)
{
	for (struct recipient_check *check; (check = link->checks);) {
		leave_link(check);
		worker_cancel(&check->job); /* and then it is freed, when the thread has left it */
	}
}

/* ---- on the directory's thread --------------------------------------------------------------- */

static void
look(void *context)
{
	struct recipient_check *check = context;

	check->result = DIRECTORY_UNKNOWN;
	for (size_t i = 0; i < check->form_count && check->result == DIRECTORY_UNKNOWN; i++)
		check->result = directory_has_address(
			check->directory, check->forms[i], &check->fault);
}

/* ---- and back -------------------------------------------------------------------------------- */

static void
on_looked(enum worker_result result, void *context)
{
	struct recipient_check *check = context;

	leave_link(check);
	if (result == WORKER_LATE)
		answer(check->link, check->request, FINDING_UNSURE, "the directory is slow");
	else if (check->result == DIRECTORY_DOWN)
		answer(check->link, check->request, FINDING_UNSURE, check->fault.text);
	else if (check->result == DIRECTORY_FOUND)
		answer(check->link, check->request, FINDING_KNOWN, "");
	else
		answer(check->link, check->request, FINDING_UNKNOWN,
			"no account has this address");
}

static void
free_check(void *context)
{
	struct recipient_check *check = context;

	mem_free(&check);
}

static const struct worker_task check_task = {
	.run = look,
	.done = on_looked,
	.release = free_check,
};

/* ---- the question ---------------------------------------------------------------------------- */

static void
start(struct front_link *link, uint32_t request, const struct address *address)
{
	struct auth *auth = link->auth;
	struct recipient_check *check = mem_alloc(sizeof *check);
	char separator = settings_plus_address(auth->settings, address_domain(address));
	struct address base;

	check->link = link;
	check->request = request;
	check->directory = auth->directory;
	address_format(address, check->forms[check->form_count++]);
	if (separator && address_without_tag(address, separator, &base))
		address_format(&base, check->forms[check->form_count++]);
	check->job = directory_run(
		auth->directory, &check_task, check, auth->settings->sasl.answer_wait);
	if (!check->job) {
		mem_free(&check);
		answer(link, request, FINDING_UNSURE, "too many ask the directory just now");
		return;
	}
	check->next = link->checks;
	link->checks = check;
}

bool
front_link_on_recipient_ask(struct front_link *link, const struct channel_message *message)
{
	const struct settings *settings = link->auth->settings;
	struct message_recipient_ask asked;
	struct address address;

	if (message->request == 0 ||
		!message_recipient_ask_unpack(message->bytes, link->arena, &asked))
		return false;
	/* A front end may not search for addresses where the settings do not let strangers do so. */
	if (address_parse(span_text(asked.path), ADDRESS_UTF8, &address) != ADDRESS_OK ||
		settings_recipients(settings, address_domain(&address)) != RECIPIENTS_DIRECTORY)
		answer(link, message->request, FINDING_UNSURE, "this domain is not asked for");
	/* RFC 5321 4.5.1: everywhere there is a postmaster. */
	else if (span_is_nocase(address_local(&address), "postmaster"))
		answer(link, message->request, FINDING_KNOWN, "");
	else
		start(link, message->request, &address);
	return true;
}
