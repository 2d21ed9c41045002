/* SPDX-License-Identifier: Apache-2.0 */
/* test-pipe-random.c - random use and random faults, and that all of it is a function of the seed.
 *
 * Whatever happens, an end gets packets in order without a gap, nothing after its failure (the
 * users of pipe-world assert that), and nothing is left in the queue at the end. Packets are
 * numbered by the bytes that they are filled with. */
#include "tests/sim/pipe-world.h"

#include "core/prng.h"

typedef struct {
  World *w;
  CaimanPrng prng;
  SimLinkPath *paths[2];
  guint64 digest; /* of all arrivals and ends */
} Chaos;

static guint64
draw (Chaos *c, guint64 bound)
{
  return caiman_prng_below (&c->prng, bound);
}

static void
digest (Chaos *c, guint64 value)
{
  c->digest = (c->digest ^ value) * G_GUINT64_CONSTANT (0x9E3779B97F4A7C15);
  c->digest ^= c->digest >> 29;
}

static SimLossConfig
draw_loss_config (Chaos *c)
{
  switch (draw (c, 3)) {
  case 0:
    return (SimLossConfig) { .kind = SIM_LOSS_BERNOULLI, .p_ppb = 20000000 };
  case 1:
    return (SimLossConfig) {
      .kind = SIM_LOSS_GILBERT, .p_ppb = 20000000, .r_ppb = 300000000, .bad_loss_ppb = 900000000
    };
  default:
    return (SimLossConfig) { .kind = SIM_LOSS_NONE };
  }
}

static gint64
draw_rate (Chaos *c)
{
  return draw (c, 5) == 0 ? SIM_RATE_UNLIMITED : MBIT (1 + (gint64)draw (c, 20));
}

static void
draw_path_config (Chaos *c, SimPathConfig config_out[SIM_N_DIRECTIONS])
{
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    sim_path_config_init (&config_out[d]);
    config_out[d].rate_bps = draw_rate (c);
    config_out[d].delay_ns = MS ((gint64)draw (c, 50));
    config_out[d].jitter = (SimDist) { (SimDistKind)draw (c, 4), MS ((gint64)draw (c, 10)) };
    config_out[d].loss = draw_loss_config (c);
    config_out[d].queue =
        (SimQueueLimit) { (SimQueueUnit)draw (c, 4), 1 + (gint64)draw (c, 50000) };
  }
}

static void
set_something (Chaos *c, SimLinkPath *path, SimDirections which)
{
  SimDist jitter = { (SimDistKind)draw (c, 4), MS ((gint64)draw (c, 10)) };
  SimLossConfig loss = draw_loss_config (c);
  SimQueueLimit queue = { (SimQueueUnit)draw (c, 4), 1 + (gint64)draw (c, 50000) };

  switch (draw (c, 6)) {
  case 0:
    sim_link_path_set_rate (path, which, draw_rate (c));
    break;
  case 1:
    sim_link_path_set_delay (path, which, MS ((gint64)draw (c, 50)));
    break;
  case 2:
    sim_link_path_set_jitter (path, which, &jitter);
    break;
  case 3:
    sim_link_path_set_loss (path, which, &loss);
    break;
  case 4:
    sim_link_path_set_queue (path, which, &queue);
    break;
  default:
    sim_link_path_set_receive_buffer (path, 1 + draw (c, 100000));
    break;
  }
}

static void
inject_fault (Chaos *c)
{
  SimLinkPath *path = c->paths[draw (c, 2)];
  SimDirections which = (SimDirections)(1 + draw (c, 3));
  gboolean on = draw (c, 4) == 0;

  switch (draw (c, 12)) {
  case 0:
    sim_link_path_reset (path);
    break;
  case 1:
    sim_link_path_close (path);
    break;
  case 2:
    sim_link_path_half_open (path, which);
    break;
  case 3:
    sim_link_path_set_down (path, on);
    break;
  case 4:
    sim_link_path_set_refusing (path, on);
    break;
  case 5:
    sim_link_path_corrupt (path, which, draw (c, 2));
    break;
  case 6:
  case 7:
    sim_link_path_set_blackhole (path, which, on);
    break;
  case 8:
    sim_link_path_set_paused (path, which, on);
    break;
  default:
    set_something (c, path, which);
    break;
  }
}

/* Each frame carries the number of the one before it (its payload) or the next. */
static void
check_order (User *user)
{
  guint n = user->arrivals->len;
  Arrival *last = &g_array_index (user->arrivals, Arrival, n - 1);
  Arrival *before = n > 1 ? &g_array_index (user->arrivals, Arrival, n - 2) : NULL;

  if (last->size_bytes == 0)
    last->first_byte = before->first_byte;
  else if (!before)
    g_assert_cmpuint (last->first_byte, ==, 0);
  else if (last->first_byte != before->first_byte)
    g_assert_cmpuint (last->first_byte, ==, (guint8)(before->first_byte + 1));
}

static void
check_order_on_accept (User *user)
{
  user->on_packet = check_order;
}

static void
use_an_end (Chaos *c, User *user)
{
  switch (draw (c, 100)) {
  case 0:
    user_free_end (user);
    break;
  case 1:
    user_abort (user);
    break;
  case 2:
    user_close (user);
    user_free_end (user);
    break;
  case 3:
  case 4:
  case 5:
    user_set_reading (user, draw (c, 2));
    break;
  default:
    for (guint64 n = 1 + draw (c, 10); n > 0 && user_is_writable (user); n--)
      if (draw (c, 3))
        user_send (user, (guint8)user->n_sent++, draw (c, 5000));
      else
        user_send_message (user, (guint8)user->n_sent++, 1 + draw (c, 30));
    break;
  }
}

