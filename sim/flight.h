/* SPDX-License-Identifier: Apache-2.0 */
/* flight.h - packets in flight, in the order of their arrival; of the same instant, in the order in
 * which they were put. */
#pragma once

#include "core/types.h"
#include "sim/packet.h"

G_BEGIN_DECLS

typedef struct {
  SimPacket packet;
  gint64 arrival_ns;
} SimFlying;

/* All 0: empty. */
typedef struct {
  SimFlying *ring;
  guint size; /* a power of two */
  guint first;
  guint n;
} SimFlight;

void sim_flight_clear (SimFlight *flight);

/* Quick when it arrives last or nearly so. */
void sim_flight_put (SimFlight *flight, const SimPacket *packet, gint64 arrival_ns);

/* (nullable) The first one; stays valid until the next call. */
static inline SimFlying *
sim_flight_peek (const SimFlight *flight)
{
  return flight->n > 0 ? &flight->ring[flight->first] : NULL;
}

/* Takes out the first one, which must be there. */
static inline void
sim_flight_pop (SimFlight *flight)
{
  flight->first = (flight->first + 1) & (flight->size - 1);
  flight->n--;
}

G_END_DECLS
