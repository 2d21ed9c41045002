/* SPDX-License-Identifier: Apache-2.0 */
/* handshakes.c - two lists whose nodes are in the links, and a table of addresses. */
#include "core/connection-private.h"

void
caiman_handshakes_init (CaimanHandshakes *handshakes)
{
  g_queue_init (&handshakes->links);
  g_queue_init (&handshakes->ready);
  handshakes->addresses = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

void
caiman_handshakes_clear (CaimanHandshakes *handshakes)
{
  g_assert (handshakes->links.length == 0);
  g_clear_pointer (&handshakes->addresses, g_hash_table_unref);
}

static guint
get_n_from (const CaimanHandshakes *handshakes, const char *remote)
{
  return remote ? GPOINTER_TO_UINT (g_hash_table_lookup (handshakes->addresses, remote)) : 0;
}

static void
set_n_from (CaimanHandshakes *handshakes, const char *remote, guint n)
{
  if (remote == NULL)
    return;
  if (n > 0)
    g_hash_table_replace (handshakes->addresses, g_strdup (remote), GUINT_TO_POINTER (n));
  else
    g_hash_table_remove (handshakes->addresses, remote);
}

gboolean
caiman_handshakes_has_room (const CaimanHandshakes *handshakes, const CaimanConfig *config,
                            const char *remote)
{
  return handshakes->links.length < (guint)config->handshakes_max &&
         get_n_from (handshakes, remote) < (guint)config->handshakes_per_address_max;
}

void
caiman_handshakes_add (CaimanHandshakes *handshakes, CaimanLink *link)
{
  g_queue_push_tail_link (&handshakes->links, &link->handshake_node);
  set_n_from (handshakes, link->remote, get_n_from (handshakes, link->remote) + 1);
}

void
caiman_handshakes_remove (CaimanHandshakes *handshakes, CaimanLink *link)
{
  caiman_handshakes_set_ready (handshakes, link, FALSE);
  g_queue_unlink (&handshakes->links, &link->handshake_node);
  set_n_from (handshakes, link->remote, get_n_from (handshakes, link->remote) - 1);
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
