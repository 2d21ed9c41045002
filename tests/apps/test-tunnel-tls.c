/* SPDX-License-Identifier: Apache-2.0 */
/* test-tunnel-tls.c - the certificates of a running tunnel are read again: new links use them,
 * those that there are go on. Credentials are those of tests/transports/tls. */
#include "tests/apps/app-world.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define PUBLISHED 7000

typedef struct {
  Target *target;
  char *folder, *certificate, *key, *ca; /* of the side whose files change */
  Tunnel *server, *client;
  WorldLog server_log, client_log;
  guint16 port;
  int open_fd; /* of a connection that lives through the reloads */
  const char *awaited;
} World;

static char *
get_file (const char *name)
{
  return g_test_build_filename (G_TEST_DIST, "..", "transports", "tls", name, NULL);
}

/* Makes the file at @path the one called @name. */
static void
put_file (const char *path, const char *name)
{
  g_autofree char *from = get_file (name), *text = NULL;
  gsize size;
  g_assert_true (g_file_get_contents (from, &text, &size, NULL));
  g_assert_true (g_file_set_contents (path, text, (gssize)size, NULL));
}

static Tunnel *
start (TunnelConfig *config, WorldLog *log)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  Tunnel *tunnel = tunnel_new (config, NULL, FALSE, messages);
  g_assert_nonnull (tunnel);
  world_log_init (log, tunnel_get_endpoint (tunnel));
  tunnel_start (tunnel, &error);
  g_assert_no_error (error);
  return tunnel;
}

static void
start_server (World *world, const char *certificate, const char *key, const char *ca)
{
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_SERVER);
  g_autofree char *port =
      g_strdup_printf ("127.0.0.1:%u:%u", world->target->port, (guint)PUBLISHED);
  config->options.tcp = g_strsplit ("127.0.0.1:0", ",", -1);
  config->options.tls = TRUE;
  config->options.tls_certificate = g_strdup (certificate);
  config->options.tls_key = g_strdup (key);
  config->options.tls_ca = g_strdup (ca);
  g_assert_null (tunnel_config_add_port (config, port));
  world->server = start (config, &world->server_log);
}

static void
start_client (World *world, const char *ca, const char *certificate, const char *key)
{
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_CLIENT);
  guint16 server_port = app_endpoint_get_port (tunnel_get_endpoint (world->server), 0);
  config->options.tcp = g_new0 (char *, 2);
  config->options.tcp[0] = g_strdup_printf ("127.0.0.1:%u", server_port);
  config->options.tls = TRUE;
  config->options.tls_server_name = g_strdup ("server.example");
  config->options.tls_ca = g_strdup (ca);
  config->options.tls_certificate = g_strdup (certificate);
  config->options.tls_key = g_strdup (key);
  g_assert_null (tunnel_config_add_port (config, "7000:0"));
  world->client = start (config, &world->client_log);
  world->port = tunnel_get_port (world->client, 0);
}

