/* SPDX-License-Identifier: Apache-2.0 */
/* run-report.h - a finished run on its way from the process that did it to the one that tells it.
 */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

typedef struct {
  StoreRun *run;   /* (owned) its head and expectations, no other rows */
  char *details;   /* (owned) what people read of it */
  char *json;      /* (owned) */
  char **problems; /* (owned) violations, refused knobs, errors: a line each */
} RunReport;

/* Makes the report of @run: @problems (nullable, of char *) is copied. */
GBytes *run_report_pack (const StoreRun *run, GPtrArray *problems, gboolean colour);

/* NULL when @bytes is no report. (transfer full) */
RunReport *run_report_unpack (GBytes *bytes);

/* A report of @run (transfer full) that never came back, for @problem. */
RunReport *run_report_new_failed (StoreRun *run, const char *problem);

void run_report_free (RunReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RunReport, run_report_free)

G_END_DECLS
