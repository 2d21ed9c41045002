/* SPDX-License-Identifier: Apache-2.0 */
/* link-filter.c - which links of one connection are redundant. */
#include "transports/link-filter.h"

static const char *const filter_names[] = {
  [CAIMAN_TCP_FILTER_INTERFACE_INTERFACE] = "interface-interface",
  [CAIMAN_TCP_FILTER_INTERFACE_IP] = "interface-ip",
  [CAIMAN_TCP_FILTER_NONE] = "none",
};

const char *
caiman_tcp_filter_to_string (CaimanTcpFilter filter)
{
  g_assert ((guint)filter < G_N_ELEMENTS (filter_names));
  return filter_names[filter];
}

gboolean
caiman_tcp_filter_from_string (const char *name, CaimanTcpFilter *filter_out)
{
  for (guint i = 0; i < G_N_ELEMENTS (filter_names); i++) {
    if (g_str_equal (name, filter_names[i])) {
      *filter_out = (CaimanTcpFilter)i;
      return TRUE;
    }
  }
  return FALSE;
}

/* No user data and empty user data are the same on the wire. */
static gboolean
has_same_user_data (const CaimanLink *a, const CaimanLink *b)
{
  GBytes *data_a = caiman_link_get_remote_user_data (a);
  GBytes *data_b = caiman_link_get_remote_user_data (b);
  gsize size_a = data_a ? g_bytes_get_size (data_a) : 0;
  gsize size_b = data_b ? g_bytes_get_size (data_b) : 0;
  return size_a == size_b && (size_a == 0 || g_bytes_equal (data_a, data_b));
}

/* Those of a server's connection that is not accepted yet are still connecting. */
static gboolean
is_of_use (const CaimanLink *link)
{
  CaimanLinkState state = caiman_link_get_state (link);
  return (state == CAIMAN_LINK_CONNECTING || state == CAIMAN_LINK_NEW ||
          state == CAIMAN_LINK_WORKING) &&
         !caiman_link_is_suspected (link) && !caiman_link_is_silent (link);
}

gboolean
caiman_tcp_filter_links (const CaimanLink *candidate, CaimanLink *const *links, gsize n_links,
                         gpointer user_data)
{
  CaimanTcpFilter filter = (CaimanTcpFilter)GPOINTER_TO_INT (user_data);
  if (filter == CAIMAN_TCP_FILTER_NONE)
    return TRUE;
  for (gsize i = 0; i < n_links; i++) {
    const CaimanLink *link = links[i];
    if (!is_of_use (link) ||
        g_strcmp0 (caiman_link_get_local (link), caiman_link_get_local (candidate)) != 0)
      continue;
    if (filter == CAIMAN_TCP_FILTER_INTERFACE_IP
            ? g_strcmp0 (caiman_link_get_remote (link), caiman_link_get_remote (candidate)) == 0
            : has_same_user_data (link, candidate))
      return FALSE;
  }
  return TRUE;
}
