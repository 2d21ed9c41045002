/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-values.c - parse and format, side by side per type. */
#include "harness/scenario-values.h"

#include "config/scan.h"
#include "config/suggest.h"
#include "config/units.h"

#include <string.h>

#define PACKETS_MAX 1000000000
#define HOUR_NS     (3600 * CAIMAN_NS_PER_S)

const char *const scenario_carrier_names[] = { "pipe", "tcp", NULL };
const char *const scenario_side_names[] = { "client", "server", NULL };
const char *const scenario_traffic_kind_names[] = { "bulk",   "rate",     "request",
                                                    "on-off", "messages", NULL };
const char *const scenario_mode_names[] = { "stream", "messages", NULL };
const char *const scenario_accept_names[] = { "yes", "refuse", "not-listening", NULL };
const char *const scenario_inject_names[] = {
  "garbage",
  "oversized-frame",
  "bad-sequence",
  "bad-checksum",
  "unknown-message",
  "short-message",
  "welcome-on-established",
  "ack-unknown",
  "duplicate-goodbye",
  "consumed-too-much",
  "data-overflow",
  "sequence-too-far",
  NULL,
};

G_STATIC_ASSERT (G_N_ELEMENTS (scenario_carrier_names) == SCENARIO_N_CARRIERS + 1);
G_STATIC_ASSERT (G_N_ELEMENTS (scenario_side_names) == SCENARIO_N_SIDES + 1);
G_STATIC_ASSERT (G_N_ELEMENTS (scenario_traffic_kind_names) == SCENARIO_N_TRAFFIC_KINDS + 1);
G_STATIC_ASSERT (G_N_ELEMENTS (scenario_mode_names) == SCENARIO_N_MODES + 1);
G_STATIC_ASSERT (G_N_ELEMENTS (scenario_accept_names) == SCENARIO_N_ACCEPTS + 1);
G_STATIC_ASSERT (G_N_ELEMENTS (scenario_inject_names) == SCENARIO_N_INJECTS + 1);

char *
value_parse_rate (const char *text, gint64 *bps_out)
{
  if (strcmp (text, "unlimited") == 0) {
    *bps_out = SCENARIO_RATE_UNLIMITED;
    return NULL;
  }
  return value_parse_rate_within (text, 1, SCENARIO_RATE_MAX_BPS, bps_out);
}

static char *
parse_probability (const char *text, gint64 *ppb_out)
{
  return value_parse_percent_within (text, 0, SCENARIO_PPB, ppb_out);
}

char *
value_format_rate (gint64 bps)
{
  return bps == SCENARIO_RATE_UNLIMITED ? g_strdup ("unlimited") : units_format_rate (bps);
}

/* ---- jitter ---- */

static const char *const jitter_names[] = { "none", "uniform", "normal", "pareto", NULL };
G_STATIC_ASSERT (G_N_ELEMENTS (jitter_names) == SCENARIO_N_JITTERS + 1);

char *
value_parse_jitter (const char *text, ScenarioJitter *jitter_out)
{
  g_auto (GStrv) call = scan_call (text);
  int kind = call ? value_find_name (jitter_names, call[0]) : -1;
  guint n_args = call ? g_strv_length (call) - 1 : 0;
  ScenarioJitter jitter = { SCENARIO_JITTER_NONE, 0, 0 };

  if (kind < 0 || (n_args > 0) != (kind != SCENARIO_JITTER_NONE) || n_args > 2)
    return g_strdup_printf ("'%s' is not none, uniform(T[, P]), normal(T[, P]) or pareto(T[, P])",
                            text);
  jitter.kind = (ScenarioJitterKind)kind;
  char *problem = n_args ? value_parse_time (call[1], 0, HOUR_NS, &jitter.spread_ns) : NULL;
  if (!problem && n_args == 2)
    problem = parse_probability (call[2], &jitter.correlation_ppb);
  if (!problem)
    *jitter_out = jitter;
  return problem;
}

