/* SPDX-License-Identifier: Apache-2.0 */
/* report-html.h - a report as one HTML file that opens without a network.
 *
 * In it: the template, style and scripts of reports/report/, Chart.js, all runs as columns
 * (report-summary.h), and the pages of single runs (report-detail.h) as far as they are chosen. Its
 * content security policy lets nothing be loaded and no script run but the two that are in it.
 * docs/report.md explains what it shows. */
#pragma once

#include "reports/report-model.h"

G_BEGIN_DECLS

/* Where nothing else is asked for, pages of single runs take so many bytes together that the whole
 * document has about as many as wanted, and no more or less than these; the report tells which runs
 * have one. */
#define REPORT_BYTES_WANTED      7500000
#define REPORT_DETAILS_BYTES_MIN 1000000
#define REPORT_DETAILS_BYTES_MAX 4000000

typedef struct {
  const char *title;   /* (nullable) */
  const char *version; /* of the tool */
  gint64 now_us;       /* real time, to be shown */
  gboolean all_runs;   /* a page for every run of the model, whatever that takes */
} ReportHtmlOptions;

/* Returns: (transfer full): the document, or NULL with @error. */
char *report_html_format (Store *store, const ReportModel *model, const ReportHtmlOptions *options,
                          GError **error);

G_END_DECLS
