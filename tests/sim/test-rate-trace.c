/* SPDX-License-Identifier: Apache-2.0 */
/* test-rate-trace.c - traces: steps and Mahimahi's delivery opportunities, repeated. */
#include "tests/sim/packet-world.h"

static SimTrace *
make_opportunities (void)
{
  static const guint32 at_ms[] = { 1, 1, 3, 7, 10 };

  return sim_trace_new_opportunities (at_ms, G_N_ELEMENTS (at_ms));
}

static gint64
serialise_at (SimRate *rate, gsize size_bytes, gint64 start_ns)
{
  return sim_rate_serialise (rate, size_bytes, start_ns);
}

static void
test_opportunities (void)
{
  g_autoptr (SimTrace) trace = make_opportunities ();
  SimRate rate;

  sim_rate_init (&rate, SIM_RATE_UNLIMITED, trace, 0);
  g_assert_cmpint (sim_trace_get_mean_rate (trace), ==, 6000000); /* 5 x 1 500 bytes in 10 ms */
  g_assert_cmpint (sim_rate_get_mean (&rate), ==, 6000000);
  /* One 1 500-byte packet each, the two of 1 ms both. */
  g_assert_cmpint (serialise_at (&rate, 1500, 0), ==, 1 * MS);
  g_assert_cmpint (serialise_at (&rate, 1500, 1 * MS), ==, 1 * MS);
  g_assert_cmpint (serialise_at (&rate, 1500, 1 * MS), ==, 3 * MS);
  /* Three of 500 share one. */
  g_assert_cmpint (serialise_at (&rate, 500, 3 * MS), ==, 7 * MS);
  g_assert_cmpint (serialise_at (&rate, 500, 7 * MS), ==, 7 * MS);
  g_assert_cmpint (serialise_at (&rate, 500, 7 * MS), ==, 7 * MS);
  /* A larger one goes on at the next: 10 ms, and 11 ms of the second repetition. */
  g_assert_cmpint (serialise_at (&rate, 2000, 7 * MS), ==, 11 * MS);
  g_assert_cmpint (serialise_at (&rate, 1000, 11 * MS), ==, 11 * MS);
  /* What is not used is lost. */
  g_assert_cmpint (serialise_at (&rate, 100, 12 * MS), ==, 13 * MS);
  g_assert_cmpint (serialise_at (&rate, 1500, 16 * MS), ==, 17 * MS);
  g_assert_cmpint (serialise_at (&rate, 1500, 1000000 * MS + 1), ==, 1000001 * MS);
  g_assert_cmpint (serialise_at (&rate, 1500, 2000000 * MS), ==, 2000000 * MS);
  g_assert_cmpint (serialise_at (&rate, 1500, 2000000 * MS), ==, 2000001 * MS);
}

static void
test_opportunities_interrupted (void)
{
  g_autoptr (SimTrace) trace = make_opportunities ();
  SimRate rate;
  gint64 work;

  sim_rate_init (&rate, SIM_RATE_UNLIMITED, trace, 0);
  g_assert_cmpint (serialise_at (&rate, 6000, 0), ==, 7 * MS);
  work = sim_rate_interrupt (&rate, 2 * MS);
  g_assert_cmpint (work, ==, 3000 * SIM_WORK_PER_BYTE); /* two opportunities have been used */
  g_assert_cmpint (sim_rate_resume (&rate, work, 5 * MS), ==, 10 * MS);
  sim_rate_set (&rate, 8 * MBIT, NULL);
  g_assert_cmpint (serialise_at (&rate, 1000, 20 * MS), ==, 21 * MS);
}

static SimTrace *
make_steps (void)
{
  static const SimTraceStep steps[] = {
    { 0, 8 * MBIT, 10 * MS, 0 },
    { 10 * MS, 0, 20 * MS, 1000000000 },
    { 15 * MS, 16 * MBIT, 5 * MS, 0 },
  };

  return sim_trace_new_steps (steps, G_N_ELEMENTS (steps), 20 * MS,
                              SIM_TRACE_RATE | SIM_TRACE_DELAY | SIM_TRACE_LOSS);
}

