/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes down, a second late and many at a time, what logins have used up and whom they wrote to. */
#ifndef AUTH_KEEPER_H
#define AUTH_KEEPER_H

#include "auth/known.h"
#include "auth/usage.h"

struct keeper;

/*
 * Without it a stolen account would have a whole budget again whenever auth ends: what was spent in
 * the last KEEPER_LATE_MS may be forgotten by a crash, and nothing by an orderly end. That a login is
 * over its budget is written at once.
 */
enum { KEEPER_LATE_MS = 1000 };

struct keeper *keeper_new(struct loop *loop, struct directory *directory,
	struct directory_local *local, struct usage *usage, struct known *known);
void keeper_free(struct keeper **keeper); /* before the directory */
/* Reads what was written before; blocks, so before the directory is asked anything. */
bool keeper_load(struct keeper *keeper, struct fault *fault_out);
/* Something has changed. urgent: it is not to wait for others. */
void keeper_note(struct keeper *keeper, bool urgent);
/* Writes all of it now; done is called once that is over, well or not, perhaps at once. */
void keeper_finish(struct keeper *keeper, void (*done)(void *context), void *context);

#endif
