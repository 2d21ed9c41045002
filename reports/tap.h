/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h - a campaign in the Test Anything Protocol, version 13: a test point per run, what went
 * wrong as its YAML block. The plan comes last, because an interrupted campaign has fewer runs. */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

/* The first line. */
#define TAP_HEAD "TAP version 13\n"

/* The test point of run @number, from 1. @db_path (nullable): for the replay command. @problems
 * (nullable, NULL-terminated): what is to be said beside the expectations. (transfer full) */
char *tap_format_run (guint number, const StoreRun *run, const char *const *problems,
                      const char *db_path);

/* The plan of @n_runs; when @why_not (nullable) says why there are no more, that the rest was not
 * done. (transfer full) */
char *tap_format_end (guint n_runs, const char *why_not);

G_END_DECLS