static World *
world_new (void)
{
  World *world = g_new0 (World, 1);
  world->target = target_new ();
  world->folder = g_dir_make_tmp ("caiman-test-XXXXXX", NULL);
  world->certificate = g_build_filename (world->folder, "certificate.pem", NULL);
  world->key = g_build_filename (world->folder, "key.pem", NULL);
  world->ca = g_build_filename (world->folder, "ca.pem", NULL);
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
    ;
  g_remove (world->certificate);
  g_remove (world->key);
  g_remove (world->ca);
  g_rmdir (world->folder);
  g_free (world->certificate);
  g_free (world->key);
  g_free (world->ca);
  g_free (world->folder);
  g_free (world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

/* --- Connections --- */

static void
open_script (gpointer data)
{
  World *world = data;
  world->open_fd = socket_connect (world->port);
  socket_send_text (world->open_fd, "eone ");
  socket_expect_next (world->open_fd, "one ");
}

static void
go_on_script (gpointer data)
{
  World *world = data;
  socket_send_text (world->open_fd, "two ");
  socket_expect_next (world->open_fd, "two ");
}

static void
another_script (gpointer data)
{
  World *world = data;
  int fd = socket_connect (world->port);
  socket_send_text (fd, "enew");
  socket_finish (fd);
  socket_expect (fd, "new");
}

static void
close_script (gpointer data)
{
  World *world = data;
  socket_finish (world->open_fd);
  socket_expect (world->open_fd, "");
}

/* What is known to be wrong, or was logged, is what is awaited. */
static gboolean
is_objected (gpointer data)
{
  World *world = data;
  g_autoptr (GPtrArray) paths = app_endpoint_describe_paths (tunnel_get_endpoint (world->client));
  g_ptr_array_add (paths, NULL);
  g_autofree char *text = g_strjoinv ("\n", (char **)paths->pdata);
  return strstr (text, world->awaited) || world_log_has (&world->client_log, world->awaited);
}

static void
knock_script (gpointer data)
{
  World *world = data;
  int *fd = &world->open_fd;
  *fd = socket_connect (world->port);
}

/* A new connection gets no link, for this reason. The one that there is goes on. */
static void
expect_objection (World *world, const char *why)
{
  int open_fd = world->open_fd;
  world->awaited = why;
  world_run_script (knock_script, world);
  world_wait (is_objected, world);
  socket_reset (world->open_fd);
  world->open_fd = open_fd;
  world_run_script (go_on_script, world);
}

/* --- Tests --- */

/* The server's certificate changes; then one of two files is renewed alone; then there is none. */
static void
test_server (void)
{
  g_autoptr (World) world = world_new ();
  g_autofree char *ca = get_file ("ca.pem");
  put_file (world->certificate, "server.pem");
  put_file (world->key, "server-key.pem");
  start_server (world, world->certificate, world->key, NULL);
  start_client (world, ca, NULL, NULL);
  world_run_script (open_script, world);

  put_file (world->certificate, "client.pem"); /* and not its key */
  g_assert_false (tunnel_reload (world->server));
  g_assert_true (world_log_has (&world->server_log, world->certificate));
  g_assert_true (world_log_has (&world->server_log, "the private key is not that of the"));
  g_assert_true (world_log_has (&world->server_log, "all stays as it was"));
  world_run_script (another_script, world);

  put_file (world->key, "client-key.pem");
  g_assert_true (tunnel_reload (world->server));
  g_assert_true (world_log_has (&world->server_log, "read the certificates for new links again"));
  expect_objection (world, "it is for another name");

  g_remove (world->certificate);
  g_assert_false (tunnel_reload (world->server));
  expect_objection (world, "it is for another name");

  put_file (world->certificate, "server.pem");
  put_file (world->key, "server-key.pem");
  g_assert_true (tunnel_reload (world->server));
  world_run_script (another_script, world);
  world_run_script (close_script, world);
}

/* Whom the server lets in. */
static void
test_server_authorities (void)
{
  g_autoptr (World) world = world_new ();
  g_autofree char *certificate = get_file ("server.pem"), *key = get_file ("server-key.pem");
  g_autofree char *ca = get_file ("ca.pem");
  g_autofree char *client = get_file ("client.pem"), *client_key = get_file ("client-key.pem");
  put_file (world->ca, "ca.pem");
  start_server (world, certificate, key, world->ca);
  start_client (world, ca, client, client_key);
  world_run_script (open_script, world);
  put_file (world->ca, "stranger.pem");
  g_assert_true (tunnel_reload (world->server));
  expect_objection (world, "#2 link lo (127.0.0.1): closed: link-"); /* by the server */
  put_file (world->ca, "ca.pem");
  g_assert_true (tunnel_reload (world->server));
  world_run_script (another_script, world);
  world_run_script (close_script, world);
}

/* Whom the client trusts, and what it shows. */
static void
test_client (void)
{
  g_autoptr (World) world = world_new ();
  g_autofree char *certificate = get_file ("server.pem"), *key = get_file ("server-key.pem");
  g_autofree char *ca = get_file ("ca.pem");
  put_file (world->ca, "ca.pem");
  put_file (world->certificate, "client.pem");
  put_file (world->key, "client-key.pem");
  start_server (world, certificate, key, ca);
  start_client (world, world->ca, world->certificate, world->key);
  world_run_script (open_script, world);

  put_file (world->ca, "stranger.pem");
  g_assert_true (tunnel_reload (world->client));
  expect_objection (world, "it is not signed by a known authority");
  put_file (world->ca, "client-key.pem"); /* no certificate in it */
  g_assert_false (tunnel_reload (world->client));
  g_assert_true (world_log_has (&world->client_log, world->ca));

  put_file (world->ca, "ca.pem");
  g_assert_true (tunnel_reload (world->client));
  world_run_script (another_script, world);
  put_file (world->certificate, "stranger.pem");
  put_file (world->key, "stranger.pem");
  g_assert_true (tunnel_reload (world->client));
  expect_objection (world, "#4 link lo (127.0.0.1): closed: link-");
  put_file (world->certificate, "client.pem");
  put_file (world->key, "client-key.pem");
  g_assert_true (tunnel_reload (world->client));
  world_run_script (another_script, world);
  world_run_script (close_script, world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  app_log_set_level (APP_LOG_INFO);
  g_test_add_func ("/apps/tunnel-tls/server", test_server);
  g_test_add_func ("/apps/tunnel-tls/server-authorities", test_server_authorities);
  g_test_add_func ("/apps/tunnel-tls/client", test_client);
  return g_test_run ();
}
