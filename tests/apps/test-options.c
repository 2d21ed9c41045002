/* SPDX-License-Identifier: Apache-2.0 */
/* test-options.c - what the command line and the configuration file of a tunnel say. */
#include "apps/tunnel-config.h"

#include <string.h>
#include <unistd.h>

/* --- Options --- */

static gboolean
check (AppOptions *options, AppRole role, const char *complaint)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = app_options_check (options, role, &error);
  if (complaint == NULL) {
    g_assert_no_error (error);
  } else {
    g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT);
    g_assert_nonnull (strstr (error->message, complaint));
  }
  return ok;
}

static char **
list (const char *text)
{
  return g_strsplit (text, ",", -1);
}

static void
test_check (void)
{
  const struct {
    AppRole role;
    AppOptions options;
    const char *complaint;
  } cases[] = {
    { APP_ROLE_CLIENT, { .ipv4 = FALSE }, "which server" },
    { APP_ROLE_CLIENT, { .tcp = list ("a"), .ipv4 = TRUE, .ipv6 = TRUE }, "exclude" },
    { APP_ROLE_CLIENT, { .tcp = list ("a"), .filter = g_strdup ("some") }, "some" },
    { APP_ROLE_CLIENT, { .tcp = list ("a"), .preset = g_strdup ("some") }, "preset" },
    { APP_ROLE_CLIENT, { .tcp = list ("a"), .sets = list ("send-bufer=1MiB") }, "'send-buffer'" },
    { APP_ROLE_CLIENT, { .tcp = list ("a"), .sets = list ("send-buffer=1") }, "send-buffer: " },
    { APP_ROLE_CLIENT, { .tcp = list ("a"), .sets = list ("send-buffer") }, "NAME=VALUE" },
    { APP_ROLE_CLIENT, { .tcp = list ("a"), .tls_ca = g_strdup ("f") }, "not switched on" },
    { APP_ROLE_CLIENT, { .tcp = list ("a"), .tls = TRUE, .tls_key = g_strdup ("f") }, "a key" },
    { APP_ROLE_SERVER, { .tls = TRUE }, "needs a certificate" },
    { APP_ROLE_SERVER, { .tls = TRUE, .tls_certificate = g_strdup ("f") }, NULL },
    { APP_ROLE_CLIENT, { .tcp = list ("a,b"), .sets = list ("send-buffer=2MiB") }, NULL },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    AppOptions options = cases[i].options, copy;
    g_assert_cmpint (check (&options, cases[i].role, cases[i].complaint), ==,
                     cases[i].complaint == NULL);
    app_options_copy (&copy, &options);
    g_assert_true (app_options_equal (&copy, &options));
    g_assert_true (app_options_equal_links (&copy, &options));
    g_free (copy.tls_ca);
    copy.tls_ca = g_strdup ("another");
    g_assert_false (app_options_equal (&copy, &options));
    g_assert_true (app_options_equal_links (&copy, &options));
    copy.tls = !copy.tls;
    g_assert_false (app_options_equal_links (&copy, &options));
    app_options_clear (&copy);
    app_options_clear (&options);
  }
}

static void
test_equal (void)
{
  AppOptions a = { .tcp = list ("a,b") }, b = { .tcp = list ("a,c") };
  g_assert_false (app_options_equal (&a, &b));
  app_options_clear (&b);
  b.preset = g_strdup ("adaptive");
  g_assert_false (app_options_equal (&a, &b));
  app_options_clear (&a);
  app_options_clear (&b);
  g_assert_true (app_options_equal (&a, &b));
}

static void
test_config (void)
{
  g_auto (AppOptions) options = { .preset = g_strdup ("aggligator-0.9"),
                                  .sets = list ("send-buffer=2MiB,no-link-timeout=5s") };
  CaimanConfig config;
  g_assert_true (app_options_make_config (&options, &config, NULL));
  g_assert_cmpint (config.policy, ==, CAIMAN_POLICY_REFERENCE);
  g_assert_cmpint (config.send_buffer_bytes, ==, 2 << 20);
  g_assert_cmpint (config.no_link_timeout_ns, ==, 5 * CAIMAN_NS_PER_S);
}

static void
test_addresses (void)
{
  g_auto (AppOptions) options = { .tcp = NULL };
  g_auto (GStrv) any = app_options_list_addresses (&options, 5800);
  g_assert_cmpstr (any[0], ==, "[::]:5800");
  g_assert_null (any[1]);
  options.tcp = list ("5801,192.0.2.1:5802,[2001:db8::1]:5803");
  g_auto (GStrv) given = app_options_list_addresses (&options, 5800);
  g_assert_cmpstr (given[0], ==, "[::]:5801");
  g_assert_cmpstr (given[1], ==, "192.0.2.1:5802");
  g_assert_cmpstr (given[2], ==, "[2001:db8::1]:5803");
  g_assert_null (given[3]);
}

