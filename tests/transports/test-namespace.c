/* SPDX-License-Identifier: Apache-2.0 */
/* test-namespace.c - interfaces, addresses and routes that come and go, in network namespaces.
 *
 * Each test makes two namespaces of its own, client and server, with the veth pairs va0-vb0
 * (10.77.0.1 and .2) and va1-vb1 (10.77.1.1 and .2) between them; they go away with the
 * descriptors. The client's sockets are made in the one and the server's in the other, by one
 * process. Needs root, and iproute2; skipped otherwise. No link is ever reopened by waiting here:
 * the reconnect delay is an hour. */
#include "tests/transports/tcp-duo.h"
#include "transports/address.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOSTS "10.77.0.2,10.77.1.2"

static int home_fd = -1; /* the namespace that the test was started in */

typedef struct {
  int client_fd, server_fd;
  TcpDuo *d;
} Fixture;

static void
enter (int namespace_fd)
{
  g_assert_cmpint (setns (namespace_fd, CLONE_NEWNET), ==, 0);
}

/* Runs "ip ARGUMENTS" in the namespace that the process is in. */
static gboolean
run_ip (const char *arguments)
{
  g_autofree char *command = g_strconcat ("ip ", arguments, NULL);
  g_autofree char *complaint = NULL;
  int status;
  if (!g_spawn_command_line_sync (command, NULL, &complaint, &status, NULL))
    return FALSE;
  if (status != 0)
    g_test_message ("%s: %s", command, complaint);
  return status == 0;
}

static void
ip_client (Fixture *f, const char *arguments)
{
  enter (f->client_fd);
  g_assert_true (run_ip (arguments));
}

static void
ip_server (Fixture *f, const char *arguments)
{
  enter (f->server_fd);
  g_assert_true (run_ip (arguments));
  enter (f->client_fd);
}

