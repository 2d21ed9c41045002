/* SPDX-License-Identifier: Apache-2.0 */
/* duo.h - two endpoints joined by simple links in virtual time: tests that read as a story.
 *
 *   g_autoptr (Duo) d = duo_new (NULL, NULL);
 *   duo_add_link (d, "a", MS (10));
 *   duo_send (d, "hello");
 *   duo_advance (d, MS (30));
 *   duo_expect_delivered (d, "hello");
 *
 * A client connection, a server and the connection it accepts. Every verb does all the work that
 * is due at the present instant; only duo_advance() and its like let time pass. Links are numbered
 * from 1. What is put on the wire is logged. duo_expect_*() abort with the place of the caller.
 *
 * One end of a link may be played by the test itself (duo_add_raw_link()): then packets come from
 * duo_inject() alone, and what the other end sends is in the log. */
#pragma once

#include "core/connector.h"
#include "core/crypto.h"
#include "core/message.h"
#include "core/prng.h"
#include "core/server.h"

G_BEGIN_DECLS

#define US(n)  ((n)*CAIMAN_NS_PER_US)
#define MS(n)  ((n)*CAIMAN_NS_PER_MS)
#define S(n)   ((n)*CAIMAN_NS_PER_S)
#define KIB(n) ((n)*G_GINT64_CONSTANT (1024))
#define MIB(n) (KIB (n) * 1024)

typedef enum { DUO_CLIENT, DUO_SERVER, DUO_N_SIDES } DuoSide;

typedef struct _Duo Duo;

/* One message that was put on the wire. */
typedef struct {
  gint64 time_ns;
  DuoSide side;   /* who sent it */
  guint link;     /* on which link, from 1 */
  gboolean known; /* it could be parsed */
  CaimanMessage message;
  gssize payload_bytes; /* of Data; else -1 */
  GBytes *raw;          /* (owned by the log) the message's bytes */
} DuoMessage;

typedef struct {
  gint64 time_ns;
  DuoSide side;
  guint link; /* 0: none */
  CaimanEvent event;
} DuoEvent;

/* Messages of an index-marked series in one direction; see duo_offer(). */
typedef struct {
  gsize n_offered, n_sent, n_received;
  gsize size_min_bytes, size_max_bytes;
  guint64 received_bytes;
} DuoSeries;

typedef struct {
  guint packets_max; /* in transit per direction; 0: no bound */
  gsize bytes_max;
  gint64 split_ns; /* the payload of a Data message arrives this much after its header */
} DuoLinkLimits;

struct _Duo {
  gint64 now_ns;
  CaimanPrng prngs[DUO_N_SIDES];
  CaimanRandom randoms[DUO_N_SIDES];
  CaimanConnection *client;
  CaimanServer *server;
  CaimanConnection *accepted; /* NULL before */
  CaimanConnection *pending;  /* the latest that came in (borrowed) */
  CaimanConnector *connector; /* (nullable, borrowed) runs with the client */
  void (*opened) (Duo *d, const CaimanConnectorAction *action); /* acts for the connector */
  gboolean auto_accept;                                         /* initially TRUE */
  gboolean auto_read;            /* read all messages at both ends and check their series */
  gboolean keep_log;             /* initially TRUE */
  GPtrArray *links;              /* of DuoLink */
  GArray *log;                   /* of DuoMessage */
  GArray *events;                /* of DuoEvent */
  DuoSeries series[DUO_N_SIDES]; /* by sender */
  guint64 n_traces[DUO_N_SIDES][CAIMAN_N_TRACE_TYPES];
  guint n_incoming;
  CaimanConfig server_config;
  guint32 first_seq;
};

/* NULL: the preset `adaptive`. Both are copied. */
Duo *duo_new (const CaimanConfig *client_config, const CaimanConfig *server_config);
Duo *duo_new_seeded (const CaimanConfig *client_config, const CaimanConfig *server_config,
                     guint64 seed);
void duo_free (Duo *d);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Duo, duo_free)

/* The preset `adaptive`, to be changed and given to duo_new(). */
CaimanConfig duo_config (void);

/* Both directions begin with @seq instead of 0, as after that many messages (PROTOCOL.md, 5).
 * Before the first link; the server's end takes it over when it is accepted. */
void duo_start_at_seq (Duo *d, guint32 seq);

/* --- Links --- */

/* Opens a link with a one-way delay of @delay_ns; returns its number. */
guint duo_add_link (Duo *d, const char *name, gint64 delay_ns);
guint duo_add_link_full (Duo *d, const CaimanLinkInfo *info, gint64 delay_ns,
                         const DuoLinkLimits *limits);
/* The same for a link that the client's end has been made for already (by a connector). */
guint duo_join_link (Duo *d, CaimanLink *client_end, gint64 delay_ns);
/* A link that has only an end at @side; the test plays the other one. */
guint duo_add_raw_link (Duo *d, DuoSide side, const char *name);
/* The end of a link; aborts when that end was closed, unless @may_be_gone. */
CaimanLink *duo_get_link (Duo *d, DuoSide side, guint link);

/* Both transports die at once; what was on the way is lost. */
void duo_drop_link (Duo *d, guint link);
/* Nothing arrives any more, in both directions or in the one away from @from, and nobody is told.
 */