/* Every option that a role has, and no name twice. */
static void
test_entries (void)
{
  for (AppRole role = APP_ROLE_CLIENT; role <= APP_ROLE_SERVER; role++) {
    g_auto (AppOptions) options = { .tcp = NULL };
    g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
    g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
    app_options_add_entries (&options, role, entries);
    for (guint i = 0; i < entries->len; i++)
      g_assert_true (
          g_hash_table_add (names, (gpointer)g_array_index (entries, GOptionEntry, i).long_name));
    g_assert_true (g_hash_table_contains (names, "tcp"));
    g_assert_true (g_hash_table_contains (names, "tls"));
    g_assert_cmpint (g_hash_table_contains (names, "ipv4"), ==, role == APP_ROLE_CLIENT);
  }
}

/* --- Ports --- */

static void
test_publish (void)
{
  static const struct {
    const char *text, *described; /* NULL: an error */
  } cases[] = {
    { "5432", "5432 -> localhost:5432" },
    { "db.lan:80", "80 -> db.lan:80" },
    { "db.lan:5432:15432", "15432 -> db.lan:5432" },
    { "[2001:db8::1]:22:2222", "2222 -> [2001:db8::1]:22" },
    { "[2001:db8::1]:22", "22 -> [2001:db8::1]:22" },
    { "", NULL },
    { "0", NULL },
    { "65536", NULL },
    { "db.lan", NULL },
    { "db.lan:0:5", NULL },
    { "2001:db8::1:22:2222", NULL },
    { ":22", NULL },
    { "a b:22", NULL },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_SERVER);
    g_autofree char *problem = tunnel_config_add_port (config, cases[i].text);
    g_assert_cmpint (problem != NULL, ==, cases[i].described == NULL);
    if (problem)
      continue;
    g_autofree char *described = tunnel_publish_describe (config->publishes->pdata[0]);
    g_assert_cmpstr (described, ==, cases[i].described);
  }
}

static void
test_forward (void)
{
  static const struct {
    const char *text, *described;
  } cases[] = {
    { "5432", "localhost:5432 -> server's port 5432" },
    { "5432:15432", "localhost:15432 -> server's port 5432" },
    { "5432:0", "localhost:0 -> server's port 5432" },
    { "0", NULL },
    { "0:5", NULL },
    { "1:2:3", NULL },
    { "a:5", NULL },
    { "5:", NULL },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_CLIENT);
    g_autofree char *problem = tunnel_config_add_port (config, cases[i].text);
    g_assert_cmpint (problem != NULL, ==, cases[i].described == NULL);
    if (problem)
      continue;
    g_autofree char *described = tunnel_forward_describe (config->forwards->pdata[0]);
    g_assert_cmpstr (described, ==, cases[i].described);
  }
}

static void
test_twice (void)
{
  g_autoptr (TunnelConfig) server = tunnel_config_new (APP_ROLE_SERVER);
  g_assert_null (tunnel_config_add_port (server, "80"));
  g_autofree char *published = tunnel_config_add_port (server, "a:80");
  g_assert_cmpstr (published, ==, "port 80 is published twice");
  g_autoptr (TunnelConfig) client = tunnel_config_new (APP_ROLE_CLIENT);
  client->global = TRUE;
  g_assert_null (tunnel_config_add_port (client, "80:8080"));
  g_assert_null (tunnel_config_add_port (client, "80:0"));
  g_assert_null (tunnel_config_add_port (client, "80:0")); /* each finds a free one */
  g_autofree char *forwarded = tunnel_config_add_port (client, "81:8080");
  g_assert_cmpstr (forwarded, ==, "port 8080 is forwarded twice");
  g_autofree char *described = tunnel_forward_describe (client->forwards->pdata[0]);
  g_assert_cmpstr (described, ==, "*:8080 -> server's port 80");
}

/* --- The file --- */

static gboolean
load (TunnelConfig *config, const char *text, GPtrArray *messages)
{
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "caiman-test-XXXXXX", NULL);
  int fd = g_mkstemp (path);
  g_assert_cmpint (fd, >=, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  gboolean ok = tunnel_config_load (config, path, messages);
  for (guint i = 0; i < messages->len; i++) { /* "PATH:5: ..." to "5: ..." */
    char *message = messages->pdata[i];
    if (g_str_has_prefix (message, path))
      memmove (message, message + strlen (path) + 1, strlen (message) - strlen (path));
  }
  unlink (path);
  close (fd);
  return ok;
}

