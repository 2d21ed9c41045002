/* SPDX-License-Identifier: Apache-2.0 */
/* test-scale.c - many connections over real sockets in one process: a thousand at once, and one
 * after the other without a trace left.
 *
 * With -m thorough it makes 10 000 connections one after the other, with CAIMAN_SCALE_CYCLES=N in
 * the environment so many. */
#include "transports/tcp.h"

#include <malloc.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINKS       4u
#define DEADLINE_US (120 * G_USEC_PER_SEC)

typedef struct _World World;

typedef struct {
  World *world;
  CaimanPump *pump;
  guint n_links; /* that work */
  gboolean connected, answered, ended;
} Client;

struct _World {
  CaimanLoop *loop;
  CaimanConfig config, client_config;
  struct sockaddr_in address;
  CaimanLoopWatch watch; /* of the listening socket */
  CaimanPump *server_pump;
  CaimanLoopTask drop_task;
  GQueue to_drop; /* of CaimanConnection: ended, to be freed outside of handlers */
  guint n_accepted, n_dropped;
};

/* --- Server: gives back what it gets --- */

static void
drop_ended (CaimanLoopTask *task)
{
  World *world = (World *)((char *)task - G_STRUCT_OFFSET (World, drop_task));
  for (CaimanConnection *connection; (connection = g_queue_pop_head (&world->to_drop));) {
    caiman_pump_drop (world->server_pump, connection);
    world->n_dropped++;
  }
}

static void
drop_when_finished (World *world, CaimanConnection *connection)
{
  if (!caiman_connection_is_finished (connection) || g_queue_find (&world->to_drop, connection))
    return;
  g_queue_push_tail (&world->to_drop, connection);
  caiman_loop_add_task (world->loop, &world->drop_task);
}

static void
echo (World *world, CaimanConnection *connection)
{
  gint64 now_ns = caiman_loop_now (world->loop);
  for (;;) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) message = caiman_connection_receive (connection, now_ns, &error);
    if (message)
      caiman_connection_send (connection, message, now_ns, NULL);
    else if (g_error_matches (error, CAIMAN_ERROR, CAIMAN_REASON_FINISHED))
      caiman_connection_close (connection, now_ns);
    if (!message)
      return;
  }
}

static void
server_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  if (event->type == CAIMAN_EVENT_READABLE)
    echo (user_data, connection);
  drop_when_finished (user_data, connection);
}

static void
server_incoming (gpointer user_data, CaimanConnection *pending)
{
  World *world = user_data;
  caiman_pump_accept (world->server_pump, pending);
  world->n_accepted++;
}

static void
on_incoming (CaimanLoopWatch *watch, guint32 epoll_events)
{
  World *world = (World *)((char *)watch - G_STRUCT_OFFSET (World, watch));
  CaimanLinkInfo info = { .name = "loopback" };
  CaimanReason reason;
  int fd = accept4 (watch->fd, NULL, NULL, SOCK_CLOEXEC);
  if (fd >= 0)
    caiman_pump_add_transport (world->server_pump, caiman_tcp_new (world->loop, fd, NULL, &reason),
                               &info);
}

/* @no_link_timeout_ns: how long the server waits for who has vanished without a word. */
static World *
world_new (gint64 no_link_timeout_ns)
{
  static const CaimanPumpHandler handler = { .event = server_event, .incoming = server_incoming };
  World *world = g_new0 (World, 1);
  socklen_t size = sizeof world->address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  world->address =
      (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  g_assert_cmpint (bind (fd, (struct sockaddr *)&world->address, size), ==, 0);
  g_assert_cmpint (listen (fd, 64), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *)&world->address, &size), ==, 0);
  caiman_config_init (&world->config, CAIMAN_PRESET_ADAPTIVE);
  world->client_config = world->config;
  /* On a machine that is busy otherwise links may seem silent; then there would be more of them. */
  world->client_config.race_after_ns = CAIMAN_TIME_NEVER;
  world->config.no_link_timeout_ns = no_link_timeout_ns;
  world->loop = caiman_loop_new (NULL);
  world->drop_task.run = drop_ended;
  world->watch.ready = on_incoming;
  g_queue_init (&world->to_drop);
  world->server_pump =
      caiman_loop_new_server_pump (world->loop, &world->config, NULL, &handler, world);
  g_assert_true (caiman_loop_add_watch (world->loop, &world->watch, fd, EPOLLIN, NULL));
  return world;
}

