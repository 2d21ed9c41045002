/* SPDX-License-Identifier: Apache-2.0 */
/* test-tcp-connector.c - connector and acceptor over loopback. What needs interfaces that come and
 * go is in test-namespace.c. */
#include "tests/transports/tcp-duo.h"
#include "transports/address.h"

#include "core/connection-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const loopback[] = { "127.0.0.1:0", NULL };
static const char *const everywhere[] = { "[::]:0", NULL };

/* --- Names whose addresses the test decides --- */

static GMutex mutex;
static const char *names[4][3]; /* host, and two addresses or NULL */
static guint n_lookups;

static int
lookup (const char *host, GArray *addresses, gpointer user_data)
{
  int status = EAI_NONAME;
  g_mutex_lock (&mutex);
  n_lookups++;
  for (guint i = 0; i < G_N_ELEMENTS (names) && names[i][0]; i++) {
    if (!g_str_equal (names[i][0], host))
      continue;
    status = 0;
    for (guint k = 1; k < 3 && names[i][k]; k++) {
      struct sockaddr_storage address;
      g_assert_true (caiman_address_parse (names[i][k], 0, &address));
      g_array_append_val (addresses, address);
    }
  }
  g_mutex_unlock (&mutex);
  return status;
}

static void
set_name (guint index, const char *host, const char *address, const char *other)
{
  g_mutex_lock (&mutex);
  names[index][0] = host;
  names[index][1] = address;
  names[index][2] = other;
  g_mutex_unlock (&mutex);
}

static guint
get_n_lookups (void)
{
  g_mutex_lock (&mutex);
  guint n = n_lookups;
  g_mutex_unlock (&mutex);
  return n;
}

static void
wait_description (TcpDuo *d, const char *text)
{
  gint64 end_ns = caiman_loop_now (d->loop) + 20 * CAIMAN_NS_PER_S;
  for (;;) {
    g_autofree char *now = tcp_duo_describe (d);
    if (g_str_equal (now, text))
      return;
    if (caiman_loop_now (d->loop) > end_ns)
      g_error ("wanted:\n%sthere is:\n%s", text, now);
    caiman_loop_iterate (d->loop, CAIMAN_NS_PER_S);
  }
}

