/* SPDX-License-Identifier: Apache-2.0 */
/* report-text.h - the runs of a report as Markdown, CSV and JSON. docs/report.md has their shapes.
 */
#pragma once

#include "reports/report-model.h"

G_BEGIN_DECLS

/* Failing runs that the Markdown lists; how many more there are is told. */
#define REPORT_MARKDOWN_FAILURES_MAX 50

#define REPORT_JSON_DOCUMENT_SCHEMA 1

/* For a comment on a pull request: verdicts, failing runs with the command for each, and the median
 * of each metric of the flows per scenario, policy and variant. Returns: (transfer full). */
char *report_markdown_format (const ReportModel *model);

/* For a spreadsheet: a row per run, a column per metric, by RFC 4180. A text that a spreadsheet
 * would take for a formula begins with an apostrophe. Returns: (transfer full). */
char *report_csv_format (const ReportModel *model);

/* For a program: one object with all runs. Returns: (transfer full). */
char *report_json_document_format (const ReportModel *model);

G_END_DECLS
