/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-values-queue.c - the values queue-discipline and mtu. */
#include "harness/scenario-values.h"

#include "config/scan.h"
#include "config/units.h"
#include "sim/path.h"

#include <string.h>

#define HOUR_NS (3600 * CAIMAN_NS_PER_S)

static const char *const discipline_names[] = { "tail-drop", "drop-head", "codel", "red", NULL };
G_STATIC_ASSERT (G_N_ELEMENTS (discipline_names) == SCENARIO_N_DISCIPLINES + 1);

static const char *const gentle_names[] = { "plain", "gentle", NULL };

#define DISCIPLINE_FORMS                                                                           \
  "tail-drop, drop-head, codel, codel(TARGET, INTERVAL) or red(MIN, MAX, P[, gentle|plain])"

const char *
scenario_discipline_to_string (ScenarioDisciplineKind kind)
{
  return discipline_names[kind];
}

static char *
parse_codel (char **args, ScenarioDiscipline *codel)
{
  char *problem;

  codel->target_ns = SIM_CODEL_TARGET_DEFAULT_NS;
  codel->interval_ns = SIM_CODEL_INTERVAL_DEFAULT_NS;
  if (!args[0])
    return NULL;
  problem = value_parse_time (args[0], 1, HOUR_NS, &codel->target_ns);
  if (!problem)
    problem = value_parse_time (args[1], 1, HOUR_NS, &codel->interval_ns);
  if (!problem && codel->target_ns > codel->interval_ns)
    problem = g_strdup ("codel's target is longer than its interval");
  return problem;
}

static char *
parse_red (char **args, ScenarioDiscipline *red)
{
  char *problem = value_parse_queue (args[0], &red->min);
  int gentle = args[3] ? value_find_name (gentle_names, args[3]) : 1;

  if (!problem)
    problem = value_parse_queue (args[1], &red->max);
  if (!problem)
    problem = value_parse_percent_within (args[2], 0, SCENARIO_PPB, &red->max_ppb);
  if (problem)
    return problem;
  if (gentle < 0)
    return g_strdup_printf ("'%s' is not gentle or plain", args[3]);
  if (red->min.unit != red->max.unit || red->min.unit == SCENARIO_QUEUE_TIME)
    return g_strdup ("red's thresholds are both sizes (30kB) or both numbers of packets "
                     "(20 packets)");
  if (red->min.limit >= red->max.limit)
    return g_strdup ("red's lower threshold is not below its upper one");
  red->is_gentle = gentle;
  return NULL;
}

char *
value_parse_discipline (const char *text, ScenarioDiscipline *discipline_out)
{
  g_auto (GStrv) call = scan_call (text);
  int kind = call ? value_find_name (discipline_names, call[0]) : -1;
  guint n_args = call ? g_strv_length (call) - 1 : 0;
  ScenarioDiscipline discipline = { .kind = SCENARIO_DISCIPLINE_TAIL_DROP };
  char *problem = NULL;

  if (kind < 0 || (kind < SCENARIO_DISCIPLINE_CODEL && n_args > 0) ||
      (kind == SCENARIO_DISCIPLINE_CODEL && n_args != 0 && n_args != 2) ||
      (kind == SCENARIO_DISCIPLINE_RED && n_args != 3 && n_args != 4))
    return g_strdup_printf ("'%s' is not " DISCIPLINE_FORMS, text);
  discipline.kind = (ScenarioDisciplineKind)kind;
  if (kind == SCENARIO_DISCIPLINE_CODEL)
    problem = parse_codel (call + 1, &discipline);
  if (kind == SCENARIO_DISCIPLINE_RED)
    problem = parse_red (call + 1, &discipline);
  if (!problem)
    *discipline_out = discipline;
  return problem;
}

char *
value_format_discipline (const ScenarioDiscipline *discipline)
{
  if (discipline->kind == SCENARIO_DISCIPLINE_CODEL) {
    g_autofree char *target = units_format_time (discipline->target_ns);
    g_autofree char *interval = units_format_time (discipline->interval_ns);
    return g_strdup_printf ("codel(%s, %s)", target, interval);
  }
  if (discipline->kind == SCENARIO_DISCIPLINE_RED) {
    g_autofree char *min = value_format_queue (&discipline->min);
    g_autofree char *max = value_format_queue (&discipline->max);
    g_autofree char *p = units_format_percent (discipline->max_ppb);
    return g_strdup_printf ("red(%s, %s, %s, %s)", min, max, p,
                            gentle_names[discipline->is_gentle]);
  }
  return g_strdup (discipline_names[discipline->kind]);
}

char *
value_parse_mtu (const char *text, gint64 *bytes_out, gboolean *is_blackhole_out)
{
  g_auto (GStrv) call = scan_call (text);
  gboolean is_blackhole = call && call[1] && !call[2] && strcmp (call[0], "blackhole") == 0;
  char *problem;

  if (strcmp (text, "none") == 0) {
    *bytes_out = 0;
    *is_blackhole_out = FALSE;
    return NULL;
  }
  if (call && call[1] && !is_blackhole)
    return g_strdup_printf ("'%s' is not none, a size (1500B) or blackhole(1400B)", text);
  problem =
      value_parse_bytes (is_blackhole ? call[1] : text, SIM_MTU_MIN_BYTES, G_MAXUINT16, bytes_out);
  if (!problem)
    *is_blackhole_out = is_blackhole;
  return problem;
}

char *
value_format_mtu (gint64 bytes, gboolean is_blackhole)
{
  g_autofree char *size = units_format_bytes (bytes);

  if (bytes == 0)
    return g_strdup ("none");
  return is_blackhole ? g_strdup_printf ("blackhole(%s)", size) : g_strdup (size);
}