static int
new_namespace (void)
{
  if (unshare (CLONE_NEWNET) < 0)
    return -1;
  return open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void
add_pair (Fixture *f, guint index)
{
  g_autofree char *add =
      g_strdup_printf ("link add va%u type veth peer name vb%u netns /proc/%d/fd/%d", index, index,
                       getpid (), f->server_fd);
  g_autofree char *address_a = g_strdup_printf ("addr add 10.77.%u.1/24 dev va%u", index, index);
  g_autofree char *address_b = g_strdup_printf ("addr add 10.77.%u.2/24 dev vb%u", index, index);
  g_autofree char *up_a = g_strdup_printf ("link set va%u up", index);
  g_autofree char *up_b = g_strdup_printf ("link set vb%u up", index);
  ip_client (f, add);
  ip_server (f, address_b);
  ip_server (f, up_b);
  ip_client (f, address_a);
  ip_client (f, up_a);
}

static gboolean
can_run (void)
{
  if (home_fd < 0)
    home_fd = open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int fd = new_namespace ();
  gboolean ok =
      fd >= 0 && run_ip ("link set lo up") && run_ip ("link add probe0 type veth peer name probe1");
  if (fd >= 0) {
    enter (home_fd);
    close (fd);
  }
  return ok;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->client_fd = f->server_fd = -1;
  if (!can_run ()) {
    g_test_skip ("needs root, network namespaces, veth and iproute2");
    return;
  }
  f->server_fd = new_namespace ();
  g_assert_true (run_ip ("link set lo up"));
  f->client_fd = new_namespace ();
  g_assert_true (run_ip ("link set lo up"));
  add_pair (f, 0);
  add_pair (f, 1);
  f->d = tcp_duo_new ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  tcp_duo_free (f->d);
  enter (home_fd);
  close (f->client_fd);
  close (f->server_fd);
}

static void
listen_in_server (Fixture *f, const char *address)
{
  const char *const addresses[] = { address, NULL };
  enter (f->server_fd);
  tcp_duo_listen (f->d, addresses, NULL);
  enter (f->client_fd);
}

/* Both of the server's addresses can be reached over both pairs. */
static void
connect_pairs (Fixture *f, const char *address)
{
  listen_in_server (f, address);
  tcp_duo_connect (f->d, HOSTS, NULL);
  tcp_duo_wait_links (f->d, NULL, 4);
  g_assert_cmpuint (tcp_duo_count_client (f->d, "va0"), ==, 2);
  g_assert_cmpuint (tcp_duo_count_client (f->d, "va1"), ==, 2);
}

/* --- Tests --- */

static void
test_paths (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  connect_pairs (f, "[::]:0");
  g_autofree char *description = tcp_duo_describe (f->d);
  g_assert_cmpstr (description, ==,
                   "va0 -> 10.77.0.2:PORT\nva0 -> 10.77.1.2:PORT\n"
                   "va1 -> 10.77.0.2:PORT\nva1 -> 10.77.1.2:PORT\n");
}

/* Down and up again: the links fail at once, at both ends where both know, and come back. */
static void
test_down (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  connect_pairs (f, "[::]:0");
  ip_client (f, "link set va1 down");
  tcp_duo_wait_closed (f->d, f->d->client_closed, "va1 link-down;va1 link-down;");
  /* The server knows over which interface each link comes in, whichever its address is of. */
  tcp_duo_wait_closed (f->d, f->d->server_closed, "vb0 link-down;");
  tcp_duo_wait_closed (f->d, f->d->server_closed, "vb1 link-down;");
  g_assert_cmpuint (tcp_duo_count_client (f->d, "va0"), ==, 2);
  g_assert_null (strstr (f->d->client_closed->str, "va0"));
  ip_client (f, "link set va1 up");
  tcp_duo_wait_links (f->d, "va1", 2);
}

/* The far end of the cable goes: the near end loses its carrier. */
static void
test_carrier (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  connect_pairs (f, "0.0.0.0:0");
  ip_server (f, "link set vb1 down");
  tcp_duo_wait_closed (f->d, f->d->client_closed, "va1 link-down;va1 link-down;");
  tcp_duo_wait_closed (f->d, f->d->server_closed, "vb0 link-down;");
  tcp_duo_wait_closed (f->d, f->d->server_closed, "vb1 link-down;");
  ip_server (f, "link set vb1 up");
  tcp_duo_wait_links (f->d, "va1", 2);
}

static void
test_delete (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  connect_pairs (f, "[::]:0");
  ip_client (f, "link del va1");
  tcp_duo_wait_closed (f->d, f->d->client_closed, "va1 link-down;va1 link-down;");
  tcp_duo_wait_closed (f->d, f->d->server_closed, "vb1 link-down;");
  g_autofree char *description = tcp_duo_describe (f->d);
  g_assert_cmpstr (description, ==, "va0 -> 10.77.0.2:PORT\nva0 -> 10.77.1.2:PORT\n");
  add_pair (f, 1);
  tcp_duo_wait_links (f->d, "va1", 2);
}

/* Deleted and made anew before the program has looked: the old links are dead all the same. */
static void
test_replace (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  connect_pairs (f, "[::]:0");
  ip_client (f, "link del va1");
  add_pair (f, 1);
  tcp_duo_wait_closed (f->d, f->d->client_closed, "va1 link-down;va1 link-down;");
  tcp_duo_wait_links (f->d, "va1", 2);
}

static void
test_address (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  ip_client (f, "addr del 10.77.1.1/24 dev va1");
  listen_in_server (f, "[::]:0");
  tcp_duo_connect (f->d, HOSTS, NULL);
  tcp_duo_wait_links (f->d, NULL, 2);
  g_assert_cmpuint (tcp_duo_count_client (f->d, "va0"), ==, 2);
  ip_client (f, "addr add 10.77.1.1/24 dev va1");
  tcp_duo_wait_links (f->d, "va1", 2);
  /* Another address takes over: the links that started from the old one are dead. */
  ip_client (f, "addr add 10.77.1.3/24 dev va1");
  ip_client (f, "addr del 10.77.1.1/24 dev va1");
  tcp_duo_wait_closed (f->d, f->d->client_closed, "va1 link-down;va1 link-down;");
}

/* The server's address goes. */
static void
test_server_address (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  connect_pairs (f, "[::]:0");
  ip_server (f, "addr del 10.77.1.2/24 dev vb1");
  tcp_duo_wait_closed (f->d, f->d->server_closed, "vb1 link-down;vb1 link-down;");
  g_assert_null (strstr (f->d->server_closed->str, "vb0 link-down"));
}

/* Without a route there is no link; with one there is, at once. */
static void
test_route (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  const CaimanTcpConnectorOptions options = { .single_interface = TRUE };
  ip_server (f, "addr add 10.99.0.2/32 dev vb0");
  listen_in_server (f, "[::]:0");
  tcp_duo_connect (f->d, "10.99.0.2", &options);
  tcp_duo_settle (f->d, 50);
  g_assert_cmpuint (tcp_duo_count_client (f->d, NULL), ==, 0);
  ip_client (f, "route add 10.99.0.2 via 10.77.0.2");
  tcp_duo_wait_links (f->d, "10.99.0.2", 1);
  /* The link starts from an address of va0. */
  ip_client (f, "link set va0 down");
  tcp_duo_wait_closed (f->d, f->d->client_closed, "10.99.0.2 link-down;");
}

static gint name_is_known; /* atomic */

static int
lookup (const char *host, GArray *addresses, gpointer user_data)
{
  struct sockaddr_storage address;
  if (!g_atomic_int_get (&name_is_known))
    return EAI_AGAIN;
  g_assert_true (caiman_address_parse ("10.77.0.2", 0, &address));
  g_array_append_val (addresses, address);
  return 0;
}

/* A name that did not resolve is tried again when the network has changed. */
static void
test_name (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  const CaimanTcpConnectorOptions options = { .lookup = lookup,
                                              .resolve_interval_ns = 3600 * CAIMAN_NS_PER_S };
  g_atomic_int_set (&name_is_known, FALSE);
  listen_in_server (f, "[::]:0");
  tcp_duo_connect (f->d, "server", &options);
  while (f->d->n_changed == 0)
    caiman_loop_iterate (f->d->loop, CAIMAN_NS_PER_S);
  g_atomic_int_set (&name_is_known, TRUE);
  ip_client (f, "addr add 10.79.0.1/24 dev lo");
  tcp_duo_wait_links (f->d, "va0", 1);
}

/* The host's own address, which has no way over its interface. */
static void
test_own_address (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  static const char *const everywhere[] = { "[::]:0", NULL };
  tcp_duo_listen (f->d, everywhere, NULL); /* in the client's namespace */
  tcp_duo_connect (f->d, "10.77.0.1", NULL);
  tcp_duo_wait_links (f->d, "lo", 1);
  g_assert_cmpuint (tcp_duo_count_server (f->d, "va0"), ==, 1);
}

static void
test_link_local (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  enter (f->client_fd);
  if (!run_ip ("addr add fe80::77:1/64 dev va0 nodad") ||
      !run_ip ("addr add fe80::77:1/64 dev va1 nodad")) {
    g_test_skip ("no IPv6");
    return;
  }
  ip_server (f, "addr add fe80::77:2/64 dev vb0 nodad");
  ip_server (f, "addr add fe80::77:2/64 dev vb1 nodad");
  const CaimanTcpConnectorOptions options = { .ip_version = CAIMAN_IP_V6 };
  listen_in_server (f, "[::]:0");
  tcp_duo_connect (f->d, "fe80::77:2", &options);
  tcp_duo_wait_links (f->d, NULL, 2);
  g_assert_cmpuint (tcp_duo_count_client (f->d, "va0"), ==, 1);
  g_assert_cmpuint (tcp_duo_count_client (f->d, "va1"), ==, 1);
}

/* More news than the socket's buffer holds: the list must be right all the same. */
static void
test_overrun (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (CaimanInterfaces) interfaces = caiman_interfaces_new (f->d->loop, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (GString) batch = g_string_new (NULL);
  g_autofree char *path = NULL;
  for (guint i = 0; i < 4000; i++)
    g_string_append_printf (batch, "addr %s 10.78.%u.%u/32 dev va0\n", i < 3000 ? "add" : "del",
                            i % 3000 / 200, i % 200 + 1);
  int fd = g_file_open_tmp ("caiman-XXXXXX", &path, &error);
  g_assert_no_error (error);
  close (fd);
  g_assert_true (g_file_set_contents (path, batch->str, -1, NULL));
  g_autofree char *arguments = g_strconcat ("-batch ", path, NULL);
  ip_client (f, arguments);
  unlink (path);
  caiman_loop_iterate (f->d->loop, CAIMAN_NS_PER_S);
  const GPtrArray *list = caiman_interfaces_get (interfaces);
  for (guint i = 0; i < list->len; i++) {
    const CaimanInterface *interface = list->pdata[i];
    if (g_str_equal (interface->name, "va0")) {
      guint n_ipv4 = 0;
      for (guint k = 0; k < interface->addresses->len; k++)
        n_ipv4 +=
            g_array_index (interface->addresses, struct sockaddr_storage, k).ss_family == AF_INET;
      g_assert_cmpuint (n_ipv4, ==, 1 + 3000 - 1000);
      return;
    }
  }
  g_assert_not_reached ();
}

static void
count_change (gpointer user_data)
{
  ++*(guint *)user_data;
}

/* What is told, and that a name is kept up to date. */
static void
test_interfaces (Fixture *f, gconstpointer data)
{
  if (!f->d)
    return;
  guint n_changes = 0;
  g_autoptr (CaimanInterfaces) interfaces =
      caiman_interfaces_new (f->d->loop, count_change, &n_changes, NULL);
  caiman_loop_iterate (f->d->loop, 0);
  g_assert_cmpuint (n_changes, ==, 0);
  guint version = caiman_interfaces_get_version (interfaces);
  const CaimanInterface *lo = caiman_interfaces_get (interfaces)->pdata[0];
  g_assert_cmpstr (lo->name, ==, "lo");
  g_assert_true (lo->up);
  g_assert_true (lo->loopback);
  ip_client (f, "link set va0 down");
  ip_client (f, "link set va0 name uplink");
  ip_client (f, "link set uplink up");
  while (n_changes == 0)
    caiman_loop_iterate (f->d->loop, CAIMAN_NS_PER_S);
  g_assert_cmpuint (caiman_interfaces_get_version (interfaces), !=, version);
  const struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = g_htonl (0x0a4d0001) };
  const CaimanInterface *uplink =
      caiman_interfaces_find (interfaces, (const struct sockaddr *)&address);
  g_assert_nonnull (uplink);
  g_assert_cmpstr (uplink->name, ==, "uplink");
  g_assert_false (uplink->loopback);
  /* Before the loop has been told. */
  ip_client (f, "addr del 10.77.0.1/24 dev uplink");
  caiman_interfaces_refresh (interfaces);
  g_assert_null (caiman_interfaces_find (interfaces, (const struct sockaddr *)&address));
}

static void
add (const char *path, void (*test) (Fixture *f, gconstpointer data))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/transports/namespace/interfaces", test_interfaces);
  add ("/transports/namespace/overrun", test_overrun);
  add ("/transports/namespace/paths", test_paths);
  add ("/transports/namespace/down", test_down);
  add ("/transports/namespace/carrier", test_carrier);
  add ("/transports/namespace/delete", test_delete);
  add ("/transports/namespace/replace", test_replace);
  add ("/transports/namespace/address", test_address);
  add ("/transports/namespace/server-address", test_server_address);
  add ("/transports/namespace/route", test_route);
  add ("/transports/namespace/name", test_name);
  add ("/transports/namespace/own-address", test_own_address);
  add ("/transports/namespace/link-local", test_link_local);
  return g_test_run ();
}