/* From here on no descriptor is to be had; setrlimit (RLIMIT_NOFILE, result) gives them back. */
static struct rlimit
take_descriptors (void)
{
  struct rlimit before;
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  int free_fd = dup (STDOUT_FILENO);
  close (free_fd);
  const struct rlimit none = { .rlim_cur = (rlim_t)free_fd, .rlim_max = before.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  return before;
}

/* --- The connector --- */

static CaimanLink *
get_link (CaimanConnection *connection)
{
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
  g_assert_cmpuint (n_links, ==, 1);
  return links[0];
}

static char *
get_user_data (const CaimanLink *link)
{
  gsize size;
  const char *data = g_bytes_get_data (caiman_link_get_remote_user_data (link), &size);
  return g_strndup (data ? data : "", size);
}

static void
test_one_link (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  static const CaimanTcpInterfaceInfo infos[] = { { "eth7", { .weight = 2 } },
                                                  { "lo", { .weight = 3, .cost = 4 } } };
  const CaimanTcpConnectorOptions options = { .interface_infos = infos, .n_interface_infos = 2 };
  tcp_duo_listen (d, loopback, NULL);
  tcp_duo_connect (d, "127.0.0.1", &options);
  tcp_duo_wait_links (d, "lo", 1);
  CaimanLink *client = get_link (caiman_pump_get_connection (d->client));
  CaimanLink *server = get_link (d->accepted);
  g_assert_cmpstr (caiman_link_get_local (client), ==, "lo");
  g_assert_cmpstr (caiman_link_get_remote (client), ==, "127.0.0.1");
  g_assert_cmpstr (caiman_link_get_name (server), ==, "lo");
  g_assert_cmpstr (caiman_link_get_local (server), ==, "lo");
  g_assert_cmpstr (caiman_link_get_remote (server), ==, "127.0.0.1");
  g_autofree char *from_client = get_user_data (server), *from_server = get_user_data (client);
  g_assert_cmpstr (from_client, ==, "lo");
  g_assert_cmpstr (from_server, ==, "lo");
  g_assert_cmpint (client->weight, ==, 3);
  g_assert_cmpint (client->cost, ==, 4);
  g_autofree char *description = tcp_duo_describe (d);
  g_assert_cmpstr (description, ==, "lo -> 127.0.0.1:PORT\n");
}

static void
test_single_interface (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  const CaimanTcpConnectorOptions options = { .single_interface = TRUE };
  tcp_duo_listen (d, loopback, NULL);
  tcp_duo_connect (d, "127.0.0.1", &options);
  tcp_duo_wait_links (d, "127.0.0.1", 1);
  CaimanLink *client = get_link (caiman_pump_get_connection (d->client));
  g_assert_null (caiman_link_get_local (client));
  g_autofree char *from_client = get_user_data (get_link (d->accepted));
  g_assert_cmpstr (from_client, ==, "");
  g_autofree char *description = tcp_duo_describe (d);
  g_assert_cmpstr (description, ==, "any -> 127.0.0.1:PORT\n");
}

/* Two addresses of one interface are redundant, unless the filter says otherwise. 127.0.0.2 is
 * no address of an interface, so the server must not mind that. */
static void
test_filters (void)
{
  static const guint n_links[] = { [CAIMAN_TCP_FILTER_INTERFACE_INTERFACE] = 1,
                                   [CAIMAN_TCP_FILTER_INTERFACE_IP] = 2,
                                   [CAIMAN_TCP_FILTER_NONE] = 3 };
  for (guint i = 0; i < G_N_ELEMENTS (n_links); i++) {
    g_autoptr (TcpDuo) d = tcp_duo_new ();
    const CaimanTcpAcceptorOptions acceptor = { .filter = CAIMAN_TCP_FILTER_NONE,
                                                .any_address = TRUE };
    const CaimanTcpConnectorOptions connector = { .filter = (CaimanTcpFilter)i };
    static const char *const addresses[] = { "0.0.0.0:0", "127.0.0.1:0", NULL };
    tcp_duo_listen (d, addresses, &acceptor);
    g_autofree char *hosts = g_strdup_printf ("127.0.0.1,127.0.0.1:%u,127.0.0.2,127.0.0.2",
                                              caiman_tcp_acceptor_get_port (d->acceptor, 1));
    tcp_duo_connect (d, hosts, &connector);
    /* With "none" and any_address the server tells "127.0.0.2" as its interface's name. */
    tcp_duo_wait_links (d, "lo", n_links[i] == 1 ? 2 : n_links[i]);
    tcp_duo_settle (d, 100);
    g_assert_cmpuint (tcp_duo_count_client (d, NULL), ==, n_links[i] == 1 ? 2 : n_links[i]);
    if (i != CAIMAN_TCP_FILTER_NONE)
      g_assert_nonnull (strstr (d->client_closed->str, "lo link-filtered;"));
    else
      g_assert_cmpstr (d->client_closed->str, ==, "");
  }
}

/* The server has the same filter. */
static void
test_server_filter (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  const CaimanTcpConnectorOptions options = { .filter = CAIMAN_TCP_FILTER_NONE };
  static const char *const addresses[] = { "127.0.0.1:0", "127.0.0.1:0", NULL };
  tcp_duo_listen (d, addresses, NULL);
  g_autofree char *hosts =
      g_strdup_printf ("127.0.0.1,127.0.0.1:%u", caiman_tcp_acceptor_get_port (d->acceptor, 1));
  tcp_duo_connect (d, hosts, &options);
  tcp_duo_wait_closed (d, d->client_closed, "lo link-refused;");
  tcp_duo_wait_links (d, "lo", 1);
}

static void
test_errors (void)
{
  static const struct {
    const char *host, *complaint;
    guint16 port;
  } table[] = {
    { "host:", "\"host:\"", 1 },
    { "[host]:1", "\"[host]:1\"", 1 },
    { "host", "\"host\" needs a port", 0 },
    { "host:0", "\"host:0\" needs a port", 1 },
    { NULL, "no server address", 1 },
  };
  g_autoptr (CaimanLoop) loop = caiman_loop_new (NULL);
  const CaimanTcpConnectorOptions options = { 0 };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    const char *const hosts[] = { table[i].host, NULL };
    g_autoptr (GError) error = NULL;
    g_assert_null (caiman_tcp_connector_new (loop, hosts, table[i].port, &options, &error));
    g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT);
    g_assert_nonnull (strstr (error->message, table[i].complaint));
  }
}

