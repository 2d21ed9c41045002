/* SPDX-License-Identifier: Apache-2.0 */
/* test-path.c - rate, delay, queue and random streams of one direction of a path. */
#include "sim/path.h"

#define MS CAIMAN_NS_PER_MS

static SimPath *
make_path (gint64 rate_bps)
{
  SimPathConfig config;

  sim_path_config_init (&config);
  config.rate_bps = rate_bps;
  return sim_path_new (&config, 1, "wifi", SIM_DIRECTION_UP);
}

/* 3 bits a second: a byte takes 2.666... s; rounding up once must not add up. */
static void
test_rate_is_exact_in_the_long_run (void)
{
  SimPath *path = make_path (3);
  gint64 end_ns = 0;

  for (guint i = 0; i < 3000; i++)
    end_ns = sim_path_serialise (path, 1, end_ns);
  g_assert_cmpint (end_ns, ==, 8000 * CAIMAN_NS_PER_S);
  sim_path_free (path);
  sim_path_free (NULL);
}

static void
test_changes_at_run_time (void)
{
  SimPath *path = make_path (8000000);
  SimQueueLimit queue = { SIM_QUEUE_PACKETS, 1 };
  SimLossConfig loss = { .kind = SIM_LOSS_NTH, .every = 2 };
  SimDist jitter = { SIM_DIST_UNIFORM, 1 * MS };

  sim_path_set_rate (path, 16000000);
  sim_path_set_rate (path, 16000000);
  sim_path_set_delay (path, 1 * MS);
  g_assert_cmpint (sim_path_serialise (path, 1000, 0), ==, 500000);
  g_assert_cmpint (sim_path_draw_delay (path), ==, 1 * MS);
  g_assert_cmpint (sim_path_get_least_delay (path), ==, 1 * MS);
  sim_path_set_queue (path, &queue);
  sim_path_set_jitter (path, &jitter);
  g_assert_cmpint (sim_path_get_least_delay (path), ==, 0);
  sim_path_set_loss (path, &loss);
  g_assert_false (sim_path_draw_loss (path));
  sim_path_set_loss (path, &loss); /* the same one: goes on counting */
  g_assert_true (sim_path_draw_loss (path));
  g_assert_cmpuint (sim_path_get_stats (path)->lost_packets, ==, 1);
  g_assert_cmpint (sim_path_get_config (path)->rate_bps, ==, 16000000);
  g_assert_cmpint (sim_path_get_config (path)->queue.value, ==, 1);
  sim_path_free (path);
}

/* DAR(1): the distribution stays, the autocorrelation at distance k is rho^k. */
static void
test_correlated_jitter (void)
{
  const guint n = 400000;
  const double rho = 0.6;
  g_autofree double *x = g_new (double, n);
  double sum = 0, squares = 0, products[4] = { 0 };
  SimPathConfig config;
  SimPath *path;

  sim_path_config_init (&config);
  config.delay_ns = 1000 * MS;
  config.jitter = (SimDist) { SIM_DIST_NORMAL, 10 * MS };
  config.jitter.correlation_ppb = 600000000;
  path = sim_path_new (&config, 1, "wifi", SIM_DIRECTION_UP);
  for (guint i = 0; i < n; i++) {
    x[i] = (double)(sim_path_draw_delay (path) - 1000 * MS) / 1e6;
    sum += x[i];
    squares += x[i] * x[i];
  }
  for (guint lag = 1; lag < 4; lag++)
    for (guint i = lag; i < n; i++)
      products[lag] += x[i] * x[i - lag];
  /* Correlated samples count as n (1 - rho) / (1 + rho) of free ones. */
  g_assert_cmpfloat_with_epsilon (sum / n, 0, 0.13);
  g_assert_cmpfloat_with_epsilon (squares / n, 100, 2);
  g_assert_cmpfloat_with_epsilon (products[1] / squares, rho, 0.012);
  g_assert_cmpfloat_with_epsilon (products[2] / squares, rho * rho, 0.012);
  g_assert_cmpfloat_with_epsilon (products[3] / squares, rho * rho * rho, 0.012);
  sim_path_free (path);
}

static void
test_duplicate_and_corrupt_rates (void)
{
  SimPathConfig config;
  SimPath *path;
  guint duplicates = 0, corrupted = 0;

  sim_path_config_init (&config);
  config.duplicate_ppb = 20000000;
  config.corrupt_ppb = 50000000;
  path = sim_path_new (&config, 1, "wifi", SIM_DIRECTION_UP);
  for (guint i = 0; i < 100000; i++) {
    duplicates += sim_path_draw_duplicate (path);
    corrupted += sim_path_draw_corrupt (path);
  }
  g_assert_cmpfloat_with_epsilon (duplicates, 2000, 4 * 45);
  g_assert_cmpfloat_with_epsilon (corrupted, 5000, 4 * 70);
  sim_path_free (path);
}

/* A packet that is stopped in service and goes on at another rate. */
static void
test_interrupt (void)
{
  SimPath *path = make_path (8000000);
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
  EXPECT_BAD (bad.discipline.kind = SIM_DISCIPLINE_CODEL);
  EXPECT_BAD (bad.discipline.kind = SIM_DISCIPLINE_RED);
  EXPECT_BAD (bad.discipline.kind = SIM_DISCIPLINE_RED + 1);
  EXPECT_BAD (bad.jitter.correlation_ppb = SIM_LOSS_CERTAIN_PPB + 1);
  EXPECT_BAD (bad.duplicate_ppb = SIM_LOSS_CERTAIN_PPB + 1);
  EXPECT_BAD (bad.corrupt_ppb = SIM_LOSS_CERTAIN_PPB + 1);
  EXPECT_BAD (bad.mtu_bytes = SIM_MTU_MIN_BYTES - 1);
  SimCrossConfig cross = { .name = "x", .rate_bps = 0, .size_bytes = 1 };
  EXPECT_BAD ((bad.cross = &cross, bad.n_cross = 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/path/rate-exact-in-the-long-run", test_rate_is_exact_in_the_long_run);
  g_test_add_func ("/sim/path/correlated-jitter", test_correlated_jitter);
  g_test_add_func ("/sim/path/duplicate-and-corrupt-rates", test_duplicate_and_corrupt_rates);
  g_test_add_func ("/sim/path/changes-at-run-time", test_changes_at_run_time);
  g_test_add_func ("/sim/path/interrupt", test_interrupt);
  g_test_add_func ("/sim/path/jitter", test_jitter);
  g_test_add_func ("/sim/path/streams", test_streams);
  g_test_add_func ("/sim/path/limits", test_limits);
  return g_test_run ();
}
