#!/usr/bin/env bash
# The server: apply k3s/ and say where to look.
set -euo pipefail
export KUBECONFIG=/etc/rancher/k3s/k3s.yaml PATH=$PATH:/usr/local/bin

kubectl apply -f /vagrant/k3s/namespaces.yaml

# Grafana's administrator: a password of this test bed's own.
if ! kubectl -n metrics get secret grafana-admin >/dev/null 2>&1; then
    kubectl -n metrics create secret generic grafana-admin \
        --from-literal=password="$(head -c 18 /dev/urandom | base64)"
fi

kubectl apply -k /vagrant/k3s
# A new image keeps its name: let the pods take it.
kubectl -n logs rollout restart statefulset/log-index daemonset/shipper
kubectl -n metrics rollout restart deployment/stream-processor

cat <<END
Grafana    http://$NODE_IP:30030   user admin, password: kubectl -n metrics get secret grafana-admin -o jsonpath='{.data.password}' | base64 -d
log-index  http://$NODE_IP:31000   Loki's and Prometheus' API
Kafka      $NODE_IP:31092
END
