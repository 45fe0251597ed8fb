# Runs a script with one process on each of two hosts: two network namespaces with a cable between them.
# unshare --map-root-user --net bash two_hosts.sh PYTHON SCRIPT ARGUMENT...
set -e
python=$1
shift
unshare --net sleep infinity &
other=$!
trap 'kill $other' EXIT
while [ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
ip link set lo up
ip link add here type veth peer name there netns $other
ip addr add 10.77.0.1/24 dev here
ip link set here up
there() { nsenter --target $other --net "$@"; }
there ip link set lo up
there ip addr add 10.77.0.2/24 dev there
there ip link set there up
node() { echo -m torch.distributed.run --nnodes=2 --nproc-per-node=1 --node-rank=$1 --master-addr=10.77.0.1 --master-port=29500; }
GLOO_SOCKET_IFNAME=there there "$python" $(node 1) "$@" &
second=$!
GLOO_SOCKET_IFNAME=here "$python" $(node 0) "$@"
wait $second
