/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of core/config: the table, its presets (PROTOCOL.md, 7) and its checks. */
#include "core/config.h"

#include <string.h>

#define MS(n) ((n)*CAIMAN_NS_PER_MS)
#define S(n)  ((n)*CAIMAN_NS_PER_S)

static const CaimanTunable *
find (const char *name)
{
  const CaimanTunable *tunable = caiman_config_find_tunable (name);
  g_assert_nonnull (tunable);
  return tunable;
}

/* The table has one entry per field, in the order of the struct. */
static void
test_table (void)
{
  gsize n;
  const CaimanTunable *tunables = caiman_config_get_tunables (&n);
  g_assert_cmpuint (n * sizeof (gint64), ==, sizeof (CaimanConfig));

  for (gsize i = 0; i < n; i++) {
    const CaimanTunable *t = &tunables[i];
    g_test_message ("%s", t->name);
    g_assert_cmpuint (t->offset, ==, i * sizeof (gint64));
    g_assert_true (caiman_config_find_tunable (t->name) == t); /* so names are unique */
    g_assert_cmpuint (strlen (t->doc), >, 10);
    g_assert_cmpint (t->min, <=, t->max);
    g_assert_cmpint (t->kind == CAIMAN_TUNABLE_ENUM, ==, t->enum_names != NULL);
    g_assert_true (!t->allows_never || t->kind == CAIMAN_TUNABLE_DURATION);
    if (t->enum_names)
      g_assert_cmpuint (g_strv_length ((char **)t->enum_names), ==, (guint)t->max + 1);
    for (const char *c = t->name; *c; c++)
      g_assert_true (g_ascii_islower (*c) || *c == '-');
  }
  g_assert_null (caiman_config_find_tunable ("no-such-thing"));
}

static void
test_presets_are_valid (void)
{
  for (int preset = 0; preset < CAIMAN_N_PRESETS; preset++) {
    CaimanConfig config;
    g_autoptr (GError) error = NULL;
    caiman_config_init (&config, (CaimanPreset)preset);
    g_assert_true (caiman_config_validate (&config, &error));
    g_assert_no_error (error);
  }
}

static void
test_preset_adaptive (void)
{
  CaimanConfig c;
  caiman_config_init (&c, CAIMAN_PRESET_ADAPTIVE);
  g_assert_cmpint (c.policy, ==, CAIMAN_POLICY_ADAPTIVE);
  g_assert_cmpint (c.stream_chunk_bytes, ==, 0);
  g_assert_cmpint (c.send_buffer_bytes, ==, 64 << 20);
  g_assert_cmpint (c.receive_buffer_bytes, ==, 64 << 20);
  g_assert_cmpint (c.link_window_start_bytes, ==, 64 << 10);
  g_assert_cmpint (c.link_window_max_bytes, ==, 128 << 20);
  g_assert_cmpint (c.max_ack_delay_ns, ==, 0);
  g_assert_cmpint (c.test_data_bytes, ==, 0);
  g_assert_cmpint (c.retest_interval_ns, ==, S (1));
  g_assert_cmpint (c.race_after_ns, ==, MS (500));
  g_assert_cmpint (c.race_interval_ns, ==, MS (250));
  g_assert_cmpint (c.suspect_floor_ns, ==, MS (30));
  g_assert_cmpint (c.condemn_min_ns, ==, MS (200));
  g_assert_cmpint (c.chunk_time_ns, ==, MS (2));
}

/* PROTOCOL.md, 7, the column 0.9.11. */
static void
test_preset_0_9 (void)
{
  CaimanConfig c;
  caiman_config_init (&c, CAIMAN_PRESET_AGGLIGATOR_0_9);
  g_assert_cmpint (c.policy, ==, CAIMAN_POLICY_REFERENCE);
  g_assert_cmpint (c.reference_generation, ==, 9);
  g_assert_cmpint (c.stream_chunk_bytes, ==, 8192);
  g_assert_cmpint (c.send_buffer_bytes, ==, 64 << 20);
  g_assert_cmpint (c.receive_buffer_bytes, ==, 64 << 20);
  g_assert_cmpint (c.consumed_when_empty, ==, TRUE);
  g_assert_cmpint (c.ack_timeout_factor, ==, 5);
  g_assert_cmpint (c.ack_timeout_min_ns, ==, S (1));
  g_assert_cmpint (c.ack_timeout_max_ns, ==, S (30));
  g_assert_cmpint (c.ack_timeout_resend_factor, ==, 3);
  g_assert_cmpint (c.ack_timeout_young_factor, ==, 1);
  g_assert_cmpint (c.link_window_start_bytes, ==, 8192);
  g_assert_cmpint (c.link_window_max_bytes, ==, 32 << 20);
  g_assert_cmpint (c.test_data_bytes, ==, 32 << 20);
  g_assert_cmpint (c.retest_interval_ns, ==, S (15));
  g_assert_cmpint (c.non_working_timeout_ns, ==, S (600));
  g_assert_cmpint (c.no_link_timeout_ns, ==, S (90));
  g_assert_cmpint (c.max_ack_delay_ns, ==, MS (500));
  g_assert_cmpint (c.slow_link_factor, ==, 0);
  g_assert_cmpint (c.race_after_ns, ==, CAIMAN_TIME_NEVER);
}