/* Many connections to the same servers, and one that is refused. */
static void
test_several_pumps (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  tcp_duo_listen (d, loopback, NULL);
  tcp_duo_connect (d, "127.0.0.1", NULL);
  tcp_duo_wait_links (d, "lo", 1);
  const CaimanPumpHandler handler = { 0 };
  CaimanPump *other = caiman_loop_new_client_pump (d->loop, &d->config, NULL, &handler, NULL);
  caiman_tcp_connector_attach (d->connector, other);
  CaimanReason reason = CAIMAN_REASON_NONE;
  CaimanTransport *transport = caiman_tcp_connector_open (d->connector, other, 1, &reason);
  g_assert_nonnull (transport);
  transport->klass->free (transport);
  g_assert_null (caiman_tcp_connector_open (d->connector, other, 2, &reason));
  g_assert_cmpint (reason, ==, CAIMAN_REASON_LINK_DOWN);
  caiman_tcp_connector_detach (d->connector, other);
  reason = CAIMAN_REASON_NONE;
  g_assert_null (caiman_tcp_connector_open (d->connector, other, 1, &reason));
  g_assert_cmpint (reason, ==, CAIMAN_REASON_LINK_DOWN);
  caiman_loop_free_pump (d->loop, other);
}

/* --- Names --- */

static void
test_names (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  const CaimanTcpConnectorOptions options = { .lookup = lookup,
                                              .filter = CAIMAN_TCP_FILTER_NONE,
                                              .resolve_interval_ns = 5 * CAIMAN_NS_PER_MS };
  const CaimanTcpAcceptorOptions acceptor = { .any_address = TRUE,
                                              .filter = CAIMAN_TCP_FILTER_NONE };
  static const char *const addresses[] = { "0.0.0.0:0", NULL };
  memset (names, 0, sizeof names);
  tcp_duo_listen (d, addresses, &acceptor);
  tcp_duo_connect (d, "server", &options);
  wait_description (d, "server: Name or service not known\n");
  set_name (0, "server", "127.0.0.1", NULL);
  wait_description (d, "lo -> 127.0.0.1:PORT\n");
  tcp_duo_wait_links (d, "lo", 1);
  /* Another address: another link. */
  set_name (0, "server", "127.0.0.2", "127.0.0.1");
  wait_description (d, "lo -> 127.0.0.1:PORT\nlo -> 127.0.0.2:PORT\n");
  tcp_duo_wait_links (d, "lo", 2);
  g_assert_cmpstr (d->client_closed->str, ==, "");
  /* What has resolved once holds while the name server is away. */
  set_name (0, "elsewhere", NULL, NULL);
  wait_description (d, "lo -> 127.0.0.1:PORT\nlo -> 127.0.0.2:PORT\n"
                       "server: Name or service not known\n");
  g_assert_cmpuint (tcp_duo_count_client (d, "lo"), ==, 2);
  /* An address that has gone for good: its link ends in good order. */
  set_name (0, "server", "127.0.0.2", NULL);
  wait_description (d, "lo -> 127.0.0.2:PORT\n");
  tcp_duo_wait_links (d, "lo", 1);
  tcp_duo_wait_closed (d, d->client_closed, "lo link-disconnected;");
  g_assert_cmpuint (d->n_changed, >=, 5);
}

/* One answer without an address is not enough to give its link up. */
static void
test_incomplete_answer (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  const CaimanTcpConnectorOptions options = { .lookup = lookup,
                                              .resolve_interval_ns = CAIMAN_NS_PER_MS };
  memset (names, 0, sizeof names);
  set_name (0, "server", "127.0.0.1", "127.0.0.2");
  tcp_duo_listen (d, loopback, NULL);
  tcp_duo_connect (d, "server", &options);
  wait_description (d, "lo -> 127.0.0.1:PORT\nlo -> 127.0.0.2:PORT\n");
  guint n_before = get_n_lookups ();
  set_name (0, "server", "127.0.0.1", NULL);
  wait_description (d, "lo -> 127.0.0.1:PORT\n");
  g_assert_cmpuint (get_n_lookups () - n_before, >=, 3);
}

/* A look-up that is under way does not hold up the end. */
static void
test_give_up_names (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  const CaimanTcpConnectorOptions options = { .lookup = lookup,
                                              .resolve_interval_ns = CAIMAN_NS_PER_MS };
  memset (names, 0, sizeof names);
  tcp_duo_listen (d, loopback, NULL);
  for (guint i = 0; i < 20; i++) {
    tcp_duo_connect (d, "one,two,three,127.0.0.1", &options);
    for (guint k = 0; k < i; k++)
      caiman_loop_iterate (d->loop, CAIMAN_NS_PER_MS);
    tcp_duo_disconnect (d);
  }
}

