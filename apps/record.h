/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - records live connections into a results database: each is a run of testbed "live",
 * with the series and events that a simulated run has (docs/monitor.md).
 *
 * Runs are recorded as they go on, so memory does not grow with their duration, and a kill costs
 * the last seconds. A link row stands for a path (name, remote address, the peer's name of it): the
 * links that come one after the other over it are one series. A sample that tells nothing new is
 * left out.
 *
 * What the database is too slow for, or locked, waits in memory. From half of backlog_max on
 * samples are left out; beyond it also events, and connections that begin are not recorded unless
 * there is room again before they end. What is missing is told in the log, and by events of the
 * runs that are recorded ("rows-omitted", "runs-omitted"). Time is an argument. The tracer of each
 * connection is taken (core/trace.h). */
#pragma once

#include "core/connection.h"
#include "reports/store.h"

G_BEGIN_DECLS

typedef struct _Record Record;

typedef struct {
  const char *path;          /* of the database */
  const char *title;         /* "tunnel client": names the runs and the campaign */
  const char *command;       /* the command line */
  const char *git_id;        /* of the build */
  StoreSide side;            /* what this process is */
  gint64 commit_interval_ns; /* 0: 5 s */
  gsize backlog_max_bytes;   /* 0: 64 MiB; see below */
} RecordOptions;

/* Errors: as store_open(). */
Record *record_new (const RecordOptions *options, GError **error);

/* Ends all runs that still go on, as "interrupted", and waits until all is written. Accepts NULL.
 */
void record_free (Record *record, gint64 now_ns);

/* @connection is borrowed until record_remove(); @number is unique. */
void record_add (Record *record, guint64 number, CaimanConnection *connection, const char *label,
                 gint64 now_ns);
/* Its run's variant. A label that comes later than a second after the begin is not recorded. */
void record_set_label (Record *record, guint64 number, const char *label);
void record_event (Record *record, guint64 number, const CaimanEvent *event, gint64 now_ns);
/* The connection is about to be freed: its run is finished. */
void record_remove (Record *record, guint64 number, gint64 now_ns);

/* Takes a sample of all connections; from time to time this also hands what there is over to be
 * written. */
void record_sample (Record *record, gint64 now_ns);

/* (transfer full, nullable) What went wrong since the last call, for the log. */
char *record_take_problem (Record *record);

/* The memory that what waits to be written takes, about. */
gsize record_get_backlog_bytes (Record *record);

G_END_DECLS
