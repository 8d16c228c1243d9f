/* SPDX-License-Identifier: BSD-2-Clause */
/* Talking to an SMTP server step by step. */
#include "ctl/smtp_probe.h"

#include <stdio.h>
#include <time.h>

#include "ctl/smtp_line.h"
#include "wire/base64.h"

struct probing {
	const struct smtp_probe *plan;
	struct smtp_line line;
	char text[SMTP_LINE_RAW_BYTES]; /* what the step has to say */
};

/* Says what happened in text; the fault if it failed. */
typedef bool step_fn(struct probing *probing, struct fault *fault_out);
typedef bool wanted_fn(const struct probing *probing);

/* ---- asking ----------------------------------------------------------------------------------- */

/* The command must get a reply with this first digit; the reply is what the step has to say. */
static bool
ask(struct probing *probing, struct span command, unsigned digit, struct fault *fault_out)
{
	const struct smtp_reply_reader *reply = &probing->line.reply;

	if (!smtp_line_ask(&probing->line, command, fault_out))
		return false;
	snprintf(probing->text, sizeof probing->text, "%u %s%s%.*s", reply->code, reply->enhanced,
		reply->enhanced[0] ? " " : "", SPAN_PRINT(smtp_reply_reader_line(reply, 0)));
	if (reply->code / 100 == digit)
		return true;
	return fault_set(fault_out, FAULT_DENIED, "%s", probing->text);
}

/* Addresses and names that the caller typed must not become commands of their own. */
static bool
ask_with(struct probing *probing, const char *format, const char *word, unsigned digit,
	struct fault *fault_out)
{
	char command[1024];

	for (const char *at = word; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return fault_set(fault_out, FAULT_CONFIG,
				"a control character cannot be sent");
	}
	if (snprintf(command, sizeof command, "%s%s%s", format, word,
		    span_has_byte(span_text(format), '<') ? ">" : "") >= (int)sizeof command)
		return fault_set(fault_out, FAULT_CONFIG, "the text is too long");
	return ask(probing, span_text(command), digit, fault_out);
}

/* Was the keyword, with this word among its parameters if one is given, in the answer to EHLO? */
static bool
is_offered(const struct probing *probing, const char *keyword, const char *parameter)
{
	for (unsigned number = 1; number < probing->line.reply.lines; number++) {
		struct span rest = smtp_reply_reader_line(&probing->line.reply, number);
		struct span word = span_cut(rest, ' ', &rest);

		if (!span_is_nocase(word, keyword))
			continue;
		if (!parameter)
			return true;
		while (rest.length > 0) {
			word = span_cut(rest, ' ', &rest);
			if (span_is_nocase(word, parameter))
				return true;
		}
	}
	return false;
}

/* ---- steps ------------------------------------------------------------------------------------ */

static bool
step_connect(struct probing *probing, struct fault *fault_out)
{
	return smtp_line_connect(&probing->line, &probing->plan->to, probing->text,
		sizeof probing->text, fault_out);
}

static bool
step_tls(struct probing *probing, struct fault *fault_out)
{
	const struct smtp_probe *plan = probing->plan;
	char facts[TLS_TEXT_MAX_BYTES];

	if (!smtp_line_start_tls(&probing->line, plan->name,
		    plan->trust_file && plan->trust_file[0] ? plan->trust_file : NULL, fault_out))
		return false;
	snprintf(probing->text, sizeof probing->text, "%s, certificate holds for %s",
		smtp_line_describe_tls(&probing->line, facts), plan->name);
	return true;
}

static bool
step_greeting(struct probing *probing, struct fault *fault_out)
{
	return ask(probing, SPAN_EMPTY, 2, fault_out);
}

static bool
step_ehlo(struct probing *probing, struct fault *fault_out)
{
	return ask_with(probing, "EHLO ", probing->plan->greeting, 2, fault_out);
}

static bool
step_starttls(struct probing *probing, struct fault *fault_out)
{
	if (!is_offered(probing, "STARTTLS", NULL))
		return fault_set(fault_out, FAULT_DENIED, "STARTTLS is not offered");
	return ask(probing, SPAN_LITERAL("STARTTLS"), 2, fault_out);
}

