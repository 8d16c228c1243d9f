/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions that wait for their answers. */
#include "ipc/questions.h"

#include "io/loop.h"

/*
 * A request number is a slot (from 1) in its low bits and, above them, how often the slot was used,
 * so that a late answer does not meet the next question.
 */
enum {
	SLOT_BITS = 20,
	FIRST_SLOTS = 64,
};

#define SLOT_MASK ((1u << SLOT_BITS) - 1)

struct question {
	struct questions *owner;
	struct loop_timer deadline;
	uint32_t request;
	channel_answer_fn on_answer;
	void *context;
};

struct slot {
	struct question *question; /* NULL: free */
	uint32_t turn;
	uint32_t next_free; /* 0: none */
};

struct questions {
	struct loop *loop;
	struct slot *slots; /* slots[0] is not used */
	uint32_t size;
	uint32_t first_free;
};

_Static_assert(QUESTIONS_MAX - 1 <= SLOT_MASK, "every slot has a number");

struct questions *
questions_new(struct loop *loop)
{
	struct questions *questions = mem_alloc(sizeof *questions);

	questions->loop = loop;
	return questions;
}

static struct question *
find(struct questions *questions, uint32_t request)
{
	uint32_t number = request & SLOT_MASK;
	struct question *question;

	if (number == 0 || number >= questions->size)
		return NULL;
	question = questions->slots[number].question;
	return question && question->request == request ? question : NULL;
}

static void
remove_question(struct questions *questions, struct question *question)
{
	uint32_t number = question->request & SLOT_MASK;

	loop_timer_stop(&question->deadline);
	questions->slots[number].question = NULL;
	questions->slots[number].next_free = questions->first_free;
	questions->first_free = number;
	mem_free(&question);
}

void
questions_free(struct questions **questions)
{
	struct questions *old = *questions;

	if (!old)
		return;
	for (uint32_t i = 1; i < old->size; i++) {
		if (old->slots[i].question)
			remove_question(old, old->slots[i].question);
	}
	mem_free(&old->slots);
	mem_free(questions);
}

/* Last thing first: the callback may free us. */
static void
end_unanswered(struct question *question)
{
	channel_answer_fn on_answer = question->on_answer;
	void *context = question->context;

	remove_question(question->owner, question);
	on_answer(context, NULL);
}

static void
on_deadline(void *context)
{
	end_unanswered(context);
}

static bool
add_slots(struct questions *questions)
{
	uint32_t size = questions->size ? questions->size * 2 : FIRST_SLOTS;

	if (size > QUESTIONS_MAX)
		return false;
	questions->slots = mem_grow_array(questions->slots, size, sizeof *questions->slots);
	for (uint32_t i = size - 1; i >= (questions->size ? questions->size : 1); i--) {
		questions->slots[i] = (struct slot){ .next_free = questions->first_free };
		questions->first_free = i;
	}
	questions->size = size;
	return true;
}

uint32_t
questions_add(struct questions *questions, uint64_t wait_ms, channel_answer_fn on_answer,
	void *context)
{
	struct question *question;
	struct slot *slot;
	uint32_t number;

	if (!questions->first_free && !add_slots(questions))
		return 0;
	number = questions->first_free;
	slot = &questions->slots[number];
	questions->first_free = slot->next_free;
	question = slot->question = mem_alloc(sizeof *question);
	question->owner = questions;
	question->request = slot->turn++ << SLOT_BITS | number;
	question->on_answer = on_answer;
	question->context = context;
	loop_timer_init(&question->deadline, questions->loop, on_deadline, question);
	if (wait_ms)
		loop_timer_start(&question->deadline, wait_ms);
	return question->request;
}

void
questions_answer(struct questions *questions, uint32_t request, struct channel_message *answer)
{
	struct question *question = find(questions, request);

	if (!question || !question->on_answer(question->context, answer))
		return;
	/* The callback may have forgotten its own question. */
	question = find(questions, request);
	if (question)
		remove_question(questions, question);
}

void
questions_forget(struct questions *questions, uint32_t request)
{
	struct question *question = find(questions, request);

	if (question)
		remove_question(questions, question);
}

void
questions_fail(struct questions *questions)
{
	for (uint32_t i = 1; i < questions->size; i++) {
		if (questions->slots[i].question)
			end_unanswered(questions->slots[i].question);
	}
}
