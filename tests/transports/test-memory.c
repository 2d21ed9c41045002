/* SPDX-License-Identifier: Apache-2.0 */
/* test-memory.c - the in-memory transport keeps the contract of transports/transport.h. */
#include "transports/memory.h"

#include <string.h>

typedef struct {
  CaimanTransport *transport; /* NULL once freed */
  GString *log;               /* c(onnected), w(ritable), packets in [], reason of failed */
  gboolean free_on_packet;
} User;

typedef struct {
  CaimanMemoryHub *hub;
  guint n_wakes;
  User client, server;
} Pair;

static void
on_connected (gpointer user_data)
{
  User *user = user_data;
  g_string_append (user->log, "c");
}

static void
free_end (User *user)
{
  CaimanTransport *transport = g_steal_pointer (&user->transport);
  if (transport)
    transport->klass->free (transport);
}

static void
on_packet (gpointer user_data, const guint8 *data, gsize size, GBytes *bytes)
{
  User *user = user_data;
  gsize whole;
  g_assert_true (g_bytes_get_data (bytes, &whole) == data);
  g_assert_cmpuint (whole, ==, size);
  g_string_append_printf (user->log, "[%.*s]", (int)size, size ? (const char *)data : "");
  if (user->free_on_packet)
    free_end (user);
}

static void
on_writable (gpointer user_data)
{
  User *user = user_data;
  g_assert_true (user->transport->klass->is_writable (user->transport));
  g_string_append (user->log, "w");
}

static void
on_failed (gpointer user_data, CaimanReason reason)
{
  User *user = user_data;
  g_string_append (user->log, caiman_reason_to_string (reason));
}

static const CaimanTransportEvents events = { on_connected, on_packet, on_writable, on_failed };

static void
on_wake (gpointer user_data)
{
  Pair *pair = user_data;
  pair->n_wakes++;
}

static void
init_user (User *user)
{
  user->log = g_string_new (NULL);
  user->transport->events = &events;
  user->transport->user_data = user;
}

static Pair *
pair_new (guint packets_max, gsize bytes_max)
{
  Pair *pair = g_new0 (Pair, 1);
  CaimanMemoryLimits limits = { packets_max, bytes_max };
  pair->hub = caiman_memory_hub_new (on_wake, pair);
  caiman_memory_hub_connect (pair->hub, &limits, &pair->client.transport, &pair->server.transport);
  init_user (&pair->client);
  init_user (&pair->server);
  return pair;
}

