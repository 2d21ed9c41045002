/* SPDX-License-Identifier: Apache-2.0 */
/* test-queue.c - CoDel against RFC 8289, RED against the equations of Floyd and Jacobson (1993). */
#include "tests/sim/packet-world.h"

#include <math.h>

/* ---- CoDel ---- */

static void
fill_codel (SimPathConfig *config, gint64 rate_bps)
{
  sim_path_config_init (config);
  config->rate_bps = rate_bps;
  config->discipline = (SimDiscipline) { .kind = SIM_DISCIPLINE_CODEL,
                                         .target_ns = SIM_CODEL_TARGET_DEFAULT_NS,
                                         .interval_ns = SIM_CODEL_INTERVAL_DEFAULT_NS };
}

/* A load of twice the rate that does not react. The wait is first above the target at 10 ms (it
 * grows by half of the time), an interval later the first packet is dropped, and then the k-th an
 * interval / sqrt (k) after the one before it (RFC 8289, 5.3), but for the wait for a departure. */
static void
test_codel_spacing (void)
{
  SimPathConfig config;
  WorldPath *path;

  fill_codel (&config, 8 * MBIT);
  path = packet_world_add (packet_world_new (), &config);
  for (guint i = 0; i < 4000; i++) {
    g_assert_cmpint (packet_world_put (path, 1000, 0), ==, SIM_DROP_NONE);
    packet_world_run (path->world, (i + 1) * MS / 2);
    g_assert_cmpint (sim_packet_path_get_deadline (path->packets), !=, CAIMAN_TIME_NEVER);
  }
  g_assert_cmpuint (path->drops->len, >, 40);
  g_assert_cmpint (packet_world_drop (path, 0)->at_ns, >=, 110 * MS);
  g_assert_cmpint (packet_world_drop (path, 0)->at_ns, <=, 112 * MS);
  for (guint k = 1; k < path->drops->len; k++) {
    double should_ms = 0, is_ms;

    for (guint i = 1; i <= k; i++)
      should_ms += 100 / sqrt (i);
    is_ms = (double)(packet_world_drop (path, k)->at_ns - packet_world_drop (path, 0)->at_ns) / 1e6;
    g_assert_cmpfloat_with_epsilon (is_ms, should_ms, 1.01);
    g_assert_cmpint (packet_world_drop (path, k)->cause, ==, SIM_DROP_EARLY);
  }
  packet_world_free (path->world);
}

/* A queue of two packets is never dropped from, whatever its wait (RFC 8289, 5.2). */
static void
test_codel_spares_short_queues (void)
{
  SimPathConfig config;
  WorldPath *path;

  fill_codel (&config, 400000); /* 20 ms per packet */
  path = packet_world_add (packet_world_new (), &config);
  for (guint i = 0; i < 100; i++) {
    packet_world_put (path, 1000, 0);
    packet_world_put (path, 1000, 0);
    packet_world_run (path->world, (i + 1) * 40 * MS);
  }
  g_assert_cmpuint (path->drops->len, ==, 0);
  packet_world_free (path->world);
}

typedef struct {
  double median_wait_ms;
  double utilisation;
} Load;

static int
compare_waits (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

  return (x > y) - (x < y);
}

/* A window that grows by one per round trip and is halved, at most once in one, for a drop: the
 * textbook's TCP, over @config's queue with 50 ms there and back. The sender is told at once. */
static Load
run_window (const SimPathConfig *config)
{
  WorldPath *path = packet_world_add (packet_world_new (), config);
  g_autoptr (GArray) waits = g_array_new (FALSE, FALSE, sizeof (gint64));
  double window = 10;
  guint64 dropped_before = 0, recover = 0;
  guint seen = 0;
  Load load;

  for (gint64 t_ns = 0; t_ns < 60 * SEC; t_ns += MS / 4) {
    const SimPacketPathStats *stats = sim_packet_path_get_stats (path->packets);
    guint64 dropped =
        stats->dropped_packets[SIM_DROP_EARLY] + stats->dropped_packets[SIM_DROP_FULL];

    for (; seen < path->arrivals->len; seen++) {
      const SimArrival *arrival = packet_world_arrival (path, seen);
      gint64 put_ns = g_array_index (path->put_ns, gint64, arrival->number - 1);
      gint64 wait_ns = arrival->at_ns - put_ns - config->delay_ns;
      if (t_ns > 20 * SEC)
        g_array_append_val (waits, wait_ns);
      window += 1 / window;
      if (dropped > dropped_before && arrival->number > recover) {
        window = MAX (2, window / 2);
        recover = path->next_number;
        dropped_before = dropped;
      }
    }
    while ((double)sim_packet_path_get_packets_inside (path->packets) < window &&
           packet_world_put (path, 1500, 0) == SIM_DROP_NONE)
      continue;
    packet_world_run (path->world, t_ns);
  }
  g_array_sort (waits, compare_waits);
  load.median_wait_ms = (double)g_array_index (waits, gint64, waits->len / 2) / 1e6;
  load.utilisation = (double)waits->len * 1500 * 8 / 40 / (double)config->rate_bps;
  packet_world_free (path->world);
  return load;
}

