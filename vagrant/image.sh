#!/usr/bin/env bash
# The server: build Tailrace's image from the checkout and hand it to both nodes.
set -euo pipefail

image=localhost/tailrace:dev
shared=/var/lib/tailrace-image
port=8000

dnf install -y -q podman
podman build --quiet --tag $image --build-arg BUILD_NUMBER="$(date -u +%Y%m%d%H%M)" /vagrant

install -d -m 0755 $shared
rm -f $shared/tailrace.tar
podman save --quiet --output $shared/tailrace.tar $image
chmod 0644 $shared/tailrace.tar
/usr/local/bin/k3s ctr images import $shared/tailrace.tar

# There is no registry: the worker fetches the image from here, over the private network.
cat >/etc/systemd/system/tailrace-image.service <<END
[Unit]
Description=Tailrace's image for the other nodes
After=network-online.target

[Service]
ExecStart=/usr/bin/python3 -m http.server --bind $NODE_IP --directory $shared $port
DynamicUser=yes
Restart=on-failure

[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable --quiet --now tailrace-image
