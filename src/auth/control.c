/* SPDX-License-Identifier: BSD-2-Clause */
/* The administrator's verbs while the role runs. */
#include "auth/control.h"

#include <stdlib.h>
#include <string.h>

#include "auth/explain.h"
#include "auth/verbs.h"
#include "auth/verbs_session.h"
#include "base/clock.h"
#include "base/log.h"
#include "ipc/control.h"

enum { CHANGE_WAIT_MS = 30 * 1000 };

static void
answer_fault(const struct control_answers *answers, uint32_t request, const struct fault *fault)
{
	answers->error(answers->context, request, control_kind_name(fault->kind), fault->text);
}

/* Takes data; NULL is null. */
static void
answer_page(const struct control_answers *answers, uint32_t request, json_t *data, bool more)
{
	char *text = data ? json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	answers->page(answers->context, request, span_text(text), more);
	free(text);
	json_decref(data);
}

/* ---- on the directory's thread --------------------------------------------------------------- */

/* A verb about accounts; call is the thread's while the job runs. */
struct account_job {
	struct auth *auth;
	const struct control_answers *answers;
	uint32_t request;
	struct settings *settings;
	struct control_request message;
	struct verb_call call;
	struct fault fault;
	struct scram_mix mix;
	bool has_mix;
	bool done;      /* the verb was run, and well */
	bool in_time;   /* else it was answered already, or nobody wants an answer */
};

static void start_job(struct account_job *job);

static void
run_job(void *context)
{
	struct account_job *job = context;

	struct fault fault = FAULT_INIT;

	job->done = verbs_run(job->message.verb, &job->call, &job->fault);
	if (job->done && (job->call.login[0] || job->call.group[0] || job->call.members))
		job->has_mix = directory_local_mix(job->auth->local, &job->mix, &fault);
}

static void
free_job(struct account_job *job)
{
	verb_call_fini(&job->call);
	control_request_fini(&job->message);
	settings_free(&job->settings);
	mem_free(&job);
}

static bool
has_changed(const struct verb_call *call)
{
	return call->login[0] || call->group[0] || call->members;
}

static void
spread_change(struct auth *auth, const char *login, uint64_t epoch)
{
	if (epoch)
		auth_revoke(auth, login, epoch);
	else
		auth_renew(auth, login);
}

/* What the change means for those who are logged in. */
static void
spread(const struct account_job *job)
{
	const struct verb_call *call = &job->call;

	if (!job->done || !has_changed(call))
		return;
	if (job->has_mix)
		job->auth->exchanges.mix = job->mix;
	if (call->group[0])
		log_event(EV_GROUP_CHANGED, kv_str("verb", job->message.verb),
			kv_str("group", call->group));
	else
		log_event(EV_ACCOUNT_CHANGED, kv_str("verb", job->message.verb),
			kv_str("login", call->login));
	if (call->credential)
		auth_revoke_credential(job->auth, call->login, call->credential);
	else if (call->login[0])
		spread_change(job->auth, call->login, call->epoch);
	for (const struct verb_change *member = call->members; member; member = member->next)
		spread_change(job->auth, member->login, member->epoch);
}

static void
on_job(enum worker_result result, void *context)
{
	struct account_job *job = context;

	job->in_time = result == WORKER_DONE;
	if (!job->in_time)
		job->answers->error(job->answers->context, job->request, "busy",
			"the accounts are busy; the change may still be made");
}

/* True if a further page was asked for: the job goes on. */
static bool
answer_job(struct account_job *job)
{
	bool more = job->call.page_after[0];

	if (!job->done) {
		answer_fault(job->answers, job->request, &job->fault);
		return false;
	}
	answer_page(job->answers, job->request, json_incref(job->call.data), more);
	verb_call_fini(&job->call);
	if (more)
		start_job(job);
	return more;
}

/* The thread has come back. A change that was late is made all the same, and must be spread. */
static void
release_job(void *context)
{
	struct account_job *job = context;

	spread(job);
	if (!job->in_time || !answer_job(job))
		free_job(job);
}

static const struct worker_task account_task = {
	.run = run_job,
	.done = on_job,
	.release = release_job,
};

