/* SPDX-License-Identifier: Apache-2.0 */
/* test-connector.c - reopening links (PROTOCOL.md, 4 and 6) and racing silent ones. */
#include "tests/core/duo.h"

/* What the network does with a connect. */
typedef enum { NET_CONNECTS, NET_REFUSES, NET_SWALLOWS } Net;

typedef struct {
  Duo *d;
  CaimanConnector *connector;
  Net net;
  gint64 delay_ns;      /* one way */
  GArray *hanging;      /* of guint32: attempts that were swallowed and not cancelled */
  GArray *opened_at_ns; /* of gint64: when each attempt was asked for */
  guint n_cancelled;
  guint32 last_path_id;
} World;

static World *current; /* Duo's call-back has no user data */

static void
cancelled (World *w, guint32 attempt_id)
{
  for (guint i = 0; i < w->hanging->len; i++) {
    if (g_array_index (w->hanging, guint32, i) == attempt_id) {
      g_array_remove_index (w->hanging, i);
      w->n_cancelled++;
      return;
    }
  }
  g_error ("attempt %u was not open", attempt_id);
}

static void
opened (Duo *d, const CaimanConnectorAction *action)
{
  World *w = current;
  if (action->type == CAIMAN_CONNECTOR_CANCEL) {
    cancelled (w, action->attempt_id);
    return;
  }
  g_array_append_val (w->opened_at_ns, d->now_ns);
  w->last_path_id = action->path_id;
  if (w->net == NET_REFUSES) {
    caiman_connector_attempt_failed (w->connector, action->attempt_id,
                                     CAIMAN_REASON_CONNECT_REFUSED, d->now_ns);
  } else if (w->net == NET_SWALLOWS) {
    g_array_append_val (w->hanging, action->attempt_id);
  } else {
    CaimanLink *link =
        caiman_connector_attempt_connected (w->connector, action->attempt_id, d->now_ns);
    g_assert_nonnull (link);
    duo_join_link (d, link, w->delay_ns);
  }
}

static World *
world_new (const CaimanConfig *config)
{
  World *w = g_new0 (World, 1);
  w->delay_ns = MS (10);
  w->d = duo_new (config, config);
  w->connector = caiman_connector_new (w->d->client, w->d->now_ns);
  w->hanging = g_array_new (FALSE, FALSE, sizeof (guint32));
  w->opened_at_ns = g_array_new (FALSE, FALSE, sizeof (gint64));
  w->d->connector = w->connector;
  w->d->opened = opened;
  current = w;
  return w;
}