/* Without descriptors nothing can be looked up, which is told and tried again. */
static void
test_names_without_descriptors (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  const CaimanTcpConnectorOptions options = { .lookup = lookup,
                                              .resolve_interval_ns = CAIMAN_NS_PER_MS };
  const char *const numeric[] = { "127.0.0.1", NULL };
  g_autoptr (GError) error = NULL;
  memset (names, 0, sizeof names);
  set_name (0, "server", "127.0.0.1", NULL);
  tcp_duo_listen (d, loopback, NULL);
  tcp_duo_connect (d, "server", &options);
  struct rlimit before = take_descriptors ();
  wait_description (d, "server: eventfd: Too many open files\n");
  g_assert_null (caiman_tcp_connector_new (d->loop, numeric, 1, &options, &error));
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR);
  g_assert_nonnull (strstr (error->message, "network interfaces"));
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  wait_description (d, "lo -> 127.0.0.1:PORT\n");
}

/* --- The acceptor --- */

static int
raw_connect (const char *host, guint16 port)
{
  struct sockaddr_storage address;
  g_assert_true (caiman_address_parse (host, port, &address));
  int fd = socket (address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *)&address, caiman_address_get_size (&address)),
                   ==, 0);
  return fd;
}

/* Whether the server says Welcome to a connection to @host, or hangs up. */
static gboolean
is_welcomed (TcpDuo *d, const char *host)
{
  int fd = raw_connect (host, caiman_tcp_acceptor_get_port (d->acceptor, 0));
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
  while (poll (&poll_fd, 1, 0) == 0)
    caiman_loop_iterate (d->loop, 10 * CAIMAN_NS_PER_MS);
  char byte;
  ssize_t size = recv (fd, &byte, 1, 0);
  close (fd);
  return size == 1;
}

static void
test_no_interface (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  tcp_duo_listen (d, everywhere, NULL);
  g_assert_true (is_welcomed (d, "127.0.0.1"));
  g_assert_false (is_welcomed (d, "127.0.0.2"));
}

static void
test_any_address (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  const CaimanTcpAcceptorOptions options = { .any_address = TRUE };
  tcp_duo_listen (d, everywhere, &options);
  tcp_duo_connect (d, "127.0.0.2", NULL);
  tcp_duo_wait_links (d, "lo", 1);
  g_assert_cmpuint (tcp_duo_count_server (d, "127.0.0.2"), ==, 1);
}

static void
test_only_interfaces (void)
{
  static const char *const other[] = { "eth77", NULL }, *const lo[] = { "eth77", "lo", NULL };
  const CaimanTcpAcceptorOptions not_lo = { .interfaces = other }, with_lo = { .interfaces = lo };
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  tcp_duo_listen (d, everywhere, &not_lo);
  g_assert_false (is_welcomed (d, "127.0.0.1"));
  g_autoptr (TcpDuo) e = tcp_duo_new ();
  tcp_duo_listen (e, everywhere, &with_lo);
  g_assert_true (is_welcomed (e, "127.0.0.1"));
}

static void
test_dual_stack (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  const CaimanTcpConnectorOptions options = { .filter = CAIMAN_TCP_FILTER_INTERFACE_IP };
  const CaimanTcpAcceptorOptions acceptor = { .filter = CAIMAN_TCP_FILTER_INTERFACE_IP };
  int fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct sockaddr_in6 address = { .sin6_family = AF_INET6,
                                        .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  gboolean has_ipv6 = fd >= 0 && bind (fd, (const struct sockaddr *)&address, sizeof address) == 0;
  if (fd >= 0)
    close (fd);
  tcp_duo_listen (d, everywhere, &acceptor);
  tcp_duo_connect (d, "127.0.0.1,::1", &options);
  tcp_duo_wait_links (d, "lo", has_ipv6 ? 2 : 1);
}

static void
test_listen_errors (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  guint16 port = tcp_duo_listen (d, loopback, NULL);
  g_autofree char *taken = g_strdup_printf ("127.0.0.1:%u", port);
  const struct {
    const char *address, *complaint;
    CaimanReason reason;
  } table[] = {
    { taken, taken, CAIMAN_REASON_IO_ERROR },
    { "192.0.2.1:0", "192.0.2.1:0", CAIMAN_REASON_IO_ERROR },
    { "localhost:5700", "localhost:5700", CAIMAN_REASON_INVALID_ARGUMENT },
    { "127.0.0.1:x", "127.0.0.1:x", CAIMAN_REASON_INVALID_ARGUMENT },
    { NULL, "no address", CAIMAN_REASON_INVALID_ARGUMENT },
  };
  const CaimanTcpAcceptorOptions options = { 0 };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    const char *const addresses[] = { table[i].address, NULL };
    g_autoptr (GError) error = NULL;
    g_assert_null (caiman_tcp_acceptor_new (d->loop, d->server, addresses, &options, &error));
    g_assert_error (error, CAIMAN_ERROR, (gint)table[i].reason);
    g_assert_nonnull (strstr (error->message, table[i].complaint));
  }
}