char *
value_format_jitter (const ScenarioJitter *jitter)
{
  if (jitter->kind == SCENARIO_JITTER_NONE)
    return g_strdup ("none");
  g_autofree char *spread = units_format_time (jitter->spread_ns);
  g_autofree char *correlation = units_format_percent (jitter->correlation_ppb);
  if (jitter->correlation_ppb > 0)
    return g_strdup_printf ("%s(%s, %s)", jitter_names[jitter->kind], spread, correlation);
  return g_strdup_printf ("%s(%s)", jitter_names[jitter->kind], spread);
}

/* ---- loss ---- */

static char *
parse_gilbert (char **args, guint n_args, ScenarioLoss *loss)
{
  gint64 *fields[] = { &loss->p_ppb, &loss->r_ppb, &loss->loss_bad_ppb, &loss->loss_good_ppb };
  char *problem = NULL;

  loss->kind = SCENARIO_LOSS_GILBERT;
  loss->loss_bad_ppb = SCENARIO_PPB;
  if (n_args < 2 || n_args > 4)
    return g_strdup ("gilbert takes 2 to 4 probabilities: gilbert(p, r[, 1-h[, 1-k]])");
  for (guint i = 0; i < n_args && !problem; i++)
    problem = parse_probability (args[i], fields[i]);
  return problem;
}

/* In netem's order and with its defaults. */
static char *
parse_four (char **args, guint n_args, ScenarioLoss *loss)
{
  gint64 *ppb = loss->four_ppb;
  char *problem = NULL;

  loss->kind = SCENARIO_LOSS_FOUR;
  if (n_args < 1 || n_args > 5)
    return g_strdup ("four-state takes 1 to 5 probabilities: four-state(p13[, p31[, p32[, p23[, "
                     "p14]]]])");
  ppb[3] = SCENARIO_PPB;
  for (guint i = 0; i < n_args && !problem; i++)
    problem = parse_probability (args[i], &ppb[i]);
  if (n_args == 1)
    ppb[1] = SCENARIO_PPB - ppb[0];
  if (!problem && (ppb[0] + ppb[4] > SCENARIO_PPB || ppb[1] + ppb[2] > SCENARIO_PPB))
    problem = g_strdup ("p13 + p14 and p31 + p32 are at most 100%");
  return problem;
}

static char *
parse_mask (char **args, guint n_args, ScenarioLoss *loss)
{
  gsize len = n_args == 1 ? strlen (args[0]) : 0;

  loss->kind = SCENARIO_LOSS_MASK;
  if (len < 1 || len > SCENARIO_LOSS_MASK_MAX || strspn (args[0], "01") != len)
    return g_strdup_printf ("mask takes 1 to %d digits 0 (passes) or 1 (lost): mask(0001)",
                            SCENARIO_LOSS_MASK_MAX);
  loss->mask_len = (guint)len;
  for (guint i = 0; i < len; i++)
    if (args[0][i] == '1')
      loss->mask |= G_GUINT64_CONSTANT (1) << i;
  return NULL;
}

static char *
parse_loss_call (char **call, const char *text, ScenarioLoss *loss)
{
  guint n_args = g_strv_length (call) - 1;

  if (strcmp (call[0], "gilbert") == 0)
    return parse_gilbert (call + 1, n_args, loss);
  if (strcmp (call[0], "four-state") == 0)
    return parse_four (call + 1, n_args, loss);
  if (strcmp (call[0], "mask") == 0)
    return parse_mask (call + 1, n_args, loss);
  if (strcmp (call[0], "every") == 0 && n_args == 1) {
    loss->kind = SCENARIO_LOSS_EVERY;
    return value_parse_count (call[1], 1, PACKETS_MAX, &loss->nth);
  }
  if (n_args == 0 && g_ascii_isdigit (text[0])) {
    loss->kind = SCENARIO_LOSS_BERNOULLI;
    return parse_probability (text, &loss->p_ppb);
  }
  return g_strdup_printf (
      "'%s' is not none, P%%, gilbert(P, R[, 1-H[, 1-K]]), four-state(P13, P31, P32, P23, P14), "
      "every(N) or mask(0001)",
      text);
}

