/* SPDX-License-Identifier: Apache-2.0 */
/* test-tunnel.c - a tunnel between two endpoints of this process, on loopback. */
#include "tests/apps/app-world.h"

#include "apps/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PUBLISHED   7000
#define UNPUBLISHED 7001
#define DEAD        7002 /* published, but nobody is at the target */

#define BULK_BYTES (10 * 1000 * 1000)

/* A server and a client; forward 0 is for PUBLISHED, 1 for UNPUBLISHED, 2 for DEAD. */
typedef struct {
  Target *target;
  Tunnel *server, *client;
  WorldLog server_log, client_log;
  guint16 port, unpublished_port, dead_port;
} World;

static Tunnel *
make_tunnel (TunnelConfig *config, const char *path, gboolean once)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  Tunnel *tunnel = tunnel_new (config, path, once, messages);
  g_assert_nonnull (tunnel);
  g_assert_cmpuint (messages->len, ==, 0);
  return tunnel;
}

static void
start (Tunnel *tunnel, WorldLog *log)
{
  g_autoptr (GError) error = NULL;
  world_log_init (log, tunnel_get_endpoint (tunnel));
  g_assert_true (tunnel_start (tunnel, &error));
  g_assert_no_error (error);
}

static void
add_port (TunnelConfig *config, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_assert_null (tunnel_config_add_port (config, text));
}

static guint16
get_dead_port (void)
{
  g_autoptr (Target) target = target_new ();
  return target->port;
}

static void
world_start_server (World *world, const char *path, gboolean once)
{
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_SERVER);
  config->options.tcp = g_strsplit ("127.0.0.1:0", ",", -1);
  if (path == NULL)
    add_port (config, "127.0.0.1:%u:%u", world->target->port, PUBLISHED);
  add_port (config, "127.0.0.1:%u:%u", get_dead_port (), DEAD);
  world->server = make_tunnel (config, path, once);
  start (world->server, &world->server_log);
}

static void
world_start_client (World *world, const char *path, gboolean once)
{
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_CLIENT);
  guint16 server_port = app_endpoint_get_port (tunnel_get_endpoint (world->server), 0);
  config->options.tcp = g_new0 (char *, 2);
  config->options.tcp[0] = g_strdup_printf ("127.0.0.1:%u", server_port);
  add_port (config, "%u:0", PUBLISHED);
  add_port (config, "%u:0", UNPUBLISHED);
  add_port (config, "%u:0", DEAD);
  world->client = make_tunnel (config, path, once);
  start (world->client, &world->client_log);
  world->port = tunnel_get_port (world->client, 0);
  world->unpublished_port = tunnel_get_port (world->client, 1);
  world->dead_port = tunnel_get_port (world->client, 2);
}

static World *
world_new (void)
{
  World *world = g_new0 (World, 1);
  world->target = target_new ();
  world_start_server (world, NULL, FALSE);
  world_start_client (world, NULL, FALSE);
  return world;
}

static void
world_free (World *world)
{
  world_log_clear (&world->client_log);
  tunnel_free (world->client);
  world_log_clear (&world->server_log);
  tunnel_free (world->server);
  target_free (world->target);
  while (g_main_context_iteration (NULL, FALSE))
    ; /* attempts to connect that were given up */
  g_free (world);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

static gboolean
is_idle (gpointer user_data)
{
  World *world = user_data;
  return app_endpoint_get_connections (tunnel_get_endpoint (world->client))->len == 0 &&
         app_endpoint_get_connections (tunnel_get_endpoint (world->server))->len == 0;
}

static void
run (World *world, void (*script) (gpointer world))
{
  world_run_script (script, world);
}

/* --- No link --- */

static void
no_link_script (gpointer data)
{
  World *world = data;
  int fd = socket_connect (world->port);
  g_assert_cmpint (socket_read_to_end (fd), ==, ECONNRESET);
  close (fd);
}

/* Who connects where no link can be had is not kept waiting: the log says what was tried. */
static void
test_no_link (void)
{
  World world = { .target = NULL };
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_CLIENT);
  config->options.tcp = g_new0 (char *, 2);
  config->options.tcp[0] = g_strdup_printf ("127.0.0.1:%u", get_dead_port ());
  config->connect_timeout_ns = 100 * CAIMAN_NS_PER_MS;
  add_port (config, "%u:0", PUBLISHED);
  world.client = make_tunnel (config, NULL, FALSE);
  start (world.client, &world.client_log);
  world.port = tunnel_get_port (world.client, 0);
  world_run_script (no_link_script, &world);
  g_autofree char *tried = g_strdup_printf ("%s: connect-refused", config->options.tcp[0]);
  g_assert_true (world_log_has (&world.client_log, tried));
  world_log_clear (&world.client_log);
  tunnel_free (world.client);
}