static void
start_job(struct account_job *job)
{
	job->in_time = false;
	if (directory_run(job->auth->directory, &account_task, job, CHANGE_WAIT_MS))
		return;
	job->answers->error(job->answers->context, job->request, "busy", "the accounts are busy");
	free_job(job);
}

static void
run_account_verb(struct auth *auth, const struct control_answers *answers, uint32_t request,
	struct control_request *message)
{
	struct account_job *job = mem_alloc(sizeof *job);

	/* Reports are of what is written. */
	seen_write(auth->seen);
	job->auth = auth;
	job->answers = answers;
	job->request = request;
	job->settings = settings_hold(auth->settings);
	job->message = *message;
	job->call = (struct verb_call){
		.settings = job->settings,
		.local = auth->local,
		.args = job->message.args,
	};
	*message = (struct control_request){ .root = NULL };
	start_job(job);
}

/* ---- on the loop ----------------------------------------------------------------------------- */

static void
run_session_verb(struct auth *auth, const struct control_answers *answers, uint32_t request,
	const struct control_request *message)
{
	struct fault fault = FAULT_INIT;
	size_t done = 0;
	bool more = true;

	while (more) {
		json_t *data = verbs_session_run(auth, message->verb, message->args, done, &more,
			&fault);

		if (!data) {
			answer_fault(answers, request, &fault);
			return;
		}
		answer_page(answers, request, data, more);
		done += VERBS_SESSION_PAGE;
	}
}

/* explain asks the directory first. */
struct explain_job {
	struct auth *auth;
	const struct control_answers *answers;
	uint32_t request;
	struct control_request message;
};

static void
answer_explain(const struct auth *auth, const struct control_answers *answers, uint32_t request,
	json_t *args, const struct account *account)
{
	struct fault fault = FAULT_INIT;
	json_t *data = explain(auth->settings, args, account, clock_wall_ms(), &fault);

	if (data)
		answer_page(answers, request, data, false);
	else
		answer_fault(answers, request, &fault);
}

static void
on_found(void *context, enum directory_result result, struct account *account)
{
	struct explain_job *job = context;
	const struct control_answers *answers = job->answers;

	if (result == DIRECTORY_FOUND)
		answer_explain(job->auth, answers, job->request, job->message.args, account);
	else if (result == DIRECTORY_UNKNOWN)
		answers->error(answers->context, job->request, "missing",
			"there is no such account");
	else
		answers->error(answers->context, job->request, "failed",
			"the directory cannot be asked");
	control_request_fini(&job->message);
	mem_free(&job);
}

static void
run_explain(struct auth *auth, const struct control_answers *answers, uint32_t request,
	struct control_request *message)
{
	const struct verb_call call = { .settings = auth->settings, .args = message->args };
	struct fault fault = FAULT_INIT;
	const struct settings *settings = auth->settings;
	const char *realm = settings_realm(settings);
	const char *identity = explain_identity(settings, message->args);
	bool has_login = json_object_get(message->args, "login");
	struct explain_job *job;
	char login[LOGIN_NAME_SIZE];

	if (!has_login && !identity[0]) {
		answer_explain(auth, answers, request, message->args, NULL);
		return;
	}
	if (has_login ? !verbs_login(&call, login, &fault)
		      : !login_name_parse(span_text(identity), realm, login)) {
		answer_fault(answers, request, &fault);
		return;
	}
	job = mem_alloc(sizeof *job);
	job->auth = auth;
	job->answers = answers;
	job->request = request;
	job->message = *message;
	*message = (struct control_request){ .root = NULL };
	directory_find(auth->directory, login, true, on_found, job);
}

void
control_run(struct auth *auth, const struct control_answers *answers, uint32_t request,
	struct span json)
{
	struct control_request message;
	struct fault fault = FAULT_INIT;

	if (!control_request_unpack(json, &message, &fault)) {
		answer_fault(answers, request, &fault);
		return;
	}
	if (verbs_know(message.verb))
		run_account_verb(auth, answers, request, &message);
	else if (verbs_session_know(message.verb))
		run_session_verb(auth, answers, request, &message);
	else if (strcmp(message.verb, "explain") == 0)
		run_explain(auth, answers, request, &message);
	else
		answers->error(answers->context, request, "usage", "there is no such verb");
	control_request_fini(&message);
}