static bool
step_auth(struct probing *probing, struct fault *fault_out)
{
	const struct smtp_probe *plan = probing->plan;
	struct span host = span_text(plan->to.host);
	struct buf plain = BUF_INIT(4096);
	struct buf command = BUF_INIT(8192);
	bool done = false;

	if (!smtp_line_has_tls(&probing->line) && plan->to.kind == ENDPOINT_INET &&
		!span_starts(host, "127.") && !span_is(host, "::1"))
		return fault_set(fault_out, FAULT_DENIED, "no password is sent without TLS");
	if (!is_offered(probing, "AUTH", "PLAIN"))
		return fault_set(fault_out, FAULT_DENIED, "AUTH PLAIN is not offered");
	buf_add_byte(&plain, '\0');
	buf_add_text(&plain, plan->login);
	buf_add_byte(&plain, '\0');
	buf_add_span(&plain, secret_span(plan->password));
	buf_add_text(&command, "AUTH PLAIN ");
	if (plain.overflow || !base64_format(buf_span(&plain), &command))
		fault_set(fault_out, FAULT_CONFIG, "login and password are too long");
	else
		done = ask(probing, buf_span(&command), 2, fault_out);
	buf_wipe(&plain);
	buf_fini(&plain);
	buf_wipe(&command);
	buf_fini(&command);
	return done;
}

static bool
step_mail(struct probing *probing, struct fault *fault_out)
{
	return ask_with(probing, "MAIL FROM:<", probing->plan->mail_from, 2, fault_out);
}

static bool
step_rcpt(struct probing *probing, struct fault *fault_out)
{
	return ask_with(probing, "RCPT TO:<", probing->plan->rcpt, 2, fault_out);
}

static bool
step_rset(struct probing *probing, struct fault *fault_out)
{
	return ask(probing, SPAN_LITERAL("RSET"), 2, fault_out);
}

static bool
step_quit(struct probing *probing, struct fault *fault_out)
{
	return ask(probing, SPAN_LITERAL("QUIT"), 2, fault_out);
}

static bool
has_implicit_tls(const struct probing *probing)
{
	return probing->plan->tls == LISTENER_TLS_IMPLICIT;
}

static bool
has_starttls(const struct probing *probing)
{
	return probing->plan->tls == LISTENER_TLS_STARTTLS;
}

static bool
has_login(const struct probing *probing)
{
	return probing->plan->login && probing->plan->login[0];
}

static bool
has_sender(const struct probing *probing)
{
	return probing->plan->mail_from != NULL;
}

static bool
has_recipient(const struct probing *probing)
{
	return probing->plan->mail_from && probing->plan->rcpt;
}

static const struct {
	const char *name;
	wanted_fn *wanted; /* NULL: always */
	step_fn *run;
} steps[] = {
	{ "connect", NULL, step_connect },
	{ "TLS", has_implicit_tls, step_tls },
	{ "greeting", NULL, step_greeting },
	{ "EHLO", NULL, step_ehlo },
	{ "STARTTLS", has_starttls, step_starttls },
	{ "TLS", has_starttls, step_tls },
	{ "EHLO", has_starttls, step_ehlo },
	{ "AUTH", has_login, step_auth },
	{ "MAIL", has_sender, step_mail },
	{ "RCPT", has_recipient, step_rcpt },
	{ "RSET", has_sender, step_rset },
	{ "QUIT", NULL, step_quit },
};

static double
now_in_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

json_t *
smtp_probe_run(const struct smtp_probe *probe, bool *good_out)
{
	static struct probing probing;
	json_t *told = json_array();
	const char *failed = NULL;

	probing = (struct probing){ .plan = probe };
	smtp_line_init(&probing.line, probe->wait_ms);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !failed; i++) {
		struct fault fault = FAULT_INIT;
		double began = now_in_ms();
		bool done;

		if (steps[i].wanted && !steps[i].wanted(&probing))
			continue;
		probing.text[0] = '\0';
		done = steps[i].run(&probing, &fault);
		json_array_append_new(told,
			json_pack("{s:s, s:f, s:b, s:s}", "step", steps[i].name, "ms",
				now_in_ms() - began, "ok", done, "text",
				done ? probing.text : fault.text));
		if (!done)
			failed = steps[i].name;
	}
	smtp_line_fini(&probing.line);
	*good_out = !failed;
	return json_pack("{s:s, s:o, s:s*}", "target", probe->to.text, "steps", told, "failed",
		failed);
}
