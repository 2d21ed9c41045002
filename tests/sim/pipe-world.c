/* SPDX-License-Identifier: Apache-2.0 */
/* pipe-world.c - see pipe-world.h. */
#include "tests/sim/pipe-world.h"

#include <string.h>

#define MESSAGE_BYTES 5

static void
user_connected (gpointer user_data)
{
  User *user = user_data;

  g_assert_cmpint (user->connected_ns, ==, -1);
  g_assert_cmpint (user->failed_ns, ==, -1);
  user->connected_ns = world_now (user->world);
  if (user->on_connected)
    user->on_connected (user);
}

static void
user_packet (gpointer user_data, const guint8 *data, gsize size, GBytes *bytes)
{
  User *user = user_data;
  Arrival arrival = { world_now (user->world), size, size > 0 ? data[0] : 0 };

  g_assert_cmpint (user->failed_ns, ==, -1);
  g_assert_nonnull (user->end);
  if (bytes)
    g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), data, size);
  g_array_append_val (user->arrivals, arrival);
  if (user->on_packet)
    user->on_packet (user);
}

static void
user_writable (gpointer user_data)
{
  User *user = user_data;

  g_assert_true (user_is_writable (user));
  user->n_writable++;
  user->writable_ns = world_now (user->world);
  if (user->on_writable)
    user->on_writable (user);
}

static void
user_failed (gpointer user_data, CaimanReason reason)
{
  User *user = user_data;

  g_assert_cmpint (user->failed_ns, ==, -1);
  g_assert_nonnull (user->end);
  g_assert_false (user_is_writable (user));
  user->failed_ns = world_now (user->world);
  user->reason = reason;
  if (user->on_failed)
    user->on_failed (user);
}

static const CaimanTransportEvents user_events = {
  .connected = user_connected,
  .packet = user_packet,
  .writable = user_writable,
  .failed = user_failed,
};

static User *
user_new (World *world, CaimanTransport *end)
{
  User *user = g_new0 (User, 1);

  user->world = world;
  user->end = end;
  user->arrivals = g_array_new (FALSE, FALSE, sizeof (Arrival));
  user->connected_ns = -1;
  user->failed_ns = -1;
  end->events = &user_events;
  end->user_data = user;
  g_ptr_array_add (world->users, user);
  return user;
}

static void
user_free (gpointer data)
{
  User *user = data;

  if (user->end)
    user_free_end (user);
  g_array_unref (user->arrivals);
  g_free (user);
}

static void
world_accept (gpointer user_data, SimLinkPath *path, CaimanTransport *end)
{
  World *world = user_data;
  User *user = user_new (world, end);

  g_ptr_array_add (world->servers, user);
  world->accepted_ns = world_now (world);
  g_assert_true (user_is_writable (user));
  if (world->on_accept)
    world->on_accept (user);
}

void
world_config (SimPathConfig config_out[SIM_N_DIRECTIONS], gint64 rate_bps, gint64 delay_ns)
{
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    sim_path_config_init (&config_out[d]);
    config_out[d].rate_bps = rate_bps;
    config_out[d].delay_ns = delay_ns;
    config_out[d].queue = (SimQueueLimit) { SIM_QUEUE_TIME, MS (50) };
  }
}

static World *
make_world (const SimPathConfig config[SIM_N_DIRECTIONS], SimCarrierKind kind)
{
  World *world = g_new0 (World, 1);

  world->queue = caiman_timer_queue_new ();
  world->network = sim_network_new (world->queue, 1);
  sim_network_set_accept (world->network, world_accept, world);
  world->path = sim_network_add_path (world->network, "wifi", kind, config);
  world->users = g_ptr_array_new_with_free_func (user_free);
  world->servers = g_ptr_array_new ();
  return world;
}

World *
world_new (const SimPathConfig config[SIM_N_DIRECTIONS])
{
  return make_world (config, SIM_CARRIER_PIPE);
}

World *
world_new_tcp (const SimPathConfig config[SIM_N_DIRECTIONS])
{
  return make_world (config, SIM_CARRIER_TCP);
}