static void
pair_free (Pair *pair)
{
  free_end (&pair->client);
  free_end (&pair->server);
  caiman_memory_hub_free (pair->hub);
  g_string_free (pair->client.log, TRUE);
  g_string_free (pair->server.log, TRUE);
  g_free (pair);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

static gboolean
is_writable (const User *user)
{
  return user->transport->klass->is_writable (user->transport);
}

static void
send_text (User *user, const char *message, const char *payload)
{
  CaimanPacket packet = { .inline_len = (guint8)strlen (message) };
  if (strlen (message) <= CAIMAN_PACKET_INLINE_BYTES) {
    memcpy (packet.inline_bytes, message, strlen (message));
  } else {
    packet.message = g_bytes_new (message, strlen (message));
    packet.inline_len = 0;
  }
  packet.payload = payload ? g_bytes_new (payload, strlen (payload)) : NULL;
  user->transport->klass->send (user->transport, &packet);
  g_assert_null (packet.message);
  g_assert_null (packet.payload);
}

static void
expect_log (User *user, const char *expected)
{
  g_assert_cmpstr (user->log->str, ==, expected);
  g_string_truncate (user->log, 0);
}

static void
test_packets (void)
{
  g_autoptr (Pair) pair = pair_new (0, 0);
  g_assert_cmpuint (pair->n_wakes, ==, 1);
  g_assert_false (is_writable (&pair->client));
  g_assert_true (is_writable (&pair->server));
  send_text (&pair->server, "welcome", NULL);
  g_assert_true (caiman_memory_hub_dispatch (pair->hub));
  g_assert_false (caiman_memory_hub_dispatch (pair->hub));
  expect_log (&pair->client, "c[welcome]");
  g_assert_true (is_writable (&pair->client));
  send_text (&pair->client, "data", "payload");
  send_text (&pair->client, "a message that is too long to be inline", "");
  g_assert_cmpuint (pair->n_wakes, ==, 2);
  expect_log (&pair->server, "");
  caiman_memory_hub_dispatch (pair->hub);
  expect_log (&pair->server, "[data][payload][a message that is too long to be inline][]");
}

/* At most one packet over the limit; writable() follows when there is room again. */
static void
test_limits (gconstpointer data)
{
  gboolean by_packets = GPOINTER_TO_INT (data);
  g_autoptr (Pair) pair = pair_new (by_packets ? 2 : 0, by_packets ? 0 : 10);
  caiman_memory_hub_dispatch (pair->hub);
  pair->server.transport->klass->set_reading (pair->server.transport, FALSE);
  send_text (&pair->client, "12345", NULL);
  g_assert_true (is_writable (&pair->client));
  send_text (&pair->client, "123456", "more");
  g_assert_false (is_writable (&pair->client));
  caiman_memory_hub_dispatch (pair->hub);
  expect_log (&pair->server, "");
  expect_log (&pair->client, "c");
  pair->server.transport->klass->set_reading (pair->server.transport, TRUE);
  caiman_memory_hub_dispatch (pair->hub);
  expect_log (&pair->server, "[12345][123456][more]");
  expect_log (&pair->client, "w");
}

/* What was sent before close() still arrives, then the end; also while the closed end is freed. */
static void
test_close (void)
{
  g_autoptr (Pair) pair = pair_new (0, 0);
  caiman_memory_hub_dispatch (pair->hub);
  send_text (&pair->client, "last", NULL);
  send_text (&pair->server, "unheard", NULL);
  pair->client.transport->klass->close (pair->client.transport);
  free_end (&pair->client);
  send_text (&pair->server, "unheard", NULL);
  g_assert_true (is_writable (&pair->server));
  pair->server.transport->klass->set_reading (pair->server.transport, FALSE);
  g_assert_false (caiman_memory_hub_dispatch (pair->hub));
  pair->server.transport->klass->set_reading (pair->server.transport, TRUE);
  caiman_memory_hub_dispatch (pair->hub);
  expect_log (&pair->server, "[last]link-closed");
  expect_log (&pair->client, "c");
  g_assert_false (is_writable (&pair->server));
}

/* abort(), and free() without close(), lose what was not carried yet. */
static void
test_abort (gconstpointer data)
{
  gboolean by_free = GPOINTER_TO_INT (data);
  g_autoptr (Pair) pair = pair_new (0, 0);
  caiman_memory_hub_dispatch (pair->hub);
  send_text (&pair->client, "lost", NULL);
  if (by_free)
    free_end (&pair->client);
  else
    pair->client.transport->klass->abort (pair->client.transport);
  caiman_memory_hub_dispatch (pair->hub);
  expect_log (&pair->server, "link-reset");
  g_assert_false (caiman_memory_hub_dispatch (pair->hub));
}

/* An end may be freed from within its call-back; the other one goes on to its end. */
static void
test_free_in_call_back (void)
{
  g_autoptr (Pair) pair = pair_new (0, 0);
  caiman_memory_hub_dispatch (pair->hub);
  pair->server.free_on_packet = TRUE;
  send_text (&pair->client, "1", "2");
  caiman_memory_hub_dispatch (pair->hub);
  expect_log (&pair->server, "[1]");
  expect_log (&pair->client, "clink-reset");
}

/* Gone before it was established: nothing is told to an end that was freed. */
static void
test_free_before_connected (void)
{
  g_autoptr (Pair) pair = pair_new (0, 0);
  free_end (&pair->client);
  caiman_memory_hub_dispatch (pair->hub);
  expect_log (&pair->client, "");
  expect_log (&pair->server, "link-reset");
  caiman_memory_hub_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/memory/packets", test_packets);
  g_test_add_data_func ("/transports/memory/limits/packets", GINT_TO_POINTER (TRUE), test_limits);
  g_test_add_data_func ("/transports/memory/limits/bytes", GINT_TO_POINTER (FALSE), test_limits);
  g_test_add_func ("/transports/memory/close", test_close);
  g_test_add_data_func ("/transports/memory/abort/call", GINT_TO_POINTER (FALSE), test_abort);
  g_test_add_data_func ("/transports/memory/abort/free", GINT_TO_POINTER (TRUE), test_abort);
  g_test_add_func ("/transports/memory/free-in-call-back", test_free_in_call_back);
  g_test_add_func ("/transports/memory/free-before-connected", test_free_before_connected);
  return g_test_run ();
}
