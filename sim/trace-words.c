/* SPDX-License-Identifier: Apache-2.0 */
/* trace-words.c - traces as words (trace-file.h; docs/paths.md has the format).
 *
 * Opportunities: "GAP", "GAPxCOUNT", "GAP*TIMES" or "GAPxCOUNT*TIMES": GAP ms after those before it
 * there are COUNT opportunities (1), and all of that TIMES times (1). Steps: "LENGTH" in ns and,
 * behind a colon each, those of rate in bit/s, delay in ns and loss in ppb that the trace has. */
#include "sim/path.h"
#include "sim/trace-file.h"

#include <string.h>

typedef struct {
  guint64 gap, count;
} Word;

static void
append_word (GString *text, const Word *word, guint64 times)
{
  if (times == 0)
    return;
  g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, text->len > 0 ? " " : "", word->gap);
  if (word->count > 1)
    g_string_append_printf (text, "x%" G_GUINT64_FORMAT, word->count);
  if (times > 1)
    g_string_append_printf (text, "*%" G_GUINT64_FORMAT, times);
}

static void
format_opportunities (const SimTrace *trace, GString *text)
{
  const guint32 *at_ms = sim_trace_get_opportunities (trace);
  gsize n = sim_trace_get_n_items (trace);
  Word last = { 0 };
  guint64 times = 0, before_ms = 0;

  for (gsize i = 0; i < n;) {
    Word word = { at_ms[i] - before_ms, 0 };

    for (before_ms = at_ms[i]; i < n && at_ms[i] == before_ms; i++)
      word.count++;
    if (times > 0 && (word.gap != last.gap || word.count != last.count)) {
      append_word (text, &last, times);
      times = 0;
    }
    last = word;
    times++;
  }
  append_word (text, &last, times);
}

static void
format_steps (const SimTrace *trace, GString *text)
{
  const SimTraceStep *steps = sim_trace_get_steps (trace);
  SimTraceFields fields = sim_trace_get_fields (trace);
  gsize n = sim_trace_get_n_items (trace);

  for (gsize i = 0; i < n; i++) {
    gint64 end_ns = i + 1 < n ? steps[i + 1].start_ns : sim_trace_get_period (trace);

    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? " " : "",
                            end_ns - steps[i].start_ns);
    if (fields & SIM_TRACE_RATE)
      g_string_append_printf (text, ":%" G_GINT64_FORMAT, steps[i].rate_bps);
    if (fields & SIM_TRACE_DELAY)
      g_string_append_printf (text, ":%" G_GINT64_FORMAT, steps[i].delay_ns);
    if (fields & SIM_TRACE_LOSS)
      g_string_append_printf (text, ":%u", steps[i].loss_ppb);
  }
}

char *
sim_trace_format_words (const SimTrace *trace)
{
  GString *text = g_string_new (NULL);

  if (sim_trace_get_kind (trace) == SIM_TRACE_OPPORTUNITIES)
    format_opportunities (trace, text);
  else
    format_steps (trace, text);
  return g_string_free (text, FALSE);
}

/* The number that *@p starts with, behind @mark (0: none), within [@min, @max]. */
static gboolean
take_number (const char **p, char mark, gint64 min, gint64 max, gint64 *value_out)
{
  const char *digit = *p;
  gint64 value = 0;

  if (mark && *digit++ != mark)
    return FALSE;
  if (!g_ascii_isdigit (*digit))
    return FALSE;
  for (; g_ascii_isdigit (*digit); digit++) {
    value = value * 10 + (*digit - '0');
    if (value > max)
      return FALSE;
  }
  *p = digit;
  *value_out = value;
  return value >= min;
}

static gboolean
at_end (const char *p)
{
  return *p == '\0' || *p == ' ';
}

