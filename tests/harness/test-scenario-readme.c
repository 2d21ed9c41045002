/* SPDX-License-Identifier: Apache-2.0 */
/* test-scenario-readme.c - the format's reference keeps up with the code: its examples load, its
 * tables have the values of today, and nothing that a file may say is missing from it.
 *
 * When a row is missing, the message is the row to put in. */
#include "harness/metrics-registry.h"
#include "harness/presets.h"
#include "harness/scenario-values.h"
#include "config/units.h"

#include <string.h>

typedef struct {
  char *text;
} Readme;

static void
set_up (Readme *readme, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_file_get_contents (SCENARIOS_DIR "/README.md", &readme->text, NULL, &error);
  g_assert_no_error (error);
}

static void
tear_down (Readme *readme, gconstpointer data)
{
  g_free (readme->text);
}

static void
expect_text (const Readme *readme, const char *text)
{
  if (strstr (readme->text, text))
    return;
  g_test_message ("scenarios/README.md lacks: %s", text);
  g_test_fail ();
}

/* "`NAME" anywhere: as a key of a table, or as the first word of an action. */
static void
expect_names (const Readme *readme, const char *const *names)
{
  for (guint i = 0; names[i]; i++) {
    g_autofree char *quoted = g_strconcat ("`", names[i], NULL);
    expect_text (readme, quoted);
  }
}

static void
test_examples (Readme *readme, gconstpointer data)
{
  g_auto (GStrv) blocks = g_strsplit (readme->text, "```ini\n", -1);
  guint n_blocks = g_strv_length (blocks);

  g_assert_cmpuint (n_blocks, >=, 3);
  for (guint i = 1; i < n_blocks; i++) {
    g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
    char *end = strstr (blocks[i], "```");
    g_assert_nonnull (end);
    g_autoptr (Scenario) scenario =
        scenario_parse ("example", blocks[i], end - blocks[i], NULL, errors);
    for (guint e = 0; e < errors->len; e++)
      g_test_message ("%s", (char *)errors->pdata[e]);
    g_assert_nonnull (scenario);
  }
}

/* The errors that the text shows are those that the mistakes make. */
static void
test_messages (Readme *readme, gconstpointer data)
{
  static const struct {
    const char *right, *wrong;
  } mistakes[] = {
    { "delay    = 10ms ", "dely     = 10ms " },
    { "blackhole wifi", "blakchole wifi" },
    { "<= 500ms", "<= 500" },
  };
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  char *start = strstr (readme->text, "```ini\n");
  g_assert_nonnull (start);
  g_autofree char *first = g_strndup (start + 7, strstr (start + 7, "```") - (start + 7));
  g_autoptr (GString) text = g_string_new (first);

  for (gsize i = 0; i < G_N_ELEMENTS (mistakes); i++)
    g_assert_cmpuint (g_string_replace (text, mistakes[i].right, mistakes[i].wrong, 1), ==, 1);
  g_assert_null (scenario_parse ("silent.ini", text->str, text->len, NULL, errors));
  g_assert_cmpuint (errors->len, ==, G_N_ELEMENTS (mistakes));
  for (guint i = 0; i < errors->len; i++)
    expect_text (readme, errors->pdata[i]);
}

static char *
format_value (const CaimanTunable *tunable, gint64 value)
{
  switch (tunable->kind) {
  case CAIMAN_TUNABLE_DURATION:
    return value_format_time (value);
  case CAIMAN_TUNABLE_BYTES:
    return units_format_bytes (value);
  case CAIMAN_TUNABLE_ENUM:
    return g_strdup (tunable->enum_names[value]);
  case CAIMAN_TUNABLE_BOOLEAN:
    return g_strdup (value ? "yes" : "no");
  case CAIMAN_TUNABLE_COUNT:
    break;
  }
  return g_strdup_printf ("%" G_GINT64_FORMAT, value);
}

