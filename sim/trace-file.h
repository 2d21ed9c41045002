/* SPDX-License-Identifier: Apache-2.0 */
/* trace-file.h - traces as files that others write, and as words to keep within another text.
 *
 * Files, told apart by their first line:
 * - Mahimahi's: a number of ms per line, ascending: an opportunity of 1 500 bytes each.
 * - CSV with a header: time_s or time_ms first, from 0 up, and one or more of rate_bps, rate_kbps,
 *   rate_mbps; delay_ms; loss_percent, in any order. A line is a step that lasts until the next
 *   one's time; the last one lasts as long as the one before it.
 * Empty lines and lines that begin with "#" are skipped. Numbers are plain decimals.
 *
 * Words (docs/paths.md has the format) are exact: the same trace comes back. */
#pragma once

#include "sim/trace.h"

G_BEGIN_DECLS

/* Larger files are refused. */
#define SIM_TRACE_FILE_MAX_BYTES (16 * 1024 * 1024)

/* (nullable) NULL: *@problem_out (transfer full) says what is wrong with line *@line_out (from 1;
 * 0: with the whole). @text needs no end. */
SimTrace *sim_trace_parse_file (const char *text, gsize size, guint *line_out, char **problem_out);

/* (transfer full) Words separated by spaces. */
char *sim_trace_format_words (const SimTrace *trace);

/* (nullable) NULL: *@problem_out (transfer full). @fields: those of the steps; ignored for
 * opportunities. */
SimTrace *sim_trace_parse_words (SimTraceKind kind, SimTraceFields fields, const char *words,
                                 char **problem_out);

G_END_DECLS