static void
world_free (World *world)
{
  int fd = world->watch.fd;
  caiman_loop_remove_watch (&world->watch);
  close (fd);
  caiman_loop_remove_task (world->loop, &world->drop_task);
  g_queue_clear (&world->to_drop);
  caiman_loop_free_pump (world->loop, world->server_pump);
  caiman_loop_free (world->loop);
  g_free (world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

#define wait_until(world, condition)                                                               \
  G_STMT_START                                                                                     \
  {                                                                                                \
    gint64 deadline_us_ = g_get_monotonic_time () + DEADLINE_US;                                   \
    while (!(condition)) {                                                                         \
      g_assert_cmpint (g_get_monotonic_time (), <, deadline_us_);                                  \
      caiman_loop_iterate ((world)->loop, 10 * CAIMAN_NS_PER_MS);                                  \
    }                                                                                              \
  }                                                                                                \
  G_STMT_END

/* --- Clients --- */

static void
client_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  Client *client = user_data;
  if (event->type == CAIMAN_EVENT_CONNECTED)
    client->connected = TRUE;
  else if (event->type == CAIMAN_EVENT_ENDED)
    client->ended = TRUE;
  else if (event->type == CAIMAN_EVENT_LINK_STATE && event->link_state == CAIMAN_LINK_WORKING)
    client->n_links++;
  if (event->type != CAIMAN_EVENT_READABLE)
    return;
  g_autoptr (GBytes) message =
      caiman_connection_receive (connection, caiman_loop_now (client->world->loop), NULL);
  if (message)
    client->answered = g_bytes_get_size (message) == 5;
}

static CaimanTransport *
client_open (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  World *world = ((Client *)user_data)->world;
  return caiman_tcp_connect (world->loop, (const struct sockaddr *)&world->address,
                             sizeof world->address, NULL, NULL, reason_out);
}

static void
client_init (Client *client, World *world)
{
  static const CaimanPumpHandler handler = { .event = client_event, .open = client_open };
  CaimanLinkInfo info = { .name = "loopback" };
  memset (client, 0, sizeof *client);
  client->world = world;
  client->pump =
      caiman_loop_new_client_pump (world->loop, &world->client_config, NULL, &handler, client);
  gint64 now_ns = caiman_loop_now (world->loop);
  for (guint i = 0; i < LINKS; i++)
    caiman_connector_add_path (caiman_pump_get_connector (client->pump), &info, now_ns, now_ns);
  caiman_pump_touch (client->pump);
}

static void
client_send (Client *client)
{
  g_autoptr (GBytes) message = g_bytes_new_static ("hello", 5);
  client->answered = FALSE;
  g_assert_true (caiman_connection_send (caiman_pump_get_connection (client->pump), message,
                                         caiman_loop_now (client->world->loop), NULL));
  caiman_pump_touch (client->pump);
}

static void
client_close (Client *client)
{
  caiman_connection_close (caiman_pump_get_connection (client->pump),
                           caiman_loop_now (client->world->loop));
  caiman_pump_touch (client->pump);
}

static void
client_clear (Client *client)
{
  caiman_loop_free_pump (client->world->loop, client->pump);
}

/* --- Tests --- */

static guint
count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;
  while (g_dir_read_name (dir))
    n++;
  return n;
}

/* How many connections there are descriptors for. */
static guint
allow_connections (guint wanted)
{
  struct rlimit limit;
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = MIN (limit.rlim_max, MAX (limit.rlim_cur, 2 * LINKS * wanted + 100));
  setrlimit (RLIMIT_NOFILE, &limit);
  return (guint)MIN (wanted, (limit.rlim_cur - 100) / (2 * LINKS));
}

