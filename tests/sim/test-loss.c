/* SPDX-License-Identifier: Apache-2.0 */
/* test-loss.c - loss rates and burst lengths against theory. Tolerances are four standard errors or
 * more; the seeds are fixed. */
#include "sim/loss.h"

#define N_DRAWS 1000000

typedef struct {
  double rate;
  double mean_burst; /* packets in a row that are lost */
} Outcome;

static void
init (SimLoss *loss, const SimLossConfig *config)
{
  CaimanPrng prng;

  caiman_prng_init (&prng, 11);
  sim_loss_init (loss, config, &prng);
}

static Outcome
draw_many (const SimLossConfig *config)
{
  SimLoss loss;
  guint lost = 0, bursts = 0;
  gboolean before = FALSE;

  init (&loss, config);
  for (guint i = 0; i < N_DRAWS; i++) {
    gboolean now = sim_loss_draw (&loss);

    lost += now;
    bursts += now && !before;
    before = now;
  }
  return (Outcome) { (double)lost / N_DRAWS, bursts ? (double)lost / bursts : 0 };
}

static void
test_none_and_certain (void)
{
  SimLossConfig none = { .kind = SIM_LOSS_NONE };
  SimLossConfig never = { .kind = SIM_LOSS_BERNOULLI, .p_ppb = 0 };
  SimLossConfig always = { .kind = SIM_LOSS_BERNOULLI, .p_ppb = SIM_LOSS_CERTAIN_PPB };

  g_assert_cmpfloat (draw_many (&none).rate, ==, 0);
  g_assert_cmpfloat (draw_many (&never).rate, ==, 0);
  g_assert_cmpfloat (draw_many (&always).rate, ==, 1);
}

static void
test_bernoulli (void)
{
  SimLossConfig config = { .kind = SIM_LOSS_BERNOULLI, .p_ppb = 50000000 };
  Outcome outcome = draw_many (&config);

  g_assert_cmpfloat_with_epsilon (outcome.rate, 0.05, 0.0009);
  g_assert_cmpfloat_with_epsilon (outcome.mean_burst, 1 / 0.95, 0.005);
}

/* All packets of the bad state are lost: rate p / (p + r), bursts of 1 / r. */
static void
test_simple_gilbert (void)
{
  SimLossConfig config = { .kind = SIM_LOSS_GILBERT,
                           .p_ppb = 10000000,
                           .r_ppb = 300000000,
                           .bad_loss_ppb = SIM_LOSS_CERTAIN_PPB };
  Outcome outcome = draw_many (&config);

  g_assert_cmpfloat_with_epsilon (outcome.rate, 0.01 / 0.31, 0.0018);
  g_assert_cmpfloat_with_epsilon (outcome.mean_burst, 1 / 0.3, 0.12);
}

/* Time in the bad state p / (p + r); loss of each state weighed by it. */
static void
test_four_parameters (void)
{
  SimLossConfig config = { .kind = SIM_LOSS_GILBERT,
                           .p_ppb = 20000000,
                           .r_ppb = 180000000,
                           .bad_loss_ppb = 400000000,
                           .good_loss_ppb = 10000000 };

  g_assert_cmpfloat_with_epsilon (draw_many (&config).rate, 0.1 * 0.4 + 0.9 * 0.01, 0.0018);
}

/* Stationary shares of netem's four states, from the balance of each state's ins and outs:
 * pi_2 = pi_3 p32 / p23; pi_3 (p31 + p32) = pi_1 p13 + pi_2 p23; pi_4 = pi_1 p14. */
static void
test_four_states (void)
{
  const double p13 = 0.01, p31 = 0.2, p32 = 0.3, p23 = 0.4, p14 = 0.005;
  SimLossConfig config = { .kind = SIM_LOSS_FOUR,
                           .four_ppb = { 10000000, 200000000, 300000000, 400000000, 5000000 } };
  double three = p13 / p31, two = three * p32 / p23, four = p14; /* of state 1's share */
  double whole = 1 + two + three + four;
  guint n_states[5] = { 0 };
  SimLoss loss;

  g_assert_true (sim_loss_config_is_valid (&config));
  init (&loss, &config);
  for (guint i = 0; i < N_DRAWS; i++) {
    gboolean lost = sim_loss_draw (&loss);
    g_assert_cmpint (lost, ==, loss.state >= 3);
    n_states[loss.state]++;
  }
  g_assert_cmpfloat_with_epsilon (n_states[1] / (double)N_DRAWS, 1 / whole, 0.006);
  g_assert_cmpfloat_with_epsilon (n_states[2] / (double)N_DRAWS, two / whole, 0.003);
  g_assert_cmpfloat_with_epsilon (n_states[3] / (double)N_DRAWS, three / whole, 0.003);
  g_assert_cmpfloat_with_epsilon (n_states[4] / (double)N_DRAWS, four / whole, 0.0003);
  config.four_ppb[SIM_FOUR_P14] = SIM_LOSS_CERTAIN_PPB;
  g_assert_false (sim_loss_config_is_valid (&config));
}