static void
load_good (TunnelConfig *config, const char *text)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  gboolean ok = load (config, text, messages);
  if (messages->len > 0)
    g_test_message ("%s", (char *)messages->pdata[0]);
  g_assert_true (ok);
}

static void
test_server_file (void)
{
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_SERVER);
  load_good (config, "[tunnel]\n"
                     "listen = 5801, 192.0.2.1:5802\n"
                     "interfaces = eth0,wlan0\n"
                     "link-filter = interface-ip\n"
                     "log-level = debug\n"
                     "grace = 3s\n"
                     "connections-max = 7\n"
                     "connect-timeout = 4s\n"
                     "[tls]\n"
                     "certificate = server.pem\n"
                     "key = /etc/key.pem\n"
                     "[tunables]\n"
                     "preset = aggligator-0.10\n"
                     "send-buffer = 1MiB\n"
                     "[publish web]\n"
                     "port = 80\n"
                     "[publish database]\n"
                     "port = 15432\n"
                     "target = db.lan:5432\n"
                     "[publish six]\n"
                     "port = 22\n"
                     "target = [::1]\n");
  g_assert_true (tunnel_config_check (config, NULL));
  g_assert_cmpstr (config->options.tcp[1], ==, "192.0.2.1:5802");
  g_assert_cmpstr (config->options.interfaces[1], ==, "wlan0");
  g_assert_cmpstr (config->options.filter, ==, "interface-ip");
  g_assert_true (config->has_log_level);
  g_assert_cmpint (config->log_level, ==, APP_LOG_DEBUG);
  g_assert_cmpint (config->grace_ns, ==, 3 * CAIMAN_NS_PER_S);
  g_assert_cmpint (config->connections_max, ==, 7);
  g_assert_cmpint (config->connect_timeout_ns, ==, 4 * CAIMAN_NS_PER_S);
  g_assert_true (config->options.tls);
  g_assert_true (g_path_is_absolute (config->options.tls_certificate));
  g_assert_true (g_str_has_suffix (config->options.tls_certificate, "/server.pem"));
  g_assert_cmpstr (config->options.tls_key, ==, "/etc/key.pem");
  g_assert_cmpstr (config->options.preset, ==, "aggligator-0.10");
  g_assert_cmpstr (config->options.sets[0], ==, "send-buffer=1MiB");
  g_assert_cmpstr (tunnel_config_find_publish (config, 80)->host, ==, "localhost");
  g_assert_cmpuint (tunnel_config_find_publish (config, 15432)->target_port, ==, 5432);
  g_assert_cmpstr (tunnel_config_find_publish (config, 22)->host, ==, "::1");
  g_assert_null (tunnel_config_find_publish (config, 23));
  g_autoptr (TunnelConfig) copy = tunnel_config_copy (config);
  g_assert_false (tunnel_config_needs_restart (copy, config));
  g_assert_true (tunnel_publish_equal (copy->publishes->pdata[2], config->publishes->pdata[2]));
}

static void
test_client_file (void)
{
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_CLIENT);
  load_good (config, "[tunnel]\n"
                     "servers = a.example, [2001:db8::1]:5801\n"
                     "ip-version = 6\n"
                     "not-interfaces = docker0\n"
                     "single-interface = yes\n"
                     "connect-timeout = 3s\n"
                     "[tls]\n"
                     "server-name = a\n"
                     "fingerprint = any\n"
                     "[forward database]\n"
                     "server-port = 5432\n"
                     "port = 15432\n"
                     "global = yes\n"
                     "[forward web]\n"
                     "server-port = 80\n");
  g_assert_true (tunnel_config_check (config, NULL));
  g_assert_cmpstr (config->options.tcp[0], ==, "a.example");
  g_assert_cmpstr (config->options.tcp[1], ==, "[2001:db8::1]:5801");
  g_assert_true (config->options.ipv6 && !config->options.ipv4);
  g_assert_true (config->options.single_interface);
  g_assert_cmpstr (config->options.not_interfaces[0], ==, "docker0");
  g_assert_cmpint (config->connect_timeout_ns, ==, 3 * CAIMAN_NS_PER_S);
  g_assert_cmpstr (config->options.tls_server_name, ==, "a");
  const TunnelForward *first = config->forwards->pdata[0], *second = config->forwards->pdata[1];
  g_assert_true (first->global && first->client_port == 15432 && first->server_port == 5432);
  g_assert_true (!second->global && second->client_port == 80 && second->server_port == 80);
  g_autoptr (TunnelConfig) copy = tunnel_config_copy (config);
  g_assert_true (tunnel_forward_equal (copy->forwards->pdata[0], first));
}