/* --- Data --- */

static void
echo_script (gpointer data)
{
  World *world = data;
  int fd = socket_connect (world->port);
  socket_send_text (fd, "ehello");
  socket_expect_next (fd, "hello");
  /* Half of it is closed, the other half still carries. */
  socket_send_text (fd, " again");
  socket_finish (fd);
  socket_expect (fd, " again");
}

static void
test_echo (void)
{
  g_autoptr (World) world = world_new ();
  g_assert_true (world_log_has (&world->client_log, "travels unencrypted"));
  g_assert_true (world_log_has (&world->server_log, "publishes 7000 -> 127.0.0.1:"));
  run (world, echo_script);
  world_wait (is_idle, world);
  g_assert_true (world_log_has (&world->client_log, "-> port 7000: opened"));
  g_assert_true (world_log_has (&world->client_log, "11 B received: finished"));
  g_assert_true (world_log_has (&world->server_log, "closed after"));
}

static void
upload_script (gpointer data)
{
  World *world = data;
  g_autofree guint8 *bytes = g_malloc (BULK_BYTES);
  guint8 digest[32];
  gsize size = sizeof digest;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  target_fill (bytes, BULK_BYTES, 0);
  g_checksum_update (checksum, bytes, BULK_BYTES);
  g_checksum_get_digest (checksum, digest, &size);
  int fd = socket_connect (world->port);
  socket_send_text (fd, "s");
  socket_send (fd, bytes, BULK_BYTES);
  socket_finish (fd);
  g_autoptr (GBytes) answer = socket_read_all (fd, G_MAXSIZE, NULL);
  g_assert_cmpmem (g_bytes_get_data (answer, NULL), g_bytes_get_size (answer), digest, size);
  close (fd);
}

static void
test_upload (void)
{
  g_autoptr (World) world = world_new ();
  run (world, upload_script);
  world_wait (is_idle, world);
}

/* Reads nothing before the whole way is full: then all of it must still come. */
static void
download_script (gpointer data)
{
  World *world = data;
  guint64 wanted = GUINT64_TO_BE ((guint64)BULK_BYTES);
  g_autofree guint8 *expected = g_malloc (BULK_BYTES);
  target_fill (expected, BULK_BYTES, 0);
  int fd = socket_connect (world->port);
  socket_send_text (fd, "g");
  socket_send (fd, &wanted, sizeof wanted);
  g_autoptr (GBytes) bytes = socket_read_all (fd, G_MAXSIZE, NULL);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected, BULK_BYTES);
  close (fd);
}

static void
test_download (void)
{
  g_autoptr (World) world = world_new ();
  run (world, download_script);
  world_wait (is_idle, world);
}

static void
many_script (gpointer data)
{
  World *world = data;
  int fds[20];
  for (guint round = 0; round < 5; round++) {
    for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
      g_autofree char *text = g_strdup_printf ("e%u/%u", round, i);
      fds[i] = socket_connect (world->port);
      socket_send_text (fds[i], text);
      socket_finish (fds[i]);
    }
    for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
      g_autofree char *text = g_strdup_printf ("%u/%u", round, i);
      socket_expect (fds[i], text);
    }
  }
}

static void
test_many (void)
{
  g_autoptr (World) world = world_new ();
  run (world, many_script);
  world_wait (is_idle, world);
  g_assert_cmpuint (app_endpoint_get_n_opened (tunnel_get_endpoint (world->server)), ==, 100);
}

/* --- Refusals and resets --- */

static void
unpublished_script (gpointer data)
{
  World *world = data;
  int fd = socket_connect (world->unpublished_port);
  socket_read_to_end (fd);
  close (fd);
}

static void
test_unpublished (void)
{
  g_autoptr (World) world = world_new ();
  run (world, unpublished_script);
  world_wait (is_idle, world);
  g_assert_true (world_log_has (&world->server_log, "it wants port 7001, which is not published"));
}