void duo_stall_link (Duo *d, guint link);
void duo_stall_direction (Duo *d, DuoSide from, guint link);
/* What was held back arrives now. */
void duo_resume_link (Duo *d, guint link);
/* What is in transit is limited anew. */
void duo_limit_link (Duo *d, guint link, guint packets_max, gsize bytes_max);
void duo_block (Duo *d, DuoSide side, guint link);
void duo_unblock (Duo *d, DuoSide side, guint link);
void duo_disconnect (Duo *d, DuoSide side, guint link);
/* The server's end vanishes without a word, all links with it; a new server takes its place. */
void duo_restart_server (Duo *d);

/* --- Time --- */

/* Does what is due now; call it after using an endpoint's functions directly. */
void duo_settle (Duo *d);
void duo_advance (Duo *d, gint64 delta_ns);
/* Until nothing is on its way any more and nothing is due for a second; at most @limit_ns. */
void duo_run_until_idle (Duo *d);
/* Until both ends have ended (or the client alone, before it was accepted); FALSE after @limit_ns.
 */
gboolean duo_run_until_ended (Duo *d, gint64 limit_ns);

/* --- Application --- */

CaimanConnection *duo_get_end (Duo *d, DuoSide side); /* asserts that it is there */
void duo_accept (Duo *d);                             /* what waits, when auto_accept is off */
void duo_refuse (Duo *d);

void duo_send (Duo *d, const char *text);        /* by the client, as one message */
void duo_server_send (Duo *d, const char *text); /* by the server */
/* Puts @n messages of @size bytes each (at least 8) up for sending as soon as there is room, marked
 * by their index; with auto_read the other end checks them. */
void duo_offer (Duo *d, DuoSide side, gsize n, gsize size_min_bytes, gsize size_max_bytes);
gboolean duo_is_delivered (Duo *d, DuoSide side); /* all that @side was offered */
/* Reads all that is there (and checks it against the series). */
void duo_read_all (Duo *d, DuoSide side);
void duo_finish (Duo *d, DuoSide side);
void duo_close (Duo *d, DuoSide side);

/* --- The wire --- */

/* @size bytes arrive at the end of @side, as if from the peer. */
void duo_inject (Duo *d, DuoSide side, guint link, const void *bytes, gsize size);
void duo_inject_message (Duo *d, DuoSide side, guint link, const CaimanMessage *message);
/* What a peer played by the test says first: Welcome of the server @server_id, or Connect for the
 * connection @id, which answers the Welcome in the log. */
CaimanMessage duo_make_welcome (const CaimanId *server_id);
CaimanMessage duo_make_connect (Duo *d, guint link, const CaimanId *id, gboolean existing);
/* Says it on a raw link. */
void duo_raw_welcome (Duo *d, guint link, const CaimanId *server_id);
void duo_raw_connect (Duo *d, guint link, const CaimanId *id, gboolean existing);
/* The number of messages of @type (0: any) that @side sent on @link (0: any). */
guint duo_count_sent (Duo *d, DuoSide side, guint link, CaimanMessageType type);
/* The last of them, NULL if none; valid until the next verb. */
const DuoMessage *duo_last_sent (Duo *d, DuoSide side, guint link, CaimanMessageType type);
void duo_forget (Duo *d); /* empties log and events */

guint duo_count_events (Duo *d, DuoSide side, CaimanEventType type);
const DuoEvent *duo_last_event (Duo *d, DuoSide side, CaimanEventType type);

/* Prints both ends and their links, for a test that is about to fail. */
void duo_describe (Duo *d);

/* --- Expectations --- */

#define duo_expect_delivered(d, text)                                                              \
  duo_expect_delivered_at (d, DUO_SERVER, text, __FILE__, __LINE__)
#define duo_expect_client_delivered(d, text)                                                       \
  duo_expect_delivered_at (d, DUO_CLIENT, text, __FILE__, __LINE__)
/* Nothing is there to be read, because of @reason (WOULD_BLOCK, FINISHED, ...). */
#define duo_expect_nothing(d, side, reason)                                                        \
  duo_expect_nothing_at (d, side, reason, __FILE__, __LINE__)
#define duo_expect_state(d, side, state) duo_expect_state_at (d, side, state, __FILE__, __LINE__)
#define duo_expect_link_state(d, side, link, state)                                                \
  duo_expect_link_state_at (d, side, link, state, __FILE__, __LINE__)
/* The end of @link at @side is closed, because of @reason. */
#define duo_expect_link_closed(d, side, link, reason)                                              \
  duo_expect_link_closed_at (d, side, link, reason, __FILE__, __LINE__)
/* Both ends have ended, for these reasons. */
#define duo_expect_ended(d, client_reason, server_reason)                                          \
  duo_expect_ended_at (d, client_reason, server_reason, __FILE__, __LINE__)
#define duo_expect_side_ended(d, side, reason)                                                     \
  duo_expect_side_ended_at (d, side, reason, __FILE__, __LINE__)

void duo_expect_delivered_at (Duo *d, DuoSide side, const char *text, const char *file, int line);
void duo_expect_nothing_at (Duo *d, DuoSide side, CaimanReason reason, const char *file, int line);
void duo_expect_state_at (Duo *d, DuoSide side, CaimanConnectionState state, const char *file,
                          int line);
void duo_expect_link_state_at (Duo *d, DuoSide side, guint link, CaimanLinkState state,
                               const char *file, int line);
void duo_expect_link_closed_at (Duo *d, DuoSide side, guint link, CaimanReason reason,
                                const char *file, int line);
void duo_expect_ended_at (Duo *d, CaimanReason client_reason, CaimanReason server_reason,
                          const char *file, int line);
void duo_expect_side_ended_at (Duo *d, DuoSide side, CaimanReason reason, const char *file,
                               int line);

G_END_DECLS