/* PROTOCOL.md, 7, the column 0.10 to 0.12. */
static void
test_preset_0_10 (void)
{
  CaimanConfig c;
  caiman_config_init (&c, CAIMAN_PRESET_AGGLIGATOR_0_10);
  g_assert_cmpint (c.policy, ==, CAIMAN_POLICY_REFERENCE);
  g_assert_cmpint (c.reference_generation, ==, 10);
  g_assert_cmpint (c.stream_chunk_bytes, ==, 8192);
  g_assert_cmpint (c.send_buffer_bytes, ==, 128 << 20);
  g_assert_cmpint (c.receive_buffer_bytes, ==, 128 << 20);
  g_assert_cmpint (c.consumed_when_empty, ==, FALSE);
  g_assert_cmpint (c.ack_timeout_factor, ==, 3);
  g_assert_cmpint (c.ack_timeout_young_factor, ==, 3);
  g_assert_cmpint (c.link_window_start_bytes, ==, 8192);
  g_assert_cmpint (c.link_window_max_bytes, ==, 128 << 20);
  g_assert_cmpint (c.test_data_bytes, ==, 64 << 10);
  g_assert_cmpint (c.retest_interval_ns, ==, S (3));
  g_assert_cmpint (c.non_working_timeout_ns, ==, S (20));
  g_assert_cmpint (c.no_link_timeout_ns, ==, S (120));
  g_assert_cmpint (c.max_ack_delay_ns, ==, MS (50));
  g_assert_cmpint (c.slow_link_factor, ==, 5);
  g_assert_cmpint (c.ping_interval_ns, ==, S (15));
  g_assert_cmpint (c.ping_timeout_ns, ==, S (40));
}

static void
expect_set_fails (const char *name, gint64 value, const char *message)
{
  CaimanConfig config, before;
  g_autoptr (GError) error = NULL;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  before = config;
  g_assert_false (caiman_config_set (&config, find (name), value, &error));
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==, message);
  g_assert_cmpmem (&config, sizeof config, &before, sizeof before);
}

static void
test_set (void)
{
  CaimanConfig config;
  g_autoptr (GError) error = NULL;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  g_assert_true (caiman_config_set (&config, find ("send-buffer"), 1024, &error));
  g_assert_cmpint (config.send_buffer_bytes, ==, 1024);
  g_assert_cmpint (caiman_config_get (&config, find ("send-buffer")), ==, 1024);
  g_assert_true (caiman_config_set (&config, find ("reconnect-delay"), CAIMAN_TIME_NEVER, &error));
  g_assert_cmpint (config.reconnect_delay_ns, ==, CAIMAN_TIME_NEVER);
  g_assert_no_error (error);
}

static void
test_set_out_of_range (void)
{
  expect_set_fails ("send-buffer", 1023,
                    "send-buffer = 1023 bytes is out of range (1 KiB to 64 GiB)");
  expect_set_fails ("receive-buffer", G_GINT64_CONSTANT (1) << 32,
                    "receive-buffer = 4 GiB is out of range (1 KiB to 4294967295 bytes)");
  expect_set_fails ("stream-chunk", 9 << 20,
                    "stream-chunk = 9 MiB is out of range (0 bytes to 8 MiB)");
  expect_set_fails ("chunk-time", 1500, "chunk-time = 1500 ns is out of range (100 us to 1 s)");
  expect_set_fails ("ping-timeout", CAIMAN_TIME_NEVER,
                    "ping-timeout = never is out of range (1 ms to 86400 s)");
  expect_set_fails ("race-after", 0,
                    "race-after = 0 ns is out of range (1 ms to 86400 s, or never)");
  expect_set_fails ("ack-timeout-factor", 0, "ack-timeout-factor = 0 is out of range (1 to 100)");
  expect_set_fails ("consumed-when-empty", 2, "consumed-when-empty = 2 is out of range (0 to 1)");
  expect_set_fails ("policy", CAIMAN_N_POLICIES,
                    "policy = 5 is out of range (adaptive to reference)");
  expect_set_fails ("ping-mode", -1, "ping-mode = -1 is out of range (periodic to after-timeout)");
}

/* Both ends of every range are accepted, one beyond is not, and GError is optional. */
static void
test_range_ends (void)
{
  gsize n;
  const CaimanTunable *tunables = caiman_config_get_tunables (&n);
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  for (gsize i = 0; i < n; i++) {
    const CaimanTunable *t = &tunables[i];
    g_assert_true (caiman_config_set (&config, t, t->min, NULL));
    g_assert_cmpint (caiman_config_get (&config, t), ==, t->min);
    g_assert_true (caiman_config_set (&config, t, t->max, NULL));
    g_assert_cmpint (caiman_config_get (&config, t), ==, t->max);
    g_assert_false (caiman_config_set (&config, t, t->min - 1, NULL));
    g_assert_false (caiman_config_set (&config, t, t->max + 1, NULL));
    g_assert_cmpint (caiman_config_set (&config, t, CAIMAN_TIME_NEVER, NULL), ==, t->allows_never);
  }
}