static void
dead_script (gpointer data)
{
  World *world = data;
  int fd = socket_connect (world->dead_port);
  g_assert_cmpint (socket_read_to_end (fd), ==, ECONNRESET);
  close (fd);
}

static void
test_dead_target (void)
{
  g_autoptr (World) world = world_new ();
  run (world, dead_script);
  world_wait (is_idle, world);
  g_assert_true (world_log_has (&world->server_log, "cannot connect to 127.0.0.1:"));
}

static void
reset_script (gpointer data)
{
  World *world = data;
  int fd = socket_connect (world->port);
  socket_send_text (fd, "w");
  socket_reset (fd);
}

static gboolean
target_saw_reset (gpointer user_data)
{
  World *world = user_data;
  return g_atomic_int_get (&world->target->n_resets) > 0 ||
         world_log_has (&world->client_log, "terminated");
}

static void
test_client_resets (void)
{
  g_autoptr (World) world = world_new ();
  run (world, reset_script);
  world_wait (target_saw_reset, world);
  world_wait (is_idle, world);
  g_assert_cmpint (world->target->n_ends, ==, 0);
}

static void
target_resets_script (gpointer data)
{
  World *world = data;
  int fd = socket_connect (world->port);
  socket_send_text (fd, "r");
  g_assert_cmpint (socket_read_to_end (fd), ==, ECONNRESET);
  close (fd);
}

static void
test_target_resets (void)
{
  g_autoptr (World) world = world_new ();
  run (world, target_resets_script);
  world_wait (is_idle, world);
  g_assert_true (world_log_has (&world->client_log, "terminated"));
}

/* --- The end --- */

typedef struct {
  World *world;
  int signals; /* how many to send once data flows */
} Ending;

static void
once_script (gpointer data)
{
  World *world = data;
  int fd = socket_connect (world->port);
  socket_send_text (fd, "eonce");
  socket_expect_next (fd, "once");
  g_assert_false (socket_can_connect (world->port));
  socket_finish (fd);
  socket_expect (fd, "");
}

static gpointer
run_in_thread (gpointer data)
{
  Ending *ending = data;
  once_script (ending->world);
  return NULL;
}

static void
test_once (void)
{
  g_autoptr (World) world = g_new0 (World, 1);
  Ending ending = { .world = world };
  world->target = target_new ();
  world_start_server (world, NULL, TRUE);
  world_start_client (world, NULL, TRUE);
  GThread *thread = g_thread_new ("script", run_in_thread, &ending);
  g_assert_cmpint (tunnel_run (world->client), ==, 0);
  g_thread_join (thread);
  g_assert_cmpuint (app_endpoint_get_n_opened (tunnel_get_endpoint (world->client)), ==, 1);
}

/* One connection is open when the signal comes; it may finish, and no other one may begin. */
static gpointer
terminate_script (gpointer data)
{
  Ending *ending = data;
  int fd = socket_connect (ending->world->port);
  socket_send_text (fd, "ebefore");
  socket_expect_next (fd, "before");
  kill (getpid (), SIGTERM);
  while (socket_can_connect (ending->world->port))
    g_usleep (1000);
  if (ending->signals > 1) {
    kill (getpid (), SIGTERM);
    g_assert_cmpint (socket_read_to_end (fd), ==, ECONNRESET);
    close (fd);
    return NULL;
  }
  socket_send_text (fd, "after");
  socket_finish (fd);
  socket_expect (fd, "after");
  return NULL;
}

static void
test_terminate (gconstpointer data)
{
  g_autoptr (World) world = world_new ();
  Ending ending = { .world = world, .signals = GPOINTER_TO_INT (data) };
  GThread *thread = g_thread_new ("script", terminate_script, &ending);
  g_assert_cmpint (tunnel_run (world->client), ==, SIGTERM);
  g_assert_true (world_log_has (&world->client_log, "ending; "));
  g_assert_cmpint (world_log_has (&world->client_log, "terminating"), ==, ending.signals > 1);
  g_thread_join (thread);
  world_wait (is_idle, world);
}

/* The grace time is over at once: connections that go on are terminated. */
static gpointer
grace_script (gpointer data)
{
  Ending *ending = data;
  int fd = socket_connect (ending->world->port);
  socket_send_text (fd, "ebefore");
  socket_expect_next (fd, "before");
  kill (getpid (), SIGINT);
  g_assert_cmpint (socket_read_to_end (fd), ==, ECONNRESET);
  close (fd);
  return NULL;
}

