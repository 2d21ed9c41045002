/* SPDX-License-Identifier: Apache-2.0 */
/* expect.c - [expect]: integrity, outcomes, and bounds on metrics. */
#include "harness/expect.h"

#include "harness/metrics-registry.h"
#include "harness/scenario-action.h"
#include "config/units.h"

#include <string.h>

/* ---- bounds ---- */

static const struct {
  const char *text;
  ScenarioOp op;
} ops[] = {
  { ">=", SCENARIO_OP_GE }, { "<=", SCENARIO_OP_LE }, { ">", SCENARIO_OP_GT },
  { "<", SCENARIO_OP_LT },  { "=", SCENARIO_OP_EQ },
};

char *
expect_parse_quantity (const char *text, MetricUnit unit, gint64 *value_out)
{
  switch (unit) {
  case METRIC_UNIT_TIME:
    return units_parse_time (text, value_out);
  case METRIC_UNIT_BYTES:
    return units_parse_bytes (text, value_out);
  case METRIC_UNIT_RATE:
    return units_parse_rate (text, value_out);
  case METRIC_UNIT_RATIO:
    return units_parse_percent (text, value_out);
  case METRIC_UNIT_COUNT:
    break;
  }
  return units_parse_count (text, value_out);
}

char *
expect_format_quantity (MetricUnit unit, gint64 value)
{
  switch (unit) {
  case METRIC_UNIT_TIME:
    return units_format_time (value);
  case METRIC_UNIT_BYTES:
    return units_format_bytes (value);
  case METRIC_UNIT_RATE:
    return units_format_rate (value);
  case METRIC_UNIT_RATIO:
    return units_format_percent (value);
  case METRIC_UNIT_COUNT:
    break;
  }
  return g_strdup_printf ("%" G_GINT64_FORMAT, value);
}

static char *
parse_range (const char *text, MetricUnit unit, gint64 *value_out, gint64 *value_max_out)
{
  g_auto (GStrv) ends = g_strsplit (text, "..", 2);
  gint64 value = 0, value_max = 0;
  char *problem = expect_parse_quantity (g_strstrip (ends[0]), unit, &value);

  if (!problem)
    problem = expect_parse_quantity (g_strstrip (ends[1]), unit, &value_max);
  if (problem)
    return problem;
  if (value > value_max)
    return g_strdup_printf ("'%s' ends before it begins", text);
  *value_out = value;
  *value_max_out = value_max;
  return NULL;
}

char *
expect_parse_bound (const char *text, MetricUnit unit, ScenarioOp *op_out, gint64 *value_out,
                    gint64 *value_max_out)
{
  ScenarioOp op = SCENARIO_OP_EQ;
  gint64 value = 0, value_max = 0;
  char *problem;

  for (gsize i = 0; i < G_N_ELEMENTS (ops); i++) {
    if (g_str_has_prefix (text, ops[i].text)) {
      op = ops[i].op;
      text += strlen (ops[i].text);
      break;
    }
  }
  g_autofree char *rest = g_strstrip (g_strdup (text));
  if (op == SCENARIO_OP_EQ && strstr (rest, "..")) {
    op = SCENARIO_OP_RANGE;
    problem = parse_range (rest, unit, &value, &value_max);
  } else {
    problem = expect_parse_quantity (rest, unit, &value);
    value_max = problem ? 0 : value;
  }
  if (problem)
    return problem;
  *op_out = op;
  *value_out = value;
  *value_max_out = value_max;
  return NULL;
}

char *
expect_format_bound (MetricUnit unit, ScenarioOp op, gint64 value, gint64 value_max)
{
  g_autofree char *text = expect_format_quantity (unit, value);

  if (op == SCENARIO_OP_RANGE) {
    g_autofree char *max_text = expect_format_quantity (unit, value_max);
    return g_strdup_printf ("%s..%s", text, max_text);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (ops); i++)
    if (ops[i].op == op && op != SCENARIO_OP_EQ)
      return g_strdup_printf ("%s %s", ops[i].text, text);
  return g_steal_pointer (&text);
}

