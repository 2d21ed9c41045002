/* SPDX-License-Identifier: Apache-2.0 */
/* send-queue.h - reliable messages from their first transmission until they are acknowledged.
 *
 * Two structures. CaimanSendQueue keeps the messages of a connection by sequence number and knows
 * which must be sent again. CaimanFlight keeps, per link, what was put on that link and is not
 * acknowledged there, in the order of sending: an Ack tells of the link it comes in on
 * (PROTOCOL.md, 3), so round trips and bytes in flight are exact per link even where a message
 * went over several. */
#pragma once

#include "message.h"
#include "rate.h"

G_BEGIN_DECLS

typedef enum {
  CAIMAN_OUT_ACKED = 1 << 0,    /* the peer has it */
  CAIMAN_OUT_LOST = 1 << 1,     /* on no working link any more: must be sent again */
  CAIMAN_OUT_REINJECT = 1 << 2, /* may still arrive, but a duplicate is wanted on another link */
  CAIMAN_OUT_RESENT = 1 << 3,   /* was sent more than once */
  CAIMAN_OUT_GONE = 1 << 4,     /* LOST since its link is gone, and not only out of work */
} CaimanOutFlags;

typedef struct {
  guint32 seq;
  guint8 type; /* CaimanMessageType */
  guint8 flags;
  guint16 n_outstanding; /* transmissions on links that still count on their acknowledgement */
  guint32 last_link_id;
  guint32 size_bytes;     /* of the payload, 0 unless Data */
  guint32 consumed_bytes; /* of Consumed */
  GBytes *payload;        /* until acknowledged */
} CaimanOutMessage;

typedef struct {
  CaimanOutMessage *slots; /* ring, by seq & (capacity - 1) */
  guint32 capacity;        /* power of two */
  guint32 base_seq;        /* oldest unacknowledged */
  guint32 next_seq;
  guint32 resend_hint;      /* no message before it has LOST or REINJECT set */
  guint32 n_resend;         /* messages with LOST or REINJECT */
  gboolean has_younger;     /* caiman_send_queue_resend_from() has not been worked off */
  gboolean younger_is_next; /* of the two parts, that from there on has the next turn */
  guint32 younger_hint;     /* no message from there to here has LOST or REINJECT set */
} CaimanSendQueue;

/* @first_seq is 0 on the wire; tests start near the wrap. */
void caiman_send_queue_init (CaimanSendQueue *queue, guint32 first_seq);
void caiman_send_queue_clear (CaimanSendQueue *queue);

/* Sequence numbers in use: from the oldest unacknowledged one on; at most CAIMAN_SEQ_WINDOW. */
guint32 caiman_send_queue_get_used (const CaimanSendQueue *queue);

/* Numbers a new message. The pointer is valid until the next append. There must be room:
 * get_used() < CAIMAN_SEQ_WINDOW. */
CaimanOutMessage *caiman_send_queue_append (CaimanSendQueue *queue, CaimanMessageType type);

/* The message of @seq, or NULL when it is not in the queue (acknowledged long ago, or never sent).
 * It may be in the queue and acknowledged, while older ones are not. */
CaimanOutMessage *caiman_send_queue_find (CaimanSendQueue *queue, guint32 seq);

/* Sets or clears LOST and REINJECT. */
void caiman_send_queue_mark (CaimanSendQueue *queue, CaimanOutMessage *message, guint8 flag);
void caiman_send_queue_unmark (CaimanSendQueue *queue, CaimanOutMessage *message);

/* Of what is to be sent again, every second one is from @message on, while there are any; asked for
 * twice, from the older one on. */
void caiman_send_queue_resend_from (CaimanSendQueue *queue, const CaimanOutMessage *message);

/* The message to be sent again with the lowest sequence number, or whose turn it is; or NULL. */
CaimanOutMessage *caiman_send_queue_next_resend (CaimanSendQueue *queue);

/* The next one after @message, or NULL. */
CaimanOutMessage *caiman_send_queue_after_resend (CaimanSendQueue *queue,
                                                  const CaimanOutMessage *message);

/* Acknowledged: drops its payload, and the slots of all that is acknowledged from the base on. */
void caiman_send_queue_ack (CaimanSendQueue *queue, CaimanOutMessage *message);

/* One transmission of a message over one link. */
typedef struct {
  guint32 seq;
  guint32 size_bytes;
  gboolean written_off; /* the message no longer counts on it */
  gboolean acked;       /* acknowledged, while an older one of the link is not */
  gboolean resent;      /* not the message's first transmission */
  gboolean lone;        /* nothing else was in flight on the link */
  CaimanRateSnapshot snapshot;
} CaimanTransmission;

typedef struct {
  CaimanTransmission *slots; /* ring */
  guint32 capacity;          /* power of two, 0 at first */
  guint32 head;
  guint32 n;
  gint64 bytes; /* of those not acknowledged */
} CaimanFlight;

void caiman_flight_clear (CaimanFlight *flight);

/* Appends; the pointer is valid until the next append. */
CaimanTransmission *caiman_flight_append (CaimanFlight *flight, guint32 seq, guint32 size_bytes);

/* Takes out the oldest unacknowledged transmission of @seq. FALSE, *@out untouched: there is none.
 */
gboolean caiman_flight_ack (CaimanFlight *flight, guint32 seq, CaimanTransmission *out);

/* The oldest unacknowledged one, or NULL. */
CaimanTransmission *caiman_flight_get_head (CaimanFlight *flight);

/* The @i-th of flight->n; entries with @acked set may be among them. */
static inline CaimanTransmission *
caiman_flight_get (CaimanFlight *flight, guint32 i)
{
  return &flight->slots[(flight->head + i) & (flight->capacity - 1)];
}

G_END_DECLS
