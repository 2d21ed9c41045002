/* SPDX-License-Identifier: Apache-2.0 */
/* test-random.c - links that come, go, stall and reorder against each other, both ways at once.
 *
 * Each seed draws configuration, links, traffic and faults; then the faults end, and everything
 * must be delivered, exactly, within a bound, and the connection must close. The seed and what it
 * drew are printed first; CAIMAN_TEST_SEED=N replays one. */
#include "tests/core/duo.h"

#include <stdlib.h>

#define SEEDS 2000

/* All must be delivered this long after the last fault: a retest of a link, and the exchange of
 * what is left over slow links with small windows, message by message where acknowledgements are
 * held back. */
#define HEAL_NS S (1000)

typedef struct {
  Duo *d;
  CaimanPrng prng;
  guint n_links_max;
} World;

static gint64
draw (World *w, gint64 low, gint64 high)
{
  return caiman_prng_range (&w->prng, low, high);
}

static gboolean
chance (World *w, gint64 percent)
{
  return draw (w, 1, 100) <= percent;
}

/* Log-uniform, so that small and large ones are as likely. */
static gint64
draw_size (World *w, gint64 low, gint64 high)
{
  gint64 top = low;
  while (top < high && !chance (w, 15))
    top *= 2;
  return draw (w, low, MIN (top, high));
}

static CaimanConfig
draw_config (World *w)
{
  CaimanConfig config;
  caiman_config_init (&config, (CaimanPreset)draw (w, 0, CAIMAN_N_PRESETS - 1));
  config.policy = draw (w, 0, CAIMAN_N_POLICIES - 1);
  config.reference_generation = draw (w, 9, 10);
  config.send_buffer_bytes = draw_size (w, KIB (1), MIB (4));
  config.receive_buffer_bytes = draw_size (w, KIB (4), MIB (4));
  config.stream_chunk_bytes = 0;
  config.link_window_start_bytes = draw_size (w, 512, KIB (256));
  config.link_window_max_bytes = MAX (config.link_window_start_bytes, MIB (4));
  config.test_data_bytes = chance (w, 50) ? 0 : draw_size (w, 1, KIB (64));
  config.retest_interval_ns = draw (w, MS (100), S (15));
  config.consumed_when_empty = chance (w, 50);
  config.ping_mode = draw (w, CAIMAN_PING_PERIODIC, CAIMAN_PING_AFTER_TIMEOUT);
  config.non_working_timeout_ns = draw (w, S (5), S (60));
  config.no_link_timeout_ns = S (86400);
  g_autoptr (GError) error = NULL;
  caiman_config_validate (&config, &error);
  g_assert_no_error (error);
  return config;
}

static void
add_link (World *w)
{
  CaimanLinkInfo info = { .name = "x",
                          .weight = draw (w, 0, 3),
                          .cost = chance (w, 80) ? 0 : draw (w, 0, 2) };
  DuoLinkLimits limits = { .packets_max = chance (w, 50) ? 0 : (guint)draw_size (w, 1, 500),
                           .bytes_max = (gsize)draw_size (w, 2000, MIB (1)),
                           .split_ns = chance (w, 70) ? 0 : draw (w, 0, MS (20)) };
  gint64 delay_ns = chance (w, 5) ? 0 : draw_size (w, US (50), MS (300));
  duo_add_link_full (w->d, &info, delay_ns, &limits);
}

/* The link's end at @side, or NULL when it has closed. */
static CaimanLink *
find_end (World *w, DuoSide side, guint link)
{
  CaimanConnection *connection = side == DUO_CLIENT ? w->d->client : w->d->accepted;
  if (!connection)
    return NULL;
  gsize n;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n);
  return link <= n ? links[link - 1] : NULL;
}

static void
fault (World *w)
{
  Duo *d = w->d;
  guint number = (guint)draw (w, 1, d->links->len);
  DuoSide side = (DuoSide)draw (w, DUO_CLIENT, DUO_SERVER);
  CaimanLink *end = find_end (w, side, (guint)draw (w, 1, 4));
  switch (draw (w, 0, 10)) {
  case 0:
    duo_drop_link (d, number);
    break;
  case 1:
    duo_stall_link (d, number);
    break;
  case 2:
    duo_stall_direction (d, side, number);
    break;
  case 3:
  case 4:
    duo_resume_link (d, number);
    break;
  case 5:
    if (end)
      caiman_link_set_blocked (end, !caiman_link_is_blocked_local (end), d->now_ns);
    break;
  case 6:
    if (end && chance (w, 30))
      caiman_link_disconnect (end, d->now_ns);
    break;
  case 7:
    d->auto_read = !d->auto_read; /* both applications pause, or go on */
    break;
  case 8:
    if (end) {
      CaimanLinkHint hint = { draw (w, -1, MS (500)), draw (w, -1, 10000), draw (w, -1, 5),
                              draw (w, -1, 3) };
      caiman_link_set_hint (end, &hint, d->now_ns);
    }
    break;
  default:
    if (d->links->len < w->n_links_max)
      add_link (w);
    break;
  }
  duo_settle (d);
}

static void
end_faults (World *w)
{
  Duo *d = w->d;
  d->auto_read = TRUE;
  for (guint link = 1; link <= d->links->len; link++)
    duo_resume_link (d, link);
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    CaimanLink *end;
    for (guint i = 1; (end = find_end (w, side, i)) != NULL; i++)
      caiman_link_set_blocked (end, FALSE, d->now_ns);
  }
  CaimanLinkInfo info = { .name = "rescue" };
  duo_add_link_full (d, &info, draw_size (w, US (50), MS (100)), NULL);
  duo_advance (d, S (1));
}

