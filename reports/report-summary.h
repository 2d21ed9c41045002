/* SPDX-License-Identifier: Apache-2.0 */
/* report-summary.h - all runs of a report as one JSON object of columns, for its first page. */
#pragma once

#include "reports/json-text.h"
#include "reports/report-model.h"

G_BEGIN_DECLS

/* Digits that matter of a metric's value here; a run's own page has all of them. */
#define REPORT_SUMMARY_DIGITS 6
/* Beyond so many values the metrics of links are left out of the object, and it says so. */
#define REPORT_SUMMARY_VALUES_MAX 500000

/* Appends the members "runs", "variants", "groups", "failures", "definitions" and
 * "linkMetricsLeftOut" to the object that is open. */
void report_summary_append (JsonText *json, const ReportModel *model);

G_END_DECLS
