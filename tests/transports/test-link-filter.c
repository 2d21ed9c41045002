/* SPDX-License-Identifier: Apache-2.0 */
/* test-link-filter.c - which links are redundant (PROTOCOL.md, 8). */
#include "transports/link-filter.h"

#include "core/connection-private.h"

static void
test_names (void)
{
  for (int i = 0; i < 3; i++) {
    CaimanTcpFilter filter = (CaimanTcpFilter)99;
    g_assert_true (
        caiman_tcp_filter_from_string (caiman_tcp_filter_to_string ((CaimanTcpFilter)i), &filter));
    g_assert_cmpint (filter, ==, i);
  }
  CaimanTcpFilter filter = CAIMAN_TCP_FILTER_INTERFACE_IP;
  g_assert_false (caiman_tcp_filter_from_string ("interface", &filter));
  g_assert_cmpint (filter, ==, CAIMAN_TCP_FILTER_INTERFACE_IP);
}

static CaimanLink
make_link (const char *local, const char *remote, const char *user_data, CaimanLinkState state)
{
  return (CaimanLink) { .local = (char *)local,
                        .remote = (char *)remote,
                        .remote_user_data =
                            user_data ? g_bytes_new (user_data, strlen (user_data)) : NULL,
                        .state = state };
}

/* Whether a candidate (eth0, 192.0.2.1, "wan0") is let in beside one other link. */
static const struct {
  const char *local, *remote, *user_data;
  CaimanLinkState state;
  gboolean suspected;
  gboolean interface_interface, interface_ip;
} cases[] = {
  { "eth0", "192.0.2.1", "wan0", CAIMAN_LINK_WORKING, FALSE, FALSE, FALSE },
  { "eth0", "192.0.2.1", "wan0", CAIMAN_LINK_NEW, FALSE, FALSE, FALSE },
  { "eth0", "192.0.2.1", "wan0", CAIMAN_LINK_CONNECTING, FALSE, FALSE, FALSE },
  { "eth1", "192.0.2.1", "wan0", CAIMAN_LINK_WORKING, FALSE, TRUE, TRUE },
  { NULL, "192.0.2.1", "wan0", CAIMAN_LINK_WORKING, FALSE, TRUE, TRUE },
  { "eth0", "192.0.2.2", "wan0", CAIMAN_LINK_WORKING, FALSE, FALSE, TRUE },
  { "eth0", NULL, "wan0", CAIMAN_LINK_WORKING, FALSE, FALSE, TRUE },
  { "eth0", "192.0.2.1", "wan1", CAIMAN_LINK_WORKING, FALSE, TRUE, FALSE },
  { "eth0", "192.0.2.1", "wan00", CAIMAN_LINK_WORKING, FALSE, TRUE, FALSE },
  { "eth0", "192.0.2.1", NULL, CAIMAN_LINK_WORKING, FALSE, TRUE, FALSE },
  /* What is in trouble does not keep out who is to take its place. */
  { "eth0", "192.0.2.1", "wan0", CAIMAN_LINK_WORKING, TRUE, TRUE, TRUE },
  { "eth0", "192.0.2.1", "wan0", CAIMAN_LINK_NOT_WORKING, FALSE, TRUE, TRUE },
  { "eth0", "192.0.2.1", "wan0", CAIMAN_LINK_CLOSING, FALSE, TRUE, TRUE },
};

static gboolean
is_let_in (const CaimanLink *candidate, CaimanLink *other, CaimanTcpFilter filter)
{
  CaimanLink harmless = make_link ("lo", "::1", "lo", CAIMAN_LINK_WORKING);
  CaimanLink *const links[] = { &harmless, other };
  gboolean result = caiman_tcp_filter_links (candidate, links, 2, GINT_TO_POINTER (filter));
  g_bytes_unref (harmless.remote_user_data);
  return result;
}

static void
test_filters (void)
{
  CaimanLink candidate = make_link ("eth0", "192.0.2.1", "wan0", CAIMAN_LINK_CONNECTING);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    CaimanLink other =
        make_link (cases[i].local, cases[i].remote, cases[i].user_data, cases[i].state);
    other.suspected = cases[i].suspected;
    g_assert_true (is_let_in (&candidate, &other, CAIMAN_TCP_FILTER_INTERFACE_INTERFACE) ==
                   cases[i].interface_interface);
    g_assert_true (is_let_in (&candidate, &other, CAIMAN_TCP_FILTER_INTERFACE_IP) ==
                   cases[i].interface_ip);
    g_assert_true (is_let_in (&candidate, &other, CAIMAN_TCP_FILTER_NONE));
    g_clear_pointer (&other.remote_user_data, g_bytes_unref);
  }
  g_bytes_unref (candidate.remote_user_data);
}

/* A peer without interface names sends no user data, and so has one remote interface. */
static void
test_no_user_data (void)
{
  CaimanLink candidate = make_link ("eth0", "192.0.2.1", "", CAIMAN_LINK_CONNECTING);
  CaimanLink other = make_link ("eth0", "192.0.2.2", NULL, CAIMAN_LINK_WORKING);
  g_assert_false (is_let_in (&candidate, &other, CAIMAN_TCP_FILTER_INTERFACE_INTERFACE));
  g_bytes_unref (candidate.remote_user_data);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/link-filter/names", test_names);
  g_test_add_func ("/transports/link-filter/filters", test_filters);
  g_test_add_func ("/transports/link-filter/no-user-data", test_no_user_data);
  return g_test_run ();
}