static void
expect_pattern (const SimLossConfig *config, const char *pattern)
{
  SimLoss loss;

  init (&loss, config);
  for (const char *p = pattern; *p; p++)
    g_assert_cmpint (sim_loss_draw (&loss), ==, *p == 'x');
}

static void
test_nth (void)
{
  SimLossConfig config = { .kind = SIM_LOSS_NTH, .every = 3 };

  expect_pattern (&config, "..x..x..x.");
  config.every = 1;
  expect_pattern (&config, "xxxx");
}

static void
test_mask (void)
{
  SimLossConfig config = { .kind = SIM_LOSS_MASK, .mask = 0x15, .mask_bits = 6 };

  expect_pattern (&config, "x.x.x.x.x.x.x.");
  config.mask_bits = 5;
  expect_pattern (&config, "x.x.xx.x.xx.x.x");
  config.mask = G_GUINT64_CONSTANT (1) << 63;
  config.mask_bits = 64;
  expect_pattern (&config, "...............................................................x...");
}

static void
test_set_starts_afresh (void)
{
  SimLossConfig nth = { .kind = SIM_LOSS_NTH, .every = 3 };
  SimLossConfig gilbert = { .kind = SIM_LOSS_GILBERT,
                            .p_ppb = SIM_LOSS_CERTAIN_PPB,
                            .bad_loss_ppb = SIM_LOSS_CERTAIN_PPB };
  SimLoss loss;

  init (&loss, &nth);
  sim_loss_draw (&loss);
  sim_loss_draw (&loss);
  sim_loss_set (&loss, &nth);
  g_assert_false (sim_loss_draw (&loss));
  sim_loss_set (&loss, &gilbert);
  g_assert_false (sim_loss_draw (&loss));
  g_assert_true (sim_loss_draw (&loss));
  sim_loss_set (&loss, &gilbert);
  g_assert_false (sim_loss_draw (&loss));
}

static void
test_limits (void)
{
  static const SimLossConfig bad[] = {
    { .kind = SIM_LOSS_BERNOULLI, .p_ppb = SIM_LOSS_CERTAIN_PPB + 1 },
    { .kind = SIM_LOSS_GILBERT, .p_ppb = SIM_LOSS_CERTAIN_PPB + 1 },
    { .kind = SIM_LOSS_GILBERT, .r_ppb = SIM_LOSS_CERTAIN_PPB + 1 },
    { .kind = SIM_LOSS_GILBERT, .bad_loss_ppb = SIM_LOSS_CERTAIN_PPB + 1 },
    { .kind = SIM_LOSS_GILBERT, .good_loss_ppb = SIM_LOSS_CERTAIN_PPB + 1 },
    { .kind = SIM_LOSS_NTH, .every = 0 },
    { .kind = SIM_LOSS_MASK, .mask_bits = 0 },
    { .kind = SIM_LOSS_MASK, .mask_bits = 65 },
    { .kind = SIM_LOSS_MASK + 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (sim_loss_config_is_valid (&bad[i]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/loss/none-and-certain", test_none_and_certain);
  g_test_add_func ("/sim/loss/bernoulli", test_bernoulli);
  g_test_add_func ("/sim/loss/simple-gilbert", test_simple_gilbert);
  g_test_add_func ("/sim/loss/four-parameters", test_four_parameters);
  g_test_add_func ("/sim/loss/four-states", test_four_states);
  g_test_add_func ("/sim/loss/nth", test_nth);
  g_test_add_func ("/sim/loss/mask", test_mask);
  g_test_add_func ("/sim/loss/set-starts-afresh", test_set_starts_afresh);
  g_test_add_func ("/sim/loss/limits", test_limits);
  return g_test_run ();
}
