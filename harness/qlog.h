/* SPDX-License-Identifier: Apache-2.0 */
/* qlog.h - one recorded run as qlog (draft-ietf-quic-qlog-main-schema, version 0.3, in JSON).
 *
 * A trace per side: its trace events as far as they were kept, its samples, and what the scenario
 * did. The names of events and their data are in docs/export.md. Events are written as they are
 * unpacked; memory does not grow with them. */
#pragma once

#include "harness/scenario.h"
#include "reports/store.h"

#include <stdio.h>

G_BEGIN_DECLS

/* Which traces. */
typedef enum { QLOG_CLIENT = 1 << 0, QLOG_SERVER = 1 << 1 } QlogSides;

/* Writes @run, loaded with all its parts, to @file. @missing_out: so many of its trace events were
 * not kept; in their place are the changes of state alone. FALSE with a GError: not all could be
 * written, or the kept events are damaged (what is before the damage is written, and the file is
 * complete JSON). */
gboolean qlog_write (const StoreRun *run, QlogSides sides, FILE *file, gint64 *missing_out,
                     GError **error);

G_END_DECLS
