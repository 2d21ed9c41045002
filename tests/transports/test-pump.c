/* SPDX-License-Identifier: Apache-2.0 */
/* test-pump.c - the pump between endpoints and transports: two pumps over in-memory transports,
 * and one over a fake transport that watches the contract (transports/transport.h). */
#include "transports/memory.h"
#include "transports/pump.h"

#include "core/prng.h"

#include <string.h>

#define MS(n) ((n)*CAIMAN_NS_PER_MS)
#define S(n)  ((n)*CAIMAN_NS_PER_S)

typedef enum { CLIENT, SERVER, N_SIDES } Side;

typedef struct _World World;

/* One endpoint as an application would have it. */
typedef struct {
  World *world;
  CaimanPump *pump;
  CaimanPrng prng;
  CaimanRandom random;
  gboolean woken;
  gint64 armed_ns;
  guint n_wakes, n_arms;
  guint n_events[CAIMAN_EVENT_ENDED + 1];
  CaimanReason end_reason;
} App;

struct _World {
  gint64 now_ns;
  CaimanMemoryHub *hub;
  gboolean hub_woken;
  App apps[N_SIDES];
  CaimanConnection *accepted, *pending;
  guint n_opened, n_gone;
  gboolean accepts, connects, echoes, reads, silent_hub;
  CaimanMemoryLimits limits;
  GString *received; /* by the server */
};

static gint64
loop_now (gpointer user_data)
{
  App *app = user_data;
  return app->world->now_ns;
}

static void
loop_arm (gpointer user_data, gint64 deadline_ns)
{
  App *app = user_data;
  app->armed_ns = deadline_ns;
  app->n_arms++;
}

static void
loop_wake (gpointer user_data)
{
  App *app = user_data;
  app->woken = TRUE;
  app->n_wakes++;
}

static void
hub_wake (gpointer user_data)
{
  World *w = user_data;
  w->hub_woken = TRUE;
}

static void
read_all (App *app, CaimanConnection *connection)
{
  World *w = app->world;
  while (w->reads) {
    g_autoptr (GBytes) message = caiman_connection_receive (connection, w->now_ns, NULL);
    if (!message)
      return;
    if (app == &w->apps[SERVER])
      g_string_append_len (w->received, g_bytes_get_data (message, NULL),
                           (gssize)g_bytes_get_size (message));
    if (app == &w->apps[SERVER] && w->echoes)
      g_assert_true (caiman_connection_send (connection, message, w->now_ns, NULL));
  }
}

static void
on_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  App *app = user_data;
  app->n_events[event->type]++;
  if (event->type == CAIMAN_EVENT_ENDED)
    app->end_reason = event->reason;
  if (event->type == CAIMAN_EVENT_READABLE)
    read_all (app, connection);
  caiman_pump_run (app->pump); /* a loop within a handler does no harm */
}

static void
on_incoming (gpointer user_data, CaimanConnection *pending)
{
  App *app = user_data;
  World *w = app->world;
  w->pending = pending;
  if (w->accepts)
    w->accepted = caiman_pump_accept (app->pump, g_steal_pointer (&w->pending));
}

static void
on_gone (gpointer user_data, CaimanConnection *pending)
{
  App *app = user_data;
  g_assert_true (app->world->pending == pending);
  app->world->pending = NULL;
  app->world->n_gone++;
}

static CaimanTransport *
on_open (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  App *app = user_data;
  World *w = app->world;
  w->n_opened++;
  if (!w->connects) {
    *reason_out = CAIMAN_REASON_LINK_DOWN;
    return NULL;
  }
  CaimanTransport *client_end, *server_end;
  caiman_memory_hub_connect (w->hub, &w->limits, &client_end, &server_end);
  CaimanLinkInfo info = { .name = "in" };
  caiman_pump_add_transport (w->apps[SERVER].pump, server_end, &info);
  return client_end;
}