gboolean
expect_holds (const ScenarioExpect *expect, gint64 actual)
{
  switch (expect->op) {
  case SCENARIO_OP_EQ:
    return actual == expect->value;
  case SCENARIO_OP_LT:
    return actual < expect->value;
  case SCENARIO_OP_LE:
    return actual <= expect->value;
  case SCENARIO_OP_GT:
    return actual > expect->value;
  case SCENARIO_OP_GE:
    return actual >= expect->value;
  case SCENARIO_OP_RANGE:
    break;
  }
  return actual >= expect->value && actual <= expect->value_max;
}

/* ---- outcomes ---- */

#define CONNECTION_REASON_FIRST CAIMAN_REASON_TERMINATED
#define CONNECTION_REASON_LAST  CAIMAN_REASON_TERMINATION_TIMEOUT
#define LINK_REASON_FIRST       CAIMAN_REASON_LINK_REFUSED
#define LINK_REASON_LAST        CAIMAN_REASON_NON_WORKING_TIMEOUT

static char *
parse_reason (const char *text, ScenarioSubject subject, CaimanReason *reason_out)
{
  gboolean is_link = subject == SCENARIO_SUBJECT_LINK;
  guint first = is_link ? LINK_REASON_FIRST : CONNECTION_REASON_FIRST;
  guint last = is_link ? LINK_REASON_LAST : CONNECTION_REASON_LAST;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  g_ptr_array_add (names, (gpointer) "survives");
  for (guint reason = first; reason <= last; reason++) {
    const char *name = caiman_reason_to_string ((CaimanReason)reason);
    g_ptr_array_add (names, (gpointer)name);
    if (strcmp (name, text) == 0) {
      *reason_out = (CaimanReason)reason;
      return NULL;
    }
  }
  g_ptr_array_add (names, NULL);
  return value_unknown ("outcome", text, (const char *const *)names->pdata);
}

/* survives | [fails with | ends with] REASON [within T]. */
static char *
parse_outcome (const char *text, ScenarioExpect *expect)
{
  g_auto (GStrv) words = scan_split (text, ' ');
  char **word = words;
  char *problem;

  expect->reason = CAIMAN_REASON_NONE;
  expect->within_ns = CAIMAN_TIME_NEVER;
  if (!words)
    return g_strdup ("parentheses do not match");
  if (strcmp (word[0], "survives") == 0)
    return word[1] ? g_strdup_printf ("nothing can follow 'survives', not '%s'", word[1]) : NULL;
  if ((strcmp (word[0], "fails") == 0 || strcmp (word[0], "ends") == 0) && word[1] &&
      strcmp (word[1], "with") == 0)
    word += 2;
  if (!word[0])
    return g_strdup_printf ("'%s' needs a reason, as in 'fails with all-links-failed'", text);
  problem = parse_reason (word[0], expect->subject, &expect->reason);
  if (problem || !word[1])
    return problem;
  if (strcmp (word[1], "within") != 0 || !word[2] || word[3])
    return g_strdup_printf ("only 'within T' can follow '%s'", word[0]);
  return value_parse_time (word[2], 0, SCENARIO_TIME_MAX_NS, &expect->within_ns);
}

static char *
format_outcome (const ScenarioExpect *expect)
{
  const char *verb = expect->subject == SCENARIO_SUBJECT_LINK ? "ends" : "fails";
  const char *reason = caiman_reason_to_string (expect->reason);

  if (expect->reason == CAIMAN_REASON_NONE)
    return g_strdup ("survives");
  if (expect->within_ns == CAIMAN_TIME_NEVER)
    return g_strdup_printf ("%s with %s", verb, reason);
  g_autofree char *within = units_format_time (expect->within_ns);
  return g_strdup_printf ("%s with %s within %s", verb, reason, within);
}

/* ---- subjects ---- */

