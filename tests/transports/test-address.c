/* SPDX-License-Identifier: Apache-2.0 */
/* test-address.c - socket addresses, read, compared and printed. */
#include "transports/address.h"

#include <netinet/in.h>
#include <string.h>

static const struct {
  const char *text, *host; /* @host NULL: an error */
  guint16 port;
} splits[] = {
  { "host", "host", 7 },
  { "host:5800", "host", 5800 },
  { "192.0.2.1", "192.0.2.1", 7 },
  { "192.0.2.1:1", "192.0.2.1", 1 },
  { "2001:db8::1", "2001:db8::1", 7 },
  { "[2001:db8::1]", "2001:db8::1", 7 },
  { "[2001:db8::1]:65535", "2001:db8::1", 65535 },
  { "[fe80::1%7]:9", "fe80::1%7", 9 },
  { "::", "::", 7 },
  { "", NULL, 0 },
  { ":80", NULL, 0 },
  { "host:", NULL, 0 },
  { "host:65536", NULL, 0 },
  { "host:-1", NULL, 0 },
  { "host:80x", NULL, 0 },
  { "[2001:db8::1", NULL, 0 },
  { "[2001:db8::1]80", NULL, 0 },
  { "[]:80", NULL, 0 },
  { "[host]:80", NULL, 0 },
  { "[192.0.2.1]:80", NULL, 0 },
  { "1:2:3", NULL, 0 },
  { "fe80::1%nosuchinterface", NULL, 0 },
};

static void
test_split (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (splits); i++) {
    g_autofree char *host = NULL;
    g_autoptr (GError) error = NULL;
    guint16 port = 0;
    gboolean ok = caiman_address_split (splits[i].text, 7, &host, &port, &error);
    g_assert_cmpstr (host, ==, splits[i].host);
    g_assert_cmpuint (port, ==, splits[i].port);
    g_assert_true (ok == (splits[i].host != NULL));
    if (ok)
      continue;
    g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT);
    g_assert_nonnull (strstr (error->message, splits[i].text));
  }
}

static struct sockaddr_storage
parse (const char *host, guint16 port)
{
  struct sockaddr_storage address;
  g_assert_true (caiman_address_parse (host, port, &address));
  return address;
}

static void
test_parse_and_print (void)
{
  static const struct {
    const char *host, *printed, *printed_host;
  } table[] = {
    { "192.0.2.1", "192.0.2.1:80", "192.0.2.1" },
    { "2001:DB8:0::1", "[2001:db8::1]:80", "2001:db8::1" },
    { "fe80::1%1", "[fe80::1%lo]:80", "fe80::1" },
    { "fe80::1%lo", "[fe80::1%lo]:80", "fe80::1" },
    { "fe80::1%77777", "[fe80::1%77777]:80", "fe80::1" },
  };
  char text[CAIMAN_ADDRESS_TEXT_BYTES];
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    struct sockaddr_storage address = parse (table[i].host, 80);
    g_assert_cmpstr (caiman_address_print (&address, text), ==, table[i].printed);
    g_assert_cmpstr (caiman_address_print_host (&address, text), ==, table[i].printed_host);
    g_assert_cmpuint (caiman_address_get_port (&address), ==, 80);
  }
  const struct sockaddr_storage none = { 0 };
  g_assert_cmpstr (caiman_address_print_host (&none, text), ==, "?");
  struct sockaddr_storage address;
  g_assert_false (caiman_address_parse ("host", 1, &address));
  g_assert_false (caiman_address_parse ("192.0.2.1%lo", 1, &address));
  g_assert_false (caiman_address_parse ("192.0.2.256", 1, &address));
}

static void
test_kinds (void)
{
  struct sockaddr_storage address = parse ("127.9.9.9", 0);
  g_assert_true (caiman_address_is_loopback (&address));
  g_assert_false (caiman_address_is_link_local (&address));
  address = parse ("128.0.0.1", 0);
  g_assert_false (caiman_address_is_loopback (&address));
  address = parse ("::1", 0);
  g_assert_true (caiman_address_is_loopback (&address));
  address = parse ("fe80::1", 0);
  g_assert_true (caiman_address_is_link_local (&address));
  g_assert_false (caiman_address_is_loopback (&address));
}

static void
test_compare (void)
{
  static const struct {
    const char *a, *b;
    gboolean same_host, equal; /* equal: with the same port */
  } table[] = {
    { "192.0.2.1", "192.0.2.1", TRUE, TRUE },       { "192.0.2.1", "192.0.2.2", FALSE, FALSE },
    { "192.0.2.1", "2001:db8::1", FALSE, FALSE },   { "2001:db8::1", "2001:db8:0::1", TRUE, TRUE },
    { "2001:db8::1", "2001:db8::2", FALSE, FALSE }, { "fe80::1%4", "fe80::1%5", FALSE, FALSE },
    { "fe80::1%4", "fe80::1", TRUE, FALSE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    struct sockaddr_storage a = parse (table[i].a, 1), b = parse (table[i].b, 1);
    g_assert_true (caiman_address_is_same_host (&a, &b) == table[i].same_host);
    g_assert_true (caiman_address_equal (&a, &b) == table[i].equal);
    caiman_address_set_port (&b, 2);
    g_assert_true (caiman_address_is_same_host (&a, &b) == table[i].same_host);
    g_assert_false (caiman_address_equal (&a, &b));
  }
}

static void
test_mapped (void)
{
  struct sockaddr_storage mapped = parse ("::ffff:192.0.2.1", 80), plain;
  char text[CAIMAN_ADDRESS_TEXT_BYTES];
  g_assert_true (caiman_address_normalise ((const struct sockaddr *)&mapped, &plain));
  g_assert_cmpstr (caiman_address_print (&plain, text), ==, "192.0.2.1:80");
  const struct sockaddr unix_address = { .sa_family = AF_UNIX };
  g_assert_false (caiman_address_normalise (&unix_address, &plain));
}

static void
test_network (void)
{
  static const char *const table[][2] = {
    { "192.0.2.1", "192.0.2.1" },
    { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
    { "2001:db8:1:2::", "2001:db8:1:2::/64" },
    { "::1", "::/64" },
    { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64" },
  };
  char text[CAIMAN_ADDRESS_TEXT_BYTES];
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    struct sockaddr_storage address = parse (table[i][0], 80);
    g_assert_cmpstr (caiman_address_print_network (&address, text), ==, table[i][1]);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/address/split", test_split);
  g_test_add_func ("/transports/address/parse-and-print", test_parse_and_print);
  g_test_add_func ("/transports/address/kinds", test_kinds);
  g_test_add_func ("/transports/address/compare", test_compare);
  g_test_add_func ("/transports/address/mapped", test_mapped);
  g_test_add_func ("/transports/address/network", test_network);
  return g_test_run ();
}
