#!/bin/sh
# Verifies the signatures of a folder of evidence offline with openssl 3 and the standard commands.
#
#   sh verify_notes.sh FOLDER [KEYS]
#
# KEYS is a file of keys that was not taken from the folder; without it FOLDER/log.vkey is believed.
# Signatures only, and that the head is of the checkpoint: no Merkle proof is checked here.
# Prints OK and exits with 0, or FAIL with the reason and exits with 1.
set -eu
folder=$1
keys=${2:-$folder/log.vkey}
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

refuse() {
  echo "FAIL $*"
  exit 1
}

# An Ed25519 key as openssl reads it is these twelve bytes and the key; a vkey has one byte before.
key_of() {
  printf '\060\052\060\005\006\003\053\145\160\003\041\000'
  printf '%s' "$1" | base64 -d 2>/dev/null | tail -c +2
}

# signed FILE NAME: whether a known key of that name has signed the note.
signed() {
  sed '/^$/,$d' "$1" >"$temporary/text"
  while IFS=+ read -r name id material; do
    [ "$name" = "$2" ] || continue
    key_of "$material" >"$temporary/key"
    sed -n "s/^— //p" "$1" | while read -r signer content; do
      [ "$signer" = "$name" ] || continue
      printf '%s' "$content" | base64 -d >"$temporary/signature" 2>/dev/null || continue
      [ "$(head -c 4 "$temporary/signature" | od -An -tx1 | tr -d ' ')" = "$id" ] || continue
      tail -c +5 "$temporary/signature" >"$temporary/content"
      openssl pkeyutl -verify -pubin -inkey "$temporary/key" -keyform DER -rawin \
        -in "$temporary/text" -sigfile "$temporary/content" 2>/dev/null | grep -q Successfully &&
        : >"$temporary/verified"
    done || true
  done <"$keys"
  [ -e "$temporary/verified" ] && rm "$temporary/verified"
}

for file in checkpoint head checkpoint.old; do
  [ "$file" != checkpoint.old ] || [ -e "$folder/$file" ] || continue
  [ -r "$folder/$file" ] || refuse "$file can't be read"
  line=1
  [ "$file" != head ] || line=2
  signed "$folder/$file" "$(sed -n "${line}p" "$folder/$file")" ||
    refuse "$file is not signed by a known key under its origin's name"
done
[ "$(sed -n 1p "$folder/head")" = "asin-sync head v1" ] || refuse "head is no head of a stream"
[ "$(sed -n '2p;5p;6p' "$folder/head")" = "$(sed -n 1,3p "$folder/checkpoint")" ] ||
  refuse "head is of another checkpoint"
echo "OK openssl $(sed -n 1p "$folder/checkpoint"): signatures of $(sed -n 2p "$folder/checkpoint")" \
  "leaves, head $(sed -n 4p "$folder/head")"
