/* SPDX-License-Identifier: Apache-2.0 */
/* test-contract-memory.c - the pair in memory keeps the contract of transports/transport.h. */
#include "tests/transports/contract.h"
#include "transports/memory.h"

typedef struct {
  ContractAccept accept;
  gpointer user_data;
  CaimanMemoryHub *hub;
} Place;

static gpointer
place_new (ContractAccept accept, gpointer user_data)
{
  Place *place = g_new0 (Place, 1);
  place->accept = accept;
  place->user_data = user_data;
  place->hub = caiman_memory_hub_new (NULL, NULL);
  return place;
}

static void
place_free (gpointer data)
{
  Place *place = data;
  caiman_memory_hub_free (place->hub);
  g_free (place);
}

static CaimanTransport *
place_connect (gpointer data)
{
  static const CaimanMemoryLimits limits = { .packets_max = 64, .bytes_max = 256 * 1024 };
  Place *place = data;
  CaimanTransport *client_end, *accepted_end;
  caiman_memory_hub_connect (place->hub, &limits, &client_end, &accepted_end);
  place->accept (place->user_data, accepted_end);
  return client_end;
}

static gboolean
place_step (gpointer data)
{
  return caiman_memory_hub_dispatch (((Place *)data)->hub);
}

static void
place_settle (gpointer data)
{
  caiman_memory_hub_dispatch (((Place *)data)->hub);
}

int
main (int argc, char **argv)
{
  static const ContractCarrier carrier = {
    "memory", place_new, place_free, place_connect, NULL, place_step, place_settle,
  };
  g_test_init (&argc, &argv, NULL);
  contract_add_tests (&carrier);
  return g_test_run ();
}
