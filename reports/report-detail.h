/* SPDX-License-Identifier: Apache-2.0 */
/* report-detail.h - everything that the page of one run shows, as JSON. */
#pragma once

#include "reports/json-text.h"
#include "reports/report-model.h"

G_BEGIN_DECLS

/* Buckets of a plot's time; at most twice so many points are shown per line. */
#define REPORT_BUCKETS 240
/* Most events in a run's timeline; how many more there are is told. */
#define REPORT_EVENTS_MAX 400
/* Most events of the harness, and most changes in a lane; how many more there are is told. */
#define REPORT_FAULTS_MAX 2000
#define REPORT_SPANS_MAX  2000

/* Appends the object of @run, loaded with QUERY_TABLES | QUERY_SAMPLES. The scenario's text is
 * referred to by its checksum, for several runs to share; see report_detail_get_text_id(). */
void report_detail_append (JsonText *json, const StoreRun *run);

/* Returns: (transfer full). */
char *report_detail_get_text_id (const StoreRun *run);

G_END_DECLS
