#!/bin/sh
# Builds the image where no image registry can be reached: the local Go tree, a
# shell and the libraries that it needs become an image that carries the name of
# the Dockerfile's base. The Dockerfile itself is used as it is.
#
#   test/image/standin.sh [IMAGE]
#
# Wants root and buildah (Debian: apt-get install buildah). The module cache and
# the build cache of this machine are mounted read-write, so nothing is fetched
# or compiled twice. Prints what the image holds, and runs it once.
set -eu
cd "$(dirname "$0")/../.."

image=${1:-outrigger-injector:standin}
base=$(sed -n 's/^FROM \([^ ]*\) AS build$/\1/p' Dockerfile)

[ "$(id -u)" = 0 ] || { echo "standin: wants root: buildah makes file systems" >&2; exit 1; }
command -v buildah >/dev/null || { echo "standin: buildah is missing, run: apt-get install buildah" >&2; exit 1; }

# No kernel feature is needed for these two.
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT INT TERM
mkdir -p "$root/tmp" "$root/usr/local" "$root/root" "$root/etc/ssl" "$root/proc" "$root/dev" "$root/sys"
chmod 1777 "$root/tmp"
cp -a "$(go env GOROOT)" "$root/usr/local/go"
for file in /bin/sh $(ldd /bin/sh | grep -o '/[^ ]*'); do
  mkdir -p "$root$(dirname "$file")"
  cp -L "$file" "$root$file"
done
[ ! -d /etc/ssl/certs ] || cp -rL /etc/ssl/certs "$root/etc/ssl/certs" 2>/dev/null || true

echo "standin: the local $(go env GOVERSION) stands in for $base"
printf 'FROM scratch\nCOPY . /\nENV PATH=/usr/local/go/bin:/bin GOPATH=/go GOCACHE=/go/cache GOTOOLCHAIN=local\n' > "$root/Dockerfile"
buildah build --quiet --ignorefile /dev/null -t "docker.io/library/$base" -f "$root/Dockerfile" "$root" >/dev/null

make image ENGINE=buildah IMAGE="$image" \
  IMAGE_FLAGS="--pull=never --volume $(go env GOMODCACHE):/go/pkg/mod --volume $(go env GOCACHE):/go/cache"

container=$(buildah from --pull-never "$image")
trap 'buildah rm "$container" >/dev/null; rm -rf "$root"' EXIT INT TERM
mount=$(buildah mount "$container")
echo "standin: what $image holds:"
(cd "$mount" && find . -type f -exec ls -l {} + | awk '{print "  " $5, $9}')
buildah inspect --type image --format '  user {{.OCIv1.Config.User}}, entrypoint {{.OCIv1.Config.Entrypoint}}' "$image"
buildah run "$container" -- /outrigger-injector --help >/dev/null && echo "standin: it runs"
