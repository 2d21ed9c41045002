/* SPDX-License-Identifier: Apache-2.0 */
/* test-path.c - rate, delay, queue and random streams of one direction of a path. */
#include "sim/path.h"

#define MS CAIMAN_NS_PER_MS

static SimPath *
make_path (gint64 rate_bps, gint64 delay_ns, SimQueueUnit unit, gint64 value)
{
  SimPathConfig config;

  sim_path_config_init (&config);
  config.rate_bps = rate_bps;
  config.delay_ns = delay_ns;
  config.queue = (SimQueueLimit) { unit, value };
  return sim_path_new (&config, 1, "wifi", SIM_DIRECTION_UP);
}

static void
expect_passes (SimPath *path, gsize size_bytes, gint64 now_ns, gint64 departure_ns,
               gint64 arrival_ns)
{
  gint64 departure = -1, arrival = -1;

  g_assert_cmpint (sim_path_enqueue (path, size_bytes, now_ns, &departure, &arrival), ==,
                   SIM_PATH_PASSES);
  g_assert_cmpint (departure, ==, departure_ns);
  g_assert_cmpint (arrival, ==, arrival_ns);
}

static void
expect_verdict (SimPath *path, gsize size_bytes, gint64 now_ns, SimPathVerdict verdict)
{
  gint64 departure, arrival;

  g_assert_cmpint (sim_path_enqueue (path, size_bytes, now_ns, &departure, &arrival), ==, verdict);
}

static void
test_rate_and_delay (void)
{
  SimPath *path = make_path (8000000, 5 * MS, SIM_QUEUE_UNLIMITED, 0); /* 1 byte per us */

  expect_passes (path, 1000, 0, 1 * MS, 6 * MS);
  expect_passes (path, 1000, 0, 2 * MS, 7 * MS);
  expect_passes (path, 500, 10 * MS, 10 * MS + 500000, 15 * MS + 500000);
  g_assert_cmpuint (sim_path_get_stats (path)->packets, ==, 3);
  g_assert_cmpuint (sim_path_get_stats (path)->bytes, ==, 2500);
  sim_path_free (path);
  sim_path_free (NULL);
}

static void
test_unlimited_rate (void)
{
  SimPath *path = make_path (SIM_RATE_UNLIMITED, 5 * MS, SIM_QUEUE_TIME, 1);

  for (guint i = 0; i < 10; i++)
    expect_passes (path, 1 << 20, 3 * MS, 3 * MS, 8 * MS);
  sim_path_free (path);
}

/* 3 bits a second: a byte takes 2.666... s; rounding up once must not add up. */
static void
test_rate_is_exact_in_the_long_run (void)
{
  SimPath *path = make_path (3, 0, SIM_QUEUE_UNLIMITED, 0);
  gint64 departure_ns = 0, arrival_ns;

  expect_passes (path, 1, 0, 2666666667, 2666666667);
  for (guint i = 1; i < 3000; i++)
    sim_path_enqueue (path, 1, 0, &departure_ns, &arrival_ns);
  g_assert_cmpint (departure_ns, ==, 8000 * CAIMAN_NS_PER_S);
  sim_path_free (path);
}

static void
test_tail_drop_by_time (void)
{
  SimPath *path = make_path (8000000, 0, SIM_QUEUE_TIME, 2 * MS);

  expect_passes (path, 1000, 0, 1 * MS, 1 * MS);
  expect_passes (path, 1000, 0, 2 * MS, 2 * MS);
  expect_passes (path, 1000, 0, 3 * MS, 3 * MS); /* waits exactly 2 ms */
  expect_verdict (path, 1000, 0, SIM_PATH_TAIL_DROPPED);
  expect_passes (path, 1000, 1 * MS, 4 * MS, 4 * MS);
  g_assert_cmpuint (sim_path_get_stats (path)->tail_dropped_packets, ==, 1);
  sim_path_free (path);
}