World *
world_new_simple (gint64 rate_bps, gint64 delay_ns)
{
  SimPathConfig config[SIM_N_DIRECTIONS];

  world_config (config, rate_bps, delay_ns);
  return world_new (config);
}

void
world_free (World *world)
{
  g_ptr_array_unref (world->servers);
  g_ptr_array_unref (world->users);
  sim_network_free (world->network);
  g_assert_cmpuint (caiman_timer_queue_get_pending (world->queue), ==, 0);
  caiman_timer_queue_free (world->queue);
  g_free (world);
}

User *
world_connect (World *world, SimLinkPath *path)
{
  return user_new (world, sim_link_path_connect (path));
}

User *
world_connect_both (World *world, User **server_out)
{
  guint n_servers = world->servers->len;
  User *client = world_connect (world, world->path);

  while (world->servers->len == n_servers)
    g_assert_true (caiman_timer_queue_step (world->queue));
  *server_out = world->servers->pdata[n_servers];
  client->n_writable = 0;
  return client;
}

void
world_advance (World *world, gint64 for_ns)
{
  caiman_timer_queue_run_until (world->queue, world_now (world) + for_ns);
}

gint64
world_now (World *world)
{
  return caiman_timer_queue_now (world->queue);
}

void
world_run (World *world)
{
  while (caiman_timer_queue_step (world->queue))
    ;
}

void
user_send (User *user, guint8 byte, gsize payload_bytes)
{
  CaimanPacket packet = { .inline_len = MESSAGE_BYTES };
  guint8 *payload = g_malloc (payload_bytes);

  memset (packet.inline_bytes, byte, MESSAGE_BYTES);
  if (payload_bytes > 0)
    memset (payload, byte, payload_bytes);
  packet.payload = g_bytes_new_take (payload, payload_bytes);
  user->end->klass->send (user->end, &packet);
  g_assert_null (packet.payload);
  g_assert_cmpuint (packet.inline_len, ==, 0);
}

void
user_send_message (User *user, guint8 byte, gsize size)
{
  CaimanPacket packet = { .inline_len = 0 };

  if (size <= CAIMAN_PACKET_INLINE_BYTES) {
    memset (packet.inline_bytes, byte, size);
    packet.inline_len = (guint8)size;
  } else {
    guint8 *message = g_malloc (size);
    memset (message, byte, size);
    packet.message = g_bytes_new_take (message, size);
  }
  user->end->klass->send (user->end, &packet);
}

guint
user_fill (User *user, gsize payload_bytes)
{
  guint n = 0;

  while (user_is_writable (user))
    user_send (user, (guint8)n++, payload_bytes);
  return n;
}

gboolean
user_is_writable (User *user)
{
  return user->end->klass->is_writable (user->end);
}

void
user_set_reading (User *user, gboolean reading)
{
  user->end->klass->set_reading (user->end, reading);
}

void
user_abort (User *user)
{
  user->end->klass->abort (user->end);
}

void
user_close (User *user)
{
  user->end->klass->close (user->end);
}

void
user_free_end (User *user)
{
  CaimanTransport *end = user->end;

  user->end = NULL;
  end->klass->free (end);
}

guint
user_count_payloads (User *user)
{
  guint n = 0;

  for (guint i = 0; i < user->arrivals->len; i++)
    n += g_array_index (user->arrivals, Arrival, i).size_bytes > MESSAGE_BYTES;
  return n;
}

gint64
user_get_arrival (User *user, guint n)
{
  g_assert_cmpuint (n, <, user->arrivals->len);
  return g_array_index (user->arrivals, Arrival, n).at_ns;
}

void
user_expect_failed (User *user, CaimanReason reason, gint64 at_ns)
{
  g_assert_cmpint (user->failed_ns, ==, at_ns);
  g_assert_cmpstr (caiman_reason_to_string (user->reason), ==, caiman_reason_to_string (reason));
}

void
user_expect_alive (User *user)
{
  g_assert_cmpint (user->failed_ns, ==, -1);
}
