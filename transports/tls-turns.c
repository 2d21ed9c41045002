/* SPDX-License-Identifier: Apache-2.0 */
/* tls-turns.c - a count and a queue for each network that has any. */
#include "transports/tls-turns.h"

/* Few enough that two networks together leave some of GIO's first threads to others; a client with
 * more links waits a round trip or two longer for the rest. */
#define ACTIVE_MAX 4

/* Of all networks together. GIO's pool grows to that within seconds, and not beyond. */
#define TOTAL_MAX 32

typedef struct {
  guint n_active;
  GQueue waiting; /* of CaimanTlsTurn, by its node */
} Network;

/* Of this thread. */
typedef struct {
  GHashTable *networks; /* char* (owned) to Network (owned) */
  guint n_active;       /* of all networks */
  guint64 last_arrival;
} Turns;

static void
free_turns (gpointer data)
{
  Turns *turns = data;
  g_hash_table_unref (turns->networks);
  g_free (turns);
}

static Turns *
get_turns (void)
{
  static GPrivate key = G_PRIVATE_INIT (free_turns);
  Turns *turns = g_private_get (&key);
  if (!turns) {
    turns = g_new0 (Turns, 1);
    turns->networks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    g_private_set (&key, turns);
  }
  return turns;
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
begin (Turns *turns, CaimanTlsTurn *turn, Network *network)
{
  turns->n_active++;
  network->n_active++;
  turn->active = TRUE;
  turn->begin (turn);
}

static const CaimanTlsTurn *
get_first (const Network *network)
{
  return network->waiting.head->data;
}

/* (nullable) The network whose turn is next, if there were one: which one that is does not depend
 * on the table's order. */
static Network *
pick_network (const Turns *turns)
{
  GHashTableIter iter;
  gpointer value;
  Network *best = NULL;
  g_hash_table_iter_init (&iter, turns->networks);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Network *network = value;
    if (network->waiting.length == 0 || network->n_active >= ACTIVE_MAX)
      continue;
    if (!best || network->n_active < best->n_active ||
        (network->n_active == best->n_active &&
         get_first (network)->arrival < get_first (best)->arrival))
      best = network;
  }
  return best;
}

gboolean
caiman_tls_turns_are_crowded (void)
{
  const Turns *turns = get_turns ();
  return turns->n_active >= TOTAL_MAX && pick_network (turns) != NULL;
}

void
caiman_tls_turn_await (CaimanTlsTurn *turn, int fd)
{
  g_assert (!turn->active && !turn->node.data);
  set_network (turn, fd);
  Turns *turns = get_turns ();
  Network *network = g_hash_table_lookup (turns->networks, turn->network);
  if (!network) {
    network = g_new0 (Network, 1);
    g_hash_table_insert (turns->networks, g_strdup (turn->network), network);
  }
  turn->arrival = ++turns->last_arrival;
  if (network->n_active < ACTIVE_MAX && turns->n_active < TOTAL_MAX) {
    begin (turns, turn, network);
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
  Turns *turns = get_turns ();
  Network *network = g_hash_table_lookup (turns->networks, turn->network), *next = NULL;
  if (turn->node.data) {
    g_queue_unlink (&network->waiting, &turn->node);
    turn->node.data = NULL;
  } else {
    turn->active = FALSE;
    turns->n_active--;
    network->n_active--;
    next = pick_network (turns);
  }
  if (network->n_active == 0 && network->waiting.length == 0)
    g_hash_table_remove (turns->networks, turn->network);
  if (next) {
    CaimanTlsTurn *other = g_queue_pop_head_link (&next->waiting)->data;
    other->node.data = NULL;
    begin (turns, other, next);
  }
}

gboolean
caiman_tls_turn_is_waiting (const CaimanTlsTurn *turn)
{
  return turn->node.data != NULL;
}