static void
expect_invalid (const CaimanConfig *config, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_assert_false (caiman_config_validate (config, &error));
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_validate_range (void)
{
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  config.ping_timeout_ns = 0;
  expect_invalid (&config, "ping-timeout = 0 ns is out of range (1 ms to 86400 s)");
}

static void
test_validate_between (void)
{
  static const struct {
    const char *name;
    gint64 value;
    const char *message;
  } cases[] = {
    { "ack-timeout-min", S (31),
      "ack-timeout-min = 31 s must not be above ack-timeout-max = 30 s" },
    { "link-window-start", 129 << 20,
      "link-window-start = 129 MiB must not be above link-window-max = 128 MiB" },
    { "ping-max", S (41), "ping-max = 41 s must not be above ping-timeout = 40 s" },
    { "race-interval", S (50), "race-interval = 50 s must not be above ping-timeout = 40 s" },
    { "suspect-floor", S (1), "suspect-floor = 1 s must not be above condemn-min = 200 ms" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    CaimanConfig config;
    caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
    g_assert_true (caiman_config_set (&config, find (cases[i].name), cases[i].value, NULL));
    expect_invalid (&config, cases[i].message);
  }
}

static void
test_validate_ack_delay (void)
{
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_AGGLIGATOR_0_9);
  config.ack_timeout_min_ns = MS (100);
  config.ack_timeout_max_ns = MS (400);
  expect_invalid (&config, "max-ack-delay = 500 ms must not be above ack-timeout-max = 400 ms");
}

/* PROTOCOL.md, 5: a message is at most (receive buffer / 2) - 1 bytes. */
static void
test_validate_stream_chunk (void)
{
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_AGGLIGATOR_0_10);
  config.receive_buffer_bytes = 16384;
  expect_invalid (&config, "stream-chunk = 8192 bytes must be below half of receive-buffer = "
                           "16384 bytes");
  config.receive_buffer_bytes = 16386;
  g_assert_true (caiman_config_validate (&config, NULL));
  config.send_buffer_bytes = 4096;
  expect_invalid (&config, "stream-chunk = 8 KiB must not be above send-buffer = 4 KiB");
}

static void
test_names (void)
{
  static const char *const presets[] = { "adaptive", "aggligator-0.9", "aggligator-0.10" };
  static const char *const policies[] = { "adaptive", "min-rtt", "round-robin", "redundant",
                                          "reference" };
  CaimanPreset preset = CAIMAN_PRESET_AGGLIGATOR_0_9;
  CaimanPolicy policy = CAIMAN_POLICY_REDUNDANT;

  g_assert_false (caiman_preset_from_string ("aggligator", &preset));
  g_assert_cmpint (preset, ==, CAIMAN_PRESET_AGGLIGATOR_0_9);
  g_assert_false (caiman_policy_from_string ("", &policy));
  g_assert_cmpint (policy, ==, CAIMAN_POLICY_REDUNDANT);

  for (int i = 0; i < CAIMAN_N_PRESETS; i++) {
    g_assert_cmpstr (caiman_preset_to_string ((CaimanPreset)i), ==, presets[i]);
    g_assert_true (caiman_preset_from_string (presets[i], &preset));
    g_assert_cmpint (preset, ==, i);
  }
  for (int i = 0; i < CAIMAN_N_POLICIES; i++) {
    g_assert_cmpstr (caiman_policy_to_string ((CaimanPolicy)i), ==, policies[i]);
    g_assert_true (caiman_policy_from_string (policies[i], &policy));
    g_assert_cmpint (policy, ==, i);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* PROTOCOL.md, 7. */
  g_test_add_func ("/core/config/table", test_table);
  g_test_add_func ("/core/config/presets-are-valid", test_presets_are_valid);
  g_test_add_func ("/core/config/preset-adaptive", test_preset_adaptive);
  g_test_add_func ("/core/config/preset-0.9", test_preset_0_9);
  g_test_add_func ("/core/config/preset-0.10", test_preset_0_10);
  g_test_add_func ("/core/config/set", test_set);
  g_test_add_func ("/core/config/set-out-of-range", test_set_out_of_range);
  g_test_add_func ("/core/config/range-ends", test_range_ends);
  g_test_add_func ("/core/config/validate-range", test_validate_range);
  g_test_add_func ("/core/config/validate-between", test_validate_between);
  g_test_add_func ("/core/config/validate-ack-delay", test_validate_ack_delay);
  g_test_add_func ("/core/config/validate-stream-chunk", test_validate_stream_chunk);
  g_test_add_func ("/core/config/names", test_names);
  return g_test_run ();
}