static World *
world_new (const CaimanConfig *config)
{
  static const CaimanPumpHandler client_handler = { .event = on_event, .open = on_open };
  static const CaimanPumpHandler server_handler = { .event = on_event,
                                                    .incoming = on_incoming,
                                                    .gone = on_gone };
  CaimanConfig fallback;
  caiman_config_init (&fallback, CAIMAN_PRESET_ADAPTIVE);
  World *w = g_new0 (World, 1);
  w->hub = caiman_memory_hub_new (hub_wake, w);
  w->accepts = w->connects = w->reads = TRUE;
  w->received = g_string_new (NULL);
  for (Side side = 0; side < N_SIDES; side++) {
    App *app = &w->apps[side];
    app->world = w;
    app->armed_ns = CAIMAN_TIME_NEVER;
    caiman_prng_init (&app->prng, side + 1);
    app->random = caiman_prng_as_random (&app->prng);
    CaimanPumpLoop loop = { loop_now, loop_arm, loop_wake, app };
    app->pump = side == CLIENT ? caiman_pump_new_client (config ? config : &fallback, &app->random,
                                                         &loop, &client_handler, app)
                               : caiman_pump_new_server (config ? config : &fallback, &app->random,
                                                         &loop, &server_handler, app);
  }
  return w;
}

