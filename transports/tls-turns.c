/* SPDX-License-Identifier: Apache-2.0 */
/* tls-turns.c - a count and a queue for each network that has any. */
#include "transports/tls-turns.h"

/* Few enough that two networks together leave some of GIO's first threads to others; a client with
 * more links waits a round trip or two longer for the rest. */
#define ACTIVE_MAX 4

typedef struct {
  guint n_active;
  GQueue waiting; /* of CaimanTlsTurn, by its node */
} Network;

static void
unref_table (gpointer table)
{
  g_hash_table_unref (table);
}

/* char* (owned) to Network (owned), of this thread. */
static GHashTable *
get_networks (void)
{
  static GPrivate networks = G_PRIVATE_INIT (unref_table);
  GHashTable *table = g_private_get (&networks);
  if (!table) {
    table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    g_private_set (&networks, table);
  }
  return table;
}

/* Who has no address is a network with all of these. */
static void
set_network (CaimanTlsTurn *turn, int fd)
{
  struct sockaddr_storage address = { 0 }, normal;
  socklen_t size = sizeof address;
  turn->network[0] = '\0';
  if (getpeername (fd, (struct sockaddr *)&address, &size) == 0 &&
      caiman_address_normalise ((const struct sockaddr *)&address, &normal))
    caiman_address_print_network (&normal, turn->network);
}

static void
begin (CaimanTlsTurn *turn, Network *network)
{
  network->n_active++;
  turn->active = TRUE;
  turn->begin (turn);
}

void
caiman_tls_turn_await (CaimanTlsTurn *turn, int fd)
{
  g_assert (!turn->active && !turn->node.data);
  set_network (turn, fd);
  GHashTable *networks = get_networks ();
  Network *network = g_hash_table_lookup (networks, turn->network);
  if (!network) {
    network = g_new0 (Network, 1);
    g_hash_table_insert (networks, g_strdup (turn->network), network);
  }
  if (network->n_active < ACTIVE_MAX) {
    begin (turn, network);
    return;
  }
  turn->node.data = turn;
  g_queue_push_tail_link (&network->waiting, &turn->node);
}

void
caiman_tls_turn_end (CaimanTlsTurn *turn)
{
  if (!turn->active && !turn->node.data)
    return;
  GHashTable *networks = get_networks ();
  Network *network = g_hash_table_lookup (networks, turn->network);
  if (turn->node.data) {
    g_queue_unlink (&network->waiting, &turn->node);
    turn->node.data = NULL;
    return; /* then all turns are taken, or this would not have waited */
  }
  turn->active = FALSE;
  network->n_active--;
  GList *next = g_queue_pop_head_link (&network->waiting);
  if (next) {
    CaimanTlsTurn *other = next->data;
    next->data = NULL;
    begin (other, network);
  } else if (network->n_active == 0) {
    g_hash_table_remove (networks, turn->network);
  }
}

gboolean
caiman_tls_turn_is_waiting (const CaimanTlsTurn *turn)
{
  return turn->node.data != NULL;
}