/* What the command line says wins, and its ports and tunables are added. */
static void
test_command_line_wins (void)
{
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_CLIENT);
  CaimanConfig tunables;
  config->options.tcp = list ("b.example");
  config->options.ipv4 = TRUE;
  config->options.sets = list ("send-buffer=3MiB");
  config->connect_timeout_ns = CAIMAN_NS_PER_S;
  config->connect_timeout_fixed = TRUE;
  g_assert_null (tunnel_config_add_port (config, "80"));
  load_good (config, "[tunnel]\nservers = a.example\nip-version = 6\nconnect-timeout = 9s\n"
                     "[tunables]\nsend-buffer = 1MiB\nreceive-buffer = 5MiB\n"
                     "[forward b]\nserver-port = 81\n");
  g_assert_cmpstr (config->options.tcp[0], ==, "b.example");
  g_assert_true (config->options.ipv4 && !config->options.ipv6);
  g_assert_cmpuint (config->forwards->len, ==, 2);
  g_assert_cmpint (config->connect_timeout_ns, ==, CAIMAN_NS_PER_S);
  g_assert_true (app_options_make_config (&config->options, &tunables, NULL));
  g_assert_cmpint (tunables.send_buffer_bytes, ==, 3 << 20);
  g_assert_cmpint (tunables.receive_buffer_bytes, ==, 5 << 20);
}

/* All errors in one go, with their lines. */
static void
test_bad_file (void)
{
  static const char *const expected[] = {
    "3: unknown key 'listn' in [tunnel]; did you mean 'listen'?",
    "4: log-level: ",
    "5: grace: ",
    "6: listen: an element of the list is empty",
    "8: send-bufer: unknown tunable 'send-bufer'; did you mean 'send-buffer'?",
    "9: preset: there is no preset 'x'",
    "10: [publish a] lacks the key 'port'",
    "13: target: 'a b' is not HOST:PORT",
    "15: port: ",
    "17: port: port 80 is published twice",
    "18: unknown group [forward d]",
    "20: ",
  };
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_SERVER);
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  g_assert_null (tunnel_config_add_port (config, "80"));
  g_assert_false (load (config,
                        "# a comment\n"
                        "[tunnel]\n"
                        "listn = 5801\n"
                        "log-level = loud\n"
                        "grace = 3\n"
                        "listen = 1,,2\n"
                        "[tunables]\n"
                        "send-bufer = 1MiB\n"
                        "preset = x\n"
                        "[publish a]\n"
                        "[publish b]\n"
                        "port = 81\n"
                        "target = a b\n"
                        "[publish c]\n"
                        "port = 99999\n"
                        "[publish e]\n"
                        "port = 80\n"
                        "[forward d]\n"
                        "server-port = 1\n"
                        "nonsense\n",
                        messages));
  for (guint i = 0; i < messages->len && i < G_N_ELEMENTS (expected); i++) {
    if (!g_str_has_prefix (messages->pdata[i], expected[i]))
      g_error ("'%s' instead of '%s'", (char *)messages->pdata[i], expected[i]);
  }
  g_assert_cmpuint (messages->len, ==, G_N_ELEMENTS (expected));
}

static void
test_no_file (void)
{
  g_autoptr (TunnelConfig) config = tunnel_config_new (APP_ROLE_SERVER);
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_assert_false (tunnel_config_load (config, "/nowhere/at/all", messages));
  g_assert_cmpuint (messages->len, ==, 1);
  g_assert_false (tunnel_config_check (config, &error));
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/apps/options/check", test_check);
  g_test_add_func ("/apps/options/equal", test_equal);
  g_test_add_func ("/apps/options/config", test_config);
  g_test_add_func ("/apps/options/addresses", test_addresses);
  g_test_add_func ("/apps/options/entries", test_entries);
  g_test_add_func ("/apps/tunnel-config/publish", test_publish);
  g_test_add_func ("/apps/tunnel-config/forward", test_forward);
  g_test_add_func ("/apps/tunnel-config/twice", test_twice);
  g_test_add_func ("/apps/tunnel-config/server-file", test_server_file);
  g_test_add_func ("/apps/tunnel-config/client-file", test_client_file);
  g_test_add_func ("/apps/tunnel-config/command-line-wins", test_command_line_wins);
  g_test_add_func ("/apps/tunnel-config/bad-file", test_bad_file);
  g_test_add_func ("/apps/tunnel-config/no-file", test_no_file);
  return g_test_run ();
}
