/* SPDX-License-Identifier: Apache-2.0 */
/* handshakes.c - two lists whose nodes are in the links, and a table of networks. */
#include "core/connection-private.h"

void
caiman_handshakes_init (CaimanHandshakes *handshakes)
{
  g_queue_init (&handshakes->links);
  g_queue_init (&handshakes->ready);
  handshakes->networks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

void
caiman_handshakes_clear (CaimanHandshakes *handshakes)
{
  g_assert (handshakes->links.length == 0);
  g_clear_pointer (&handshakes->networks, g_hash_table_unref);
}

static guint
get_n_from (const CaimanHandshakes *handshakes, const char *network)
{
  return network ? GPOINTER_TO_UINT (g_hash_table_lookup (handshakes->networks, network)) : 0;
}

static void
set_n_from (CaimanHandshakes *handshakes, const char *network, guint n)
{
  if (network == NULL)
    return;
  if (n > 0)
    g_hash_table_replace (handshakes->networks, g_strdup (network), GUINT_TO_POINTER (n));
  else
    g_hash_table_remove (handshakes->networks, network);
}

gboolean
caiman_handshakes_has_room_for (const CaimanHandshakes *handshakes, const CaimanConfig *config,
                                const char *network)
{
  return get_n_from (handshakes, network) < (guint)config->handshakes_per_address_max;
}

gboolean
caiman_handshakes_is_full (const CaimanHandshakes *handshakes, const CaimanConfig *config)
{
  return handshakes->links.length >= (guint)config->handshakes_max;
}

void
caiman_handshakes_add (CaimanHandshakes *handshakes, CaimanLink *link)
{
  g_queue_push_tail_link (&handshakes->links, &link->handshake_node);
  set_n_from (handshakes, link->remote_network, get_n_from (handshakes, link->remote_network) + 1);
}

void
caiman_handshakes_remove (CaimanHandshakes *handshakes, CaimanLink *link)
{
  caiman_handshakes_set_ready (handshakes, link, FALSE);
  g_queue_unlink (&handshakes->links, &link->handshake_node);
  set_n_from (handshakes, link->remote_network, get_n_from (handshakes, link->remote_network) - 1);
}

void
caiman_handshakes_set_ready (CaimanHandshakes *handshakes, CaimanLink *link, gboolean ready)
{
  if (link->is_ready == ready)
    return;
  link->is_ready = ready;
  if (ready)
    g_queue_push_tail_link (&handshakes->ready, &link->ready_node);
  else
    g_queue_unlink (&handshakes->ready, &link->ready_node);
}

CaimanLink *
caiman_handshakes_get_ready (const CaimanHandshakes *handshakes)
{
  return handshakes->ready.head ? handshakes->ready.head->data : NULL;
}

CaimanLink *
caiman_handshakes_get_oldest (const CaimanHandshakes *handshakes)
{
  return handshakes->links.head ? handshakes->links.head->data : NULL;
}
