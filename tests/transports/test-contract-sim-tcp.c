/* SPDX-License-Identifier: Apache-2.0 */
/* test-contract-sim-tcp.c - the simulated TCP keeps the contract of transports/transport.h. */
#include "tests/transports/contract.h"
#include "sim/network.h"

typedef struct {
  ContractAccept accept;
  gpointer user_data;
  CaimanTimerQueue *queue;
  SimNetwork *network;
  SimLinkPath *path;
} Place;

static void
on_accept (gpointer user_data, SimLinkPath *path, CaimanTransport *end)
{
  Place *place = user_data;
  place->accept (place->user_data, end);
}

static gpointer
place_new (ContractAccept accept, gpointer user_data)
{
  Place *place = g_new0 (Place, 1);
  SimPathConfig config[SIM_N_DIRECTIONS] = { 0 };
  for (SimDirection direction = 0; direction < SIM_N_DIRECTIONS; direction++) {
    config[direction].rate_bps = G_GINT64_CONSTANT (1000000000);
    config[direction].delay_ns = CAIMAN_NS_PER_MS;
    config[direction].queue = (SimQueueLimit) { SIM_QUEUE_BYTES, 100000 };
  }
  place->accept = accept;
  place->user_data = user_data;
  place->queue = caiman_timer_queue_new ();
  place->network = sim_network_new (place->queue, 1);
  place->path = sim_network_add_path (place->network, "path", SIM_CARRIER_TCP, config);
  sim_network_set_accept (place->network, on_accept, place);
  return place;
}

static void
place_free (gpointer data)
{
  Place *place = data;
  sim_network_free (place->network);
  caiman_timer_queue_free (place->queue);
  g_free (place);
}

static CaimanTransport *
place_connect (gpointer data)
{
  return sim_link_path_connect (((Place *)data)->path);
}

static CaimanTransport *
place_connect_refused (gpointer data)
{
  Place *place = data;
  sim_link_path_set_refusing (place->path, TRUE);
  return place_connect (data);
}

static gboolean
place_step (gpointer data)
{
  return caiman_timer_queue_step (((Place *)data)->queue);
}

static void
place_settle (gpointer data)
{
  Place *place = data;
  /* A peer that does not read is probed for ever, one that does not end is given 10 s. */
  caiman_timer_queue_run_until (place->queue,
                                caiman_timer_queue_now (place->queue) + 5 * CAIMAN_NS_PER_S);
}

int
main (int argc, char **argv)
{
  static const ContractCarrier carrier = {
    "sim-tcp",  place_new,    place_free, place_connect, place_connect_refused,
    place_step, place_settle,
  };
  g_test_init (&argc, &argv, NULL);
  contract_add_tests (&carrier);
  return g_test_run ();
}
