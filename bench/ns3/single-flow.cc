/* SPDX-License-Identifier: Apache-2.0 */
/* single-flow.cc - one TCP connection over one link in ns-3, beside which compare.py puts the
 * simulator's.
 *
 * usage: single-flow RATE_MBIT DELAY_MS QUEUE_BYTES LOSS_PERCENT reno|cubic SECONDS SEED
 *
 * Prints the mean goodput of the receiver in bit/s, from the first to the last byte that it got. The
 * link is as `carrier = tcp` has it: a queue in bytes in front of RATE, DELAY one way, loss of the
 * data's direction alone behind the queue, and nothing else in the way: no queueing discipline, no
 * headers of a link layer in the rate. */
#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include "ns3/traffic-control-module.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace ns3;

namespace
{

/* A full packet is 1500 bytes, 52 of them headers: as over caiman's packet path. */
constexpr uint32_t SEGMENT_BYTES = 1448;
/* What PPP adds in ns-3, and the simulator's links do not have. */
constexpr uint32_t PPP_BYTES = 2;
constexpr uint32_t MTU_BYTES = 1500;
constexpr uint32_t BUFFER_BYTES = 32 * 1024 * 1024;

struct Received
{
    uint64_t bytes = 0;
    Time first = Seconds(-1);
    Time last;
};

Received received;

void
note_received(Ptr<const Packet> packet, const Address&)
{
    if (received.first.IsNegative())
        received.first = Simulator::Now();
    received.bytes += packet->GetSize();
    received.last = Simulator::Now();
}

void
set_defaults(const char* congestion)
{
    bool is_reno = std::strcmp(congestion, "reno") == 0;

    Config::SetDefault("ns3::TcpL4Protocol::SocketType",
                       TypeIdValue(is_reno ? TcpLinuxReno::GetTypeId() : TcpCubic::GetTypeId()));
    Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(SEGMENT_BYTES));
    Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
    Config::SetDefault("ns3::TcpSocket::DelAckCount", UintegerValue(2));
    Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(BUFFER_BYTES));
    Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(BUFFER_BYTES));
    Config::SetDefault("ns3::TcpSocketBase::Sack", BooleanValue(true));
    Config::SetDefault("ns3::TcpSocketBase::Timestamp", BooleanValue(true));
    Config::SetDefault("ns3::TcpSocketBase::MinRto", TimeValue(MilliSeconds(200)));
}

} // namespace

int
main(int argc, char** argv)
{
    if (argc != 8)
    {
        std::fprintf(stderr,
                     "usage: single-flow RATE_MBIT DELAY_MS QUEUE_BYTES LOSS_PERCENT reno|cubic "
                     "SECONDS SEED\n");
        return 2;
    }
    double rate_bps = std::atof(argv[1]) * 1e6 * (MTU_BYTES + PPP_BYTES) / MTU_BYTES;
    Time delay = MicroSeconds(static_cast<uint64_t>(std::atof(argv[2]) * 1000));
    Time duration = Seconds(std::atof(argv[6]));

    RngSeedManager::SetSeed(static_cast<uint32_t>(std::atoi(argv[7])));
    set_defaults(argv[5]);

    NodeContainer nodes;
    nodes.Create(2);
    PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", DataRateValue(DataRate(static_cast<uint64_t>(rate_bps))));
    link.SetDeviceAttribute("Mtu", UintegerValue(MTU_BYTES));
    link.SetChannelAttribute("Delay", TimeValue(delay));
    link.SetQueue("ns3::DropTailQueue",
                  "MaxSize",
                  QueueSizeValue(QueueSize(QueueSizeUnit::BYTES, std::atoi(argv[3]))));
    NetDeviceContainer devices = link.Install(nodes);

    InternetStackHelper stack;
    stack.Install(nodes);
    Ipv4AddressHelper addresses;
    addresses.SetBase("10.1.1.0", "255.255.255.0");
    Ipv4InterfaceContainer interfaces = addresses.Assign(devices);
    /* Assigning addresses puts a queueing discipline in front of the device's queue. */
    TrafficControlHelper().Uninstall(devices);

    Ptr<RateErrorModel> loss = CreateObject<RateErrorModel>();
    loss->SetUnit(RateErrorModel::ERROR_UNIT_PACKET);
    loss->SetRate(std::atof(argv[4]) / 100);
    devices.Get(1)->SetAttribute("ReceiveErrorModel", PointerValue(loss));

    constexpr uint16_t PORT = 5000;
    PacketSinkHelper sink("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), PORT));
    sink.Install(nodes.Get(1)).Get(0)->TraceConnectWithoutContext("Rx",
                                                                 MakeCallback(&note_received));
    BulkSendHelper source("ns3::TcpSocketFactory",
                          InetSocketAddress(interfaces.GetAddress(1), PORT));
    source.SetAttribute("SendSize", UintegerValue(16 * SEGMENT_BYTES));
    source.Install(nodes.Get(0));

    Simulator::Stop(duration);
    Simulator::Run();
    double seconds = (received.last - received.first).GetSeconds();
    std::printf("%.0f\n", seconds > 0 ? received.bytes * 8 / seconds : 0);
    Simulator::Destroy();
    return 0;
}
