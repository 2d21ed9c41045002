/* SPDX-License-Identifier: Apache-2.0 */
/* live-json.h - a snapshot as a JSON object, and back.
 *
 * Written by hand into a string, because a busy server writes megabytes of it while its links wait;
 * read by JSON-GLib, in the process of who looks. Units are the ends of the names, as in the
 * database; docs/monitor.md lists all members. Members that a reader does not know are skipped,
 * ones that are not there are 0, so that two versions understand each other. */
#pragma once

#include "apps/live-snapshot.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct {
  guint history_max;     /* so many seconds of the history; 0: none */
  guint connections_max; /* so many connections, the others are counted; 0: all */
} LiveJsonOptions;

/* Appends @snapshot as one object on one line, without a newline. */
void live_json_append (GString *out, const LiveSnapshot *snapshot, const LiveJsonOptions *options);

/* Appends @text (UTF-8) as a JSON string, with its quotes. */
void live_json_append_string (GString *out, const char *text);

/* (transfer full) Never fails: what is missing or of the wrong type is empty or 0. */
LiveSnapshot *live_json_parse (JsonObject *object);

G_END_DECLS
