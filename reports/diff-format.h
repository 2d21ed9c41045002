/* SPDX-License-Identifier: Apache-2.0 */
/* diff-format.h - a diff as text, Markdown, JSON and JUnit. All results are (transfer full). */
#pragma once

#include "reports/diff.h"

G_BEGIN_DECLS

#define REPORT_DIFF_JSON_SCHEMA 1

/* What GitHub takes as one comment. */
#define DIFF_MARKDOWN_BYTES_MAX 65536

/* For a terminal of @width_columns: the verdict, what happened to runs, and the metrics that are
 * better or worse, the worst first; with @all every metric. */
char *diff_format_text (const Diff *diff, guint width_columns, gboolean all, gboolean colour);

/* For a comment on a pull request; never longer than @max_bytes (at least 1000): what is left out
 * is counted. */
char *diff_format_markdown (const Diff *diff, gsize max_bytes);

/* One object and a newline; docs/diff.md lists its keys. */
char *diff_format_json (const Diff *diff);

/* A suite with a case per scenario for how its runs ended, and one per metric that counts. */
char *diff_format_junit (const Diff *diff);

/* ---- what these share ---- */

/* "REGRESSION: 2 metrics worse, 1 run lost" or "no regression: ...". */
char *diff_format_headline (const Diff *diff);

/* "a.db (50 runs) to b.db (50 runs): 50 pairs". */
char *diff_format_sides (const Diff *diff);

/* "silent-link, link lte.delay=20ms, adaptive, sim". */
char *diff_format_group (const DiffGroup *group);

/* "upload.goodput". */
char *diff_format_metric_name (const DiffMetric *metric);

/* "-5.2 %", or where there was nothing before the difference in the metric's unit, "+12 ms". */
char *diff_format_change (const DiffMetric *metric);

/* "-5.6 to -4.9 %"; "-" where there is none. */
char *diff_format_interval (const DiffMetric *metric);

/* "1..20, 25, 30 and 12 more". */
char *diff_format_seeds (const GArray *seeds);

/* "3 seeds: 1, 5, 7: does not hold any more", without detail. */
char *diff_format_finding (const DiffFinding *finding);

/* What cannot be told for want of runs; "" when nothing. */
char *diff_format_advice (const Diff *diff);

/* The metrics of @group, the worst first. (transfer container) */
GPtrArray *diff_sort_metrics (const DiffGroup *group);

/* The groups, those with regressions first. (transfer container) */
GPtrArray *diff_sort_groups (const Diff *diff);

G_END_DECLS
