/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - the simulated network: named paths between one client and one server, and faults.
 *
 * sim_link_path_connect() makes a connection over a path; the server's end of it is given to the
 * accept call-back. Both ends are CaimanTransports (transports/transport.h). All call-backs come
 * from timers of the queue, never from inside a function of this header.
 *
 * The pipe carrier
 * - Connections of one path share its two serialisers (up, down): packets go out in the order in
 *   which they were sent, at the path's rate; each frame costs 10 bytes of header. A packet arrives
 *   one delay (with jitter) after its last bit, and never before the one in front of it.
 * - Loss is drawn per 1 448 bytes. A loss makes the packet arrive one RTT later (the sum of both
 *   directions' current delays), and so holds up all behind it. No bytes are ever lost.
 * - Send buffer: bytes accepted and not yet serialised. Its limit is the path's queue: bytes are
 *   taken exactly; time x rate, and packets of 1 448 bytes, at least 16 KiB; an unlimited rate
 *   with a queue in time gives 256 KiB. An end is writable while it holds less than the limit, so
 *   one packet of any size goes over it. An end's user may ask for less (set_send_limit()).
 * - Receive buffer (256 KiB unless set): while the receiver does not read, a packet is let onto the
 *   wire only if the bytes in flight and waiting, this packet included, are within receive buffer +
 *   rate x RTT (nothing is added at an unlimited rate); one packet always passes when there are
 *   none. What is held back fills the send buffer.
 * - Connect: a SYN up, a SYN-ACK down, an ACK up: the client is connected after one RTT, the server
 *   accepts half a RTT later. These take delay but no jitter, loss or rate. A SYN or SYN-ACK that
 *   meets a blackhole is gone; SYNs are repeated 1, 3, 7, 15, ... s after the first.
 *   An end is writable from connected() or its acceptance on; no writable() call-back says so.
 * - abort() drops the own send buffer; the reset arrives behind what is in flight. close() sends a
 *   FIN behind what is queued. Data for an end that is gone is dropped without an answer.
 *
 * The tcp carrier
 * - Frames are the bytes of a TCP connection (tcp-endpoint.h), whose packets share a packet path in
 *   each direction (packet-path.h): rate, queue and losses are those of IP packets, headers
 *   included. What else a path can do to packets, it does.
 * - The handshake is one of packets, too. Send and receive buffers are those of sockets, and tune
 *   themselves unless they are set.
 * - Faults are done to packets: in a blackhole they vanish, and TCP's timers decide when bytes flow
 *   again; while paused, they wait in the queue; a host that has no such connection any more
 * answers with RST, one that has vanished does not. A frame that is to be corrupted passes TCP's
 * checksum: only the frame's own can find it. */
#pragma once

#include "transports/timer-queue.h"
#include "sim/path.h"
#include "sim/tcp-endpoint.h"
#include "transports/transport.h"

G_BEGIN_DECLS

typedef struct _SimNetwork SimNetwork;
typedef struct _SimLinkPath SimLinkPath;

typedef enum {
  SIM_CARRIER_PIPE,
  SIM_CARRIER_TCP,
} SimCarrierKind;

#define SIM_CONNECT_TIMEOUT_DEFAULT_NS       (30 * CAIMAN_NS_PER_S)
#define SIM_RECEIVE_BUFFER_DEFAULT_BYTES     (256 * 1024)
#define SIM_SEND_BUFFER_MIN_BYTES            (16 * 1024)
#define SIM_SEND_BUFFER_UNLIMITED_RATE_BYTES (256 * 1024)
#define SIM_SEGMENT_BYTES                    1448

/* The server's end of a connection has been established on @path; @end (transfer full) is writable
 * and reading. Fill in its events before returning. */
typedef void (*SimAcceptFunc) (gpointer user_data, SimLinkPath *path, CaimanTransport *end);

/* @queue (borrowed) must outlive the network. @run_seed seeds every path's random streams. */
SimNetwork *sim_network_new (CaimanTimerQueue *queue, guint64 run_seed);

/* Free all ends first (asserted). What drains in the background is dropped. Accepts NULL. */
void sim_network_free (SimNetwork *network);

/* Without one (the default, or NULL), connects are refused. */
void sim_network_set_accept (SimNetwork *network, SimAcceptFunc func, gpointer user_data);

CaimanTimerQueue *sim_network_get_queue (SimNetwork *network);

/* A path named @name (unique, asserted; copied), owned by the network. @config is indexed by
 * SimDirection and valid (asserted). */
SimLinkPath *sim_network_add_path (SimNetwork *network, const char *name, SimCarrierKind kind,
                                   const SimPathConfig config[SIM_N_DIRECTIONS]);

/* (nullable) The path of that name. */
SimLinkPath *sim_network_get_path (SimNetwork *network, const char *name);

const char *sim_link_path_get_name (const SimLinkPath *path);

/* For whoever owns the paths: any pointer. */
void sim_link_path_set_user_data (SimLinkPath *path, gpointer user_data);
gpointer sim_link_path_get_user_data (const SimLinkPath *path);

/* Starts to connect; returns the client's end (transfer full). It reports connected() or failed()
 * with CONNECT_REFUSED, CONNECT_TIMEOUT or LINK_DOWN. */
CaimanTransport *sim_link_path_connect (SimLinkPath *path);

/* For connects that start later. */
void sim_link_path_set_connect_timeout (SimLinkPath *path, gint64 timeout_ns);

/* At both ends of every connection (tcp: of connections that start later); bytes > 0. Without it, a
 * pipe's is SIM_RECEIVE_BUFFER_DEFAULT_BYTES, that of tcp tunes itself. */
void sim_link_path_set_receive_buffer (SimLinkPath *path, gsize size_bytes);

/* tcp: of both ends of connections that start later. @config's seed is ignored. */
void sim_link_path_set_tcp (SimLinkPath *path, const SimTcpConfig *config);

/* What is set and counted in one direction. bytes counts what was serialised, headers included;
 * lost_packets counts segments. */
const SimPathConfig *sim_link_path_get_config (const SimLinkPath *path, SimDirection direction);
const SimPathStats *sim_link_path_get_stats (const SimLinkPath *path, SimDirection direction);

/* Connections of which an end is alive or bytes are still draining. */
guint sim_link_path_get_connections (const SimLinkPath *path);

/* Bytes, headers included, that wait in front of the bottleneck of that direction: in the send
 * buffers of pipes, in the queue of the packet path with tcp. */
gsize sim_link_path_get_queued_bytes (const SimLinkPath *path, SimDirection direction);

/* Changes while running; values as in SimPathConfig (asserted to be valid). A new rate applies at
 * once, to the packet in service too; a new delay to packets that leave from now on (order is
 * kept); a new queue limit may make ends writable. */
void sim_link_path_set_rate (SimLinkPath *path, SimDirections which, gint64 rate_bps);
void sim_link_path_set_delay (SimLinkPath *path, SimDirections which, gint64 delay_ns);
void sim_link_path_set_jitter (SimLinkPath *path, SimDirections which, const SimDist *jitter);
void sim_link_path_set_loss (SimLinkPath *path, SimDirections which, const SimLossConfig *loss);
void sim_link_path_set_mtu (SimLinkPath *path, SimDirections which, guint32 mtu_bytes,
                            gboolean is_blackhole);
void sim_link_path_set_queue (SimLinkPath *path, SimDirections which, const SimQueueLimit *queue);

/* Faults. They hit all connections of the path, old and new, and may be called from any call-back.
 * Setting what is set already does nothing. */

/* Nothing gets through: the serialiser stops, what is in flight waits too. At the end it all goes
 * on; what should have arrived meanwhile arrives at once, in order. SYNs are lost. */
void sim_link_path_set_blackhole (SimLinkPath *path, SimDirections which, gboolean on);

/* The serialiser stops; what is in flight arrives. A SYN sent meanwhile is lost. */
void sim_link_path_set_paused (SimLinkPath *path, SimDirections which, gboolean paused);

/* The client's interface goes down: its ends die with LINK_DOWN, connects fail with LINK_DOWN until
 * it is up again. What is in flight is lost and the server's ends hear nothing: they stay, silent,
 * and what they send fills their send buffers. */
void sim_link_path_set_down (SimLinkPath *path, gboolean down);

/* RST to both ends of every connection at once: LINK_RESET (CONNECT_REFUSED while connecting). */
void sim_link_path_reset (SimLinkPath *path);

/* FIN in both directions behind what is queued: each end dies with LINK_CLOSED when it arrives.
 * Connects under way are not touched. */
void sim_link_path_close (SimLinkPath *path);

/* An end vanishes: UP the client's (the one that sends up), DOWN the server's. It dies with
 * LINK_IO_ERROR; the other end hears nothing, gets no answer to what it sends (no RST either), and
 * its send buffer fills. What the vanished end had in flight still arrives. Connects under way are
 * not touched. */
void sim_link_path_half_open (SimLinkPath *path, SimDirections which);

/* A NAT in front of the client forgets its mappings: what the client sends from now on comes from
 * an address that the server does not know, and is answered with RST; what the server sends to the
 * old one is lost, and nobody says so. For carriers with packets (asserted). */
void sim_link_path_rebind (SimLinkPath *path);

/* New connects are answered with RST. */
void sim_link_path_set_refusing (SimLinkPath *path, gboolean refusing);

/* Flips a bit behind the length field of each of the next @frames frames that are serialised
 * (G_MAXUINT64: of all until further notice, 0: of none). The receiving end dies with
 * LINK_FRAME_ERROR, the other with LINK_RESET. */
void sim_link_path_corrupt (SimLinkPath *path, SimDirections which, guint64 frames);

G_END_DECLS
