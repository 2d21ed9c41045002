/* SPDX-License-Identifier: Apache-2.0 */
/* send-queue.c - rings of unacknowledged messages and transmissions. */
#include "core/send-queue.h"

#include "core/serial.h"

#include <string.h>

#define INITIAL_CAPACITY 64u

/* A peer acknowledges in the order of arrival, so what an Ack is for is at the head or close to it.
 * A bogus Ack must not cost a look at everything. */
#define ACK_SCAN_MAX 4096u
#define RESEND_FLAGS (CAIMAN_OUT_LOST | CAIMAN_OUT_REINJECT)

void
caiman_send_queue_init (CaimanSendQueue *queue, guint32 first_seq)
{
  *queue = (CaimanSendQueue) { .base_seq = first_seq,
                               .next_seq = first_seq,
                               .resend_hint = first_seq,
                               .capacity = INITIAL_CAPACITY,
                               .slots = g_new0 (CaimanOutMessage, INITIAL_CAPACITY) };
}

static CaimanOutMessage *
get_slot (CaimanSendQueue *queue, guint32 seq)
{
  return &queue->slots[seq & (queue->capacity - 1)];
}

void
caiman_send_queue_clear (CaimanSendQueue *queue)
{
  for (guint32 seq = queue->base_seq; seq != queue->next_seq; seq++)
    g_clear_pointer (&get_slot (queue, seq)->payload, g_bytes_unref);
  g_clear_pointer (&queue->slots, g_free);
}

guint32
caiman_send_queue_get_used (const CaimanSendQueue *queue)
{
  return queue->next_seq - queue->base_seq;
}

static void
grow (CaimanSendQueue *queue)
{
  CaimanSendQueue bigger = *queue;
  bigger.capacity = queue->capacity * 2;
  bigger.slots = g_new0 (CaimanOutMessage, bigger.capacity);
  for (guint32 seq = queue->base_seq; seq != queue->next_seq; seq++)
    *get_slot (&bigger, seq) = *get_slot (queue, seq);
  g_free (queue->slots);
  *queue = bigger;
}

CaimanOutMessage *
caiman_send_queue_append (CaimanSendQueue *queue, CaimanMessageType type)
{
  g_assert (caiman_send_queue_get_used (queue) < CAIMAN_SEQ_WINDOW);
  if (caiman_send_queue_get_used (queue) == queue->capacity)
    grow (queue);
  CaimanOutMessage *message = get_slot (queue, queue->next_seq);
  *message = (CaimanOutMessage) { .seq = queue->next_seq, .type = (guint8)type };
  queue->next_seq++;
  return message;
}

CaimanOutMessage *
caiman_send_queue_find (CaimanSendQueue *queue, guint32 seq)
{
  if (seq - queue->base_seq >= caiman_send_queue_get_used (queue))
    return NULL;
  return get_slot (queue, seq);
}

void
caiman_send_queue_mark (CaimanSendQueue *queue, CaimanOutMessage *message, guint8 flag)
{
  g_assert (flag == CAIMAN_OUT_LOST || flag == CAIMAN_OUT_REINJECT);
  if (message->flags & CAIMAN_OUT_ACKED)
    return;
  if (!(message->flags & RESEND_FLAGS)) {
    if (queue->n_resend == 0 || caiman_serial_before (message->seq, queue->resend_hint))
      queue->resend_hint = message->seq;
    queue->n_resend++;
  }
  message->flags |= flag;
}

void
caiman_send_queue_unmark (CaimanSendQueue *queue, CaimanOutMessage *message)
{
  if (message->flags & RESEND_FLAGS) {
    queue->n_resend--;
    queue->younger_is_next = !queue->younger_is_next;
  }
  message->flags &= (guint8) ~(RESEND_FLAGS | CAIMAN_OUT_GONE);
}

static CaimanOutMessage *
scan_resend (CaimanSendQueue *queue, guint32 seq)
{
  for (; seq != queue->next_seq; seq++) {
    CaimanOutMessage *message = get_slot (queue, seq);
    if (message->flags & RESEND_FLAGS)
      return message;
  }
  return NULL;
}