static void
world_free (World *w)
{
  current = NULL;
  w->d->connector = NULL;
  caiman_connector_free (w->connector);
  duo_free (w->d);
  g_array_unref (w->hanging);
  g_array_unref (w->opened_at_ns);
  g_free (w);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

static guint32
add_path (World *w, const char *name, gint64 start_ns)
{
  CaimanLinkInfo info = { .name = name };
  guint32 id = caiman_connector_add_path (w->connector, &info, start_ns, w->d->now_ns);
  duo_settle (w->d);
  return id;
}

static guint
n_opened (const World *w)
{
  return w->opened_at_ns->len;
}

static void
expect_opened_at (const World *w, guint index, gint64 at_ns)
{
  g_assert_cmpuint (index, <, w->opened_at_ns->len);
  g_assert_cmpint (g_array_index (w->opened_at_ns, gint64, index), ==, at_ns);
}

/* The oldest swallowed attempt gets through after all. */
static guint
let_through (World *w)
{
  guint32 attempt_id = g_array_index (w->hanging, guint32, 0);
  g_array_remove_index (w->hanging, 0);
  CaimanLink *link = caiman_connector_attempt_connected (w->connector, attempt_id, w->d->now_ns);
  g_assert_nonnull (link);
  guint number = duo_join_link (w->d, link, w->delay_ns);
  duo_settle (w->d);
  return number;
}

static void
test_start (void)
{
  g_autoptr (World) w = world_new (NULL);
  g_assert_cmpuint (add_path (w, "a", 0), ==, 1);
  g_assert_cmpuint (add_path (w, "b", S (2)), ==, 2);
  expect_opened_at (w, 0, 0);
  g_assert_cmpuint (w->last_path_id, ==, 1);
  duo_advance (w->d, S (5));
  g_assert_cmpuint (n_opened (w), ==, 2);
  expect_opened_at (w, 1, S (2));
  g_assert_cmpuint (w->last_path_id, ==, 2);
  duo_expect_link_state (w->d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  duo_expect_link_state (w->d, DUO_CLIENT, 2, CAIMAN_LINK_WORKING);
  g_assert_cmpstr (caiman_link_get_name (duo_get_link (w->d, DUO_CLIENT, 2)), ==, "b");
  duo_advance (w->d, S (300));
  g_assert_cmpuint (n_opened (w), ==, 2);
  CaimanConnectorAction action;
  g_assert_false (caiman_connector_next_action (w->connector, &action));
}

/* A link that lived longer than the reconnect delay is reopened at once, else when the delay has
 * passed since it connected. */
static void
test_reopen (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a", 0);
  duo_advance (w->d, S (11));
  duo_drop_link (w->d, 1);
  expect_opened_at (w, 1, S (11));
  duo_advance (w->d, S (4));
  duo_drop_link (w->d, 2);
  duo_advance (w->d, MS (5999));
  g_assert_cmpuint (n_opened (w), ==, 2);
  duo_advance (w->d, MS (2));
  expect_opened_at (w, 2, S (21));
  duo_advance (w->d, S (1));
  duo_expect_link_state (w->d, DUO_CLIENT, 3, CAIMAN_LINK_WORKING);
}

/* A failed attempt is repeated after the delay. */
static void
test_retry (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->net = NET_REFUSES;
  add_path (w, "a", 0);
  duo_advance (w->d, S (35));
  g_assert_cmpuint (n_opened (w), ==, 4);
  for (guint i = 0; i < 4; i++)
    expect_opened_at (w, i, i * S (10));
  w->net = NET_CONNECTS;
  duo_advance (w->d, S (6));
  duo_expect_link_state (w->d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
}

static CaimanReason
get_failure (const World *w, guint index)
{
  const CaimanLinkInfo *info;
  CaimanReason failure;
  g_assert_true (caiman_connector_get_path (w->connector, index, &info, &failure));
  g_assert_cmpstr (info->name, ==, index == 0 ? "a" : "b");
  return failure;
}

/* Each path knows how its last attempt has failed, until it has a link. */
static void
test_failures (void)
{
  const CaimanLinkInfo *info;
  CaimanReason failure;
  g_autoptr (World) w = world_new (NULL);
  g_assert_false (caiman_connector_get_path (w->connector, 0, &info, &failure));
  w->net = NET_SWALLOWS;
  add_path (w, "a", 0);
  w->net = NET_REFUSES;
  add_path (w, "b", 0);
  g_assert_cmpint (get_failure (w, 0), ==, CAIMAN_REASON_NONE);
  g_assert_cmpint (get_failure (w, 1), ==, CAIMAN_REASON_CONNECT_REFUSED);
  g_assert_false (caiman_connector_get_path (w->connector, 2, &info, &failure));
  w->net = NET_CONNECTS;
  duo_advance (w->d, S (11));
  g_assert_cmpint (get_failure (w, 1), ==, CAIMAN_REASON_NONE);
}

/* Nobody wants to wait any longer: only while no link has opened the connection. */
static void
test_give_up (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->net = NET_SWALLOWS;
  add_path (w, "a", 0);
  caiman_connection_give_up (w->d->client, w->d->now_ns);
  g_assert_cmpint (caiman_connection_get_end_reason (w->d->client), ==,
                   CAIMAN_REASON_ALL_LINKS_FAILED);
  caiman_connection_give_up (w->d->client, w->d->now_ns);

  g_autoptr (World) other = world_new (NULL);
  add_path (other, "a", 0);
  duo_advance (other->d, S (1));
  caiman_connection_give_up (other->d->client, other->d->now_ns);
  g_assert_cmpint (caiman_connection_get_state (other->d->client), ==, CAIMAN_CONNECTION_OPEN);
}

/* reconnect-delay = never: one attempt, one link, no race. */
static void
test_never (void)
{
  CaimanConfig config = duo_config ();
  config.reconnect_delay_ns = CAIMAN_TIME_NEVER;
  g_autoptr (World) w = world_new (&config);
  add_path (w, "a", 0);
  add_path (w, "b", 0);
  duo_advance (w->d, S (20));
  duo_stall_link (w->d, 1);
  duo_send (w->d, "x");
  duo_advance (w->d, S (60));
  duo_drop_link (w->d, 2);
  duo_advance (w->d, S (60));
  g_assert_cmpuint (n_opened (w), ==, 2);
  w->net = NET_REFUSES;
  add_path (w, "c", w->d->now_ns);
  duo_advance (w->d, S (20));
  g_assert_cmpuint (n_opened (w), ==, 3);
}

/* One path may have a delay of its own. */
static void
test_own_delay (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->net = NET_REFUSES;
  guint32 id = add_path (w, "a", S (1));
  caiman_connector_set_reconnect_delay (w->connector, id, S (3));
  duo_advance (w->d, S (9));
  g_assert_cmpuint (n_opened (w), ==, 3);
  expect_opened_at (w, 2, S (7));
  caiman_connector_set_reconnect_delay (w->connector, id, CAIMAN_TIME_NEVER);
  duo_advance (w->d, S (60));
  g_assert_cmpuint (n_opened (w), ==, 4);
}

static gboolean
only_one_of_a_name (const CaimanLink *candidate, CaimanLink *const *links, gsize n_links,
                    gpointer user_data)
{
  for (gsize i = 0; i < n_links; i++) {
    if (g_str_equal (caiman_link_get_name (links[i]), caiman_link_get_name (candidate)))
      return FALSE;
  }
  return TRUE;
}

/* PROTOCOL.md, 4: what the peer's filter refuses is tried again, in the end after the delay. */
static void
test_refused_by_server (void)
{
  g_autoptr (World) w = world_new (NULL);
  caiman_server_set_link_filter (w->d->server, only_one_of_a_name, NULL);
  add_path (w, "a", 0);
  add_path (w, "a", S (1));
  duo_advance (w->d, S (5));
  duo_expect_link_closed (w->d, DUO_CLIENT, 2, CAIMAN_REASON_LINK_REFUSED);
  /* The refusal takes three times the way there. */
  expect_opened_at (w, 2, MS (1030) + S (1));
  expect_opened_at (w, 3, MS (2060) + S (2));
  duo_advance (w->d, S (31));
  g_assert_cmpuint (n_opened (w), ==, 7);
  expect_opened_at (w, 6, MS (16150) + S (10));
}

/* As above, but who has gone silent keeps no other out. */
static gboolean
only_one_that_speaks (const CaimanLink *candidate, CaimanLink *const *links, gsize n_links,
                      gpointer user_data)
{
  for (gsize i = 0; i < n_links; i++) {
    if (!caiman_link_is_silent (links[i]) &&
        !only_one_of_a_name (candidate, &links[i], 1, user_data))
      return FALSE;
  }
  return TRUE;
}

/* A link has died at the client alone. The server, which has nothing to send and would notice by
 * its next idle ping, looks at once when it refuses the one that is to take its place. */
static void
test_refused_for_a_dead_one (void)
{
  g_autoptr (World) w = world_new (NULL);
  caiman_server_set_link_filter (w->d->server, only_one_that_speaks, NULL);
  add_path (w, "b", 0);
  add_path (w, "a", 0);
  duo_advance (w->d, S (12));
  guint64 n_pings = duo_count_sent (w->d, DUO_SERVER, 1, CAIMAN_MESSAGE_PING);
  duo_stall_link (w->d, 2);
  caiman_link_failed (duo_get_link (w->d, DUO_CLIENT, 2), CAIMAN_REASON_LINK_DOWN, w->d->now_ns);
  duo_settle (w->d);
  duo_advance (w->d, MS (50));
  g_assert_cmpuint (n_opened (w), ==, 3);
  duo_expect_link_closed (w->d, DUO_CLIENT, 3, CAIMAN_REASON_LINK_REFUSED);
  g_assert_cmpuint (duo_count_sent (w->d, DUO_SERVER, 1, CAIMAN_MESSAGE_PING), ==, n_pings + 1);
  g_assert_cmpuint (duo_count_sent (w->d, DUO_SERVER, 2, CAIMAN_MESSAGE_PING), ==, 1);
  duo_advance (w->d, MS (1050));
  g_assert_cmpuint (n_opened (w), ==, 4);
  duo_expect_link_state (w->d, DUO_CLIENT, 4, CAIMAN_LINK_WORKING);
  duo_expect_link_state (w->d, DUO_SERVER, 4, CAIMAN_LINK_WORKING);
  g_assert_false (caiman_link_is_silent (duo_get_link (w->d, DUO_SERVER, 1)));
}

/* What is redundant for good is tried less and less often. */
static void
test_refused_again_and_again (void)
{
  g_autoptr (World) w = world_new (NULL);
  caiman_server_set_link_filter (w->d->server, only_one_that_speaks, NULL);
  add_path (w, "a", 0);
  add_path (w, "a", S (1));
  duo_advance (w->d, S (60));
  /* After 0, 1, 3, 7, 15, 25, 35, ... s. */
  g_assert_cmpuint (n_opened (w), ==, 10);
  duo_expect_link_state (w->d, DUO_SERVER, 1, CAIMAN_LINK_WORKING);
}

/* PROTOCOL.md, 4: what the own filter rejects is not tried again until another link has gone. */
static void
test_filtered (void)
{
  g_autoptr (World) w = world_new (NULL);
  caiman_connection_set_link_filter (w->d->client, only_one_of_a_name, NULL);
  add_path (w, "a", 0);
  add_path (w, "a", S (1));
  duo_advance (w->d, S (100));
  g_assert_cmpuint (n_opened (w), ==, 2);
  duo_expect_link_closed (w->d, DUO_CLIENT, 2, CAIMAN_REASON_LINK_FILTERED);
  w->net = NET_SWALLOWS;
  duo_drop_link (w->d, 1);
  duo_advance (w->d, MS (10));
  g_assert_cmpuint (n_opened (w), ==, 4);
}

/* --- Races --- */

/* A link that has been silent for 500 ms is raced every 250 ms; the first fresh link that is
 * accepted replaces it. */
static void
test_race (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a", 0);
  duo_advance (w->d, S (5));
  w->net = NET_SWALLOWS;
  duo_stall_link (w->d, 1);
  duo_send (w->d, "hello");
  gint64 silent_ns = w->d->now_ns;
  duo_advance (w->d, MS (1300));
  for (guint i = 0; i < 4; i++)
    expect_opened_at (w, 1 + i, silent_ns + MS (500) + i * MS (250));
  g_assert_cmpuint (w->hanging->len, ==, 4);
  guint fresh = let_through (w);
  duo_advance (w->d, MS (45));
  duo_expect_link_closed (w->d, DUO_CLIENT, 1, CAIMAN_REASON_LINK_REPLACED);
  duo_expect_link_state (w->d, DUO_CLIENT, fresh, CAIMAN_LINK_WORKING);
  duo_expect_delivered (w->d, "hello");
  g_assert_cmpuint (w->hanging->len, ==, 0);
  g_assert_cmpuint (w->n_cancelled, ==, 3);
  guint n_before = n_opened (w);
  duo_advance (w->d, S (60));
  g_assert_cmpuint (n_opened (w), ==, n_before);
}

/* The silent link's return calls the race off, whatever its attempts have come to. */
static void
test_race_called_off (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a", 0);
  duo_advance (w->d, S (5));
  w->net = NET_SWALLOWS;
  duo_stall_link (w->d, 1);
  duo_send (w->d, "hello");
  duo_advance (w->d, MS (1100));
  g_assert_cmpuint (w->hanging->len, ==, 3);
  guint fresh = let_through (w);
  duo_resume_link (w->d, 1);
  duo_advance (w->d, MS (12));
  g_assert_cmpuint (w->hanging->len, ==, 0);
  duo_expect_link_closed (w->d, DUO_CLIENT, fresh, CAIMAN_REASON_LINK_REPLACED);
  duo_expect_delivered (w->d, "hello");
  duo_advance (w->d, S (5));
  duo_expect_link_state (w->d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  g_assert_cmpuint (n_opened (w), ==, 4);
}

/* Eight attempts at most; the oldest gives way. */
static void
test_race_bounded (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a", 0);
  duo_advance (w->d, S (5));
  w->net = NET_SWALLOWS;
  duo_stall_link (w->d, 1);
  duo_send (w->d, "hello");
  for (guint i = 0; i < 150; i++) {
    duo_advance (w->d, MS (100));
    g_assert_cmpuint (w->hanging->len, <=, 8);
  }
  g_assert_cmpuint (n_opened (w), >=, 40);
  g_assert_cmpuint (n_opened (w), <=, 70);
  g_assert_cmpuint (w->n_cancelled, ==, n_opened (w) - 1 - w->hanging->len);
}

/* On a long path each attempt gets the time of some round trips before it gives way. */
static void
test_race_long_path (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->delay_ns = MS (900);
  add_path (w, "a", 0);
  duo_advance (w->d, S (20));
  guint n_before = n_opened (w); /* connecting alone took longer than most paths would */
  guint n_cancelled_before = w->n_cancelled;
  w->net = NET_SWALLOWS;
  duo_stall_link (w->d, 1);
  duo_send (w->d, "hello");
  /* Patience of two round trips and more, eight attempts in two seconds, then a pause until the
   * oldest is eight seconds old. */
  duo_advance (w->d, MS (4000));
  g_assert_cmpuint (n_opened (w), ==, n_before);
  duo_advance (w->d, MS (6500));
  g_assert_cmpuint (n_opened (w), ==, n_before + 8);
  g_assert_cmpuint (w->n_cancelled, ==, n_cancelled_before);
  g_assert_cmpuint (w->hanging->len, ==, 8);
}

/* A link that is leaving is not raced. */
static void
test_race_not_closing (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a", 0);
  duo_advance (w->d, S (5));
  w->net = NET_SWALLOWS;
  duo_stall_link (w->d, 1);
  duo_send (w->d, "hello");
  duo_disconnect (w->d, DUO_CLIENT, 1);
  duo_advance (w->d, S (5));
  g_assert_cmpuint (n_opened (w), ==, 1);
}

/* A filter that wants one link per name lets no fresh one in: then it is tried less often. */
static void
test_race_refused (void)
{
  g_autoptr (World) w = world_new (NULL);
  caiman_server_set_link_filter (w->d->server, only_one_of_a_name, NULL);
  add_path (w, "a", 0);
  duo_advance (w->d, S (5));
  duo_stall_direction (w->d, DUO_SERVER, 1);
  duo_send (w->d, "hello");
  duo_advance (w->d, S (10));
  g_assert_cmpuint (n_opened (w), ==, 5);
  duo_expect_link_closed (w->d, DUO_CLIENT, 2, CAIMAN_REASON_LINK_REFUSED);
}

/* The path of the only link has changed below it, and neither side hears of the other any more: the
 * first fresh link shows the server where to look, the next one is in. */
static void
test_race_rebinding (void)
{
  g_autoptr (World) w = world_new (NULL);
  caiman_server_set_link_filter (w->d->server, only_one_that_speaks, NULL);
  caiman_connection_set_link_filter (w->d->client, only_one_that_speaks, NULL);
  add_path (w, "a", 0);
  duo_advance (w->d, S (5));
  duo_stall_link (w->d, 1);
  duo_send (w->d, "hello");
  duo_advance (w->d, MS (1000));
  g_assert_cmpuint (n_opened (w), ==, 2);
  duo_expect_link_closed (w->d, DUO_CLIENT, 2, CAIMAN_REASON_LINK_REFUSED);
  duo_advance (w->d, MS (650));
  g_assert_cmpuint (n_opened (w), ==, 3);
  duo_expect_delivered (w->d, "hello");
  duo_expect_link_closed (w->d, DUO_CLIENT, 1, CAIMAN_REASON_LINK_REPLACED);
}

/* A link that goes while it is raced leaves the race to its attempts. */
static void
test_race_link_gone (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a", 0);
  duo_advance (w->d, S (5));
  w->net = NET_SWALLOWS;
  duo_stall_link (w->d, 1);
  duo_send (w->d, "hello");
  duo_advance (w->d, MS (800));
  g_assert_cmpuint (w->hanging->len, ==, 2);
  duo_drop_link (w->d, 1);
  duo_advance (w->d, MS (100));
  guint fresh = let_through (w);
  duo_advance (w->d, MS (50));
  duo_expect_link_state (w->d, DUO_CLIENT, fresh, CAIMAN_LINK_WORKING);
  g_assert_cmpuint (w->hanging->len, ==, 0);
  duo_expect_delivered (w->d, "hello");
}

/* A connect that hangs is raced once TCP itself would hardly try any more. */
static void
test_hanging_connect (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->net = NET_SWALLOWS;
  add_path (w, "a", 0);
  duo_advance (w->d, MS (4000));
  g_assert_cmpuint (n_opened (w), ==, 4);
  for (guint i = 0; i < 3; i++)
    expect_opened_at (w, 1 + i, MS (1500) + S (i));
  w->net = NET_CONNECTS;
  duo_advance (w->d, S (1));
  duo_expect_link_state (w->d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  g_assert_cmpuint (w->n_cancelled, ==, 4);
  g_assert_cmpuint (w->hanging->len, ==, 0);
}

/* A handshake may take some times what the connect took, before others race it. */
static void
test_hanging_handshake (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->net = NET_SWALLOWS;
  add_path (w, "a", 0);
  duo_advance (w->d, MS (1400));
  guint link = let_through (w);
  duo_stall_link (w->d, link);
  duo_advance (w->d, MS (5500));
  g_assert_cmpuint (n_opened (w), ==, 1);
  duo_advance (w->d, MS (200));
  expect_opened_at (w, 1, MS (7000));
}

/* When only a lost SYN made the connect slow, the transport knows the round trip. */
static void
test_hanging_handshake_after_lost_syn (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->net = NET_SWALLOWS;
  add_path (w, "a", 0);
  duo_advance (w->d, MS (1030));
  guint link = let_through (w);
  CaimanLinkHint hint = { .rtt_ns = MS (30), .unsent_bytes = -1, .retransmits = 1, .backoff = 0 };
  caiman_link_set_hint (duo_get_link (w->d, DUO_CLIENT, link), &hint, w->d->now_ns);
  duo_stall_link (w->d, link);
  duo_advance (w->d, MS (1600));
  expect_opened_at (w, 1, MS (2530));
}

/* --- Ends --- */

static void
test_remove_path (void)
{
  g_autoptr (World) w = world_new (NULL);
  guint32 first = add_path (w, "a", 0);
  guint32 second = add_path (w, "b", 0);
  duo_advance (w->d, S (20));
  w->net = NET_SWALLOWS;
  guint32 third = add_path (w, "c", w->d->now_ns);
  g_assert_cmpuint (third, ==, 3);
  caiman_connector_remove_path (w->connector, first, w->d->now_ns);
  caiman_connector_remove_path (w->connector, third, w->d->now_ns);
  caiman_connector_remove_path (w->connector, 99, w->d->now_ns);
  duo_advance (w->d, S (1));
  duo_expect_link_closed (w->d, DUO_CLIENT, 1, CAIMAN_REASON_LINK_DISCONNECTED);
  g_assert_cmpuint (w->hanging->len, ==, 0);
  duo_advance (w->d, S (60));
  g_assert_cmpuint (n_opened (w), ==, 3);
  duo_expect_link_state (w->d, DUO_CLIENT, second, CAIMAN_LINK_WORKING);
}

/* An OPEN that nobody has pulled is withdrawn, not cancelled. */
static void
test_remove_before_pull (void)
{
  CaimanConfig config = duo_config ();
  g_autoptr (Duo) d = duo_new (&config, NULL);
  g_autoptr (CaimanConnector) connector = caiman_connector_new (d->client, 0);
  CaimanLinkInfo info = { .name = "a" };
  guint32 id = caiman_connector_add_path (connector, &info, 0, 0);
  caiman_connector_remove_path (connector, id, 0);
  CaimanConnectorAction action;
  g_assert_false (caiman_connector_next_action (connector, &action));
  g_assert_cmpint (caiman_connector_get_deadline (connector), ==, CAIMAN_TIME_NEVER);
}

/* Once the connection is over nothing is opened, and what is open is given up. */
static void
test_connection_over (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a", 0);
  duo_advance (w->d, S (1));
  w->net = NET_SWALLOWS;
  add_path (w, "b", w->d->now_ns);
  guint32 attempt_id = g_array_index (w->hanging, guint32, 0);
  caiman_connection_terminate (w->d->client, w->d->now_ns);
  g_assert_null (caiman_connector_attempt_connected (w->connector, attempt_id, w->d->now_ns));
  duo_advance (w->d, S (60));
  duo_expect_ended (w->d, CAIMAN_REASON_TERMINATED, CAIMAN_REASON_TERMINATED);
  g_assert_cmpuint (n_opened (w), ==, 2);
  g_assert_cmpint (caiman_connector_get_deadline (w->connector), ==, CAIMAN_TIME_NEVER);
}

static void
test_cancelled_at_end (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a", 0);
  duo_advance (w->d, S (1));
  w->net = NET_SWALLOWS;
  add_path (w, "b", w->d->now_ns);
  duo_close (w->d, DUO_CLIENT);
  duo_close (w->d, DUO_SERVER);
  duo_advance (w->d, S (1));
  duo_expect_ended (w->d, CAIMAN_REASON_FINISHED, CAIMAN_REASON_FINISHED);
  g_assert_cmpuint (w->hanging->len, ==, 0);
  g_assert_cmpuint (w->n_cancelled, ==, 1);
}

/* Reports of attempts that are no longer wanted are ignored. */
static void
test_stray_reports (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a", 0);
  duo_advance (w->d, S (1));
  g_assert_null (caiman_connector_attempt_connected (w->connector, 77, w->d->now_ns));
  g_assert_null (caiman_connector_attempt_connected (w->connector, 1, w->d->now_ns));
  caiman_connector_attempt_failed (w->connector, 77, CAIMAN_REASON_CONNECT_TIMEOUT, w->d->now_ns);
  duo_settle (w->d);
  duo_expect_link_state (w->d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  caiman_connector_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/connector/start", test_start);
  g_test_add_func ("/core/connector/reopen", test_reopen);
  g_test_add_func ("/core/connector/retry", test_retry);
  g_test_add_func ("/core/connector/failures", test_failures);
  g_test_add_func ("/core/connector/give-up", test_give_up);
  g_test_add_func ("/core/connector/never", test_never);
  g_test_add_func ("/core/connector/own-delay", test_own_delay);
  g_test_add_func ("/core/connector/refused-by-server", test_refused_by_server);
  g_test_add_func ("/core/connector/refused-for-a-dead-one", test_refused_for_a_dead_one);
  g_test_add_func ("/core/connector/refused-again-and-again", test_refused_again_and_again);
  g_test_add_func ("/core/connector/filtered", test_filtered);
  g_test_add_func ("/core/connector/race/won", test_race);
  g_test_add_func ("/core/connector/race/called-off", test_race_called_off);
  g_test_add_func ("/core/connector/race/bounded", test_race_bounded);
  g_test_add_func ("/core/connector/race/long-path", test_race_long_path);
  g_test_add_func ("/core/connector/race/not-closing", test_race_not_closing);
  g_test_add_func ("/core/connector/race/refused", test_race_refused);
  g_test_add_func ("/core/connector/race/rebinding", test_race_rebinding);
  g_test_add_func ("/core/connector/race/link-gone", test_race_link_gone);
  g_test_add_func ("/core/connector/race/hanging-connect", test_hanging_connect);
  g_test_add_func ("/core/connector/race/hanging-handshake", test_hanging_handshake);
  g_test_add_func ("/core/connector/race/hanging-handshake-after-lost-syn",
                   test_hanging_handshake_after_lost_syn);
  g_test_add_func ("/core/connector/remove-path", test_remove_path);
  g_test_add_func ("/core/connector/remove-before-pull", test_remove_before_pull);
  g_test_add_func ("/core/connector/connection-over", test_connection_over);
  g_test_add_func ("/core/connector/cancelled-at-end", test_cancelled_at_end);
  g_test_add_func ("/core/connector/stray-reports", test_stray_reports);
  return g_test_run ();
}