char *
value_parse_loss (const char *text, ScenarioLoss *loss_out)
{
  ScenarioLoss loss = { .kind = SCENARIO_LOSS_NONE };
  g_auto (GStrv) call = scan_call (text);
  char *problem = NULL;

  if (!call)
    return g_strdup_printf ("'%s' has parentheses that do not match", text);
  if (strcmp (text, "none") != 0)
    problem = parse_loss_call (call, text, &loss);
  if (!problem)
    *loss_out = loss;
  return problem;
}

static char *
format_gilbert (const ScenarioLoss *loss)
{
  g_autofree char *p = units_format_percent (loss->p_ppb);
  g_autofree char *r = units_format_percent (loss->r_ppb);
  g_autofree char *bad = units_format_percent (loss->loss_bad_ppb);
  g_autofree char *good = units_format_percent (loss->loss_good_ppb);
  return g_strdup_printf ("gilbert(%s, %s, %s, %s)", p, r, bad, good);
}

static char *
format_four (const ScenarioLoss *loss)
{
  GString *text = g_string_new ("four-state(");

  for (guint i = 0; i < G_N_ELEMENTS (loss->four_ppb); i++) {
    g_autofree char *p = units_format_percent (loss->four_ppb[i]);
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", p);
  }
  g_string_append_c (text, ')');
  return g_string_free (text, FALSE);
}

char *
value_format_loss (const ScenarioLoss *loss)
{
  char mask[SCENARIO_LOSS_MASK_MAX + 1] = "";

  switch (loss->kind) {
  case SCENARIO_LOSS_BERNOULLI:
    return units_format_percent (loss->p_ppb);
  case SCENARIO_LOSS_GILBERT:
    return format_gilbert (loss);
  case SCENARIO_LOSS_FOUR:
    return format_four (loss);
  case SCENARIO_LOSS_EVERY:
    return g_strdup_printf ("every(%" G_GINT64_FORMAT ")", loss->nth);
  case SCENARIO_LOSS_MASK:
    for (guint i = 0; i < loss->mask_len; i++)
      mask[i] = loss->mask >> i & 1 ? '1' : '0';
    return g_strdup_printf ("mask(%s)", mask);
  case SCENARIO_LOSS_NONE:
  case SCENARIO_N_LOSSES:
    break;
  }
  return g_strdup ("none");
}

/* ---- queue ---- */

char *
value_parse_queue (const char *text, ScenarioQueue *queue_out)
{
  ScenarioQueue queue = { SCENARIO_QUEUE_PACKETS, 0 };
  g_auto (GStrv) words = g_strsplit_set (text, " \t", 2);
  g_autofree char *as_time = NULL;
  g_autofree char *as_bytes = NULL;

  if (words[0] && words[1] && strcmp (g_strstrip (words[1]), "packets") == 0) {
    char *problem = value_parse_count (words[0], 1, PACKETS_MAX, &queue.limit);
    if (!problem)
      *queue_out = queue;
    return problem;
  }
  as_time = units_parse_time (text, &queue.limit);
  queue.unit = SCENARIO_QUEUE_TIME;
  if (as_time) {
    as_bytes = units_parse_bytes (text, &queue.limit);
    queue.unit = SCENARIO_QUEUE_BYTES;
  }
  if (as_time && as_bytes)
    return g_strdup_printf ("'%s' is not a time (100ms), a size (64KiB) or a number of packets "
                            "(50 packets)",
                            text);
  if (queue.limit < 1 ||
      queue.limit > (queue.unit == SCENARIO_QUEUE_TIME ? HOUR_NS : SCENARIO_BYTES_MAX))
    return g_strdup_printf ("'%s' is out of range", text);
  *queue_out = queue;
  return NULL;
}