/* All links of all connections come up and stay, and each connection answers. */
static void
test_many_at_once (void)
{
  g_autoptr (World) world = world_new (60 * CAIMAN_NS_PER_S);
  guint n = allow_connections (1000);
  guint n_descriptors = count_descriptors ();
  if (n < 1000)
    g_test_message ("descriptors for %u connections only", n);
  g_autofree Client *clients = g_new0 (Client, n);
  for (guint i = 0; i < n; i++) {
    client_init (&clients[i], world);
    if (i >= 8)
      wait_until (world, clients[i - 8].n_links == LINKS);
  }
  for (guint i = 0; i < n; i++)
    wait_until (world, clients[i].connected && clients[i].n_links == LINKS);
  g_assert_cmpuint (count_descriptors (), ==, n_descriptors + 2 * LINKS * n);
  for (guint i = 0; i < n; i++)
    client_send (&clients[i]);
  for (guint i = 0; i < n; i++)
    wait_until (world, clients[i].answered);
  for (guint i = 0; i < n; i++)
    client_close (&clients[i]);
  for (guint i = 0; i < n; i++) {
    wait_until (world, clients[i].ended);
    g_assert_cmpuint (clients[i].n_links, ==, LINKS);
  }
  wait_until (world, world->n_dropped == n);
  for (guint i = 0; i < n; i++)
    client_clear (&clients[i]);
  wait_until (world, caiman_loop_get_n_draining (world->loop) == 0);
  g_assert_cmpuint (count_descriptors (), ==, n_descriptors);
}

/* One connection from its first to its last; it ends in one of three ways. */
static void
live_once (World *world, guint number)
{
  Client client;
  client_init (&client, world);
  wait_until (world, client.connected);
  client_send (&client);
  wait_until (world, client.answered);
  if (number % 3 == 0)
    client_close (&client);
  else if (number % 3 == 1)
    caiman_connection_terminate (caiman_pump_get_connection (client.pump),
                                 caiman_loop_now (world->loop));
  else
    wait_until (world, client.n_links == LINKS);
  caiman_pump_touch (client.pump);
  if (number % 3 < 2)
    wait_until (world, client.ended);
  client_clear (&client);
}

static gsize
get_allocated (void)
{
  struct mallinfo2 info = mallinfo2 ();
  return info.uordblks + info.hblkhd;
}

static void
test_one_after_the_other (void)
{
  const char *wanted = g_getenv ("CAIMAN_SCALE_CYCLES");
  guint n = wanted ? (guint)atoi (wanted) : g_test_thorough () ? 10000 : 150;
  /* Tables and kept memory grow with how many connections happen to overlap as they end; in ten
   * thousand these are a few more than in the first sixty. */
  guint n_warm = g_test_thorough () ? 1000 : 60;
  /* Whoever counts may have a slow machine: under valgrind the first connection takes a while. */
  g_autoptr (World) world = world_new (wanted ? 5 * CAIMAN_NS_PER_S : 100 * CAIMAN_NS_PER_MS);
  guint n_descriptors = 0;
  gsize allocated = 0;
  for (guint i = 1; i <= n + n_warm; i++) {
    live_once (world, i);
    if (i != n_warm && i != n + n_warm)
      continue;
    wait_until (world, world->n_dropped == i && caiman_loop_get_n_draining (world->loop) == 0);
    if (i == n_warm) {
      n_descriptors = count_descriptors ();
      allocated = get_allocated ();
    }
  }
  g_assert_cmpuint (count_descriptors (), ==, n_descriptors);
  if (!wanted) /* else so many are there at once that tables grow to their size for good */
    g_assert_cmpuint (get_allocated (), <=, allocated + 64 * 1024);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/scale/many-at-once", test_many_at_once);
  g_test_add_func ("/transports/scale/one-after-the-other", test_one_after_the_other);
  return g_test_run ();
}
