/* SPDX-License-Identifier: Apache-2.0 */
/* flight.c - see flight.h. */
#include "sim/flight.h"

#define RING_MIN 16

void
sim_flight_clear (SimFlight *flight)
{
  g_free (flight->ring);
  *flight = (SimFlight) { 0 };
}

static void
grow (SimFlight *flight)
{
  guint size = MAX (RING_MIN, flight->size * 2);
  SimFlying *ring = g_new (SimFlying, size);

  for (guint i = 0; i < flight->n; i++)
    ring[i] = flight->ring[(flight->first + i) & (flight->size - 1)];
  g_free (flight->ring);
  *flight = (SimFlight) { .ring = ring, .size = size, .n = flight->n };
}

void
sim_flight_put (SimFlight *flight, const SimPacket *packet, gint64 arrival_ns)
{
  guint mask, place;

  if (flight->n == flight->size)
    grow (flight);
  mask = flight->size - 1;
  place = flight->first + flight->n++;
  while (place != flight->first && flight->ring[(place - 1) & mask].arrival_ns > arrival_ns) {
    flight->ring[place & mask] = flight->ring[(place - 1) & mask];
    place--;
  }
  flight->ring[place & mask] = (SimFlying) { *packet, arrival_ns };
}
