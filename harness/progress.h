/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - how far many runs are, as one line for people. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint64 n_runs;
  guint64 n_done;   /* of them, known ones included */
  guint64 n_known;  /* were recorded before and took no time */
  guint64 n_failed; /* neither held nor skipped */
  gint64 started_us;
} Progress;

/* "1 200 of 10 000 runs (12 %), 345/s, 26 s to go, 3 failed"; no newline. (transfer full) */
char *progress_format (const Progress *progress, gint64 now_us);

G_END_DECLS