char *
value_format_queue (const ScenarioQueue *queue)
{
  switch (queue->unit) {
  case SCENARIO_QUEUE_TIME:
    return units_format_time (queue->limit);
  case SCENARIO_QUEUE_BYTES:
    return units_format_bytes (queue->limit);
  case SCENARIO_QUEUE_PACKETS:
  case SCENARIO_N_QUEUES:
    break;
  }
  return g_strdup_printf ("%" G_GINT64_FORMAT " packets", queue->limit);
}

/* ---- sizes ---- */

static const char *const size_names[] = { "fixed", "uniform", "exponential", "pareto", "list" };
G_STATIC_ASSERT (G_N_ELEMENTS (size_names) == SCENARIO_N_SIZE_KINDS);

#define SIZE_FORMS                                                                                 \
  "a size, uniform(A, B), exponential(MEAN, MAX), pareto(MIN, MAX) or list(A, B, ...)"

static void
fill_size (ScenarioSize *size)
{
  const gint64 *v = size->sizes;

  size->min_bytes = size->kind == SCENARIO_SIZE_EXPONENTIAL ? 1 : v[0];
  size->max_bytes = size->kind == SCENARIO_SIZE_FIXED ? v[0] : v[1];
  size->mean_bytes = size->kind == SCENARIO_SIZE_EXPONENTIAL ? v[0] : 0;
  if (size->kind == SCENARIO_SIZE_LIST) {
    size->max_bytes = v[0];
    for (guint i = 1; i < size->n_sizes; i++) {
      size->min_bytes = MIN (size->min_bytes, v[i]);
      size->max_bytes = MAX (size->max_bytes, v[i]);
    }
  }
}

char *
value_parse_size (const char *text, gint64 max, ScenarioSize *size_out)
{
  ScenarioSize size = { .kind = SCENARIO_SIZE_FIXED };
  g_auto (GStrv) call = scan_call (text);
  char **args = call ? call + 1 : NULL;

  if (call && !call[1]) {
    args = call;
  } else if (call) {
    while (size.kind < SCENARIO_N_SIZE_KINDS && strcmp (size_names[size.kind], call[0]) != 0)
      size.kind++;
  }
  size.n_sizes = args ? g_strv_length (args) : 0;
  if (!args || size.kind == SCENARIO_N_SIZE_KINDS || size.n_sizes > SCENARIO_SIZE_LIST_MAX ||
      (size.kind == SCENARIO_SIZE_FIXED && args != call) ||
      (size.kind != SCENARIO_SIZE_FIXED && size.kind != SCENARIO_SIZE_LIST && size.n_sizes != 2))
    return g_strdup_printf ("'%s' is not " SIZE_FORMS, text);
  for (guint i = 0; i < size.n_sizes; i++) {
    char *problem = value_parse_bytes (args[i], 1, max, &size.sizes[i]);
    if (problem)
      return problem;
  }
  if (size.n_sizes == 2 && size.kind != SCENARIO_SIZE_LIST && size.sizes[0] > size.sizes[1])
    return g_strdup_printf ("'%s' has its larger size first", text);
  fill_size (&size);
  *size_out = size;
  return NULL;
}

char *
value_format_size (const ScenarioSize *size)
{
  GString *text = g_string_new (NULL);

  if (size->kind != SCENARIO_SIZE_FIXED)
    g_string_append_printf (text, "%s(", size_names[size->kind]);
  for (guint i = 0; i < size->n_sizes; i++) {
    g_autofree char *bytes = units_format_bytes (size->sizes[i]);
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", bytes);
  }
  if (size->kind != SCENARIO_SIZE_FIXED)
    g_string_append_c (text, ')');
  return g_string_free (text, FALSE);
}