static void
world_free (World *w)
{
  for (Side side = 0; side < N_SIDES; side++)
    caiman_pump_free (w->apps[side].pump);
  caiman_memory_hub_free (w->hub);
  g_string_free (w->received, TRUE);
  g_free (w);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

/* The event loop at one instant. */
static void
settle (World *w)
{
  for (guint turn = 0;; turn++) {
    gboolean worked = FALSE;
    g_assert_cmpuint (turn, <, 10000);
    for (Side side = 0; side < N_SIDES; side++) {
      App *app = &w->apps[side];
      if (!app->pump || (!app->woken && app->armed_ns > w->now_ns))
        continue;
      app->woken = FALSE;
      if (app->armed_ns <= w->now_ns)
        app->armed_ns = CAIMAN_TIME_NEVER;
      caiman_pump_run (app->pump);
      worked = TRUE;
    }
    if (w->hub_woken && !w->silent_hub) {
      w->hub_woken = FALSE;
      caiman_memory_hub_dispatch (w->hub);
      worked = TRUE;
    }
    if (!worked)
      return;
  }
}

static void
advance (World *w, gint64 delta_ns)
{
  gint64 until_ns = w->now_ns + delta_ns;
  settle (w);
  while (w->now_ns < until_ns) {
    w->now_ns = MIN (until_ns, MIN (w->apps[CLIENT].armed_ns, w->apps[SERVER].armed_ns));
    settle (w);
  }
}

static guint32
add_path (World *w, const char *name)
{
  CaimanLinkInfo info = { .name = name };
  guint32 id = caiman_connector_add_path (caiman_pump_get_connector (w->apps[CLIENT].pump), &info,
                                          w->now_ns, w->now_ns);
  caiman_pump_touch (w->apps[CLIENT].pump);
  settle (w);
  return id;
}

static CaimanConnection *
get_client (World *w)
{
  return caiman_pump_get_connection (w->apps[CLIENT].pump);
}

static void
send_text (World *w, const char *text)
{
  g_autoptr (GBytes) message = g_bytes_new (text, strlen (text));
  g_assert_true (caiman_connection_send (get_client (w), message, w->now_ns, NULL));
  caiman_pump_touch (w->apps[CLIENT].pump);
  settle (w);
}

/* --- Two pumps --- */

static void
test_connect (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a");
  add_path (w, "b");
  g_assert_nonnull (w->accepted);
  g_assert_cmpint (caiman_connection_get_state (get_client (w)), ==, CAIMAN_CONNECTION_OPEN);
  for (Side side = 0; side < N_SIDES; side++)
    g_assert_cmpuint (w->apps[side].n_events[CAIMAN_EVENT_CONNECTED], ==, 1);
  gsize n_links;
  caiman_connection_get_links (w->accepted, &n_links);
  g_assert_cmpuint (n_links, ==, 2);
  send_text (w, "hello ");
  send_text (w, "world");
  g_assert_cmpstr (w->received->str, ==, "hello world");
  g_assert_cmpuint (caiman_server_get_n_handshakes (caiman_pump_get_server (w->apps[SERVER].pump)),
                    ==, 0);
}

static void
test_echo_and_close (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->echoes = TRUE;
  add_path (w, "a");
  for (guint i = 0; i < 1000; i++)
    send_text (w, "0123456789");
  g_assert_cmpuint (w->received->len, ==, 10000);
  CaimanConnectionStats stats;
  caiman_connection_get_stats (get_client (w), &stats);
  g_assert_cmpuint (stats.received_bytes, ==, 10000);
  caiman_connection_close (get_client (w), w->now_ns);
  caiman_connection_close (w->accepted, w->now_ns);
  caiman_pump_touch (w->apps[CLIENT].pump);
  caiman_pump_touch (w->apps[SERVER].pump);
  advance (w, S (1));
  for (Side side = 0; side < N_SIDES; side++) {
    g_assert_cmpuint (w->apps[side].n_events[CAIMAN_EVENT_ENDED], ==, 1);
    g_assert_cmpint (w->apps[side].end_reason, ==, CAIMAN_REASON_FINISHED);
    g_assert_cmpint (w->apps[side].armed_ns, ==, CAIMAN_TIME_NEVER);
  }
  caiman_pump_drop (w->apps[SERVER].pump, w->accepted);
  settle (w);
}

/* The timer is armed, and fires: an idle connection stays alive by Pings. */
static void
test_timer (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a");
  g_assert_cmpint (w->apps[CLIENT].armed_ns, <=, S (15));
  advance (w, S (600));
  g_assert_cmpint (caiman_connection_get_state (get_client (w)), ==, CAIMAN_CONNECTION_OPEN);
  g_assert_cmpuint (w->n_opened, ==, 1);
  CaimanLinkStats stats;
  gsize n_links;
  caiman_link_get_stats (caiman_connection_get_links (get_client (w), &n_links)[0], &stats,
                         w->now_ns);
  g_assert_cmpuint (stats.sent_packets, >, 30);
}

/* What happens often does not arm the timer each time. */
static void
test_lazy_timer (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a");
  advance (w, S (1));
  guint n_arms = w->apps[CLIENT].n_arms;
  for (guint i = 0; i < 500; i++) {
    send_text (w, "x");
    advance (w, MS (1) / 100);
  }
  g_assert_cmpuint (w->apps[CLIENT].n_arms - n_arms, <, 50);
}

/* A buffer of one packet is enough, slowly: writable() does its part. */
static void
test_small_buffers (void)
{
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  config.receive_buffer_bytes = 20000;
  g_autoptr (World) w = world_new (&config);
  w->limits.packets_max = 1;
  w->limits.bytes_max = 100;
  w->reads = FALSE;
  add_path (w, "a");
  g_autofree char *text = g_strnfill (3, 'x');
  for (guint i = 0; i < 500; i++)
    send_text (w, text);
  settle (w);
  w->reads = TRUE;
  while (w->received->len < 1500) {
    gsize before = w->received->len;
    read_all (&w->apps[SERVER], w->accepted);
    caiman_pump_touch (w->apps[SERVER].pump);
    settle (w);
    g_assert_cmpuint (w->received->len, >, before);
  }
  g_assert_cmpuint (w->received->len, ==, 1500);
}

/* Refused by the application; and given up before it could decide. */
static void
test_refuse (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->accepts = FALSE;
  add_path (w, "a");
  g_assert_nonnull (w->pending);
  caiman_pump_refuse (w->apps[SERVER].pump, g_steal_pointer (&w->pending));
  settle (w);
  g_assert_cmpint (w->apps[CLIENT].end_reason, ==, CAIMAN_REASON_REFUSED);
  advance (w, S (60));
  g_assert_cmpuint (w->n_opened, ==, 1);
}

static void
test_gone (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->accepts = FALSE;
  add_path (w, "a");
  g_assert_nonnull (w->pending);
  g_clear_pointer (&w->apps[CLIENT].pump, caiman_pump_free);
  settle (w);
  g_assert_cmpuint (w->n_gone, ==, 1);
  g_assert_null (w->pending);
}

/* Accepted later, outside of any handler. */
static void
test_late_accept (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->accepts = FALSE;
  add_path (w, "a");
  add_path (w, "b");
  advance (w, S (5));
  w->accepted = caiman_pump_accept (w->apps[SERVER].pump, g_steal_pointer (&w->pending));
  settle (w);
  send_text (w, "hello");
  g_assert_cmpstr (w->received->str, ==, "hello");
}

/* The server drops the connection without a word; the client comes back and is told. */
static gboolean
is_named (const CaimanLink *link, gpointer user_data)
{
  return g_strcmp0 (caiman_link_get_name (link), user_data) == 0;
}

static guint
fail_named (App *app, const char *name)
{
  return caiman_pump_fail_links (app->pump, is_named, CAIMAN_REASON_LINK_DOWN, (gpointer)name);
}

/* Links of an interface that has gone: here, at the peer, and what was on them goes elsewhere. */
static void
test_fail_links (void)
{
  g_autoptr (World) w = world_new (NULL);
  App *client = &w->apps[CLIENT], *server = &w->apps[SERVER];
  gsize n_links;
  add_path (w, "a");
  add_path (w, "b");
  g_assert_cmpuint (fail_named (client, "c"), ==, 0);
  w->connects = FALSE;
  g_assert_cmpuint (fail_named (client, "a"), ==, 1);
  settle (w);
  caiman_connection_get_links (w->accepted, &n_links);
  g_assert_cmpuint (n_links, ==, 1);
  send_text (w, "over b");
  g_assert_cmpstr (w->received->str, ==, "over b");
  g_assert_cmpuint (fail_named (server, "in"), ==, 1);
  settle (w);
  caiman_connection_get_links (get_client (w), &n_links);
  g_assert_cmpuint (n_links, ==, 0);
}

static void
test_drop (void)
{
  g_autoptr (World) w = world_new (NULL);
  add_path (w, "a");
  advance (w, S (20));
  caiman_pump_drop (w->apps[SERVER].pump, g_steal_pointer (&w->accepted));
  advance (w, S (1));
  g_assert_cmpuint (w->n_opened, ==, 2);
  g_assert_cmpint (w->apps[CLIENT].end_reason, ==, CAIMAN_REASON_CLOSED);
}

/* Opening may fail at once; it is tried again. */
static void
test_open_fails (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->connects = FALSE;
  add_path (w, "a");
  g_assert_cmpuint (w->n_opened, ==, 1);
  advance (w, S (9));
  g_assert_cmpuint (w->n_opened, ==, 1);
  w->connects = TRUE;
  advance (w, S (2));
  g_assert_cmpuint (w->n_opened, ==, 2);
  g_assert_cmpint (caiman_connection_get_state (get_client (w)), ==, CAIMAN_CONNECTION_OPEN);
}

/* A path that is removed while its transport connects. */
static void
test_cancel (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->silent_hub = TRUE; /* the network does not answer */
  guint32 path_id = add_path (w, "a");
  g_assert_cmpuint (w->n_opened, ==, 1);
  caiman_connector_remove_path (caiman_pump_get_connector (w->apps[CLIENT].pump), path_id,
                                w->now_ns);
  caiman_pump_touch (w->apps[CLIENT].pump);
  settle (w);
  w->silent_hub = FALSE;
  settle (w);
  g_assert_cmpint (caiman_connection_get_state (get_client (w)), ==, CAIMAN_CONNECTION_CONNECTING);
  g_assert_cmpuint (caiman_server_get_n_handshakes (caiman_pump_get_server (w->apps[SERVER].pump)),
                    ==, 0);
}

/* The transport gets through when the connection is over already. */
static void
test_connected_too_late (void)
{
  g_autoptr (World) w = world_new (NULL);
  w->silent_hub = TRUE;
  add_path (w, "a");
  caiman_connection_terminate (get_client (w), w->now_ns);
  caiman_memory_hub_dispatch (w->hub);
  w->silent_hub = FALSE;
  caiman_pump_touch (w->apps[CLIENT].pump);
  settle (w);
  g_assert_cmpint (w->apps[CLIENT].end_reason, ==, CAIMAN_REASON_TERMINATED);
  g_assert_cmpuint (caiman_server_get_n_handshakes (caiman_pump_get_server (w->apps[SERVER].pump)),
                    ==, 0);
}

/* A handler without open() can connect nowhere. */
static void
test_no_open_handler (void)
{
  static const CaimanPumpHandler nothing = { .event = NULL };
  g_autoptr (World) w = world_new (NULL);
  App *app = &w->apps[CLIENT];
  caiman_pump_free (app->pump);
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  CaimanPumpLoop loop = { loop_now, loop_arm, loop_wake, app };
  app->pump = caiman_pump_new_client (&config, &app->random, &loop, &nothing, app);
  add_path (w, "a");
  advance (w, S (100));
  g_assert_cmpint (caiman_connection_get_end_reason (get_client (w)), ==,
                   CAIMAN_REASON_ALL_LINKS_FAILED);
}

/* Both pumps can be freed at any moment of a transfer, in any order. */
static void
test_free (void)
{
  for (guint moment = 0; moment < 40; moment++) {
    g_autoptr (World) w = world_new (NULL);
    w->limits.packets_max = 2;
    CaimanLinkInfo info = { .name = "a" };
    caiman_connector_add_path (caiman_pump_get_connector (w->apps[CLIENT].pump), &info, 0, 0);
    for (guint turn = 0; turn < moment; turn++) {
      caiman_pump_run (w->apps[turn % 2].pump);
      if (turn % 3 == 2)
        caiman_memory_hub_dispatch (w->hub);
      g_autoptr (GBytes) message = g_bytes_new_static ("x", 1);
      caiman_connection_send (get_client (w), message, 0, NULL);
    }
    g_clear_pointer (&w->apps[moment % 2].pump, caiman_pump_free);
    if (moment % 2 == CLIENT && w->accepted)
      g_assert_cmpint (caiman_connection_get_state (w->accepted), ==, CAIMAN_CONNECTION_OPEN);
  }
  caiman_pump_free (NULL);
}

static gboolean
only_one (const CaimanLink *candidate, CaimanLink *const *links, gsize n_links, gpointer user_data)
{
  return n_links == 0;
}

/* A link that the server's filter keeps out has the other one pinged, at once: it may be dead. */
static void
test_refused_link (void)
{
  g_autoptr (World) w = world_new (NULL);
  caiman_server_set_link_filter (caiman_pump_get_server (w->apps[SERVER].pump), only_one, NULL);
  add_path (w, "a");
  gsize n_links;
  CaimanLink *link = caiman_connection_get_links (w->accepted, &n_links)[0];
  CaimanLinkStats before, after;
  caiman_link_get_stats (link, &before, w->now_ns);
  add_path (w, "b");
  caiman_link_get_stats (link, &after, w->now_ns);
  g_assert_cmpuint (after.sent_packets, ==, before.sent_packets + 1);
  g_assert_cmpuint (after.received_packets, ==, before.received_packets + 1);
  caiman_connection_get_links (w->accepted, &n_links);
  g_assert_cmpuint (n_links, ==, 1);
}

/* --- One pump over a fake transport --- */

typedef struct {
  CaimanTransport base;
  gboolean writable, reading, full_at_limit;
  guint n_sent, n_hints, n_closed, n_aborted;
  gboolean *freed;
  gsize packet_max_bytes;
} Fake;

static void
fake_send (CaimanTransport *transport, CaimanPacket *packet)
{
  Fake *fake = (Fake *)transport;
  g_assert_true (fake->writable);
  fake->n_sent++;
  caiman_packet_clear (packet);
}

static gboolean
fake_is_writable (CaimanTransport *transport)
{
  return ((Fake *)transport)->writable;
}

static void
fake_set_send_limit (CaimanTransport *transport, gint64 limit_bytes)
{
  Fake *fake = (Fake *)transport;
  g_assert_cmpint (limit_bytes, >, 0);
  fake->writable = fake->writable && !fake->full_at_limit;
}

static void
fake_set_reading (CaimanTransport *transport, gboolean reading)
{
  ((Fake *)transport)->reading = reading;
}

static void
fake_set_packet_max (CaimanTransport *transport, gsize max_bytes)
{
  ((Fake *)transport)->packet_max_bytes = max_bytes;
}

static void
fake_close (CaimanTransport *transport)
{
  ((Fake *)transport)->n_closed++;
}

static void
fake_abort (CaimanTransport *transport)
{
  ((Fake *)transport)->n_aborted++;
}

static void
fake_get_hint (CaimanTransport *transport, CaimanLinkHint *hint_out)
{
  ((Fake *)transport)->n_hints++;
  *hint_out = (CaimanLinkHint) { MS (1), 0, 0, 0 };
}

static void
fake_free (CaimanTransport *transport)
{
  Fake *fake = (Fake *)transport;
  *fake->freed = TRUE;
  g_free (fake);
}

static const CaimanTransportClass fake_class = {
  .name = "fake",
  .send = fake_send,
  .is_writable = fake_is_writable,
  .set_send_limit = fake_set_send_limit,
  .set_reading = fake_set_reading,
  .set_packet_max = fake_set_packet_max,
  .close = fake_close,
  .abort = fake_abort,
  .get_hint = fake_get_hint,
  .free = fake_free,
};

/* Gives @pump a transport that is established; *@freed turns TRUE when it is freed. */
static Fake *
add_fake (CaimanPump *pump, gboolean writable, gboolean *freed)
{
  Fake *fake = g_new0 (Fake, 1);
  fake->base.klass = &fake_class;
  fake->writable = writable;
  fake->reading = TRUE;
  fake->freed = freed;
  *freed = FALSE;
  CaimanLinkInfo info = { .name = "fake" };
  caiman_pump_add_transport (pump, &fake->base, &info);
  return fake;
}

/* Nothing is sent while it is not writable; the call-back makes up for it. */
static void
test_writable (void)
{
  gboolean freed;
  g_autoptr (World) w = world_new (NULL);
  Fake *fake = add_fake (w->apps[SERVER].pump, FALSE, &freed);
  settle (w);
  g_assert_cmpuint (fake->n_sent, ==, 0);
  fake->writable = TRUE;
  fake->base.events->writable (fake->base.user_data);
  settle (w);
  g_assert_cmpuint (fake->n_sent, ==, 1);
}

/* The transport is asked for hints, but not all the time. */
static void
test_hints (void)
{
  static const CaimanPumpHandler quiet = { .event = NULL };
  gboolean freed, late_freed;
  g_autoptr (World) w = world_new (NULL);
  App *app = &w->apps[CLIENT];
  caiman_pump_free (app->pump);
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  CaimanPumpLoop loop = { loop_now, loop_arm, loop_wake, app };
  app->pump = caiman_pump_new_client (&config, &app->random, &loop, &quiet, app);
  Fake *fake = add_fake (app->pump, TRUE, &freed);
  fake->full_at_limit = TRUE; /* then nothing is sent: see fake_send() */
  for (guint i = 0; i < 1000; i++) {
    caiman_pump_touch (app->pump);
    advance (w, MS (1) / 10);
  }
  g_assert_cmpuint (fake->n_hints, >=, 9);
  g_assert_cmpuint (fake->n_hints, <=, 12);
  /* Once the connection has ended no transport is taken any more. */
  caiman_connection_terminate (get_client (w), w->now_ns);
  caiman_pump_touch (app->pump);
  settle (w);
  g_assert_true (freed);
  add_fake (app->pump, TRUE, &late_freed);
  g_assert_true (late_freed);
}

/* A transport whose peer talks nonsense is aborted and freed. */
static void
test_abort (void)
{
  gboolean freed;
  g_autoptr (World) w = world_new (NULL);
  Fake *fake = add_fake (w->apps[SERVER].pump, TRUE, &freed);
  settle (w);
  g_assert_cmpuint (fake->n_sent, ==, 1);
  fake->base.events->packet (fake->base.user_data, (const guint8 *)"nonsense", 8, NULL);
  g_assert_false (freed);
  settle (w);
  g_assert_true (freed);
}

/* A transport that fails is freed, and the link with it. */
static void
test_failed (void)
{
  gboolean freed;
  g_autoptr (World) w = world_new (NULL);
  Fake *fake = add_fake (w->apps[SERVER].pump, TRUE, &freed);
  settle (w);
  fake->base.events->failed (fake->base.user_data, CAIMAN_REASON_LINK_RESET);
  g_assert_true (freed);
  settle (w);
  g_assert_cmpuint (caiman_server_get_n_handshakes (caiman_pump_get_server (w->apps[SERVER].pump)),
                    ==, 0);
}

/* Who has one handshake too many under way (PROTOCOL.md, 4) is turned away at once, and leaves
 * nothing behind. */
static void
test_turned_away (void)
{
  gboolean freed[3] = { FALSE };
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  config.handshakes_per_address_max = 1;
  g_autoptr (World) w = world_new (&config);
  CaimanPump *pump = w->apps[SERVER].pump;
  static const char *const remotes[] = { "192.0.2.1", "192.0.2.1", "192.0.2.2" };
  for (guint i = 0; i < 3; i++) {
    Fake *fake = g_new0 (Fake, 1);
    *fake = (Fake) { .base.klass = &fake_class, .writable = TRUE, .freed = &freed[i] };
    CaimanLinkInfo info = { .name = "fake", .remote = remotes[i] };
    CaimanLink *link = caiman_pump_add_transport (pump, &fake->base, &info);
    g_assert_true ((link == NULL) == (i == 1));
    g_assert_true (freed[i] == (i == 1));
    settle (w);
    /* Nothing large is taken from a stranger. */
    if (i != 1) {
      g_assert_cmpuint (fake->n_sent, ==, 1);
      g_assert_cmpuint (fake->packet_max_bytes, ==, CAIMAN_HANDSHAKE_MAX_BYTES);
    }
  }
  g_assert_cmpuint (caiman_server_get_n_turned_away (caiman_pump_get_server (pump)), ==, 1);
  g_assert_cmpuint (caiman_server_get_n_handshakes (caiman_pump_get_server (pump)), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/pump/connect", test_connect);
  g_test_add_func ("/transports/pump/echo-and-close", test_echo_and_close);
  g_test_add_func ("/transports/pump/timer", test_timer);
  g_test_add_func ("/transports/pump/lazy-timer", test_lazy_timer);
  g_test_add_func ("/transports/pump/small-buffers", test_small_buffers);
  g_test_add_func ("/transports/pump/refuse", test_refuse);
  g_test_add_func ("/transports/pump/gone", test_gone);
  g_test_add_func ("/transports/pump/late-accept", test_late_accept);
  g_test_add_func ("/transports/pump/fail-links", test_fail_links);
  g_test_add_func ("/transports/pump/drop", test_drop);
  g_test_add_func ("/transports/pump/open-fails", test_open_fails);
  g_test_add_func ("/transports/pump/cancel", test_cancel);
  g_test_add_func ("/transports/pump/connected-too-late", test_connected_too_late);
  g_test_add_func ("/transports/pump/no-open-handler", test_no_open_handler);
  g_test_add_func ("/transports/pump/free", test_free);
  g_test_add_func ("/transports/pump/refused-link", test_refused_link);
  g_test_add_func ("/transports/pump/fake/writable", test_writable);
  g_test_add_func ("/transports/pump/fake/hints", test_hints);
  g_test_add_func ("/transports/pump/fake/abort", test_abort);
  g_test_add_func ("/transports/pump/fake/failed", test_failed);
  g_test_add_func ("/transports/pump/fake/turned-away", test_turned_away);
  return g_test_run ();
}