static void
test_tail_drop_by_bytes (void)
{
  SimPath *path = make_path (8000000, 0, SIM_QUEUE_BYTES, 2000);

  expect_passes (path, 5000, 0, 5 * MS, 5 * MS); /* any size into an empty queue */
  expect_verdict (path, 1, 0, SIM_PATH_TAIL_DROPPED);
  g_assert_cmpuint (sim_path_get_backlog_bytes (path, 4 * MS), ==, 5000);
  g_assert_cmpuint (sim_path_get_backlog_bytes (path, 5 * MS), ==, 0);
  expect_passes (path, 1500, 5 * MS, 6500000, 6500000);
  expect_passes (path, 500, 5 * MS, 7 * MS, 7 * MS);
  expect_verdict (path, 1, 5 * MS, SIM_PATH_TAIL_DROPPED);
  sim_path_free (path);
}

static void
test_tail_drop_by_packets (void)
{
  SimPath *path = make_path (8000000, 0, SIM_QUEUE_PACKETS, 2);

  expect_passes (path, 1000, 0, 1 * MS, 1 * MS);
  expect_passes (path, 10, 0, 1010000, 1010000);
  expect_verdict (path, 1, 0, SIM_PATH_TAIL_DROPPED);
  expect_passes (path, 990, 1 * MS, 2 * MS, 2 * MS);
  sim_path_free (path);
}

static void
test_long_queue (void)
{
  SimPath *path = make_path (8000000, 0, SIM_QUEUE_UNLIMITED, 0);
  gint64 departure_ns, arrival_ns;

  for (guint round = 0; round < 3; round++) {
    gint64 start_ns = round * 1000 * MS;

    for (guint i = 0; i < 100; i++) {
      sim_path_enqueue (path, 1000, start_ns + i * MS / 2, &departure_ns, &arrival_ns);
      g_assert_cmpint (departure_ns, ==, start_ns + (i + 1) * MS);
    }
    g_assert_cmpuint (sim_path_get_backlog_bytes (path, start_ns + 50 * MS), ==, 50000);
  }
  sim_path_free (path);
}

static void
test_changes_at_run_time (void)
{
  SimPath *path = make_path (8000000, 5 * MS, SIM_QUEUE_UNLIMITED, 0);
  SimQueueLimit queue = { SIM_QUEUE_PACKETS, 1 };
  SimLossConfig loss = { .kind = SIM_LOSS_NTH, .every = 2 };
  SimDist jitter = { SIM_DIST_UNIFORM, 1 * MS };

  expect_passes (path, 1000, 0, 1 * MS, 6 * MS);
  sim_path_set_rate (path, 16000000);
  sim_path_set_rate (path, 16000000);
  sim_path_set_delay (path, 1 * MS);
  expect_passes (path, 1000, 0, 1500000, 2500000);
  sim_path_set_queue (path, &queue);
  expect_verdict (path, 1000, 0, SIM_PATH_TAIL_DROPPED);
  sim_path_set_jitter (path, &jitter);
  sim_path_set_loss (path, &loss);
  expect_verdict (path, 1000, 10 * MS, SIM_PATH_PASSES);
  sim_path_set_loss (path, &loss); /* the same one: goes on counting */
  expect_verdict (path, 1000, 20 * MS, SIM_PATH_LOST);
  g_assert_cmpuint (sim_path_get_stats (path)->lost_packets, ==, 1);
  g_assert_cmpint (sim_path_get_config (path)->rate_bps, ==, 16000000);
  sim_path_free (path);
}

/* A packet that is stopped in service and goes on at another rate. */
static void
test_interrupt (void)
{
  SimPath *path = make_path (8000000, 0, SIM_QUEUE_UNLIMITED, 0);
  gint64 work;

  g_assert_cmpint (sim_path_serialise (path, 1000, 0), ==, 1 * MS);
  work = sim_path_interrupt (path, 250000);
  sim_path_set_rate (path, 4000000);
  g_assert_cmpint (sim_path_resume (path, work, 2 * MS), ==, 2 * MS + 1500000);
  work = sim_path_interrupt (path, 5 * MS);
  g_assert_cmpint (work, ==, 0);
  sim_path_set_rate (path, SIM_RATE_UNLIMITED);
  g_assert_cmpint (sim_path_resume (path, 12345, 6 * MS), ==, 6 * MS);
  g_assert_cmpint (sim_path_interrupt (path, 6 * MS), ==, 0);
  sim_path_free (path);
}

