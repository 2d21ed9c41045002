/* SPDX-License-Identifier: Apache-2.0 */
/* test-meter.c - mean rates over the peers' statistics intervals. */
#include "core/meter.h"

#define MS(n) ((n)*CAIMAN_NS_PER_MS)

static void
test_intervals (void)
{
  CaimanMeter meter;
  gint64 rates_bps[CAIMAN_N_STATS_INTERVALS];
  caiman_meter_init (&meter, MS (50));
  for (gint64 t = 50; t < 5050; t += 10)
    caiman_meter_add (&meter, 1250, MS (t)); /* 1 Mbit/s */
  caiman_meter_get (&meter, rates_bps, MS (5049));
  g_assert_cmpint (rates_bps[0], ==, 1000000);
  g_assert_cmpint (rates_bps[1], ==, 1000000);
  g_assert_cmpint (rates_bps[2], ==, 0); /* the first 5 s are not over */
  caiman_meter_get (&meter, rates_bps, MS (5050));
  g_assert_cmpint (rates_bps[2], ==, 1000000);
}

static void
test_silence (void)
{
  CaimanMeter meter;
  gint64 rates_bps[CAIMAN_N_STATS_INTERVALS];
  caiman_meter_init (&meter, 0);
  caiman_meter_add (&meter, 125000, MS (20));
  caiman_meter_get (&meter, rates_bps, MS (150));
  g_assert_cmpint (rates_bps[0], ==, 10000000);
  /* An interval without anything follows: the last complete one is empty. */
  caiman_meter_get (&meter, rates_bps, MS (250));
  g_assert_cmpint (rates_bps[0], ==, 0);
  /* Looking does not change anything. */
  caiman_meter_get (&meter, rates_bps, MS (150));
  g_assert_cmpint (rates_bps[0], ==, 10000000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/meter/intervals", test_intervals);
  g_test_add_func ("/core/meter/silence", test_silence);
  return g_test_run ();
}