static char *
unknown_subject (const Scenario *scenario, const char *name)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  g_ptr_array_add (names, (gpointer) "connection");
  g_ptr_array_add (names, (gpointer) "integrity");
  for (guint i = 0; i < scenario->flows->len; i++)
    g_ptr_array_add (names, scenario_get_flow (scenario, i)->group);
  for (guint i = 0; i < scenario->links->len; i++)
    g_ptr_array_add (names, scenario_get_link (scenario, i)->name);
  g_ptr_array_add (names, NULL);
  if (metrics_registry_find (SCENARIO_SUBJECT_FLOW, name))
    return g_strdup_printf ("say whose: 'FLOW.%s'", name);
  return value_unknown ("subject", name, (const char *const *)names->pdata);
}

/* Takes "up" or "down" from *@parts. */
static ScenarioDirections
take_direction (char ***parts)
{
  if (**parts && strcmp (**parts, "up") == 0) {
    (*parts)++;
    return SCENARIO_ONLY_UP;
  }
  if (**parts && strcmp (**parts, "down") == 0) {
    (*parts)++;
    return SCENARIO_ONLY_DOWN;
  }
  return SCENARIO_BOTH;
}

static gboolean
find_flow_subject (const Scenario *scenario, char ***parts, ExpectKey *key)
{
  for (guint i = 0; i < scenario->flows->len; i++) {
    const ScenarioFlow *flow = scenario_get_flow (scenario, i);
    if (strcmp (flow->group, **parts) != 0)
      continue;
    (*parts)++;
    key->expect.subject = SCENARIO_SUBJECT_FLOW;
    key->expect.index = i;
    ScenarioDirections directions = flow->is_paired ? take_direction (parts) : SCENARIO_BOTH;
    if (directions == SCENARIO_ONLY_DOWN)
      key->expect.index = i + 1;
    else if (flow->is_paired && directions == SCENARIO_BOTH)
      key->pair_index = (int)i + 1;
    return TRUE;
  }
  return FALSE;
}

/* [client.|server.] (connection | FLOW | LINK) [.up|.down] [.METRIC]. */
char *
expect_split_key (const Scenario *scenario, char **parts, ExpectKey *key)
{
  int side = parts[1] ? value_find_name (scenario_side_names, parts[0]) : -1;

  *key = (ExpectKey) { .expect = { .directions = SCENARIO_BOTH }, .pair_index = -1 };
  if (side >= 0) {
    key->expect.view = side == SCENARIO_SIDE_CLIENT ? SCENARIO_VIEW_CLIENT : SCENARIO_VIEW_SERVER;
    parts++;
  }
  int link = scenario_find_link (scenario, parts[0]);
  if (strcmp (parts[0], "connection") == 0) {
    key->expect.subject = SCENARIO_SUBJECT_CONNECTION;
    parts++;
  } else if (link >= 0) {
    key->expect.subject = SCENARIO_SUBJECT_LINK;
    key->expect.index = (guint)link;
    parts++;
    key->expect.directions = take_direction (&parts);
  } else if (!find_flow_subject (scenario, &parts, key)) {
    return unknown_subject (scenario, parts[0]);
  }
  key->metric = parts[0];
  if (parts[0] && parts[1])
    return g_strdup_printf ("'%s' can not follow '%s'", parts[1], parts[0]);
  return NULL;
}

static char *
unknown_metric (ScenarioSubject subject, const char *name)
{
  static const char *const subjects[] = { "connection", "flow", "link" };
  const char *nearest = metrics_registry_suggest (subject, name);

  if (nearest)
    return g_strdup_printf ("unknown metric '%s' of a %s; did you mean '%s'?", name,
                            subjects[subject], nearest);
  for (guint other = SCENARIO_SUBJECT_CONNECTION; other <= SCENARIO_SUBJECT_LINK; other++)
    if (metrics_registry_find ((ScenarioSubject)other, name))
      return g_strdup_printf ("'%s' is a metric of a %s, not of a %s", name, subjects[other],
                              subjects[subject]);
  return g_strdup_printf ("unknown metric '%s' of a %s", name, subjects[subject]);
}

