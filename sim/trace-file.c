/* SPDX-License-Identifier: Apache-2.0 */
/* trace-file.c - see trace-file.h. Bounded: every number, the number of items, the whole. */
#include "sim/trace-file.h"

#include "sim/path.h"

#include <string.h>

#define MS_MAX (SIM_TRACE_PERIOD_MAX_NS / CAIMAN_NS_PER_MS)

/* A part of a text: @start up to, and without, @end. */
typedef struct {
  const char *start, *end;
} Span;

static void
strip (Span *span)
{
  while (span->start < span->end && g_ascii_isspace (*span->start))
    span->start++;
  while (span->start < span->end && g_ascii_isspace (span->end[-1]))
    span->end--;
}

static gboolean
is_empty (const Span *span)
{
  return span->start == span->end;
}

/* Cuts @rest at the first @separator; FALSE when nothing is left. */
static gboolean
cut (Span *rest, char separator, Span *part_out)
{
  const char *found;

  if (!rest->start)
    return FALSE;
  found = memchr (rest->start, separator, (gsize)(rest->end - rest->start));
  *part_out = (Span) { rest->start, found ? found : rest->end };
  rest->start = found ? found + 1 : NULL;
  strip (part_out);
  return TRUE;
}

/* A plain decimal times 10^@scale, rounded down, at most @max. FALSE when it is none. */
static gboolean
parse_decimal (const Span *span, guint scale, gint64 max, gint64 *value_out)
{
  const char *p = span->start;
  gint64 value = 0;
  guint digits = 0;
  gboolean after_point = FALSE;

  for (; p < span->end; p++) {
    if (*p == '.' && !after_point) {
      after_point = TRUE;
      continue;
    }
    if (!g_ascii_isdigit (*p))
      return FALSE;
    digits++;
    if (after_point && scale == 0)
      continue;
    scale -= after_point;
    value = value * 10 + (*p - '0');
    if (value > max)
      return FALSE;
  }
  for (; scale > 0; scale--) {
    value *= 10;
    if (value > max)
      return FALSE;
  }
  *value_out = value;
  return digits > 0;
}

/* ---- lines ---- */

typedef struct {
  Span rest;
  guint line;
  char *problem;
} Lines;

/* The next line that says something. */
static gboolean
next_line (Lines *lines, Span *line_out)
{
  while (cut (&lines->rest, '\n', line_out)) {
    lines->line++;
    if (!is_empty (line_out) && *line_out->start != '#')
      return TRUE;
  }
  return FALSE;
}