static char *
format_range (const CaimanTunable *tunable)
{
  if (tunable->kind == CAIMAN_TUNABLE_ENUM)
    return g_strjoinv (", ", (char **)tunable->enum_names);
  if (tunable->kind == CAIMAN_TUNABLE_BOOLEAN)
    return g_strdup ("yes, no");
  g_autofree char *min = format_value (tunable, tunable->min);
  g_autofree char *max = format_value (tunable, tunable->max);
  return g_strdup_printf ("%s to %s%s", min, max, tunable->allows_never ? ", never" : "");
}

static void
test_tunables (Readme *readme, gconstpointer data)
{
  gsize n_tunables;
  const CaimanTunable *tunables = caiman_config_get_tunables (&n_tunables);

  for (gsize i = 0; i < n_tunables; i++) {
    g_autoptr (GString) row = g_string_new (NULL);
    g_autofree char *range = format_range (&tunables[i]);
    g_string_printf (row, "| `%s` |", tunables[i].name);
    for (guint p = 0; p < CAIMAN_N_PRESETS; p++) {
      g_autofree char *value = format_value (&tunables[i], tunables[i].preset_values[p]);
      g_string_append_printf (row, " %s |", value);
    }
    g_string_append_printf (row, " %s | %s |", range, tunables[i].doc);
    expect_text (readme, row->str);
  }
}

static void
test_metrics (Readme *readme, gconstpointer data)
{
  static const char *const subjects[] = { "connection", "flow", "link" };
  static const char *const units[] = { "time", "size", "rate", "%", "count" };
  static const char *const better[] = { "lower", "", "higher" };
  gsize n_metrics;
  const MetricInfo *metrics = metrics_registry_get (&n_metrics);

  for (gsize i = 0; i < n_metrics; i++) {
    const MetricInfo *m = &metrics[i];
    g_autofree char *row =
        g_strdup_printf ("| %s | `%s` | %s | %s | %s | %s |", subjects[m->subject], m->name,
                         units[m->unit], better[m->better + 1],
                         m->per_side        ? "side"
                         : m->per_direction ? "direction"
                                            : "",
                         m->meaning);
    expect_text (readme, row);
  }
}

static void
test_presets (Readme *readme, gconstpointer data)
{
  gsize n_presets;
  const LinkPreset *presets = link_presets_get (&n_presets);

  for (gsize i = 0; i < n_presets; i++) {
    g_autoptr (GString) row = g_string_new (NULL);
    g_string_printf (row, "| `%s` | %s | ", presets[i].name, presets[i].about);
    for (const LinkPresetEntry *e = presets[i].entries; e->key; e++)
      g_string_append_printf (row, "%s`%s = %s`", e == presets[i].entries ? "" : ", ", e->key,
                              e->value);
    g_string_append (row, " |");
    expect_text (readme, row->str);
  }
}

static void
test_names (Readme *readme, gconstpointer data)
{
  expect_names (readme, scenario_verb_names);
  expect_names (readme, scenario_inject_names);
  expect_names (readme, scenario_traffic_kind_names);
  expect_names (readme, scenario_carrier_names);
  expect_names (readme, scenario_accept_names);
  expect_names (readme, scenario_mode_names);
  for (guint reason = CAIMAN_REASON_TERMINATED; reason <= CAIMAN_REASON_NON_WORKING_TIMEOUT;
       reason++) {
    const char *const name[] = { caiman_reason_to_string ((CaimanReason)reason), NULL };
    expect_names (readme, name);
  }
}

#define ADD(name, func) g_test_add (name, Readme, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/harness/scenario/readme/examples", test_examples);
  ADD ("/harness/scenario/readme/messages", test_messages);
  ADD ("/harness/scenario/readme/tunables", test_tunables);
  ADD ("/harness/scenario/readme/metrics", test_metrics);
  ADD ("/harness/scenario/readme/presets", test_presets);
  ADD ("/harness/scenario/readme/names", test_names);
  return g_test_run ();
}