/* RFC 8289's claim, and figures 3 and 5 of Nichols and Jacobson (2012): a standing queue goes down
 * to about the target, where a tail-drop queue stays near its limit. One flow whose window is
 * halved gets three quarters of the rate with no queue at all, more with the few packets of the
 * target. */
static void
test_codel_keeps_delay_low (void)
{
  SimPathConfig config;
  Load codel, tail;

  fill_codel (&config, 20 * MBIT);
  config.delay_ns = 50 * MS;
  config.queue = (SimQueueLimit) { SIM_QUEUE_TIME, 200 * MS };
  codel = run_window (&config);
  config.discipline = (SimDiscipline) { 0 };
  tail = run_window (&config);
  g_test_message ("codel: %.2f ms, %.3f; tail: %.2f ms, %.3f", codel.median_wait_ms,
                  codel.utilisation, tail.median_wait_ms, tail.utilisation);
  g_assert_cmpfloat (codel.median_wait_ms, <, 6);
  g_assert_cmpfloat (codel.utilisation, >, 0.78);
  g_assert_cmpfloat (tail.median_wait_ms, >, 80);
  g_assert_cmpfloat (tail.utilisation, >, 0.98);
}

/* ---- RED, on the queue alone ---- */

static const SimService idle_wire = { 0 };

static void
ignore (gpointer user_data, const SimQueued *queued, SimDropCause cause)
{
}

static void
init_red (SimQueue *queue, gint64 min, gint64 max, guint32 max_ppb, gboolean gentle,
          SimQueueUnit unit)
{
  SimQueueLimit limit = { SIM_QUEUE_UNLIMITED, 0 };
  SimDiscipline red = { .kind = SIM_DISCIPLINE_RED,
                        .red_unit = unit,
                        .red_min = min,
                        .red_max = max,
                        .red_max_ppb = max_ppb,
                        .red_gentle = gentle };
  CaimanPrng prng;

  g_assert_true (sim_discipline_is_valid (&red));
  caiman_prng_init (&prng, 5);
  sim_queue_init (queue, &prng, ignore, NULL);
  sim_queue_set (queue, &limit, &red, 12 * MBIT); /* 1 500 bytes in 1 ms */
}

static double
get_average (const SimQueue *queue)
{
  return (double)queue->red.average / (1 << SIM_RED_FRACTION_BITS);
}

/* The paper's section 6.1, equation 2: after a burst in which the queue grows from 0 to L,
 * avg_L = L + 1 + ((1 - w)^(L + 1) - 1) / w. */
static void
test_red_burst (void)
{
  const double w = 1.0 / (1 << SIM_RED_WEIGHT_BITS);
  SimQueued packet = { .wire_bytes = 1000 };
  SimQueue queue;

  init_red (&queue, 1000000, 2000000, 100000000, FALSE, SIM_QUEUE_PACKETS);
  for (guint L = 0; L <= 200; L++) {
    g_assert_cmpint (sim_queue_put (&queue, &packet, &idle_wire, 0), ==, SIM_DROP_NONE);
    g_assert_cmpfloat_with_epsilon (get_average (&queue), L + 1 + (pow (1 - w, L + 1) - 1) / w,
                                    0.01 + 0.001 * L);
  }
  sim_queue_clear (&queue);
}

/* Section 4: an idle time of m packets counts as m arrivals that found the queue empty. */
static void
test_red_idle (void)
{
  const double w = 1.0 / (1 << SIM_RED_WEIGHT_BITS);
  SimQueued packet = { .wire_bytes = 1500 }, out;
  SimQueue queue;
  double before;

  init_red (&queue, 1000000, 2000000, 100000000, FALSE, SIM_QUEUE_PACKETS);
  for (guint i = 0; i < 300; i++)
    sim_queue_put (&queue, &packet, &idle_wire, 0);
  while (sim_queue_take (&queue, &out, 0))
    continue;
  sim_queue_note_idle (&queue, 0);
  before = get_average (&queue);
  sim_queue_put (&queue, &packet, &idle_wire, 250 * MS);
  g_assert_cmpfloat_with_epsilon (get_average (&queue), before * pow (1 - w, 251), 0.02);
  sim_queue_clear (&queue);
}

typedef struct {
  double rate;
  double mean_gap;
  guint longest_gap;
} Drops;

