#!/usr/bin/env bash
# The worker: join K3s, take Tailrace's image from the server.
set -euo pipefail

k3s_channel=v1.34
interface=$(ip -o -4 address show | awk -v ip="$NODE_IP" '$4 ~ "^" ip "/" { print $2 }')

curl -fsSL https://get.k3s.io | INSTALL_K3S_CHANNEL=$k3s_channel INSTALL_K3S_EXEC="agent \
    --node-ip $NODE_IP --flannel-iface $interface --node-label tailrace/role=forecasting" \
    K3S_URL=https://$SERVER_IP:6443 K3S_TOKEN=$K3S_TOKEN sh -

image=$(mktemp)
trap 'rm -f "$image"' EXIT
curl -fsS --retry 10 --retry-connrefused -o "$image" "http://$SERVER_IP:8000/tailrace.tar"
/usr/local/bin/k3s ctr images import "$image"
