/* SPDX-License-Identifier: Apache-2.0 */
/* ran.c - see ran.h. */
#include "tests/harness/ran.h"

#include <string.h>

static const char head[] = "[scenario]\nformat = 1\ncarrier = pipe\ntitle = Test\nduration = 60s\n";

void
ran_init_seed (Ran *ran, const char *text, guint64 seed, const RunOptions *options)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *all = g_strconcat (head, text, NULL);
  g_autoptr (ScenarioOverrides) overrides = scenario_overrides_new ();

  scenario_overrides_set_testbed (overrides, options ? options->testbed : NULL);
  ran->scenario = scenario_parse ("test", all, strlen (all), overrides, errors);
  for (guint i = 0; i < errors->len; i++)
    g_test_message ("%s", (const char *)g_ptr_array_index (errors, i));
  g_assert_nonnull (ran->scenario);
  ran->store = run_prepare (ran->scenario, seed, options);
  ran->result = run_scenario (ran->scenario, seed, options, ran->store);
  ran->problems = g_string_new (NULL);
  for (guint i = 0; i < ran->result->problems->len; i++)
    g_string_append_printf (ran->problems, "%s\n",
                            (const char *)g_ptr_array_index (ran->result->problems, i));
}

void
ran_init (Ran *ran, const char *text)
{
  ran_init_seed (ran, text, 1, NULL);
}

void
ran_clear (Ran *ran)
{
  run_result_free (ran->result);
  store_run_free (ran->store);
  scenario_free (ran->scenario);
  g_string_free (ran->problems, TRUE);
}

void
ran_expect_exit (const Ran *ran, RunExit exit_class)
{
  if (ran->result->exit_class != exit_class) {
    g_test_message ("%s", ran->problems->str);
    for (guint i = 0; i < ran->store->expectations->len; i++) {
      const StoreExpectation *e = &g_array_index (ran->store->expectations, StoreExpectation, i);
      g_test_message ("%s %s: %s", e->name, e->bound, e->actual ? e->actual : "-");
    }
  }
  g_assert_cmpint (ran->result->exit_class, ==, exit_class);
  g_assert_cmpint (ran->store->exit_class, ==, exit_class);
}

void
ran_expect_problem (const Ran *ran, const char *text)
{
  if (!strstr (ran->problems->str, text))
    g_test_message ("%s", ran->problems->str);
  g_assert_nonnull (strstr (ran->problems->str, text));
}

void
ran_expect_reasons (const Ran *ran, CaimanReason client, CaimanReason server)
{
  g_assert_cmpstr (caiman_reason_to_string (ran->result->side[SCENARIO_SIDE_CLIENT].reason), ==,
                   caiman_reason_to_string (client));
  g_assert_cmpstr (caiman_reason_to_string (ran->result->side[SCENARIO_SIDE_SERVER].reason), ==,
                   caiman_reason_to_string (server));
}

guint
ran_count_rows (const Ran *ran, const char *kind, const char *text)
{
  guint n = 0;

  for (guint i = 0; i < ran->store->events->len; i++) {
    const StoreEvent *row = &g_array_index (ran->store->events, StoreEvent, i);
    n += strcmp (row->kind, kind) == 0 && (!text || strcmp (row->text, text) == 0);
  }
  return n;
}

const StoreFlow *
ran_get_flow (const Ran *ran, const char *name)
{
  int index = scenario_find_flow (ran->scenario, name);

  g_assert_cmpint (index, >=, 0);
  return &g_array_index (ran->store->flows, StoreFlow, index);
}

double
ran_get_metric (const Ran *ran, StoreSubject kind, const char *subject, const char *name)
{
  return store_run_get_metric (ran->store, kind, subject, name);
}
