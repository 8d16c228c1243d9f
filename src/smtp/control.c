/* SPDX-License-Identifier: BSD-2-Clause */
/* What the administrator may ask of an smtp process: its status, and to try a filter. */
#include "smtp/control.h"

#include <stdlib.h>

#include "client/auth_link.h"
#include "client/signer.h"
#include "ipc/control.h"
#include "smtp/filter_report.h"
#include "smtp/trial.h"

static void
answer(struct service *service, uint32_t request, json_t *data)
{
	struct buf json = BUF_INIT(IPC_CONTROL_MAX_BYTES);
	char *text = json_dumps(data, JSON_COMPACT);

	if (text && buf_add_text(&json, text))
		role_answer(service->role, request, buf_span(&json), false);
	else
		role_answer_error(service->role, request, control_kind_name(FAULT_SYSTEM),
			"the answer is too long");
	buf_fini(&json);
	free(text);
	json_decref(data);
}

static void
refuse(struct service *service, uint32_t request, const struct fault *fault)
{
	role_answer_error(service->role, request, control_kind_name(fault->kind), fault->text);
}

/* ---- status ---------------------------------------------------------------------------------- */

static size_t
count_logins(const struct front *front)
{
	size_t count = 0;

	for (struct session *session = front->sessions; session; session = session_next(session))
		count += session_standing(session)->name != NULL;
	return count;
}

static void
answer_status(struct service *service, uint32_t request)
{
	struct queue_link *queue = service->queue;

	answer(service, request,
		json_pack("{s:I, s:I, s:b, s:b, s:b, s:b, s:s?, s:o}", "sessions",
			(json_int_t)service->front->session_count, "logins",
			(json_int_t)count_logins(service->front), "auth",
			auth_link_channel(service->front->auth) != NULL, "queue",
			queue_link_channel(queue) != NULL, "keys",
			signer_is_linked(service->signer), "dial",
			dial_link_channel(service->dial) != NULL, "pressure",
			queue_link_pressure(queue), "filters",
			filter_report(service->filters, service->front->setup->settings,
				loop_now_ms(role_loop(service->role)))));
}

/* ---- trials ---------------------------------------------------------------------------------- */

struct service_trial {
	struct service_trial *next;
	struct service *service;
	struct trial *trial;
	uint32_t request;
};

static void
free_trial(struct service_trial *own)
{
	struct service_trial **place = &own->service->trials;

	while (*place != own)
		place = &(*place)->next;
	*place = own->next;
	trial_free(&own->trial);
	mem_free(&own);
}

static void
on_tried(void *context, json_t *result)
{
	struct service_trial *own = context;
	struct service *service = own->service;
	uint32_t request = own->request;

	own->trial = NULL;
	free_trial(own);
	answer(service, request, result);
}

static unsigned
count_trials(const struct service *service)
{
	unsigned count = 0;

	for (const struct service_trial *own = service->trials; own; own = own->next)
		count++;
	return count;
}

static const char *
text_of(const json_t *args, const char *key)
{
	return json_string_value(json_object_get(args, key));
}

static void
start_trial(struct service *service, uint32_t request, const json_t *args)
{
	const struct trial_wish wish = { .filter = text_of(args, "name"),
		.listener = text_of(args, "listener"),
		.ip = text_of(args, "ip"),
		.login = text_of(args, "login"),
		.sender = text_of(args, "mail_from"),
		.recipient = text_of(args, "rcpt"),
		.no_message = json_is_true(json_object_get(args, "no_message")) };
	struct fault fault = FAULT_INIT;
	struct service_trial *own;

	if (!wish.filter)
		fault_set(&fault, FAULT_CONFIG, "which filter?");
	else if (count_trials(service) == CONTROL_TRIALS_MAX)
		fault_set(&fault, FAULT_BUSY, "so many filters are tried already; again later");
	if (fault.kind != FAULT_NONE) {
		refuse(service, request, &fault);
		return;
	}
	own = mem_alloc(sizeof *own);
	own->service = service;
	own->request = request;
	own->next = service->trials;
	service->trials = own;
	own->trial = trial_start(service->front->setup->settings, filters_means(service->filters),
		&wish, on_tried, own, &fault);
	if (!own->trial) {
		free_trial(own);
		refuse(service, request, &fault);
	}
}

void
control_fini(struct service *service)
{
	while (service->trials)
		free_trial(service->trials);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

void
control_run(struct service *service, uint32_t request, struct span json)
{
	struct control_request asked;
	struct fault fault = FAULT_INIT;

	if (!control_request_unpack(json, &asked, &fault)) {
		refuse(service, request, &fault);
		return;
	}
	if (span_is(span_text(asked.verb), "status")) {
		answer_status(service, request);
	} else if (span_is(span_text(asked.verb), "milter test")) {
		start_trial(service, request, asked.args);
	} else {
		fault_set(&fault, FAULT_MISSING, "no such verb");
		refuse(service, request, &fault);
	}
	control_request_fini(&asked);
}