/* A queue that stays at @n packets of 1 000 bytes. */
static Drops
hold_at (SimQueue *queue, guint n)
{
  SimQueued packet = { .wire_bytes = 1000 }, out;
  guint arrivals = 0, drops = 0, gap = 0;
  Drops result = { 0 };

  while (queue->n_packets < n) {
    queue->red.average = 0;
    sim_queue_put (queue, &packet, &idle_wire, 0);
  }
  queue->red.average = (gint64)(queue->discipline.red_unit == SIM_QUEUE_BYTES ? n * 1000 : n)
                       << SIM_RED_FRACTION_BITS;
  for (; arrivals < 400000; arrivals++) {
    SimDropCause cause = sim_queue_put (queue, &packet, &idle_wire, 0);

    gap++;
    if (cause == SIM_DROP_EARLY) {
      drops++;
      result.longest_gap = MAX (result.longest_gap, gap);
      gap = 0;
    } else {
      sim_queue_take (queue, &out, 0);
    }
  }
  result.rate = (double)drops / arrivals;
  result.mean_gap = drops ? (double)arrivals / drops : 0;
  return result;
}

/* Section 7: p_b = max_p (avg - min) / (max - min), and with p_a = p_b / (1 - count p_b), where the
 * first packet after a drop has count 1 as in the paper's algorithm, the gap between drops is
 * uniform in 1 ... 1 / p_b - 1, so 1 / (2 p_b) on average. */
static void
test_red_probability (void)
{
  for (guint n = 10; n <= 50; n += 10) {
    double p_b = 0.1 * (n - 5) / 50.0;
    SimQueue queue;
    Drops drops;

    init_red (&queue, 5, 55, 100000000, TRUE, SIM_QUEUE_PACKETS);
    drops = hold_at (&queue, n);
    g_assert_cmpfloat_with_epsilon (drops.mean_gap, 1 / (2 * p_b), 0.02 / (2 * p_b));
    g_assert_cmpuint (drops.longest_gap, <=, (guint)(1 / p_b));
    sim_queue_clear (&queue);
  }
}

/* Above max: everything, or gently from max_p on. By bytes as by packets. */
static void
test_red_above_max (void)
{
  SimQueue queue;
  double p_b = 0.1 + 0.9 * (60 - 50) / 50.0;
  double second = 1 - p_b / (1 - p_b), third = second * (1 - p_b / (1 - 2 * p_b));

  init_red (&queue, 10, 50, 100000000, FALSE, SIM_QUEUE_PACKETS);
  g_assert_cmpfloat (hold_at (&queue, 9).rate, ==, 0);
  g_assert_cmpfloat (hold_at (&queue, 51).rate, ==, 1);
  sim_queue_clear (&queue);
  init_red (&queue, 10000, 50000, 100000000, TRUE, SIM_QUEUE_BYTES);
  /* p_b = 0.28: the gap is 1, 2 or 3, as the third is certain. */
  g_assert_cmpfloat_with_epsilon (hold_at (&queue, 60).rate, 1 / (1 + second + third), 0.005);
  g_assert_cmpfloat (hold_at (&queue, 101).rate, ==, 1);
  sim_queue_clear (&queue);
}

/* On a path: the average stays between the thresholds under the textbook's TCP. */
static void
test_red_on_a_path (void)
{
  SimPathConfig config;
  Load load;

  sim_path_config_init (&config);
  config.rate_bps = 20 * MBIT;
  config.delay_ns = 50 * MS;
  config.queue = (SimQueueLimit) { SIM_QUEUE_PACKETS, 400 };
  config.discipline = (SimDiscipline) { .kind = SIM_DISCIPLINE_RED,
                                        .red_unit = SIM_QUEUE_PACKETS,
                                        .red_min = 20,
                                        .red_max = 60,
                                        .red_max_ppb = 100000000,
                                        .red_gentle = TRUE };
  load = run_window (&config);
  g_test_message ("red: %.2f ms, %.3f", load.median_wait_ms, load.utilisation);
  g_assert_cmpfloat (load.median_wait_ms, <, 36); /* 60 packets */
  g_assert_cmpfloat (load.utilisation, >, 0.9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/queue/codel-spacing", test_codel_spacing);
  g_test_add_func ("/sim/queue/codel-spares-short-queues", test_codel_spares_short_queues);
  g_test_add_func ("/sim/queue/codel-keeps-delay-low", test_codel_keeps_delay_low);
  g_test_add_func ("/sim/queue/red-burst", test_red_burst);
  g_test_add_func ("/sim/queue/red-idle", test_red_idle);
  g_test_add_func ("/sim/queue/red-probability", test_red_probability);
  g_test_add_func ("/sim/queue/red-above-max", test_red_above_max);
  g_test_add_func ("/sim/queue/red-on-a-path", test_red_on_a_path);
  return g_test_run ();
}
