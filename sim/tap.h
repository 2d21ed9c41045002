/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h - what passes by on the simulated links, told to one observer: captures of packets.
 *
 * Each thing is told twice: when it leaves its sender, and when its receiver gets it, if it does.
 * What a pipe carries leaves when its last bit is out; a TCP segment when its host gives it to the
 * path, which may drop it. The observer must not call back into the network. It changes nothing: a
 * network with a tap behaves as one without, to the bit. */
#pragma once

#include "sim/network.h"
#include "sim/tcp-segment.h"

G_BEGIN_DECLS

typedef enum {
  /* Of a pipe. */
  SIM_TAP_SYN,
  SIM_TAP_SYN_ACK,
  SIM_TAP_ACK,   /* the third of the handshake */
  SIM_TAP_FRAME, /* one packet, without its frame's header */
  SIM_TAP_FIN,
  SIM_TAP_RST, /* also the answer to a SYN that is refused */
  /* Of TCP. */
  SIM_TAP_SEGMENT,
  SIM_TAP_STREAM, /* one packet, as SIM_TAP_FRAME, joins the stream of bytes that segments carry: it
                     leaves with the next one. Told once. */
} SimTapKind;

#define SIM_TAP_INTACT G_MAXUINT64

typedef struct {
  gint64 time_ns;
  SimTapKind kind;
  SimLinkPath *path;
  guint connection; /* its number among those of the path, from 1 */
  SimDirection direction;
  gboolean arrives;   /* TRUE: at its receiver; FALSE: it leaves */
  const guint8 *data; /* of a frame; valid during the call */
  gsize size;
  guint64 corrupt_bit; /* of the frame, its header included, or any of a segment that is damaged;
                          SIM_TAP_INTACT: none */
  const SimTcpSegment *segment; /* valid during the call; of SIM_TAP_SEGMENT */
} SimTapEvent;

typedef void (*SimTapFunc) (gpointer user_data, const SimTapEvent *event);

/* From now on; NULL: nobody listens. */
void sim_network_set_tap (SimNetwork *network, SimTapFunc func, gpointer user_data);

G_END_DECLS
