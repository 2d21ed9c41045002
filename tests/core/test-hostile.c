/* SPDX-License-Identifier: Apache-2.0 */
/* test-hostile.c - seeded scripts for the peer of hostile.h: whatever it does, an endpoint neither
 * aborts, nor spins, nor holds more than its buffers, and ends for a proper reason. */
#include "core/prng.h"
#include "core/connection-private.h"
#include "tests/core/duo-private.h"
#include "tests/core/hostile.h"

#include <stdlib.h>

#define N_SEEDS          3000
#define SCRIPT_MAX_BYTES 1500

static CaimanReason
play_seed (guint64 seed)
{
  CaimanPrng prng;
  caiman_prng_init (&prng, seed);
  CaimanRandom random = caiman_prng_as_random (&prng);
  gsize size = 1 + (gsize)caiman_prng_below (&prng, SCRIPT_MAX_BYTES);
  g_autofree guint8 *script = g_malloc (size);
  caiman_random_fill (&random, script, size);
  return hostile_play (script, size);
}

static void
test_seeds (void)
{
  const char *text = g_getenv ("CAIMAN_TEST_SEED");
  guint n_ends[CAIMAN_N_REASONS] = { 0 };
  guint64 first = text ? strtoull (text, NULL, 10) : 0, n = text ? 1 : N_SEEDS;
  for (guint64 seed = first; seed < first + n; seed++) {
    g_test_message ("seed %" G_GUINT64_FORMAT, seed);
    n_ends[play_seed (seed)]++;
  }
  if (text)
    return;
  for (guint i = 0; i < CAIMAN_N_REASONS; i++)
    if (n_ends[i] > 0)
      g_test_message ("%s: %u", caiman_reason_to_string ((CaimanReason)i), n_ends[i]);
  /* The scripts are good for something only if they get past the first violation. */
  g_assert_cmpuint (n_ends[CAIMAN_REASON_PROTOCOL_ERROR], >, 0);
  g_assert_cmpuint (n_ends[CAIMAN_REASON_TERMINATED], >, 0);
  g_assert_cmpuint (n_ends[CAIMAN_REASON_ALL_LINKS_FAILED], >, 0);
}

/* Says on @link that all that is out there has come in. */
static void
acknowledge (Duo *d, guint link)
{
  CaimanFlight *flight = &duo_get_link (d, DUO_SERVER, link)->flight;
  CaimanMessage ack = { .type = CAIMAN_MESSAGE_ACK };
  while (flight->n > 0) {
    ack.seq = caiman_flight_get_head (flight)->seq;
    duo_inject_message (d, DUO_SERVER, link, &ack);
  }
}

/* A peer takes Consumed after Consumed on one link and acknowledges them only where they are sent
 * again: what the endpoint remembers of the first link is bounded all the same. */
static void
test_acks_elsewhere (void)
{
  static const CaimanId id = { { 1 } };
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  for (guint link = 1; link <= 2; link++) {
    duo_add_raw_link (d, DUO_SERVER, "raw");
    duo_raw_connect (d, link, &id, link > 1);
  }
  caiman_connection_drop_receiver (d->accepted, d->now_ns);
  d->keep_log = FALSE;
  guint32 n_flight_max = 0;
  CaimanMessage data = { .type = CAIMAN_MESSAGE_DATA }, pong = { .type = CAIMAN_MESSAGE_PONG };
  for (guint i = 0; i < 400000 && d->accepted->links->len == 2; i++) {
    data.seq = i;
    duo_inject_message (d, DUO_SERVER, 2, &data);
    duo_inject (d, DUO_SERVER, 2, "x", 1);
    acknowledge (d, 2);
    CaimanLink *first = duo_get_duo_link (d, 1)->ends[DUO_SERVER].link;
    n_flight_max = MAX (n_flight_max, first ? first->flight.n : 0);
    if (i % 20000 != 19999)
      continue;
    duo_advance (d, MS (500));
    acknowledge (d, 2);
    for (guint link = 1; link <= 2 && d->accepted->links->len == 2; link++)
      duo_inject_message (d, DUO_SERVER, link, &pong);
    duo_forget (d);
  }
  g_test_message ("max %u links %u data %u reason %s", n_flight_max, d->accepted->links->len,
                  data.seq,
                  caiman_reason_to_string (duo_get_duo_link (d, 1)->ends[DUO_SERVER].close_reason));
  g_assert_cmpuint (n_flight_max, >, CAIMAN_SEQ_WINDOW / 2);
  g_assert_cmpuint (n_flight_max, <=, CAIMAN_SEQ_WINDOW + 1);
  duo_expect_link_closed (d, DUO_SERVER, 1, CAIMAN_REASON_ACK_TIMEOUT);
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/hostile/seeds", test_seeds);
  g_test_add_func ("/core/hostile/acks-elsewhere", test_acks_elsewhere);
  return g_test_run ();
}
