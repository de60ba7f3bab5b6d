#!/bin/sh
# Settings that several scripts begin with. This file is read and never run.
ip tcp_metrics flush all > /dev/null 2>&1
sysctl -q net.ipv4.tcp_wmem="4096 $((256*1024)) 4194304"
sysctl -q net.ipv4.tcp_sack=0 \
  net.ipv4.tcp_nothing_of_this_name=7
tc qdisc add dev tun0 root pfifo
