#!/usr/bin/env bash
# The server: K3s' control plane and Helm.
set -euo pipefail

k3s_channel=v1.34
helm_version=v3.22.0
interface=$(ip -o -4 address show | awk -v ip="$NODE_IP" '$4 ~ "^" ip "/" { print $2 }')

curl -fsSL https://get.k3s.io | INSTALL_K3S_CHANNEL=$k3s_channel INSTALL_K3S_EXEC="server \
    --node-ip $NODE_IP --advertise-address $NODE_IP --flannel-iface $interface \
    --node-label tailrace/role=monitoring \
    --write-kubeconfig-group vagrant --write-kubeconfig-mode 0640" K3S_TOKEN=$K3S_TOKEN sh -

case $(uname -m) in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
esac
if ! /usr/local/bin/helm version 2>/dev/null | grep -q "$helm_version"; then
    download=$(mktemp -d)
    trap 'rm -rf "$download"' EXIT
    archive=helm-$helm_version-linux-$architecture.tar.gz
    (
        cd "$download"
        curl -fsSLO "https://get.helm.sh/$archive" -O "https://get.helm.sh/$archive.sha256sum"
        sha256sum --check --quiet "$archive.sha256sum"
        tar -xzf "$archive"
    )
    install -m 0755 "$download/linux-$architecture/helm" /usr/local/bin/helm
fi

# For kubectl and helm in a shell on this machine.
echo 'export KUBECONFIG=/etc/rancher/k3s/k3s.yaml' >/etc/profile.d/k3s.sh
