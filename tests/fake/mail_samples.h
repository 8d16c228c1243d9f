/* SPDX-License-Identifier: BSD-2-Clause */
/* Sample messages for the queue's tests, and a folder to spool them in. */
#ifndef FAKE_MAIL_SAMPLES_H
#define FAKE_MAIL_SAMPLES_H

#include "queue/parcel.h"

/* A message of alice to recipients (a list ended by NULL), its body in the row. */
struct parcel *sample_parcel(const char *id, const char *body, const char *const *recipients);
struct parcel *sample_parcel_to(const char *id, const char *recipient);
/* The same of another login. */
struct parcel *sample_parcel_of(const char *login, const char *id);
/* The same with a body in a file. */
struct parcel *sample_parcel_file(const char *id, uint64_t file, struct span body);

/* A new folder below TMPDIR or /tmp; in static storage, one at a time. */
const char *sample_folder_make(void);
void sample_folder_remove(void); /* with all that is in it */

enum { SAMPLE_RECEIVED_MS = 1000000 };

#endif
