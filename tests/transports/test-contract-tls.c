/* SPDX-License-Identifier: Apache-2.0 */
/* test-contract-tls.c - TLS over loopback keeps the contract of transports/transport.h. */
#include "tests/transports/contract.h"
#include "tests/transports/tls-place.h"

static gpointer
place_new (ContractAccept accept, gpointer user_data)
{
  TlsPlace *place = tls_place_new (accept, user_data);
  place->server = tls_place_server (FALSE);
  place->client = tls_place_client ("server.example", "ca.pem", NULL, NULL);
  return place;
}

static CaimanTransport *
place_connect (gpointer place)
{
  return tls_place_connect (place);
}

static CaimanTransport *
place_connect_refused (gpointer place)
{
  return tls_place_connect_refused (place);
}

static gboolean
place_step (gpointer place)
{
  tls_place_step (place);
  return TRUE;
}

static void
place_settle (gpointer data)
{
  TlsPlace *place = data;
  gint64 until_ns = caiman_loop_now (place->loop) + 20 * CAIMAN_NS_PER_MS;
  while (caiman_loop_now (place->loop) < until_ns)
    tls_place_step (place);
}

static void
place_free (gpointer place)
{
  tls_place_free (place);
}

int
main (int argc, char **argv)
{
  static const ContractCarrier carrier = {
    "tls",
    place_new,
    place_free,
    place_connect,
    place_connect_refused,
    place_step,
    place_settle,
    .accepts_early = TRUE,
  };
  g_test_init (&argc, &argv, NULL);
  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ())) {
    g_print ("1..0 # SKIP GLib has no TLS here (glib-networking)\n");
    return 0;
  }
  contract_add_tests (&carrier);
  return g_test_run ();
}
