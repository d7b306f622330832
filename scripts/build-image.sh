#!/usr/bin/env bash
# Builds the image where there is no container engine and no registry: as root on Debian, with buildah and a base made by
# debootstrap that stands in for python:3.11-slim-bookworm. With an engine, `docker build -t taxii-hub .` does the same.
#
#   scripts/build-image.sh [WORKDIR]      WORKDIR keeps base and layers (about 3 GB; default /var/tmp/taxii-hub-image)
set -euo pipefail
cd "$(dirname "$0")/.."
work=${1:-/var/tmp/taxii-hub-image}
base=docker.io/library/python:3.11-slim-bookworm
tag=taxii-hub:test

command -v buildah >/dev/null && command -v debootstrap >/dev/null || {
    echo "install these Debian packages first: buildah debootstrap" >&2
    exit 1
}
mkdir -p "$work"
buildah=(nice buildah --root "$work/root" --runroot "$work/run" --storage-driver vfs)

if ! "${buildah[@]}" inspect --type image "$base" >/dev/null 2>&1; then
    [[ -d $work/base/usr ]] ||
        nice debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/base" >"$work/debootstrap.log"
    container=$("${buildah[@]}" from scratch)
    "${buildah[@]}" add -q "$container" "$work/base" / >/dev/null
    "${buildah[@]}" config --env PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin "$container"
    "${buildah[@]}" commit -q --rm "$container" "$base" >/dev/null
fi

# The machine's own certificates, for a network that has an authority of its own; they do not end in the image.
"${buildah[@]}" bud --isolation chroot --format docker --pull-never -v /etc/ssl/certs:/etc/ssl/certs:ro -t "$tag" .

container=$("${buildah[@]}" from --pull-never "$tag")
trap '"${buildah[@]}" rm "$container" >/dev/null' EXIT
run=("${buildah[@]}" run --isolation chroot "$container" --)
"${run[@]}" taxii-hub --version
"${run[@]}" taxii-hub collections check
"${run[@]}" taxii-hub mappings list
size=$("${buildah[@]}" images --format '{{.Size}}' "$tag")
echo "$tag: $size"