/* (nullable) One of those that have not failed. */
static User *
draw_user (Chaos *c)
{
  for (guint tries = 0; tries < 8 && c->w->users->len > 0; tries++) {
    User *user = c->w->users->pdata[draw (c, c->w->users->len)];

    if (user->end && user->failed_ns < 0)
      return user;
  }
  return NULL;
}

static void
calm_down (Chaos *c)
{
  for (guint i = 0; i < 2; i++) {
    sim_link_path_set_down (c->paths[i], FALSE);
    sim_link_path_set_blackhole (c->paths[i], SIM_DIRECTIONS_BOTH, FALSE);
    sim_link_path_set_paused (c->paths[i], SIM_DIRECTIONS_BOTH, FALSE);
  }
  world_run (c->w);
}

static guint64
run_chaos (guint64 seed, guint n_steps, guint *n_frames_inout)
{
  Chaos c = { 0 };
  SimPathConfig config[SIM_N_DIRECTIONS];
  User *user;

  caiman_prng_init (&c.prng, seed);
  draw_path_config (&c, config);
  c.w = world_new (config);
  c.w->on_accept = check_order_on_accept;
  c.paths[0] = c.w->path;
  draw_path_config (&c, config);
  c.paths[1] = sim_network_add_path (c.w->network, "lte", SIM_CARRIER_PIPE, config);
  for (guint i = 0; i < n_steps; i++) {
    if (draw (&c, 20) == 0)
      world_connect (c.w, c.paths[draw (&c, 2)])->on_packet = check_order;
    if (draw (&c, 15) == 0)
      inject_fault (&c);
    user = draw_user (&c);
    if (user)
      use_an_end (&c, user);
    world_advance (c.w, (gint64)draw (&c, MS (20)));
  }
  calm_down (&c);
  for (guint i = 0; i < c.w->users->len; i++) {
    user = c.w->users->pdata[i];
    digest (&c, (guint64)user->failed_ns ^ user->reason);
    *n_frames_inout += user->arrivals->len;
    for (guint k = 0; k < user->arrivals->len; k++) {
      digest (&c, (guint64)user_get_arrival (user, k));
      digest (&c, g_array_index (user->arrivals, Arrival, k).size_bytes);
    }
    if (user->end)
      user_free_end (user);
  }
  world_run (c.w);
  g_assert_cmpuint (sim_link_path_get_connections (c.paths[0]), ==, 0);
  g_assert_cmpuint (sim_link_path_get_connections (c.paths[1]), ==, 0);
  world_free (c.w);
  return c.digest;
}

static void
test_chaos (void)
{
  guint n_frames = 0;

  for (guint64 seed = 1; seed <= 300; seed++)
    run_chaos (seed, 1000, &n_frames);
  g_assert_cmpuint (n_frames, >, 300 * 500);
}

static void
test_same_seed_same_run (void)
{
  guint n = 0;

  for (guint64 seed = 1; seed <= 10; seed++)
    g_assert_cmpuint (run_chaos (seed, 400, &n), ==, run_chaos (seed, 400, &n));
  g_assert_cmpuint (run_chaos (1, 400, &n), !=, run_chaos (2, 400, &n));
}

/* The arrival times of a fixed load over the path "wifi", with or without another path. */
static guint64
run_load (gboolean with_lte)
{
  Chaos c = { 0 };
  SimPathConfig config[SIM_N_DIRECTIONS];
  User *client, *server, *other = NULL;

  world_config (config, MBIT (8), MS (10));
  config[SIM_DIRECTION_UP].jitter = (SimDist) { SIM_DIST_NORMAL, MS (3) };
  config[SIM_DIRECTION_UP].loss = (SimLossConfig) { SIM_LOSS_BERNOULLI, 100000000 };
  c.w = world_new (config);
  if (with_lte)
    other =
        world_connect (c.w, sim_network_add_path (c.w->network, "lte", SIM_CARRIER_PIPE, config));
  client = world_connect_both (c.w, &server);
  if (with_lte) {
    world_run (c.w);
    server = c.w->servers->pdata[c.w->servers->len - 1];
  }
  for (guint i = 0; i < 200; i++) {
    world_advance (c.w, MS (300) - world_now (c.w) % MS (100));
    user_send (client, 0, 975);
    if (other)
      user_send (other, 0, 975);
  }
  world_run (c.w);
  g_assert_cmpuint (server->arrivals->len, ==, 400);
  for (guint i = 0; i < server->arrivals->len; i++)
    digest (&c, (guint64)user_get_arrival (server, i));
  world_free (c.w);
  return c.digest;
}

static void
test_another_path_changes_nothing (void)
{
  g_assert_cmpuint (run_load (FALSE), ==, run_load (TRUE));
}

/* About two events per packet: one when it is serialised, one when it arrives. */
static void
test_two_events_per_packet (void)
{
  World *w = world_new_simple (MBIT (8), MS (10));
  User *server, *client = world_connect_both (w, &server);
  guint64 before = caiman_timer_queue_get_events_run (w->queue);

  for (guint i = 0; i < 1000; i++) {
    user_send (client, 0, 975);
    world_advance (w, MS (1));
  }
  world_run (w);
  g_assert_cmpuint (user_count_payloads (server), ==, 1000);
  g_assert_cmpuint (caiman_timer_queue_get_events_run (w->queue) - before, ==, 2000);
  world_free (w);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/pipe-random/chaos", test_chaos);
  g_test_add_func ("/sim/pipe-random/same-seed-same-run", test_same_seed_same_run);
  g_test_add_func ("/sim/pipe-random/another-path-changes-nothing",
                   test_another_path_changes_nothing);
  g_test_add_func ("/sim/pipe-random/two-events-per-packet", test_two_events_per_packet);
  return g_test_run ();
}