static void
test_grace (void)
{
  g_autoptr (World) world = g_new0 (World, 1);
  Ending ending = { .world = world };
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "caiman-test-XXXXXX", NULL);
  g_autofree char *text = NULL;
  int fd = g_mkstemp (path);
  world->target = target_new ();
  text = g_strdup_printf ("[tunnel]\ngrace = 0s\n[publish a]\nport = %u\ntarget = 127.0.0.1:%u\n",
                          PUBLISHED, world->target->port);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  world_start_server (world, path, FALSE);
  world_start_client (world, NULL, FALSE);
  GThread *thread = g_thread_new ("script", grace_script, &ending);
  g_assert_cmpint (tunnel_run (world->server), ==, SIGINT);
  g_assert_true (world_log_has (&world->server_log, "terminating 1 connection"));
  world_wait (is_idle, world);
  g_thread_join (thread);
  unlink (path);
  close (fd);
}

/* --- Reload --- */

static void
write_file (const char *path, guint16 target_port, const char *more)
{
  g_autofree char *text = g_strdup_printf ("[tunnel]\nlog-level = info\n"
                                           "[publish a]\nport = %u\ntarget = 127.0.0.1:%u\n%s",
                                           PUBLISHED, target_port, more);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

typedef struct {
  World *world;
  const char *path;
  int open_fd; /* of a connection that lives through the reloads */
} Reload;

static void
open_script (gpointer data)
{
  Reload *reload = data;
  reload->open_fd = socket_connect (reload->world->port);
  socket_send_text (reload->open_fd, "eone ");
  socket_expect_next (reload->open_fd, "one ");
}

static void
published_later_script (gpointer data)
{
  Reload *reload = data;
  int fd = socket_connect (reload->world->unpublished_port);
  socket_send_text (fd, "enow");
  socket_finish (fd);
  socket_expect (fd, "now");
  socket_send_text (reload->open_fd, "two");
  socket_finish (reload->open_fd);
  socket_expect (reload->open_fd, "two");
}

static void
test_reload (void)
{
  g_autoptr (World) world = g_new0 (World, 1);
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "caiman-test-XXXXXX", NULL);
  int fd = g_mkstemp (path);
  world->target = target_new ();
  write_file (path, world->target->port, "");
  world_start_server (world, path, FALSE);
  world_start_client (world, NULL, FALSE);
  Reload reload = { .world = world, .path = path };
  world_run_script (open_script, &reload);
  world_run_script (unpublished_script, world);

  write_file (path, world->target->port, "[publish b]\nport = nonsense\n[what]\n");
  g_assert_false (tunnel_reload (world->server));
  g_assert_true (world_log_has (&world->server_log, ":7: port: "));
  g_assert_true (world_log_has (&world->server_log, ":8: unknown group [what]"));
  g_assert_true (world_log_has (&world->server_log, "all stays as it was"));

  g_autofree char *more =
      g_strdup_printf ("[publish b]\nport = %u\ntarget = 127.0.0.1:%u\n[tunables]\nsend-buffer = "
                       "1MiB\n",
                       UNPUBLISHED, world->target->port);
  write_file (path, world->target->port, more);
  g_assert_true (tunnel_reload (world->server));
  g_assert_true (world_log_has (&world->server_log, "needs a restart"));
  world_run_script (published_later_script, &reload);
  world_wait (is_idle, world);
  g_assert_false (tunnel_reload (world->client)); /* it has no file */
  unlink (path);
  close (fd);
}

/* SIGHUP of a client: ports go and come, and one of them now means another port of the server. */
static gpointer
hangup_script (gpointer data)
{
  Reload *reload = data;
  guint16 port = reload->world->port;
  g_autofree char *text =
      g_strdup_printf ("[forward a]\nserver-port = %u\nport = %u\n", DEAD, port);
  unpublished_script (reload->world);
  g_assert_true (g_file_set_contents (reload->path, text, -1, NULL));
  kill (getpid (), SIGHUP);
  while (socket_can_connect (reload->world->unpublished_port))
    g_usleep (1000);
  reload->world->dead_port = port;
  dead_script (reload->world);
  kill (getpid (), SIGTERM);
  return NULL;
}

