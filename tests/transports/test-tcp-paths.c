/* SPDX-License-Identifier: Apache-2.0 */
/* test-tcp-paths.c - which paths there are between interfaces and addresses (PROTOCOL.md, 8). */
#include "transports/tcp-paths.h"

#include "transports/address.h"

/* "INDEX NAME FLAGS ADDRESS ..." with the flags u (up), l (loopback), - (none). */
static CaimanInterface *
make_interface (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  CaimanInterface *interface = g_new0 (CaimanInterface, 1);
  interface->index = (guint)g_ascii_strtoull (words[0], NULL, 10);
  g_strlcpy (interface->name, words[1], sizeof interface->name);
  interface->up = strchr (words[2], 'u') != NULL;
  interface->loopback = strchr (words[2], 'l') != NULL;
  interface->addresses = g_array_new (FALSE, FALSE, sizeof (struct sockaddr_storage));
  for (guint i = 3; words[i]; i++) {
    struct sockaddr_storage address;
    g_assert_true (caiman_address_parse (words[i], 0, &address));
    g_array_append_val (interface->addresses, address);
  }
  return interface;
}

static void
interface_free (gpointer data)
{
  g_array_unref (((CaimanInterface *)data)->addresses);
  g_free (data);
}

static GPtrArray *
make_interfaces (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GPtrArray *interfaces = g_ptr_array_new_with_free_func (interface_free);
  for (guint i = 0; lines[i]; i++)
    g_ptr_array_add (interfaces, make_interface (lines[i]));
  return interfaces;
}

static GArray *
make_addresses (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  GArray *addresses = g_array_new (FALSE, FALSE, sizeof (struct sockaddr_storage));
  for (guint i = 0; words[i]; i++) {
    struct sockaddr_storage address;
    g_assert_true (caiman_address_parse (words[i], 80, &address));
    g_array_append_val (addresses, address);
  }
  return addresses;
}

static char *
print_paths (const GArray *paths)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < paths->len; i++) {
    g_autofree char *line = caiman_tcp_path_print (&g_array_index (paths, CaimanTcpPath, i));
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", line);
  }
  return g_string_free (text, FALSE);
}

#define LO "1 lo ul 127.0.0.1 ::1\n"
static const char *const only_b[] = { "b", NULL };

static const struct {
  const char *name, *interfaces, *addresses;
  CaimanTcpConnectorOptions options;
  const char *paths;
} cases[] = {
  { "each interface, each address",
    LO "101 a u 10.0.0.1\n102 b u 10.0.1.1",
    "192.0.2.1 192.0.2.2",
    { 0 },
    "a -> 192.0.2.1:80, a -> 192.0.2.2:80, b -> 192.0.2.1:80, b -> 192.0.2.2:80" },
  { "an address twice", LO "101 a u 10.0.0.1", "192.0.2.1 192.0.2.1", { 0 }, "a -> 192.0.2.1:80" },
  { "the family must match",
    LO "101 a u 10.0.0.1\n102 b u 2001:db8::1\n103 c u",
    "192.0.2.1 2001:db8:1::1",
    { 0 },
    "a -> 192.0.2.1:80, b -> [2001:db8:1::1]:80" },
  { "IPv4 only",
    LO "101 a u 10.0.0.1 2001:db8::1",
    "192.0.2.1 2001:db8:1::1",
    { .ip_version = CAIMAN_IP_V4 },
    "a -> 192.0.2.1:80" },
  { "IPv6 only",
    LO "101 a u 10.0.0.1 2001:db8::1",
    "192.0.2.1 2001:db8:1::1",
    { .ip_version = CAIMAN_IP_V6 },
    "a -> [2001:db8:1::1]:80" },
  { "down", LO "101 a - 10.0.0.1\n102 b u 10.0.1.1", "192.0.2.1", { 0 }, "b -> 192.0.2.1:80" },
  { "only these",
    LO "101 a u 10.0.0.1\n102 b u 10.0.1.1",
    "192.0.2.1",
    { .interfaces = only_b },
    "b -> 192.0.2.1:80" },
  { "none of these",
    LO "101 a u 10.0.0.1\n102 b u 10.0.1.1",
    "192.0.2.1",
    { .not_interfaces = only_b },
    "a -> 192.0.2.1:80" },
  { "none of these, though one of those",
    LO "102 b u 10.0.1.1",
    "192.0.2.1",
    { .interfaces = only_b, .not_interfaces = only_b },
    "" },
  { "loopback by loopback alone",
    LO "101 a u 10.0.0.1 2001:db8::1",
    "127.0.0.1 127.0.0.2 ::1",
    { 0 },
    "lo -> 127.0.0.1:80, lo -> 127.0.0.2:80, lo -> [::1]:80" },
  { "no loopback address, no path", "1 lo ul 127.0.0.1", "::1", { 0 }, "" },
  { "our own address by loopback", LO "101 a u 10.0.0.1", "10.0.0.1", { 0 }, "lo -> 10.0.0.1:80" },
  { "our own address on the loopback interface",
    "1 lo ul 127.0.0.1 192.0.2.7\n101 a u 10.0.0.1",
    "192.0.2.7 192.0.2.8",
    { 0 },
    "lo -> 192.0.2.7:80, a -> 192.0.2.8:80" },
  { "link-local over each link, in its scope",
    LO "77701 a u fe80::1%77701\n77702 b u fe80::2%77702 2001:db8::1",
    "fe80::9",
    { 0 },
    "a -> [fe80::9%77701]:80, b -> [fe80::9%77702]:80" },
  { "link-local in a given scope",
    LO "77701 a u fe80::1%77701\n77702 b u fe80::2%77702",
    "fe80::9%77702",
    { 0 },
    "b -> [fe80::9%77702]:80" },
  { "a link-local address reaches no further",
    LO "77701 a u fe80::1%77701\n102 b u 2001:db8::1",
    "2001:db8:1::1",
    { 0 },
    "b -> [2001:db8:1::1]:80" },
  { "the routing table chooses",
    LO "101 a u 10.0.0.1\n102 b - 10.0.1.1",
    "192.0.2.1 2001:db8:1::1 127.0.0.1",
    { .single_interface = TRUE, .ip_version = CAIMAN_IP_V4 },
    "any -> 192.0.2.1:80, any -> 127.0.0.1:80" },
};

