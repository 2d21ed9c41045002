/* SPDX-License-Identifier: Apache-2.0 */
/* test-hostile-server.c - seeded scripts for the strangers of hostile-server.h. */
#include "tests/security/hostile-server.h"

#include "core/prng.h"

#include <stdlib.h>

#define N_SEEDS          250
#define SCRIPT_MAX_BYTES 1500

static HostileServerResult
play_seed (guint64 seed)
{
  CaimanPrng prng;
  caiman_prng_init (&prng, seed);
  CaimanRandom random = caiman_prng_as_random (&prng);
  gsize size = 1 + (gsize)caiman_prng_below (&prng, SCRIPT_MAX_BYTES);
  g_autofree guint8 *script = g_malloc (size);
  caiman_random_fill (&random, script, size);
  return hostile_server_play (script, size);
}

static void
test_seeds (void)
{
  const char *text = g_getenv ("CAIMAN_TEST_SEED");
  guint64 first = text ? strtoull (text, NULL, 10) : 0, n = text ? 1 : N_SEEDS;
  HostileServerResult sum = { 0 };
  for (guint64 seed = first; seed < first + n; seed++) {
    g_test_message ("seed %" G_GUINT64_FORMAT, seed);
    HostileServerResult result = play_seed (seed);
    sum.n_come += result.n_come;
    sum.n_turned_away += result.n_turned_away;
    sum.n_incoming += result.n_incoming;
    sum.n_accepted += result.n_accepted;
    sum.n_joined += result.n_joined;
    sum.n_refused += result.n_refused;
    sum.n_closed += result.n_closed;
  }
  g_test_message ("%u came, %u were turned away, %u new connections, %u accepted, %u links joined, "
                  "%u refused, %u closed",
                  sum.n_come, sum.n_turned_away, sum.n_incoming, sum.n_accepted, sum.n_joined,
                  sum.n_refused, sum.n_closed);
  /* The scripts are good for something only if they get everywhere. */
  if (!text)
    g_assert_true (sum.n_turned_away > n && sum.n_accepted > n / 10 && sum.n_refused > n &&
                   sum.n_joined > sum.n_incoming);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/security/hostile-server/seeds", test_seeds);
  return g_test_run ();
}