/* Without descriptors accepting pauses, and goes on when there are some. */
static void
test_no_descriptors (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  guint16 port = tcp_duo_listen (d, loopback, NULL);
  int fds[5];
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = raw_connect ("127.0.0.1", port);
  struct rlimit before = take_descriptors ();
  for (guint i = 0; i < 3; i++)
    caiman_loop_iterate (d->loop, CAIMAN_NS_PER_MS);
  g_assert_cmpuint (caiman_server_get_n_handshakes (caiman_pump_get_server (d->server)), ==, 0);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  while (caiman_server_get_n_handshakes (caiman_pump_get_server (d->server)) < G_N_ELEMENTS (fds))
    caiman_loop_iterate (d->loop, CAIMAN_NS_PER_S);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

static CaimanTransport *
count_wraps (CaimanLoop *loop, CaimanTransport *tcp, gpointer user_data)
{
  guint *n_wraps = user_data;
  g_assert_cmpint (caiman_tcp_get_fd (tcp), >=, 0);
  ++*n_wraps;
  return tcp;
}

static void
test_wrap (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  guint n_client = 0, n_server = 0;
  const CaimanTcpConnectorOptions connector = { .wrap = count_wraps, .wrap_data = &n_client };
  const CaimanTcpAcceptorOptions acceptor = { .wrap = count_wraps, .wrap_data = &n_server };
  tcp_duo_listen (d, loopback, &acceptor);
  tcp_duo_connect (d, "127.0.0.1", &connector);
  tcp_duo_wait_links (d, "lo", 1);
  g_assert_cmpuint (n_client, ==, 1);
  g_assert_cmpuint (n_server, ==, 1);
}

/* Links come and go for ever; what the acceptor knows of them must not pile up. */
static void
test_many_links (void)
{
  g_autoptr (TcpDuo) d = tcp_duo_new ();
  tcp_duo_listen (d, loopback, NULL);
  for (guint i = 0; i < 200; i++)
    g_assert_true (is_welcomed (d, "127.0.0.1"));
  while (caiman_server_get_n_handshakes (caiman_pump_get_server (d->server)) > 0)
    caiman_loop_iterate (d->loop, CAIMAN_NS_PER_S);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/tcp-connector/one-link", test_one_link);
  g_test_add_func ("/transports/tcp-connector/single-interface", test_single_interface);
  g_test_add_func ("/transports/tcp-connector/filters", test_filters);
  g_test_add_func ("/transports/tcp-connector/server-filter", test_server_filter);
  g_test_add_func ("/transports/tcp-connector/errors", test_errors);
  g_test_add_func ("/transports/tcp-connector/several-pumps", test_several_pumps);
  g_test_add_func ("/transports/tcp-connector/names", test_names);
  g_test_add_func ("/transports/tcp-connector/incomplete-answer", test_incomplete_answer);
  g_test_add_func ("/transports/tcp-connector/give-up-names", test_give_up_names);
  g_test_add_func ("/transports/tcp-connector/names-without-descriptors",
                   test_names_without_descriptors);
  g_test_add_func ("/transports/tcp-acceptor/no-interface", test_no_interface);
  g_test_add_func ("/transports/tcp-acceptor/any-address", test_any_address);
  g_test_add_func ("/transports/tcp-acceptor/only-interfaces", test_only_interfaces);
  g_test_add_func ("/transports/tcp-acceptor/dual-stack", test_dual_stack);
  g_test_add_func ("/transports/tcp-acceptor/listen-errors", test_listen_errors);
  g_test_add_func ("/transports/tcp-acceptor/no-descriptors", test_no_descriptors);
  g_test_add_func ("/transports/tcp-acceptor/wrap", test_wrap);
  g_test_add_func ("/transports/tcp-acceptor/many-links", test_many_links);
  return g_test_run ();
}