static void
test_compute (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].name);
    g_autoptr (GPtrArray) interfaces = make_interfaces (cases[i].interfaces);
    g_autoptr (GArray) addresses = make_addresses (cases[i].addresses);
    g_autoptr (GArray) paths = caiman_tcp_paths_compute (interfaces, addresses, &cases[i].options);
    g_autofree char *text = print_paths (paths);
    g_assert_cmpstr (text, ==, cases[i].paths);
  }
}

/* Our own address is not bound to the loopback interface, which its route does not go through. */
static void
test_binding (void)
{
  g_autoptr (GPtrArray) interfaces = make_interfaces (LO "101 a u 10.0.0.1 10.0.0.2 2001:db8::1");
  g_autoptr (GArray) addresses = make_addresses ("127.0.0.1 10.0.0.1 192.0.2.1 2001:db8:1::1");
  const CaimanTcpConnectorOptions options = { 0 };
  g_autoptr (GArray) paths = caiman_tcp_paths_compute (interfaces, addresses, &options);
  static const char *const sources[] = { "127.0.0.1:0", "127.0.0.1:0", "10.0.0.1:0",
                                         "[2001:db8::1]:0" };
  g_assert_cmpuint (paths->len, ==, G_N_ELEMENTS (sources));
  for (guint i = 0; i < paths->len; i++) {
    const CaimanTcpPath *path = &g_array_index (paths, CaimanTcpPath, i);
    char text[CAIMAN_ADDRESS_TEXT_BYTES];
    g_assert_cmpstr (caiman_address_print (&path->source, text), ==, sources[i]);
    g_assert_true (path->is_bound == (i != 1));
  }
}

static void
test_is_up (void)
{
  static const struct {
    const char *interfaces;
    gboolean up;
  } table[] = {
    { LO "101 a u 10.0.0.1", TRUE },
    { LO "101 a u 10.0.0.2", TRUE }, /* another address: that of the link is looked at elsewhere */
    { LO "101 renamed u 10.0.0.1", TRUE },
    { LO "101 a - 10.0.0.1", FALSE },
    { LO "102 a u 10.0.0.1", FALSE }, /* made anew under the same name */
    { LO "101 a u", FALSE },
    { LO "101 a u 2001:db8::1", FALSE },
    { LO "102 b u 10.0.0.1", FALSE },
  };
  g_autoptr (GPtrArray) before = make_interfaces (LO "101 a u 10.0.0.1");
  g_autoptr (GArray) addresses = make_addresses ("192.0.2.1");
  const CaimanTcpConnectorOptions options = { 0 };
  g_autoptr (GArray) paths = caiman_tcp_paths_compute (before, addresses, &options);
  const CaimanTcpPath *path = &g_array_index (paths, CaimanTcpPath, 0);
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (GPtrArray) interfaces = make_interfaces (table[i].interfaces);
    g_assert_true (caiman_tcp_path_is_up (path, interfaces) == table[i].up);
  }
  const CaimanTcpPath any = { .remote = path->remote };
  g_assert_true (caiman_tcp_path_is_up (&any, before));
  g_assert_false (caiman_tcp_path_equal (&any, path));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/tcp-paths/compute", test_compute);
  g_test_add_func ("/transports/tcp-paths/binding", test_binding);
  g_test_add_func ("/transports/tcp-paths/is-up", test_is_up);
  return g_test_run ();
}
