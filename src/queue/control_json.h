/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages, recipients and history as the JSON of doc/control.md. */
#ifndef QUEUE_CONTROL_JSON_H
#define QUEUE_CONTROL_JSON_H

#include "queue/brief.h"
#include "queue/schedule.h"
#include "queue/spool.h"

#include <jansson.h>

/* New references. Bytes that are not UTF-8 are escaped. */
json_t *control_json_entry(const struct spool_entry *entry);    /* as in a list */
json_t *control_json_message(const struct spool_entry *entry);  /* with each recipient's state */
json_t *control_json_fetched(const struct spool_fetch *fetch);  /* the same, with its header */
json_t *control_json_brief(const struct brief *brief);
json_t *control_json_destinations(const struct schedule *schedule); /* an array */

#endif
