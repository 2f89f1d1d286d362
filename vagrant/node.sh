#!/usr/bin/env bash
# Both machines: what the shipper of a node needs from it, and an open private network.
set -euo pipefail

# The user of Tailrace's image, see Containerfile.
tailrace_uid=65532

# The shipper keeps its positions here across restarts of its pod.
install -d -o $tailrace_uid -g $tailrace_uid -m 0750 /var/lib/tailrace

# rsyslog writes for root alone; the shipper is not root but reads as a member of group root.
cat >/etc/rsyslog.d/00-group-readable.conf <<'END'
$Umask 0027
$FileCreateMode 0640
END
for log in messages secure maillog cron; do
    [ ! -e "/var/log/$log" ] || chmod 0640 "/var/log/$log"
done
systemctl restart rsyslog

# K3s needs the nodes, the pods and the services to reach each other.
if systemctl is-active --quiet firewalld; then
    for network in "${NODE_IP%.*}.0/24" 10.42.0.0/16 10.43.0.0/16; do
        firewall-cmd --quiet --permanent --zone=trusted --add-source="$network"
    done
    firewall-cmd --quiet --reload
fi
