/* SPDX-License-Identifier: Apache-2.0 */
/* packet-path.c - how many packets per second of processor time the path model carries. Those that
 * arrive are counted, what is lost and dropped is in their time.
 *
 * A sender puts a packet in each time one arrives, so that a fixed number is always in the path:
 * what a TCP flow does, without the TCP. Each line is one configuration; the path is driven as the
 * simulator does it, from deadline to deadline. */
#include "sim/packet-path.h"

#include <stdio.h>
#include <time.h>

#define MS CAIMAN_NS_PER_MS

typedef struct {
  guint64 dropped;
} Owner;

static void
dropped (gpointer user_data, const SimPacket *packet, SimDropCause cause)
{
  ((Owner *)user_data)->dropped++;
}

static gint64
processor_ns (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * CAIMAN_NS_PER_S + t.tv_nsec;
}

static void
measure (const char *title, const SimPathConfig *config, guint window, guint64 n_packets)
{
  SimPacketOwner hooks = { .dropped = dropped };
  Owner owner = { 0 };
  SimPath *path = sim_path_new (config, 1, "bench", SIM_DIRECTION_UP);
  SimPacketPath *packets = sim_packet_path_new (path, &hooks, &owner, 0);
  SimPacket packet = { .size_bytes = 1500 };
  gint64 start_ns = processor_ns (), now_ns = 0, arrival_ns;
  guint64 arrived = 0, deadlines = 0;

  while (arrived < n_packets) {
    while (sim_packet_path_get_packets_inside (packets) < window) {
      SimDropCause cause = sim_packet_path_put (packets, &packet, now_ns);
      if (cause == SIM_DROP_FULL || cause == SIM_DROP_EARLY)
        break;
    }
    now_ns = MAX (now_ns, sim_packet_path_get_deadline (packets));
    sim_packet_path_advance (packets, now_ns);
    deadlines++;
    while (sim_packet_path_pull (packets, &packet, &arrival_ns))
      arrived++;
  }
  gint64 spent_ns = processor_ns () - start_ns;
  printf ("%-28s %6.2f M packets/s  %5.1f ns/packet  %.2f deadlines/packet\n", title,
          1e3 * (double)arrived / (double)spent_ns, (double)spent_ns / (double)arrived,
          (double)deadlines / (double)arrived);
  sim_packet_path_free (packets);
  sim_path_free (path);
}

static SimTrace *
make_trace (void)
{
  guint32 at_ms[1000];

  for (guint i = 0; i < 1000; i++)
    at_ms[i] = (i + 3) / 4;
  return sim_trace_new_opportunities (at_ms, 1000);
}

int
main (int argc, char **argv)
{
  guint64 n = argc > 1 ? g_ascii_strtoull (argv[1], NULL, 10) : 5000000;
  g_autoptr (SimTrace) trace = make_trace ();
  SimPathConfig config;

  sim_path_config_init (&config);
  config.rate_bps = 50000000;
  config.delay_ns = 10 * MS;
  config.queue = (SimQueueLimit) { SIM_QUEUE_TIME, 50 * MS };
  measure ("tail-drop", &config, 200, n);
  config.loss = (SimLossConfig) { .kind = SIM_LOSS_BERNOULLI, .p_ppb = 10000000 };
  config.jitter = (SimDist) { SIM_DIST_NORMAL, 2 * MS };
  measure ("loss, jitter in order", &config, 200, n);
  config.reorders = TRUE;
  measure ("loss, jitter, reordering", &config, 200, n);
  config.reorders = FALSE;
  config.discipline = (SimDiscipline) { .kind = SIM_DISCIPLINE_CODEL,
                                        .target_ns = SIM_CODEL_TARGET_DEFAULT_NS,
                                        .interval_ns = SIM_CODEL_INTERVAL_DEFAULT_NS };
  measure ("the same, codel", &config, 200, n);
  config.discipline = (SimDiscipline) { .kind = SIM_DISCIPLINE_RED,
                                        .red_unit = SIM_QUEUE_PACKETS,
                                        .red_min = 30,
                                        .red_max = 90,
                                        .red_max_ppb = 100000000,
                                        .red_gentle = TRUE };
  measure ("the same, red", &config, 200, n);
  config.discipline = (SimDiscipline) { 0 };
  config.rate_trace = trace;
  measure ("tail-drop, Mahimahi trace", &config, 200, n);
  return 0;
}
