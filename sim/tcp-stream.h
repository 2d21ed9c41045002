/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-stream.h - the frames of one direction of a simulated TCP connection as a stream of bytes.
 *
 * Nothing is copied: packets keep their references, and are known by where in the stream they end.
 * The sender pushes them, the receiver takes them out once all their bytes have come in order. */
#pragma once

#include "core/packet.h"
#include "sim/carrier.h"

G_BEGIN_DECLS

/* One or two frames (packet.h). */
typedef struct _SimTcpNode SimTcpNode;
struct _SimTcpNode {
  SimTcpNode *next;
  gint64 message_end; /* where in the stream its frames end */
  gint64 end;
  guint8 corrupt;        /* bit 0: the first frame, bit 1: the second */
  gboolean message_done; /* its message has been delivered, its payload not yet */
  CaimanPacket packet;
};

typedef struct {
  SimTcpNode *head;
  SimTcpNode *tail;
  SimTcpNode *unsent; /* the first of which no byte has been sent */
  gint64 written;     /* bytes pushed */
  guint16 frames;     /* delivered so far: the next frame's sequence number */
  SimTcpNode *free_nodes;
} SimTcpStream;

/* Takes the contents of @packet; returns how many bytes the stream has become longer. */
gint64 sim_tcp_stream_push (SimTcpStream *stream, CaimanPacket *packet);

/* Called for each frame when its first byte is sent. */
typedef void (*SimTcpBegunFunc) (gpointer user_data, const guint8 *data, gsize size);

/* All up to @sent has been sent at least once: frames that have begun get corrupted as the faults
 * of @direction say, and @begun (nullable) is told. */
void sim_tcp_stream_sent (SimTcpStream *stream, gint64 sent, SimPathDirection *direction,
                          SimTcpBegunFunc begun, gpointer user_data);

/* The first frame, if its packet ends at or before @received (a message and its payload are of use
 * only together): its bytes, a reference to
 * them (borrowed, nullable), where it ends, whether it is corrupted. It stays until it is popped.
 */
gboolean sim_tcp_stream_peek (SimTcpStream *stream, gint64 received, const guint8 **data_out,
                              gsize *size_out, GBytes **bytes_out, gint64 *end_out,
                              gboolean *corrupt_out);
void sim_tcp_stream_pop (SimTcpStream *stream);

void sim_tcp_stream_clear (SimTcpStream *stream);

G_END_DECLS