static void
test_steps (void)
{
  g_autoptr (SimTrace) trace = make_steps ();
  SimRate rate;
  gint64 work;

  sim_rate_init (&rate, SIM_RATE_UNLIMITED, trace, 0);
  g_assert_cmpint (sim_trace_get_mean_rate (trace), ==, 8000000);
  g_assert_cmpint (serialise_at (&rate, 1000, 0), ==, 1 * MS);
  g_assert_cmpint (serialise_at (&rate, 3000, 9 * MS), ==, 16 * MS); /* 1 000, none, 2 000 */
  g_assert_cmpint (serialise_at (&rate, 10000, 16 * MS), ==, 22 * MS);
  g_assert_cmpint (serialise_at (&rate, 3000, 29 * MS), ==, 36 * MS);
  work = sim_rate_interrupt (&rate, 29 * MS + 500 * US);
  g_assert_cmpint (work, ==, 2500 * SIM_WORK_PER_BYTE);
  g_assert_cmpint (sim_rate_resume (&rate, work, 29 * MS + 500 * US), ==, 36 * MS);
  /* A whole round of 20 ms carries 20 000 bytes, whatever the packets. */
  sim_rate_init (&rate, SIM_RATE_UNLIMITED, trace, 0);
  for (guint i = 0; i < 2000; i++)
    sim_rate_serialise (&rate, 1000, rate.busy_until_ns);
  g_assert_cmpint (rate.busy_until_ns, ==, 2000 * MS);
}

/* Delay and loss by the same trace: seen by packets as they leave and as they come. */
static void
test_delay_and_loss (void)
{
  g_autoptr (SimTrace) trace = make_steps ();
  SimPathConfig config;
  WorldPath *path;

  sim_path_config_init (&config);
  config.delay_trace = trace;
  config.loss_trace = trace;
  config.rate_bps = 8 * MBIT;
  path = packet_world_add (packet_world_new (), &config);
  g_assert_cmpint (sim_path_get_least_delay (path->path), ==, 0);
  for (guint i = 0; i < 40; i++) {
    SimDropCause cause = packet_world_put (path, 100, 0);
    g_assert_cmpint (cause, ==, i % 20 >= 10 && i % 20 < 15 ? SIM_DROP_LOSS : SIM_DROP_NONE);
    packet_world_run (path->world, (i + 1) * MS);
  }
  packet_world_run (path->world, 100 * MS);
  g_assert_cmpuint (path->arrivals->len, ==, 30);
  g_assert_cmpint (packet_world_arrival (path, 0)->at_ns, ==, 10 * MS + 100 * US);
  /* Number 16 leaves at 15.1 ms with a delay of 5 ms; number 10 left at 9.1 and keeps 10 ms. */
  g_assert_cmpuint (packet_world_arrival (path, 10)->number, ==, 16);
  g_assert_cmpint (packet_world_arrival (path, 10)->at_ns, ==, 20 * MS + 100 * US);
  packet_world_free (path->world);
}

/* A saturated path delivers at exactly the opportunities. */
static void
test_saturated_path (void)
{
  g_autoptr (SimTrace) trace = make_opportunities ();
  SimPathConfig config;
  WorldPath *path;

  sim_path_config_init (&config);
  config.rate_trace = trace;
  config.delay_ns = 2 * MS;
  config.queue = (SimQueueLimit) { SIM_QUEUE_TIME, 1000 * MS };
  path = packet_world_add (packet_world_new (), &config);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpint (packet_world_put (path, 1500, 0), ==, SIM_DROP_NONE);
  packet_world_run (path->world, 300 * MS);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpint (packet_world_arrival (path, i)->at_ns, ==,
                     (sim_trace_get_opportunities (trace)[i % 5] + 10 * (i / 5) + 2) * MS);
  packet_world_free (path->world);
}

