/* SPDX-License-Identifier: Apache-2.0 */
/* run-report.h - a finished run on its way from the process that did it to the one that tells it.
 */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

typedef struct {
  StoreRun *run;     /* (owned) its head, expectations and main metrics, no other rows */
  char *details;     /* (owned) what people read of it; "" where it was not asked for */
  char *json;        /* (owned) likewise */
  gboolean is_known; /* it was in the database, and was not run */
  char **problems;   /* (owned) violations, refused knobs, errors: a line each */
  GBytes *bytes;     /* (owned) (nullable) holds the texts of @run */
} RunReport;

/* What costs something to make, and is made where it is asked for. */
typedef enum { RUN_REPORT_DETAILS = 1 << 0, RUN_REPORT_JSON = 1 << 1 } RunReportParts;

/* Whether the runs of a campaign of @n_runs are told at length; of more there is a line each. */
gboolean run_report_is_at_length (guint64 n_runs);

/* Makes the report of @run: @problems (nullable, of char *) is copied. */
GBytes *run_report_pack (const StoreRun *run, GPtrArray *problems, gboolean is_known,
                         RunReportParts parts, gboolean colour);

/* NULL when @bytes is no report. (transfer full) */
RunReport *run_report_unpack (GBytes *bytes);

/* A report of @run (transfer full) that never came back, for @problem. */
RunReport *run_report_new_failed (StoreRun *run, const char *problem);

void run_report_free (RunReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RunReport, run_report_free)

G_END_DECLS
