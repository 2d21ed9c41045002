/* SPDX-License-Identifier: Apache-2.0 */
/* report-model.h - the runs of a report with all their metrics, column by column.
 *
 * Runs of one scenario name are a group: they have the same flows and links, so a metric of theirs
 * is one column of numbers. */
#pragma once

#include "reports/query.h"

G_BEGIN_DECLS

/* What a metric means, for the reader; reports/ itself knows no metric. */
typedef struct {
  StoreSubject subject_kind;
  const char *name;
  const char *meaning; /* a sentence */
  int better;          /* -1 lower, 0 neither, 1 higher */
} ReportDefinition;

/* A metric of a group's runs. Strings are borrowed from the model. */
typedef struct {
  StoreSubject subject_kind;
  const char *subject, *name, *unit;
  int order;      /* as runs show them */
  double *values; /* (owned) one per run of the group; NAN: not defined, or not measured */
  gsize n_values; /* how many are not NAN */
} ReportColumn;

typedef struct {
  const char *scenario; /* its name (borrowed) */
  GArray *runs;         /* of guint: indexes in the model's entries */
  GPtrArray *columns;   /* of ReportColumn, by order */
} ReportGroup;

/* An expectation that did not hold. Strings are borrowed from the model. */
typedef struct {
  guint run; /* index in the model's entries */
  const char *name, *bound, *actual;
  gint line;
} ReportFailure;

typedef struct {
  const char *db_path;                 /* (borrowed) as the user gave it */
  GPtrArray *entries;                  /* of QueryListEntry, oldest first */
  GPtrArray *groups;                   /* of ReportGroup, by scenario name */
  GArray *failures;                    /* of ReportFailure, by run */
  const ReportDefinition *definitions; /* (borrowed) */
  gsize n_definitions;
  GStringChunk *strings;
} ReportModel;

/* Loads the runs that @filter (nullable) lets through; with @n_ids > 0 only those of @ids, each of
 * which must be there. Returns: (transfer full): or NULL with @error. */
ReportModel *report_model_load (Store *store, const QueryFilter *filter, const gint64 *ids,
                                gsize n_ids, GError **error);
void report_model_free (ReportModel *model); /* accepts NULL */

/* The column of the group, or NULL. */
const ReportColumn *report_group_find (const ReportGroup *group, StoreSubject subject_kind,
                                       const char *name);

/* The run behind an index of the model. */
const StoreRun *report_model_get_run (const ReportModel *model, guint index);

/* Whether a run counts as failed: it ended with another exit class than held or skipped, or is
 * unfinished. */
gboolean report_run_is_failed (const StoreRun *run);

/* "ok", "FAILED", ..., "unfinished". */
const char *report_run_get_verdict (const StoreRun *run);

/* The database's path as a word for a shell. Returns: (transfer full). */
char *report_model_quote_path (const ReportModel *model);

/* Whether `caiman replay` can run it again: a finished run in virtual time. */
gboolean report_run_can_replay (const StoreRun *run);

/* The command by which a person looks closer: "caiman replay DB RUN", or show where nothing can be
 * replayed. Returns: (transfer full). */
char *report_run_format_command (const ReportModel *model, const StoreRun *run);

/* -1, 0 or 1; 0 where the metric has no definition. */
int report_model_get_better (const ReportModel *model, const ReportColumn *column);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ReportModel, report_model_free)

G_END_DECLS
