/* SPDX-License-Identifier: Apache-2.0 */
/* format.h - numbers as people read them: three digits that matter and a unit.
 *
 * All results are (transfer full). Powers of ten throughout; NAN gives "-". */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "850 ns", "12.5 us", "105 ms", "8.01 s", "12 min 30 s", "3 h 20 min". */
char *format_time (double time_ns);

/* "512 B", "20.0 MB". */
char *format_bytes (double size_bytes);

/* "12.3 Mbit/s". */
char *format_rate (double rate_bps);

/* 0.953 as "95.3 %". */
char *format_ratio (double ratio);

/* "1 234 567"; a fraction is kept: "2.5". */
char *format_count (double count);

/* By the unit that a metric is stored with: "ns", "bytes", "bit/s", "ratio", "count"; any other is
 * written behind the number. */
char *format_value (double value, const char *unit);

/* An instant of real time: "2026-01-31 12:00:00", UTC. */
char *format_date (gint64 time_us);

/* One word for what a run's exit class means: "ok", "FAILED", "UNSAFE", "STUCK", "skipped", ... */
const char *format_exit_class (int exit_class);

G_END_DECLS