static void fail (Lines *lines, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
fail (Lines *lines, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (!lines->problem)
    lines->problem = g_strdup_vprintf (format, args);
  va_end (args);
}

static void
fail_whole (Lines *lines, const char *problem)
{
  if (!lines->problem)
    lines->line = 0;
  fail (lines, "%s", problem);
}

/* What is not printable shows as "?", and no more than some of it. */
static char *
quote (const Span *span)
{
  char *text = g_strndup (span->start, MIN (40, (gsize)(span->end - span->start)));

  for (char *p = text; *p; p++)
    if (!g_ascii_isprint (*p))
      *p = '?';
  return text;
}

/* ---- Mahimahi ---- */

static void
read_opportunity (Lines *lines, const Span *line, GArray *at_ms)
{
  gint64 before = at_ms->len > 0 ? g_array_index (at_ms, guint32, at_ms->len - 1) : 0;
  g_autofree char *quoted = quote (line);
  gint64 value = 0;
  guint32 ms;

  if (memchr (line->start, '.', (gsize)(line->end - line->start)) ||
      !parse_decimal (line, 0, MS_MAX, &value))
    fail (lines, "'%s' is not a number of whole milliseconds up to a day", quoted);
  else if (value < before)
    fail (lines, "%s ms is before the line above", quoted);
  else if (at_ms->len == SIM_TRACE_ITEMS_MAX)
    fail (lines, "more than %d opportunities", SIM_TRACE_ITEMS_MAX);
  ms = (guint32)value;
  g_array_append_val (at_ms, ms);
}

/* (nullable) */
static SimTrace *
make_opportunities (GArray *at_ms, char **problem_out)
{
  if (at_ms->len == 0)
    *problem_out = g_strdup ("there is no opportunity");
  else if (g_array_index (at_ms, guint32, at_ms->len - 1) == 0)
    *problem_out = g_strdup ("the last opportunity is at 0 ms: it must be later, for it is the "
                             "trace's length");
  else
    return sim_trace_new_opportunities ((const guint32 *)(gpointer)at_ms->data, at_ms->len);
  return NULL;
}

static SimTrace *
read_opportunities (Lines *lines, Span line)
{
  g_autoptr (GArray) at_ms = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autofree char *problem = NULL;
  SimTrace *trace;

  do
    read_opportunity (lines, &line, at_ms);
  while (!lines->problem && next_line (lines, &line));
  if (lines->problem)
    return NULL;
  trace = make_opportunities (at_ms, &problem);
  if (!trace)
    fail_whole (lines, problem);
  return trace;
}

/* ---- CSV ---- */

typedef enum { COLUMN_TIME, COLUMN_RATE, COLUMN_DELAY, COLUMN_LOSS } ColumnKind;

typedef struct {
  const char *name;
  ColumnKind kind;
  guint scale; /* of the unit to that of SimTraceStep, as a power of ten */
  gint64 max;
} Column;

static const Column columns[] = {
  { "time_s", COLUMN_TIME, 9, SIM_TRACE_PERIOD_MAX_NS },
  { "time_ms", COLUMN_TIME, 6, SIM_TRACE_PERIOD_MAX_NS },
  { "rate_bps", COLUMN_RATE, 0, SIM_RATE_MAX_BPS },
  { "rate_kbps", COLUMN_RATE, 3, SIM_RATE_MAX_BPS },
  { "rate_mbps", COLUMN_RATE, 6, SIM_RATE_MAX_BPS },
  { "delay_ms", COLUMN_DELAY, 6, SIM_DELAY_MAX_NS },
  { "loss_percent", COLUMN_LOSS, 7, SIM_LOSS_CERTAIN_PPB },
};

#define COLUMNS_MAX  4
#define COLUMN_NAMES "time_s, time_ms, rate_bps, rate_kbps, rate_mbps, delay_ms or loss_percent"

typedef struct {
  const Column *columns[COLUMNS_MAX];
  guint n;
  SimTraceFields fields;
} Header;

static const Column *
find_column (const Span *span)
{
  for (guint i = 0; i < G_N_ELEMENTS (columns); i++)
    if (strlen (columns[i].name) == (gsize)(span->end - span->start) &&
        memcmp (columns[i].name, span->start, (gsize)(span->end - span->start)) == 0)
      return &columns[i];
  return NULL;
}

static void
read_column (Lines *lines, const Span *name, Header *header)
{
  static const SimTraceFields fields[] = { 0, SIM_TRACE_RATE, SIM_TRACE_DELAY, SIM_TRACE_LOSS };
  const Column *column = find_column (name);
  g_autofree char *quoted = quote (name);

  if (!column) {
    fail (lines, "'%s' is not " COLUMN_NAMES, quoted);
    return;
  }
  if ((header->n == 0) != (column->kind == COLUMN_TIME))
    fail (lines, "the first column, and no other, is time_s or time_ms");
  else if (header->fields & fields[column->kind])
    fail (lines, "'%s' is the second column of its kind", quoted);
  if (lines->problem)
    return;
  header->fields |= fields[column->kind];
  header->columns[header->n++] = column;
}

static void
read_header (Lines *lines, Span line, Header *header)
{
  Span name;

  while (!lines->problem && cut (&line, ',', &name))
    read_column (lines, &name, header);
  if (!lines->problem && header->fields == 0)
    fail (lines, "there is no column but the time");
}

static void
set_field (SimTraceStep *step, ColumnKind kind, gint64 value)
{
  switch (kind) {
  case COLUMN_TIME:
    step->start_ns = value;
    break;
  case COLUMN_RATE:
    step->rate_bps = value;
    break;
  case COLUMN_DELAY:
    step->delay_ns = value;
    break;
  case COLUMN_LOSS:
    step->loss_ppb = (guint32)value;
    break;
  }
}

static SimTraceStep
read_step (Lines *lines, Span line, const Header *header)
{
  SimTraceStep step = { 0 };
  guint n = 0;
  Span cell;

  for (; !lines->problem && cut (&line, ',', &cell); n++) {
    g_autofree char *quoted = quote (&cell);
    gint64 value;

    if (n >= header->n)
      continue;
    if (parse_decimal (&cell, header->columns[n]->scale, header->columns[n]->max, &value))
      set_field (&step, header->columns[n]->kind, value);
    else
      fail (lines, "%s: '%s' is not a plain decimal within range", header->columns[n]->name,
            quoted);
  }
  if (n != header->n)
    fail (lines, "%s values than the header has columns", n < header->n ? "fewer" : "more");
  return step;
}

static void
add_step (Lines *lines, GArray *steps, const SimTraceStep *step)
{
  if (steps->len == 0 && step->start_ns != 0)
    fail (lines, "the first line's time is not 0");
  else if (steps->len > 0 &&
           step->start_ns <= g_array_index (steps, SimTraceStep, steps->len - 1).start_ns)
    fail (lines, "the time is not after that of the line above");
  else if (steps->len == SIM_TRACE_ITEMS_MAX)
    fail (lines, "more than %d steps", SIM_TRACE_ITEMS_MAX);
  g_array_append_vals (steps, step, 1);
}

/* (nullable) */
static SimTrace *
make_steps (GArray *steps, gint64 period_ns, SimTraceFields fields, char **problem_out)
{
  const SimTraceStep *all = (const SimTraceStep *)(gpointer)steps->data;

  if (period_ns > SIM_TRACE_PERIOD_MAX_NS)
    *problem_out = g_strdup ("it is longer than a day");
  else if (fields & SIM_TRACE_RATE && !sim_trace_can_flow (all, steps->len, period_ns))
    *problem_out = g_strdup ("the rate is 0 on average");
  else
    return sim_trace_new_steps (all, steps->len, period_ns, fields);
  return NULL;
}

static SimTrace *
finish_steps (Lines *lines, GArray *steps, SimTraceFields fields)
{
  const SimTraceStep *all = (const SimTraceStep *)(gpointer)steps->data;
  guint n = steps->len;
  g_autofree char *problem = NULL;
  SimTrace *trace;

  if (n < 2) {
    fail_whole (lines, "there are fewer than two steps");
    return NULL;
  }
  trace = make_steps (steps, 2 * all[n - 1].start_ns - all[n - 2].start_ns, fields, &problem);
  if (!trace)
    fail_whole (lines, problem);
  return trace;
}

static SimTrace *
read_steps (Lines *lines, Span line)
{
  g_autoptr (GArray) steps = g_array_new (FALSE, FALSE, sizeof (SimTraceStep));
  Header header = { 0 };

  read_header (lines, line, &header);
  while (!lines->problem && next_line (lines, &line)) {
    SimTraceStep step = read_step (lines, line, &header);
    if (!lines->problem)
      add_step (lines, steps, &step);
  }
  return lines->problem ? NULL : finish_steps (lines, steps, header.fields);
}

SimTrace *
sim_trace_parse_file (const char *text, gsize size, guint *line_out, char **problem_out)
{
  Lines lines = { .rest = { text, text + size } };
  SimTrace *trace = NULL;
  Span line;

  if (size > SIM_TRACE_FILE_MAX_BYTES)
    fail_whole (&lines, "it is larger than 16 MiB");
  else if (!next_line (&lines, &line))
    fail_whole (&lines, "it is empty");
  else if (g_ascii_isalpha (*line.start))
    trace = read_steps (&lines, line);
  else
    trace = read_opportunities (&lines, line);
  if (trace)
    return trace;
  *line_out = lines.line;
  *problem_out = lines.problem;
  return NULL;
}
