/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-path-trace.c - trace files and words: whatever is accepted comes back from its words
 * exactly, and can be served from. */
#include "sim/rate.h"
#include "sim/trace-file.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
serve (const SimTrace *trace)
{
  SimRate rate;
  gint64 t_ns = 0;

  if (!(sim_trace_get_fields (trace) & SIM_TRACE_RATE))
    return;
  sim_rate_init (&rate, SIM_RATE_UNLIMITED, trace, 0);
  for (guint i = 0; i < 10; i++) {
    gint64 end_ns = sim_rate_serialise (&rate, 100, t_ns);
    g_assert (end_ns >= t_ns);
    t_ns = end_ns;
  }
}

static void
check (const SimTrace *trace)
{
  g_autofree char *words = sim_trace_format_words (trace);
  char *problem = NULL;
  g_autoptr (SimTrace) again = sim_trace_parse_words (
      sim_trace_get_kind (trace), sim_trace_get_fields (trace), words, &problem);

  g_assert (again);
  g_autofree char *words_again = sim_trace_format_words (again);
  g_assert (strcmp (words, words_again) == 0);
  g_assert (sim_trace_get_period (trace) == sim_trace_get_period (again));
  g_assert (sim_trace_get_mean_rate (trace) == sim_trace_get_mean_rate (again));
  serve (trace);
}

/* The first byte: 'f' a file, 'o' words of opportunities, else of steps with these fields. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = size > 0 ? g_strndup ((const char *)data + 1, size - 1) : NULL;
  g_autofree char *problem = NULL;
  SimTraceFields fields = size > 0 ? data[0] & 7 : 0;
  SimTrace *trace;
  guint line;

  if (size == 0)
    return 0;
  if (data[0] == 'f')
    trace = sim_trace_parse_file ((const char *)data + 1, size - 1, &line, &problem);
  else
    trace = sim_trace_parse_words (data[0] == 'o' ? SIM_TRACE_OPPORTUNITIES : SIM_TRACE_STEPS,
                                   fields, text, &problem);
  g_assert (!trace == !!problem);
  if (trace)
    check (trace);
  sim_trace_unref (trace);
  return 0;
}
