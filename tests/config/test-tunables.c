/* SPDX-License-Identifier: Apache-2.0 */
/* test-tunables.c - the tunables of core/config.h as text. */
#include "config/tunables.h"

#include "config/values.h"

#include <string.h>

/* The default of each, in each preset, parses to itself. */
static void
test_round_trip (void)
{
  gsize n_tunables;
  const CaimanTunable *tunables = caiman_config_get_tunables (&n_tunables);
  for (gsize i = 0; i < n_tunables; i++) {
    for (guint preset = 0; preset < CAIMAN_N_PRESETS; preset++) {
      gint64 wanted = tunables[i].preset_values[preset], value = G_MININT64;
      g_autofree char *text = tunable_format (&tunables[i], wanted);
      g_autofree char *problem = tunable_parse (&tunables[i], text, &value);
      g_assert_cmpstr (problem, ==, NULL);
      g_assert_cmpint (value, ==, wanted);
    }
  }
}

static void
test_set (void)
{
  static const struct {
    const char *assignment, *complaint;
  } cases[] = {
    { "send-buffer=2MiB", NULL },
    { " send-buffer = 2MiB ", NULL },
    { "reconnect-delay=never", NULL },
    { "policy=min-rtt", NULL },
    { "consumed-when-empty=yes", NULL },
    { "ack-timeout-factor=4", NULL },
    { "send-buffer=2", "send-buffer: " },
    { "send-buffer=1B", "out of range" },
    { "policy=best", "unknown value 'best'" },
    { "consumed-when-empty=1", "known: no, yes" },
    { "send-bufer=2MiB", "did you mean 'send-buffer'?" },
    { "send-buffer", "is not NAME=VALUE" },
    { "=1", "unknown tunable ''" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    CaimanConfig config, before;
    caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
    before = config;
    g_autofree char *problem = tunable_set_assignment (&config, cases[i].assignment);
    g_assert_cmpint (problem != NULL, ==, cases[i].complaint != NULL);
    if (problem != NULL)
      g_assert_nonnull (strstr (problem, cases[i].complaint));
    g_assert_cmpint (memcmp (&config, &before, sizeof config) == 0, ==, problem != NULL);
  }
}

/* A rate and a share within a range. */
static void
test_values (void)
{
  gint64 value = 0;
  g_assert_null (value_parse_rate_within ("2mbit", 1, 3000000, &value));
  g_assert_cmpint (value, ==, 2000000);
  g_autofree char *rate = value_parse_rate_within ("4mbit", 1, 3000000, &value);
  g_assert_cmpstr (rate, ==, "'4mbit' is out of range (1bit to 3mbit)");
  g_assert_null (value_parse_percent_within ("50%", 0, 1000000000, &value));
  g_assert_cmpint (value, ==, 500000000);
  g_autofree char *never = value_format_time (CAIMAN_TIME_NEVER);
  g_assert_cmpstr (never, ==, "never");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/tunables/round-trip", test_round_trip);
  g_test_add_func ("/config/tunables/set", test_set);
  g_test_add_func ("/config/values/within", test_values);
  return g_test_run ();
}