static void
test_jitter (void)
{
  SimPathConfig config;
  SimPath *path;
  gint64 least = G_MAXINT64, most = 0;

  sim_path_config_init (&config);
  config.delay_ns = 1 * MS;
  config.jitter = (SimDist) { SIM_DIST_UNIFORM, 2 * MS };
  path = sim_path_new (&config, 1, "wifi", SIM_DIRECTION_UP);
  for (guint i = 0; i < 10000; i++) {
    gint64 delay_ns = sim_path_draw_delay (path);

    least = MIN (least, delay_ns);
    most = MAX (most, delay_ns);
  }
  g_assert_cmpint (least, ==, 0); /* cut off */
  g_assert_cmpint (most, >, 2990000);
  g_assert_cmpint (most, <=, 3 * MS);
  sim_path_free (path);
}

/* 64 losses as bits, and the sum of 64 delays. */
static guint64
get_luck (guint64 seed, const char *name, SimDirection direction)
{
  SimPathConfig config;
  SimPath *path;
  guint64 luck = 0;

  sim_path_config_init (&config);
  config.delay_ns = 1000 * MS;
  config.jitter = (SimDist) { SIM_DIST_NORMAL, 10 * MS };
  config.loss = (SimLossConfig) { .kind = SIM_LOSS_BERNOULLI, .p_ppb = 500000000 };
  path = sim_path_new (&config, seed, name, direction);
  for (guint i = 0; i < 64; i++)
    luck = luck * 31 + (sim_path_draw_loss (path) ? 1 : 0) + (guint64)sim_path_draw_delay (path);
  luck = luck * 31 + sim_path_draw_below (path, 1000000);
  sim_path_free (path);
  return luck;
}

static void
test_streams (void)
{
  guint64 luck = get_luck (1, "wifi", SIM_DIRECTION_UP);

  g_assert_cmpuint (luck, ==, get_luck (1, "wifi", SIM_DIRECTION_UP));
  g_assert_cmpuint (luck, !=, get_luck (2, "wifi", SIM_DIRECTION_UP));
  g_assert_cmpuint (luck, !=, get_luck (1, "lte", SIM_DIRECTION_UP));
  g_assert_cmpuint (luck, !=, get_luck (1, "wifi", SIM_DIRECTION_DOWN));
}

static void
test_limits (void)
{
  SimPathConfig good, bad;

  sim_path_config_init (&good);
  g_assert_true (sim_path_config_is_valid (&good));
#define EXPECT_BAD(assignment)                                                                     \
  bad = good;                                                                                      \
  assignment;                                                                                      \
  g_assert_false (sim_path_config_is_valid (&bad))
  EXPECT_BAD (bad.rate_bps = 0);
  EXPECT_BAD (bad.rate_bps = SIM_RATE_MAX_BPS + 1);
  EXPECT_BAD (bad.delay_ns = -1);
  EXPECT_BAD (bad.delay_ns = SIM_DELAY_MAX_NS + 1);
  EXPECT_BAD (bad.jitter.scale_ns = -1);
  EXPECT_BAD (bad.loss.kind = SIM_LOSS_NTH);
  EXPECT_BAD (bad.queue.unit = SIM_QUEUE_TIME);
  EXPECT_BAD (bad.queue.unit = SIM_QUEUE_PACKETS + 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/path/rate-and-delay", test_rate_and_delay);
  g_test_add_func ("/sim/path/unlimited-rate", test_unlimited_rate);
  g_test_add_func ("/sim/path/rate-exact-in-the-long-run", test_rate_is_exact_in_the_long_run);
  g_test_add_func ("/sim/path/tail-drop-by-time", test_tail_drop_by_time);
  g_test_add_func ("/sim/path/tail-drop-by-bytes", test_tail_drop_by_bytes);
  g_test_add_func ("/sim/path/tail-drop-by-packets", test_tail_drop_by_packets);
  g_test_add_func ("/sim/path/long-queue", test_long_queue);
  g_test_add_func ("/sim/path/changes-at-run-time", test_changes_at_run_time);
  g_test_add_func ("/sim/path/interrupt", test_interrupt);
  g_test_add_func ("/sim/path/jitter", test_jitter);
  g_test_add_func ("/sim/path/streams", test_streams);
  g_test_add_func ("/sim/path/limits", test_limits);
  return g_test_run ();
}