void
caiman_send_queue_resend_from (CaimanSendQueue *queue, const CaimanOutMessage *message)
{
  if (!queue->has_younger || caiman_serial_before (message->seq, queue->younger_hint))
    queue->younger_hint = message->seq;
  queue->has_younger = queue->younger_is_next = TRUE;
}

/* (nullable) */
static CaimanOutMessage *
next_younger (CaimanSendQueue *queue)
{
  if (!queue->has_younger || !queue->younger_is_next)
    return NULL;
  if (caiman_serial_before (queue->younger_hint, queue->base_seq))
    queue->younger_hint = queue->base_seq;
  CaimanOutMessage *message = scan_resend (queue, queue->younger_hint);
  queue->has_younger = message != NULL;
  if (message)
    queue->younger_hint = message->seq;
  return message;
}

CaimanOutMessage *
caiman_send_queue_next_resend (CaimanSendQueue *queue)
{
  if (queue->n_resend == 0) {
    queue->has_younger = FALSE;
    return NULL;
  }
  CaimanOutMessage *younger = next_younger (queue);
  if (younger)
    return younger;
  if (caiman_serial_before (queue->resend_hint, queue->base_seq))
    queue->resend_hint = queue->base_seq;
  CaimanOutMessage *message = scan_resend (queue, queue->resend_hint);
  g_assert (message != NULL);
  queue->resend_hint = message->seq;
  return message;
}

CaimanOutMessage *
caiman_send_queue_after_resend (CaimanSendQueue *queue, const CaimanOutMessage *message)
{
  return scan_resend (queue, message->seq + 1);
}

void
caiman_send_queue_ack (CaimanSendQueue *queue, CaimanOutMessage *message)
{
  g_assert (!(message->flags & CAIMAN_OUT_ACKED));
  caiman_send_queue_unmark (queue, message);
  message->flags |= CAIMAN_OUT_ACKED;
  g_clear_pointer (&message->payload, g_bytes_unref);
  while (queue->base_seq != queue->next_seq &&
         (get_slot (queue, queue->base_seq)->flags & CAIMAN_OUT_ACKED))
    queue->base_seq++;
}

void
caiman_flight_clear (CaimanFlight *flight)
{
  g_free (flight->slots);
  memset (flight, 0, sizeof *flight);
}

static void
flight_grow (CaimanFlight *flight)
{
  guint32 capacity = flight->capacity ? flight->capacity * 2 : 16;
  CaimanTransmission *slots = g_new (CaimanTransmission, capacity);
  for (guint32 i = 0; i < flight->n; i++)
    slots[i] = *caiman_flight_get (flight, i);
  g_free (flight->slots);
  flight->slots = slots;
  flight->capacity = capacity;
  flight->head = 0;
}

CaimanTransmission *
caiman_flight_append (CaimanFlight *flight, guint32 seq, guint32 size_bytes)
{
  if (flight->n == flight->capacity)
    flight_grow (flight);
  CaimanTransmission *transmission = caiman_flight_get (flight, flight->n);
  *transmission = (CaimanTransmission) { .seq = seq, .size_bytes = size_bytes };
  flight->n++;
  flight->bytes += size_bytes;
  return transmission;
}

gboolean
caiman_flight_ack (CaimanFlight *flight, guint32 seq, CaimanTransmission *out)
{
  for (guint32 i = 0; i < MIN (flight->n, ACK_SCAN_MAX); i++) {
    CaimanTransmission *transmission = caiman_flight_get (flight, i);
    if (transmission->seq != seq || transmission->acked)
      continue;
    *out = *transmission;
    transmission->acked = TRUE;
    flight->bytes -= transmission->size_bytes;
    while (flight->n > 0 && caiman_flight_get (flight, 0)->acked) {
      flight->head = (flight->head + 1) & (flight->capacity - 1);
      flight->n--;
    }
    return TRUE;
  }
  return FALSE;
}

CaimanTransmission *
caiman_flight_get_head (CaimanFlight *flight)
{
  return flight->n > 0 ? caiman_flight_get (flight, 0) : NULL;
}