/* Only direct reads and writes; the series check content, order and number. */
static void
wait_for_delivery (World *w)
{
  Duo *d = w->d;
  gint64 limit_ns = d->now_ns + HEAL_NS;
  while (!duo_is_delivered (d, DUO_CLIENT) || !duo_is_delivered (d, DUO_SERVER)) {
    if (d->now_ns >= limit_ns) {
      duo_describe (d);
      g_error ("not all is delivered");
    }
    duo_advance (d, MS (100));
  }
}

static void
end_connection (World *w)
{
  Duo *d = w->d;
  CaimanReason reason = CAIMAN_REASON_FINISHED;
  DuoSide first = (DuoSide)draw (w, DUO_CLIENT, DUO_SERVER);
  DuoSide second = first == DUO_CLIENT ? DUO_SERVER : DUO_CLIENT;
  gint64 between_ns = chance (w, 30) ? 0 : draw_size (w, MS (1), S (2));
  switch (draw (w, 0, 3)) {
  case 0:
    duo_close (d, first);
    duo_advance (d, between_ns);
    duo_close (d, second);
    break;
  case 1:
    reason = CAIMAN_REASON_TERMINATED;
    caiman_connection_terminate (duo_get_end (d, first), d->now_ns);
    break;
  case 2:
    caiman_connection_drop_receiver (duo_get_end (d, first), d->now_ns);
    duo_finish (d, first);
    duo_advance (d, between_ns);
    duo_finish (d, second);
    break;
  default:
    duo_finish (d, first);
    duo_advance (d, between_ns);
    duo_finish (d, second);
    break;
  }
  if (!duo_run_until_ended (d, S (100))) {
    duo_describe (d);
    g_error ("does not end");
  }
  duo_expect_ended (d, reason, reason);
  duo_advance (d, S (50));
  g_assert_true (caiman_connection_is_finished (d->client));
  g_assert_true (caiman_connection_is_finished (d->accepted));
}

static void
run_seed (guint64 seed)
{
  World w = { .n_links_max = 8 };
  caiman_prng_init_stream (&w.prng, seed, "world");
  CaimanConfig client_config = draw_config (&w);
  CaimanConfig server_config = draw_config (&w);
  gsize n_up = (gsize)draw_size (&w, 1, 800);
  gsize n_down = (gsize)draw_size (&w, 1, 800);
  guint n_faults = (guint)draw (&w, 0, 60);
  g_test_message ("CAIMAN_TEST_SEED=%" G_GUINT64_FORMAT ": %s against %s, %" G_GSIZE_FORMAT
                  " up, %" G_GSIZE_FORMAT " down, %u faults",
                  seed, caiman_policy_to_string ((CaimanPolicy)client_config.policy),
                  caiman_policy_to_string ((CaimanPolicy)server_config.policy), n_up, n_down,
                  n_faults);

  g_autoptr (Duo) d = duo_new_seeded (&client_config, &server_config, seed);
  w.d = d;
  d->keep_log = FALSE;
  d->auto_read = TRUE;
  if (chance (&w, 20))
    duo_start_at_seq (d, 0xffffff00u);
  for (gint64 n = draw (&w, 1, 4); n > 0; n--)
    add_link (&w);
  /* The largest message that both sides take. */
  gint64 up_max = MIN (server_config.receive_buffer_bytes / 2 - 1, 20000);
  gint64 down_max = MIN (client_config.receive_buffer_bytes / 2 - 1, 20000);
  duo_advance (d, draw_size (&w, 1, S (2)));
  duo_offer (d, DUO_CLIENT, n_up, 8, (gsize)draw_size (&w, 8, up_max));
  duo_offer (d, DUO_SERVER, n_down, 8, (gsize)draw_size (&w, 8, down_max));
  for (guint i = 0; i < n_faults; i++) {
    duo_advance (d, draw_size (&w, US (100), chance (&w, 5) ? S (60) : MS (300)));
    fault (&w);
  }
  end_faults (&w);
  wait_for_delivery (&w);
  end_connection (&w);
}

static void
test_seeds (void)
{
  const char *replay = g_getenv ("CAIMAN_TEST_SEED");
  if (replay) {
    run_seed (strtoull (replay, NULL, 10));
    return;
  }
  for (guint64 seed = 1; seed <= SEEDS; seed++)
    run_seed (seed);
}

/* The same seed twice: the same events, to the nanosecond. */
static void
record_trace (const CaimanTraceEvent *event, gpointer user_data)
{
  GChecksum *checksum = user_data;
  const guint64 words[] = {
    (guint64)event->time_ns, (guint64)event->type, event->link_id, event->a, event->b,
    (guint64)event->reason
  };
  g_checksum_update (checksum, (const guchar *)words, sizeof words);
}

static char *
run_traced (guint64 seed)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  CaimanTracer tracer = { record_trace, checksum };
  g_autoptr (Duo) d = duo_new_seeded (NULL, NULL, seed);
  caiman_connection_set_tracer (d->client, &tracer);
  caiman_server_set_tracer (d->server, &tracer);
  d->auto_read = TRUE;
  duo_add_link (d, "a", MS (10));
  duo_add_link (d, "b", MS (35));
  duo_advance (d, MS (100));
  duo_offer (d, DUO_CLIENT, 500, 100, 1500);
  duo_offer (d, DUO_SERVER, 500, 100, 1500);
  duo_advance (d, MS (30));
  duo_drop_link (d, 1);
  duo_run_until_idle (d);
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  return g_strdup (g_checksum_get_string (checksum));
}

static void
test_repeatable (void)
{
  g_autofree char *first = run_traced (7);
  g_autofree char *second = run_traced (7);
  g_assert_cmpstr (first, ==, second);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/random/seeds", test_seeds);
  g_test_add_func ("/core/random/repeatable", test_repeatable);
  return g_test_run ();
}