static void
test_hangup (void)
{
  g_autoptr (World) world = g_new0 (World, 1);
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "caiman-test-XXXXXX", NULL);
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_CLIENT);
  int fd = g_mkstemp (path);
  world->target = target_new ();
  world_start_server (world, NULL, FALSE);
  guint16 server_port = app_endpoint_get_port (tunnel_get_endpoint (world->server), 0);
  config->options.tcp = g_new0 (char *, 2);
  config->options.tcp[0] = g_strdup_printf ("127.0.0.1:%u", server_port);
  world->port = get_dead_port ();
  world->unpublished_port = get_dead_port ();
  g_autofree char *text =
      g_strdup_printf ("[forward a]\nserver-port = %u\nport = %u\n"
                       "[forward b]\nserver-port = %u\nport = %u\nglobal = yes\n",
                       PUBLISHED, world->port, UNPUBLISHED, world->unpublished_port);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  world->client = make_tunnel (config, path, FALSE);
  start (world->client, &world->client_log);
  Reload reload = { .world = world, .path = path };
  GThread *thread = g_thread_new ("script", hangup_script, &reload);
  g_assert_cmpint (tunnel_run (world->client), ==, SIGTERM);
  g_thread_join (thread);
  g_assert_true (world_log_has (&world->client_log, "forwards *:"));
  g_assert_true (world_log_has (&world->client_log, "again"));
  unlink (path);
  close (fd);
}

/* --- What cannot be --- */

static void
test_port_in_use (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_CLIENT);
  g_autoptr (GError) error = NULL;
  config->options.tcp = g_strsplit ("127.0.0.1:1", ",", -1);
  add_port (config, "1:%u", world->port);
  g_autoptr (Tunnel) tunnel = make_tunnel (config, NULL, FALSE);
  WorldLog log;
  world_log_init (&log, tunnel_get_endpoint (tunnel));
  g_assert_false (tunnel_start (tunnel, &error));
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR);
  g_assert_nonnull (strstr (error->message, "cannot listen on 127.0.0.1:"));
  world_log_clear (&log);
}

/* More connections than allowed are turned away, on either side. */
static void
limit_script (gpointer data)
{
  World *world = data;
  int first = socket_connect (world->port);
  socket_send_text (first, "eone");
  socket_expect_next (first, "one");
  int second = socket_connect (world->port);
  g_assert_cmpint (socket_read_to_end (second), ==, ECONNRESET);
  close (second);
  socket_finish (first);
  socket_expect (first, "");
}

static void
test_limits (void)
{
  g_autoptr (World) world = world_new ();
  app_endpoint_set_connections_max (tunnel_get_endpoint (world->server), 1);
  run (world, limit_script);
  world_wait (is_idle, world);
  g_assert_true (world_log_has (&world->server_log, "as many as allowed"));
  g_assert_true (world_log_has (&world->client_log, "refused"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  app_log_set_level (APP_LOG_INFO);
  g_test_add_func ("/apps/tunnel/echo", test_echo);
  g_test_add_func ("/apps/tunnel/upload", test_upload);
  g_test_add_func ("/apps/tunnel/download", test_download);
  g_test_add_func ("/apps/tunnel/many", test_many);
  g_test_add_func ("/apps/tunnel/unpublished", test_unpublished);
  g_test_add_func ("/apps/tunnel/dead-target", test_dead_target);
  g_test_add_func ("/apps/tunnel/client-resets", test_client_resets);
  g_test_add_func ("/apps/tunnel/target-resets", test_target_resets);
  g_test_add_func ("/apps/tunnel/once", test_once);
  g_test_add_data_func ("/apps/tunnel/terminate", GINT_TO_POINTER (1), test_terminate);
  g_test_add_data_func ("/apps/tunnel/terminate-at-once", GINT_TO_POINTER (2), test_terminate);
  g_test_add_func ("/apps/tunnel/grace", test_grace);
  g_test_add_func ("/apps/tunnel/reload", test_reload);
  g_test_add_func ("/apps/tunnel/hangup", test_hangup);
  g_test_add_func ("/apps/tunnel/port-in-use", test_port_in_use);
  g_test_add_func ("/apps/tunnel/limits", test_limits);
  g_test_add_func ("/apps/tunnel/no-link", test_no_link);
  return g_test_run ();
}