/* Short periods and a slow rate: whole periods are not walked through. 800 bits at 2 bit/s in half
 * of the time take 800 s of periods of 2 us. */
static void
test_slow_steps (void)
{
  static const SimTraceStep steps[] = { { 0, 2, 0, 0 }, { 1 * US, 0, 0, 0 } };
  g_autoptr (SimTrace) trace = sim_trace_new_steps (steps, 2, 2 * US, SIM_TRACE_RATE);
  SimRate rate;
  gint64 work;

  sim_rate_init (&rate, SIM_RATE_UNLIMITED, trace, 0);
  g_assert_cmpint (serialise_at (&rate, 100, 0), ==, 800 * SEC - 1 * US);
  work = sim_rate_interrupt (&rate, 400 * SEC);
  g_assert_cmpint (work, ==, 50 * SIM_WORK_PER_BYTE);
  g_assert_cmpint (sim_rate_resume (&rate, work, 400 * SEC), ==, 800 * SEC - 1 * US);
}

static void
test_means (void)
{
  g_autoptr (SimTrace) opportunities = make_opportunities (), steps = make_steps ();

  /* 1, 1 and 3 ms; then 7, 10, 11, 11 and 13 ms. */
  g_assert_cmpint (sim_trace_get_rate_over (opportunities, 0, 6 * MS), ==, 6 * MBIT);
  g_assert_cmpint (sim_trace_get_rate_over (opportunities, 7 * MS, 17 * MS), ==, 6 * MBIT);
  g_assert_cmpint (sim_trace_get_rate_over (opportunities, 4 * MS, 7 * MS), ==, 0);
  g_assert_cmpint (sim_trace_get_rate_over (steps, 5 * MS, 15 * MS), ==, 4 * MBIT);
  g_assert_cmpint (sim_trace_get_rate_over (steps, 15 * MS, 25 * MS), ==, 12 * MBIT);
  g_assert_cmpint (sim_trace_get_least_delay_over (steps, 9 * MS, 15 * MS), ==, 10 * MS);
  g_assert_cmpint (sim_trace_get_least_delay_over (steps, 10 * MS, 15 * MS), ==, 20 * MS);
  g_assert_cmpint (sim_trace_get_least_delay_over (steps, 10 * MS, 22 * MS), ==, 5 * MS);
}

/* Any cursor finds what a walk from the start finds. */
static void
test_seek (void)
{
  g_autoptr (SimTrace) trace = make_opportunities ();
  SimTraceCursor walker = { 0 }, jumper;

  for (gint64 t_ns = 0; t_ns < 60 * MS; t_ns += MS / 2) {
    while (sim_trace_get_instant (trace, &walker) < t_ns)
      sim_trace_next (trace, &walker);
    for (guint lap = 0; lap < 4; lap++) {
      jumper = (SimTraceCursor) { lap * 10 * MS, lap };
      sim_trace_seek (trace, &jumper, t_ns);
      g_assert_cmpint (sim_trace_get_instant (trace, &jumper), ==,
                       sim_trace_get_instant (trace, &walker));
      g_assert_cmpuint (jumper.item, ==, walker.item);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/rate-trace/opportunities", test_opportunities);
  g_test_add_func ("/sim/rate-trace/opportunities-interrupted", test_opportunities_interrupted);
  g_test_add_func ("/sim/rate-trace/steps", test_steps);
  g_test_add_func ("/sim/rate-trace/delay-and-loss", test_delay_and_loss);
  g_test_add_func ("/sim/rate-trace/saturated-path", test_saturated_path);
  g_test_add_func ("/sim/rate-trace/slow-steps", test_slow_steps);
  g_test_add_func ("/sim/rate-trace/means", test_means);
  g_test_add_func ("/sim/rate-trace/seek", test_seek);
  return g_test_run ();
}