/* Whether this metric can be asked for one side or one direction. */
static char *
check_metric (const MetricInfo *info, const ScenarioExpect *expect)
{
  if (expect->view != SCENARIO_VIEW_ANY && !info->per_side)
    return g_strdup_printf ("'%s' is not told per side", info->name);
  if (expect->directions != SCENARIO_BOTH && !info->per_direction)
    return g_strdup_printf ("'%s' is not told per direction", info->name);
  return NULL;
}

char *
expect_find_metric (const ExpectKey *key, const MetricInfo **info_out)
{
  const MetricInfo *info = metrics_registry_find (key->expect.subject, key->metric);

  if (!info)
    return unknown_metric (key->expect.subject, key->metric);
  *info_out = info;
  return check_metric (info, &key->expect);
}

static char *
parse_metric (const ScanEntry *entry, const ExpectKey *key, ScenarioExpect *expect)
{
  const MetricInfo *info;
  char *problem = expect_find_metric (key, &info);

  expect->kind = SCENARIO_EXPECT_METRIC;
  if (problem)
    return problem;
  expect->metric = info->name;
  expect->unit = info->unit;
  return expect_parse_bound (entry->value, info->unit, &expect->op, &expect->value,
                             &expect->value_max);
}

/* ---- the group ---- */

static const char *const view_prefixes[] = { "", "client.", "server." };

char *
expect_make_name (const Scenario *scenario, const ScenarioExpect *expect)
{
  const char *subject = "connection";
  const char *direction = expect->directions == SCENARIO_ONLY_UP     ? ".up"
                          : expect->directions == SCENARIO_ONLY_DOWN ? ".down"
                                                                     : "";

  if (expect->subject == SCENARIO_SUBJECT_FLOW)
    subject = scenario_get_flow (scenario, expect->index)->name;
  if (expect->subject == SCENARIO_SUBJECT_LINK)
    subject = scenario_get_link (scenario, expect->index)->name;
  return g_strconcat (view_prefixes[expect->view], subject, direction, expect->metric ? "." : "",
                      expect->metric, NULL);
}

/* Adds a copy of @proto with its texts. */
static void
add_expect (Scenario *scenario, const ScenarioExpect *proto, guint line)
{
  ScenarioExpect *expect = g_memdup2 (proto, sizeof *proto);

  expect->line = line;
  expect->name = expect_make_name (scenario, expect);
  if (expect->kind == SCENARIO_EXPECT_OUTCOME)
    expect->text = format_outcome (expect);
  else
    expect->text = expect_format_bound (expect->unit, expect->op, expect->value, expect->value_max);
  g_ptr_array_add (scenario->expects, expect);
}

static char *
read_expect (Reader *reader, const ScanEntry *entry)
{
  g_auto (GStrv) parts = g_strsplit (entry->key, ".", -1);
  char *problem;
  ExpectKey key;

  problem = expect_split_key (reader->scenario, parts, &key);
  if (problem)
    return problem;
  if (key.metric) {
    problem = parse_metric (entry, &key, &key.expect);
  } else if (key.expect.subject == SCENARIO_SUBJECT_FLOW) {
    problem = g_strdup_printf ("say which metric of '%s'", parts[0]);
  } else if (key.expect.directions != SCENARIO_BOTH) {
    problem = g_strdup ("a link ends in both directions");
  } else {
    key.expect.kind = SCENARIO_EXPECT_OUTCOME;
    problem = parse_outcome (entry->value, &key.expect);
  }
  if (problem)
    return problem;
  /* The connection's outcome has been read by read_connection_outcome(). */
  if (key.expect.kind == SCENARIO_EXPECT_OUTCOME &&
      key.expect.subject == SCENARIO_SUBJECT_CONNECTION)
    return NULL;
  add_expect (reader->scenario, &key.expect, entry->place.line);
  if (key.pair_index >= 0) {
    key.expect.index = (guint)key.pair_index;
    add_expect (reader->scenario, &key.expect, entry->place.line);
  }
  return NULL;
}