/* FALSE when the word at @p is none. */
static gboolean
parse_opportunity (const char **p, GArray *at_ms)
{
  guint32 ms = at_ms->len > 0 ? g_array_index (at_ms, guint32, at_ms->len - 1) : 0;
  gint64 gap, count = 1, times = 1;

  if (!take_number (p, 0, 0, SIM_TRACE_PERIOD_MAX_NS / CAIMAN_NS_PER_MS, &gap))
    return FALSE;
  if (**p == 'x' && !take_number (p, 'x', 1, SIM_TRACE_ITEMS_MAX, &count))
    return FALSE;
  if (**p == '*' && !take_number (p, '*', 1, SIM_TRACE_ITEMS_MAX, &times))
    return FALSE;
  if (!at_end (*p) || count * times > SIM_TRACE_ITEMS_MAX - (gint64)at_ms->len ||
      ms + gap * times > SIM_TRACE_PERIOD_MAX_NS / CAIMAN_NS_PER_MS)
    return FALSE;
  for (; times > 0; times--) {
    ms += (guint32)gap;
    for (gint64 i = 0; i < count; i++)
      g_array_append_val (at_ms, ms);
  }
  return TRUE;
}

static gboolean
parse_step (const char **p, SimTraceFields fields, gint64 *period_ns, GArray *steps)
{
  SimTraceStep step = { .start_ns = *period_ns };
  gint64 length_ns, loss_ppb = 0;

  if (!take_number (p, 0, 1, SIM_TRACE_PERIOD_MAX_NS - *period_ns, &length_ns))
    return FALSE;
  if (fields & SIM_TRACE_RATE && !take_number (p, ':', 0, SIM_RATE_MAX_BPS, &step.rate_bps))
    return FALSE;
  if (fields & SIM_TRACE_DELAY && !take_number (p, ':', 0, SIM_DELAY_MAX_NS, &step.delay_ns))
    return FALSE;
  if (fields & SIM_TRACE_LOSS && !take_number (p, ':', 0, SIM_LOSS_CERTAIN_PPB, &loss_ppb))
    return FALSE;
  if (!at_end (*p) || steps->len == SIM_TRACE_ITEMS_MAX)
    return FALSE;
  step.loss_ppb = (guint32)loss_ppb;
  *period_ns += length_ns;
  g_array_append_val (steps, step);
  return TRUE;
}

static gboolean
is_usable (SimTraceKind kind, SimTraceFields fields, const GArray *items, gint64 period_ns)
{
  if (items->len == 0)
    return FALSE;
  if (kind == SIM_TRACE_OPPORTUNITIES)
    return g_array_index (items, guint32, items->len - 1) > 0;
  return !(fields & SIM_TRACE_RATE) ||
         sim_trace_can_flow ((const SimTraceStep *)(gpointer)items->data, items->len, period_ns);
}

SimTrace *
sim_trace_parse_words (SimTraceKind kind, SimTraceFields fields, const char *words,
                       char **problem_out)
{
  gboolean has_steps = kind == SIM_TRACE_STEPS;
  g_autoptr (GArray) items =
      g_array_new (FALSE, FALSE, has_steps ? sizeof (SimTraceStep) : sizeof (guint32));
  gint64 period_ns = 0;

  for (const char *p = words; *p;) {
    const char *word = p;

    if (*p == ' ') {
      p++;
      continue;
    }
    if (has_steps ? parse_step (&p, fields, &period_ns, items) : parse_opportunity (&p, items))
      continue;
    *problem_out = g_strdup_printf ("'%.*s' is not a word of such a trace, or too much",
                                    (int)MIN (40, strcspn (word, " ")), word);
    return NULL;
  }
  if (!is_usable (kind, fields, items, period_ns)) {
    *problem_out = g_strdup ("nothing ever gets through");
    return NULL;
  }
  if (has_steps)
    return sim_trace_new_steps ((const SimTraceStep *)(gpointer)items->data, items->len, period_ns,
                                fields);
  return sim_trace_new_opportunities ((const guint32 *)(gpointer)items->data, items->len);
}
