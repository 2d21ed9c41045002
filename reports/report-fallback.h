/* SPDX-License-Identifier: Apache-2.0 */
/* report-fallback.h - the verdicts of a report without any script, as HTML. */
#pragma once

#include "reports/report-model.h"

G_BEGIN_DECLS

/* Failing runs that it lists; how many more there are is told. */
#define REPORT_FALLBACK_FAILURES_MAX 200

/* Two tables: verdicts by scenario and policy, and failing runs with the command for each. Returns:
 * (transfer full). */
char *report_fallback_format (const ReportModel *model);

G_END_DECLS