static void
add_integrity (Reader *reader, const Fields *fields)
{
  const ScanEntry *entry = fields ? fields_find (fields, "integrity") : NULL;
  ScenarioExpect *expect = g_new0 (ScenarioExpect, 1);

  expect->kind = SCENARIO_EXPECT_INTEGRITY;
  expect->directions = SCENARIO_BOTH;
  expect->name = g_strdup ("integrity");
  expect->text = g_strdup ("exact");
  expect->line = entry ? entry->place.line : 0;
  g_ptr_array_add (reader->scenario->expects, expect);
  if (entry && strcmp (entry->value, "exact") != 0)
    fields_error (fields, entry, "can only be 'exact', not '%s'", entry->value);
}

/* "connection" for both sides, "client.connection" and "server.connection" over it. Errors of the
 * values are told by read_expect(). */
static void
add_connection_outcome (Reader *reader, const Fields *fields)
{
  static const char *const keys[] = { "connection", "client.connection", "server.connection" };
  ScenarioExpect outcomes[3];
  guint lines[3] = { 0 };
  gboolean is_given[3] = { FALSE };

  for (guint i = 0; i < 3; i++) {
    const ScanEntry *entry = fields ? fields_find (fields, keys[i]) : NULL;
    outcomes[i] = outcomes[0];
    if (i == 0)
      outcomes[0] = (ScenarioExpect) { .kind = SCENARIO_EXPECT_OUTCOME,
                                       .subject = SCENARIO_SUBJECT_CONNECTION,
                                       .directions = SCENARIO_BOTH,
                                       .within_ns = CAIMAN_TIME_NEVER };
    outcomes[i].view = (ScenarioView)i;
    lines[i] = entry ? entry->place.line : lines[0];
    is_given[i] = entry != NULL;
    if (entry)
      g_free (parse_outcome (entry->value, &outcomes[i]));
  }
  if (!is_given[1] && !is_given[2])
    add_expect (reader->scenario, &outcomes[0], lines[0]);
  for (guint i = 1; i < 3 && (is_given[1] || is_given[2]); i++)
    add_expect (reader->scenario, &outcomes[i], lines[i]);
}

/* A flow that is never closed keeps the connection, and so the run, from ending. */
static void
check_close (Reader *reader)
{
  const Scenario *scenario = reader->scenario;

  for (guint i = 0; i < scenario->expects->len; i++) {
    const ScenarioExpect *expect = scenario_get_expect (scenario, i);
    if (expect->kind == SCENARIO_EXPECT_OUTCOME && expect->subject == SCENARIO_SUBJECT_CONNECTION &&
        expect->reason != CAIMAN_REASON_NONE)
      return;
  }
  for (guint i = 0; i < scenario->flows->len && !scenario->ends_at_duration; i++) {
    const ScenarioFlow *flow = scenario_get_flow (scenario, i);
    g_autofree char *name = g_strconcat ("traffic ", flow->group, NULL);
    Fields fields = { reader->errors, scan_doc_find (reader->doc, name) };
    if (flow->close == SCENARIO_CLOSE_NEVER)
      fields_error (&fields, fields_find (&fields, "close"),
                    "without a close the run cannot complete: give 'ends = at-duration' in "
                    "[scenario], or expect the connection to fail");
  }
}

void
reader_read_expects (Reader *reader)
{
  const ScanGroup *group = scan_doc_find (reader->doc, "expect");
  Fields fields = { reader->errors, group };

  add_integrity (reader, group ? &fields : NULL);
  add_connection_outcome (reader, group ? &fields : NULL);
  for (guint i = 0; group && i < group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (group->entries, i);
    if (i == SCENARIO_ITEMS_MAX) {
      scan_errors_add (reader->errors, entry->place, "more than %d expectations",
                       SCENARIO_ITEMS_MAX);
      break;
    }
    if (strcmp (entry->key, "integrity") != 0)
      fields_take_problem (&fields, entry, read_expect (reader, entry));
  }
  check_close (reader);
}
